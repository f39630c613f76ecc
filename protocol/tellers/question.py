"""What a ballot asks, and how answers become a result: the bridge to the counting rules.

A choice is plain data, of a shape that follows from the rule:

| the rule takes      | a choice is                                                     |
|----------------------|----------------------------------------------------------------|
| a question          | one of the rule's answers, as text: `"yes"`                     |
| approvals           | option numbers, ascending: `[0, 2]`                             |
| grades              | one grade or null for each option: `[5, null, 0]`               |
| rankings            | tiers of option numbers, best first: `[[2], [0, 1]]`            |
| a budget            | `[project number, points]` pairs, ascending: `[[0, 1], [3, 1]]` |
| a pool (`sortition`) | none: nobody votes, lots are drawn                             |
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Annotated, Any, Final

import msgspec

from ..codec import encode
from ..counting.ballots import (
    ApprovalElection,
    BudgetElection,
    Project,
    QuestionElection,
    RankedElection,
    Result,
    ScoreElection,
    Weight,
)
from ..counting.plain import Plain, plain
from ..counting.rules import Rule, count, find
from ..counting.sortition import Pool
from ..counting.thresholds import at_least, more_than
from ..counting.ties import ByLot
from ..errors import Malformed, Refusal
from ..ids import digest

__all__ = ["Question", "Vote", "adopted", "check_choice", "check_question", "tally"]

Vote = tuple[Weight, Any]
"""A weight and a choice."""

_THRESHOLDS: Final = ("quorum", "threshold", "block_threshold")
_WORDS: Final = {"base": ("decided", "cast", "roll"), "block": ("stops", "share", "refers", "disagrees")}
_ELECTION: Final = ("best", "budget", "costs", "classes", "shares")
"""Settings that belong to the election rather than to the rule."""
MAX_RESULT: Final = 48 * 1024
"""Bytes of a result with its rounds; of a longer one a record holds the rounds' digest."""

