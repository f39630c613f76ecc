"""The bodies of ballots: what members say in them, and what tellers say about them."""

from typing import Annotated, Any, Final

import msgspec

from ..tellers.question import Question
from .body import Body, Bytes32, Index, Signature, Time
from .classes import Classes
from .seat_bodies import Tell

__all__ = [
    "BALLOTING",
    "BALLOT_KINDS",
    "Accept",
    "CastBody",
    "Certify",
    "CloseBody",
    "Decline",
    "OpenBallot",
    "Precommit",
    "Prevote",
    "Propose",
    "Seen",
    "Support",
]

Instance = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Round = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFF0)]
Ids = Annotated[list[Bytes32], msgspec.Meta(max_length=64)]
Weighing = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Divisor = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Value = Annotated[bytes, msgspec.Meta(max_length=32)]


class Support(Body, frozen=True):
    """`ballot.support`: a member wants a ballot on this proposal."""

    proposal: Bytes32


class OpenBallot(Body, frozen=True):
    """`ballot.open`: a question with a deadline, put to the roll of one epoch.

    epoch: the digest of the epoch it is opened on, which must be the operation's own.
    pins: ids of versions whose texts are voted on, all among the deps. proposal, supports:
    where the charter asks for supporters. effect: what follows when it is adopted, as in a
    motion, or an election to an office. hidden: casts are commitments until the close. weights:
    `[membership, a, b]` where votes do not all weigh 1. classes: how the roll is divided, where
    the charter does not say so.
    """

    epoch: Bytes32
    question: Question
    title: Index
    deadline: Time
    text: Index | None = None
    proposal: Bytes32 | None = None
    pins: Annotated[list[Bytes32], msgspec.Meta(max_length=16)] = msgspec.field(default_factory=list)
    supports: Annotated[list[Bytes32], msgspec.Meta(max_length=40)] = msgspec.field(default_factory=list)
    effect: dict[str, Any] | None = None
    hidden: bool = False
    weights: Annotated[list[tuple[Bytes32, Weighing, Divisor]], msgspec.Meta(max_length=500)] = msgspec.field(
        default_factory=list
    )
    classes: Classes | None = None


class CastBody(Body, frozen=True):
    """`ballot.cast`: a choice, or for a hidden ballot a commitment and boxes to the tellers.

    revision: 0, then 1 + that of the cast in `replaces`, which is among the deps.
    commitment: SHA-256 of salt (16 bytes) and the choice's canonical CBOR. boxes: a part,
    canonical CBOR `[[teller key, sealed box of salt + choice] ...]` sorted by key.
    """

    ballot: Bytes32
    revision: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    choice: Any = None
    replaces: Bytes32 | None = None
    commitment: Bytes32 | None = None
    boxes: Index | None = None
    reason: Index | None = None


class Accept(Body, frozen=True):
    """`teller.accept`: the teller will count this ballot.

    commitment: what SHA-256, applied once more for each instance, makes of a close's nonce.
    """

    ballot: Bytes32
    commitment: Bytes32


class Decline(Body, frozen=True):
    """`teller.decline`: the teller will not, and why."""

    ballot: Bytes32
    rule: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class Seen(Body, frozen=True):
    """`teller.seen`: casts that the teller has, on time. casts: a part, a sorted list of ids."""

    ballot: Bytes32
    casts: Index


class CloseBody(Body, frozen=True):
    """`teller.close`: the casts that the teller had on time. casts: a part, a sorted list of ids.

    at: its clock, ms. openings: for hidden casts a part, `[[cast, salt, choice] ...]` sorted by
    cast. nonce: what the accept committed to: SHA-256 of it for the first instance, and once
    more for each that follows, so that no close tells the nonce of a later one.
    """

    ballot: Bytes32
    instance: Instance
    casts: Index
    nonce: Bytes32
    at: Time
    attended: bool
    openings: Index | None = None


class Propose(Body, frozen=True):
    """`teller.propose`: of: the ballot, or the previous epoch's digest; then `record` is a part."""

    of: Bytes32
    instance: Instance
    round: Round
    valid_round: Annotated[int, msgspec.Meta(ge=-1, le=0xFFFFFFF0)]
    closes: Ids = msgspec.field(default_factory=list)
    record: Index | None = None


class Prevote(Body, frozen=True):
    """`teller.prevote`: for a value (32 bytes), or for nothing (empty)."""

    of: Bytes32
    instance: Instance
    round: Round
    value: Value


class Precommit(Body, frozen=True):
    """`teller.precommit`: for a value, with a signature over its record and the round."""

    of: Bytes32
    instance: Instance
    round: Round
    value: Value
    signature: Signature | None = None


class Certify(Body, frozen=True):
    """`teller.certify`: a ballot's record with q signatures of one round. Anybody in standing may carry it."""

    ballot: Bytes32
    instance: Instance
    round: Round
    record: Index
    signatures: Index


BALLOT_KINDS: Final[dict[str, type[Body]]] = {
    "ballot.support": Support,
    "ballot.open": OpenBallot,
    "ballot.cast": CastBody,
    "teller.accept": Accept,
    "teller.decline": Decline,
    "teller.seen": Seen,
    "teller.close": CloseBody,
    "teller.propose": Propose,
    "teller.prevote": Prevote,
    "teller.precommit": Precommit,
    "teller.certify": Certify,
}

BALLOTING: Final[tuple[type[Body], ...]] = (*BALLOT_KINDS.values(), Tell)
"""The bodies that the ballot box judges."""
