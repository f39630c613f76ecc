"""What the API asks and answers about councils: their tellers, charters, epochs and branches."""

from typing import Any, Literal

from node.api.answer import Answer
from node.api.people_answers import PersonAnswer

__all__ = [
    "BranchAsked",
    "CharterAnswer",
    "CouncilAnswer",
    "EffectAnswer",
    "EpochAnswer",
    "EpochEvent",
    "OfficeAnswer",
    "OperationEvent",
    "RecordAnswer",
    "RecordAsked",
    "ReplacementAnswer",
    "RivalAnswer",
    "SignatureAnswer",
    "TellerAnswer",
    "TellerNamed",
]


class TellerAnswer(Answer, frozen=True):
    """A teller and the node it runs on."""

    key: str
    peer: str
    here: bool
    """Whether it is this node."""
    connected: bool
    """Whether this node is connected to it, or is it."""
    silent: str | None
    """Why it signs nothing now, if it is this node's and does not."""
    astray: str | None
    """Why it takes no part in ballots, if it is this node's and does not: its clock is wrong."""


class CharterAnswer(Answer, frozen=True):
    """The charter in force."""

    council: str
    digest: str
    charter: dict[str, Any]
    """As in operations; docs/protocol.md explains every field."""
    words: dict[str, str]
    """For each matter its threshold in words, such as `more than 1/2`."""


class OfficeAnswer(Answer, frozen=True):
    """An office and who holds it, in the order in which they were chosen."""

    office: str
    members: list[PersonAnswer]


class CouncilAnswer(Answer, frozen=True):
    """One council."""

    council: str
    name: str
    purpose: str
    template: str
    visibility: str
    epoch: int
    epoch_digest: str
    members: int
    smallest: int
    largest: int
    forming: bool
    absent: int
    operations: int
    heads: int
    state_digest: str
    profile: str
    tellers: list[TellerAnswer]
    tellers_digest: str
    offices: list[OfficeAnswer]
    rivals: int
    """How many operations of another branch were seen and kept as evidence."""


class EffectAnswer(Answer, frozen=True):
    """One thing that an epoch changed, in words and as data."""

    kind: str
    words: str
    reason: str | None
    """The operation that is the reason."""
    assents: list[str]
    details: dict[str, Any]


class EpochAnswer(Answer, frozen=True):
    """One step of the council."""

    number: int
    digest: str
    operation: str | None
    """The operation that carries it; null for epoch 0, which is the founding."""
    time: int
    """By the teller's clock."""
    effects: list[EffectAnswer]


class OperationEvent(Answer, frozen=True):
    """Event `operation`: something was said."""

    council: str
    operation: str
    kind: str
    words: str
    without_effect: str | None


class EpochEvent(Answer, frozen=True):
    """Event `epoch`: the council changed."""

    council: str
    number: int
    digest: str
    effects: list[EffectAnswer]


class RivalAnswer(Answer, frozen=True):
    """An epoch of another branch, kept as evidence."""

    operation: str
    number: int
    digest: str


class BranchAsked(Answer, frozen=True):
    """Asked: follow the rival epoch with this digest from now on, and leave the present branch."""

    digest: str


class TellerNamed(Answer, frozen=True):
    """Asked: a teller, from its offer; key, node and possession in hex."""

    key: str
    node: str
    possession: str
    addresses: list[str]


class RecordAsked(Answer, frozen=True):
    """Asked: the record by which the members make these the tellers, without the present ones."""

    profile: str
    tellers: list[TellerNamed]


class RecordAnswer(Answer, frozen=True):
    """A record for members to sign, base64."""

    record: bytes
    number: int
    digest: str


class SignatureAnswer(Answer, frozen=True):
    """A member's signature over an offered record, hex."""

    member: PersonAnswer
    device: str
    signature: str


class ReplacementAnswer(Answer, frozen=True):
    """A replacement of the tellers that was offered to the members."""

    offer: str
    by: PersonAnswer
    time: int
    record: bytes
    """Base64."""
    digest: str
    tellers: list[str]
    """The nodes that would be tellers; empty for one that lapsed."""
    signatures: list[SignatureAnswer]
    signed: int
    """How many members have signed."""
    needed: int
    """Two thirds of the roll, absentees included."""
    depth: int
    """Of the operation that would carry it."""
    state: Literal["open", "effective", "lapsed"]
