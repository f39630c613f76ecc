"""Who signed an epoch: tellers in the ordinary way, or two thirds of the roll in their place."""

from collections.abc import Mapping
from typing import Any

from ..codec import decode, encode
from ..errors import Malformed
from ..ids import Membership
from ..keys import EPOCH, REPLACEMENT, sign, verify
from ..log.operation import MAX_PARTS
from .charter import Profile
from .roll import Member, Teller

__all__ = [
    "epoch_message",
    "pack_signatures",
    "sign_epoch",
    "sign_replacement",
    "signed_by_members",
    "signed_by_tellers",
    "unpack_signatures",
]

Signatures = list[tuple[bytes, bytes]]


def epoch_message(digest: bytes, round: int) -> bytes:
    """What a teller signs (EPOCH): the record's digest and the round of the agreement."""
    return encode([digest, round])


def sign_epoch(seed: bytes, digest: bytes, round: int = 0) -> bytes:
    """A teller's signature, 64 bytes."""
    return sign(seed, EPOCH, epoch_message(digest, round))


def sign_replacement(seed: bytes, digest: bytes) -> bytes:
    """A member's device's signature over a record that replaces the tellers, 64 bytes."""
    return sign(seed, REPLACEMENT, digest)


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


def signed_by_tellers(
    digest: bytes, round: int, signatures: Signatures, tellers: tuple[Teller, ...], profile: Profile
) -> bool:
    """Whether a quorum of distinct tellers signed this record in this one round."""
    keys = {teller.key for teller in tellers}
    message = epoch_message(digest, round)
    return sum(1 for key, s in signatures if key in keys and verify(key, EPOCH, message, s)) >= profile.q


def signed_by_members(digest: bytes, signatures: Signatures, members: Mapping[Membership, Member]) -> bool:
    """Whether at least two thirds of the whole roll, absentees included, signed with a device of theirs."""
    owner = {device: m for m, member in members.items() for device in member.devices}
    signed = {owner[key] for key, s in signatures if key in owner and verify(key, REPLACEMENT, digest, s)}
    return bool(members) and len(signed) * 3 >= len(members) * 2
