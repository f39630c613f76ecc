"""A council's whole log in a file, and checking such a file without a node.

The file is a CBOR sequence (RFC 8742) of byte strings, each of which holds canonical CBOR:

    {"format": "folkmoot log", "version": 1, "council": id, "operations": n, "state_digest": digest}
    n times, in `(depth, id)` order:
        an envelope, with the attachments that travel in one
        [index, salt, bytes] for each larger attachment of that operation
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from protocol.codec import decode, encode
from protocol.council import outcomes
from protocol.council.charter import UnknownRules
from protocol.council.council import Council
from protocol.errors import Malformed
from protocol.ids import operation_text
from protocol.log.operation import (
    ATTACHMENT,
    MAX_ATTACHMENT,
    MAX_ENVELOPE,
    Content,
    Envelope,
    decode_envelope,
    open_content,
)

__all__ = ["Checked", "Head", "Readable", "check", "pack", "pack_content", "pack_envelope", "pack_head", "pack_log"]

_FORMAT: Final = "folkmoot log"
_VERSION: Final = 1
_LONGEST: Final = MAX_ATTACHMENT + 64
_WIDTHS: Final = {24: 1, 25: 2, 26: 4}
_FAULTS: Final = 100


class Readable(Protocol):
    """What a log is read from."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, fewer only at the end."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first item of a file: which council, how many operations, and the digest of the state that they make."""

    council: bytes
    operations: int
    state_digest: bytes


@dataclass(slots=True)
class Checked:
    """What a check found. `faults` has one sentence each, at most 100 of them; none when all is well."""

    council: bytes
    operations: int = 0
    epochs: int = 0
    contents: int = 0
    absent: int = 0
    state_digest: bytes = b""
    faults: list[str] = field(default_factory=list)

    def fault(self, sentence: str) -> None:
        """Note a fault."""
        if len(self.faults) < _FAULTS:
            self.faults.append(sentence)


def pack(value: object) -> bytes:
    """One item of the sequence."""
    return encode(encode(value))


def pack_head(head: Head) -> bytes:
    """The first item."""
    return pack(
        {
            "format": _FORMAT,
            "version": _VERSION,
            "council": head.council,
            "operations": head.operations,
            "state_digest": head.state_digest,
        }
    )


def pack_envelope(envelope: Envelope) -> bytes:
    """An operation's item."""
    return encode(envelope.encode())


def pack_content(index: int, content: Content) -> bytes:
    """The item of an attachment that does not fit into its envelope."""
    return pack([index, content.salt, content.data])


def _items(file: Readable) -> Iterator[bytes]:
    """The byte strings of a CBOR sequence."""
    while first := file.read(1):
        major, low = first[0] >> 5, first[0] & 31
        if major != 2 or (low >= 24 and low not in _WIDTHS):
            raise Malformed("archive", "This is not an exported log, or it is damaged: an item is no byte string.")
        size = low if low < 24 else int.from_bytes(_exactly(file, _WIDTHS[low]), "big")
        if size > _LONGEST:
            raise Malformed("archive", "This is not an exported log, or it is damaged: an item is too long.")
        yield _exactly(file, size)


