"""Questions that cannot be counted and choices that a rule does not know, each refused with a reason."""

from fractions import Fraction
from typing import Any

import pytest

from protocol.codec import encode
from protocol.errors import Refusal
from protocol.tellers.question import MAX_RESULT, Question, adopted, check_choice, check_question, tally

STOVE = ["Stove", "Pump", "Nothing"]
BUDGET = Question("equal-shares-cost/1", ["Bench", "Tree"], settings={"budget": 10, "costs": [6, 4]})


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        (Question("majority-loudest/1"), "counting.rule"),
        (Question("majority-simple/1", STOVE), "question-options"),
        (Question("majority-simple/1", settings={"colour": "red"}), "question-setting"),
        (
            Question("majority-qualified/1", settings={"threshold": ["at_least", 2, 3], "base": "moon"}),
            "question-setting",
        ),
        (Question("majority-qualified/1", settings={"threshold": "two thirds"}), "question-threshold"),
        (Question("majority-qualified/1", settings={"threshold": ["most", 2, 3]}), "question-threshold"),
        (Question("majority-qualified/1", settings={"threshold": ["at_least", 2.0, 3]}), "question-threshold"),
        (Question("majority-qualified/1", settings={"threshold": ["at_least", 2, "3"]}), "question-threshold"),
        # An impossible quorum: more than everybody.
        (Question("majority-simple/1", settings={"quorum": ["at_least", 3, 2]}), "threshold.share"),
        (Question("majority-simple/1", settings={"quorum": ["more_than", 1, 1]}), "threshold.impossible"),
        (Question("majority-simple/1", settings={"quorum": ["at_least", 1, 0]}), "threshold.share"),
        (Question("schulze-winning/1", STOVE, settings={"status_quo": "Nothing"}), "question-setting"),
        (Question("score/1", STOVE), "question-setting"),
        (Question("equal-shares-cost/1", STOVE, settings={"budget": 10, "costs": [1]}), "question-costs"),
        (Question("equal-shares-cost/1", STOVE, settings={"budget": 10, "costs": "free"}), "choice"),
        (Question("equal-shares-cost/1", STOVE, settings={"costs": [1, 2, 3]}), "question-setting"),
    ],
)
def test_what_nobody_could_vote_on_is_refused(question: Question, rule: str) -> None:
    refusal = check_question(question, 10)
    assert refusal is not None
    assert refusal.message.endswith(".")
    assert (refusal.rule, question.rule) == (rule, question.rule)


@pytest.mark.parametrize(
    ("question", "good", "wrong"),
    [
        (Question("majority-simple/1"), "yes", ["agree", 1, None, ["yes"]]),
        (Question("consent/1"), "block", ["yes", 0]),
        (Question("approval/1", STOVE), [0, 2], [[2, 0], [0, 0], [3], "Stove", [-1], [True]]),
        (Question("score/1", STOVE, settings={"best": 5}), [5, None, 0], [[5, 5], [6, 0, 0], ["5", 0, 0], 5]),
        (Question("irv/1", STOVE), [[2], [0]], [[[2], [2]], [[]], [2], "2", [[3]]]),
        (BUDGET, [[0, 1]], [[[0]], [[0, 1, 2]], [[2, 1]], [0], 0]),
    ],
)
def test_a_choice_that_the_rule_does_not_know_is_refused(question: Question, good: Any, wrong: list[Any]) -> None:
    assert check_question(question, 10) is None
    assert check_choice(question, good) is None
    for choice in wrong:
        refusal = check_choice(question, choice)
        assert refusal is not None, choice
        assert refusal.message.endswith(".")


def test_where_a_rule_refuses_what_was_cast_that_is_the_answer() -> None:
    assert isinstance(tally(Question("majority-simple/1"), [(1, "perhaps")], 3, 3, b""), Refusal)


def test_rounds_too_long_for_a_record_are_a_digest_there() -> None:
    options = [f"option {n}" for n in range(100)]
    votes = [(Fraction(1, 7), [[n] for n in range(100)])] * 3
    result = tally(Question("schulze-winning/1", options), votes, Fraction(3, 7), 3, bytes(32))
    assert not isinstance(result, Refusal)
    rounds = result["rounds"]
    assert isinstance(rounds, list)
    assert [set(round) for round in rounds if isinstance(round, dict)] == [{"digest"}]
    assert len(encode(result)) < MAX_RESULT
    assert adopted(result)
