"""A host comes up, says where it is, and leaves nothing behind."""

import gc
import logging
import struct
import threading
from contextlib import suppress

import pytest
import trio
import trio.testing
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.stream_muxer.yamux.yamux import FLAG_SYN, TYPE_PING, YAMUX_HEADER_FORMAT

from node.host import Connected, ListenFailed, Stream, open_host
from node.host.muxer import Muxer, Pace
from node.host.swarm import Network
from node.peers import parse_address
from protocol.errors import Malformed

from .around import ECHO, LIMIT, ask, echo, hosts, open_files, pair, raw, settings, until

pytestmark = pytest.mark.trio


async def test_nothing_is_left_behind() -> None:
    async with pair(gossip=True):
        pass  # what is made once for the process
    gc.collect()
    files, tasks = open_files(), trio.lowlevel.current_statistics().tasks_living
    threads = set(threading.enumerate())
    async with pair(gossip=True) as (server, client):
        assert await ask(client, server.peer)
        stream = await client.open(server.peer, ECHO)  # and never finished
        await stream.send(b"x")
        await client.subscribe("topic", _anything)
        half_open = await raw(server)
        assert open_files() > files
    await half_open.aclose()
    gc.collect()
    assert open_files() == files
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert set(threading.enumerate()) == threads


async def test_an_end_under_load_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """As shipped it ends with "Nursery is closed to new arrivals", out of whatever was going on."""
    busy = trio.Event()

    async def flood(stream: Stream) -> None:
        busy.set()
        while True:
            await stream.send(bytes(10_000))

    for _ in range(3):
        async with pair(gossip=True) as (server, client), trio.open_nursery() as nursery:
            server.handle("/test/flood/1", flood)

            async def read() -> None:
                async with await client.open(server.peer, "/test/flood/1") as stream:
                    while await stream.receive(1 << 20):
                        await client.publish("topic", b"x")

            async def knock() -> None:
                while True:
                    await (await raw(server)).aclose()

            await client.subscribe("topic", _anything)
            await server.subscribe("topic", _anything)
            for _ in range(5):
                nursery.start_soon(read)
            nursery.start_soon(knock)
            await busy.wait()
            nursery.cancel_scope.cancel()
    ours = [record for record in caplog.records if record.name == "folkmoot.host"]
    assert not [record for record in ours if record.levelno >= logging.ERROR]


async def test_a_fault_within_the_library_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """As shipped, one exception in any task of it ends all of it."""
    begun: list[int] = []
    again = trio.Event()

    async def broken() -> None:
        begun.append(len(begun))
        if len(begun) > 2:
            again.set()
        raise KeyError("somewhere within")

    async with pair() as (server, client):
        manager = server._network.swarm.manager
        manager.run_task(broken)
        manager.run_daemon_task(broken)
        await again.wait()  # what has to run always is started again
        assert await ask(client, server.peer)
    assert "A fault in libp2p" in caplog.text


async def test_a_peer_that_takes_nothing_does_not_delay_the_end() -> None:
    ping = struct.pack(YAMUX_HEADER_FORMAT, 0, TYPE_PING, FLAG_SYN, 0, 1) * 5000

    async def flood(muxer: Muxer) -> None:
        with suppress(ConnectionClosedError):
            while True:  # it answers every ping, and nobody reads the answers
                await muxer.secured_conn.write(ping)

    async with trio.open_nursery() as nursery:
        async with hosts(settings(1, write_timeout=3600)) as (server,):
            network = Network(bytes([99]) * 32, Pace(3600, 3600, 3600), list)
            muxer = await network.handshake(await raw(server), server.peer, lambda _: None)
            nursery.start_soon(flood, muxer)
            await trio.testing.wait_all_tasks_blocked(0.2)
        muxer.abandon()


async def test_the_end_of_one_host_is_noticed_by_the_other() -> None:
    async with hosts(settings(1)) as (server,):
        for _ in range(3):
            async with open_host(settings(2)) as client:
                events = server.events()
                await client.dial(server.addresses[0])
                await until(events, Connected, client.peer)
            assert (await anext(events)).peer == client.peer
            assert server.connected() == set()


async def test_events_end_with_the_host() -> None:
    async with hosts(settings(1)) as (server,):
        events = server.events()
    assert [event async for event in events] == []
    assert [event async for event in server.events()] == []


async def test_an_error_inside_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_host(settings(1)):
            raise ZeroDivisionError


async def test_a_cancelled_host_ends() -> None:
    files = open_files()
    with trio.fail_after(LIMIT), trio.CancelScope() as scope:
        async with open_host(settings(1, gossip=True)) as server:
            server.handle(ECHO, echo)
            scope.cancel()
            await trio.Event().wait()
    assert scope.cancelled_caught
    gc.collect()
    assert open_files() <= files


async def test_a_port_in_use_is_told_and_nothing_stays_open() -> None:
    """With SO_REUSEPORT, which the library sets, a second node would take half the connections unnoticed."""
    async with hosts(settings(1)) as (server,):
        taken = server.addresses[0].split("/p2p/")[0]
        files = open_files()
        with pytest.raises(ListenFailed, match="another program uses that port, perhaps a second node"):
            async with open_host(settings(2, listen=("/ip4/127.0.0.1/tcp/0", taken))):
                pytest.fail("two hosts on one port")
        gc.collect()
        assert open_files() == files


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("/ip4/192.0.2.1/tcp/0", "does not have that address"),
        ("/dns/localhost/tcp/0", "only an IP address can be listened on"),
    ],
)
async def test_addresses_that_cannot_be_listened_on(address: str, problem: str) -> None:
    with pytest.raises(ListenFailed, match=problem):
        async with open_host(settings(1, listen=(address,))):
            pytest.fail("listening there")


async def test_what_is_no_address_is_told() -> None:
    with pytest.raises(Malformed, match="a port is a number"):
        async with open_host(settings(1, listen=("/ip4/127.0.0.1/tcp/http",))):
            pytest.fail("listening there")


async def test_addresses_for_others_come_in_a_useful_order() -> None:
    public = "/dns4/hall.example.org/tcp/4001"
    async with open_host(settings(1, announce=(public,))) as server:
        first, *rest = server.addresses
        assert first.startswith(public + "/p2p/12D3Koo")
        assert [parse_address(address).host for address in rest] == ["127.0.0.1"]
        assert {parse_address(address).peer for address in server.addresses} == {server.peer}


async def test_a_host_need_not_listen() -> None:
    async with hosts(settings(1), settings(2, listen=())) as (server, client):
        server.handle(ECHO, echo)
        assert client.addresses == []
        await client.dial(server.addresses[0])
        assert await ask(client, server.peer)


async def test_ipv6_works_the_same() -> None:
    try:
        async with hosts(settings(1, listen=("/ip6/::1/tcp/0",)), settings(2)) as (server, client):
            server.handle(ECHO, echo)
            await client.dial(server.addresses[0])
            assert await ask(client, server.peer)
            (event,) = [await anext(server.events())]
            assert isinstance(event, Connected)
            assert event.address.startswith("/ip6/::1/tcp/")
    except ListenFailed as error:
        pytest.skip(f"no IPv6 on this machine: {error}")


async def _anything(publisher: bytes, data: bytes) -> bool:
    return True
