"""Which items does the other side lack, and which do we? Negentropy Protocol V1, without I/O.

Byte-compatible with https://github.com/hoytech/negentropy (docs/negentropy-protocol-v1.md).
The initiator's first message cuts all its items into ranges and gives each one's fingerprint.
Whoever receives a message answers range by range: where fingerprints agree, with nothing;
where they differ, with fingerprints of smaller ranges, or with ids once a range is small. From
lists of ids the initiator learns what it has and what it needs, and when it has nothing left
to answer it is done.

    message := 0x61 range*
    range   := bound payload                 up to `bound`, from where the range before ended
    bound   := varint(0) 0x00                the end of all ranges
             | varint(1 + timestamp - timestamp of the bound before) varint(n) byte[n]
    payload := 0x00                          skip: nothing to say here
             | 0x01 byte[16]                 fingerprint
             | 0x02 varint(n) byte[32 * n]   ids

Work and memory are linear in the message and in the items that its ranges cover, whoever sent
it: its ranges ascend and so cannot overlap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..errors import Malformed, Misuse
from .items import FINGERPRINT, ID, INFINITY, KEY, Items, varint

__all__ = ["LEAST_FRAME", "MESSAGE_LIMIT", "Reconciliation", "Round"]

LEAST_FRAME: Final = 4096
"""The smallest frame limit in bytes: the answer to one range always fits."""
MESSAGE_LIMIT: Final = 16 * 1024 * 1024
"""How many bytes a received message may have, unless the caller sets a limit of its own."""

_VERSION: Final = 0x61
_VERSIONS: Final = range(0x60, 0x70)
_SKIP: Final = b"\0"
_FINGERPRINT: Final = b"\1"
_IDS: Final = b"\2"
_BUCKETS: Final = 16
_RESERVE: Final = 200
"""Bytes of a frame kept free for the range that ends a message which was cut short."""
_START: Final = bytes(KEY)
_END: Final = b"\xff" * 8
"""The bound above all items. Bounds are beginnings of keys: a timestamp and some bytes of an id."""
_OF_NOTHING: Final = Items().fingerprint(0, 0)


@dataclass(frozen=True, slots=True)
class Round:
    """What one received message led to.

    `reply` goes to the other side; None says that the initiator is done. `have` are ids that
    the other side lacks, `need` ids that it listed and we lack; only the initiator learns any.
    With a frame limit one id may come up in several rounds.
    """

    reply: bytes | None
    have: list[bytes]
    need: list[bytes]


class Reconciliation:
    """One side of an exchange about `items`.

    A frame limit bounds our messages in bytes (0: no bound; otherwise at least `LEAST_FRAME`),
    `message_limit` those that we accept. Every answer is computed from the items as they are at
    that moment, so they may change between messages; the ids found then belong to no single
    moment, and who wants one passes `items.snapshot()`.
    """

    def __init__(self, items: Items, initiator: bool, frame_limit: int = 0, message_limit: int = MESSAGE_LIMIT) -> None:
        if frame_limit and frame_limit < LEAST_FRAME:
            raise Misuse(f"a frame limit is 0 for none or at least {LEAST_FRAME} bytes, not {frame_limit}")
        self._items = items
        self._initiator = initiator
        self._most = frame_limit - _RESERVE if frame_limit else INFINITY
        self._message_limit = message_limit
        self._begun = False

    def initiate(self) -> bytes:
        """The first message; `Misuse` if we are not the initiator, or the second time."""
        if not self._initiator or self._begun:
            raise Misuse("only the initiator speaks first, and once")
        self._begun = True
        return bytes((_VERSION,)) + self._split(0, len(self._items), _END, _Writer())

    def receive(self, message: bytes) -> Round:
        """Answer a message; `Malformed` if it breaks the protocol, and then the exchange is over."""
        if len(message) > self._message_limit:
            raise Malformed("negentropy-size", f"A sync message may have {self._message_limit} bytes at most.")
        if message[:1] != bytes((_VERSION,)):
            return self._other_version(message)
        items, size = self._items, len(self._items)
        reader, writer = _Reader(message), _Writer()
        reply = bytearray((_VERSION,))
        have: list[bytes] = []
        need: dict[bytes, None] = {}
        hi = said = 0  # said: up to which item `reply` has spoken
        rest: int | None = None
        for bound, mode in reader.ranges():
            lo, hi = hi, size if bound == _END else items.lower_bound(bound, hi)
            if mode == _FINGERPRINT:
                theirs = reader.take(FINGERPRINT)
                if theirs == items.fingerprint(lo, hi):
                    writer.skip(bound)
                    continue
                answer = self._split(lo, hi, bound, writer)
                if len(reply) + len(answer) > self._most:
                    # The reference closes with the fingerprint of what lies behind `hi`, though the range that
                    # it closes begins at `said`: the other side will find a difference and ask again. Not so if
                    # it has nothing where we have something: then it takes the two for equal, and the items
                    # would stay unknown. In that one case our bytes are not the reference's.
                    rest = said if theirs == _OF_NOTHING else hi
                    break
                reply += answer
            elif mode == _SKIP:
                writer.skip(bound)
                continue
            elif mode != _IDS:
                raise Malformed("negentropy-mode", f"A range in a sync message has the unknown mode {mode[0]}.")
            elif self._initiator:
                listed = reader.ids()
                for id in items.ids(lo, hi):
                    if id in listed:
                        del listed[id]
                    else:
                        have.append(id)
                need |= listed
                writer.skip(bound)
                continue
            else:
                reader.ids()
                room = (self._most - len(reply)) // ID + 1
                if room < hi - lo:
                    hi = lo + room
                    bound = items.keys(hi, hi + 1)[0]
                reply += writer.ids(bound, items.ids(lo, hi))
                if len(reply) > self._most:
                    rest = hi
                    break
            said = hi
        if rest is not None:
            reply += writer.fingerprint(_END, items.fingerprint(rest, size))
        done = self._initiator and len(reply) == 1
        return Round(None if done else bytes(reply), have, list(need))

    def _other_version(self, message: bytes) -> Round:
        """A responder names the version that it speaks; the initiator can only give up."""
        if not message:
            raise Malformed("negentropy-short", "A sync message is empty.")
        if message[0] not in _VERSIONS:
            raise Malformed("negentropy-version", "A sync message does not begin with a version of Negentropy.")
        if self._initiator:
            version = message[0] - _VERSIONS[0]
            raise Malformed("negentropy-version", f"The other side speaks version {version} of Negentropy, we speak 1.")
        return Round(bytes((_VERSION,)), [], [])

    def _split(self, lo: int, hi: int, upper: bytes, writer: "_Writer") -> bytes:
        """Our items from `lo` to `hi` as ids if they are few, else as fingerprints of smaller ranges."""
        count = hi - lo
        if count < 2 * _BUCKETS:
            return writer.ids(upper, self._items.ids(lo, hi))
        each, more = divmod(count, _BUCKETS)
        cuts = [lo + each * i + min(i, more) for i in range(_BUCKETS + 1)]
        bounds, prints = self._items.parts(cuts)
        return b"".join(map(writer.fingerprint, (*bounds, upper), prints))


class _Reader:
    """Reads a message's ranges, and refuses what no honest side sends."""

    __slots__ = ("_at", "_ends", "_last", "_message", "_timestamp")

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._at = 1
        self._timestamp = 0
        self._last = _START
        self._ends = 0

    def ranges(self) -> Iterator[tuple[bytes, bytes]]:
        """Each range's bound and mode; the payload is to be taken before the next one."""
        while self._at < len(self._message):
            yield self._bound(), self.take(1)

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        begin, self._at = self._at, self._at + count
        if self._at > len(self._message):
            raise Malformed("negentropy-short", "A sync message ends in the middle of a range.")
        return self._message[begin : self._at]

    def ids(self) -> dict[bytes, None]:
        """A list of ids, in order, each once."""
        packed = self.take(self._varint() * ID)
        return dict.fromkeys([packed[i : i + ID] for i in range(0, len(packed), ID)])

    def _varint(self) -> int:
        if self._at == len(self._message):
            raise Malformed("negentropy-short", "A sync message ends in the middle of a range.")
        digit = self._message[self._at]
        self._at += 1
        return digit if digit < 128 else self._longer(digit & 127)

    def _longer(self, number: int) -> int:
        """The rest of a varint that begins with the digit `number`."""
        if not number:
            raise Malformed("negentropy-number", "A number in a sync message begins with a zero.")
        while True:
            digit = self.take(1)[0]
            number = number << 7 | digit & 127
            if number > INFINITY:
                raise Malformed("negentropy-number", "A number in a sync message is larger than 64 bits.")
            if digit < 128:
                return number

    def _bound(self) -> bytes:
        offset, length = self._varint(), self._varint()
        if length > ID:
            raise Malformed(
                "negentropy-bound", f"A bound in a sync message has {length} bytes of an id, which has {ID}."
            )
        prefix = self.take(length)
        if not offset:
            # An answer that fills the frame exactly is closed by an empty range that ends there too.
            self._ends += 1
            if prefix or self._ends > 2:
                raise Malformed("negentropy-bound", "A sync message goes on after its end.")
            self._last = _END
            return _END
        self._timestamp += offset - 1
        if self._timestamp >= INFINITY:
            raise Malformed("negentropy-bound", "A bound in a sync message has a timestamp beyond the last one.")
        bound = self._timestamp.to_bytes(8, "big") + prefix
        padded = bound.ljust(KEY, b"\0")
        if padded <= self._last:
            raise Malformed("negentropy-order", "The ranges of a sync message do not ascend.")
        self._last = padded
        return bound


