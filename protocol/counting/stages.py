"""Equal candidates told apart by the earlier stages of a count, the most recent first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .ballots import Weight

__all__ = ["narrow", "told_apart"]


def narrow(among: Iterable[int], stages: Sequence[Sequence[Weight]], *, highest: bool) -> list[int]:
    """Those of ``among`` whom the stages leave, looking back from the last.

    ``stages[s][candidate]`` is a candidate's vote at stage s. At the most recent stage at
    which they differ, those with the highest (or lowest) vote remain; any who are still
    equal are compared at the stages before it.
    """
    left = sorted(among)
    for votes in reversed(stages):
        if len(left) == 1:
            break
        edge = max(votes[c] for c in left) if highest else min(votes[c] for c in left)
        left = [c for c in left if votes[c] == edge]
    return left


def told_apart(stages: Sequence[Sequence[Weight]], among: Iterable[int]) -> tuple[tuple[Weight, ...], ...]:
    """What `narrow` can see of the stages for ``among``: their votes, without repetitions."""
    left = sorted(among)
    seen: list[tuple[Weight, ...]] = []
    for votes in stages:
        row = tuple(votes[c] for c in left)
        if not seen or seen[-1] != row:
            seen.append(row)
    return tuple(seen)
