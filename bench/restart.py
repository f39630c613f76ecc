"""Starting again: the councils built anew from the store.

The raw reference reads the same rows from SQLite and hashes them, in the same run.
"""

from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import trio

from bench._village import Village
from node.service import Service
from node.store import Store

__all__ = ["run", "table"]


def run(quick: bool) -> dict[str, Any]:
    """`ratio` is the raw reading's time over the restart's: 1 would be a restart that costs nothing else.

    `comments` holds the same for comments with a text each. `cpu_seconds` is the CPU time in `seconds`.
    """
    count = 5_000 if quick else 100_000
    return {**_measure(count, texts=False), "comments": _measure(count, texts=True)}


def _measure(count: int, *, texts: bool) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        trio.run(partial(_fill, path, Village(), count, texts=texts))
        raw, _ = _read(path), _read(path)
        begun, cpu = perf_counter(), process_time()
        store = Store(path)
        service = Service(store, lambda: 0, bytes(32))
        operations = service.load()
        seconds, cpu = perf_counter() - begun, process_time() - cpu
        raw = min(raw, _read(path))
        store.close()
    return {
        "ratio": raw / seconds,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "raw_seconds": raw,
        "operations": operations,
        "operations_per_s": operations / seconds,
    }


async def _fill(path: Path, village: Village, count: int, *, texts: bool = False) -> None:
    store = Store(path)
    service = Service(store, lambda: 0, bytes(32))
    await service.submit([*village.founding(), *village.talk(count, texts=texts)])
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
    return "\n".join(
        f"{name:21s} {part['operations']} operations in {part['seconds']:.2f} s, {part['cpu_seconds']:.2f} s of CPU"
        f" ({part['operations_per_s']:.0f}/s); reading and hashing alone {part['raw_seconds']:.2f} s;"
        f" ratio {part['ratio']:.3f}"
        for name, part in (("plain operations", result), ("comments with a text", result["comments"]))
    )
