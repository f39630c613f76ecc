"""News to four connected nodes in four processes: pushed, verified there, and on disk.

First as fast as they can take it, in bursts that wait for nobody: how many a second reach the
slowest. Then at a human pace: how old an operation is when it is on disk at the others. The raw
reference is PyNaCl's verification on one core of the publisher's process in the same run; five
processes share the machine's cores.
"""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from time import time_ns
from typing import Any

import trio

from bench._peer import SELDOM, keys_of, peer
from bench._village import Village, seed, verify_seconds
from node.run import Node, now
from node.testing import address, node_at
from protocol.keys import public_key
from protocol.log.operation import Draft, decode_envelope

__all__ = ["run", "table"]

LISTENERS = 4
PACE = 20  # bursts a second at a human pace


def run(quick: bool) -> dict[str, Any]:
    """`latency` holds the ages in ms at the slowest listener."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        return trio.run(_publish, Path(folder), stack, 500 if quick else 5_000)


async def _publish(folder: Path, stack: ExitStack, count: int) -> dict[str, Any]:
    village = Village()
    async with node_at(folder / "publisher", keys=keys_of(village, 0), pace=SELDOM) as node:
        await node.service.submit(village.founding())
        words = ("listen", str(folder), address(node), str(count))
        listeners = [
            stack.enter_context(peer("listen", f"{folder}/{member}", str(member), words[2], words[3]))
            for member in range(1, LISTENERS + 1)
        ]
        for listener in listeners:
            await _line(listener)
        said = list(village.talk(count))
        sample = [decode_envelope(data) for data in said[:1_000]]
        verifying = verify_seconds(sample)
        begun = time_ns()
        for begin in range(0, count, 500):
            await node.service.submit(said[begin : begin + 500])
        fast = [await _line(listener) for listener in listeners]
        verifying += verify_seconds(sample)
        for listener in listeners:
            await _line(listener)
        await _say_slowly(node, village, count)
        slow = [await _line(listener) for listener in listeners]
    per_s = count / ((max(each["last"] for each in fast) - begun) / 1e9)
    verify_per_s = 2 * len(sample) / verifying
    return {
        "ratio": per_s / verify_per_s,
        "push_per_s": per_s,
        "verify_per_s": verify_per_s,
        "operations": count,
        "listeners": LISTENERS,
        "cores": os.cpu_count(),
        "latency": {"p50_ms": max(each["p50"] for each in slow), "p95_ms": max(each["p95"] for each in slow)},
    }


async def _line(process: "Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    line = await trio.to_thread.run_sync(process.stdout.readline)
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


async def _say_slowly(node: Node, village: Village, count: int) -> None:
    """So many operations, five at a time, signed when they are said."""
    author = seed("device", 0)
    for burst in range(count // 5):
        envelopes = []
        draft = node.service.draft(village.id)
        for number in range(5):
            body = {"answer": seed(burst, number), "value": number}
            operation = Draft(village.id, public_key(author), draft.depth, draft.deps, now(), "poll.answer", body)
            envelopes.append(operation.signed(author).encode())
        await node.service.submit(envelopes)
        await trio.sleep(1 / PACE)


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    latency = result["latency"]
    return (
        f"as fast as possible  {result['push_per_s']:8.0f}/s at the slowest of {result['listeners']}"
        f"   raw verification {result['verify_per_s']:8.0f}/s   ratio {result['ratio']:.3f}"
        f"   ({result['cores']} cores for {result['listeners'] + 1} processes)\n"
        f"at a human pace      on disk elsewhere after {latency['p50_ms']:.0f} ms (p50), {latency['p95_ms']:.0f} ms (p95)"
    )
