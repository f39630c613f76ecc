"""A fresh node gets a whole council from another process over libp2p: verified and on disk at the end.

The raw reference is PyNaCl's verification of the same signatures on one core of the fresh node's
process, before and after. `traffic` is what went over the wire both ways, in bytes of the
operations themselves. All processes share the machine: where other programs work beside them, the
seconds of CPU time that each had tell more than the clock.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import trio

from bench._peer import cpu_seconds, peer
from bench._village import Village, verify_seconds
from node.asking import Asking
from node.examining import Examining
from node.host import HostSettings, open_host
from node.service import Service
from node.session import SYNC
from node.store import Store
from protocol.log.operation import decode_envelope

__all__ = ["run", "table"]


def run(quick: bool) -> dict[str, Any]:
    """`ratio` is for operations without attachments; the fresh node is one process.

    `two_cores` holds the same with an examiner beside it, `comments` for comments with a text
    each. `cpu` has the seconds of CPU time of each process: the fresh node, its examiner (its
    start included), the node that gives.
    """
    count = 2_000 if quick else 20_000
    return {
        **_measure(count, "plain", 1),
        "two_cores": _measure(count, "plain", 2),
        "comments": _measure(count, "texts", 1),
    }


def _measure(count: int, sort: str, cores: int) -> dict[str, Any]:
    with TemporaryDirectory() as folder, peer("serve", f"{folder}/server", str(count), sort) as server:
        assert server.stdout is not None
        said = json.loads(server.stdout.readline())
        return trio.run(_fetch, Path(folder), said, cores, server.pid)


async def _fetch(folder: Path, said: dict[str, Any], cores: int, server: int) -> dict[str, Any]:
    village = Village()
    store = Store(folder / "fresh.db")
    examining = Examining(cores - 1, idle=600.0)
    service = Service(store, lambda: 0, village.node(1), examining=examining)
    async with open_host(HostSettings(village.node_seed(1))) as host, trio.open_nursery() as nursery:
        await nursery.start(examining.run)
        await service.follow(village.id, [(village.node(0), ())])
        peer_key = await host.dial(said["address"])
        sample = [decode_envelope(data) for data in village.talk(1_000)]
        verifying = verify_seconds(sample)
        giving, getting = cpu_seconds(server), process_time()
        begun = perf_counter()
        async with await host.open(peer_key, SYNC) as stream:
            report = await Asking(service, stream).run(village.id)
            await stream.finish()
        seconds = perf_counter() - begun
        cpu = {
            "node": process_time() - getting,
            "examiner": sum(map(cpu_seconds, examining.examiners)),
            "server": cpu_seconds(server) - giving,
        }
        verifying += verify_seconds(sample)
        nursery.cancel_scope.cancel()
    store.close()
    assert report.complete
    assert len(service.councils[village.id]) == said["operations"]
    verify_per_s = 2 * len(sample) / verifying
    return {
        "ratio": said["operations"] / seconds / verify_per_s,
        "sync_per_s": said["operations"] / seconds,
        "verify_per_s": verify_per_s,
        "traffic": (report.bytes_in + report.bytes_out) / said["bytes"],
        "operations": said["operations"],
        "cores": cores,
        "bytes": said["bytes"] / said["operations"],
        "cpu": cpu,
    }


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = []
    parts = {"plain operations": result, "two cores": result["two_cores"], "comments with a text": result["comments"]}
    for name, part in parts.items():
        lines.append(
            f"{name:22s} {part['sync_per_s']:8.0f}/s   raw verification {part['verify_per_s']:8.0f}/s"
            f"   ratio {part['ratio']:.3f}   traffic {part['traffic']:.3f}"
            f"   ({part['operations']} of {part['bytes']:.0f} bytes; CPU seconds: "
            + ", ".join(f"{name} {seconds:.2f}" for name, seconds in part["cpu"].items())
            + ")"
        )
    return "\n".join(lines)
