"""Ed25519 with domain separation.

Every signature is over `domain + message`, so that a signature made for one purpose proves
nothing for another. libsodium's acceptance rules are part of the protocol: other verifiers
accept other edge cases, and nodes that used them would disagree on what was said.
"""

from typing import Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from .errors import Misuse

__all__ = [
    "DECISION",
    "ENROLMENT",
    "EPOCH",
    "LEAVE",
    "NODE",
    "OPERATION",
    "POSSESSION",
    "REPLACEMENT",
    "REVOCATION",
    "TELLER",
    "public_key",
    "sign",
    "verify",
]

OPERATION: Final = b"folkmoot operation 1\n"
ENROLMENT: Final = b"folkmoot enrolment 1\n"
POSSESSION: Final = b"folkmoot possession 1\n"
REVOCATION: Final = b"folkmoot revocation 1\n"
LEAVE: Final = b"folkmoot leave 1\n"
NODE: Final = b"folkmoot node 1\n"
TELLER: Final = b"folkmoot teller 1\n"
EPOCH: Final = b"folkmoot epoch 1\n"
DECISION: Final = b"folkmoot decision 1\n"
REPLACEMENT: Final = b"folkmoot replacement 1\n"


def public_key(seed: bytes) -> bytes:
    """The 32-byte Ed25519 public key of a 32-byte seed."""
    if len(seed) != 32:
        raise Misuse("a seed has 32 bytes")
    return crypto_sign_seed_keypair(seed)[0]


def sign(seed: bytes, domain: bytes, message: bytes) -> bytes:
    """A 64-byte signature over `domain + message` by the key of `seed`."""
    if len(seed) != 32:
        raise Misuse("a seed has 32 bytes")
    return crypto_sign(domain + message, crypto_sign_seed_keypair(seed)[1])[:64]


def verify(key: bytes, domain: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is by `key` over `domain + message`; false for wrong lengths too."""
    if len(key) != 32 or len(signature) != 64:
        return False
    try:
        crypto_sign_open(signature + domain + message, key)
    except BadSignatureError:
        return False
    return True
