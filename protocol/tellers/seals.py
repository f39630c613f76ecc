"""The signatures of several tellers under one record, and what each of them signs."""

from typing import Any

from ..codec import decode, encode
from ..errors import Malformed
from ..log.operation import MAX_PARTS

__all__ = ["Signatures", "epoch_message", "pack_signatures", "unpack_signatures"]

Signatures = list[tuple[bytes, bytes]]
"""Keys with their signatures."""


def epoch_message(digest: bytes, round: int) -> bytes:
    """What a teller signs (EPOCH): the record's digest and the round of the agreement."""
    return encode([digest, round])


def pack_signatures(round: int, signatures: Signatures) -> bytes:
    """The second part of an epoch's operation."""
    return encode({"round": round, "signatures": [list(pair) for pair in sorted(signatures)]})


def unpack_signatures(data: bytes) -> tuple[int, Signatures]:
    """Round and signatures; `Malformed` unless sorted by key, one a key."""
    value: Any = decode(data, MAX_PARTS)
    fields = value if isinstance(value, dict) else {}
    round, pairs = fields.get("round"), fields.get("signatures")
    if len(fields) != 2 or type(round) is not int or not 0 <= round < 1 << 32 or type(pairs) is not list:
        raise Malformed("epoch-signatures", "the epoch's signatures are not a round and a list.")
    out: Signatures = []
    for pair in pairs:
        if type(pair) is not list or len(pair) != 2 or not all(type(item) is bytes for item in pair):
            raise Malformed("epoch-signatures", "an epoch signature is not a key and a signature.")
        if out and pair[0] <= out[-1][0]:
            raise Malformed("epoch-signatures", "the epoch's signatures are not sorted, one for each key.")
        out.append((pair[0], pair[1]))
    return round, out
