"""Motions: how one stands on a roll, and which are due."""

from dataclasses import dataclass
from typing import Final

from ..ids import Membership
from .bodies import Admit, Adopt, CharterChange, Erase, Office, Rekey, Remove, TellersChange
from .epochs import EpochState, Motion
from .seat_bodies import Believe, Instruct, Join, Mandated, Part, Recall, SeatChild, Suspend

__all__ = ["CLASSES", "FORMING", "MATTER", "MAX_ASSENTS", "MAX_MOTIONS", "Count", "count", "due", "fitting", "stale"]

MAX_MOTIONS: Final = 48
MAX_ASSENTS: Final = 1500
"""What one epoch holds at most, so that its record fits its part; the rest waits for the next."""

CLASSES: Final = (
    Remove,
    Rekey,
    Admit,
    Erase,
    Adopt,
    Office,
    CharterChange,
    TellersChange,
    Suspend,
    SeatChild,
    Believe,
    Join,
    Part,
    Mandated,
    Recall,
    Instruct,
)
MATTER: Final[dict[type, str]] = {
    Remove: "removal",
    Rekey: "rekey",
    Admit: "admission",
    Erase: "erasure",
    Adopt: "adoption",
    Office: "adoption",
    CharterChange: "charter",
    TellersChange: "tellers",
    Suspend: "removal",
    SeatChild: "admission",
    Believe: "admission",
    Join: "charter",
    Part: "charter",
    Mandated: "adoption",
    Recall: "adoption",
    Instruct: "adoption",
}
"""Effect -> the matter whose threshold it needs."""
FORMING: Final = (Admit, TellersChange, SeatChild)


@dataclass(frozen=True, slots=True)
class Count:
    """How a motion stands on one epoch's roll.

    yes: those in favour; assents: one operation id for each of them, sorted; of: how many
    count; needed: how many in favour are enough.
    """

    yes: frozenset[Membership]
    assents: tuple[bytes, ...]
    of: int
    needed: int
    met: bool


def count(state: EpochState, motion: Motion) -> Count:
    """How `motion` stands on the roll and charter of `state`.

    An assent counts if its device is enrolled under the same membership and it was not
    withdrawn. The absent are left out unless they assented; the person whom a removal or a
    new key concerns is left out altogether, and so is the seat that is to be suspended or believed.
    """
    concerned = motion.effect.membership if isinstance(motion.effect, Remove | Rekey) else None
    if isinstance(motion.effect, Suspend | Believe):
        concerned = motion.effect.seat
    yes: dict[Membership, bytes] = {}
    for assent, (membership, device) in sorted(motion.assents.items()):
        member = state.members.get(membership)
        if assent in motion.withdrawn or member is None or membership == concerned or device not in member.devices:
            continue
        if member.seat is not None and not member.seat.speaks(motion.time):
            continue
        yes.setdefault(membership, assent)
    of = sum(1 for m, member in state.members.items() if m != concerned and (m in yes or not member.absent))
    threshold = state.charter.thresholds[MATTER[type(motion.effect)]]
    return Count(frozenset(yes), tuple(sorted(yes.values())), of, threshold.needed(of), threshold.met(len(yes), of))


def stale(state: EpochState, motion: Motion) -> bool:
    """Whether the epoch after `state` comes too late for the motion."""
    return state.number + 1 - motion.moved > state.charter.durations.motion_epochs


def due(state: EpochState) -> list[tuple[Motion, Count]]:
    """The motions whose assents meet the threshold on `state`'s roll, in the order of effects.

    One that is too old is none of them: assents kept back until the roll has changed are void.
    """
    out = []
    for motion in state.motions.values():
        if stale(state, motion) or (state.forming and not isinstance(motion.effect, FORMING)):
            continue
        standing = count(state, motion)
        if standing.met:
            out.append((motion, standing))
    out.sort(key=lambda pair: (CLASSES.index(type(pair[0].effect)), -len(pair[1].yes), pair[0].id))
    return out


def fitting(motions: list[tuple[Motion, Count]]) -> list[tuple[Motion, Count]]:
    """As many as one record can hold: at least the first."""
    room = MAX_ASSENTS
    for place, (_, standing) in enumerate(motions[:MAX_MOTIONS]):
        room -= len(standing.assents)
        if room < 0:
            return motions[: max(1, place)]
    return motions[:MAX_MOTIONS]
