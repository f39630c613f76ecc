"""The bodies by which councils belong to one another."""

from typing import Annotated, Any, Final

import msgspec

from ..federation.mandate import Delegate
from .body import Body, Bytes32, Index, Time

Weight = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]

MAX_DELEGATES: Final = 8

__all__ = [
    "MAX_DELEGATES",
    "SEATING",
    "SEAT_KINDS",
    "Apply",
    "Believe",
    "Carry",
    "ElectDelegates",
    "Instruct",
    "Join",
    "Mandated",
    "Part",
    "Recall",
    "SeatChild",
    "Suspend",
    "Tell",
]


class Apply(Body, frozen=True):
    """`seat.apply`: another council asks for a seat. founding, epochs: parts.

    founding: the envelope of its founding operation, without attachments. epochs: canonical
    CBOR `[[record, signatures, roll or null] ...]`, from its first epoch on.
    """

    founding: Index
    epochs: Index
    letter: Index | None = None


class Carry(Body, frozen=True):
    """`seat.carry`: the next epochs of a council that sits here, or asks to.

    seat: its application. after: the operation that carried those before, where no epoch of
    this council has taken them in yet.
    """

    seat: Bytes32
    epochs: Index
    after: Bytes32 | None = None


class Join(Body, frozen=True, tag="join", tag_field="kind"):
    """Effect: the council wants to belong to that one."""

    parent: Bytes32


class Part(Body, frozen=True, tag="part", tag_field="kind"):
    """Effect: the council belongs to that one no more."""

    parent: Bytes32


class Mandated(Body, frozen=True, tag="mandate", tag_field="kind"):
    """Effect: these speak for the council in that one, the first until she is recalled, then the next.

    since, until: ms. It covers ballots whose deadline is not after `until`, and motions that
    were moved before.
    """

    parent: Bytes32
    delegates: Annotated[list[Delegate], msgspec.Meta(min_length=1, max_length=MAX_DELEGATES)]
    since: Time
    until: Time


class ElectDelegates(Body, frozen=True, tag="elect-delegates", tag_field="kind"):
    """Effect of a ballot with options: who is chosen first speaks for the council in that one, those after her step in.

    candidates: a delegate for each option, or None for one that is nobody.
    """

    parent: Bytes32
    candidates: Annotated[list[Delegate | None], msgspec.Meta(min_length=1, max_length=100)]
    since: Time
    until: Time


class Recall(Body, frozen=True, tag="recall", tag_field="kind"):
    """Effect: this person speaks for the council in that one no more; the next delegate steps in."""

    parent: Bytes32
    person: Bytes32


class Instruct(Body, frozen=True, tag="instruct", tag_field="kind"):
    """Effect: what the council's seat says in a ballot of that one, or what its delegate may choose there.

    split: `[a, b, choice]`, a/b of the seat's weight for the choice. allowed: choices.
    """

    parent: Bytes32
    ballot: Bytes32
    split: Annotated[list[tuple[Weight, Weight, Any]], msgspec.Meta(max_length=8)] = msgspec.field(default_factory=list)
    allowed: Annotated[list[Any], msgspec.Meta(max_length=16)] = msgspec.field(default_factory=list)


class Tell(Body, frozen=True):
    """`seat.tell`: in this ballot, the seat stands as its council's epoch says that is taken in here by now.

    Anybody in standing may say so: who speaks for that council, and what it told its seat to say, is its own word.
    """

    ballot: Bytes32
    seat: Bytes32


class SeatChild(Body, frozen=True, tag="seat", tag_field="kind"):
    """Effect: the council of this application sits here from now on."""

    application: Bytes32


class Suspend(Body, frozen=True, tag="suspend", tag_field="kind"):
    """Effect: a seat has no voice until it is decided that it has (suspended: false)."""

    seat: Bytes32
    suspended: bool


class Believe(Body, frozen=True, tag="believe", tag_field="kind"):
    """Effect: this epoch of a child, by which its members replaced the tellers without them, is believed here."""

    seat: Bytes32
    epoch: Bytes32


SEAT_KINDS: Final[dict[str, type[Body]]] = {"seat.apply": Apply, "seat.carry": Carry, "seat.tell": Tell}

SEATING: Final = (Apply, Carry)
"""The bodies that the book of seats judges."""
