"""A node in a process of its own, for benchmarks of the network: `python -m bench._peer ROLE HOME ...`.

It prints one line of JSON when it is ready, and one when it is done.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from time import time_ns
from typing import Any

import trio

from bench._village import Village
from node.keystore import NodeKeys
from node.peers import parse_address
from node.service import Arrival
from node.store import Pending
from node.sync import Pace
from node.testing import address, node_at
from protocol.log.operation import decode_envelope

__all__ = ["cpu_seconds", "keys_of", "peer", "tell"]

SELDOM = Pace(every=3600.0)
"""No sync that nothing provokes."""


def keys_of(village: Village, member: int) -> NodeKeys:
    """The keys of a member's node."""
    return NodeKeys(village.node_seed(member), b"t" * 32)


def tell(value: dict[str, Any]) -> None:
    """Say something to the process that waits for it."""
    print(json.dumps(value), flush=True)


def cpu_seconds(process: int) -> float:
    """The CPU time that another process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def peer(*words: str) -> Iterator[Popen[str]]:
    """A running peer; its standard output is for the caller to read, and it ends with the block."""
    with Popen([sys.executable, "-m", "bench._peer", *words], stdout=PIPE, stdin=PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def serve(home: Path, count: int, texts: bool) -> None:
    """Member 0's node, which holds so many operations and gives them to whoever may ask."""
    village = Village()
    async with node_at(home, keys=keys_of(village, 0), pace=SELDOM) as node:
        await node.service.submit(village.founding())
        said = list(village.talk(count, texts=texts))
        await node.service.submit(said)
        size = sum(map(len, said)) + sum(map(len, village.founding()))
        tell({"address": address(node), "operations": len(node.service.councils[village.id]), "bytes": size})
        await trio.sleep_forever()


class _Clock:
    """Notes how old each operation is when it is on disk here (its own time against the clock, ms)."""

    def __init__(self) -> None:
        self.ages: list[float] = []
        self.last = 0

    def saved(self, arrivals: Sequence[Arrival]) -> None:
        """Note them."""
        self.last = time_ns()
        now = self.last / 1_000_000
        self.ages += [now - decode_envelope(arrival.envelope).operation.time for arrival in arrivals]

    def lacking(self, council: bytes, source: bytes | None) -> None:
        """Nothing."""

    def following(self, pending: Pending) -> None:
        """Nothing."""


async def listen(home: Path, member: int, publisher: str, count: int) -> None:
    """A member's node that waits until it has heard so many operations, twice."""
    village = Village()
    async with node_at(home, keys=keys_of(village, member), pace=SELDOM) as node:
        await node.service.submit(village.founding())
        await node.neighbours.add_peer(parse_address(publisher))
        events = node.host.events()
        while parse_address(publisher).peer not in node.host.connected():
            await anext(events)
        for _ in range(2):
            clock = _Clock()
            node.service.observe(clock)
            tell({"ready": member})
            while len(clock.ages) < count:
                await node.service.changed.wait()
            ages = sorted(clock.ages)
            tell({"last": clock.last, "p50": ages[len(ages) // 2], "p95": ages[len(ages) * 95 // 100]})


def main(words: Sequence[str]) -> None:
    """What the process does."""
    logging.disable()
    role, home, *rest = words
    if role == "serve":
        trio.run(serve, Path(home), int(rest[0]), rest[1] == "texts")
    else:
        trio.run(listen, Path(home), int(rest[0]), rest[1], int(rest[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
