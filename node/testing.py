"""Whole nodes in one process, over real libp2p on loopback: for tests, and for trying things out.

Everything is real but the distance: keys, store, Noise, sync, push. Ports are any that are free,
the local network is not searched, and what waits in a real node waits less.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final

from node.config import Config, Settings
from node.keystore import NodeKeys
from node.run import Node, now, open_node
from node.sync import Pace
from protocol.ids import peer_text

__all__ = ["LOOPBACK", "QUICK", "address", "connected", "node_at", "nodes_in", "settled"]

LOOPBACK: Final = Settings(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False, api_port=0)
QUICK: Final = Pace(every=2.0, courtesy=0.2, again=0.2, ask=0.1, ask_most=0.5)
"""The same behaviour as in a real node, sooner."""


@asynccontextmanager
async def node_at(
    home: Path,
    *,
    keys: NodeKeys | None = None,
    settings: Settings = LOOPBACK,
    pace: Pace = QUICK,
    clock: Callable[[], int] = now,
    chance: int = 0,
) -> AsyncIterator[Node]:
    """A running node, without an API. `keys` become the home's, if it has none."""
    config = Config(home, settings)
    if keys is not None:
        seeds = iter((keys.host_seed, keys.teller_seed))
        NodeKeys.load_or_create(config.node_key_path, entropy=lambda _: next(seeds))
    async with open_node(config, clock=clock, chance=Random(chance), pace=pace) as node:
        yield node


@asynccontextmanager
async def nodes_in(folder: Path, *keys: NodeKeys | None, pace: Pace = QUICK) -> AsyncIterator[list[Node]]:
    """Several nodes, each in a home of its own; none knows of another yet."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(node_at(folder / f"node-{n}", keys=each, pace=pace, chance=n))
            for n, each in enumerate(keys)
        ]


def address(node: Node) -> str:
    """Where a node is reached: a multiaddr with its PeerId."""
    return f"{node.neighbours.addresses()[0]}/p2p/{peer_text(node.host.peer)}"


async def settled(node: Node, look: Callable[[], bool]) -> None:
    """Wait until `look` says yes; it is asked again after every change of the node's service."""
    while True:
        changed = node.service.changed
        if look():
            return
        await changed.wait()


async def connected(node: Node, *peers: bytes) -> None:
    """Wait until a node is connected to these peers and to nobody else."""
    while True:
        changed = node.host.changed
        if node.host.connected() == set(peers):
            return
        await changed.wait()