class _Writer:
    """Encodes the ranges of one message, in order."""

    __slots__ = ("_skipped", "_timestamp")

    def __init__(self) -> None:
        self._timestamp = 0
        self._skipped: bytes | None = None

    def skip(self, bound: bytes) -> None:
        """Say nothing up to `bound`: to be written only if a range follows."""
        self._skipped = bound

    def ids(self, bound: bytes, ids: list[bytes]) -> bytes:
        """A range up to `bound` with all our ids in it."""
        return self.range(bound, _IDS + varint(len(ids)) + b"".join(ids))

    def fingerprint(self, bound: bytes, print: bytes) -> bytes:
        """A range up to `bound` with the fingerprint of all our items in it."""
        return self.range(bound, _FINGERPRINT + print)

    def range(self, bound: bytes, payload: bytes) -> bytes:
        """A range up to `bound`, after one that skips what was passed over."""
        before = b""
        if self._skipped is not None:
            skipped, self._skipped = self._skipped, None
            before = self.range(skipped, _SKIP)
        if bound == _END:
            return before + b"\0\0" + payload
        timestamp = int.from_bytes(bound[:8], "big")
        offset, self._timestamp = timestamp - self._timestamp, timestamp
        return before + varint(1 + offset) + bytes((len(bound) - 8,)) + bound[8:] + payload
