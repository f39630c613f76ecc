"""The items of a log: order, ranges, fingerprints, snapshots, and what they cost in memory."""

import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise
from random import Random

import pytest

from protocol.errors import Misuse
from protocol.log.items import INFINITY, Items, item_key, key_item, varint


def id_of(number: int) -> bytes:
    return sha256(b"%d" % number).digest()


def some(count: int, per_timestamp: int = 3) -> list[tuple[int, bytes]]:
    return [(number // per_timestamp, id_of(number)) for number in range(count)]


def fingerprint(pairs: list[tuple[int, bytes]]) -> bytes:
    """As the specification words it."""
    total = sum(int.from_bytes(id, "little") for _, id in pairs) % 2**256
    return sha256(total.to_bytes(32, "little") + varint(len(pairs))).digest()[:16]


@pytest.mark.parametrize(
    ("number", "digits"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8100"), (300, "822c"), (2**14, "818000"), (2**64 - 1, "81ffffffffffffffff7f")],
)  # fmt: skip
def test_varints_are_shortest_and_most_significant_first(number: int, digits: str) -> None:
    assert varint(number).hex() == digits


def test_a_key_is_the_timestamp_and_the_id() -> None:
    key = item_key(258, bytes(range(32)))
    assert key == bytes([0, 0, 0, 0, 0, 0, 1, 2, *range(32)])
    assert key_item(key) == (258, bytes(range(32)))


@pytest.mark.parametrize(("timestamp", "size"), [(-1, 32), (INFINITY, 32), (0, 31), (0, 33)])
def test_what_is_no_item_is_refused(timestamp: int, size: int) -> None:
    with pytest.raises(Misuse):
        Items([(timestamp, bytes(size))])


def test_items_stand_in_order_of_timestamp_and_id() -> None:
    pairs = some(500)
    shuffled = Random(1).sample(pairs, 500)
    items = Items(shuffled)
    assert list(items) == sorted(pairs)
    assert len(items) == 500
    assert items.keys(0, 500) == [item_key(*pair) for pair in sorted(pairs)]
    assert items.ids(100, 300) == [id for _, id in sorted(pairs)[100:300]]
    assert items.ids(7, 7) == items.keys(500, 500) == []


def test_an_item_is_there_once() -> None:
    items = Items()
    assert items.add_many([(1, id_of(1)), (2, id_of(2)), (1, id_of(1))]) == 2
    assert items.add_many([(2, id_of(2)), (1, id_of(3))]) == 1
    assert items.add_many([]) == 0
    assert len(items) == 3
    assert (1, id_of(3)) in items
    assert (2, id_of(3)) not in items
    assert (0, id_of(1)) not in items
    assert (1, id_of(1)) not in Items()


def test_discarding_takes_out_what_is_there() -> None:
    pairs = some(1000)
    items = Items(pairs)
    assert items.discard_many([*pairs[::2], (5, bytes(32)), (99999, bytes(32))]) == 500
    assert list(items) == sorted(pairs[1::2])
    assert items.fingerprint(0, 500) == fingerprint(pairs[1::2])
    assert items.discard_many(pairs) == 500
    assert list(items) == []
    assert items.fingerprint(0, 0) == fingerprint([])
    assert items.discard_many(pairs[:1]) == 0
    assert items.add_many(pairs) == 1000
    assert list(items) == sorted(pairs)


@pytest.mark.parametrize("count", [0, 1, 2, 31, 48, 64, 65, 200, 1000])
def test_fingerprints_are_those_of_the_specification(count: int) -> None:
    pairs = sorted(some(count))
    items = Items(pairs)
    places = sorted({0, 1, 5, 32, 47, 48, 49, 63, 64, 65, count // 2, count - 1, count} & set(range(count + 1)))
    for lo in places:
        for hi in places[places.index(lo) :]:
            assert items.fingerprint(lo, hi) == fingerprint(pairs[lo:hi])
    if len(places) > 1:
        bounds, prints = items.parts(places)
        assert prints == [fingerprint(pairs[lo:hi]) for lo, hi in pairwise(places)]
        assert [items.lower_bound(bound) for bound in bounds] == places[1:-1]


@pytest.mark.parametrize("count", [1, 2, 3, 64, 100])
def test_sums_carry_and_wrap(count: int) -> None:
    pairs = [(INFINITY - 1 - number, b"\xff" * 32) for number in range(count)]
    assert Items(pairs).fingerprint(0, count) == fingerprint(pairs)
    assert Items(pairs).parts([0, *{count // 2} - {0}, count])[1][-1] == fingerprint(sorted(pairs)[count // 2 :])


def test_fingerprints_follow_every_change() -> None:
    pairs = sorted(some(400))
    items = Items(pairs[:300])
    assert items.fingerprint(0, 300) == fingerprint(pairs[:300])
    items.add_many(pairs[300:])
    assert items.fingerprint(300, 400) == fingerprint(pairs[300:])
    items.discard_many(pairs[:10])
    assert items.fingerprint(390, 390) == fingerprint([])
    assert items.fingerprint(0, 390) == fingerprint(pairs[10:])


def test_lower_bounds_are_found_by_keys_and_by_their_beginnings() -> None:
    items = Items([(1, b"\x10" * 32), (1, b"\x20" * 32), (3, bytes(32))])
    one = (1).to_bytes(8, "big")
    assert items.lower_bound(b"") == 0
    assert items.lower_bound(one) == 0
    assert items.lower_bound(one + b"\x11") == 1
    assert items.lower_bound(one + b"\x20" * 32) == 1
    assert items.lower_bound((2).to_bytes(8, "big")) == 2
    assert items.lower_bound((3).to_bytes(8, "big") + bytes(32)) == 2
    assert items.lower_bound(b"\xff" * 8) == 3
    assert items.lower_bound(one, 2) == 2
    assert items.lower_bound(b"", 2) == 2
    assert Items().lower_bound(one) == 0


def test_a_bound_is_as_short_as_can_be() -> None:
    prefix = b"\xaa" * 31
    items = Items(
        [(1, prefix + b"\1"), (1, prefix + b"\2"), (1, b"\xab" + bytes(31)), (2, bytes(32)), (259, bytes(32))]
    )
    assert items.parts(range(6))[0] == [
        (1).to_bytes(8, "big") + prefix + b"\2",
        (1).to_bytes(8, "big") + b"\xab",
        (2).to_bytes(8, "big"),
        (259).to_bytes(8, "big"),
    ]


def test_bounds_part_neighbours_across_all_blocks() -> None:
    items = Items(some(300, per_timestamp=7))
    for position, bound in enumerate(items.parts(range(301))[0], start=1):
        below, above = items.keys(position - 1, position + 1)
        assert below < bound <= above
        assert items.lower_bound(bound) == position
        assert len(bound) == 8 or below >= bound[:-1]


def test_a_range_of_keys_can_be_asked_for_in_pieces() -> None:
    items = Items(some(200))
    low, high = (10).to_bytes(8, "big"), (50).to_bytes(8, "big")
    keys = items.range_keys(low, high)
    assert len(keys) == 120
    assert [key_item(key)[0] for key in keys] == [n // 3 for n in range(30, 150)]
    first = items.range_keys(low, high, 50)
    assert first == keys[:50]
    assert items.range_keys(first[-1] + b"\0", high, 1000) == keys[50:]
    assert items.range_keys(high, low) == []
    assert list(items.iter_from(low))[:120] == keys


def test_iteration_sees_the_items_of_its_beginning() -> None:
    pairs = sorted(some(300))
    items = Items(pairs)
    keys = items.iter_from(item_key(*pairs[100]))
    assert key_item(next(keys)) == pairs[100]
    items.discard_many(pairs[150:])
    items.add_many([(0, bytes(32))])
    assert [key_item(key) for key in keys] == pairs[101:]


def test_a_snapshot_and_its_source_change_apart() -> None:
    pairs = sorted(some(400))
    items = Items(pairs[:300])
    snapshot = items.snapshot()
    items.add_many(pairs[300:])
    items.discard_many(pairs[:50])
    assert list(snapshot) == pairs[:300]
    assert snapshot.fingerprint(0, 300) == fingerprint(pairs[:300])
    snapshot.add_many([(0, bytes(32))])
    assert list(items) == pairs[50:]
    assert items.fingerprint(0, 350) == fingerprint(pairs[50:])
    assert len(snapshot) == 301


def test_positions_outside_are_a_fault_of_the_caller() -> None:
    items = Items(some(10))
    for lo, hi in ((-1, 5), (5, 11), (6, 5)):
        for ask in (items.keys, items.ids, items.fingerprint, lambda lo, hi: items.parts([lo, hi])):
            with pytest.raises(Misuse):
                ask(lo, hi)


def memory(make: Callable[[], Items]) -> float:
    """Bytes that each item takes in what `make` makes."""
    make()  # whatever is allocated only once is allocated now
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        items = make()
        items.fingerprint(0, len(items))
        return (tracemalloc.get_traced_memory()[0] - before) / len(items)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("batch", [500, 1])
@pytest.mark.parametrize("order", ["in order", "at random"])
def test_an_item_takes_little_memory(order: str, batch: int) -> None:
    numbers = list(range(4_000))
    if order == "at random":
        Random(2).shuffle(numbers)

    def make() -> Items:
        items = Items()
        for begin in range(0, len(numbers), batch):
            items.add_many((number // 3, id_of(number)) for number in numbers[begin : begin + batch])
        return items

    assert 40 < memory(make) < 65


def test_what_retention_leaves_takes_little_memory() -> None:
    # Blocks that have run nearly empty join: else a few items could keep all the blocks.
    pairs = some(10_000)

    def make() -> Items:
        items = Items(pairs)
        for begin in range(0, 10_000, 500):
            items.discard_many(pair for number, pair in enumerate(pairs[begin : begin + 500]) if number % 50)
        return items

    assert len(make()) == 200
    assert memory(make) < 90