_Option = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rule by its versioned name, the options in order, the seats, the rule's settings.

    settings: `quorum`, `threshold`, `block_threshold` as `["at_least", a, b]` or
    `["more_than", a, b]`; `best` (the best grade); `budget` and `costs` (whole numbers); for a
    sortition `classes` (the class of each option) and `shares` (`[class, a, b]`); everything
    else as the rule takes it.
    """

    rule: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    options: Annotated[list[_Option], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=list)
    seats: Annotated[int, msgspec.Meta(ge=1, le=500)] = 1
    settings: Annotated[dict[str, Any], msgspec.Meta(max_length=16)] = {}


def _threshold(value: Any) -> Any:
    if (
        not isinstance(value, list)
        or len(value) != 3
        or value[0] not in ("at_least", "more_than")
        or type(value[1]) is not int
        or type(value[2]) is not int
    ):
        raise Malformed("question-threshold", 'a threshold is written ["at_least", a, b] or ["more_than", a, b].')
    return (at_least if value[0] == "at_least" else more_than)(value[1], value[2])


def _settings(question: Question, rule: Rule, seed: bytes) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in question.settings.items():
        if name in _ELECTION:
            continue
        if name in _THRESHOLDS:
            out[name] = _threshold(value)
        elif name in _WORDS:
            if value not in _WORDS[name]:
                raise Malformed("question-setting", f"the setting {name!r} is one of {', '.join(_WORDS[name])}.")
            out[name] = value
        elif name == "status_quo":
            out[name] = _whole(question.settings, name)
        else:
            raise Malformed("question-setting", f"a ballot has no setting {name!r}.")
    if "decider" in rule.settings:
        out["decider"] = ByLot(seed)
    if "seed" in rule.settings:
        out["seed"] = seed
    return out


def _election(question: Question, rule: Rule, votes: Sequence[Vote], roll: Weight, people: int) -> Any:
    options, takes, settings = tuple(question.options), rule.takes, question.settings
    if takes is QuestionElection:
        if options:
            raise Malformed("question-options", f"{rule.name} asks one question; it takes no options.")
        for _, choice in votes:
            if not isinstance(choice, str):
                raise Malformed("choice", f"answer one of {', '.join(rule.answers)}.")
        return QuestionElection(tuple(votes), roll, people)
    if takes is RankedElection:
        rankings = [(weight, tuple(tuple(_numbers(tier)) for tier in _list(choice))) for weight, choice in votes]
        return RankedElection(options, tuple(rankings), question.seats)
    if takes is ApprovalElection:
        approvals = []
        for weight, choice in votes:
            numbers = _numbers(choice)
            if sorted(set(numbers)) != numbers:
                raise Malformed("choice", "approve each option at most once, in ascending order.")
            approvals.append((weight, frozenset(numbers)))
        return ApprovalElection(options, tuple(approvals), question.seats)
    if takes is ScoreElection:
        grades = [(weight, tuple(_grade(grade) for grade in _list(choice))) for weight, choice in votes]
        return ScoreElection(options, tuple(grades), _whole(settings, "best"), question.seats)
    if takes is BudgetElection:
        costs = _numbers(settings.get("costs"))
        if len(costs) != len(options):
            raise Malformed("question-costs", "state one whole cost for each option, in the setting `costs`.")
        projects = tuple(
            Project(str(place), cost, name) for place, (name, cost) in enumerate(zip(options, costs, strict=True))
        )
        support = [(weight, tuple(_pair(pair) for pair in _list(choice))) for weight, choice in votes]
        return BudgetElection(projects, _whole(settings, "budget"), tuple(support))
    if votes:
        raise Malformed("choice", "nobody votes in this ballot: lots are drawn.")
    return _pool(options, question.seats, _texts(settings.get("classes", [])), _shares(settings.get("shares", [])))


def _pool(
    options: tuple[str, ...], seats: int, classes: tuple[str, ...], shares: tuple[tuple[str, Fraction], ...]
) -> Pool:
    """The pool, if every class has people for all the seats that it could be given by whatever lot."""
    pool = Pool(options, seats, classes, shares)
    for name, share in shares:
        most, people = -(-share * seats // 1), classes.count(name)
        if people < most:
            raise Malformed(
                "sortition.class", f"the class {name!r} has {people} people and could be given {most} seats."
            )
    return pool


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed("choice", "the choice is not a list, as this rule wants it.")
    return value


def _numbers(value: Any) -> list[int]:
    numbers = _list(value)
    if not all(type(number) is int for number in numbers):
        raise Malformed("choice", "options are named by their numbers, from 0.")
    return numbers


def _pair(value: Any) -> tuple[int, int]:
    pair = _numbers(value)
    if len(pair) != 2:
        raise Malformed("choice", "a project is supported by its number and points.")
    return pair[0], pair[1]


def _grade(value: Any) -> int | None:
    if value is not None and type(value) is not int:
        raise Malformed("choice", "a grade is a whole number or null.")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Malformed("question-setting", "the setting `classes` names the class of each option.")
    return tuple(value)


def _shares(value: Any) -> tuple[tuple[str, Fraction], ...]:
    out = []
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, list) or len(item) != 3 or not isinstance(item[0], str):
            raise Malformed(
                "question-setting", "the setting `shares` is a list of [class, a, b], for a/b of the seats."
            )
        _, a, b = item
        if type(a) is not int or type(b) is not int or b < 1:
            raise Malformed("question-setting", "a share of the seats is a fraction a/b of whole numbers.")
        out.append((item[0], Fraction(a, b)))
    return tuple(out)


def _whole(settings: dict[str, Any], name: str) -> int:
    value = settings.get(name)
    if type(value) is not int:
        raise Malformed("question-setting", f"this rule needs the setting {name!r}, a whole number.")
    return value


def tally(
    question: Question, votes: Iterable[Vote], roll: Weight, people: int, seed: bytes
) -> dict[str, Plain] | Refusal:
    """The result as plain data, with every round's explanation; a refusal when question or votes are at fault.

    Where the rounds are too long for a record, their digest stands in their place. roll:
    the weight of everybody entitled; people: how many they are; seed: for lots.
    """
    result = _result(question, votes, roll, people, seed)
    if isinstance(result, Refusal):
        return result
    data = {name: _short(value) for name, value in plain(result).items()}  # type: ignore[union-attr]  # of a record
    if len(encode(data)) > MAX_RESULT:
        data["rounds"] = [{"digest": digest(encode(data["rounds"])).hex()}]
    return data


def _result(question: Question, votes: Iterable[Vote], roll: Weight, people: int, seed: bytes) -> Result[Any] | Refusal:
    rule = find(question.rule)
    if isinstance(rule, Refusal):
        return rule
    try:
        election = _election(question, rule, tuple(votes), roll, people)
        return count(question.rule, election, **_settings(question, rule, seed))
    except Malformed as fault:
        return Refusal(fault.rule, fault.message)


def _short(value: Plain) -> Plain:
    """The same, with whole numbers that outgrow the format as text."""
    if isinstance(value, list):
        return [_short(item) for item in value]
    if isinstance(value, dict):
        return {name: _short(item) for name, item in value.items()}
    return str(value) if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63 else value


def check_question(question: Question, people: int) -> Refusal | None:
    """Why nobody could vote on this question, or None. An empty count finds every fault of its settings."""
    answer = _result(question, (), people, people, b"")
    return answer if isinstance(answer, Refusal) else None


def check_choice(question: Question, choice: Any) -> Refusal | None:
    """Why the rule does not know this choice, or None."""
    answer = _result(question, ((1, choice),), Fraction(1), 1, b"")
    return answer if isinstance(answer, Refusal) else None


def adopted(result: dict[str, Plain]) -> bool:
    """Whether the result elects anything: for a question, whether it is adopted."""
    return bool(result["elected"])
