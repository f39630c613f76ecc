"""The Scottish count by hand, in hundred-thousandths of a vote. Real wards are in tests/oracles."""

from fractions import Fraction

import pytest

from protocol.counting.ballots import Lot, RankedElection
from protocol.counting.stv import UNIT, Stage, decimal, stv_scottish
from protocol.counting.ties import ByOrder

from .test_schulze import ranked


def votes(stage: Stage) -> tuple[str, ...]:
    return tuple(decimal(units) for units in stage.votes)


def test_a_surplus_is_cut_to_five_decimals() -> None:
    result = stv_scottish(ranked("ABC", (4, "A B"), (3, "A C"), (2, "A"), (3, "B"), (3, "C"), seats=2))
    assert result.rule == "stv-scottish/1"
    first, surplus, exclusion = result.rounds
    assert first == Stage(
        "first preferences", None, ((0, 900_000), (1, 300_000), (2, 300_000)),
        (900_000, 300_000, 300_000), 0, 0, 600_000, (0,),
    )  # fmt: skip
    assert surplus == Stage(
        "surplus", 0, ((1, 133_332), (2, 99_999)), (600_000, 433_332, 399_999), 66_666, 3, 600_000, ()
    )
    assert exclusion == Stage("exclusion", 2, (), (600_000, 433_332, 0), 66_666 + 399_999, 3, 600_000, (1,))
    assert result.elected == (0, 1)
    assert result.ranking == ((0,), (1,), (2,))
    assert result.ties is None


def test_papers_keep_the_value_at_which_they_were_received() -> None:
    result = stv_scottish(ranked("ABCD", (10, "A B D"), (3, "B C"), (2, "C"), (1, "D"), seats=3))
    assert [votes(stage) for stage in result.rounds] == [
        ("10.00000", "3.00000", "2.00000", "1.00000"),
        ("5.00000", "8.00000", "2.00000", "1.00000"),
        ("5.00000", "5.00000", "3.12500", "2.87500"),
        ("5.00000", "5.00000", "3.12500", "0.00000"),
    ]
    assert [stage.action for stage in result.rounds] == ["first preferences", "surplus", "surplus", "exclusion"]
    assert result.elected == (0, 1, 2)


def test_the_largest_surplus_goes_first() -> None:
    # Both exceed the quota of 6 at once; B has more, though A is listed first.
    result = stv_scottish(ranked("ABCDE", (7, "A C"), (9, "B D"), (2, "C"), (1, "D"), (1, "E C"), seats=3))
    assert [stage.candidate for stage in result.rounds][:3] == [None, 1, 0]
    assert result.rounds[0].elected == (1, 0)


def test_equals_at_exclusion_are_told_apart_by_the_most_recent_difference() -> None:
    election = ranked("ACDE", (2, "A C"), (14, "A"), (2, "C"), (3, "D"), (1, "E"), seats=2)
    result = stv_scottish(election, all_ties=True)
    assert [stage.candidate for stage in result.rounds] == [None, 0, 3, 1]
    assert votes(result.rounds[2])[1:3] == ("3.00000", "3.00000")
    assert result.elected == (0, 2)
    assert result.ties is None


def test_equal_surpluses_from_the_start_need_a_lot() -> None:
    election = ranked("ABCDE", (7, "A C"), (7, "B D"), (3, "C"), (3, "D"), (2, "E"), seats=3)
    listed = stv_scottish(election, all_ties=True)
    assert listed.ties is not None
    assert listed.ties.lots[0] == Lot(1, "surplus", (0, 1), 0)
    assert [stage.candidate for stage in listed.rounds][1:3] == [0, 1]
    other = stv_scottish(election, decider=ByOrder(((1,), (0,), (3,), (2,))))
    assert [stage.candidate for stage in other.rounds][1:3] == [1, 0]
    # After both surpluses C and D are equal again, and have always been: the lot elects one.
    assert (listed.elected, other.elected) == ((0, 1, 2), (0, 1, 3))
    assert listed.ties.outcomes == ((0, 1, 2), (0, 1, 3))


