"""Consent: agree, abstain, disagree or block, with the block meaning what the charter says.

``consent/1``. The meanings of a block:

``stops``      a single block stops the proposal
``share``      blocks stop it once they meet ``block_threshold`` of all votes cast
``refers``     a single block sends it back with the blockers' reasons: neither adopted nor rejected
``disagrees``  a block weighs like a disagreement

If no block stands in its way, the proposal is adopted when those who agree meet the
threshold among all who agree, disagree or block. Whoever abstains stands aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ..errors import Malformed
from .ballots import Answer, QuestionElection, Result, Weight
from .majority import ADOPTED, tally
from .thresholds import HALF, Threshold

__all__ = ["ANSWERS", "Block", "ConsentRound", "consent"]

ANSWERS: Final = ("agree", "abstain", "disagree", "block")

Block = Literal["stops", "share", "refers", "disagrees"]


@dataclass(frozen=True, slots=True)
class ConsentRound:
    """The one round: the weight of each of `ANSWERS`, what was asked of them, what came of it.

    ``outcome`` is ``adopted``, ``rejected``, ``blocked``, ``referred`` or ``no quorum``.
    """

    answers: tuple[tuple[Answer, Weight], ...]
    cast: Weight
    roll: Weight
    quorum: Threshold | None
    block: Block
    block_threshold: Threshold | None
    whole: Weight
    threshold: Threshold
    outcome: Literal["adopted", "rejected", "blocked", "referred", "no quorum"]


def consent(
    election: QuestionElection,
    *,
    block: Block = "stops",
    block_threshold: Threshold | None = None,
    threshold: Threshold = HALF,
    quorum: Threshold | None = None,
) -> Result[ConsentRound]:
    """``consent/1``. ``block_threshold`` goes with the meaning ``share`` and with no other."""
    if (block == "share") != (block_threshold is not None):
        raise Malformed("consent.block", "State a threshold for blocks with the meaning `share`, and with no other.")
    answers = tally(election, ANSWERS)
    cast = sum(answers.values())
    blocks = answers["block"]
    whole = cast - answers["abstain"]
    outcome: Literal["adopted", "rejected", "blocked", "referred", "no quorum"]
    if quorum is not None and not quorum.met(cast, election.roll):
        outcome = "no quorum"
    elif (block == "stops" and blocks > 0) or (block_threshold is not None and block_threshold.met(blocks, cast)):
        outcome = "blocked"
    elif block == "refers" and blocks > 0:
        outcome = "referred"
    elif threshold.met(answers["agree"], whole):
        outcome = "adopted"
    else:
        outcome = "rejected"
    round = ConsentRound(
        tuple(answers.items()), cast, election.roll, quorum, block, block_threshold, whole, threshold, outcome
    )
    return Result("consent/1", ADOPTED if outcome == "adopted" else (), (), (round,))
