"""Streams of frames: what arrives is whole, what ends is told apart, nothing waits for ever."""

import logging
import math

import pytest
import trio
from libp2p.stream_muxer.yamux.yamux import YamuxStream

from node.host import (
    MAX_FRAME,
    Connected,
    FrameRejected,
    MessageTooLarge,
    Stream,
    StreamReset,
    StreamStalled,
)
from node.host.link import StreamChannel

from .around import ECHO, INTRUDER, ask, echo, hosts, intruder, pair, say, settings, until

pytestmark = pytest.mark.trio


async def test_frames_come_back_whole_whatever_their_size() -> None:
    async with pair() as (server, client), await client.open(server.peer, ECHO) as stream:
        for size in (0, 1, 3, 4, 65_523, 65_524, 65_525, 262_144, 1 << 20):
            frame = bytes([size % 251]) * size
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stream.send, frame)
                assert await stream.receive(1 << 20) == frame


async def test_who_has_finished_can_still_read() -> None:
    async def late(stream: Stream) -> None:
        assert await stream.receive(100) == b"question"
        assert await stream.receive(100) is None
        await stream.send(b"answer after the end of the question")

    async with pair() as (server, client):
        server.handle("/test/late/1", late)
        async with await client.open(server.peer, "/test/late/1") as stream:
            await stream.send(b"question")
            await stream.finish()
            assert await stream.receive(100) == b"answer after the end of the question"
            assert await stream.receive(100) is None
            assert stream.over
            with pytest.raises(StreamReset):
                await stream.send(b"more")


async def test_a_reset_is_no_end() -> None:
    """In the library the reader of a stream that was reset sees its clean end."""

    async def break_off(stream: Stream) -> None:
        await stream.send(b"first")
        assert await stream.receive(100) == b"go on"
        await stream.reset()

    async with pair() as (server, client):
        server.handle("/test/break/1", break_off)
        async with await client.open(server.peer, "/test/break/1") as stream:
            assert await stream.receive(100) == b"first"
            await stream.send(b"go on")
            with pytest.raises(StreamReset):
                await stream.receive(100)


async def test_the_end_of_the_connection_is_no_end_of_the_stream() -> None:
    async with pair() as (server, client), await client.open(server.peer, ECHO) as stream:
        await stream.send(b"x")
        assert await stream.receive(100) == b"x"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.disconnect, client.peer)
            with pytest.raises(StreamReset):
                await stream.receive(100)


async def test_an_end_within_a_frame_is_an_error() -> None:
    met: list[BaseException] = []
    done = trio.Event()

    async def read(stream: Stream) -> None:
        try:
            await stream.receive(100)
        except FrameRejected as error:
            met.append(error)
        done.set()

    async with hosts(settings(1)) as (server,):
        server.handle("/test/read/1", read)
        for part in (b"\0", b"\0\0\0\x05", b"\0\0\0\x05four"):
            async with intruder(server) as muxer:
                stream = await say(muxer, "/test/read/1", part)
                await stream.close()
                await done.wait()
            done = trio.Event()
    assert [str(error) for error in met] == ["The stream ended within a frame."] * 3


async def test_a_frame_over_the_limit_is_refused_before_it_is_read() -> None:
    met = trio.Event()

    async def read(stream: Stream) -> None:
        with pytest.raises(FrameRejected, match="over the limit of 100 bytes"):
            await stream.receive(100)
        met.set()

    async with hosts(settings(1)) as (server,):
        server.handle("/test/read/1", read)
        async with intruder(server) as muxer:
            await say(muxer, "/test/read/1", b"\xff\xff\xff\xff")
            await met.wait()


async def test_our_own_frame_over_the_limit_is_our_fault() -> None:
    async with pair() as (server, client), await client.open(server.peer, ECHO) as stream:
        with pytest.raises(MessageTooLarge):
            await stream.send(bytes(MAX_FRAME + 1))
        await stream.send(b"the stream goes on")
        assert await stream.receive(100) == b"the stream goes on"


async def test_waiting_has_a_limit() -> None:
    async def silent(stream: Stream) -> None:
        await stream.receive(1, timeout=math.inf)

    async with pair() as (server, client):
        server.handle("/test/silent/1", silent)
        async with await client.open(server.peer, "/test/silent/1") as stream:
            with pytest.raises(StreamStalled, match="did not send in time"):
                await stream.receive(100, timeout=0.01)


async def test_a_peer_that_does_not_read_is_given_up_and_others_are_served() -> None:
    async def unread(stream: Stream) -> None:
        await trio.sleep_forever()

    async with pair() as (server, client):
        server.handle("/test/unread/1", unread)
        async with await client.open(server.peer, "/test/unread/1") as stream:
            with pytest.raises(StreamStalled, match="does not take"):
                await stream.send(bytes(4 << 20), timeout=0.1)
        assert await ask(client, server.peer) == b"are you there?"


