"""Choices as people type them."""

from typing import Any

import pytest

from node.ballots.choice import choice_of, choice_words
from node.refused import Refused
from protocol.tellers.question import Question

OPTIONS = ["Oil stove", "Wood stove", "Nothing"]
ASKED = {
    "yes or no": Question("majority-simple/1"),
    "consent": Question("consent/1"),
    "irv": Question("irv/1", OPTIONS),
    "schulze": Question("schulze-winning/1", OPTIONS),
    "approval": Question("approval/1", OPTIONS),
    "score": Question("score/1", OPTIONS, settings={"best": 5}),
    "budget": Question("equal-shares-cost/1", OPTIONS, settings={"budget": 10, "costs": [5, 6, 7]}),
    "points": Question("equal-shares-points/1", OPTIONS, settings={"budget": 10, "costs": [5, 6, 7]}),
}


@pytest.mark.parametrize(
    ("asked", "text", "choice", "words"),
    [
        ("yes or no", " YES ", "yes", "yes"),
        ("yes or no", "n", "no", "no"),
        ("consent", "bl", "block", "block"),
        ("irv", "Wood stove > oil", [[1], [0]], "Wood stove > Oil stove"),
        ("irv", "2>1 = 3", [[1], [0, 2]], "Wood stove > Oil stove = Nothing"),
        ("irv", "none", [], "nobody"),
        ("schulze", "#2", [[1], [0, 2]], "Wood stove > Oil stove = Nothing"),
        ("schulze", "oil > wood > nothing", [[0], [1], [2]], "Oil stove > Wood stove > Nothing"),
        ("approval", "nothing, wood", [1, 2], "Wood stove, Nothing"),
        ("approval", "none", [], "none"),
        ("score", "oil=5, wood = 0", [5, 0, None], "Oil stove=5, Wood stove=0"),
        ("budget", "wood, oil", [[0, 1], [1, 1]], "Oil stove, Wood stove"),
        ("points", "wood=3, nothing=1", [[1, 3], [2, 1]], "Wood stove=3, Nothing=1"),
    ],
)
def test_a_choice_is_read_and_told(asked: str, text: str, choice: Any, words: str) -> None:
    question = ASKED[asked]
    assert choice_of(question, text) == choice
    assert choice_words(question, choice) == words
    assert choice_of(question, words) == choice


@pytest.mark.parametrize(
    ("asked", "text", "reason"),
    [
        ("yes or no", "maybe", "answer one of yes, no, abstain"),
        ("yes or no", "", "answer one of"),
        ("consent", "a", "answer one of agree, abstain"),
        ("irv", "Gas", "is none of the options: 1. Oil stove, 2. Wood stove, 3. Nothing"),
        ("irv", "4", "is none of the options"),
        ("irv", "wood > wood", "twice"),
        ("approval", "wood, wood", "at most once"),
        ("score", "wood", "has no grade"),
        ("score", "wood=9", "on the scale from 0 to 5"),
        ("score", "wood=-1", "no whole number"),
        ("points", "wood=3, wood=1", "named twice"),
        ("budget", "wood=x", "no whole number"),
    ],
)
def test_what_is_no_choice_is_refused(asked: str, text: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        choice_of(ASKED[asked], text)
    assert reason in str(refused.value)


def test_the_beginning_of_two_names_is_none() -> None:
    with pytest.raises(Refused, match="could mean several options"):
        choice_of(Question("approval/1", ["Stove", "Stool"]), "sto")


def test_a_name_goes_before_a_number() -> None:
    question = Question("approval/1", ["2", "1"])
    assert choice_of(question, "1") == [1]
    assert choice_of(question, "#1") == [0]
