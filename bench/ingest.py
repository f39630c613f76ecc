"""Taking operations in: decode, canonical check, hash, verify, deps, depth, standing, fold, SQLite on disk.

Through the node's one door, 2,000 at a time, committed with synchronous=FULL: everything in one
process on one core, and with one examiner process more on two. The raw reference is PyNaCl's
verification of the same signatures on one core, by turns with the batches in the same run. CPU
times tell more than the clock where other programs work beside this one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import trio

from bench._peer import cpu_seconds
from bench._village import Village, verify_seconds
from node.examining import Examining
from node.outcome import Accepted
from node.service import Service
from node.store import Store
from protocol.log.operation import decode_envelope

__all__ = ["run", "table"]

BATCH = 2_000


def run(quick: bool) -> dict[str, Any]:
    """`ratio` is for operations without attachments on one core.

    `two_cores` holds the same with an examiner on a second one, `comments` for comments with a
    text each. `cpu` has the seconds of CPU time: this process's, its examiner's, and those of the
    raw verification; `cpu_ratio` is the raw verification's over the sum of the others.
    """
    count = 4_000 if quick else 20_000
    village = Village()
    plain = list(village.talk(count))
    return {
        **_measure(village, plain, 1),
        "two_cores": _measure(village, plain, 2),
        "comments": _measure(village, list(village.talk(count, texts=True)), 1),
    }


def _measure(village: Village, said: list[bytes], cores: int) -> dict[str, Any]:
    with TemporaryDirectory() as folder, _on_cores(cores):
        times = trio.run(_ingest, Path(folder), village.founding(), said, cores)
    counted = len(said) - BATCH
    cpu = {"node": times["node"], "examiner": times["examiner"], "verification": times["verifying_cpu"]}
    return {
        "ratio": times["verifying"] / times["seconds"],
        "cpu_ratio": cpu["verification"] / (cpu["node"] + cpu["examiner"]),
        "ingest_per_s": counted / times["seconds"],
        "verify_per_s": counted / times["verifying"],
        "operations": counted,
        "bytes": sum(map(len, said)) / len(said),
        "cores": cores,
        "cpu": cpu,
    }


@contextmanager
def _on_cores(cores: int) -> Iterator[None]:
    """This process, and those that it starts, on so many cores, if there are as many."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-cores:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def _ingest(folder: Path, founding: list[bytes], said: list[bytes], cores: int) -> dict[str, float]:
    """Seconds for taking everything in, and for verifying the same signatures, by turns: a busy machine slows both.

    The first batch, during which the examiner starts, is not counted.
    """
    store = Store(folder / "bench.db")
    examining = Examining(cores - 1, idle=600.0)
    service = Service(store, lambda: 0, bytes(32), examining=examining)
    times = dict.fromkeys(("seconds", "node", "verifying", "verifying_cpu"), 0.0)
    async with trio.open_nursery() as nursery:
        await nursery.start(examining.run)
        await service.submit(founding)
        await service.submit(said[:BATCH])
        before = sum(map(cpu_seconds, examining.examiners))
        for begin in range(BATCH, len(said), BATCH):
            batch = said[begin : begin + BATCH]
            opened = [decode_envelope(data) for data in batch]
            begun, cpu = perf_counter(), process_time()
            verify_seconds(opened)
            times["verifying"] += perf_counter() - begun
            times["verifying_cpu"] += process_time() - cpu
            begun, cpu = perf_counter(), process_time()
            outcomes = await service.submit(batch)
            times["seconds"] += perf_counter() - begun
            times["node"] += process_time() - cpu
            assert all(type(outcome) is Accepted for outcome in outcomes)
        assert len(examining.examiners) == cores - 1
        times["examiner"] = sum(map(cpu_seconds, examining.examiners)) - before
        nursery.cancel_scope.cancel()
    store.close()
    return times


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = []
    parts = {"plain operations": result, "two cores": result["two_cores"], "comments with a text": result["comments"]}
    for name, part in parts.items():
        lines.append(
            f"{name:22s} {part['ingest_per_s']:8.0f}/s   raw verification {part['verify_per_s']:8.0f}/s"
            f"   ratio {part['ratio']:.3f}, of CPU time {part['cpu_ratio']:.3f}   ({part['operations']} of {part['bytes']:.0f} bytes)"
        )
    return "\n".join(lines)
