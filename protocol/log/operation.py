"""The operation: what somebody said, signed, named by its hash.

An envelope is `[header, signature, contents]`. The header is a byte string that itself holds
canonical CBOR: what was hashed and signed is carried byte for byte and never rebuilt.
Contents (attachments and parts) are committed to by hash in the header:

- an *attachment* may have to be erased one day (a text, a name, a picture). Its hash covers a
  16-byte salt, erased with it, so that a short text cannot be guessed from its hash. It may be
  absent from an envelope; nothing that nodes must agree on depends on its presence.
- a *part* is a list that could outgrow the header (an epoch's record, signatures). It has no
  salt, is never erased and always travels in the envelope.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, cast

import msgspec

from ..codec import decode, encode, recall
from ..errors import Malformed, Misuse
from ..ids import OperationId
from ..keys import OPERATION, public_key, sign, verify
from .shape import split_contents, split_envelope, split_header

__all__ = [
    "ATTACHMENT",
    "MAX_ATTACHMENT",
    "MAX_DEPS",
    "MAX_ENVELOPE",
    "MAX_HEADER",
    "MAX_INLINE",
    "MAX_PARTS",
    "PART",
    "Content",
    "ContentRef",
    "Draft",
    "Envelope",
    "Operation",
    "decode_envelope",
    "decode_header",
    "open_content",
    "recall_envelope",
    "recall_operation",
    "split_inline",
]

VERSION: Final = 1
ATTACHMENT: Final = 0
PART: Final = 1
MAX_DEPS: Final = 64
MAX_CONTENTS: Final = 64
MAX_HEADER: Final = 16 * 1024
MAX_INLINE: Final = 64 * 1024
"""Bytes of attachments that travel in one envelope; larger ones are fetched by hash."""
MAX_ATTACHMENT: Final = 16 * 1024 * 1024
MAX_PARTS: Final = 128 * 1024
MAX_ENVELOPE: Final = 216 * 1024
SALT: Final = 16
_KIND_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_LATEST: Final = (1 << 63) - 1


class ContentRef(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a header says of one content: its sort (`ATTACHMENT`, `PART`), hash and size in bytes."""

    sort: int
    hash: bytes
    size: int


