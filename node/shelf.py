"""One council and where its operations lie on disk.

The council numbers its operations in the order in which they entered it, the store in the order
of saving over all councils; a shelf knows which is which.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from node.allowance import Allowance
from node.store import Batch, Place, SavedContent, SavedOperation, Store
from protocol.council import outcomes
from protocol.council.council import Council
from protocol.errors import Malformed, Refusal
from protocol.ids import OperationId
from protocol.log.operation import (
    ATTACHMENT,
    MAX_INLINE,
    Content,
    ContentRef,
    Envelope,
    decode_envelope,
    open_content,
    split_inline,
)

__all__ = ["Shelf", "Wanted", "without_contents"]

FULL: Final = Refusal("storage", "its author has used up the space that the charter gives each member.")
_WANTED: Final = 100_000  # attachments that are not here, and of which the first with room are looked for


@dataclass(frozen=True, slots=True)
class Wanted:
    """An attachment that is not here, and what it must hash to."""

    operation: OperationId
    index: int
    reference: ContentRef


# CBOR: the first byte of a list of fewer than 24 items, and null.
_LIST: Final = 0x80
_SHORT: Final = 24
_SORT: Final = attrgetter("sort")
_NULL: Final = b"\xf6"
_NO_CONTENTS: Final = [bytes((_LIST + count,)) + _NULL * count for count in range(_SHORT)]


def _contents_begin(raw: bytes) -> int:
    """Where the list of contents begins in an envelope that was checked before."""
    # 0x83, then the header as a byte string of at least 24 bytes, then 0x58 0x40 and the signature.
    return 69 + raw[2] if raw[1] == 0x58 else 70 + int.from_bytes(raw[2:4], "big")


def without_contents(raw: bytes) -> bool:
    """Whether an envelope that was checked before has no place for contents; without decoding it."""
    return raw[_contents_begin(raw)] == _LIST


class Shelf:
    """`number` is the council's in the store. What changes goes into a `Batch`; the caller saves it."""

    def __init__(self, store: Store, council: Council, number: int) -> None:
        self.council = council
        self.number = number
        self._store = store
        self.allowance = Allowance(council, self._sizes)
        self._rows = array("q")  # row in the store, for each row of the council

    def put(self, row: int, saved: int) -> None:
        """The council's operation `row` is row `saved` of the store."""
        rows = self._rows
        while len(rows) <= row:
            rows.append(saved)

    def _saved(self, operation: bytes) -> int | None:
        row = self.council.dag.rows.get(operation)
        return None if row is None else self._rows[row]

    # Reading

    def envelope(self, operation: bytes) -> Envelope | None:
        """An operation with those of its contents that may travel with it and are here."""
        saved = self._saved(operation)
        return None if saved is None else self._open(saved)

    def travelling(self, operations: Sequence[bytes]) -> list[bytes]:
        """The envelopes of those operations that are here, as bytes, in the order asked for."""
        rows = [saved for saved in map(self._saved, operations) if saved is not None]
        raws = self._store.raws(rows)
        filled = [saved for saved, raw in zip(rows, raws, strict=True) if not without_contents(raw)]
        if not filled:
            return raws
        small = self._store.small_contents_of(filled)
        return [
            raw if without_contents(raw) else self._filled(raw, small.get(saved, {}))
            for saved, raw in zip(rows, raws, strict=True)
        ]

    def _filled(self, raw: bytes, small: dict[int, Content]) -> bytes:
        """The envelope's bytes with its small contents put into their places."""
        begin = _contents_begin(raw)
        count = raw[begin] - _LIST
        if not 0 < count < _SHORT or raw[begin + 1 :] != _NULL * count:
            return _envelope(raw, small).encode()  # it has parts, or is of another size than usual
        room = MAX_INLINE
        pieces = [raw[: begin + 1]]
        for index in range(count):
            content = small.get(index)
            if content is None or len(content.data) > room:
                pieces.append(_NULL)
            else:
                room -= len(content.data)
                pieces += (b"\x82\x50", content.salt, _bytes_head(len(content.data)), content.data)
        return b"".join(pieces)

    def kept(self) -> Iterator[Envelope]:
        """All kept operations in `(depth, id)` order."""
        for row in self.council.dag.kept_rows():
            yield self._open(self._rows[row])

    def _open(self, saved: int) -> Envelope:
        return _envelope(self._store.raw(saved), self._store.small_contents_of([saved]).get(saved, {}))

    def content(self, operation: bytes, index: int) -> Content | None:
        """An attachment; None when it is not here."""
        saved = self._saved(operation)
        return None if saved is None else self._store.content(Place(saved, index))

    def wanted(self, most: int) -> list[Wanted]:
        """Attachments that are not here, were not erased and have room here, the newest first."""
        out: list[Wanted] = []
        looked = 0
        for place in self._store.wanted(self.number, _WANTED):
            row = bisect_left(self._rows, place.row)
            room = self.allowance.room(row)
            if room <= 0:
                continue  # whoever wants too much does not stand in the way of others
            looked += 1
            reference = decode_envelope(self._store.raw(place.row)).operation.contents[place.index]
            if reference.size <= room:
                out.append(Wanted(self.council.dag.ids[row], place.index, reference))
            if len(out) >= most or looked >= 4 * most:
                break
        return out

    # Changing

    def keep(self, envelope: Envelope, data: bytes, row: int, batch: Batch, *, ours: bool = False) -> bool:
        """Save a new operation, the council's `row`, with its contents; whether one is to be fetched.

        data: the envelope's canonical bytes. Of who has used up what the charter allows, attachments
        stay out; ours: somebody of this home said it, and was asked before.
        """
        operation = envelope.operation
        saved = self._store.new_row()
        if row == len(self._rows):
            self._rows.append(saved)
        else:
            self.put(row, saved)
        if not envelope.contents:
            batch.operations.append(SavedOperation(saved, self.number, operation.id, data))
            self.allowance.add(row, len(data))
            return False
        bare = _bare(envelope, data)
        batch.operations.append(SavedOperation(saved, self.number, operation.id, bare))
        lacking = False
        room = before = self.allowance.room(row)
        # Nothing that is new was erased before: an erasure builds on what it erases.
        for index, content in enumerate(envelope.contents):
            reference = operation.contents[index]
            if reference.sort != ATTACHMENT:
                continue
            if content is None or (not ours and reference.size > room):
                batch.wanted.append((Place(saved, index), self.number))
                lacking |= reference.size <= room
            else:
                room -= reference.size
                batch.contents.append(SavedContent(Place(saved, index), content))
        self.allowance.add(row, len(bare) + before - room)
        return lacking

    def fill(self, envelope: Envelope, batch: Batch) -> None:
        """Save what came along with a known operation and was not here."""
        operation = envelope.operation.id
        saved = self._saved(operation)
        if saved is None:
            return
        for index, content in enumerate(envelope.contents):
            if content is None or not content.salt or self._store.has_content(Place(saved, index)):
                continue
            if index not in self.council.erased(operation) and self._has_room(operation, len(content.data)):
                batch.contents.append(SavedContent(Place(saved, index), content))

    def add(self, operation: bytes, index: int, content: Content, batch: Batch) -> Refusal | None:
        """Save an attachment that came by itself, unless it is not the one that was signed, or was erased."""
        saved = self._saved(operation)
        if saved is None:
            return Refusal("unknown-operation", "this node does not hold that operation.")
        references = decode_envelope(self._store.raw(saved)).operation.contents
        if not 0 <= index < len(references) or references[index].sort != ATTACHMENT:
            return Refusal("unknown-content", "the operation has no such attachment.")
        if index in self.council.erased(operation):
            return Refusal("erased", "that attachment was erased and is not kept again.")
        try:
            open_content(content.data, content.salt, references[index])
        except Malformed as error:
            return Refusal(error.rule, error.message)
        if not self._has_room(operation, len(content.data)):
            return FULL
        batch.contents.append(SavedContent(Place(saved, index), content))
        return None

    def _has_room(self, operation: bytes, size: int) -> bool:
        """Whether so many bytes more may be attached to an operation here; if so they are counted."""
        row = self.council.dag.rows[operation]
        if size > self.allowance.room(row):
            return False
        self.allowance.add(row, size)
        return True

    def _sizes(self) -> Iterator[tuple[int, int]]:
        rows = {saved: row for row, saved in enumerate(self._rows)}
        for saved, size in self._store.sizes(self.number):
            if saved in rows:
                yield rows[saved], size

    def obey(self, events: Sequence[outcomes.Event], batch: Batch) -> None:
        """Delete what events say is to be deleted."""
        for event in events:
            if isinstance(event, outcomes.Erased):
                saved = self._saved(event.operation)
                if saved is not None:
                    self.allowance.reckon()
                    batch.erased += [Place(saved, index) for index in sorted(event.indices)]
            elif isinstance(event, outcomes.Forgotten):
                gone = set(event.operations)
                self.allowance.reckon()
                batch.dropped += [self._rows[row] for row, id in enumerate(self.council.dag.ids) if id in gone]


def _envelope(raw: bytes, small: dict[int, Content]) -> Envelope:
    """The envelope in `raw` with its small contents put into their places."""
    bare = decode_envelope(raw)
    contents = [small.get(index, content) for index, content in enumerate(bare.contents)]
    return Envelope(bare.operation, split_inline(contents))


def _bytes_head(length: int) -> bytes:
    """How CBOR begins a byte string of that length, in its shortest form."""
    if length < 24:
        return bytes((0x40 + length,))
    if length < 1 << 8:
        return bytes((0x58, length))
    if length < 1 << 16:
        return b"\x59" + length.to_bytes(2, "big")
    return b"\x5a" + length.to_bytes(4, "big")


def _bare(envelope: Envelope, data: bytes) -> bytes:
    """The envelope's bytes with its parts, without its attachments."""
    count = len(envelope.contents)
    if count < _SHORT and not any(map(_SORT, envelope.operation.contents)):  # attachments alone
        return data[: _contents_begin(data)] + _NO_CONTENTS[count]
    parts = tuple([None if content is None or content.salt else content for content in envelope.contents])
    return Envelope(envelope.operation, parts).encode()
