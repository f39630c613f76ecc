"""Taking operations in: decode, canonical check, hash, verify, deps, depth, standing, fold, SQLite on disk.

Through the node's one door, in batches of 500, each committed with synchronous=FULL; everything
on one core, and once more with the verification on two. The raw reference is PyNaCl's verification of the same signatures, batch by batch in
the same run.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import trio

from bench._village import Village, verify_seconds
from node.outcome import Accepted
from node.service import Service
from node.store import Store
from protocol.log.operation import decode_envelope

__all__ = ["run", "table"]

BATCH = 500


def run(quick: bool) -> dict[str, Any]:
    """`ratio` is for operations without attachments on one core.

    `two_cores` holds the same with verification on two, `comments` for comments with a text each.
    """
    count = 2_000 if quick else 20_000
    village = Village()
    plain = list(village.talk(count))
    return {
        **_measure(village, plain, 1),
        "two_cores": _measure(village, plain, 2),
        "comments": _measure(village, list(village.talk(count, texts=True)), 1),
    }


def _measure(village: Village, said: list[bytes], cores: int) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        seconds, verifying = trio.run(_ingest, Path(folder), village.founding(), said, cores)
    return {
        "ratio": verifying / seconds,
        "ingest_per_s": len(said) / seconds,
        "verify_per_s": len(said) / verifying,
        "operations": len(said),
        "bytes": sum(map(len, said)) / len(said),
        "cores": cores,
    }


async def _ingest(folder: Path, founding: list[bytes], said: list[bytes], cores: int) -> tuple[float, float]:
    """Seconds for taking everything in, and for verifying the same signatures, by turns: a busy machine slows both."""
    store = Store(folder / "bench.db")
    service = Service(store, lambda: 0, bytes(32), cores=cores)
    await service.submit(founding)
    seconds = verifying = 0.0
    for begin in range(0, len(said), BATCH):
        batch = said[begin : begin + BATCH]
        verifying += verify_seconds([decode_envelope(data) for data in batch])
        begun = perf_counter()
        outcomes = await service.submit(batch)
        seconds += perf_counter() - begun
        assert all(type(outcome) is Accepted for outcome in outcomes)
    store.close()
    return seconds, verifying


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = []
    parts = {"plain operations": result, "two cores": result["two_cores"], "comments with a text": result["comments"]}
    for name, part in parts.items():
        lines.append(
            f"{name:22s} {part['ingest_per_s']:8.0f}/s   raw verification {part['verify_per_s']:8.0f}/s"
            f"   ratio {part['ratio']:.3f}   ({part['operations']} of {part['bytes']:.0f} bytes)"
        )
    return "\n".join(lines)
