"""Yes, no or abstain: simple, absolute and qualified majority, with a quorum of participation.

``majority-simple/1``      more yes than no; abstentions count for the quorum alone
``majority-absolute/1``    yes from more than half of the whole roll
``majority-qualified/1``   yes from a stated share of yes and no, of all votes cast, or of the roll

A tie fails: none of the thresholds is met by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ..errors import Malformed
from .ballots import Answer, QuestionElection, Result, Weight
from .thresholds import HALF, Threshold

__all__ = [
    "ADOPTED",
    "ANSWERS",
    "Base",
    "MajorityRound",
    "absolute_majority",
    "qualified_majority",
    "simple_majority",
    "tally",
]

ANSWERS: Final = ("yes", "no", "abstain")
ADOPTED: Final = (0,)
"""What `Result.elected` holds when a question is adopted; it is empty otherwise."""

Base = Literal["decided", "cast", "roll"]
"""What a threshold is a share of: yes and no, all votes cast, or the whole roll."""


@dataclass(frozen=True, slots=True)
class MajorityRound:
    """The one round of a question.

    ``answers`` has the weight of each of `ANSWERS`; ``cast`` their sum; ``whole`` what
    ``threshold`` is a share of; ``outcome`` is ``adopted``, ``rejected`` or ``no quorum``.
    """

    answers: tuple[tuple[Answer, Weight], ...]
    cast: Weight
    roll: Weight
    quorum: Threshold | None
    base: Base
    whole: Weight
    threshold: Threshold
    outcome: Literal["adopted", "rejected", "no quorum"]


def simple_majority(election: QuestionElection, *, quorum: Threshold | None = None) -> Result[MajorityRound]:
    """``majority-simple/1``: adopted when yes outweighs no."""
    return _majority("majority-simple/1", election, HALF, "decided", quorum)


def absolute_majority(election: QuestionElection, *, quorum: Threshold | None = None) -> Result[MajorityRound]:
    """``majority-absolute/1``: adopted by more than half of the roll, whoever stays away."""
    return _majority("majority-absolute/1", election, HALF, "roll", quorum)


def qualified_majority(
    election: QuestionElection, *, threshold: Threshold, base: Base = "decided", quorum: Threshold | None = None
) -> Result[MajorityRound]:
    """``majority-qualified/1``: adopted when yes meets ``threshold`` of ``base``."""
    return _majority("majority-qualified/1", election, threshold, base, quorum)


def tally(election: QuestionElection, answers: tuple[Answer, ...]) -> dict[Answer, Weight]:
    """The weight of each answer, in the order of ``answers``; another answer is `Malformed`."""
    sums: dict[Answer, Weight] = dict.fromkeys(answers, 0)
    for weight, answer in election.ballots:
        if answer not in sums:
            raise Malformed("ballot.answer", f"{answer!r} is no answer here; answer one of {', '.join(answers)}.")
        sums[answer] += weight
    return sums


def _majority(
    rule: str, election: QuestionElection, threshold: Threshold, base: Base, quorum: Threshold | None
) -> Result[MajorityRound]:
    answers = tally(election, ANSWERS)
    cast = sum(answers.values())
    whole = {"decided": answers["yes"] + answers["no"], "cast": cast, "roll": election.roll}[base]
    outcome: Literal["adopted", "rejected", "no quorum"]
    if quorum is not None and not quorum.met(cast, election.roll):
        outcome = "no quorum"
    elif threshold.met(answers["yes"], whole):
        outcome = "adopted"
    else:
        outcome = "rejected"
    round = MajorityRound(tuple(answers.items()), cast, election.roll, quorum, base, whole, threshold, outcome)
    return Result(rule, ADOPTED if outcome == "adopted" else (), (), (round,))
