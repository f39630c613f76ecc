"""Majority judgement: the best median grade wins (Balinski and Laraki 2007).

``majority-judgement/1``. The majority grade is the median, the lower of the middle two.
Candidates with the same one are told apart by taking one median grade off each and
looking again, until they differ; only those with the very same grades stay equal. No
grade counts as the worst.

Taking medians off one by one walks outwards from the middle of the sorted grades, below
before above. That walk is compared in runs and not in single votes, so fractional and very
great weights cost no more than others: n copies of every ballot change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from .ballots import Ranking, Result, ScoreElection, Weight
from .ties import LISTED, Decider, fill

__all__ = ["JudgementRound", "majority_judgement"]


@dataclass(frozen=True, slots=True)
class JudgementRound:
    """The one round.

    ``grades[candidate][grade]`` is the weight of the ballots that give it; ``medians`` has each
    candidate's majority grade, None when no ballot weighs anything.
    """

    grades: tuple[tuple[Weight, ...], ...]
    medians: tuple[int | None, ...]
    cast: Weight


def majority_judgement(
    election: ScoreElection, *, decider: Decider = LISTED, all_ties: bool = False
) -> Result[JudgementRound]:
    """``majority-judgement/1``: the seats go to the best majority grades."""
    profiles: list[list[Weight]] = [[0] * (election.best + 1) for _ in election.candidates]
    for weight, given in election.ballots:
        for candidate, grade in enumerate(given):
            profiles[candidate][grade or 0] += weight
    cast = sum(weight for weight, _ in election.ballots)
    walks = _walks(profiles, cast)
    medians = tuple(walk[0][0] if walk else None for walk in walks)
    tiers: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for candidate, walk in enumerate(walks):
        tiers.setdefault(walk, []).append(candidate)
    ranking: Ranking = tuple(tuple(tiers[walk]) for walk in sorted(tiers, reverse=True))
    elected, ties = fill(ranking, election.seats, round=0, decider=decider, all_ties=all_ties)
    round = JudgementRound(tuple(map(tuple, profiles)), medians, cast)
    return Result("majority-judgement/1", elected, ranking, (round,), ties)


def _walks(profiles: Sequence[Sequence[Weight]], cast: Weight) -> list[tuple[tuple[int, int], ...]]:
    """For each candidate the pairs (grade below, grade above) from the middle outwards.

    The distances from the middle at which anybody's pair changes cut every walk into the
    same pieces, so the walks compare piece by piece. As the distance from the middle grows,
    the pair at distance d holds the grades found at the shares 1/2 - d and 1/2 + d. An odd
    whole number of votes has a middle one that stands alone: there both are the same grade.
    """
    if cast == 0:
        return [() for _ in profiles]
    half = Fraction(cast) / 2
    edges: list[list[Fraction]] = []
    for profile in profiles:
        edge, sums = Fraction(0), [Fraction(0)]
        for weight in profile:
            edge += weight
            sums.append(edge)
        edges.append(sums)
    cuts = sorted({abs(edge - half) for sums in edges for edge in sums} | {Fraction(0)})
    walks: list[tuple[tuple[int, int], ...]] = []
    for sums in edges:
        pairs: list[tuple[int, int]] = []
        for near, far in pairwise(cuts):
            middle = (near + far) / 2
            pairs.append((_grade_at(sums, half - middle), _grade_at(sums, half + middle)))
        walks.append(tuple(pairs))
    return walks


def _grade_at(edges: Sequence[Fraction], place: Fraction) -> int:
    """The grade whose stretch of the sorted ballots holds ``place``, which is never an edge."""
    grade = 0
    while edges[grade + 1] < place:
        grade += 1
    return grade
