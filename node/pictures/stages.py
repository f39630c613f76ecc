"""The stages of a count by transfer, as data to draw: who has what, and what moves where."""

from __future__ import annotations

from dataclasses import dataclass

from node.elections.counted import Counted
from protocol.counting.irv import RunOffRound
from protocol.counting.stv import UNIT, Stage

__all__ = ["Step", "steps"]


@dataclass(frozen=True, slots=True)
class Step:
    """One stage or round, votes as numbers to draw with and never to count with.

    ``votes`` are at its end, ``gone`` what is with nobody by then, and ``moves`` what
    ``source`` passed on at its start, by candidate.
    """

    title: str
    source: int | None
    votes: tuple[float, ...]
    gone: float
    moves: tuple[tuple[int, float], ...]
    elected: tuple[int, ...]
    quota: float | None


def steps(counted: Counted) -> list[Step]:
    """The steps of an instant run-off or a count by transferable vote."""
    found: list[Step] = []
    rounds = counted.result.rounds
    for place, round in enumerate(rounds):
        if isinstance(round, Stage):
            found.append(_stage(counted, round))
        elif isinstance(round, RunOffRound):
            before = rounds[place - 1] if place else None
            found.append(_round(counted, before, round, last=place == len(rounds) - 1))
    return found


def _stage(counted: Counted, stage: Stage) -> Step:
    title = "First preferences"
    if stage.candidate is not None:
        name = counted.label(stage.candidate)
        title = f"Surplus of {name}" if stage.action == "surplus" else f"{name} excluded"
    return Step(
        title,
        stage.candidate,
        tuple(votes / UNIT for votes in stage.votes),
        (stage.exhausted + stage.lost) / UNIT,
        tuple((to, votes / UNIT) for to, votes in stage.transfers) if stage.candidate is not None else (),
        stage.elected,
        stage.quota / UNIT,
    )


def _round(counted: Counted, before: RunOffRound | None, now: RunOffRound, *, last: bool) -> Step:
    elected = counted.result.elected if last else ()
    votes = tuple(float(v) for v in now.votes)
    if before is None or before.excluded is None:
        return Step("First preferences", None, votes, float(now.exhausted), (), elected, None)
    source = before.excluded
    gains = (
        (c, float(after - earlier)) for c, (earlier, after) in enumerate(zip(before.votes, now.votes, strict=True))
    )
    moves = tuple((c, gain) for c, gain in gains if c != source and gain > 0)
    return Step(f"{counted.label(source)} excluded", source, votes, float(now.exhausted), moves, elected, None)
