from fractions import Fraction
from typing import Literal

import pytest

from protocol.counting.ballots import QuestionElection, Weight
from protocol.counting.majority import ADOPTED, absolute_majority, qualified_majority, simple_majority
from protocol.counting.thresholds import at_least, more_than
from protocol.errors import Malformed


def question(yes: int, no: int, abstain: int = 0, *, roll: Weight = 30) -> QuestionElection:
    return QuestionElection(((1, "yes"),) * yes + ((1, "no"),) * no + ((1, "abstain"),) * abstain, roll)


@pytest.mark.parametrize(
    ("yes", "no", "abstain", "outcome"),
    [(3, 2, 20, "adopted"), (2, 2, 1, "rejected"), (2, 3, 0, "rejected"), (1, 0, 0, "adopted"), (0, 0, 5, "rejected")],
)
def test_simple_majority_does_not_look_at_abstentions(yes: int, no: int, abstain: int, outcome: str) -> None:
    result = simple_majority(question(yes, no, abstain))
    assert result.rule == "majority-simple/1"
    assert result.rounds[0].outcome == outcome
    assert result.elected == (ADOPTED if outcome == "adopted" else ())
    assert result.rounds[0].answers == (("yes", yes), ("no", no), ("abstain", abstain))
    assert result.ties is None


@pytest.mark.parametrize(("yes", "outcome"), [(15, "rejected"), (16, "adopted")])
def test_absolute_majority_is_of_the_roll(yes: int, outcome: str) -> None:
    round = absolute_majority(question(yes, 0)).rounds[0]
    assert (round.outcome, round.whole, round.base) == (outcome, 30, "roll")


@pytest.mark.parametrize(
    ("base", "whole", "outcome"), [("decided", 9, "adopted"), ("cast", 12, "rejected"), ("roll", 30, "rejected")]
)
def test_qualified_majority_says_of_what(base: Literal["decided", "cast", "roll"], whole: int, outcome: str) -> None:
    result = qualified_majority(question(6, 3, 3), threshold=at_least(2, 3), base=base)
    assert (result.rounds[0].whole, result.rounds[0].outcome) == (whole, outcome)


@pytest.mark.parametrize(("cast", "outcome"), [(9, "no quorum"), (10, "adopted"), (0, "no quorum")])
def test_quorum_counts_everyone_who_took_part(cast: int, outcome: str) -> None:
    yes = min(cast, 1)
    result = simple_majority(question(yes, 0, cast - yes), quorum=at_least(1, 3))
    assert result.rounds[0].outcome == outcome
    assert result.rounds[0].cast == cast


def test_a_quorum_that_must_be_passed() -> None:
    assert simple_majority(question(10, 0), quorum=more_than(1, 3)).rounds[0].outcome == "no quorum"
    assert qualified_majority(question(11, 0), threshold=at_least(1, 1), quorum=more_than(1, 3)).elected == ADOPTED


def test_weights_are_added_exactly() -> None:
    third = Fraction(1, 3)
    election = QuestionElection(((third, "yes"),) * 3 + ((1, "no"),), roll=Fraction(5, 2), people=5)
    round = simple_majority(election).rounds[0]
    assert (round.outcome, round.answers[0]) == ("rejected", ("yes", 1))


def test_an_answer_that_the_rule_does_not_know() -> None:
    with pytest.raises(Malformed, match="'maybe' is no answer here; answer one of yes, no, abstain") as fault:
        simple_majority(QuestionElection(((1, "maybe"),), 3))
    assert fault.value.rule == "ballot.answer"
