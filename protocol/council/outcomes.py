"""What became of an operation, and what it changed: typed values."""

from typing import Any

import msgspec

from ..errors import Refusal
from ..ids import Digest, OperationId

__all__ = [
    "Added",
    "EpochEntered",
    "Erased",
    "Event",
    "Forgotten",
    "Inserted",
    "Known",
    "Outcome",
    "Refused",
    "Rival",
    "Waiting",
]


class Added(msgspec.Struct, frozen=True, gc=False):
    """Event: an operation is in the log. `without_effect` says why, if it has none."""

    operation: OperationId
    kind: str
    without_effect: Refusal | None


class EpochEntered(msgspec.Struct, frozen=True, gc=False):
    """Event: the council changed. `effects` are those of the record."""

    number: int
    digest: Digest
    effects: tuple[dict[str, Any], ...]


class Erased(msgspec.Struct, frozen=True, gc=False):
    """Event: an operation's attachments at `indices` are to be deleted."""

    operation: bytes
    indices: frozenset[int]


class Forgotten(msgspec.Struct, frozen=True, gc=False):
    """Event: these operations are valid but nobody needs them any more; they can be deleted."""

    operations: tuple[OperationId, ...]


Event = Added | EpochEntered | Erased | Forgotten


class Inserted(msgspec.Struct, frozen=True, gc=False):
    """The operation is in the log. `kept` is false for one that only an ended standing vouches for."""

    row: int
    epoch: int
    kept: bool
    events: tuple[Event, ...]


class Known(msgspec.Struct, frozen=True, gc=False):
    """The operation was in the log already."""


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """The operation cannot be judged yet: deps are `missing`, or it uses `rules` unknown here."""

    missing: tuple[OperationId, ...]
    rules: str = ""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The operation breaks a rule that everybody applies alike; it never enters."""

    refusal: Refusal


class Rival(msgspec.Struct, frozen=True, gc=False):
    """A properly signed epoch record that rivals one held here: evidence, kept beside the log."""

    number: int
    digest: Digest
    ours: Digest


Outcome = Inserted | Known | Waiting | Refused | Rival