class Content(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The bytes of an attachment (16-byte salt) or of a part (no salt)."""

    salt: bytes
    data: bytes

    def reference(self) -> ContentRef:
        """What a header says of this content."""
        hashed = sha256(self.salt + self.data).digest()
        return ContentRef(ATTACHMENT if self.salt else PART, hashed, len(self.data))


class Operation(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One signed statement. `council` is empty in the founding operation, whose id names it."""

    id: OperationId
    council: bytes
    author: bytes
    depth: int
    deps: tuple[OperationId, ...]
    time: int
    """The author's clock, ms since 1970: shown to people, never trusted."""
    kind: str
    body: dict[str, Any]
    contents: tuple[ContentRef, ...]
    header: bytes
    signature: bytes

    def signed(self) -> bool:
        """Whether the signature is the author's."""
        return verify(self.author, OPERATION, self.header, self.signature)


class Envelope(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An operation with those of its contents that are at hand (None: absent or erased)."""

    operation: Operation
    contents: tuple[Content | None, ...]

    def encode(self) -> bytes:
        """The canonical bytes, at most `MAX_ENVELOPE`."""
        return encode(
            [
                self.operation.header,
                self.operation.signature,
                [None if content is None else [content.salt, content.data] for content in self.contents],
            ]
        )

    def parts(self) -> tuple[bytes, ...]:
        """The parts' bytes, in order."""
        return tuple(c.data for c in self.contents if c is not None and not c.salt)


@dataclass(frozen=True, slots=True)
class Draft:
    """An operation before it is signed; built by the author's own side."""

    council: bytes
    author: bytes
    depth: int
    deps: tuple[bytes, ...]
    time: int
    kind: str
    body: dict[str, Any]
    contents: tuple[Content, ...] = ()

    def header(self) -> bytes:
        """The canonical header; `Misuse` when it would break the format."""
        refs = [content.reference() for content in self.contents]
        header = encode(
            [
                VERSION,
                self.council,
                self.author,
                self.depth,
                sorted(self.deps),
                self.time,
                self.kind,
                self.body,
                [[ref.sort, ref.hash, ref.size] for ref in refs],
            ]
        )
        try:
            decode_header(header, b"")
        except Malformed as error:
            raise Misuse(error.message) from error
        return header

    def signed(self, seed: bytes) -> Envelope:
        """The finished operation, signed with the seed of `author`, with all its contents.

        Attachments that together exceed `MAX_INLINE` stay in the envelope here; the node
        that stores it passes the large ones on by hash.
        """
        if public_key(seed) != self.author:
            raise Misuse("the key that signs is not the author's")
        header = self.header()
        return Envelope(decode_header(header, sign(seed, OPERATION, header)), self.contents)


def _bytes32(value: object, what: str) -> bytes:
    if type(value) is not bytes or len(value) != 32:
        raise Malformed("header", f"the operation's {what} is not 32 bytes.")
    return value


def _reference(value: object) -> ContentRef:
    if type(value) is not list or len(value) != 3:
        raise Malformed("contents", "the operation describes a content badly.")
    sort, hashed, size = value
    if sort not in (ATTACHMENT, PART) or type(sort) is not int:
        raise Malformed("contents", "the operation has a content of an unknown sort.")
    if type(size) is not int or not 0 <= size <= MAX_ATTACHMENT:
        raise Malformed("contents", "the operation has a content that is larger than 16 MiB.")
    return ContentRef(sort, _bytes32(hashed, "content hash"), size)


def recall_operation(header: bytes, signature: bytes) -> Operation:
    """The operation in a header that was accepted before; compare its id, and it is the same one."""
    return _quick(header, signature, recall) or _operation(recall(header), header, signature)


def decode_header(header: bytes, signature: bytes) -> Operation:
    """The operation in `header`; `Malformed` unless every rule of the format holds.

    The signature is carried along, not checked: `Operation.signed` does that.
    """
    return _quick(header, signature, _decode) or _operation(decode(header, MAX_HEADER), header, signature)


def _decode(data: bytes) -> Any:
    return decode(data, MAX_HEADER)


def _quick(header: bytes, signature: bytes, read: Callable[[bytes], Any]) -> Operation | None:
    """The operation in a header that begins as nearly all do; None to look closer, and then to say what is wrong.

    Nothing is accepted here that a decoder of the whole would refuse. `read` decodes the end.
    """
    beginning = split_header(header) if len(header) <= MAX_HEADER else None
    if beginning is None:
        return None
    council, author, depth, deps, time, kind, end = beginning
    # Read as a list of two, so that it nests as deep as in the list of nine.
    body, contents = read(b"\x82" + header[end:])
    if type(body) is not dict or type(contents) is not list or len(contents) > MAX_CONTENTS:
        return None
    return Operation(
        OperationId(sha256(header).digest()),
        council,
        author,
        depth,
        cast("tuple[OperationId, ...]", deps),
        time,
        kind,
        body,
        _references(contents) if contents else (),
        header,
        signature,
    )


def _references(contents: list[Any]) -> tuple[ContentRef, ...]:
    refs = tuple([_reference(content) for content in contents])
    if sum([ref.size for ref in refs if ref.sort == PART]) > MAX_PARTS:
        raise Malformed("parts", f"the operation's parts exceed {MAX_PARTS} bytes together.")
    return refs


def _operation(value: Any, header: bytes, signature: bytes) -> Operation:
    if type(value) is not list or len(value) != 9:
        raise Malformed("header", "the header is not a list of nine fields.")
    version, council, author, depth, deps, time, kind, body, contents = value
    if type(version) is not int or version != VERSION:
        raise Malformed("version", f"the operation is of format version {version!r:.20}; this node knows {VERSION}.")
    _bytes32(author, "author")
    if type(depth) is not int or depth < 0 or type(time) is not int or not 0 <= time <= _LATEST:
        raise Malformed("header", "the operation's depth or time is not a number that can be.")
    if type(deps) is not list or len(deps) > MAX_DEPS:
        raise Malformed("deps", f"the operation names more than {MAX_DEPS} earlier ones.")
    previous = b""
    for dep in deps:
        if type(dep) is not bytes or len(dep) != 32 or dep <= previous:
            raise Malformed("deps", "the ids of earlier operations are not 32 bytes each, sorted and distinct.")
        previous = dep
    if deps:
        _bytes32(council, "council")
        if not depth:
            raise Malformed("depth", "only a founding operation has depth 0.")
    elif council != b"" or type(council) is not bytes or depth:
        raise Malformed("deps", "only a founding operation names no earlier one.")
    if type(kind) is not str or not 0 < len(kind) <= 64 or not _KIND_LETTERS.issuperset(kind):
        raise Malformed("kind", "the operation's kind is not 1 to 64 letters of a-z, 0-9, '.' and '-'.")
    if type(body) is not dict:
        raise Malformed("body", "the operation's body is not a map.")
    if type(contents) is not list or len(contents) > MAX_CONTENTS:
        raise Malformed("contents", f"the operation has more than {MAX_CONTENTS} attachments.")
    return Operation(
        OperationId(sha256(header).digest()),
        council,
        author,
        depth,
        tuple(deps),
        time,
        kind,
        body,
        _references(contents),
        header,
        signature,
    )


def open_content(data: bytes, salt: bytes, ref: ContentRef) -> Content:
    """A content that came by itself; `Malformed` when it is not what `ref` names."""
    if (
        len(salt) != (SALT if ref.sort == ATTACHMENT else 0)
        or len(data) != ref.size
        or sha256(salt + data).digest() != ref.hash
    ):
        raise Malformed("content-hash", "a content does not match the hash that was signed.")
    return Content(salt, data)


def _content(value: object, ref: ContentRef) -> Content | None:
    if value is None:
        if ref.sort == PART:
            raise Malformed("parts", "the operation came without one of its parts.")
        return None
    if type(value) is not list or len(value) != 2 or type(value[0]) is not bytes or type(value[1]) is not bytes:
        raise Malformed("envelope", "a content is not a salt and bytes.")
    return open_content(value[1], value[0], ref)


def _split(data: bytes) -> tuple[bytes, bytes, Any] | None:
    """Header, signature and contents of an envelope; None when it has not the usual shape."""
    pieces = split_envelope(data) if len(data) <= MAX_ENVELOPE else None
    if pieces is None:
        return None
    header, signature, begin = pieces
    given = split_contents(data, begin)
    return header, signature, decode(data[begin:], MAX_ENVELOPE) if given is None else given


def decode_envelope(data: bytes) -> Envelope:
    """The envelope in `data`, all checked except the signature; `Malformed` otherwise."""
    value = _split(data) or decode(data, MAX_ENVELOPE)
    if type(value) not in (list, tuple) or len(value) != 3:
        raise Malformed("envelope", "the envelope is not a header, a signature and contents.")
    header, signature, given = value
    if type(header) is not bytes or type(signature) is not bytes or len(signature) != 64:
        raise Malformed("envelope", "the envelope's header or signature is not what it must be.")
    operation = decode_header(header, signature)
    if type(given) is not list or len(given) != len(operation.contents):
        raise Malformed("envelope", "the envelope does not hold one place for each content.")
    if not given:
        return Envelope(operation, ())
    contents = tuple([_content(item, ref) for item, ref in zip(given, operation.contents, strict=True)])
    if sum([len(c.data) for c in contents if c is not None and c.salt]) > MAX_INLINE:
        raise Malformed("inline", f"the attachments in the envelope exceed {MAX_INLINE} bytes together.")
    return Envelope(operation, contents)


def recall_envelope(data: bytes) -> Envelope:
    """An envelope without attachments that `decode_envelope` accepted before; compare its id.

    For reading a whole log from disk: what the id's hash covers is not checked again.
    """
    split = _split(data)
    if split is None:
        return decode_envelope(data)
    header, signature, given = split
    contents = tuple([None if item is None else Content(item[0], item[1]) for item in given])
    return Envelope(recall_operation(header, signature), contents)


def split_inline(contents: Sequence[Content | None]) -> tuple[Content | None, ...]:
    """The contents that may travel in an envelope: parts, then attachments while they fit."""
    room = MAX_INLINE
    out: list[Content | None] = []
    for content in contents:
        if content is not None and content.salt:
            if len(content.data) > room:
                out.append(None)
                continue
            room -= len(content.data)
        out.append(content)
    return tuple(out)
