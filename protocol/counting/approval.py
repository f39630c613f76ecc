"""Approval and score: the greatest sum wins.

``approval/1``   each ballot names everyone it can live with; most approvals first
``score/1``      each ballot grades everyone from 0 up; greatest sum first, no grade counts 0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .ballots import ApprovalElection, Ranking, Result, ScoreElection, Weight
from .ties import LISTED, Decider, fill

__all__ = ["SumRound", "approval", "ranked_by", "score"]


@dataclass(frozen=True, slots=True)
class SumRound:
    """The one round: every candidate's sum, in candidate order, and the weight of all ballots."""

    sums: tuple[Weight, ...]
    cast: Weight


def approval(election: ApprovalElection, *, decider: Decider = LISTED, all_ties: bool = False) -> Result[SumRound]:
    """``approval/1``: the seats go to those whom the most approve."""
    sums: list[Weight] = [0] * len(election.candidates)
    for weight, approved in election.ballots:
        for candidate in approved:
            sums[candidate] += weight
    cast = sum(weight for weight, _ in election.ballots)
    return _greatest("approval/1", sums, cast, election.seats, decider, all_ties)


def score(election: ScoreElection, *, decider: Decider = LISTED, all_ties: bool = False) -> Result[SumRound]:
    """``score/1``: the seats go to the greatest sums of grades."""
    sums: list[Weight] = [0] * len(election.candidates)
    for weight, grades in election.ballots:
        for candidate, grade in enumerate(grades):
            sums[candidate] += weight * (grade or 0)
    cast = sum(weight for weight, _ in election.ballots)
    return _greatest("score/1", sums, cast, election.seats, decider, all_ties)


def ranked_by(sums: Sequence[Weight]) -> Ranking:
    """Candidates by their sums, greatest first, equals together."""
    tiers: dict[Weight, list[int]] = {}
    for candidate, total in enumerate(sums):
        tiers.setdefault(total, []).append(candidate)
    return tuple(tuple(tiers[total]) for total in sorted(tiers, reverse=True))


def _greatest(
    rule: str, sums: Sequence[Weight], cast: Weight, seats: int, decider: Decider, all_ties: bool
) -> Result[SumRound]:
    ranking = ranked_by(sums)
    elected, ties = fill(ranking, seats, round=0, decider=decider, all_ties=all_ties)
    return Result(rule, elected, ranking, (SumRound(tuple(sums), cast),), ties)
