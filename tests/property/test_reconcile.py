"""Laws of sync: what an exchange finds is exactly the difference, however the items came to be where they are."""

from bisect import bisect_left
from hashlib import sha256
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Malformed
from protocol.log.items import INFINITY, Items, item_key, varint
from protocol.log.reconcile import LEAST_FRAME, Reconciliation, Round

Pair = tuple[int, bytes]

limits = st.one_of(st.just(0), st.just(LEAST_FRAME), st.integers(LEAST_FRAME, 4 * LEAST_FRAME))


@st.composite
def pools(draw: st.DrawFn, most: int = 1500) -> list[Pair]:
    """Items in order: few or many to a timestamp, with ids that begin alike or not."""
    seed = draw(st.binary(max_size=4))
    spread = draw(st.sampled_from((1, 2, 50, 5_000, 2**40, INFINITY)))
    alike = bytes(draw(st.sampled_from((0, 0, 1, 29))))
    timestamps = {}
    for number in range(draw(st.integers(0, most))):
        hashed = sha256(seed + b"%d" % number).digest()
        timestamps[alike + hashed[len(alike) :]] = int.from_bytes(hashed[:12], "big") % spread
    return sorted((timestamp, id) for id, timestamp in timestamps.items())


@st.composite
def sides(draw: st.DrawFn) -> tuple[list[Pair], list[Pair]]:
    """What two sides hold: more or less the same, one perhaps without the newest or the oldest."""
    pool = draw(pools())
    held = []
    for salt in (b"a", b"b"):
        share = draw(st.sampled_from((0, 3, 128, 250, 255, 256)))
        begin, end = draw(st.sampled_from(((0, 8), (0, 8), (0, 7), (0, 3), (1, 8), (5, 8), (2, 6))))
        part = pool[len(pool) * begin // 8 : len(pool) * end // 8]
        held.append([pair for pair in part if sha256(salt + pair[1]).digest()[0] < share])
    return held[0], held[1]


def exchange(initiator: Reconciliation, responder: Reconciliation) -> tuple[list[bytes], set[bytes], set[bytes]]:
    """All messages in turn, and the ids that the initiator found to have and to need."""
    messages: list[bytes] = []
    have: set[bytes] = set()
    need: set[bytes] = set()
    message: bytes | None = initiator.initiate()
    while message is not None:
        reply = responder.receive(message).reply
        assert reply is not None
        messages += message, reply
        # The law includes that an exchange ends.
        assert len(messages) < 1000
        found = initiator.receive(reply)
        have.update(found.have)
        need.update(found.need)
        message = found.reply
    return messages, have, need


@given(held=sides(), limit=limits, other_limit=limits)
def test_an_exchange_finds_exactly_the_difference(
    held: tuple[list[Pair], list[Pair]], limit: int, other_limit: int
) -> None:
    ours, theirs = ({id for _, id in part} for part in held)
    messages, have, need = exchange(
        Reconciliation(Items(held[0]), True, limit), Reconciliation(Items(held[1]), False, other_limit)
    )
    assert have == ours - theirs
    assert need == theirs - ours
    assert not limit or max(map(len, messages[::2])) <= limit
    assert not other_limit or max(map(len, messages[1::2])) <= other_limit


@given(held=sides())
def test_without_limits_nothing_is_found_twice_and_equal_sides_part_at_once(
    held: tuple[list[Pair], list[Pair]],
) -> None:
    initiator, responder = Reconciliation(Items(held[0]), True), Reconciliation(Items(held[1]), False)
    found: list[bytes] = []
    rounds = 0
    message: bytes | None = initiator.initiate()
    while message is not None:
        reply = responder.receive(message).reply
        assert reply is not None
        step = initiator.receive(reply)
        found += *step.have, *step.need
        message = step.reply
        rounds += 1
    assert len(found) == len(set(found)) == len(set(held[0]) ^ set(held[1]))
    # Sixteenths of sixteenths: 1500 items are few after three rounds.
    assert rounds <= (1 if held[0] == held[1] else 4)


changes = st.lists(st.tuples(st.booleans(), st.integers(0, 2**16), st.integers(0, 400)), max_size=8)


@given(pool=pools(800), steps=changes, order=st.randoms(use_true_random=False), cuts=st.lists(st.integers(0, 800)))
def test_items_are_a_sorted_set_whatever_was_added_and_discarded(
    pool: list[Pair], steps: list[tuple[bool, int, int]], order: Random, cuts: list[int]
) -> None:
    shuffled = order.sample(pool, len(pool))
    items, held = Items(), set[Pair]()
    snapshots: list[tuple[Items, list[Pair]]] = []
    for adds, begin, count in steps:
        begin %= len(shuffled) + 1
        part, before = shuffled[begin : begin + count], len(held)
        if adds:
            held.update(part)
            assert items.add_many(part) == len(held) - before
        else:
            held.difference_update(part)
            assert items.discard_many(part) == before - len(held)
        snapshots.append((items.snapshot(), sorted(held)))
    snapshots.append((items, sorted(held)))
    for seen, pairs in snapshots:
        assert list(seen) == pairs
        assert len(seen) == len(pairs)
        places = sorted({0, len(pairs), *(cut for cut in cuts if cut < len(pairs))})
        prints = [fingerprint(pairs[lo:hi]) for lo, hi in pairwise(places)]
        assert [seen.fingerprint(lo, hi) for lo, hi in pairwise(places)] == prints
        bounds: list[bytes] = []
        if pairs:
            bounds, parts = seen.parts(places)
            assert parts == prints
        assert [id for lo, hi in pairwise(places) for id in seen.ids(lo, hi)] == [id for _, id in pairs]
        keys = [item_key(*pair) for pair in pairs]
        for place, bound in zip(places[1:-1], bounds, strict=True):
            assert keys[place - 1] < bound <= keys[place]
            assert seen.lower_bound(bound) == place
            assert list(seen.iter_from(keys[place])) == keys[place:]
        for pair in pool[::50]:
            assert (pair in seen) == (pair in set(pairs))
            assert seen.lower_bound(item_key(*pair)) == bisect_left(keys, item_key(*pair))


def fingerprint(pairs: list[Pair]) -> bytes:
    """As the specification words it."""
    total = sum(int.from_bytes(id, "little") for _, id in pairs) % 2**256
    return sha256(total.to_bytes(32, "little") + varint(len(pairs))).digest()[:16]


@given(held=sides(), order=st.randoms(use_true_random=False), batch=st.integers(1, 400), limit=limits)
def test_what_is_sent_does_not_depend_on_how_the_items_came(
    held: tuple[list[Pair], list[Pair]], order: Random, batch: int, limit: int
) -> None:
    grown = Items(held[1])  # some of them will stay, the others go
    shuffled = order.sample(held[0], len(held[0]))
    for begin in range(0, len(shuffled), batch):
        grown.add_many(shuffled[begin : begin + batch])
        grown.fingerprint(0, len(grown))
    grown.discard_many(set(held[1]) - set(held[0]))
    at_once, other = Items(held[0]), Items(held[1])
    for initiator in (True, False):
        transcripts = []
        for mine in (grown, at_once):
            first, second = (mine, other) if initiator else (other, mine)
            transcripts.append(exchange(Reconciliation(first, True, limit), Reconciliation(second, False, limit)))
        assert transcripts[0] == transcripts[1]


@given(held=sides(), later=pools(300), limit=limits)
def test_an_exchange_over_snapshots_is_exact_while_both_sides_grow(
    held: tuple[list[Pair], list[Pair]], later: list[Pair], limit: int
) -> None:
    live = [Items(part) for part in held]
    initiator = Reconciliation(live[0].snapshot(), True, limit)
    responder = Reconciliation(live[1].snapshot(), False, limit)
    ours, theirs = ({id for _, id in part} for part in held)
    have: set[bytes] = set()
    need: set[bytes] = set()
    message: bytes | None = initiator.initiate()
    while message is not None:
        live[0].add_many(later[::2])
        live[1].discard_many(held[1][::3])
        reply = responder.receive(message).reply
        assert reply is not None
        found = initiator.receive(reply)
        have.update(found.have)
        need.update(found.need)
        message = found.reply
    assert (have, need) == (ours - theirs, theirs - ours)


def received(side: Reconciliation, message: bytes) -> Round | Malformed:
    try:
        return side.receive(message)
    except Malformed as refused:
        return refused


@st.composite
def altered(draw: st.DrawFn, message: bytes) -> bytes:
    """A message as a faulty or dishonest peer might send it."""
    changed = bytearray(message)
    for at, value in draw(
        st.lists(st.tuples(st.integers(0, max(0, len(message) - 1)), st.integers(0, 255)), max_size=6)
    ):
        changed[at : at + 1] = bytes((value,)) * draw(st.sampled_from((0, 1, 1, 2)))
    return bytes(changed[: draw(st.integers(1, len(changed) + 1))]) + draw(st.binary(max_size=40))


@given(held=sides(), limit=limits, initiator=st.booleans(), data=st.data())
def test_whatever_a_peer_sends_is_answered_within_bounds_or_refused(
    held: tuple[list[Pair], list[Pair]], limit: int, initiator: bool, data: st.DataObject
) -> None:
    messages, _, _ = exchange(Reconciliation(Items(held[0]), True), Reconciliation(Items(held[1]), False))
    message = data.draw(altered(data.draw(st.sampled_from(messages))) | st.binary(max_size=200).map(b"a".__add__))
    items = Items(held[1])
    found = received(Reconciliation(items, initiator, limit), message)
    if isinstance(found, Malformed):
        assert found.rule.startswith("negentropy-")
        assert found.message.endswith(".")
        return
    assert len(found.need) == len(set(found.need)) <= len(message) // 32
    assert len(found.have) <= len(items)
    assert initiator or not (found.have or found.need)
    if found.reply is None:
        assert initiator
    else:
        # A range takes three bytes at least, and its answer repeats two bounds beside what it says of our items.
        assert len(found.reply) <= (limit or 100 * (len(message) // 3 + 1) + 40 * len(items))


@given(data=st.binary(max_size=300))
def test_any_bytes_are_answered_or_refused(data: bytes) -> None:
    for initiator in (True, False):
        found = received(Reconciliation(Items(), initiator), data)
        assert found.rule.startswith("negentropy-") if isinstance(found, Malformed) else found.have == []
