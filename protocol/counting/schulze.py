"""The Schulze method: the strongest chain of majorities decides (Schulze 2011, Soc. Choice Welf. 36).

``schulze-winning/1``   a majority is as strong as the votes of its winning side
``schulze-margins/1``   a majority is as strong as its margin

A candidate whom a ballot leaves out is compared with nobody on that ballot; write the
omitted into a last tier (`RankedElection.unranked_last`) where they are to count as last.

With a status quo among the options, every option that does not win against it by the
threshold (of those who prefer one of the two; more than half unless stated) is dropped first, and the method chooses among those that are left; the status
quo stays only when nothing is left (Debian constitution, section A.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..errors import Malformed
from .ballots import RankedElection, Ranking, Result, Weight
from .thresholds import HALF, Threshold
from .ties import LISTED, Decider, fill

__all__ = ["Matrix", "SchulzeRound", "pairwise_matrix", "schulze_margins", "schulze_winning"]

Matrix = tuple[tuple[Weight, ...], ...]


@dataclass(frozen=True, slots=True)
class SchulzeRound:
    """The one round.

    ``pairwise[a][b]`` is the weight of the ballots with a above b; ``paths[a][b]`` the
    strength of the strongest chain of majorities from a to b (0: none) among those who
    were not ``dropped`` for the status quo. Both are square over all candidates.
    """

    pairwise: Matrix
    paths: Matrix
    status_quo: int | None
    threshold: Threshold | None
    dropped: tuple[int, ...]


def schulze_winning(
    election: RankedElection,
    *,
    status_quo: int | None = None,
    threshold: Threshold | None = None,
    decider: Decider = LISTED,
    all_ties: bool = False,
) -> Result[SchulzeRound]:
    """``schulze-winning/1``: strength by winning votes."""
    return _schulze("schulze-winning/1", "winning", election, status_quo, threshold, decider, all_ties)


def schulze_margins(
    election: RankedElection,
    *,
    status_quo: int | None = None,
    threshold: Threshold | None = None,
    decider: Decider = LISTED,
    all_ties: bool = False,
) -> Result[SchulzeRound]:
    """``schulze-margins/1``: strength by margins."""
    return _schulze("schulze-margins/1", "margins", election, status_quo, threshold, decider, all_ties)


def pairwise_matrix(election: RankedElection) -> list[list[Weight]]:
    """``[a][b]``: the weight of the ballots that rank a above b, the withdrawn nowhere."""
    size = len(election.candidates)
    wins: list[list[Weight]] = [[0] * size for _ in range(size)]
    for ranking, weight in election.grouped():
        below: list[int] = []
        for tier in reversed(ranking):
            for candidate in tier:
                row = wins[candidate]
                for other in below:
                    row[other] += weight
            below.extend(tier)
    return wins


def _schulze(
    rule: str,
    strength: Literal["winning", "margins"],
    election: RankedElection,
    status_quo: int | None,
    threshold: Threshold | None,
    decider: Decider,
    all_ties: bool,
) -> Result[SchulzeRound]:
    wins = pairwise_matrix(election)
    standing = election.standing
    dropped: tuple[int, ...] = ()
    if status_quo is None:
        if threshold is not None:
            raise Malformed("schulze.threshold", "A threshold is met against the status quo; say which option that is.")
    else:
        threshold = threshold or HALF
        if status_quo not in standing:
            raise Malformed("schulze.status-quo", f"The status quo, option {status_quo}, is not one of those standing.")
        dropped = tuple(
            c
            for c in standing
            if c != status_quo and not threshold.met(wins[c][status_quo], wins[c][status_quo] + wins[status_quo][c])
        )
    kept = tuple(c for c in standing if c not in dropped)
    paths = _strongest_paths(wins, kept, strength)
    ranking = _tiers(paths, kept)
    if dropped:
        ranking += _tiers(_strongest_paths(wins, dropped, strength), dropped)
    stands = kept if status_quo is None else tuple(c for c in kept if c != status_quo) or (status_quo,)
    eligible: Ranking = tuple(tier for tier in (tuple(c for c in whole if c in stands) for whole in ranking) if tier)
    elected, ties = fill(eligible, election.seats, round=0, decider=decider, all_ties=all_ties)
    round = SchulzeRound(
        tuple(map(tuple, wins)),
        tuple(map(tuple, paths)),
        status_quo,
        threshold,
        dropped,
    )
    return Result(rule, elected, ranking, (round,), ties)


def _strongest_paths(
    wins: Sequence[Sequence[Weight]], among: Sequence[int], strength: Literal["winning", "margins"]
) -> list[list[Weight]]:
    """Floyd and Warshall's algorithm for the widest path, each chain as wide as its weakest link."""
    size = len(wins)
    paths: list[list[Weight]] = [[0] * size for _ in range(size)]
    for a in among:
        for b in among:
            if wins[a][b] > wins[b][a]:
                paths[a][b] = wins[a][b] if strength == "winning" else wins[a][b] - wins[b][a]
    for via in among:
        onward = paths[via]
        for a in among:
            row = paths[a]
            reach = row[via]
            if reach == 0 or a == via:
                continue
            for b in among:
                link = onward[b]
                width = reach if reach < link else link
                if b != a and width > row[b]:
                    row[b] = width
    return paths


def _tiers(paths: Sequence[Sequence[Weight]], among: Sequence[int]) -> Ranking:
    """Those whom nobody left beats, then those whom nobody left of the rest beats, and so on.

    ``a beats b`` when its chain to b is stronger than the one back. The relation is
    transitive, so somebody is always unbeaten.
    """
    left = list(among)
    tiers: list[tuple[int, ...]] = []
    while left:
        top = tuple(a for a in left if all(paths[a][b] >= paths[b][a] for b in left))
        tiers.append(top)
        left = [c for c in left if c not in top]
    return tuple(tiers)
