"""Sync between two logs: Negentropy over cached sums, beside the JavaScript reference.

Three exchanges, both sides in one process, without transport: identical logs, one that lacks
the newest 100 items, and 500 items missing here and 500 others there, scattered. `ratio` is
our time to the reference's, which replays the same messages in the same run (null without
Node and npm); `hash_ratio` is our time to hashing every item's id once, which is the least
that sides without cached sums would have to do. Then what the index costs while a log grows:
adding items in batches of 500, its sums included, to verifying as many signatures.

JSON: `items`; `reference`, its name, or `no_reference`, why there is none; `hash_ms`;
`exchanges`: for each `rounds`, `bytes`, `ms`, `hash_ratio`, `reference_ms`, `ratio`;
`index`: `in_order_us`, `scattered_us` and `verify_us` each, `ratio` (in order), `scattered_ratio`,
`bytes` of memory an item.
"""

import gc
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from protocol import keys
from protocol.log.items import Items
from protocol.log.reconcile import Reconciliation
from tests.interop.negentropy_reference import PACKAGE, Missing, Reference, install

__all__ = ["run", "table"]

BATCH = 500

Pair = tuple[int, bytes]


def run(quick: bool) -> dict[str, Any]:
    """Measure; with `quick` over 5,000 items instead of 100,000, and once instead of nine times."""
    count, times = (5_000, 1) if quick else (100_000, 9)
    random = Random(1)
    pairs = sorted((number // 3, random.randbytes(32)) for number in range(count))
    missing = random.sample(range(count), count // 100)
    here, there = set(missing[::2]), set(missing[1::2])
    cases = {
        "identical": (pairs, pairs),
        "newest": (pairs[:-100], pairs),
        "scattered": (
            [pair for number, pair in enumerate(pairs) if number not in here],
            [pair for number, pair in enumerate(pairs) if number not in there],
        ),
    }
    hash_ms = median(timed(lambda: [sha256(id).digest() for _, id in pairs]) for _ in range(times)) * 1000
    result: dict[str, Any] = {"items": count, "hash_ms": hash_ms, "exchanges": {}}
    with ExitStack() as stack:
        reference = None
        try:
            reference = stack.enter_context(Reference(install()))
            result["reference"] = f"{PACKAGE} on Node"
        except Missing as why:
            result["no_reference"] = str(why)
        for name, held in cases.items():
            result["exchanges"][name] = compared(held, times, hash_ms, reference)
    result["index"] = index(pairs, times)
    return result


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def exchange(first: Items, second: Items) -> tuple[list[bytes], list[bytes]]:
    """What each side says."""
    initiator, responder = Reconciliation(first, True), Reconciliation(second, False)
    asked, answered = [], []
    message: bytes | None = initiator.initiate()
    while message is not None:
        asked.append(message)
        reply = responder.receive(message).reply
        assert reply is not None
        answered.append(reply)
        message = initiator.receive(reply).reply
    return asked, answered


def compared(
    held: tuple[list[Pair], list[Pair]], times: int, hash_ms: float, reference: Reference | None
) -> dict[str, Any]:
    """One exchange, ours and the reference's by turns, so that a busy machine slows both."""
    first, second = Items(held[0]), Items(held[1])
    asked, answered = exchange(first, second)
    if reference is not None:
        reference.load("first", held[0])
        reference.load("second", held[1])
    ours, theirs = [], []
    for _ in range(times):
        ours.append(timed(lambda: exchange(first, second)) * 1000)
        if reference is not None:
            one = reference.replay("first", initiator=True, limit=0, messages=answered)
            other = reference.replay("second", initiator=False, limit=0, messages=asked)
            if one.replies != [*asked, None] or other.replies != answered:
                raise RuntimeError("the reference sends other bytes")
            theirs.append(one.ms + other.ms)
    ms = median(ours)
    return {
        "rounds": len(asked),
        "bytes": sum(map(len, asked + answered)),
        "ms": ms,
        "hash_ratio": ms / hash_ms,
        "reference_ms": median(theirs) if theirs else None,
        "ratio": ms / median(theirs) if theirs else None,
    }


def index(pairs: list[Pair], times: int) -> dict[str, Any]:
    """What it costs to add items, in order behind a log and scattered over it, and to keep them."""
    begin = len(pairs) * 4 // 5
    shuffled = Random(2).sample(pairs, len(pairs))
    seed = bytes(32)
    signature, key = keys.sign(seed, keys.OPERATION, b"an operation"), keys.public_key(seed)
    in_order, scattered, verify = [], [], []
    for _ in range(times):
        in_order.append(added(pairs, begin))
        scattered.append(added(shuffled, begin))
        verify.append(
            timed(lambda: [keys.verify(key, keys.OPERATION, b"an operation", signature) for _ in range(BATCH)]) / BATCH
        )
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    items = Items(pairs)
    items.fingerprint(0, len(items))
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return {
        "batch": BATCH,
        "in_order_us": median(in_order) * 1e6,
        "scattered_us": median(scattered) * 1e6,
        "verify_us": median(verify) * 1e6,
        "ratio": median(in_order) / median(verify),
        "scattered_ratio": median(scattered) / median(verify),
        "bytes": used / len(items),
    }


def added(pairs: list[Pair], begin: int) -> float:
    """Seconds for each of the items from `begin` on, added in batches to those before, sums included."""
    items = Items(pairs[:begin])
    items.fingerprint(0, begin)

    def add() -> None:
        for at in range(begin, len(pairs), BATCH):
            items.add_many(pairs[at : at + BATCH])
        items.fingerprint(0, len(items))

    return timed(add) / (len(pairs) - begin)


def table(result: dict[str, Any]) -> str:
    """The result for a person."""
    lines = [f"{result['items']:,} items; hashing their ids {result['hash_ms']:.1f} ms"]
    lines.append(f"beside {result['reference']}" if "reference" in result else result["no_reference"])
    lines.append(f"{'':12}{'rounds':>7}{'bytes':>10}{'ms':>9}{'to hashing':>12}{'reference ms':>14}{'ratio':>8}")
    for name, one in result["exchanges"].items():
        line = f"{name:12}{one['rounds']:7}{one['bytes']:10,}{one['ms']:9.2f}{one['hash_ratio']:12.3f}"
        if one["ratio"] is not None:
            line += f"{one['reference_ms']:14.1f}{one['ratio']:8.4f}"
        lines.append(line)
    index = result["index"]
    lines.append(
        f"adding an item in batches of {index['batch']}: in order {index['in_order_us']:.2f} us, "
        f"scattered {index['scattered_us']:.2f} us; verifying a signature {index['verify_us']:.1f} us; "
        f"ratio {index['ratio']:.3f}, scattered {index['scattered_ratio']:.3f}"
    )
    lines.append(f"memory {index['bytes']:.1f} bytes an item")
    return "\n".join(lines)
