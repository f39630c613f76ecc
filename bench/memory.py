"""What an operation takes in memory while its body lies on disk.

Resident memory of a process before and after the councils are built from the store. The raw
reference, in a process of its own in the same run, is a plain dictionary from the same ids to
row numbers: what nobody who looks operations up by id can go without.
"""

import json
import sys
from pathlib import Path
from subprocess import run as run_process
from tempfile import TemporaryDirectory
from typing import Any

import trio

from bench._village import Village
from bench.restart import _fill
from node.service import Service
from node.store import Store

__all__ = ["run", "table"]


def run(quick: bool) -> dict[str, Any]:
    """`ratio` is bytes for each operation over bytes for each entry of the plain dictionary."""
    count = 10_000 if quick else 100_000
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        trio.run(_fill, path, Village(), count)
        ours, raw = _measure("councils", path), _measure("dictionary", path)
    return {
        "ratio": ours["bytes"] / raw["bytes"],
        "bytes_per_operation": ours["bytes"],
        "raw_bytes_per_id": raw["bytes"],
        "operations": ours["operations"],
        "resident_mb": ours["resident"] / 1e6,
    }


def _measure(what: str, path: Path) -> dict[str, float]:
    done = run_process([sys.executable, "-m", "bench.memory", what, str(path)], capture_output=True, check=True)
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def _grow(what: str, path: Path) -> dict[str, float]:
    store = Store(path)
    before = _resident()
    if what == "councils":
        service = Service(store, lambda: 0, bytes(32))
        count = service.load()
        for council in service.councils.values():
            assert len(council.items) == count
    else:
        rows = {saved.id: saved.row for chunk in store.replay() for saved in chunk}
        count = len(rows)
    after = _resident()
    return {"bytes": (after - before) / count, "operations": count, "resident": after}


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    return (
        f"{result['bytes_per_operation']:.0f} bytes an operation, a plain dictionary of ids {result['raw_bytes_per_id']:.0f};"
        f" ratio {result['ratio']:.2f}   ({result['operations']} operations, {result['resident_mb']:.0f} MB resident)"
    )


if __name__ == "__main__":
    print(json.dumps(_grow(sys.argv[1], Path(sys.argv[2]))))
