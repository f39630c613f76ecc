"""Gossip for public councils: best effort, and strangers cannot break it."""

import time
from typing import Any

import pytest
import trio
from libp2p.peer.peerstore import env_to_send_in_RPC
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils.varint import encode_varint_prefixed

from node.host import Connected, Host, MessageTooLarge, open_host
from node.host.gossip import MAX_MESSAGE, Gossip, Subscription
from node.host.muxer import Muxer
from node.host.swarm import peer_of
from node.peers import PeerKey

from .around import ECHO, INTRUDER, ask, echo, hosts, intruder, pair, say, settings, until

pytestmark = pytest.mark.trio

TOPIC = "/folkmoot/council/1"
MESHSUB = "/meshsub/1.1.0"


async def anything(publisher: PeerKey, data: bytes) -> bool:
    return True


async def subscribed(*nodes: Host) -> list[Subscription]:
    """Subscribe them all, and wait until each reaches each that it is connected to."""
    subscriptions = [await node.subscribe(TOPIC, anything) for node in nodes]
    for node in nodes:
        for other in nodes:
            if other.peer in node.connected():
                await node.wait_for_subscriber(TOPIC, other.peer)
    return subscriptions


async def test_a_message_reaches_who_is_subscribed_and_not_who_sent_it() -> None:
    async with pair(gossip=True) as (server, client):
        ours, theirs = await subscribed(server, client)
        assert server.peers_of(TOPIC) == {client.peer}
        await server.publish(TOPIC, b"the meeting begins")
        assert await anext(theirs) == (server.peer, b"the meeting begins")
        await client.publish(TOPIC, b"I am there")
        assert await anext(ours) == (client.peer, b"I am there"), "not one's own message, which came first"


async def test_a_message_that_comes_from_three_sides_is_delivered_once() -> None:
    """As shipped it is delivered again when a copy comes while it is being checked."""
    go_on = trio.Event()

    async def slow(publisher: PeerKey, data: bytes) -> bool:
        await go_on.wait()
        return True

    async with hosts(*(settings(n, gossip=True) for n in (1, 2, 3, 4))) as nodes:
        for node in nodes:
            node.handle(ECHO, echo)
            for other in nodes:
                if node is not other:
                    await node.dial(other.addresses[0])
        *subscriptions, last = await subscribed(*nodes)
        await nodes[3].subscribe(TOPIC, slow)
        await nodes[0].publish(TOPIC, b"first")
        for node, subscription in zip(nodes[1:3], subscriptions[1:], strict=True):
            assert (await anext(subscription))[1] == b"first"
            for _ in range(5):  # what is sent on a connection comes in order: by now the copies are there
                assert await ask(node, nodes[3].peer)
        go_on.set()
        assert (await anext(last))[1] == b"first"
        await nodes[0].publish(TOPIC, b"second")
        assert (await anext(last))[1] == b"second"


async def test_nodes_that_are_not_connected_hear_of_it_through_others() -> None:
    async with hosts(*(settings(n, gossip=True) for n in (1, 2, 3))) as (one, two, three):
        await one.dial(two.addresses[0])
        await three.dial(two.addresses[0])
        await until(two.events(), Connected, one.peer)
        await until(two.events(), Connected, three.peer)
        *_, theirs = await subscribed(one, two, three)
        await one.publish(TOPIC, b"by way of the middle")
        assert await anext(theirs) == (one.peer, b"by way of the middle")
        assert one.connected() == {two.peer}