def test_many_candidates_without_votes_have_every_outcome_listed() -> None:
    letters = "ABCDEFGHIJKL"
    result = stv_scottish(ranked(letters, (9, "A"), (1, "B"), (1, "C A"), seats=3), all_ties=True)
    assert result.ties is not None
    assert result.ties.complete
    assert result.ties.outcomes == ((0, 1, 2),)


def test_the_last_exclusion_still_has_its_papers_passed_on() -> None:
    result = stv_scottish(ranked("ABC", (4, "A"), (3, "B"), (2, "C B"), seats=1))
    last = result.rounds[-1]
    assert (last.action, last.candidate, votes(last)) == ("exclusion", 2, ("4.00000", "5.00000", "0.00000"))
    assert result.elected == (1,)
    assert result.ranking == ((1,), (0,), (2,))


def test_who_is_elected_together_is_ordered_by_votes_then_by_earlier_votes() -> None:
    assert stv_scottish(ranked("ABC", (3, "A"), (4, "B"), seats=2)).elected == (1, 0)
    # C's papers bring A and B to 9 each at the same stage; B had more before.
    election = ranked("ABCDE", (6, "A"), (7, "B"), (3, "C A"), (2, "C B"), (4, "D"), (3, "E"), seats=2)
    result = stv_scottish(election)
    assert votes(result.rounds[-1])[:2] == ("9.00000", "9.00000")
    assert result.rounds[-1].elected == (1, 0)
    # So are those who take the last seats without the quota.
    assert stv_scottish(ranked("ABC", (2, "A"), (3, "B"), (1, "C A"), (9, "C"), seats=3)).elected == (2, 1, 0)


def test_candidates_never_come_to_are_together() -> None:
    result = stv_scottish(ranked("ABCD", (5, "A"), (1, "B"), (1, "C"), (1, "D")))
    assert result.elected == (0,)
    assert result.ranking == ((0,), (1, 2, 3))
    assert len(result.rounds) == 1


@pytest.mark.parametrize("seats", [2, 3])
def test_as_many_seats_as_candidates_or_more(seats: int) -> None:
    result = stv_scottish(ranked("AB", (1, "B"), (0, "A"), seats=seats))
    assert result.elected == (1, 0)
    assert len(result.rounds) == 1


def test_two_in_one_tier_end_a_ballot() -> None:
    result = stv_scottish(ranked("ABC", (2, "A B=C"), (1, "B"), (3, "B=C A"), (2, "C A"), seats=1))
    assert votes(result.rounds[0]) == ("2.00000", "1.00000", "2.00000")
    assert result.rounds[0].quota == 3 * UNIT


def test_the_withdrawn_are_passed_over() -> None:
    ballots = ((3, ((2,), (0,))), (2, ((1,),)), (1, ((2, 1),)), (4, ((2,),)), (1, ((0, 1), (2,))))
    result = stv_scottish(RankedElection(("A", "B", "C"), ballots, withdrawn=frozenset({2})))
    assert votes(result.rounds[0]) == ("3.00000", "3.00000", "0.00000")
    assert result.rounds[0].quota == 4 * UNIT


def test_nobody_voted() -> None:
    result = stv_scottish(ranked("ABC", seats=2), all_ties=True)
    assert result.elected == (0, 1)
    assert result.ties is not None
    assert result.ties.outcomes == ((0, 1), (0, 2), (1, 2))


def test_fractions_of_votes_are_cut_where_they_are_credited() -> None:
    third = Fraction(1, 3)
    result = stv_scottish(ranked("AB", (third, "A"), (third, "A B"), (4 * third, "B"), seats=1))
    assert votes(result.rounds[0]) == ("0.66666", "1.33333")
    assert (result.rounds[0].lost, result.rounds[0].quota) == (1, 2 * UNIT)
    assert votes(result.rounds[1]) == ("0.00000", "1.66666")
    assert result.rounds[1].exhausted == 33_333


def test_decimals() -> None:
    assert decimal(150_200_000) == "1502.00000"
    assert decimal(7) == "0.00007"
