"""The roll: who is a member, with which devices and nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..codec import encode
from ..ids import Digest, Membership, digest
from .bodies import TellerKeys

__all__ = [
    "Member",
    "NodeListing",
    "SeatShown",
    "Teller",
    "roll_digest",
    "tellers_digest",
    "tellers_of",
]


@dataclass(frozen=True, slots=True)
class NodeListing:
    """A node on the roll, and where it was last said to be (multiaddrs)."""

    key: bytes
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeatShown:
    """What the roll says of a council that sits in it: its latest epoch here, its people, whether it is suspended.

    people: what that council says itself; None while it showed no roll. until: when the
    mandate of its delegate ends, ms; None when it has none.
    """

    number: int
    digest: bytes
    people: int | None
    suspended: bool = False
    until: int | None = None

    def speaks(self, at: int) -> bool:
        """Whether its delegate may decide what is decided at this time, ms."""
        return not self.suspended and self.until is not None and at <= self.until


@dataclass(frozen=True, slots=True)
class Member:
    """One membership, as of an epoch. `since` is the epoch that admitted.

    A council that sits here is a member too: `person` is its id, and `seat` is set.
    """

    membership: Membership
    person: bytes
    since: int
    devices: frozenset[bytes]
    nodes: Mapping[bytes, NodeListing] = field(default_factory=dict)
    absent: bool = False
    seat: SeatShown | None = None

    def with_node(self, listing: NodeListing) -> "Member":
        """The same member with this node listed, or listed anew."""
        return replace(self, nodes={**self.nodes, listing.key: listing})

    def without_node(self, node: bytes) -> "Member":
        """The same member without this node."""
        return replace(self, nodes={key: listing for key, listing in self.nodes.items() if key != node})

    def data(self) -> list[Any]:
        """The form that the roll's digest covers."""
        nodes = [[listing.key, list(listing.addresses)] for _, listing in sorted(self.nodes.items())]
        row = [self.membership, self.person, self.since, sorted(self.devices), nodes, self.absent]
        if self.seat is not None:
            row.append([self.seat.number, self.seat.digest, self.seat.people, self.seat.suspended, self.seat.until])
        return row


@dataclass(frozen=True, slots=True)
class Teller:
    """A teller's key, the node it runs on, and where that was last said to be (multiaddrs)."""

    key: bytes
    node: bytes
    addresses: tuple[str, ...] = ()


def tellers_of(keys: list[TellerKeys]) -> tuple[Teller, ...]:
    """The tellers in the order of their keys."""
    return tuple(sorted([Teller(k.key, k.node, tuple(k.addresses or ())) for k in keys], key=lambda teller: teller.key))


def roll_digest(members: Mapping[Membership, Member]) -> Digest:
    """SHA-256 over the roll in the order of memberships."""
    return digest(encode([member.data() for _, member in sorted(members.items())]))


def tellers_digest(profile: str, tellers: tuple[Teller, ...]) -> Digest:
    """SHA-256 over the profile and the tellers."""
    return digest(encode([profile, [[teller.key, teller.node] for teller in tellers]]))
