"""What strangers and peers can send, and what they cannot do with it."""

import logging
import random
import struct
from contextlib import suppress

import pytest
import trio
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.network.connection.exceptions import RawConnError
from libp2p.stream_muxer.exceptions import MuxedStreamError
from libp2p.stream_muxer.yamux.yamux import (
    FLAG_ACK,
    FLAG_FIN,
    FLAG_RST,
    FLAG_SYN,
    TYPE_DATA,
    TYPE_GO_AWAY,
    TYPE_PING,
    TYPE_WINDOW_UPDATE,
    YAMUX_HEADER_FORMAT,
)

from node.host import Connected, Disconnected, Host, Stream
from node.host.muxer import Pace
from node.host.swarm import Network
from node.host.taming import MAX_WINDOW

from .around import ECHO, INTRUDER, ask, hosts, intruder, line, pair, raw, say, settings, until

pytestmark = pytest.mark.trio

GARBAGE = random.Random(20250101)


def header(kind: int, flags: int, stream: int, length: int) -> bytes:
    return struct.pack(YAMUX_HEADER_FORMAT, 0, kind, flags, stream, length)


async def test_three_hundred_garbage_connections() -> None:
    beginnings = [
        b"",
        line("/multistream/1.0.0"),
        line("/multistream/1.0.0") + line("/noise"),
        b"GET / HTTP/1.1\r\n\r\n",
    ]
    async with pair() as (server, client):
        kept = []
        for number in range(300):
            stream = await raw(server)
            with suppress(trio.BrokenResourceError):  # already shown the door
                await stream.send_all(beginnings[number % 4] + GARBAGE.randbytes(GARBAGE.randrange(2000)))
            if number % 2:
                await stream.aclose()
            else:
                kept.append(stream)
        assert await ask(client, server.peer) == b"are you there?"
        assert server.connected() == {client.peer}
        for stream in kept:
            await stream.aclose()


