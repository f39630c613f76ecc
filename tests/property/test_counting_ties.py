"""Every outcome of a tied count, against trying every answer to every question."""

from math import factorial

from hypothesis import given
from hypothesis import strategies as st

from protocol.counting.ballots import RankedElection
from protocol.counting.irv import instant_run_off
from protocol.counting.sortition import Pool, sortition
from protocol.counting.stv import stv_scottish
from protocol.counting.ties import Stream

from .elections import ranked_elections


class Answers:
    """Answers by number, counting up in the mixed base that the questions turn out to have."""

    def __init__(self, number: int) -> None:
        self.number = number

    def pick(self, among: tuple[int, ...], *, round: int, purpose: str, favours: bool) -> int:
        self.number, answer = divmod(self.number, len(among))
        return among[answer]


@given(election=ranked_elections(weight=st.integers(0, 2)))
def test_nothing_is_left_out_and_nothing_is_made_up(election: RankedElection) -> None:
    for rule in (stv_scottish, instant_run_off):
        if rule is instant_run_off and election.seats > 1:
            continue
        result = rule(election, all_ties=True)
        listed = result.ties.outcomes if result.ties else (tuple(sorted(result.elected)),)
        # Whoever is picked is never asked about again, so n candidates can leave in n! ways
        # at most, and each number below that answers the questions in a way of its own.
        ways = range(factorial(len(election.standing)))
        found = {tuple(sorted(rule(election, decider=Answers(number)).elected)) for number in ways}
        assert set(listed) == found


@given(people=st.lists(st.text(max_size=3), min_size=1, max_size=9, unique=True), seed=st.binary(), data=st.data())
def test_a_draw_is_repeatable_whatever_the_order_of_the_list(
    people: list[str], seed: bytes, data: st.DataObject
) -> None:
    seats = data.draw(st.integers(1, len(people)))
    shuffled = data.draw(st.permutations(people))
    here = sortition(Pool(tuple(people), seats), seed=seed)
    there = sortition(Pool(tuple(shuffled), seats), seed=seed)
    assert [people[i] for i in here.elected] == [shuffled[i] for i in there.elected]
    assert len(set(here.elected)) == seats
    assert sorted(here.rounds[0].order) == list(range(len(people)))


@given(seed=st.binary(), label=st.binary(), sizes=st.lists(st.integers(1, 2**70), max_size=20))
def test_numbers_stay_below_their_bound(seed: bytes, label: bytes, sizes: list[int]) -> None:
    one, other = Stream(seed, label), Stream(seed, label)
    for size in sizes:
        number = one.below(size)
        assert 0 <= number < size
        assert other.below(size) == number
