"""Counts by every rule, for vectors: a question, votes, and the result to the byte."""

from fractions import Fraction
from random import Random
from typing import Any

from protocol.codec import encode
from protocol.counting.rules import RULES
from protocol.counting.sortition import Pool
from protocol.errors import Refusal
from protocol.ids import digest
from protocol.tellers.question import Question, check_choice, check_question, tally
from tests.worlds import seed

__all__ = ["at_random", "counting"]

_QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("majority-simple/1", {}),
    ("majority-simple/1", {"quorum": ["more_than", 1, 2]}),
    ("majority-absolute/1", {}),
    ("majority-qualified/1", {"threshold": ["at_least", 2, 3], "base": "cast"}),
    ("majority-qualified/1", {"threshold": ["more_than", 1, 2], "base": "roll"}),
    ("consent/1", {}),
    ("consent/1", {"block": "share", "block_threshold": ["at_least", 1, 4]}),
    ("consent/1", {"block": "refers"}),
    ("consent/1", {"block": "disagrees", "threshold": ["at_least", 3, 4], "quorum": ["at_least", 1, 2]}),
]
_NAMES = ["Ash", "Birch", "Cedar", "Däle", "Elm", "Fir", "水"]


def _weight(chance: Random, weighed: bool) -> Fraction:
    return Fraction(chance.randrange(7), chance.randrange(1, 5)) if weighed else Fraction(1)


def _ranking(chance: Random, options: int) -> list[list[int]]:
    order = chance.sample(range(options), options)
    tiers: list[list[int]] = []
    for option in order[: chance.randrange(options + 1)]:
        if tiers and chance.random() < 0.2:
            tiers[-1] = sorted([*tiers[-1], option])
        else:
            tiers.append([option])
    return tiers


def _choice(rule: str, chance: Random, question: Question) -> Any:
    takes, options = RULES[rule].takes.__name__, len(question.options)
    if takes == "QuestionElection":
        return chance.choice(RULES[rule].answers)
    if takes == "RankedElection":
        return _ranking(chance, options)
    if takes == "ApprovalElection":
        return [option for option in range(options) if chance.random() < 0.5]
    if takes == "ScoreElection":
        return [chance.choice([None, 0, 1, 2, 3]) for _ in range(options)]
    most = 4 if "points" in rule else 2
    return [[option, chance.randrange(1, most)] for option in range(options) if chance.random() < 0.5]


def _questions() -> list[tuple[Question, int, bool]]:
    """Question, how many vote, whether they weigh differently."""
    out = [(Question(rule, [], 1, settings), 9, n % 2 == 1) for n, (rule, settings) in enumerate(_QUESTIONS)]
    options = _NAMES[:5]
    for rule in sorted(RULES):
        takes = RULES[rule].takes.__name__
        if takes in ("RankedElection", "ApprovalElection"):
            seats = (1, 1, 1) if rule == "irv/1" else (1, 2, 3)
            out += [
                (Question(rule, options, n, {}), votes, n == 3) for n, votes in zip(seats, (4, 30, 17), strict=True)
            ]
        elif takes == "ScoreElection":
            out += [(Question(rule, options, n, {"best": 3}), 4 * n, n == 3) for n in (1, 2, 3)]
        elif takes == "BudgetElection":
            costs = {"budget": 1000, "costs": [300, 300, 450, 200, 700]}
            out += [(Question(rule, options, 1, costs), votes, votes == 11) for votes in (4, 12, 11)]
        if rule.startswith("schulze"):
            out += [
                (Question(rule, options, 1, {"status_quo": 4}), 12, False),
                (Question(rule, options, 2, {"status_quo": 0, "threshold": ["at_least", 2, 3]}), 12, True),
            ]
    thirds = {"classes": ["a", "b", "ü"] * 2, "shares": [["ü", 1, 3], ["a", 1, 3], ["b", 1, 3]]}
    out += [(Question("sortition/1", _NAMES, seats, {}), 0, False) for seats in (1, 3, 7)]
    out += [(Question("sortition/1", _NAMES[:6], seats, thirds), 0, False) for seats in (2, 3, 4)]
    return out


def _case(question: Question, votes: int, weighed: bool, chance: Random, lots: bytes) -> dict[str, Any]:
    """One count: `votes` ballots at random, and what comes of them."""
    assert check_question(question, 10) is None, question
    cast = [
        (_weight(chance, weighed), _choice(question.rule, chance, question))
        for _ in range(0 if RULES[question.rule].takes is Pool else votes)
    ]
    assert all(check_choice(question, choice) is None for _, choice in cast)
    roll = sum((weight for weight, _ in cast), Fraction(0)) + 1
    result = tally(question, cast, roll, len(cast) + 1, lots)
    assert not isinstance(result, Refusal), (question, result)
    return {
        "question": {
            "rule": question.rule,
            "options": list(question.options),
            "seats": question.seats,
            "settings": question.settings,
        },
        "votes": [[str(weight), choice] for weight, choice in cast],
        "roll": str(roll),
        "seed": lots.hex(),
        "result": result,
        "digest": digest(encode(result)).hex(),
    }


def at_random(number: int) -> dict[str, Any]:
    """One count by every rule, with other votes for every number; budgets have other costs, 0 among them."""
    cases = []
    for place, (question, _, _) in enumerate(_questions()):
        chance = Random(f"{number} {place}")
        if "costs" in question.settings:
            costs = [chance.randrange(40) for _ in question.options]
            settings = {"budget": chance.randrange(1, 60), "costs": costs}
            question = Question(question.rule, question.options, question.seats, settings)
        lots = seed("at random", number, place)
        cases.append(_case(question, chance.randrange(40), chance.random() < 0.5, chance, lots))
    return {"counts": cases}


def counting() -> dict[str, Any]:
    """Counts by every rule."""
    cases = [
        _case(question, votes, weighed, Random(number), seed("lots", number))
        for number, (question, votes, weighed) in enumerate(_questions())
    ]
    assert {case["question"]["rule"] for case in cases} == set(RULES)
    return {
        "what": "Counts by every rule (chapter 10): a question, votes with their weight, the weight of everybody on the roll, the seed of lots; and the result as plain data, with the digest of its encoding.",
        "counts": cases,
    }
