"""A voter's choice as she types it, and as it is told to the others."""

import re
from collections.abc import Sequence
from typing import Any

from node.ballots.question import how_to_answer, rule_of, unnamed_last
from node.refused import Refused
from protocol.counting.ballots import ApprovalElection, BudgetElection, RankedElection, ScoreElection
from protocol.counting.sortition import Pool
from protocol.tellers.question import Question, check_choice

__all__ = ["choice_of", "choice_words"]

_NOTHING = ("", "none", "nobody", "nothing")


def choice_of(question: Question, text: str) -> Any:
    """What `text` chooses, in the form that casts carry; `Refused` says what to write instead.

    Options are named by name, its beginning, or their number from 1.
    """
    rule = rule_of(question)
    if rule.takes is Pool:
        raise Refused("choice", "Nobody votes in this ballot: at its deadline lots are drawn.")
    if rule.answers:
        choice: Any = _answer(rule.answers, text)
    elif rule.takes is RankedElection:
        tiers = [] if text.strip().casefold() in _NOTHING else text.split(">")
        choice = [sorted(_option(question, name) for name in tier.split("=")) for tier in tiers]
        if choice and unnamed_last(rule):
            named = {number for tier in choice for number in tier}
            rest = [number for number in range(len(question.options)) if number not in named]
            choice += [rest] if rest else []
    elif rule.takes is ApprovalElection:
        choice = sorted(_option(question, name) for name in _listed(text))
    elif rule.takes is ScoreElection:
        grades = dict(_pairs(question, text))
        choice = [grades.get(number) for number in range(len(question.options))]
    else:
        assert rule.takes is BudgetElection
        choice = [list(pair) for pair in sorted(_pairs(question, text, default=1))]
    fault = check_choice(question, choice)
    if fault is not None:
        raise Refused(fault.rule, f"{fault.message} Write: {how_to_answer(question)}")
    return choice


def _answer(answers: Sequence[str], text: str) -> str:
    wanted = text.strip().casefold()
    if wanted in answers:
        return wanted
    begun = [answer for answer in answers if wanted and answer.startswith(wanted)]
    if len(begun) != 1:
        raise Refused("choice", f"{text!r} is no answer to this question; answer one of {', '.join(answers)}.")
    return begun[0]


def _listed(text: str) -> list[str]:
    return [] if text.strip().casefold() in _NOTHING else text.split(",")


def _pairs(question: Question, text: str, default: int | None = None) -> list[tuple[int, int]]:
    out: dict[int, int] = {}
    for item in _listed(text):
        name, sign, value = item.rpartition("=")
        if not sign and default is None:
            raise Refused("choice", f"{item.strip()!r} has no grade. Write: {how_to_answer(question)}")
        if sign and not re.fullmatch(r"\s*\d{1,9}\s*", value, re.ASCII):
            raise Refused("choice", f"{value.strip()!r} is no whole number. Write: {how_to_answer(question)}")
        number = _option(question, name if sign else item)
        if number in out:
            raise Refused("choice", f"'{question.options[number]}' is named twice; name each once.")
        out[number] = int(value) if sign else default or 0
    return list(out.items())


def _option(question: Question, text: str) -> int:
    """The number from 0 of the option that `text` names."""
    wanted = " ".join(text.split()).casefold()
    names = [option.casefold() for option in question.options]
    if wanted in names:
        return names.index(wanted)
    digits = wanted.removeprefix("#")
    if digits.isascii() and digits.isdecimal() and 1 <= int(digits) <= len(names):
        return int(digits) - 1
    begun = [number for number, name in enumerate(names) if wanted and name.startswith(wanted)]
    if len(begun) == 1:
        return begun[0]
    listed = ", ".join(f"{number}. {option}" for number, option in enumerate(question.options, 1))
    what = "could mean several options" if begun else "is none of the options"
    raise Refused("choice", f"{text.strip()!r} {what}: {listed}.")


def choice_words(question: Question, choice: Any) -> str:
    """A choice that the rule knows, as one would type it."""
    rule, options = rule_of(question), question.options
    if rule.answers:
        return str(choice)
    if rule.takes is RankedElection:
        return " > ".join(" = ".join(options[number] for number in tier) for tier in choice) or "nobody"
    if rule.takes is ApprovalElection:
        return ", ".join(options[number] for number in choice) or "none"
    if rule.takes is ScoreElection:
        return ", ".join(f"{options[n]}={grade}" for n, grade in enumerate(choice) if grade is not None) or "none"
    plain = all(points == 1 for _, points in choice)
    return ", ".join(options[n] if plain else f"{options[n]}={points}" for n, points in choice) or "nothing"
