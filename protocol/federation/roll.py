"""A child's roll as its digest covers it: shown to a parent when it is needed, never kept there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from ..codec import decode
from ..errors import Malformed
from ..ids import Digest, digest
from ..log.operation import MAX_PARTS
from .record import Bytes32

__all__ = ["Roll", "read_roll"]


class _Row(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    membership: Bytes32
    person: Bytes32
    since: Annotated[int, msgspec.Meta(ge=0)]
    devices: list[Bytes32]
    nodes: list[tuple[Bytes32, list[str]]]
    absent: bool
    seat: tuple[int, Bytes32, int | None, bool, int | None] | None = None


@dataclass(frozen=True, slots=True)
class Roll:
    """What a parent wants of it. members: how many rows; people: a seat stands for as many as its council says.
    owners: device -> membership; nodes: the keys of the listed nodes, sorted."""

    digest: Digest
    members: int
    people: int
    owners: Mapping[bytes, bytes]
    nodes: tuple[bytes, ...]


def read_roll(data: bytes) -> Roll:
    """The roll in its canonical bytes (`[[membership, person, since, devices, nodes, absent] ...]`)."""
    value: Any = decode(data, MAX_PARTS)
    try:
        rows = msgspec.convert(value, list[_Row], strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise Malformed("seat-roll", f"this is not a council's roll: {error}.") from error
    if [row.membership for row in rows] != sorted({row.membership for row in rows}):
        raise Malformed("seat-roll", "the roll is not sorted by membership, each once.")
    owners = {device: row.membership for row in rows for device in row.devices}
    nodes = {key for row in rows for key, _ in row.nodes}
    people = sum(1 if row.seat is None else row.seat[2] or 0 for row in rows)
    return Roll(digest(data), len(rows), people, owners, tuple(sorted(nodes)))
