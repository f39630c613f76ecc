"""A council on real nodes: who speaks through which, and what all of them must hold in the end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from node.keystore import NodeKeys
from node.outcome import Accepted, Known
from node.peers import parse_address
from node.run import Node
from node.testing import address, node_at, settled
from protocol.council.council import Council
from protocol.log.operation import Content, Draft, Envelope, split_inline
from tests.worlds import Person, Teller, World, attachment, seed

__all__ = ["GUARD", "HALL", "council_at", "everything", "hold_the_same", "home", "meet", "people", "say", "submit"]

GUARD = 60
"""Seconds after which a test is stuck; nothing depends on it otherwise."""

HALL = Teller("hall")


def people(count: int) -> list[Person]:
    return [Person(name) for name in ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn")[:count]]


def keys_of(who: Person | Teller) -> NodeKeys:
    """The keys of somebody's node, as worlds derive them."""
    if isinstance(who, Teller):
        return NodeKeys(seed("node", who.name), who.seed)
    return NodeKeys(who.node_seed, seed("teller", who.name))


@asynccontextmanager
async def home(folder: Path, who: Person | Teller, **more: Any) -> AsyncIterator[Node]:
    """The node of a person or of the hall, in a home that stays."""
    async with node_at(folder / who.name, keys=keys_of(who), **more) as node:
        yield node


def everything(world: World) -> list[bytes]:
    """All that was said in a world, as it travels."""
    return [Envelope(said.operation, split_inline(said.contents)).encode() for said in world.said]


async def submit(node: Node, envelopes: Sequence[bytes]) -> None:
    """Hand operations in at a node; all must be accepted."""
    outcomes = await node.service.submit(envelopes)
    assert all(isinstance(outcome, Accepted | Known) for outcome in outcomes), outcomes


async def meet(*pairs: tuple[Node, Node]) -> None:
    """Tell the first of each pair where the second is, and wait until they are connected."""
    for one, other in pairs:
        await one.neighbours.add_peer(parse_address(address(other)))
    for one, other in pairs:
        events = one.host.events()
        while other.host.peer not in one.host.connected():
            await anext(events)


def council_at(node: Node, council: bytes) -> Council:
    return node.service.council(council)


async def say(
    node: Node,
    who: Person,
    council: bytes,
    kind: str,
    body: dict[str, Any],
    needs: tuple[bytes, ...] = (),
    *,
    texts: tuple[str, ...] = (),
    files: tuple[Content, ...] = (),
) -> bytes:
    """`who` says something through a node, as her own program would: draft, sign, submit. Gives its id."""
    draft = node.service.draft(council, needs)
    contents = (*(attachment(text) for text in texts), *files)
    operation = Draft(council, who.device(), draft.depth, draft.deps, node.service.clock(), kind, body, contents)
    envelope = operation.signed(who.device_seed())
    await submit(node, [Envelope(envelope.operation, split_inline(envelope.contents)).encode()])
    for index, content in enumerate(envelope.contents):
        if split_inline(envelope.contents)[index] is None:
            assert content is not None
            assert await node.service.add_content(council, envelope.operation.id, index, content) is None
    return envelope.operation.id


async def hold_the_same(council: bytes, *nodes: Node, operations: int | None = None) -> None:
    """Wait until all nodes hold the same operations, and that many if a number is given."""

    def same() -> bool:
        here = [node.service.councils.get(council) for node in nodes]
        first = here[0]
        if first is None or (operations is not None and len(first) != operations):
            return False
        kept = [council.items.ids(0, len(council)) for council in here if council is not None]
        return len(kept) == len(nodes) and all(ids == kept[0] for ids in kept)

    async with trio.open_nursery() as nursery:
        done = trio.Event()

        async def watch(node: Node) -> None:
            await settled(node, same)
            done.set()

        for node in nodes:
            nursery.start_soon(watch, node)
        await done.wait()
        nursery.cancel_scope.cancel()
    digests = {council_at(node, council).digest() for node in nodes}
    assert len(digests) == 1
