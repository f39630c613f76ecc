"""Who connects to whom, and who does not."""

import pytest
import trio

from node.host import (
    Connected,
    Disconnected,
    KeptAway,
    NotConnected,
    ProtocolUnsupported,
    Unreachable,
    WrongPeer,
)
from node.peers import peer_id_text
from protocol.errors import Malformed

from .around import ECHO, INTRUDER, ask, echo, hosts, intruder, pair, raw, say, settings, until

pytestmark = pytest.mark.trio


async def test_a_dialled_peer_is_proved_and_answers() -> None:
    async with pair() as (server, client):
        assert client.connected() == {server.peer}
        assert server.connected() == {client.peer}
        assert await ask(client, server.peer, b"good evening") == b"good evening"


async def test_streams_go_both_ways_over_one_connection() -> None:
    async with pair() as (server, client):
        client.handle(ECHO, echo)
        assert await ask(server, client.peer, b"from the one who was dialled") == b"from the one who was dialled"


async def test_the_key_in_the_address_must_be_the_one_that_answers() -> None:
    async with hosts(settings(1), settings(2)) as (server, client):
        wrong = server.addresses[0].replace(peer_id_text(server.peer), peer_id_text(bytes(range(32))))
        with pytest.raises(WrongPeer, match="the node there is not 12D3Koo"):
            await client.dial(wrong)
        assert client.connected() == set()


async def test_a_peer_that_could_not_be_dialled_can_be_dialled_at_once_again() -> None:
    """The library keeps such a peer undiallable for a minute, and an address that had another key for good."""
    async with hosts(settings(1), settings(2), settings(3)) as (server, client, other):
        gone = server.addresses[0].replace(peer_id_text(server.peer), peer_id_text(other.peer))
        with pytest.raises(WrongPeer):
            await client.dial(gone)
        listener = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nobody = f"/ip4/127.0.0.1/tcp/{listener[0].socket.getsockname()[1]}/p2p/{peer_id_text(other.peer)}"
        await listener[0].aclose()
        with pytest.raises(Unreachable, match="nobody listens there"):
            await client.dial(nobody)
        assert await client.dial(other.addresses[0]) == other.peer


async def test_addresses_that_cannot_be_dialled() -> None:
    async with hosts(settings(1)) as (host,):
        with pytest.raises(Unreachable, match="own address"):
            await host.dial(host.addresses[0])
        with pytest.raises(Unreachable, match="lacks the PeerId"):
            await host.dial("/ip4/127.0.0.1/tcp/1")
        with pytest.raises(Malformed, match="is not a node's address"):
            await host.dial("127.0.0.1:4001")


async def test_a_name_is_as_good_as_a_number() -> None:
    async with hosts(settings(1), settings(2)) as (server, client):
        address = server.addresses[0].replace("/ip4/127.0.0.1/", "/dns4/localhost/")
        assert await client.dial(address) == server.peer


async def test_somebody_who_accepts_and_says_nothing_is_given_up() -> None:
    async with hosts(settings(1)) as (host,):
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        async with listeners[0]:
            port = listeners[0].socket.getsockname()[1]
            with pytest.raises(Unreachable, match="no answer within"):
                await host.dial(f"/ip4/127.0.0.1/tcp/{port}/p2p/{peer_id_text(bytes(32))}", timeout=0.05)


async def test_somebody_who_is_no_node_is_told_apart() -> None:
    async def babble(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with hosts(settings(1)) as (host,), trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, babble, listeners)
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(Unreachable, match="does not answer as a node does"):
            await host.dial(f"/ip4/127.0.0.1/tcp/{port}/p2p/{peer_id_text(bytes(32))}")
        nursery.cancel_scope.cancel()


async def test_dialling_a_connected_peer_changes_nothing() -> None:
    async with pair() as (server, client):
        events = server.events()
        assert isinstance(await anext(events), Connected)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(client.dial, server.addresses[0])
        await client.disconnect(server.peer)
        assert await anext(events) == Disconnected(client.peer)


async def test_many_dials_at_once_make_one_connection() -> None:
    async with hosts(settings(1), settings(2)) as (server, client):
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(client.dial, server.addresses[0])
        assert client.connected() == {server.peer}
        await client.disconnect(server.peer)
        assert client.connected() == set()


