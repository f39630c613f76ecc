"""Names for things: 32-byte ids and keys, and the text forms that people copy.

Text forms are the ecosystem's: CIDv1 (dag-cbor, sha2-256, base32) for operations,
`did:key` for people and devices, PeerId for nodes.
"""

import base64
from hashlib import sha256
from typing import NewType

from .errors import Malformed

__all__ = [
    "DeviceKey",
    "Digest",
    "Membership",
    "NodeKey",
    "OperationId",
    "PersonKey",
    "TellerKey",
    "b58decode",
    "b58encode",
    "digest",
    "operation_text",
    "parse_operation",
    "parse_peer",
    "parse_person",
    "peer_text",
    "person_text",
]

OperationId = NewType("OperationId", bytes)
"""SHA-256 of an operation's header, 32 bytes."""
PersonKey = NewType("PersonKey", bytes)
"""A person's Ed25519 public key, 32 bytes."""
DeviceKey = NewType("DeviceKey", bytes)
"""A device's Ed25519 public key, 32 bytes; devices sign operations."""
NodeKey = NewType("NodeKey", bytes)
"""A node's Ed25519 public key, 32 bytes; its PeerId is derived from it."""
TellerKey = NewType("TellerKey", bytes)
"""A teller's Ed25519 public key, 32 bytes."""
Membership = NewType("Membership", bytes)
"""The id of the request (or founding operation) by which somebody was admitted, 32 bytes."""
Digest = NewType("Digest", bytes)
"""A SHA-256 of canonical bytes, 32 bytes."""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUE = {c: i for i, c in enumerate(_ALPHABET)}
_CID_HEAD = b"\x01\x71\x12\x20"  # CIDv1, dag-cbor, sha2-256, 32 bytes
_ED25519_HEAD = b"\xed\x01"  # multicodec ed25519-pub as a varint
_PEER_HEAD = b"\x00\x24\x08\x01\x12\x20"  # identity multihash of the protobuf public key
_LONGEST_TEXT = 128


def digest(data: bytes) -> Digest:
    """SHA-256 of `data`."""
    return Digest(sha256(data).digest())


def b58encode(data: bytes) -> str:
    """Base58 (Bitcoin alphabet), leading zero bytes as leading `1`s."""
    number = int.from_bytes(data, "big")
    out = []
    while number:
        number, rest = divmod(number, 58)
        out.append(_ALPHABET[rest])
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + "".join(reversed(out))


def b58decode(text: str) -> bytes:
    """The inverse of `b58encode`; `Malformed` on a letter that base58 does not have."""
    number = 0
    for letter in text:
        if letter not in _VALUE:
            raise Malformed("base58", f"{letter!r} is not a letter of base58; copy the text again.")
        number = number * 58 + _VALUE[letter]
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def operation_text(operation: bytes) -> str:
    """An operation's id as CIDv1 in base32: `bafyrei...`, 59 letters."""
    return "b" + base64.b32encode(_CID_HEAD + operation).decode().lower().rstrip("=")


def parse_operation(text: str) -> OperationId:
    """The id behind `operation_text`; `Malformed` when it is not one."""
    raw = b""
    if len(text) == 59 and text[0] == "b" and text == text.lower():
        try:
            raw = base64.b32decode(text[1:].upper() + "======")
        except ValueError:
            raw = b""
    if raw[:4] != _CID_HEAD or operation_text(raw[4:]) != text:
        raise Malformed("operation-text", f"{text[:70]!r} is not an id: ids have 59 letters and start with 'bafyrei'.")
    return OperationId(raw[4:])


def person_text(key: bytes) -> str:
    """A person's or device's key as `did:key:z6Mk...`."""
    return "did:key:z" + b58encode(_ED25519_HEAD + key)


def parse_person(text: str) -> PersonKey:
    """The key behind `person_text`; `Malformed` when it is not one."""
    raw = b""
    if text.startswith("did:key:z") and len(text) <= _LONGEST_TEXT:
        raw = b58decode(text[9:])
    if raw[:2] != _ED25519_HEAD or len(raw) != 34 or person_text(raw[2:]) != text:
        raise Malformed("person-text", f"{text[:70]!r} is not a person's key: they start with 'did:key:z6Mk'.")
    return PersonKey(raw[2:])


def peer_text(key: bytes) -> str:
    """A node's key as a libp2p PeerId: `12D3KooW...`."""
    return b58encode(_PEER_HEAD + key)


def parse_peer(text: str) -> NodeKey:
    """The key behind `peer_text`; `Malformed` when it is not an Ed25519 PeerId."""
    raw = b58decode(text) if len(text) <= _LONGEST_TEXT else b""
    if raw[:6] != _PEER_HEAD or len(raw) != 38 or peer_text(raw[6:]) != text:
        raise Malformed("peer-text", f"{text[:70]!r} is not a node's PeerId: they start with '12D3KooW'.")
    return NodeKey(raw[6:])