async def test_a_reader_may_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library gives a writer up after 5 s without window; so it must never come to wait there."""
    waited = []
    write = YamuxStream.write

    async def watched(self: YamuxStream, data: bytes) -> None:
        waited.append(len(data) > self.send_window)
        await write(self, data)

    monkeypatch.setattr(YamuxStream, "write", watched)
    frames = 8
    go_on = trio.Event()

    async def slow(stream: Stream) -> None:
        await go_on.wait()
        for _ in range(frames):
            assert await stream.receive(1 << 20) == bytes(1 << 18)
        await stream.send(b"all")

    async with pair() as (server, client):
        server.handle("/test/slow/1", slow)
        async with await client.open(server.peer, "/test/slow/1") as stream, trio.open_nursery() as nursery:

            async def send() -> None:
                for _ in range(frames):
                    await stream.send(bytes(1 << 18))

            nursery.start_soon(send)
            channel = stream._channel
            assert isinstance(channel, StreamChannel)
            while channel._muxed.send_window:
                await trio.lowlevel.checkpoint()
            go_on.set()
            assert await stream.receive(100) == b"all"
    assert waited
    assert not any(waited)


async def test_a_handler_that_raises_ends_its_stream_only(caplog: pytest.LogCaptureFixture) -> None:
    """In the library it ends the host, TooSlowError included."""

    async def broken(stream: Stream) -> None:
        raise RuntimeError("a mistake of ours")

    async def slow(stream: Stream) -> None:
        with trio.fail_after(0):
            await trio.sleep_forever()

    async def several(stream: Stream) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(broken, stream)
            nursery.start_soon(slow, stream)

    async with pair() as (server, client):
        for number, handler in enumerate((broken, slow, several)):
            server.handle(f"/test/{number}/1", handler)
            with pytest.raises(StreamReset):
                async with await client.open(server.peer, f"/test/{number}/1") as stream:
                    await stream.receive(100)
        assert await ask(client, server.peer) == b"are you there?"
    faults = [record for record in caplog.records if record.name == "folkmoot.host" and record.levelno == logging.ERROR]
    assert len(faults) == 3


async def test_a_handler_has_its_time() -> None:
    async def for_ever(stream: Stream) -> None:
        await trio.sleep_forever()

    async with pair() as (server, client):
        server.handle("/test/ever/1", for_ever, timeout=0.01)
        async with await client.open(server.peer, "/test/ever/1") as stream:
            with pytest.raises(StreamReset):
                await stream.receive(100)


async def test_a_handler_ends_when_its_peer_goes() -> None:
    """In the library it stays for as long as the host runs."""
    begun, ended = trio.Event(), trio.Event()

    async def for_ever(stream: Stream) -> None:
        begun.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    async with pair() as (server, client):
        server.handle("/test/ever/1", for_ever)
        async with await client.open(server.peer, "/test/ever/1"):
            await begun.wait()
            await client.disconnect(server.peer)
            await ended.wait()


async def test_a_handler_that_returns_leaves_no_stream_behind() -> None:
    async def brief(stream: Stream) -> None:
        await stream.send(b"that is all")

    async with hosts(settings(1, linger_timeout=0.01)) as (server,):
        server.handle("/test/brief/1", brief)
        async with intruder(server) as muxer:
            stream = await say(muxer, "/test/brief/1")
            while b"that is all" not in await stream.read(1000):
                pass  # the negotiation
            (link,) = server._connections._links[INTRUDER]
            await link.idle()  # though the intruder never finishes its side
            assert not link.muxer.streams


async def test_what_a_handler_says_last_arrives_with_a_clean_end() -> None:
    async def brief(stream: Stream) -> None:
        await stream.send(bytes(200_000))

    async with pair() as (server, client):
        server.handle("/test/brief/1", brief)
        async with await client.open(server.peer, "/test/brief/1") as stream:
            for _ in range(5):  # what is sent on the connection comes in order: by now all of it is here
                assert await ask(client, server.peer)
            assert await stream.receive(1 << 20) == bytes(200_000)
            assert await stream.receive(1 << 20) is None
            await stream.finish()


async def test_one_peer_has_only_so_many_streams() -> None:
    async with pair(max_streams_per_peer=3) as (server, client):
        streams = [await client.open(server.peer, ECHO) for _ in range(3)]
        with pytest.raises(StreamReset):
            await client.open(server.peer, ECHO)
        for stream in streams:
            await stream.finish()
            assert await stream.receive(1) is None
        server.handle("/test/after/1", echo)
        for _ in range(10):  # places are given back
            assert await ask(client, server.peer)


async def test_a_frozen_peer_does_not_hold_us_up() -> None:
    """In the library opening a stream to it takes for ever."""
    async with hosts(settings(1)) as (server,), intruder(server):
        await until(server.events(), Connected, INTRUDER)
        with pytest.raises(StreamStalled, match="did not open"):
            await server.open(INTRUDER, ECHO, timeout=0.05)
