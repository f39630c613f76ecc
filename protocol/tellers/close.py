"""The close of a ballot: which casts were on time, as the tellers say, and what follows.

A cast counts when at least f + 1 of the closes in the agreed value list it. So every cast
that all honest attending tellers had on time is counted, and no cast that no honest teller
had on time is. (`n - q + f + 1` honest closes that list it are enough whatever the liars do.)
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from ..codec import encode
from ..ids import digest
from .box import MAX_CHOICE, SALT

__all__ = ["Cast", "Close", "Counted", "Extended", "Lapsed", "choose", "outcome", "share", "value_of"]

ROOM: Final = 120 * 1024
"""Bytes that a close has for its lists of casts and openings."""
_LISTED: Final = 35
"""Bytes of a cast's id in a list."""
_OPENED: Final = 1 + 35 + SALT + 1 + MAX_CHOICE
"""Bytes of a hidden cast's opening in a list, at most."""
_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Close:
    """One teller's word on one instance: the casts it had on time, and whether it attended.

    at: its clock, ms. nonce: what its accept committed to, for lots. deps are checked before.
    """

    id: bytes
    teller: bytes
    casts: frozenset[bytes]
    nonce: bytes
    at: int
    attended: bool


@dataclass(frozen=True, slots=True)
class Cast:
    """One voter's cast, as far as counting it needs."""

    id: bytes
    voter: bytes
    device: bytes
    revision: int
    choice: object


@dataclass(frozen=True, slots=True)
class Extended:
    """Too few tellers attended: the same ballot goes on until `deadline` (ms)."""

    deadline: int


@dataclass(frozen=True, slots=True)
class Lapsed:
    """Too few tellers attended, and the ballot may not be extended any more."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The casts that count, before one is chosen for each voter."""

    casts: frozenset[bytes]


def share(people: int, hidden: bool) -> int:
    """How many casts of one voter a close has room for, on a roll of so many people.

    Everybody has the same share of the room, so nobody crowds out another.
    """
    each = _LISTED + _OPENED if hidden else _LISTED
    return min(_MOST, ROOM // (max(1, people) * each))


def value_of(closes: Iterable[bytes]) -> bytes:
    """The agreement's value for a set of closes: 32 bytes."""
    return digest(encode(sorted(closes)))


def outcome(
    closes: Collection[Close], f: int, instance: int, extension: int, extensions: int
) -> Extended | Lapsed | Counted:
    """What a value of closes means.

    extension: how much longer, ms; extensions: how often at most.
    """
    if sum(1 for close in closes if close.attended) < 2 * f + 1:
        if instance >= extensions:
            return Lapsed()
        latest = sorted((close.at for close in closes), reverse=True)
        return Extended(latest[f] + extension)
    listed: dict[bytes, set[bytes]] = {}
    for close in closes:
        for cast in close.casts:
            listed.setdefault(cast, set()).add(close.teller)
    return Counted(frozenset(cast for cast, tellers in listed.items() if len(tellers) > f))


def choose(casts: Iterable[Cast]) -> list[Cast]:
    """One cast for each voter, by voter: highest revision, then lowest id, never by the choice."""
    best: dict[bytes, Cast] = {}
    for cast in casts:
        other = best.get(cast.voter)
        if other is None or (-cast.revision, cast.id) < (-other.revision, other.id):
            best[cast.voter] = cast
    return [best[voter] for voter in sorted(best)]