async def test_a_giant_line_before_the_handshake_is_not_read() -> None:
    """As shipped, whatever length a stranger announces is read into memory."""
    async with hosts(settings(1)) as (server,), await raw(server) as stream:
        await stream.send_all(line("/multistream/1.0.0") + b"\xff\xff\xff\xff\x07")
        while await stream.receive_some():
            pass  # the end comes at once, long before the limit of the handshake


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\xff" * 11,
        b"\xff\xff\xff\xff\x0f" + b"a" * 100,
        b"\x20" + b"\xff" * 32,
        b"\x05\xc3\x28\xff\xfe\n",
        GARBAGE.randbytes(300),
    ],
)
async def test_malformed_data_on_every_protocol(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """As shipped, some of these end the host."""
    async with pair(gossip=True) as (server, client):
        protocols = [name for name in server._network.host.multiselect.handlers if name is not None]
        assert "/meshsub/1.1.0" in protocols
        async with intruder(server) as muxer:
            for protocol in protocols:
                stream = await say(muxer, protocol, data)
                await stream.close()
            bare = await muxer.open_stream()
            await bare.write(data or b"\n")
            await bare.close()
            (link,) = server._connections._links[INTRUDER]
            await link.idle()
        assert await ask(client, server.peer) == b"are you there?"
    assert not [
        record for record in caplog.records if record.name == "folkmoot.host" and record.levelno >= logging.ERROR
    ]


async def frames_then_alive(server: Host, client: Host, *frames: bytes) -> None:
    async with intruder(server) as muxer:
        for frame in frames:
            await muxer.secured_conn.write(frame)
        assert await ask(client, server.peer) == b"are you there?"


@pytest.mark.parametrize(
    "frames",
    [
        [header(7, 0xFFFF, 1, 5)],
        [header(TYPE_GO_AWAY, 0, 0, 77)],
        [header(TYPE_PING, FLAG_ACK, 0, 12)] * 50,
        [header(TYPE_PING, FLAG_SYN, 0, 12)] * 500,
        [header(TYPE_DATA, 0, 999, 4) + b"oops"],
        [header(TYPE_WINDOW_UPDATE, FLAG_SYN, 2, 0)] * 3,
        [header(TYPE_WINDOW_UPDATE, FLAG_SYN | FLAG_RST, 1, 0)],
        [header(TYPE_WINDOW_UPDATE, FLAG_SYN | FLAG_FIN, 1, 0)],
        [header(TYPE_WINDOW_UPDATE, FLAG_SYN, 1, 0xFFFFFFFF), header(TYPE_WINDOW_UPDATE, 0, 1, 0xFFFFFFFF)],
        [header(TYPE_DATA, FLAG_SYN, 1, 0xFFFFFFFF)],
        [header(TYPE_WINDOW_UPDATE, FLAG_SYN, 2 * number + 1, 0) for number in range(1000)],
        [b"\x00"],
    ],
)
async def test_malformed_frames_below_the_streams(frames: list[bytes]) -> None:
    async with pair() as (server, client):
        await frames_then_alive(server, client, *frames)


async def test_who_overruns_the_window_is_dropped() -> None:
    """As shipped, the window is advice, and one peer can fill the memory."""

    async def unread(stream: Stream) -> None:
        await trio.sleep_forever()

    async with hosts(settings(1)) as (server,):
        server.handle("/test/unread/1", unread)
        events = server.events()
        async with intruder(server) as muxer:
            await until(events, Connected, INTRUDER)
            stream = await say(muxer, "/test/unread/1")
            piece = header(TYPE_DATA, 0, stream.stream_id, 60_000) + bytes(60_000)
            for _ in range(4):
                await muxer._write_frame(piece)
            assert server.connected() == {INTRUDER}, "within the window all is well"
            with suppress(RawConnError, ConnectionClosedError):
                for _ in range(MAX_WINDOW // 60_000):
                    await muxer._write_frame(piece)
            await until(events, Disconnected, INTRUDER)


async def test_who_fills_many_streams_is_dropped() -> None:
    """As shipped, each of any number of streams may wait with its window full."""

    async def unread(stream: Stream) -> None:
        await trio.sleep_forever()

    async with hosts(settings(1)) as (server,):
        server.handle("/test/unread/1", unread)
        events = server.events()
        async with intruder(server) as muxer:
            await until(events, Connected, INTRUDER)
            with suppress(RawConnError, ConnectionClosedError, MuxedStreamError):
                for _ in range(60):
                    await say(muxer, "/test/unread/1", bytes(200_000))
            await until(events, Disconnected, INTRUDER)


async def test_a_line_that_takes_nothing_is_given_up() -> None:
    """A peer that freezes with full buffers would block whoever writes to it, for ever."""
    async with hosts(settings(1, write_timeout=0.1)) as (server,):
        events = server.events()
        socket = await raw(server)
        async with socket:
            muxer = await Network(bytes([99]) * 32, Pace(3600, 3600, 3600), list).handshake(
                socket, server.peer, lambda _: None
            )
            await until(events, Connected, INTRUDER)
            ping = header(TYPE_PING, FLAG_SYN, 0, 1) * 5000
            with suppress(RawConnError, ConnectionClosedError):
                while True:  # it answers every ping, and nobody reads the answers
                    await muxer.secured_conn.write(ping)
        await until(events, Disconnected, INTRUDER)


async def test_a_peer_that_lost_its_power_is_noticed() -> None:
    """As shipped, a dead peer stays connected for as long as TCP believes in it."""
    async with hosts(settings(1, ping_interval=0.02, ping_timeout=0.1)) as (server,):
        events = server.events()
        socket = await raw(server)
        async with socket:
            await Network(bytes([99]) * 32, Pace(3600, 3600, 3600), list).handshake(
                socket, server.peer, lambda _: None
            )  # and from now on it does nothing
            await until(events, Connected, INTRUDER)
            await until(events, Disconnected, INTRUDER)


async def test_a_peer_that_answers_pings_stays() -> None:
    async with hosts(settings(1, ping_interval=0.005, ping_timeout=5)) as (server,), intruder(server) as muxer:
        answers, enough = 0, trio.Event()
        write = muxer.secured_conn.write

        async def count(data: bytes) -> None:
            nonlocal answers
            await write(data)
            answers += 1
            if answers > 20:
                enough.set()

        muxer.secured_conn.write = count  # type: ignore[method-assign]  # to see what is written
        await enough.wait()
        assert server.connected() == {INTRUDER}
        assert not muxer.is_closed


async def test_a_cancelled_write_does_not_spoil_the_connection() -> None:
    """Noise counts messages: as shipped, a write cancelled at the wrong moment loses every stream."""
    async with pair() as (server, client), await client.open(server.peer, ECHO) as bystander:
        for number in range(50):
            stream = await client.open(server.peer, ECHO)
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(stream.send, bytes(200_000))
                    for _ in range(number):
                        await trio.lowlevel.checkpoint()
                    scope.cancel()
            await stream.reset()
        await bystander.send(b"still here")
        assert await bystander.receive(100) == b"still here"


async def test_small_packets_do_not_end_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """As shipped, a message in more than 101 pieces ends it; 64 KiB over a line with small packets has more."""
    receive = trio.SocketStream.receive_some

    async def drop_by_drop(self: trio.SocketStream, most: int | None = None) -> bytes | bytearray:
        return await receive(self, min(most or 256, 256))

    async with pair() as (server, client):
        monkeypatch.setattr(trio.SocketStream, "receive_some", drop_by_drop)
        assert await ask(client, server.peer, bytes(100_000)) == bytes(100_000)
