from fractions import Fraction

import pytest

from protocol.counting.ballots import Lot, RankedElection
from protocol.counting.irv import instant_run_off
from protocol.errors import Malformed

from .test_schulze import ranked


def test_the_capital_of_tennessee() -> None:
    # https://en.wikipedia.org/wiki/Instant-runoff_voting
    election = ranked("MNCK", (42, "M N C K"), (26, "N C K M"), (15, "C K N M"), (17, "K C N M"))
    result = instant_run_off(election)
    assert result.rule == "irv/1"
    assert result.elected == (3,)
    assert result.ranking == ((3,), (0,), (1,), (2,))
    assert [round.votes for round in result.rounds] == [(42, 26, 15, 17), (42, 26, 0, 32), (42, 0, 0, 58)]
    assert [round.excluded for round in result.rounds] == [2, 1, 0]
    assert result.ties is None


def test_exhausted_ballots_and_equal_ranks() -> None:
    split = instant_run_off(ranked("ABC", (4, "A"), (3, "B"), (1, "C A=B"), (1, "C")))
    assert [round.votes for round in split.rounds] == [(4, 3, 2), (Fraction(9, 2), Fraction(7, 2), 0)]
    assert [round.exhausted for round in split.rounds] == [0, 1]


def test_equals_are_told_apart_by_the_round_before() -> None:
    result = instant_run_off(ranked("ABCD", (4, "A"), (3, "B"), (2, "C"), (1, "D C"), (5, "A B"), (0, "D")))
    assert [round.excluded for round in result.rounds] == [3, 2, 1]
    assert result.ties is None


def test_a_tie_from_the_first_round_is_shown() -> None:
    result = instant_run_off(ranked("AB", (1, "A B"), (1, "B A")), all_ties=True)
    assert result.elected == (0,)
    assert result.ties is not None
    assert result.ties.lots == (Lot(0, "exclude", (0, 1), 1),)
    assert result.ties.outcomes == ((0,), (1,))


def test_a_lone_candidate_has_one_round() -> None:
    result = instant_run_off(RankedElection(("A", "B"), ((2, ((0,),)), (1, ())), withdrawn=frozenset({1})))
    assert result.elected == (0,)
    assert [(round.votes, round.exhausted, round.excluded) for round in result.rounds] == [((2, 0), 1, None)]


def test_faults() -> None:
    with pytest.raises(Malformed) as fault:
        instant_run_off(ranked("AB", seats=2))
    assert fault.value.rule == "irv.seats"
    with pytest.raises(Malformed) as fault:
        instant_run_off(RankedElection(("A",), (), withdrawn=frozenset({0})))
    assert fault.value.rule == "irv.nobody"
