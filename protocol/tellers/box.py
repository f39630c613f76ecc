"""Hidden casts: a commitment for everybody, and for each teller a sealed box with what it commits to.

A box is libsodium's sealed box (an ephemeral X25519 key, then XSalsa20 and Poly1305) to the
teller's Ed25519 key, converted. Every box of a ballot has the same size, so that its length
does not tell the choice. Tellers open their boxes as the casts come: they see them.
"""

from hashlib import blake2b, sha256
from typing import Any, Final

from nacl.bindings import (
    crypto_box,
    crypto_box_seal_open,
    crypto_box_seed_keypair,
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import CryptoError

from ..codec import decode, encode
from ..errors import Malformed, Misuse

__all__ = ["BOX", "MAX_CHOICE", "SALT", "Opening", "commitment", "open_box", "seal", "seal_boxes", "unpack_boxes"]

SALT: Final = 16
MAX_CHOICE: Final = 384
"""Bytes of a hidden choice's canonical form at most: what a close has to say aloud for everybody."""
BOX: Final = 48 + SALT + 2 + MAX_CHOICE
"""Bytes of every box."""

Opening = tuple[bytes, Any]
"""Salt (16 bytes) and choice."""


def commitment(salt: bytes, choice: object) -> bytes:
    """What a hidden cast says of its choice, 32 bytes."""
    return sha256(salt + encode(choice)).digest()


def seal(teller: bytes, salt: bytes, choice: object) -> bytes | None:
    """A box that only the teller with this Ed25519 key opens; None for a key that nothing can be sealed to.

    `Misuse` when the choice is too long. salt: 16 secret bytes, fresh for each cast. The box's own ephemeral key is derived from
    them, so that nothing else has to be drawn by chance.
    """
    said = encode(choice)
    if len(said) > MAX_CHOICE or len(salt) != SALT:
        raise Misuse(f"a hidden choice has at most {MAX_CHOICE} bytes, and a salt of {SALT}")
    ephemeral, secret = crypto_box_seed_keypair(sha256(b"folkmoot box 1\n" + salt + teller).digest())
    try:
        key = crypto_sign_ed25519_pk_to_curve25519(teller)
    except CryptoError:
        return None  # it signs, but lies outside the group that keys are agreed on in
    nonce = blake2b(ephemeral + key, digest_size=24).digest()
    padded = salt + len(said).to_bytes(2, "big") + said.ljust(MAX_CHOICE, b"\0")
    return bytes(ephemeral + crypto_box(padded, nonce, key, secret))


def open_box(seed: bytes, box: bytes) -> Opening | None:
    """What the box says to the teller with this seed; None when it is not for it, or nonsense."""
    if len(box) != BOX:
        return None
    public, secret = crypto_sign_seed_keypair(seed)
    try:
        padded = crypto_box_seal_open(
            box, crypto_sign_ed25519_pk_to_curve25519(public), crypto_sign_ed25519_sk_to_curve25519(secret)
        )
    except CryptoError:
        return None
    size = int.from_bytes(padded[SALT : SALT + 2], "big")
    try:
        return padded[:SALT], decode(padded[SALT + 2 :][:size], MAX_CHOICE)
    except Malformed:
        return None


def seal_boxes(tellers: tuple[bytes, ...], salt: bytes, choice: object) -> bytes:
    """The part of a hidden cast: a box for each teller, by key."""
    boxes = [(teller, seal(teller, salt, choice)) for teller in sorted(tellers)]
    return encode([[teller, box] for teller, box in boxes if box is not None])


def unpack_boxes(part: bytes) -> dict[bytes, bytes]:
    """Teller -> box; `Malformed` unless sorted by key, one box a key."""
    value = decode(part, len(part))
    pairs = value if isinstance(value, list) else [value]
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(type(item) is bytes for item in pair):
            raise Malformed("cast-boxes", "the boxes of a hidden cast are not pairs of a teller and a box.")
    boxes: dict[bytes, bytes] = dict(pairs)
    if list(boxes) != sorted(pair[0] for pair in pairs):
        raise Malformed("cast-boxes", "the boxes of a hidden cast are not sorted, one for each teller.")
    return boxes
