"""Starting again: the councils built anew from the store.

The raw reference reads the same rows from SQLite and hashes them, in the same run.
"""

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import trio

from bench._village import Village
from node.service import Service
from node.store import Store

__all__ = ["run", "table"]


def run(quick: bool) -> dict[str, Any]:
    """`ratio` is the raw reading's time over the restart's: 1 would be a restart that costs nothing else."""
    count = 5_000 if quick else 100_000
    village = Village()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        trio.run(_fill, path, village, count)
        raw, _ = _read(path), _read(path)
        begun = perf_counter()
        store = Store(path)
        service = Service(store, lambda: 0, bytes(32))
        operations = service.load()
        seconds = perf_counter() - begun
        raw = min(raw, _read(path))
        store.close()
    return {
        "ratio": raw / seconds,
        "seconds": seconds,
        "raw_seconds": raw,
        "operations": operations,
        "operations_per_s": operations / seconds,
    }


async def _fill(path: Path, village: Village, count: int) -> None:
    store = Store(path)
    service = Service(store, lambda: 0, bytes(32))
    await service.submit([*village.founding(), *village.talk(count)])
    store.close()


def _read(path: Path) -> float:
    begun = perf_counter()
    store = Store(path)
    for chunk in store.replay():
        for saved in chunk:
            sha256(saved.raw).digest()
    store.close()
    return perf_counter() - begun


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    return (
        f"{result['operations']} operations in {result['seconds']:.2f} s ({result['operations_per_s']:.0f}/s);"
        f" reading and hashing alone {result['raw_seconds']:.2f} s; ratio {result['ratio']:.3f}"
    )
