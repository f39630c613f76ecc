"""What became of an operation, and what it changed: typed values."""

from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Added:
    """Event: an operation is in the log. `without_effect` says why, if it has none."""

    operation: OperationId
    kind: str
    without_effect: Refusal | None


@dataclass(frozen=True, slots=True)
class EpochEntered:
    """Event: the council changed. `effects` are those of the record."""

    number: int
    digest: Digest
    effects: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """Event: an operation's attachments at `indices` are to be deleted."""

    operation: bytes
    indices: frozenset[int]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Event: these operations are valid but nobody needs them any more; they can be deleted."""

    operations: tuple[OperationId, ...]


Event = Added | EpochEntered | Erased | Forgotten


@dataclass(frozen=True, slots=True)
class Inserted:
    """The operation is in the log. `kept` is false for one that only an ended standing vouches for."""

    row: int
    epoch: int
    kept: bool
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """The operation was in the log already."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The operation cannot be judged yet: deps are `missing`, or it uses `rules` unknown here."""

    missing: tuple[OperationId, ...]
    rules: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The operation breaks a rule that everybody applies alike; it never enters."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Rival:
    """A properly signed epoch record that rivals one held here: evidence, kept beside the log."""

    number: int
    digest: Digest
    ours: Digest


Outcome = Inserted | Known | Waiting | Refused | Rival
