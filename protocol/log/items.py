"""The items of a log: its `(timestamp, id)` pairs in order, with sums that make range fingerprints cheap.

An item's *key* is 40 bytes: the timestamp as 8 bytes, most significant first, then the 32-byte
id. Keys compare as items do. They lie packed, two dozen to a block; beside each block stands
the sum of its ids, so that a range costs two pieces of blocks and a subtraction, however long
it is. Blocks are immutable `bytes`: a change replaces the blocks that it touches, and a
snapshot shares the others. It all takes some 53 bytes an item.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import accumulate
from operator import sub
from struct import Struct
from typing import Final

from ..errors import Misuse

__all__ = ["FINGERPRINT", "ID", "INFINITY", "KEY", "Items", "item_key", "key_item", "varint"]

ID: Final = 32
KEY: Final = 8 + ID
FINGERPRINT: Final = 16
INFINITY: Final = (1 << 64) - 1
"""The timestamp that no item may have: it stands for the end of all ranges."""

_FULL: Final = 32
"""Keys in a block at most."""
_FILL: Final = 24
"""Keys in a fresh block: enough to be small, with room to grow."""
_LOW: Final = 8
"""A block with fewer keys joins its successor."""

_MOD: Final = (1 << 256) - 1
_LANE: Final = 8 * KEY
_IDS: Final = int.from_bytes((bytes(8) + b"\xff" * ID) * _FULL, "little")
_STEP: Final = [((1 << _LANE * n) - 1, _LANE * n) for n in range(_FULL // 2 + 1)]
_FOLDS: Final[list[tuple[tuple[int, int], ...]]] = [(), ()]
"""For each number of lanes, how to add them in halves: the mask of the lower half, the shift to the upper one."""
for _n in range(2, _FULL + 1):
    _FOLDS.append((_STEP[(_n + 1) // 2], *_FOLDS[(_n + 1) // 2]))
_ID_OF: Final = [Struct("8x32s" * n) for n in range(_FULL + 1)]
_KEY_OF: Final = [Struct("40s" * n) for n in range(_FULL + 1)]


def varint(number: int) -> bytes:
    """`number` in base 128, most significant digit first, the high bit set on all digits but the last."""
    if number < 128:
        return bytes((number,))
    digits = bytearray((number & 127,))
    while number := number >> 7:
        digits.append(number & 127 | 128)
    digits.reverse()
    return bytes(digits)


def item_key(timestamp: int, id: bytes) -> bytes:
    """The 40-byte key of an item; `Misuse` unless 0 <= timestamp < 2^64 - 1 and the id has 32 bytes."""
    if not 0 <= timestamp < INFINITY or len(id) != ID:
        raise Misuse(f"an item is a timestamp from 0 to 2^64 - 2 and a 32-byte id, not {timestamp}, {len(id)} bytes")
    return timestamp.to_bytes(8, "big") + id


def key_item(key: bytes) -> tuple[int, bytes]:
    """The `(timestamp, id)` of a key."""
    return int.from_bytes(key[:8], "big"), key[8:]


def _sum(packed: bytes) -> int:
    """The sum, modulo 2^256, of the ids in packed keys, taken as little-endian numbers.

    All keys are read as one long number of 40-byte lanes. Within a lane the id stands above the
    8 bytes of the timestamp, which are masked away; what an addition carries out of an id lands
    in those bytes of the lane above, where it can do no harm. So lanes are added in halves.
    """
    total = int.from_bytes(packed, "little") & _IDS
    for mask, shift in _FOLDS[len(packed) // KEY]:
        total = (total & mask) + (total >> shift)
    return total >> 64 & _MOD


def _digest(total: int, count: int) -> bytes:
    return sha256((total & _MOD).to_bytes(ID, "little") + varint(count)).digest()[:FINGERPRINT]


def _keys(packed: bytes) -> tuple[bytes, ...]:
    """The keys of one block, or of part of one."""
    keys: tuple[bytes, ...] = _KEY_OF[len(packed) // KEY].unpack(packed)
    return keys


def _with(packed: bytes, keys: Sequence[bytes]) -> bytes:
    """A block and `keys`, merged; both ascend, and what stands in both is kept once."""
    old = _keys(packed)
    pieces: list[bytes] = []
    done = 0
    for taken, key in enumerate(keys):
        at = bisect_left(old, key, done)
        if at == len(old):
            return b"".join((*pieces, packed[done * KEY :], *keys[taken:]))
        if old[at] != key:
            pieces += packed[done * KEY : at * KEY], key
            done = at
    return b"".join((*pieces, packed[done * KEY :]))


def _without(packed: bytes, keys: Sequence[bytes]) -> bytes:
    """A block less `keys`."""
    gone = set(keys)
    return b"".join([key for key in _keys(packed) if key not in gone])


def _cut(packed: bytes) -> list[bytes]:
    """Packed keys as blocks: each of _FILL keys, but a last one takes along what would be too few."""
    count = len(packed) // KEY
    blocks = max(min(count, 1), (count + _FILL - _LOW) // _FILL)
    begins = [_FILL * KEY * i for i in range(blocks)]
    return [packed[begin:end] for begin, end in zip(begins, (*begins[1:], None), strict=False)]


class Items:
    """A sorted set of items.

    Positions count from 0 in the order of `(timestamp, id)`; a range `lo, hi` leaves out `hi`,
    and `Misuse` is raised unless 0 <= lo <= hi <= len. Bounds are keys or beginnings of keys:
    eight bytes of timestamp stand for its first possible item.
    """

    __slots__ = ("_blocks", "_count", "_firsts", "_latest", "_starts", "_sums", "_totals")

    def __init__(self, items: Iterable[tuple[int, bytes]] = ()) -> None:
        self._count = 0
        self._blocks: list[bytes] = []  # each of at most _FULL keys; all but the last of at least _LOW
        self._firsts: list[bytes] = []  # the first key of each
        self._sums: list[int] = []  # the sum of each; -1 until somebody asks
        # How many items, and which sum of ids, stand before each block and after the last one.
        # A change cuts both off after the first block that it touched.
        self._starts: list[int] = [0]
        self._totals: list[int] = [0]
        self._latest = 0, 0  # the position and the total that were asked for last: often the next range begins there
        self.add_many(items)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return map(key_item, self.iter_from(b""))

    def __contains__(self, item: tuple[int, bytes]) -> bool:
        key = item_key(*item)
        at = bisect_right(self._firsts, key) - 1
        return at >= 0 and key in _keys(self._blocks[at])

    def add_many(self, items: Iterable[tuple[int, bytes]]) -> int:
        """Add `(timestamp, id)` pairs, in any order; returns how many were new."""
        return self._change(items, _with)

    def discard_many(self, items: Iterable[tuple[int, bytes]]) -> int:
        """Take out `(timestamp, id)` pairs; returns how many were there."""
        return -self._change(items, _without)

    def snapshot(self) -> "Items":
        """The items as they are now, untouched by later changes; costs a few pointers for each block."""
        self._index()
        twin = Items()
        twin._count = self._count
        twin._blocks, twin._firsts, twin._sums = self._blocks.copy(), self._firsts.copy(), self._sums.copy()
        twin._starts, twin._totals = self._starts.copy(), self._totals.copy()
        return twin

    def lower_bound(self, bound: bytes, start: int = 0) -> int:
        """The position, from `start` on, of the first item whose key is not below `bound`."""
        self._index()
        at = bisect_right(self._firsts, bound) - 1
        return max(start, self._starts[at] + bisect_left(_keys(self._blocks[at]), bound)) if at >= 0 else start

    def keys(self, lo: int, hi: int) -> list[bytes]:
        """The keys of a range, 40 bytes each."""
        found: list[bytes] = []
        for piece in self._pieces(lo, hi):
            found += _keys(piece)
        return found

    def ids(self, lo: int, hi: int) -> list[bytes]:
        """The ids of a range, 32 bytes each."""
        found: list[bytes] = []
        for piece in self._pieces(lo, hi):
            found += _ID_OF[len(piece) // KEY].unpack(piece)
        return found

    def range_keys(self, low: bytes, high: bytes, most: int | None = None) -> list[bytes]:
        """The keys with low <= key < high, the first `most` of them if that is given."""
        lo = self.lower_bound(low)
        hi = self.lower_bound(high, lo)
        return self.keys(lo, hi if most is None else min(hi, lo + most))

    def iter_from(self, bound: bytes) -> Iterator[bytes]:
        """All keys from `bound` on, in order, as they were when the first was asked for."""
        lo = self.lower_bound(bound)
        for piece in self._pieces(lo, self._count):
            yield from _keys(piece)

    def fingerprint(self, lo: int, hi: int) -> bytes:
        """The 16-byte fingerprint of a range: SHA-256 over the sum of its ids and their number, cut."""
        self._check(lo, hi)
        self._index()
        position, before = self._latest
        if position != lo:
            before = self._total(lo)
        after = self._total(hi)
        self._latest = hi, after
        return _digest(after - before, hi - lo)

    def parts(self, cuts: Sequence[int]) -> tuple[list[bytes], list[bytes]]:
        """The bounds at the positions between which a range is cut, and the fingerprints of the parts.

        `cuts` ascend strictly, from the range's begin to its end: there is one fingerprint fewer,
        and bounds for the inner ones only. Each bound is the shortest that has exactly the items
        before it below it: a timestamp and, if the neighbours share it, as much of the id as
        tells them apart.
        """
        self._check(cuts[0], cuts[-1])
        self._index()
        bounds = []
        totals = [self._total(cuts[0])]
        for cut in cuts[1:-1]:
            at = bisect_right(self._starts, cut) - 1
            part = (cut - self._starts[at]) * KEY
            totals.append(self._total_in(at, part))
            block = self._blocks[at]
            below = block[part - KEY : part] if part else self._blocks[at - 1][-KEY:]
            above = block[part : part + KEY]
            differing = int.from_bytes(below, "big") ^ int.from_bytes(above, "big")
            bounds.append(above[: max(8, KEY - (differing.bit_length() - 1) // 8)])
        totals.append(self._total(cuts[-1]))
        counts = map(sub, cuts[1:], cuts)
        return bounds, list(map(_digest, map(sub, totals[1:], totals), counts))

    def _check(self, lo: int, hi: int) -> None:
        if not 0 <= lo <= hi <= self._count:
            raise Misuse(f"there is no range from {lo} to {hi} among {self._count} items")

    def _pieces(self, lo: int, hi: int) -> list[bytes]:
        """The packed keys of a range, block by block."""
        self._check(lo, hi)
        if lo == hi:
            return []
        self._index()
        starts, blocks = self._starts, self._blocks
        first = bisect_right(starts, lo) - 1
        last = bisect_left(starts, hi) - 1
        begin, end = (lo - starts[first]) * KEY, (hi - starts[last]) * KEY
        if first == last:
            return [blocks[first][begin:end]]
        return [blocks[first][begin:], *blocks[first + 1 : last], blocks[last][:end]]

    def _total(self, position: int) -> int:
        """The sum of the ids before a position."""
        at = bisect_right(self._starts, position) - 1
        return self._total_in(at, (position - self._starts[at]) * KEY)

    def _total_in(self, at: int, part: int) -> int:
        """The sum of the ids up to the byte `part` of a block, as a difference of whole blocks and part of one."""
        if not part:
            return self._totals[at]
        block = self._blocks[at]
        if 2 * part <= len(block):
            return self._totals[at] + _sum(block[:part])
        return self._totals[at + 1] - _sum(block[part:])

    def _index(self) -> None:
        """Make `_sums`, `_starts` and `_totals` whole again."""
        known = len(self._starts) - 1
        if known == len(self._blocks):
            return
        fresh = self._blocks[known:]
        self._sums[known:] = [
            _sum(block) if old < 0 else old for block, old in zip(fresh, self._sums[known:], strict=True)
        ]
        self._starts[known:] = accumulate((len(block) // KEY for block in fresh), initial=self._starts[known])
        self._totals[known:] = accumulate(self._sums[known:], initial=self._totals[known])

    def _change(self, items: Iterable[tuple[int, bytes]], apply: Callable[[bytes, Sequence[bytes]], bytes]) -> int:
        """Apply sorted keys to the blocks that they fall into, the last first; returns the growth."""
        before = self._count
        keys = sorted({item_key(timestamp, id) for timestamp, id in items})
        end = len(keys)
        while end:
            at = max(0, bisect_right(self._firsts, keys[end - 1]) - 1)
            begin = bisect_left(keys, self._firsts[at], 0, end) if at else 0
            old = self._blocks[at] if self._blocks else b""
            new = apply(old, keys[begin:end])
            if len(new) != len(old):
                self._replace(at, new)
                self._count += (len(new) - len(old)) // KEY
            end = begin
        return self._count - before

    def _replace(self, at: int, packed: bytes) -> None:
        """Put packed keys where block `at` stood: as one block, as several, or joined with the next."""
        del self._starts[at + 1 :], self._totals[at + 1 :]
        self._latest = 0, 0
        if _LOW * KEY <= len(packed) <= _FULL * KEY and at < len(self._blocks):
            self._blocks[at], self._firsts[at], self._sums[at] = packed, packed[:KEY], -1
            return
        span = 1
        if len(packed) < _LOW * KEY and at + 1 < len(self._blocks):
            packed += self._blocks[at + 1]
            span = 2
        blocks = _cut(packed)
        self._blocks[at : at + span] = blocks
        self._firsts[at : at + span] = [block[:KEY] for block in blocks]
        self._sums[at : at + span] = [-1] * len(blocks)
