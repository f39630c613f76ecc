"""What is decided from outside a rule: fixed orders, lots, and every outcome of both."""

from collections import Counter
from hashlib import sha256

import pytest

from protocol.counting import ties
from protocol.counting.ballots import Lot, Result, Ties
from protocol.counting.ties import (
    LISTED,
    ByLot,
    ByOrder,
    Decider,
    Draws,
    Settlement,
    Stream,
    every_outcome,
    fill,
    lot_seed,
    settle,
)
from protocol.errors import Malformed


def test_seniority_favours_the_first_and_puts_the_last_out() -> None:
    order = ByOrder(((4,), (1, 2), (0,)))
    assert order.pick((0, 1, 4), round=0, purpose="elect", favours=True) == 4
    assert order.pick((0, 1, 4), round=0, purpose="exclude", favours=False) == 0
    assert order.pick((1, 3, 5), round=0, purpose="exclude", favours=False) == 5
    assert order.pick((1, 2), round=0, purpose="elect", favours=True) == 1
    assert LISTED.pick((1, 2), round=0, purpose="exclude", favours=False) == 2


def test_a_lot_follows_where_seniority_leaves_equals() -> None:
    seed = b"seed"
    order = ByOrder(((1, 2, 3),), then=ByLot(seed))
    drawn = ByLot(seed).pick((1, 2, 3), round=2, purpose="elect", favours=True)
    assert order.pick((0, 1, 2, 3), round=2, purpose="elect", favours=True) == drawn
    assert order.pick((0, 1, 2), round=2, purpose="exclude", favours=False) == 0


def test_a_lot_depends_on_the_seed_and_the_question_alone() -> None:
    def draw(seed: bytes, among: tuple[int, ...], round: int, purpose: str) -> int:
        return ByLot(seed).pick(among, round=round, purpose=purpose, favours=True)

    seeds = [bytes([byte]) for byte in range(200)]
    for question in (((0, 1, 2), 0, "elect"), ((0, 1, 2), 1, "elect"), ((0, 1, 2), 0, "exclude")):
        assert [draw(seed, *question) for seed in seeds] == [draw(seed, *question) for seed in seeds]
    first = [draw(seed, (0, 1, 2), 0, "elect") for seed in seeds]
    assert first != [draw(seed, (0, 1, 2), 1, "elect") for seed in seeds]
    assert first != [draw(seed, (0, 1, 2), 0, "exclude") for seed in seeds]
    assert Counter(first).keys() == {0, 1, 2}


def test_the_stream_is_the_documented_one() -> None:
    key = sha256(b"label\0seed").digest()
    blocks = b"".join(sha256(key + number.to_bytes(8, "big")).digest() for number in range(4))
    stream = Stream(b"seed", b"label")
    assert [stream.below(256) for _ in range(100)] == list(blocks[:100])
    twelve = Stream(b"seed", b"label")
    expected = [value for value in (byte & 15 for byte in blocks) if value < 12]
    assert [twelve.below(12) for _ in range(40)] == expected[:40]
    wide = Stream(b"seed", b"label")
    assert wide.below(2**16) == int.from_bytes(blocks[:2], "big")
    assert Stream(b"seed", b"label").below(1) == 0


def test_every_number_of_the_stream_is_about_as_likely() -> None:
    stream = Stream(b"uniform", b"label")
    counts = Counter(stream.below(5) for _ in range(10_000))
    assert set(counts) == set(range(5))
    assert all(1_850 < count < 2_150 for count in counts.values())


def test_the_seed_takes_nonces_in_any_order_and_nothing_else_by_accident() -> None:
    seed = lot_seed(b"ballot", 0, [b"one", b"two"])
    assert len(seed) == 32
    assert seed == lot_seed(b"ballot", 0, [b"two", b"one"])
    others = [
        lot_seed(b"ballot", 1, [b"one", b"two"]),
        lot_seed(b"ballots", 0, [b"one", b"two"]),
        lot_seed(b"ballot", 0, [b"onet", b"wo"]),
        lot_seed(b"ballot", 0, [b"one"]),
    ]
    assert len({seed, *others}) == 5


