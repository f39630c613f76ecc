from fractions import Fraction

from protocol.counting.ballots import ScoreElection
from protocol.counting.judgement import majority_judgement


def election(*columns: str, best: int = 5, weights: tuple[int | Fraction, ...] = (), seats: int = 1) -> ScoreElection:
    """One string of grades a candidate, a digit a voter, `-` for none."""
    rows = zip(*columns, strict=True)
    ballots = [tuple(None if grade == "-" else int(grade) for grade in row) for row in rows]
    given = weights or (1,) * len(ballots)
    names = tuple(f"option {number}" for number in range(len(columns)))
    return ScoreElection(names, tuple(zip(given, ballots, strict=True)), best, seats)


def test_the_best_median_wins_and_not_the_best_mean() -> None:
    result = majority_judgement(election("33333", "55500", "22255"))
    assert result.rule == "majority-judgement/1"
    assert result.rounds[0].medians == (3, 5, 2)
    assert result.ranking == ((1,), (0,), (2,))


def test_the_lower_of_the_middle_two_is_the_median() -> None:
    assert majority_judgement(election("1155", "2222")).rounds[0].medians == (1, 2)


def test_equal_medians_are_told_apart_by_taking_medians_off() -> None:
    # Both 3; without one 3 the first has the middle two 3 and 4, the second 2 and 3.
    result = majority_judgement(election("22344", "12334"))
    assert result.rounds[0].medians == (3, 3)
    assert result.ranking == ((0,), (1,))


def test_only_the_very_same_grades_stay_equal() -> None:
    result = majority_judgement(election("135", "531", "134"), all_ties=True)
    assert result.ranking == ((0, 1), (2,))
    assert result.ties is not None
    assert result.ties.outcomes == ((0,), (1,))


def test_no_grade_is_the_worst() -> None:
    result = majority_judgement(election("5--", "111"))
    assert result.ranking == ((1,), (0,))
    assert result.rounds[0].grades[0] == (2, 0, 0, 0, 0, 1)


def test_fractional_weights() -> None:
    half = Fraction(1, 2)
    result = majority_judgement(election("012", "020", best=2, weights=(half, half, 2)))
    assert result.rounds[0].medians == (2, 0)
    assert result.rounds[0].cast == 3


def test_nobody_voted() -> None:
    result = majority_judgement(ScoreElection(("Ada", "Ben"), (), 5))
    assert result.rounds[0].medians == (None, None)
    assert result.ranking == ((0, 1),)


def test_the_capital_of_tennessee() -> None:
    # https://en.wikipedia.org/wiki/Majority_judgment: Memphis, Nashville, Chattanooga, Knoxville.
    ballots = ((42, (3, 2, 1, 0)), (26, (0, 3, 2, 2)), (15, (0, 1, 3, 2)), (17, (0, 1, 2, 3)))
    result = majority_judgement(ScoreElection(("Memphis", "Nashville", "Chattanooga", "Knoxville"), ballots, 3))
    assert result.rounds[0].medians == (0, 2, 2, 2)
    assert result.elected == (1,)
