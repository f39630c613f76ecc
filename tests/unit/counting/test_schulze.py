from fractions import Fraction

import pytest

from protocol.counting.ballots import RankedElection, Weight
from protocol.counting.schulze import pairwise_matrix, schulze_margins, schulze_winning
from protocol.counting.thresholds import at_least
from protocol.errors import Malformed


def ranked(letters: str, *ballots: tuple[Weight, str], seats: int = 1) -> RankedElection:
    """Ballots like ``(5, "A=C B")``: tiers by spaces, equals by ``=``."""
    rankings = (
        (weight, tuple(tuple(letters.index(c) for c in tier.split("=")) for tier in ballot.split()))
        for weight, ballot in ballots
    )
    return RankedElection(tuple(letters), tuple(rankings), seats)


FORTY_FIVE = ranked(
    "ABCDE",
    (5, "A C B E D"),
    (5, "A D E C B"),
    (8, "B E D A C"),
    (3, "C A B E D"),
    (7, "C A E B D"),
    (2, "C B A D E"),
    (7, "D C E B A"),
    (8, "E B A D C"),
)
"""https://en.wikipedia.org/wiki/Schulze_method"""


def test_the_example_of_forty_five_voters() -> None:
    result = schulze_winning(FORTY_FIVE)
    assert result.rule == "schulze-winning/1"
    assert result.ranking == ((4,), (0,), (2,), (1,), (3,))
    assert result.elected == (4,)
    round = result.rounds[0]
    assert round.pairwise[0] == (0, 20, 26, 30, 22)
    assert round.paths == (
        (0, 28, 28, 30, 24),
        (25, 0, 28, 33, 24),
        (25, 29, 0, 29, 24),
        (25, 28, 28, 0, 24),
        (25, 28, 28, 31, 0),
    )


def test_margins_and_winning_votes_can_differ() -> None:
    # A beats B by 6 to 5, B beats C by 9 to 7, C beats A by 4 to 0: by winning votes the
    # weakest link of the cycle is C over A, by margins A over B.
    cycle = ranked("ABC", (6, "A B"), (5, "B A"), (9, "B C"), (7, "C B"), (4, "C A"))
    assert pairwise_matrix(cycle) == [[0, 6, 0], [5, 0, 9], [4, 7, 0]]
    assert schulze_winning(cycle).ranking == ((0,), (1,), (2,))
    assert schulze_margins(cycle).rule == "schulze-margins/1"
    assert schulze_margins(cycle).ranking == ((1,), (2,), (0,))
    assert schulze_margins(cycle).rounds[0].paths == ((0, 1, 1), (2, 0, 2), (4, 1, 0))


def test_who_is_left_out_is_compared_with_nobody_unless_put_last() -> None:
    election = ranked("ABC", (3, "A"), (2, "B A"), (1, "C"))
    assert pairwise_matrix(election) == [[0, 0, 0], [2, 0, 0], [0, 0, 0]]
    assert pairwise_matrix(election.unranked_last()) == [[0, 3, 5], [2, 0, 2], [1, 1, 0]]
    assert schulze_winning(election).ranking == ((1, 2), (0,))
    assert schulze_winning(election.unranked_last()).ranking == ((0,), (1,), (2,))


def test_the_withdrawn_are_compared_with_nobody_and_ranked_nowhere() -> None:
    election = RankedElection(("Ada", "Ben", "Cleo"), ((2, ((1,), (0,), (2,))),), withdrawn=frozenset({1}))
    result = schulze_winning(election)
    assert result.ranking == ((0,), (2,))
    assert result.rounds[0].pairwise[1] == (0, 0, 0)


def test_no_option_is_taken_that_does_not_beat_the_status_quo() -> None:
    # A and B have supporters, but more people would rather leave things as they are (S).
    election = ranked("ABS", (4, "A S B"), (3, "B S A"), (2, "S B A"))
    result = schulze_winning(election, status_quo=2)
    assert result.rounds[0].dropped == (0, 1)
    assert result.elected == (2,)
    assert result.ranking == ((2,), (1,), (0,))
    assert schulze_winning(election).elected == (2,)


def test_an_option_that_wins_narrowly_falls_at_a_greater_threshold() -> None:
    election = ranked("ABS", (5, "A B S"), (1, "B S A"), (3, "S B A"))
    assert schulze_winning(election, status_quo=2).elected == (0,)
    result = schulze_winning(election, status_quo=2, threshold=at_least(2, 3))
    assert result.rounds[0].dropped == (0,)
    assert result.rounds[0].threshold == at_least(2, 3)
    assert result.elected == (1,)
    assert result.ranking == ((1,), (2,), (0,))


def test_a_tie_with_the_status_quo_fails() -> None:
    assert schulze_margins(ranked("AS", (3, "A S"), (3, "S A")), status_quo=1).elected == (1,)


def test_faults_in_the_settings() -> None:
    election = RankedElection(("A", "S"), (), withdrawn=frozenset({1}))
    with pytest.raises(Malformed) as fault:
        schulze_winning(election, status_quo=1)
    assert fault.value.rule == "schulze.status-quo"
    with pytest.raises(Malformed) as fault:
        schulze_winning(election, threshold=at_least(2, 3))
    assert fault.value.rule == "schulze.threshold"


def test_several_seats_take_the_top_of_the_ranking_and_ties_are_listed() -> None:
    third = Fraction(1, 3)
    election = ranked("ABC", (third, "A B=C"), (third, "A C=B"), (third, "B=C A"), seats=2)
    result = schulze_winning(election, all_ties=True)
    assert result.ranking == ((0,), (1, 2))
    assert result.ties is not None
    assert result.ties.outcomes == ((0, 1), (0, 2))
