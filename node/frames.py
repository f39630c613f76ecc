"""The messages of /folkmoot/sync/1, one to a frame: canonical CBOR `[type, ...]`, bounded.

The side that opened the stream asks, the other answers, one thing at a time:

    asks                                      answers
    hello {...}                               hello {...} | no [rule, message] | bring [epoch]
    compare [negentropy message]              compare [negentropy message]
    want [ids] | all [depth, id]              operations [envelopes] ..., end []
    operations [envelopes]                    taken [count]
    content [operation, index]                content-is [salt, size], piece [bytes] ... | no [rule, message]

After `bring` the asking side sends operations until `end []`, and both say hello again.
/folkmoot/push/1 is a stream of `news [council, envelopes]` without answers.
/folkmoot/join/1 is one question, `join [version, envelope]`, and its answer, `taken [1]` or `no`.
docs/protocol.md has the whole of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from protocol.codec import decode, encode
from protocol.errors import Malformed
from protocol.log.operation import MAX_ATTACHMENT, MAX_ENVELOPE

__all__ = [
    "BATCH",
    "MAX_FRAME",
    "MAX_HELLO",
    "MAX_IDS",
    "MAX_JOIN",
    "PIECE",
    "VERSION",
    "All",
    "AskContent",
    "Bring",
    "Compare",
    "ContentIs",
    "End",
    "Frame",
    "Hello",
    "Join",
    "News",
    "No",
    "Operations",
    "Piece",
    "Taken",
    "Want",
    "decode_frame",
    "encode_frame",
]

VERSION: Final = 1
BATCH: Final = 256 * 1024
"""Operations go out in frames that end with the envelope that passes this many bytes."""
MAX_IDS: Final = 16_384
"""Ids in one `want`."""
MAX_FRAME: Final = 640 * 1024
"""Greatest frame: a batch and one envelope over it, or the ids of a `want`."""
MAX_HELLO: Final = 4 * 1024
"""Greatest first frame of a sync: nobody need hold more for a stranger."""
MAX_JOIN: Final = MAX_ENVELOPE + 1024
"""Greatest frame of /folkmoot/join/1."""
PIECE: Final = 256 * 1024
MAX_EPOCHS: Final = 64
MAX_WORDS: Final = 500


@dataclass(frozen=True, slots=True)
class Hello:
    """Who I am in this council: how many operations I keep, and my latest epochs (digests) from `first` on.

    `operations` is 0 for a side that does not hold the council yet. `clock`: what time it is there,
    ms since 1970, if it says.
    """

    council: bytes
    operations: int
    first: int
    epochs: tuple[bytes, ...]
    version: int = VERSION
    clock: int | None = None


@dataclass(frozen=True, slots=True)
class No:
    """I do not: `rule` names why, `message` says it to a person."""

    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Bring:
    """I do not list you, but you are ahead of me on my own chain: bring what came after epoch `after`."""

    after: int


@dataclass(frozen=True, slots=True)
class Compare:
    """A message of Negentropy Protocol V1."""

    message: bytes


@dataclass(frozen=True, slots=True)
class Want:
    """Send these operations."""

    ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Send everything from this place in `(depth, id)` order on."""

    depth: int
    id: bytes


@dataclass(frozen=True, slots=True)
class Operations:
    """Envelopes, in `(depth, id)` order."""

    envelopes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class News:
    """Envelopes that are new to who sends them, of one council."""

    council: bytes
    envelopes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """So many operations were taken in and are on disk, since the last time I said so."""

    count: int


@dataclass(frozen=True, slots=True)
class End:
    """That was all."""


@dataclass(frozen=True, slots=True)
class AskContent:
    """Send this attachment."""

    operation: bytes
    index: int


