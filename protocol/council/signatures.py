"""Who signed an epoch: tellers in the ordinary way, or two thirds of the roll in their place."""

from collections.abc import Mapping

from ..ids import Membership
from ..keys import EPOCH, REPLACEMENT, sign, verify
from ..tellers.profiles import Profile
from ..tellers.seals import Signatures, epoch_message, pack_signatures, unpack_signatures
from .roll import Member, Teller

__all__ = [
    "Signatures",
    "epoch_message",
    "pack_signatures",
    "sign_epoch",
    "sign_replacement",
    "signed_by_members",
    "signed_by_tellers",
    "unpack_signatures",
]


def sign_epoch(seed: bytes, digest: bytes, round: int = 0) -> bytes:
    """A teller's signature, 64 bytes."""
    return sign(seed, EPOCH, epoch_message(digest, round))


def sign_replacement(seed: bytes, digest: bytes) -> bytes:
    """A member's device's signature over a record that replaces the tellers, 64 bytes."""
    return sign(seed, REPLACEMENT, digest)


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
