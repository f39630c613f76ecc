"""A council's news in a file, carried between two places without a line.

A file is a CBOR sequence of byte strings, each of which holds canonical CBOR:

    {"format": "folkmoot bundle", "version": 1, "council": id, "operations": n, "heads": [ids]}
    n times, each later in `(depth, id)` order than the one before:
        an envelope, with the attachments that travel in one
        [index, salt, bytes] for each larger attachment of it, by index

Source: docs/protocol.md, chapter 12. `Bundle` reads pieces of any size as they come, so that a
long file never lies in memory; who writes a file calls `pack_head`, `pack_envelope` and
`pack_content`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeGuard

from ..codec import decode, encode
from ..errors import Malformed
from .operation import ATTACHMENT, MAX_ATTACHMENT, MAX_ENVELOPE, Content, Envelope, decode_envelope, open_content

__all__ = ["MAX_HEADS", "Bundle", "BundleHead", "Larger", "pack_content", "pack_envelope", "pack_head"]

_FORMAT: Final = "folkmoot bundle"
_VERSION: Final = 1
_FIELDS: Final = {"format", "version", "council", "operations", "heads"}
MAX_HEADS: Final = 1024
"""Heads that a file names at most."""
_MAX_COUNT: Final = 1 << 32
_MAX_HEAD: Final = 64 * 1024
_MAX_CONTENT: Final = MAX_ATTACHMENT + 64
_WIDTHS: Final = {24: 1, 25: 2, 26: 4}
_LEAST: Final = {1: 24, 2: 1 << 8, 4: 1 << 16}
"""The least length that is written in so many bytes."""


@dataclass(frozen=True, slots=True)
class BundleHead:
    """The first item: which council, how many operations follow, and the heads of the log that they come from.

    Who holds all of `heads` after reading has everything that the writer had.
    """

    council: bytes
    operations: int
    heads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Larger:
    """An attachment that does not fit into its envelope, checked against what its operation's header says."""

    operation: bytes
    index: int
    content: Content


def pack_head(head: BundleHead) -> bytes:
    """The first item of a file."""
    return _pack(
        {
            "format": _FORMAT,
            "version": _VERSION,
            "council": head.council,
            "operations": head.operations,
            "heads": sorted(head.heads)[:MAX_HEADS],
        }
    )


def pack_envelope(envelope: Envelope) -> bytes:
    """An operation's item."""
    return encode(envelope.encode())


def pack_content(index: int, content: Content) -> bytes:
    """The item of an attachment that does not fit into its envelope."""
    return _pack([index, content.salt, content.data])


def _pack(value: object) -> bytes:
    return encode(encode(value))


class Bundle:
    """Reads a file: `feed` it in order, then call `finish`. Both raise `Malformed` for what is no such file.

    Hashes, the order and the attachments are checked; signatures and standing are the log's to judge.
    """

    def __init__(self) -> None:
        self.head: BundleHead | None = None
        """The first item, once it was read."""
        self._left = bytearray()
        self._operations = 0
        self._last: Envelope | None = None
        self._place: tuple[int, bytes] = (-1, b"")
        self._index = -1

    def feed(self, data: bytes) -> Iterator[BundleHead | Envelope | Larger]:
        """What is complete with these bytes, in order."""
        self._left += data
        while (item := self._item()) is not None:
            yield self._read(item)

    def finish(self) -> None:
        """Nothing more comes: refuse a file that was cut off."""
        if self.head is None or self._left or self._operations != self.head.operations:
            raise Malformed("bundle-cut", "The bundle is cut off in the middle; copy the file again.")

    def _item(self) -> bytes | None:
        """The next byte string, if all of it is here."""
        left = self._left
        if not left:
            return None
        low = left[0] & 31
        if left[0] >> 5 != 2 or (low >= 24 and low not in _WIDTHS):
            raise _stranger() if self.head is None else _damaged("an item is no byte string")
        width = 0 if low < 24 else _WIDTHS[low]
        if len(left) < 1 + width:
            return None
        size = int.from_bytes(left[1 : 1 + width], "big") if width else low
        if width and size < _LEAST[width]:
            raise _damaged("an item's length is not in its shortest form")
        if size > (_MAX_CONTENT if self.head is not None else _MAX_HEAD):
            raise _damaged("an item is too long")
        if len(left) < 1 + width + size:
            return None
        item = bytes(left[1 + width : 1 + width + size])
        del left[: 1 + width + size]
        return item

    def _read(self, item: bytes) -> BundleHead | Envelope | Larger:
        if self.head is None:
            self.head = _head(item)
            return self.head
        # An envelope is a list that begins with a byte string, an attachment's one that begins with a number.
        if item[:1] == b"\x83" and item[1:2] < b"\x20":
            return self._content(item)
        return self._envelope(item, self.head)

    def _envelope(self, item: bytes, head: BundleHead) -> Envelope:
        if len(item) > MAX_ENVELOPE:
            raise _damaged("an envelope is too long")
        envelope = decode_envelope(item)
        operation = envelope.operation
        if (operation.council or operation.id) != head.council:
            raise Malformed("bundle-council", "The bundle holds an operation of another council; it was tampered with.")
        place = (operation.depth, operation.id)
        if place <= self._place:
            raise _damaged("its operations are out of order")
        self._operations += 1
        if self._operations > head.operations:
            raise _damaged("it holds more operations than it says")
        self._place, self._last, self._index = place, envelope, -1
        return envelope

    def _content(self, item: bytes) -> Larger:
        value = decode(item, _MAX_CONTENT)
        last = self._last
        index, salt, data = value
        if last is None or type(salt) is not bytes or type(data) is not bytes:
            raise _damaged("an attachment belongs to no operation")
        references = last.operation.contents
        if not self._index < index < len(references):
            raise _damaged("an attachment is out of order, or its operation has none like it")
        if references[index].sort != ATTACHMENT or last.contents[index] is not None:
            raise _damaged("an attachment is there twice")
        self._index = index
        return Larger(last.operation.id, index, open_content(data, salt, references[index]))


def _head(item: bytes) -> BundleHead:
    try:
        value: Any = decode(item, _MAX_HEAD)
    except Malformed:
        value = None
    if type(value) is not dict or value.get("format") != _FORMAT:
        raise _stranger()
    version = value.get("version")
    if type(version) is not int or version != _VERSION:
        raise Malformed(
            "bundle-version", "The bundle was written by a newer Folkmoot; install that version to read it."
        )
    council, operations, heads = value.get("council"), value.get("operations"), value.get("heads")
    if set(value) != _FIELDS or not _is_id(council) or type(operations) is not int or type(heads) is not list:
        raise _damaged("its head is wrong")
    if not 0 <= operations <= _MAX_COUNT or len(heads) > MAX_HEADS or not all(_is_id(head) for head in heads):
        raise _damaged("its head is wrong")
    if any(one >= other for one, other in pairwise(heads)):
        raise _damaged("its head is wrong")
    return BundleHead(council, operations, tuple(heads))


def _is_id(value: object) -> TypeGuard[bytes]:
    return type(value) is bytes and len(value) == 32


def _stranger() -> Malformed:
    return Malformed("bundle", "This is no bundle: those are written with 'moot bundle write'.")


def _damaged(what: str) -> Malformed:
    return Malformed("bundle-damaged", f"The bundle is damaged ({what}); copy the file again.")
