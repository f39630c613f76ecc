"""Memory comes back: a node as a process of its own, under everything that peers can throw at it, before and after."""

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import pytest
import trio

from node.frames import All, Hello, News, encode_frame
from node.gossip import PUSH
from node.host import Host, HostError, HostSettings, open_host
from node.invitation import JOIN
from node.peers import parse_address
from node.session import SYNC
from protocol.ids import peer_text
from protocol.log.operation import Draft
from tests.processes import NodeProcess
from tests.worlds import World, seed

from .around import line
from .councils import HALL, everything, keys_of, people

ADA, BEN = people(2)
_ONCE_MORE = 1.10  # of what it was: what an allocator keeps for itself stays below that
_PATIENCE = 120

GARBAGE = random.Random(20261122)


class Siege:
    """The node under siege, and where it is."""

    def __init__(self, node: NodeProcess, world: World, strength: int) -> None:
        self.node = node
        self.world = world
        self.strength = strength
        self.address = node.ask("GET", "/v1/node")["addresses"][0]
        self.peer = HALL.node
        self.number = 0

    async def connect(self, host: Host) -> None:
        await host.dial(f"{self.address}/p2p/{peer_text(self.peer)}")

    async def raw(self) -> trio.SocketStream:
        where = parse_address(self.address)
        return await trio.open_tcp_stream(where.host, where.port, local_address="127.0.0.3")


async def _silence(siege: Siege) -> None:
    streams = [await siege.raw() for _ in range(siege.strength)]
    for stream in streams:
        await stream.aclose()


async def _garbage(siege: Siege) -> None:
    for _ in range(siege.strength):
        async with await siege.raw() as stream:
            with suppress(trio.BrokenResourceError):
                await stream.send_all(line("/multistream/1.0.0") + GARBAGE.randbytes(2000))


async def _waiting(siege: Siege) -> None:
    """Operations of a member whose deps do not exist."""
    async with open_host(HostSettings(BEN.node_seed)) as host:
        await siege.connect(host)
        async with await host.open(siege.peer, PUSH) as stream:
            for _ in range(siege.strength // 10):
                news = []
                for _ in range(50):
                    siege.number += 1
                    dep = seed("nothing", siege.number)
                    body = {"words": "x" * 2000}
                    draft = Draft(siege.world.council.id, BEN.device(), 7, (dep,), 0, "spoken.at-length", body)
                    news.append(draft.signed(BEN.device_seed()).encode())
                await stream.send(encode_frame(News(siege.world.council.id, tuple(news))))


async def _halves(siege: Siege) -> None:
    """Large frames, of which the last byte never comes, on every protocol."""
    for name in range(1 + siege.strength // 30):
        async with open_host(HostSettings(seed("stranger", name))) as host:
            await siege.connect(host)
            with suppress(HostError):
                for number in range(60):
                    stream = await host.open(siege.peer, (SYNC, JOIN, PUSH)[number % 3])
                    await stream._channel.write(b"\0\3\x40\0" + bytes(200_000))


async def _unread(siege: Siege) -> None:
    """Answers that nobody reads, and streams that nobody ends."""
    id = siege.world.council.id
    async with open_host(HostSettings(BEN.node_seed)) as host:
        await siege.connect(host)
        for _ in range(siege.strength // 4):
            with suppress(HostError):
                stream = await host.open(siege.peer, SYNC)
                await stream.send(encode_frame(Hello(id, 0, 0, ())))
                await stream.send(encode_frame(All(0, b"")))
                if siege.number % 2:
                    await stream.reset()
                siege.number += 1


_ATTACKS: list[Callable[[Siege], Awaitable[None]]] = [_silence, _garbage, _waiting, _halves, _unread]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc, which this system lacks")
def test_memory_comes_back_after_every_attack(tmp_path: Path) -> None:
    world = World(founder=ADA)
    world.admit(BEN, ADA)
    for n in range(100):
        world.say(BEN, "comment.write", {"on": world.council.id, "text": 0}, (world.council.id,), texts=(f"{n}" * 200,))
    node = NodeProcess(tmp_path / "hall", keys_of(HALL))
    node.settle("/ip4/127.0.0.1/tcp/0")
    node.hold(everything(world))
    node.begin()
    try:
        node.ready()
        trio.run(_attack, Siege(node, world, 30))  # what is made once for the process
        before = node.memory()
        trio.run(_attack, Siege(node, world, 300))
        trio.run(_until_it_came_back, node, round(before * _ONCE_MORE))
        assert node.ask("GET", "/v1/councils")[0]["operations"] == len(world.said), "it is up, and holds what it held"
    finally:
        node.end(SIGKILL)


async def _attack(siege: Siege) -> None:
    with trio.fail_after(_PATIENCE):
        for attack in _ATTACKS:
            await attack(siege)


async def _until_it_came_back(node: NodeProcess, most: int) -> None:
    """What the last attackers left is let go when their connections are found dead, which takes its time."""
    with trio.move_on_after(_PATIENCE):
        while node.memory() > most:
            node.ask("GET", "/v1/peers")
            await trio.lowlevel.checkpoint()
    assert node.memory() <= most
