"""Every byte that we send is the reference's, as initiator and as responder, within any frame limits."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from protocol.log.items import Items
from protocol.log.reconcile import LEAST_FRAME, Reconciliation

from ..unit.log.test_reconcile import NOTHING, VECTORS, full_frame, made, named
from .negentropy_reference import LARGEST_TIMESTAMP, Missing, Reference, install

pytestmark = pytest.mark.oracle

Pair = tuple[int, bytes]


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    try:
        packages = install()
    except Missing as missing:
        pytest.skip(str(missing))
    with Reference(packages) as running:
        yield running


def exchange(
    reference: Reference, held: tuple[list[Pair], list[Pair]], limits: tuple[int, int], by: str = "reference"
) -> int:
    """Let our two sides talk, and the reference say what it would have said in each one's place."""
    initiator = Reconciliation(Items(held[0]), True, limits[0])
    responder = Reconciliation(Items(held[1]), False, limits[1])
    asked: list[bytes | None] = [initiator.initiate()]
    answered: list[bytes] = []
    have: list[bytes] = []
    need: list[bytes] = []
    while (message := asked[-1]) is not None:
        reply = responder.receive(message).reply
        assert reply is not None
        answered.append(reply)
        found = initiator.receive(reply)
        have += found.have
        need += found.need
        asked.append(found.reply)
    for name, pairs in zip(("ours", "theirs"), held, strict=True):
        reference.load(name, pairs)
    first = reference.replay("ours", initiator=True, limit=limits[0], messages=answered, by=by)
    assert first.replies == asked
    assert (first.have, first.need) == (have, need)
    if by == "reference":
        sent = [message for message in asked if message is not None]
        assert reference.replay("theirs", initiator=False, limit=limits[1], messages=sent).replies == answered
    return len(asked)


def drawn(random: Random) -> tuple[list[Pair], list[Pair]]:
    """Two sides that hold more or less the same."""
    size = random.choice((0, 1, 15, 31, 32, 33, 200, 1000, 3000))
    spread = random.choice((1, 3, size + 1, LARGEST_TIMESTAMP + 1))
    alike = bytes(random.choice((0, 0, 1, 3, 29)))
    ids = {alike + random.randbytes(32 - len(alike)) for _ in range(size)}
    pool = sorted((random.randrange(spread), id) for id in sorted(ids))
    shares = random.choice(((1, 1), (1, 0.9), (0.9, 1), (0.99, 0.99), (0.5, 0.5), (0, 1), (1, 0)))
    ends = random.choice(((1, 1), (1, 1), (0.5, 1), (1, 0.5), (0.9, 0.3)))
    ours, theirs = (
        [pair for pair in pool[: int(len(pool) * end)] if random.random() < share]
        for share, end in zip(shares, ends, strict=True)
    )
    return ours, theirs


@pytest.mark.parametrize("seed", range(20))
def test_transcripts_are_byte_for_byte_those_of_the_reference(reference: Reference, seed: int) -> None:
    random = Random(seed)
    for _ in range(10):
        limits = (
            (0, 0) if random.random() < 0.3 else (random.randint(LEAST_FRAME, 8000), random.choice((0, LEAST_FRAME)))
        )
        exchange(reference, drawn(random), limits)


@pytest.mark.parametrize("seed", range(5))
def test_another_implementation_understands_us_too(reference: Reference, seed: int) -> None:
    random = Random(1000 + seed)
    for _ in range(10):
        limits = random.choice(((0, 0), (LEAST_FRAME, 0), (6000, LEAST_FRAME)))
        exchange(reference, drawn(random), limits, by="nostr-tools")


@pytest.mark.slow
def test_a_large_log_with_frame_limits(reference: Reference) -> None:
    random = Random(7)
    pool = sorted((number // 3, random.randbytes(32)) for number in range(50_000))
    ours = [pair for pair in pool if random.random() < 0.99]
    theirs = [pair for pair in pool if random.random() < 0.99]
    assert exchange(reference, (ours, theirs), (60_000, 500_000)) > 3


def small(vector: dict[str, Any]) -> bool:
    parts = [*vector["initiator"]["items"], *vector["responder"]["items"]]
    return all(part.get("timestamp", 0) <= LARGEST_TIMESTAMP for part in parts)


@pytest.mark.parametrize("vector", [vector for vector in VECTORS["exchanges"] if small(vector)], ids=named)
def test_the_vectors_hold_for_the_reference(reference: Reference, vector: dict[str, Any]) -> None:
    one, other = vector["initiator"], vector["responder"]
    exchange(reference, (made(one["items"]), made(other["items"])), (one["frame_limit"], other["frame_limit"]))


def test_the_one_place_where_our_bytes_differ(reference: Reference) -> None:
    items, _, question, limit = full_frame()
    reference.load("ours", items)
    ours = Reconciliation(items, True, limit).receive(question).reply
    theirs = reference.replay("ours", initiator=True, limit=limit, messages=[question]).replies[1]
    assert ours is not None
    assert theirs is not None
    assert ours[:-16] == theirs[:-16]
    assert theirs[-16:] == NOTHING
    assert ours[-16:] == items.fingerprint(13 * 32, 14 * 32)