def test_draws_keep_what_was_asked_and_ask_nothing_of_one() -> None:
    draws = Draws(LISTED)
    assert draws.pick([3], round=0, purpose="elect", favours=True, state=lambda: None) == 3
    assert draws.ties is None
    assert draws.pick({4, 2}, round=1, purpose="exclude", favours=False, state=lambda: None) == 4
    assert draws.ties == Ties((Lot(1, "exclude", (2, 4), 4),))


def elimination(decider: Decider, people: int, *, alike: bool) -> Result[None]:
    """Leave one by one, by lot, until two are left; ``alike``: only who is left matters."""
    draws = Draws(decider)
    left = list(range(people))
    gone: list[int] = []
    while len(left) > 2:
        loser = draws.pick(
            left,
            round=len(gone),
            purpose="exclude",
            favours=False,
            state=lambda: tuple(sorted(gone)) if alike else tuple(gone),
        )
        left.remove(loser)
        gone.append(loser)
    return Result("elimination/1", tuple(left), (), (), draws.ties)


@pytest.mark.parametrize("alike", [True, False])
def test_every_outcome_of_a_chain_of_ties(alike: bool) -> None:
    result = every_outcome(lambda decider: elimination(decider, 5, alike=alike), elimination(LISTED, 5, alike=alike))
    assert result.elected == (0, 1)
    assert result.ties is not None
    assert result.ties.complete
    assert result.ties.outcomes == tuple((a, b) for a in range(5) for b in range(a + 1, 5))


def test_a_count_without_ties_has_nothing_to_list() -> None:
    result = elimination(LISTED, 2, alike=True)
    assert every_outcome(lambda decider: elimination(decider, 2, alike=True), result) is result


def test_too_many_ways_are_called_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ties, "MOST_COUNTS", 3)
    result = every_outcome(lambda decider: elimination(decider, 5, alike=False), elimination(LISTED, 5, alike=False))
    assert result.ties is not None
    assert not result.ties.complete
    assert (0, 1) in result.ties.outcomes
    _, incomplete = fill(((0, 1, 2, 3),), 1, round=0, decider=ByOrder(((3,),)), all_ties=True)
    assert incomplete is not None
    assert not incomplete.complete
    assert incomplete.outcomes == ((0,), (1,), (2,), (3,))


def test_many_alike_are_listed_all_the_same() -> None:
    result = every_outcome(lambda decider: elimination(decider, 10, alike=True), elimination(LISTED, 10, alike=True))
    assert result.ties is not None
    assert (result.ties.complete, len(result.ties.outcomes)) == (True, 45)


def test_seats_are_filled_from_tiers() -> None:
    assert fill(((2,), (0, 1)), 3, round=0, decider=LISTED, all_ties=True) == ((2, 0, 1), None)
    assert fill(((2,), (1, 0), (3,)), 3, round=0, decider=LISTED, all_ties=True) == ((2, 0, 1), None)
    assert fill(((2,),), 3, round=0, decider=LISTED, all_ties=True) == ((2,), None)
    elected, found = fill(((2,), (0, 1)), 2, round=0, decider=LISTED, all_ties=False)
    assert (elected, found) == ((2, 0), Ties((Lot(0, "elect", (0, 1), 0),)))


def test_a_charter_that_draws_no_lots() -> None:
    elected, found = fill(((5,), (0, 1, 2)), 2, round=0, decider=LISTED, all_ties=True)
    result: Result[None] = Result("some/1", elected, (), (), found)
    assert settle("fails", result) == Settlement((5,), 1, ())
    assert settle("run-off", result) == Settlement((5,), 1, (0, 1, 2))
    clear: Result[None] = Result("some/1", (1, 0), (), ())
    assert settle("fails", clear) == Settlement((1, 0), 0, ())


def test_a_tie_cannot_be_settled_on_half_of_its_outcomes() -> None:
    open_tie: Result[None] = Result("some/1", (0,), (), (), Ties((Lot(0, "elect", (0, 1), 0),)))
    cut: Result[None] = Result("some/1", (0,), (), (), Ties((Lot(0, "elect", (0, 1), 0),), ((0,),), complete=False))
    for result in (open_tie, cut):
        with pytest.raises(Malformed) as fault:
            settle("run-off", result)
        assert fault.value.rule == "ties.unlisted"
