"""When a teller whose memory is older than its word may speak again."""

from collections.abc import Collection

from .charter import PROFILES
from .epochs import EpochState

__all__ = ["recovered"]


def recovered(state: EpochState, node: bytes, heard: Collection[bytes]) -> bool:
    """Whether a teller's own operations must have come back to its node, now that these nodes told what they hold.

    An old copy of its disk was put back. What it said since matters where others built on it: a
    quorum, of which at least f + 1 are among any n - q + f + 1 other tellers, so one that does not
    lie. A council's only teller built on nobody, and asks half of the other nodes.
    """
    profile = PROFILES[state.profile]
    others = state.entitled() - {node}
    tellers = [teller for teller in state.tellers if teller.node != node]
    enough = min(len(tellers), profile.n - profile.q + profile.f + 1)
    return 2 * len(others.intersection(heard)) >= len(others) and (
        sum(1 for teller in tellers if teller.node in heard) >= enough
    )
