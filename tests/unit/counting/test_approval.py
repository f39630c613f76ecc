from fractions import Fraction

from protocol.counting.approval import approval, score
from protocol.counting.ballots import ApprovalElection, Lot, ScoreElection, Ties
from protocol.counting.ties import ByOrder

NAMES = ("Ada", "Ben", "Cleo", "Dov")


def approvals(*sets: set[int], seats: int = 1) -> ApprovalElection:
    return ApprovalElection(NAMES, tuple((1, frozenset(approved)) for approved in sets), seats)


def test_most_approvals_first_and_equals_together() -> None:
    result = approval(approvals({0, 1}, {1, 2}, {1}, {2}, seats=1))
    assert result.rule == "approval/1"
    assert result.rounds[0].sums == (1, 3, 2, 0)
    assert result.rounds[0].cast == 4
    assert result.ranking == ((1,), (2,), (0,), (3,))
    assert (result.elected, result.ties) == ((1,), None)


def test_a_tie_above_the_last_seat_needs_no_lot() -> None:
    result = approval(approvals({0, 2}, {2, 0}, {1}, seats=2))
    assert (result.elected, result.ties) == ((0, 2), None)


def test_a_tie_at_the_last_seat_is_shown_with_every_outcome() -> None:
    result = approval(approvals({1}, {1}, {0}, {2}, {3}, seats=3), all_ties=True)
    assert result.elected == (1, 0, 2)
    assert result.ties == Ties(
        (Lot(0, "elect", (0, 2, 3), 0), Lot(0, "elect", (2, 3), 2)), ((0, 1, 2), (0, 1, 3), (1, 2, 3))
    )


def test_the_fixed_order_decides_a_tie() -> None:
    result = approval(approvals({0}, {3}), decider=ByOrder(((3,), (0,))))
    assert result.elected == (3,)
    assert result.ties == Ties((Lot(0, "elect", (0, 3), 3),))


def test_fewer_candidates_than_seats() -> None:
    assert approval(approvals({0}, seats=9)).elected == (0, 1, 2, 3)


def test_scores_are_summed_and_no_grade_counts_nothing() -> None:
    election = ScoreElection(NAMES, ((2, (5, 0, None, 1)), (Fraction(1, 2), (0, 3, 4, 5))), best=5, seats=2)
    result = score(election)
    assert result.rule == "score/1"
    assert result.rounds[0].sums == (10, Fraction(3, 2), 2, Fraction(9, 2))
    assert result.ranking == ((0,), (3,), (2,), (1,))
    assert result.elected == (0, 3)
