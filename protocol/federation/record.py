"""What others read of a council's epoch: its record, and the tellers that it names."""

from typing import Annotated, Any, Literal

import msgspec

from ..codec import decode, encode
from ..errors import Malformed
from ..keys import TELLER, verify
from ..log.operation import MAX_PARTS

__all__ = ["Bytes32", "EpochRecord", "Signature", "TellerChange", "TellerShown", "read_record"]

Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]


class EpochRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The record of an epoch, as every council writes it."""

    version: Literal[1]
    council: Bytes32
    number: Annotated[int, msgspec.Meta(ge=1)]
    previous: Bytes32
    basis: list[Bytes32]
    effects: list[dict[str, Any]]
    roll: Bytes32
    charter: Bytes32
    tellers: Bytes32

    @property
    def by_members(self) -> bool:
        """Whether it is one that two thirds of the roll sign in place of the tellers."""
        first = self.effects[0] if len(self.effects) == 1 else {}
        return (first.get("kind"), first.get("by")) == ("tellers", "members")


class TellerShown(msgspec.Struct, frozen=True):
    """A teller, as a founding or a change of tellers names it."""

    key: Bytes32
    node: Bytes32
    possession: Signature

    def proven(self, context: bytes) -> bool:
        """Whether the possession is signed by the key, for the founding nonce or the council's id."""
        return verify(self.key, TELLER, encode([context, self.key, self.node]), self.possession)


class TellerChange(msgspec.Struct, frozen=True):
    """The effect that changes the tellers."""

    profile: str
    tellers: list[TellerShown]


def read_record(data: bytes) -> EpochRecord:
    """The record in its canonical bytes; `Malformed` when it is none."""
    value = decode(data, MAX_PARTS)
    try:
        return msgspec.convert(value, EpochRecord, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise Malformed("seat-record", f"this is not the record of an epoch: {error}.") from error