@dataclass(frozen=True, slots=True)
class ContentIs:
    """The attachment: its salt and its size; its bytes follow in pieces."""

    salt: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Piece:
    """The next bytes of an attachment."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Join:
    """Take in this request to join, or this founding operation of a council of which you are a teller."""

    envelope: bytes
    version: int = VERSION


Frame = (
    Hello | Join | No | Bring | Compare | Want | All | Operations | News | Taken | End | AskContent | ContentIs | Piece
)


def encode_frame(frame: Frame) -> bytes:
    """The frame's bytes."""
    match frame:
        case Hello(council, operations, first, epochs, version, clock):
            fields = {"version": version, "council": council, "operations": operations}
            said = {} if clock is None else {"clock": clock}
            return encode(["hello", {**fields, "first": first, "epochs": list(epochs), **said}])
        case Join(envelope, version):
            return encode(["join", version, envelope])
        case No(rule, message):
            return encode(["no", rule, message])
        case Bring(after):
            return encode(["bring", after])
        case Compare(message):
            return encode(["compare", message])
        case Want(ids):
            return encode(["want", b"".join(ids)])
        case All(depth, id):
            return encode(["all", depth, id])
        case Operations(envelopes):
            return encode(["operations", list(envelopes)])
        case News(council, envelopes):
            return encode(["news", council, list(envelopes)])
        case Taken(count):
            return encode(["taken", count])
        case End():
            return encode(["end"])
        case AskContent(operation, index):
            return encode(["content", operation, index])
        case ContentIs(salt, size):
            return encode(["content-is", salt, size])
        case Piece(data):
            return encode(["piece", data])


def decode_frame(data: bytes) -> Frame:
    """The frame in `data`; `Malformed` for anything else."""
    value = decode(data, MAX_FRAME)
    if type(value) is not list or not value or type(value[0]) is not str or value[0] not in _READERS:
        raise Malformed("frame", "the peer sent a message of an unknown kind.")
    count, read = _READERS[value[0]]
    if len(value) != count + 1:
        raise _bad()
    return read(*value[1:])


def _bad() -> Malformed:
    return Malformed("frame", "the peer sent a message whose fields are not what they must be.")


def _number(value: Any, most: int = 1 << 63) -> int:
    if type(value) is not int or not 0 <= value < most:
        raise _bad()
    return value


def _id(value: Any) -> bytes:
    if type(value) is not bytes or len(value) != 32:
        raise _bad()
    return value


def _bytes(value: Any, most: int) -> bytes:
    if type(value) is not bytes or len(value) > most:
        raise _bad()
    return value


def _words(value: Any) -> str:
    if type(value) is not str or len(value) > MAX_WORDS or not value.isprintable():
        raise _bad()
    return value


def _hello(value: Any) -> Hello:
    if type(value) is not dict or type(value.get("version")) is not int:
        raise _bad()
    if value["version"] != VERSION:
        # Fields of another version mean nothing here; whoever reads this refuses by the version alone.
        return Hello(b"", 0, 0, (), value["version"])
    # What else is there is a later program's of the same version, and passed over: so it can say more.
    epochs = value.get("epochs")
    if type(epochs) is not list or len(epochs) > MAX_EPOCHS:
        raise _bad()
    return Hello(
        _id(value.get("council")),
        _number(value.get("operations")),
        _number(value.get("first")),
        tuple([_id(epoch) for epoch in epochs]),
        clock=_number(value["clock"]) if "clock" in value else None,
    )


def _ids(value: Any) -> Want:
    packed = _bytes(value, MAX_IDS * 32)
    if len(packed) % 32:
        raise _bad()
    return Want(tuple([packed[begin : begin + 32] for begin in range(0, len(packed), 32)]))


def _operations(value: Any) -> Operations:
    if type(value) is not list or not value:
        raise _bad()
    return Operations(tuple([_bytes(envelope, MAX_ENVELOPE) for envelope in value]))


def _content_is(salt: Any, size: Any) -> ContentIs:
    return ContentIs(_bytes(salt, 16), _number(size, MAX_ATTACHMENT + 1))


_READERS: Final[dict[str, tuple[int, Callable[..., Frame]]]] = {
    "hello": (1, _hello),
    "join": (2, lambda version, envelope: Join(_bytes(envelope, MAX_ENVELOPE), _number(version))),
    "no": (2, lambda rule, message: No(_words(rule), _words(message))),
    "bring": (1, lambda after: Bring(_number(after))),
    "compare": (1, lambda message: Compare(_bytes(message, MAX_FRAME))),
    "want": (1, _ids),
    "all": (2, lambda depth, id: All(_number(depth), _bytes(id, 32))),
    "operations": (1, _operations),
    "news": (2, lambda council, envelopes: News(_id(council), _operations(envelopes).envelopes)),
    "taken": (1, lambda count: Taken(_number(count))),
    "end": (0, End),
    "content": (2, lambda operation, index: AskContent(_id(operation), _number(index, 64))),
    "content-is": (2, _content_is),
    "piece": (1, lambda data: Piece(_bytes(data, PIECE))),
}
"""For each type: how many fields, and what reads them."""
