"""A question as people put it on the command line, and as it is told to them."""

import re
from collections.abc import Sequence
from typing import Any, Final

from node.elections.counted import find_rule
from node.refused import Refused
from protocol.counting.ballots import (
    ApprovalElection,
    BudgetElection,
    QuestionElection,
    RankedElection,
    ScoreElection,
)
from protocol.counting.rules import RULES, Rule
from protocol.counting.sortition import Pool
from protocol.tellers.question import Question, check_question

__all__ = ["PLAIN", "how_to_answer", "question_of", "rule_of", "share_words", "terms_words", "unnamed_last"]

PLAIN: Final = "majority-simple/1"
"""How a question without options is counted, unless somebody says otherwise."""
_THRESHOLDS: Final = ("quorum", "threshold", "block_threshold")
_SORTS: Final = {"at_least": "at least", "more_than": "more than"}
_BASES: Final = {"decided": "yes and no", "cast": "all votes cast", "roll": "the whole roll"}
_BLOCKS: Final = {
    "stops": "a single block stops it",
    "share": "blocks stop it when there are enough of them",
    "refers": "a block sends it back to be talked over",
    "disagrees": "a block weighs like a disagreement",
}


def rule_of(question: Question) -> Rule:
    """The rule by which a question is counted; a council never opens a ballot on another."""
    return RULES[question.rule]


def question_of(rule: str | None, options: Sequence[str], seats: int, settings: Sequence[str], people: int) -> Question:
    """The question that options of the command describe, checked; people: how many may vote.

    Raises `Refused` with what to write instead.
    """
    if rule is None and options:
        raise Refused(
            "ballot-rule", "Say how the options are counted with --rule, such as approval or schulze-winning."
        )
    found = find_rule(rule or PLAIN)
    named = [" ".join(option.split()) for option in options]
    given: dict[str, Any] = {}
    if found.takes is BudgetElection and not any(setting.startswith("costs=") for setting in settings):
        named, given["costs"] = _priced(named)
    if len({option.casefold() for option in named}) != len(named):
        raise Refused("ballot-options", "Two options have the same name; people could not tell them apart.")
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or not value:
            raise Refused("ballot-setting", f"{setting!r} is no setting; write it like quorum=at_least:1/2.")
        given[name.strip()] = _value(name.strip(), value.strip(), named)
    question = Question(found.name, named, seats, given)
    fault = check_question(question, people)
    if fault is not None:
        raise Refused(fault.rule, f"{fault.message[:1].upper()}{fault.message[1:]}")
    return question


def _priced(options: Sequence[str]) -> tuple[list[str], list[int]]:
    """The names and the costs of options such as `Bench=300`."""
    priced = [re.fullmatch(r"(.*\S)\s*=\s*(\d{1,18})", option, re.ASCII) for option in options]
    if not priced or not all(priced):
        raise Refused(
            "ballot-costs",
            "Say what each option costs, like --option Bench=300 --option Lamp=120, and with --setting budget=1000 what there is to spend.",
        )
    return [match[1] for match in priced if match], [int(match[2]) for match in priced if match]


def _value(name: str, text: str, options: Sequence[str]) -> Any:
    if name in _THRESHOLDS:
        match = re.fullmatch(r"(at_least|more_than):(\d{1,7})/(\d{1,7})", text.replace(" ", "_"))
        if match is None:
            raise Refused("ballot-setting", f"Write a threshold like {name}=at_least:2/3 or {name}=more_than:1/2.")
        return [match[1], int(match[2]), int(match[3])]
    if name == "status_quo":
        for number, option in enumerate(options):
            if text.casefold() == option.casefold() or text == str(number + 1):
                return number
        raise Refused("ballot-setting", f"The status quo is one of the options; {text!r} is none of them.")
    if name == "classes":
        return [part.strip() for part in text.split(",")]
    if name == "shares":
        shares = [
            re.fullmatch(r"\s*(.+?)\s*:\s*(\d{1,7})\s*/\s*(\d{1,7})\s*", part, re.ASCII) for part in text.split(",")
        ]
        if not all(shares):
            raise Refused("ballot-setting", "Write the shares of classes like shares=workers:1/2,users:1/2.")
        return [[match[1], int(match[2]), int(match[3])] for match in shares if match]
    if name == "costs":
        parts = [part.strip() for part in text.split(",")]
        if not all(part.isascii() and part.isdecimal() for part in parts):
            raise Refused("ballot-setting", "Write the costs as whole numbers with commas, like costs=300,120,80.")
        return [int(part) for part in parts]
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else text


def share_words(value: Sequence[Any]) -> str:
    """`["at_least", 2, 3]` as `at least 2/3`."""
    sort, a, b = value
    return f"{_SORTS.get(sort, sort)} {a}/{b}"


def terms_words(question: Question) -> list[str]:
    """How it is counted, in sentences without their full stops."""
    rule = rule_of(question)
    out = [f"{rule.title} ({rule.name})"]
    settings = question.settings
    if question.seats > 1 or rule.takes not in (QuestionElection, BudgetElection):
        out.append("one is chosen" if question.seats == 1 else f"{question.seats} are chosen")
    for name, value in sorted(settings.items()):
        if name == "threshold":
            base = _BASES.get(settings.get("base", "decided"), "") if rule.takes is QuestionElection else ""
            out.append(f"needed are {share_words(value)}" + (f" of {base}" if base else " against the status quo"))
        elif name == "quorum":
            out.append(f"the rule's own quorum is {share_words(value)} of the roll")
        elif name == "block":
            out.append(_BLOCKS.get(value, str(value)))
        elif name == "block_threshold":
            out.append(f"that is: {share_words(value)} of all votes cast")
        elif name == "status_quo" and isinstance(value, int) and value < len(question.options):
            out.append(f"'{question.options[value]}' is how things stay if nothing wins against it")
        elif name == "best":
            out.append(f"grades go from 0 to {value}")
        elif name == "budget":
            out.append(f"there are {value} to spend")
        elif name == "shares" and rule.takes is Pool:
            out.append(f"of the seats {', '.join(f'{a}/{b} to {of}' for of, a, b in value)}")
    return out


def unnamed_last(rule: Rule) -> bool:
    """Whether the command writes those whom a voter leaves out into a last tier.

    Schulze's method compares whom a ballot leaves out with nobody, and nobody expects that of
    a vote for one option. A program that means it can cast it.
    """
    return rule.name.startswith("schulze-")


def how_to_answer(question: Question) -> str:
    """What a voter types, with the question's own options."""
    rule = rule_of(question)
    if rule.answers:
        return " | ".join(rule.answers)
    if rule.takes is Pool:
        return "nothing: lots are drawn"
    a, b = [*question.options, "A", "B"][:2]
    if rule.takes is RankedElection:
        last = "; whoever you do not name comes last" if unnamed_last(rule) else ""
        return f'"{a} > {b}", best first, = between equals{last}'
    if rule.takes is ApprovalElection:
        return f'"{a}, {b}" for all that you can live with, or none'
    if rule.takes is ScoreElection:
        return f'"{a}={question.settings.get("best", 5)}, {b}=0"'
    return f'"{a}, {b}"' if "points" not in rule.name else f'"{a}=3, {b}=1"'