async def test_what_the_check_refuses_is_neither_delivered_nor_passed_on(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[bytes] = []

    async def picky(publisher: PeerKey, data: bytes) -> bool:
        seen.append(data)
        if data == b"raise":
            raise RuntimeError("a mistake in the check")
        return data.startswith(b"good")

    async with hosts(*(settings(n, gossip=True) for n in (1, 2, 3))) as (one, two, three):
        await one.dial(two.addresses[0])
        await three.dial(two.addresses[0])
        await until(two.events(), Connected, one.peer)
        await until(two.events(), Connected, three.peer)
        _, middle, far = await subscribed(one, two, three)
        assert await two.subscribe(TOPIC, picky) is middle, "the newer check replaces the older"
        for data in (b"bad", b"raise", b"good"):
            await one.publish(TOPIC, data)
        assert await anext(middle) == (one.peer, b"good")
        assert await anext(far) == (one.peer, b"good")
        assert seen == [b"bad", b"raise", b"good"]
    assert "The check of gossip failed." in caplog.text, "the mistake is ours, and the log says so"


async def test_the_first_message_after_a_restart_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """As shipped messages are numbered from the whole second on: after a restart they look already seen."""
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    async with hosts(settings(1, gossip=True)) as (server,):
        for _ in range(3):
            async with open_host(settings(2, gossip=True)) as client:
                await client.dial(server.addresses[0])
                await until(server.events(), Connected, client.peer)
                theirs, _ = await subscribed(server, client)
                for number in range(5):
                    await client.publish(TOPIC, bytes([number]))
                assert [(await anext(theirs))[1] for _ in range(5)] == [bytes([number]) for number in range(5)]
                await client.disconnect(server.peer)


async def test_a_burst_is_not_dropped() -> None:
    """As shipped, queues of 32 drop what is more, silently."""
    async with pair(gossip=True) as (server, client):
        _, theirs = await subscribed(server, client)
        arrived, all_there = 0, trio.Event()

        async def count(publisher: PeerKey, data: bytes) -> bool:
            nonlocal arrived
            arrived += 1
            if arrived == 200:
                all_there.set()
            return True

        await client.subscribe(TOPIC, count)
        for number in range(200):
            await server.publish(TOPIC, number.to_bytes(2, "big"))
        await all_there.wait()  # nobody has read any of them yet
        got = {int.from_bytes((await anext(theirs))[1], "big") for _ in range(200)}
        assert got == set(range(200))


async def test_one_publisher_is_not_limited_to_ten_a_second() -> None:
    async with pair(gossip=True) as (server, client):
        _, theirs = await subscribed(server, client)
        for _ in range(3):
            for number in range(30):
                await server.publish(TOPIC, bytes([number]))
            assert [(await anext(theirs))[1] for _ in range(30)] == [bytes([number]) for number in range(30)]


async def test_a_slow_reader_loses_the_rest_and_the_node_says_how_many() -> None:
    async with pair(gossip=True) as (server, client):
        _, theirs = await subscribed(server, client)
        gossip = gossip_of(client)
        assert gossip.dropped(TOPIC) == 0
        send = gossip._topics[TOPIC].send
        for _ in range(int(send.statistics().max_buffer_size)):
            send.send_nowait((server.peer, b"waiting"))
        done = trio.Event()

        async def last(publisher: PeerKey, data: bytes) -> bool:
            if data == b"last":
                done.set()
            return data != b"last"

        await client.subscribe(TOPIC, last)
        await server.publish(TOPIC, b"too much")
        await server.publish(TOPIC, b"last")
        await done.wait()
        assert gossip.dropped(TOPIC) == 1
        assert await anext(theirs) == (server.peer, b"waiting")


async def test_the_largest_message_arrives_and_a_larger_one_is_our_fault() -> None:
    async with pair(gossip=True) as (server, client):
        _, theirs = await subscribed(server, client)
        await server.publish(TOPIC, bytes(MAX_MESSAGE))
        assert await anext(theirs) == (server.peer, bytes(MAX_MESSAGE))
        with pytest.raises(MessageTooLarge):
            await server.publish(TOPIC, bytes(MAX_MESSAGE + 1))


async def test_who_leaves_hears_no_more_and_can_come_back() -> None:
    async with pair(gossip=True) as (server, client):
        _, theirs = await subscribed(server, client)
        await client.unsubscribe(TOPIC)
        assert [message async for message in theirs] == []
        await server.publish(TOPIC, b"unheard")
        again = await client.subscribe(TOPIC, anything)
        assert again is not theirs


async def test_gossip_can_begin_after_the_connection() -> None:
    async with pair() as (server, client):
        assert server.peers_of(TOPIC) == set()
        await server.subscribe(TOPIC, anything)
        for _ in range(5):
            assert await ask(client, server.peer)  # meanwhile it has found that the client does not gossip
        ours, theirs = await subscribed(server, client)
        await server.publish(TOPIC, b"better late")
        assert await anext(theirs) == (server.peer, b"better late")
        await client.publish(TOPIC, b"than never")
        assert await anext(ours) == (client.peer, b"than never")


async def test_the_mesh_is_looked_after_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """As shipped every two minutes; who lost a neighbour hears nothing until then."""
    beats, twice = 0, trio.Event()

    async with hosts(settings(1, gossip=True)) as (server,):
        router = gossip_of(server)._router
        heartbeat = router.mesh_heartbeat

        def count() -> Any:
            nonlocal beats
            beats += 1
            if beats == 2:
                twice.set()
            return heartbeat()

        monkeypatch.setattr(router, "mesh_heartbeat", count)
        await twice.wait()


async def test_only_version_one_point_one_is_offered() -> None:
    async with pair(gossip=True) as (server, _):
        offered = [name for name in server._network.host.multiselect.handlers if name and "sub" in name]
        assert offered == [MESHSUB]


def signed_nonsense() -> list[rpc_pb2.RPC]:
    """Messages that end the host as shipped: fields that parse, with contents that do not."""
    broken = []
    nonsense: list[dict[str, Any]] = [
        {"from_id": b"", "seqno": b""},
        {"from_id": b"\x00\x24\x08\x01\x12\x20" + bytes(32), "key": b"\xff" * 9, "signature": b"s"},
        {"from_id": b"\x12\x20" + bytes(32), "key": b"\x08\x01\x12\x20" + b"\xff" * 5, "signature": b"s"},
        {"from_id": b"\xff\xff", "key": b"\x08\x09\x12\x01a", "signature": b"s" * 64},
        {"from_id": b"\x00\x24\x08\x01\x12\x20" + b"\xff" * 32, "signature": b"s" * 64},
    ]
    for changes in nonsense:
        message = rpc_pb2.Message(topicIDs=[TOPIC], data=b"x", **changes)
        broken.append(rpc_pb2.RPC(publish=[message]))
    control = rpc_pb2.ControlMessage()
    control.ihave.add(topicID=TOPIC, messageIDs=[b"\xff" * 40, b"zz", b""])
    control.iwant.add(messageIDs=[b"\xff" * 40, b"{not json}"])
    control.graft.add(topicID=TOPIC)
    control.graft.add()
    control.prune.add(topicID=TOPIC, backoff=2**63)
    broken.append(rpc_pb2.RPC(control=control))
    broken.append(rpc_pb2.RPC(senderRecord=b"\xff\xff\xff"))
    return broken


async def gossip_as(muxer: Muxer, *messages: rpc_pb2.RPC) -> None:
    await say(muxer, MESHSUB, b"".join(encode_varint_prefixed(rpc.SerializeToString()) for rpc in messages))


@pytest.mark.parametrize("rpc", signed_nonsense())
async def test_malformed_gossip_ends_nothing(rpc: rpc_pb2.RPC) -> None:
    async with pair(gossip=True) as (server, client):
        _, theirs = await subscribed(server, client)
        async with intruder(server) as muxer:
            # What follows on the same stream is heard, so what came before was survived.
            await gossip_as(muxer, rpc, rpc_pb2.RPC(subscriptions=[subscription("after")]))
            await gossip_of(server)._pubsub.wait_for_subscription(peer_of(INTRUDER), "after")
            assert await ask(client, server.peer)
        await server.publish(TOPIC, b"and on we go")
        assert await anext(theirs) == (server.peer, b"and on we go")


@pytest.mark.parametrize("data", [b"\xff" * 11, b"\x02\xff\xff", encode_varint_prefixed(bytes(2 << 20))[:100]])
async def test_what_is_no_message_ends_its_stream_only(data: bytes) -> None:
    async with pair(gossip=True) as (server, client):
        _, theirs = await subscribed(server, client)
        async with intruder(server) as muxer:
            stream = await say(muxer, MESHSUB, data)
            await stream.close()
            (link,) = server._connections._links[INTRUDER]
            await link.idle()
            assert server.connected() == {client.peer, INTRUDER}
        await server.publish(TOPIC, b"and on we go")
        assert await anext(theirs) == (server.peer, b"and on we go")


async def test_a_peer_cannot_fill_our_memory_with_topics() -> None:
    async with pair(gossip=True) as (server, client):
        await subscribed(server, client)
        gossip = gossip_of(server)
        router, pubsub = gossip._router, gossip._pubsub
        flood = []
        for number in range(300):
            control = rpc_pb2.ControlMessage()
            control.prune.add(topicID=f"invented {number}", backoff=2**60)
            control.ihave.add(topicID=f"invented {number}", messageIDs=[b"m"])
            control.graft.add(topicID=f"invented {number}")
            flood.append(rpc_pb2.RPC(control=control))
        async with intruder(server) as muxer:
            many = [subscription(f"invented {number}") for number in range(300)]
            await gossip_as(muxer, rpc_pb2.RPC(subscriptions=[subscription("after")]), *flood)
            await gossip_as(muxer, rpc_pb2.RPC(subscriptions=many))
            await pubsub.wait_for_subscription(peer_of(INTRUDER), "invented 42")
            (link,) = server._connections._links[INTRUDER]
            for stream in list(muxer.streams.values()):
                await stream.close()
            await link.idle()
            assert not [topic for topic in router.back_off if topic.startswith("invented")]
            assert not router.graft_flood_tracking[peer_of(INTRUDER)]
            assert not router.ihave_message_limits[peer_of(INTRUDER)]
            assert len(pubsub.peer_topics) <= 102


async def test_a_peer_cannot_make_us_dial_others() -> None:
    async with hosts(settings(1, gossip=True), settings(2), settings(3)) as (server, client, bait):
        await client.dial(server.addresses[0])
        await server.subscribe(TOPIC, anything)
        control = rpc_pb2.ControlMessage()
        prune = control.prune.add(topicID=TOPIC, backoff=1)
        prune.peers.add(peerID=peer_of(bait.peer).to_bytes(), signedPeerRecord=record(bait))
        async with intruder(server) as muxer:
            await gossip_as(muxer, rpc_pb2.RPC(control=control), rpc_pb2.RPC(subscriptions=[subscription("after")]))
            await gossip_of(server)._pubsub.wait_for_subscription(peer_of(INTRUDER), "after")
            assert bait.peer not in server.connected()
            assert bait.connected() == set()
            assert peer_of(bait.peer) not in server._network.swarm.peerstore.peer_ids(), "nor to remember them"


async def test_a_flood_waits_at_the_sender() -> None:
    """As shipped each message becomes a task: a peer that sends faster than we check fills the memory."""
    checking, go_on = trio.Event(), trio.Event()

    async def slow(publisher: PeerKey, data: bytes) -> bool:
        checking.set()
        await go_on.wait()
        return True

    async with pair(gossip=True) as (server, client):
        await subscribed(server, client)
        before = trio.lowlevel.current_statistics().tasks_living
        theirs = await client.subscribe(TOPIC, slow)
        for number in range(100):
            await server.publish(TOPIC, bytes([number]))
        await checking.wait()
        assert await ask(client, server.peer)
        assert trio.lowlevel.current_statistics().tasks_living < before + 20
        go_on.set()
        assert [(await anext(theirs))[1] for _ in range(100)] == [bytes([number]) for number in range(100)]


def subscription(topic: str) -> rpc_pb2.RPC.SubOpts:
    return rpc_pb2.RPC.SubOpts(subscribe=True, topicid=topic)


def gossip_of(host: Host) -> Gossip:
    assert host._gossip is not None
    return host._gossip


def record(host: Host) -> bytes:
    """The host's own signed statement of its addresses."""
    envelope, _ = env_to_send_in_RPC(host._network.host)
    return envelope
