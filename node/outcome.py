"""What became of an operation that somebody handed in.

Outcome
├── Accepted   new, checked, and on disk
├── Known      it was here already
├── Waits      well signed, but operations that it builds on are not here yet
├── Rejected   it broke a rule; nothing was kept
└── Aside      it belongs to another branch of the council; kept as proof beside the log
"""

import msgspec

from protocol.errors import Refusal
from protocol.ids import OperationId

__all__ = ["Accepted", "Aside", "Known", "Outcome", "Rejected", "Waits"]


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """Checked and on disk. `epoch` is the number of the epoch that it was said in."""

    id: OperationId
    council: bytes
    epoch: int


class Known(msgspec.Struct, frozen=True, gc=False):
    """It was here already, which is as good as accepted."""

    id: OperationId
    council: bytes


class Waits(msgspec.Struct, frozen=True, gc=False):
    """It comes in by itself once `missing` have come, unless too many others wait.

    `rules` names versions of the rules that this node lacks: it comes in after an update.
    """

    id: OperationId
    council: bytes
    missing: tuple[OperationId, ...]
    rules: str = ""


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """`id` is None when the bytes were no operation."""

    id: OperationId | None
    refusal: Refusal


class Aside(msgspec.Struct, frozen=True, gc=False):
    """It is of a branch that this node does not follow; `refusal` says which rule keeps it out."""

    id: OperationId
    council: bytes
    refusal: Refusal


Outcome = Accepted | Known | Waits | Rejected | Aside
