"""Questions from the command's options, and in words."""

import pytest

from node.ballots.question import how_to_answer, question_of, terms_words
from node.refused import Refused
from protocol.tellers.question import Question


def test_without_a_rule_a_question_is_counted_by_plain_majority() -> None:
    question = question_of(None, [], 1, [], 10)
    assert question == Question("majority-simple/1")
    assert how_to_answer(question) == "yes | no | abstain"
    assert terms_words(question) == ["more yes than no (majority-simple/1)"]


def test_settings_become_what_the_rule_takes() -> None:
    settings = ["threshold=at_least:2/3", "base=roll", "quorum=more_than:1/2"]
    question = question_of("majority-qualified", [], 1, settings, 10)
    assert question.settings == {
        "threshold": ["at_least", 2, 3],
        "base": "roll",
        "quorum": ["more_than", 1, 2],
    }
    assert terms_words(question) == [
        "yes from a stated share (majority-qualified/1)",
        "the rule's own quorum is more than 1/2 of the roll",
        "needed are at least 2/3 of the whole roll",
    ]


def test_the_status_quo_is_named_by_name_or_number() -> None:
    question = Question("schulze-margins/1")
    for named in ("nothing", "2"):
        question = question_of("schulze-margins", ["Stove", "Nothing"], 1, [f"status_quo={named}"], 10)
        assert question.settings == {"status_quo": 1}
    assert "'Nothing' is how things stay if nothing wins against it" in terms_words(question)
    assert "whoever you do not name comes last" in how_to_answer(question)


def test_every_setting_is_told() -> None:
    grades = question_of("score", ["A", "B"], 2, ["best=9"], 10)
    assert terms_words(grades)[1:] == ["2 are chosen", "grades go from 0 to 9"]
    assert how_to_answer(grades) == '"A=9, B=0"'
    budget = question_of("equal-shares-points", ["A", "B"], 1, ["budget=100", "costs=60, 50"], 10)
    assert budget.settings == {"budget": 100, "costs": [60, 50]}
    assert terms_words(budget)[1:] == ["there are 100 to spend"]
    assert question_of("equal-shares-points", ["A=60", "B = 50"], 1, ["budget=100"], 10) == budget
    assert how_to_answer(budget) == '"A=3, B=1"'
    blocks = question_of("consent", [], 1, ["block=share", "block_threshold=at_least:1/4"], 10)
    assert terms_words(blocks)[1:] == [
        "blocks stop it when there are enough of them",
        "that is: at least 1/4 of all votes cast",
    ]


@pytest.mark.parametrize(
    ("rule", "options", "settings", "reason"),
    [
        (None, ["A", "B"], [], "Say how the options are counted"),
        ("plurality", ["A"], [], "There is no counting rule"),
        ("approval", ["A", " a "], [], "Two options have the same name"),
        (None, [], ["quorum"], "is no setting"),
        (None, [], ["quorum=half"], "Write a threshold like quorum=at_least:2/3"),
        (None, [], ["quorum=at_least:3/2"], "at most 1"),
        (None, [], ["quorum=more_than:1/1"], "More than everybody"),
        (None, [], ["colour=blue"], "no setting 'colour'"),
        ("majority-qualified", [], [], "needs the setting 'threshold'"),
        ("schulze-winning", ["A", "B"], ["status_quo=C"], "is none of them"),
        ("equal-shares-cost", ["A"], ["budget=1", "costs=a"], "whole numbers with commas"),
        ("equal-shares-cost", ["A", "B"], ["budget=1"], "Say what each option costs, like --option Bench=300"),
        ("equal-shares-cost", ["A=1", "B"], ["budget=1"], "Say what each option costs"),
        ("equal-shares-cost", [], ["budget=1"], "Say what each option costs"),
        ("equal-shares-cost", ["A=1", "a=2"], ["budget=1"], "the same name"),
        ("equal-shares-cost", ["A=1"], [], "This rule needs the setting 'budget'"),
        ("equal-shares-cost", ["A"], ["budget=1", "costs=1,2"], "one whole cost for each option"),
        ("majority-simple", ["A"], [], "takes no options"),
        ("score", ["A"], [], "needs the setting 'best'"),
        ("sortition", [], [], "cannot be drawn"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    rule: str | None, options: list[str], settings: list[str], reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        question_of(rule, options, 1, settings, 10)
