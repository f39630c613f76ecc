"""Instant run-off: the weakest leaves, and her ballots go on to whom they name next.

``irv/1``. One seat. In every round a ballot counts for the candidate it ranks best of
those left; where it ranks k of them equally best, for each with exactly 1/k of its weight.
The candidate with the least is excluded; equals are told apart by the most recent earlier
round in which they differed, then by the decider. The rounds go on until one is left, so
that every place of the ranking is explained; whoever has a majority on the way wins in
any case.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction

from ..errors import Malformed
from .ballots import RankedElection, Ranking, Result, Weight
from .stages import narrow, told_apart
from .ties import LISTED, Decider, Draws, every_outcome

__all__ = ["RunOffRound", "instant_run_off"]


@dataclass(frozen=True, slots=True)
class RunOffRound:
    """One round: every candidate's votes (0 once excluded), the weight of the ballots that
    rank nobody left, and who is excluded at its end (None when only one candidate stands).
    """

    votes: tuple[Weight, ...]
    exhausted: Weight
    excluded: int | None


def instant_run_off(
    election: RankedElection, *, decider: Decider = LISTED, all_ties: bool = False
) -> Result[RunOffRound]:
    """``irv/1``: one winner, and the order in which the others left."""
    if election.seats != 1:
        raise Malformed(
            "irv.seats", f"Instant run-off fills 1 seat and not {election.seats}; count several with stv-scottish/1."
        )
    if not election.standing:
        raise Malformed("irv.nobody", "Every candidate has withdrawn, so there is nobody to elect.")
    ballots = election.grouped()

    def count(decider: Decider) -> Result[RunOffRound]:
        return _count(election, ballots, Draws(decider))

    result = count(decider)
    return every_outcome(count, result) if all_ties else result


def _count(election: RankedElection, ballots: tuple[tuple[Ranking, Weight], ...], draws: Draws) -> Result[RunOffRound]:
    left = set(election.standing)
    rounds: list[RunOffRound] = []
    excluded: list[int] = []
    while len(left) > 1:
        votes, exhausted = _tally(len(election.candidates), ballots, left)
        stages = [*(round.votes for round in rounds), votes]

        def state(stages: list[tuple[Weight, ...]] = stages) -> Hashable:
            return tuple(sorted(left)), told_apart(stages, left)

        equal = narrow(left, stages, highest=False)
        loser = draws.pick(equal, round=len(rounds), purpose="exclude", favours=False, state=state)
        rounds.append(RunOffRound(votes, exhausted, loser))
        excluded.append(loser)
        left.remove(loser)
    if not rounds:
        rounds.append(RunOffRound(*_tally(len(election.candidates), ballots, left), None))
    (winner,) = left
    ranking = tuple((c,) for c in (winner, *reversed(excluded)))
    return Result("irv/1", (winner,), ranking, tuple(rounds), draws.ties)


def _tally(size: int, ballots: tuple[tuple[Ranking, Weight], ...], left: set[int]) -> tuple[tuple[Weight, ...], Weight]:
    votes: list[Weight] = [0] * size
    exhausted: Weight = 0
    for ranking, weight in ballots:
        for tier in ranking:
            best = [c for c in tier if c in left]
            if best:
                break
        else:
            exhausted += weight
            continue
        share = weight if len(best) == 1 else Fraction(weight) / len(best)
        for c in best:
            votes[c] += share
    return tuple(votes), exhausted
