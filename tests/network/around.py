"""Hosts, and hostile peers, for the tests of the network."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import trio
from libp2p.stream_muxer.yamux.yamux import YamuxStream
from nacl.signing import SigningKey

from node.host import Connected, Disconnected, Events, Host, HostSettings, Stream, open_host
from node.host.muxer import Muxer, Pace
from node.host.swarm import Network
from node.peers import PeerKey, parse_address

LIMIT = 30.0
"""Seconds after which a test is stuck; nothing depends on it otherwise."""

INTRUDER = bytes(SigningKey(bytes([99]) * 32).verify_key)
"""The key of `intruder`."""

ECHO = "/test/echo/1"
LOOPBACK = ("/ip4/127.0.0.1/tcp/0",)


def settings(name: int, **changes: Any) -> HostSettings:
    """Settings of a host on loopback; the same `name` gives the same key."""
    return HostSettings(bytes([name]) * 32, **{"listen": LOOPBACK, **changes})


@asynccontextmanager
async def hosts(*wanted: HostSettings, limit: float = LIMIT) -> AsyncIterator[list[Host]]:
    """The wanted hosts, running, with a limit on the whole test."""
    with trio.fail_after(limit):
        async with AsyncExitStack() as stack:
            yield [await stack.enter_async_context(open_host(each)) for each in wanted]


@asynccontextmanager
async def pair(**changes: Any) -> AsyncIterator[tuple[Host, Host]]:
    """Two hosts; the first serves `ECHO`, the second has dialled it. `changes` go to the first."""
    async with hosts(settings(1, **changes), settings(2)) as (server, client):
        server.handle(ECHO, echo)
        await client.dial(server.addresses[0])
        await until(server.events(), Connected, client.peer)
        yield server, client


async def echo(stream: Stream) -> None:
    """Send back every frame."""
    while (frame := await stream.receive(1 << 20)) is not None:
        await stream.send(frame)


async def ask(host: Host, peer: PeerKey, frame: bytes = b"are you there?") -> bytes | None:
    """One frame to the echo of a peer and back."""
    async with await host.open(peer, ECHO) as stream:
        await stream.send(frame)
        answer = await stream.receive(1 << 20)
        await stream.finish()
        assert await stream.receive(1) is None
        return answer


async def until(events: Events, kind: type[Connected] | type[Disconnected], peer: PeerKey) -> None:
    """Wait for that event; fail if the host ends first."""
    async for event in events:
        if isinstance(event, kind) and event.peer == peer:
            return
    raise AssertionError(f"no {kind.__name__} before the end")


async def raw(host: Host) -> trio.SocketStream:
    """A plain TCP connection to a host."""
    where = parse_address(host.addresses[0])
    return await trio.open_tcp_stream(where.host, where.port)


@asynccontextmanager
async def intruder(host: Host, name: int = 99) -> AsyncIterator[Muxer]:
    """A peer that made the handshake with `host` and then does what it likes, below all our limits."""
    socket = await raw(host)
    network = Network(bytes([name]) * 32, Pace(3600, 3600, 3600), list)
    muxer = await network.handshake(socket, host.peer, lambda _: None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(muxer.start)
        await muxer.event_started.wait()
        try:
            yield muxer
        finally:
            muxer.abandon()
            nursery.cancel_scope.cancel()


async def say(muxer: Muxer, protocol: str, data: bytes = b"") -> YamuxStream:
    """Open a stream as an intruder, take the negotiation for done, and send bytes on it."""
    stream = await muxer.open_stream()
    await stream.write(line("/multistream/1.0.0") + line(protocol) + data)
    return stream


def line(text: str) -> bytes:
    """A line of the negotiation."""
    return bytes([len(text) + 1]) + text.encode() + b"\n"


def open_files() -> set[str]:
    """The sockets and files that this process has open, by what they point to."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            continue  # the listing itself
    return found