def _exactly(file: Readable, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise Malformed("archive-cut", "The exported log is cut off in the middle; copy the file again.")
    return data


def _head(data: bytes) -> Head:
    try:
        value = decode(data, _LONGEST)
    except Malformed as error:
        raise Malformed("archive", "This is not an exported log, or its head is damaged.") from error
    if type(value) is not dict or value.get("format") != _FORMAT:
        raise Malformed("archive", "This is not an exported log.")
    if value.get("version") != _VERSION:
        raise Malformed(
            "archive-version", "The log was exported by another version of Folkmoot; check it with that one."
        )
    council, operations, digest = (value.get(name) for name in ("council", "operations", "state_digest"))
    if type(council) is not bytes or type(operations) is not int or type(digest) is not bytes:
        raise Malformed("archive", "The head of the exported log is damaged.")
    return Head(council, operations, digest)


def check(file: Readable) -> Checked:
    """Read an exported log and check every hash, signature and rule anew, from nothing.

    Raises `Malformed` for what is no exported log, or is cut off; what is wrong within one is
    told in `faults`.
    """
    items = _items(file)
    first = next(items, None)
    if first is None:
        raise Malformed("archive", "The file is empty.")
    head = _head(first)
    found = Checked(head.council)
    council: Council | None = None
    last: Envelope | None = None
    absent: dict[bytes, set[int]] = {}
    for item in items:
        if item[:1] == b"\x83" and item[1:2] < b"\x20":  # [index, ...]: an envelope begins with bytes
            _check_content(item, last, absent, found)
            continue
        if len(item) > MAX_ENVELOPE:
            raise Malformed("archive", "The exported log is damaged: an envelope is too long.")
        found.operations += 1
        last, council = _check_envelope(item, council, found)
        if last is not None:
            missing = {
                index
                for index, (reference, content) in enumerate(zip(last.operation.contents, last.contents, strict=True))
                if reference.sort == ATTACHMENT and content is None
            }
            found.contents += sum(content is not None and bool(content.salt) for content in last.contents)
            if missing:
                absent[last.operation.id] = missing
    found.absent = sum(len(missing) for missing in absent.values())
    if found.operations != head.operations:
        raise Malformed(
            "archive-cut",
            f"The exported log is cut off: it holds {found.operations} of {head.operations} operations; copy the file again.",
        )
    if council is not None:
        found.epochs = council.head.number
        found.state_digest = council.digest()
        if council.id != head.council:
            found.fault("The log is of another council than the file says.")
        if found.state_digest != head.state_digest:
            found.fault("The state that the operations make is not the one that the file says.")
    return found


def _check_envelope(item: bytes, council: Council | None, found: Checked) -> tuple[Envelope | None, Council | None]:
    try:
        envelope = decode_envelope(item)
    except Malformed as error:
        found.fault(f"Operation {found.operations} is damaged: {error}")
        return None, council
    named = operation_text(envelope.operation.id)
    try:
        if council is None:
            founded = Council.found(envelope)
            if isinstance(founded, Council):
                return envelope, founded
            found.fault(f"{named} founds no council: {founded}")
            return envelope, None
        outcome = council.insert(envelope)
    except (Malformed, UnknownRules) as error:
        found.fault(f"{named} cannot be judged: {error}")
        return envelope, council
    match outcome:
        case outcomes.Inserted() | outcomes.Known():
            pass
        case outcomes.Refused(refusal):
            found.fault(f"{named} breaks a rule: {refusal}")
        case outcomes.Waiting(missing, rules):
            found.fault(
                f"{named} uses rules that this program lacks: {rules}"
                if rules
                else f"{named} builds on what is not in the log before it ({len(missing)} missing)."
            )
        case outcomes.Rival(number):
            found.fault(f"{named} is a rival epoch {number}.")
    return envelope, council


def _check_content(item: bytes, last: Envelope | None, absent: dict[bytes, set[int]], found: Checked) -> None:
    try:
        value = decode(item, _LONGEST)
    except Malformed as error:
        found.fault(f"An attachment behind operation {found.operations} is damaged: {error}")
        return
    if last is None:
        found.fault("An attachment belongs to no operation.")
        return
    if len(value) != 3 or type(value[1]) is not bytes or type(value[2]) is not bytes:
        found.fault(f"What follows operation {found.operations} is no attachment of it.")
        return
    index, salt, data = value
    id = last.operation.id
    if type(index) is not int or index not in absent.get(id, ()):
        found.fault(f"{operation_text(id)} has no attachment {index} that could lie beside it.")
        return
    try:
        open_content(data, salt, last.operation.contents[index])
    except Malformed as error:
        found.fault(f"Attachment {index} of {operation_text(id)} is damaged: {error}")
        return
    absent[id].discard(index)
    found.contents += 1


def pack_log(head: Head, log: Iterable[tuple[Envelope, Iterable[tuple[int, Content]]]]) -> Iterator[bytes]:
    """The items of a file, one by one: the head, then each envelope with its larger attachments."""
    yield pack_head(head)
    for envelope, larger in log:
        yield pack_envelope(envelope)
        for index, content in larger:
            yield pack_content(index, content)