async def test_events_tell_of_coming_and_going() -> None:
    async with hosts(settings(1), settings(2)) as (server, client):
        events = server.events()
        await client.dial(server.addresses[0])
        first = await anext(events)
        assert isinstance(first, Connected)
        assert first.peer == client.peer
        assert first.address.startswith("/ip4/127.0.0.1/tcp/")
        assert await anext(server.events()) == first, "who listens later is told who is there"
        await client.disconnect(server.peer)
        assert await anext(events) == Disconnected(client.peer)
        assert server.connected() == set()


async def test_without_a_connection_there_is_no_stream() -> None:
    async with hosts(settings(1), settings(2)) as (server, client):
        with pytest.raises(NotConnected):
            await client.open(server.peer, ECHO)


async def test_a_protocol_that_the_peer_does_not_speak_is_told() -> None:
    async with pair() as (server, client):
        with pytest.raises(ProtocolUnsupported, match="does not speak /test/other/1"):
            await client.open(server.peer, "/test/other/1")
        server.refuse(ECHO)
        with pytest.raises(ProtocolUnsupported):
            await client.open(server.peer, ECHO)


async def test_places_are_limited_and_given_back() -> None:
    """The library never gives a place of an incoming connection back: after 300 it takes no more."""
    async with hosts(settings(1, max_connections=2), *(settings(n) for n in range(2, 6))) as (server, *clients):
        server.handle(ECHO, echo)
        for _ in range(3):
            for client in clients:
                events = server.events()
                assert await client.dial(server.addresses[0]) == server.peer
                await until(events, Connected, client.peer)
                assert await ask(client, server.peer)
                await client.disconnect(server.peer)
                await until(events, Disconnected, client.peer)
        first, second, third, _ = clients
        await first.dial(server.addresses[0])
        await second.dial(server.addresses[0])
        with pytest.raises(Unreachable, match="does not take us"):
            await third.dial(server.addresses[0])
        assert server.connected() == {first.peer, second.peer}


async def test_one_address_gets_only_its_places() -> None:
    async with hosts(settings(1, max_connections_per_address=1), settings(2), settings(3)) as (server, one, two):
        await one.dial(server.addresses[0])
        await until(server.events(), Connected, one.peer)
        with pytest.raises(Unreachable):
            await two.dial(server.addresses[0])
        assert server.connected() == {one.peer}


async def test_one_peer_gets_only_its_places_and_the_newest_stays() -> None:
    async with hosts(settings(1, max_connections_per_peer=1)) as (server,), intruder(server) as old:
        assert await (await say(old, ECHO)).read(100), "the first connection works"
        async with intruder(server) as new:
            await old.event_closed.wait()
            assert await (await say(new, ECHO)).read(100), "the second one stays"
            assert server.connected() == {INTRUDER}


async def test_silent_connections_do_not_keep_an_honest_peer_out() -> None:
    async with hosts(settings(1, max_handshakes=8), settings(2)) as (server, client):
        server.handle(ECHO, echo)
        silent = [await raw(server) for _ in range(50)]
        await client.dial(server.addresses[0])
        assert await ask(client, server.peer)
        for stream in silent[:42]:  # the last eight, and no more, may still be waiting
            while await stream.receive_some():
                pass
        for stream in silent:
            await stream.aclose()


async def test_a_handshake_must_come_to_an_end() -> None:
    async with hosts(settings(1, handshake_timeout=0.05)) as (server,):
        stream = await raw(server)
        async with stream:
            while await stream.receive_some():
                pass  # its half of the negotiation, then the end


async def test_a_banned_peer_is_let_go_and_kept_away() -> None:
    async with pair() as (server, client):
        events = client.events()
        server.ban(client.peer, 3600)
        await until(events, Disconnected, server.peer)
        assert server.banned(client.peer)
        with pytest.raises(KeptAway, match="broke the rules"):
            await server.dial(client.addresses[0])
        with pytest.raises(Unreachable, match="does not take us"):
            await client.dial(server.addresses[0])
        assert server.connected() == set()
        server.ban(client.peer, 0)
        assert await client.dial(server.addresses[0]) == server.peer


async def test_a_banned_peer_reads_why() -> None:
    async with pair() as (server, client):

        async def refuse(stream: object) -> None:
            assert stream
            server.ban(client.peer, 60)
            await stream.send(b"too many frames")  # type: ignore[attr-defined]  # a stream

        server.handle("/test/refuse/1", refuse)
        async with await client.open(server.peer, "/test/refuse/1") as stream:
            assert await stream.receive(100) == b"too many frames"
            await stream.finish()
