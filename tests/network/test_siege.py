"""Peers that mean harm, by their number, by what they hold back, or by what they say well: the node goes on, and so do honest peers."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from node.frames import (
    MAX_HELLO,
    All,
    Compare,
    End,
    Frame,
    Hello,
    Join,
    News,
    No,
    Operations,
    Taken,
    Want,
    decode_frame,
    encode_frame,
)
from node.gossip import PUSH
from node.host import (
    Connected,
    Disconnected,
    Host,
    HostSettings,
    Stream,
    StreamError,
    StreamReset,
    Unreachable,
    open_host,
)
from node.invitation import JOIN
from node.outcome import Rejected
from node.peers import parse_address
from node.run import Node
from node.session import SYNC
from node.testing import connected, settled
from protocol.codec import encode
from protocol.errors import Malformed
from protocol.log.items import Items
from protocol.log.operation import Draft
from protocol.log.reconcile import Reconciliation
from protocol.log.waiting import MAX_COUNT
from tests.worlds import World, seed

from .around import ECHO, INTRUDER, ask, echo, hosts, intruder, raw, settings, until
from .councils import GUARD, council_at, everything, home, people, say, submit
from .test_manners import LIMIT, Stage, stage

pytestmark = pytest.mark.trio

ADA, BEN, CLEO = people(3)


async def still_serves(on: Stage) -> None:
    """An honest member gets the whole council, on a connection of her own."""
    async with open_host(HostSettings(BEN.node_seed)) as honest:
        await honest.dial(on.ada.host.addresses[0])
        async with await honest.open(on.ada.host.peer, SYNC) as stream:
            await stream.send(encode_frame(on.hello))
            await stream.receive(LIMIT)
            await stream.send(encode_frame(All(0, b"")))
            data = await stream.receive(LIMIT)
            assert data is not None
            answer = decode_frame(data)
            assert isinstance(answer, Operations)
            assert len(answer.envelopes) >= len(on.world.said)


# By their number


async def test_silent_connections_by_the_hundred_do_not_keep_a_member_out(tmp_path: Path) -> None:
    async with stage(tmp_path, visitor=CLEO) as on:
        where = parse_address(on.ada.host.addresses[0])
        silent = []
        for _ in range(400):
            stream = await trio.open_tcp_stream(where.host, where.port, local_address="127.0.0.2")
            silent.append(stream)
        await still_serves(on)
        for stream in silent:
            await stream.aclose()


async def test_strangers_who_take_every_place_do_not_keep_the_favoured_out() -> None:
    wanted = [settings(name) for name in range(2, 7)]
    async with hosts(settings(1, max_connections=4, max_strangers=2), *wanted) as (server, *clients):
        server.handle(ECHO, echo)
        one, two, three, ours, more = clients
        server.favour(lambda peer: peer in (ours.peer, more.peer))
        for stranger in (one, two):
            await stranger.dial(server.addresses[0])
        with pytest.raises(Unreachable, match="does not take us"):
            await three.dial(server.addresses[0])
        for favoured in (ours, more):
            await favoured.dial(server.addresses[0])
            assert await ask(favoured, server.peer)
        events = server.events()
        await until(events, Connected, one.peer)
        await one.disconnect(server.peer)
        await until(events, Disconnected, one.peer)
        await three.dial(server.addresses[0])
        assert await ask(three, server.peer), "a place that was given back is there for another stranger"


async def test_who_connects_without_end_from_one_address_waits_or_is_sent_away() -> None:
    patient = settings(1, handshake_burst=2, handshake_rate=0.001, handshake_timeout=0.1)
    async with hosts(patient, *(settings(n) for n in range(2, 6))) as (server, *clients):
        for client in clients[:2]:
            await client.dial(server.addresses[0])
        for client in clients[2:]:
            with pytest.raises(Unreachable):
                await client.dial(server.addresses[0])
        assert len(server.connected()) == 2


async def test_who_opens_streams_without_end_waits_and_loses_nothing() -> None:
    async with hosts(settings(1, stream_burst=3, stream_rate=200.0), settings(2)) as (server, client):
        server.handle(ECHO, echo)
        await client.dial(server.addresses[0])
        for number in range(40):
            assert await ask(client, server.peer, b"%d" % number) == b"%d" % number


async def test_strangers_leave_no_trace(tmp_path: Path) -> None:
    """They can have any number of keys: each would be a row on disk for ever."""
    async with stage(tmp_path) as on:
        events = on.ada.host.events()
        before = [peer.node for peer in on.ada.store.peers()]
        for number in range(30):
            async with open_host(HostSettings(seed("stranger", number))) as stranger:
                await stranger.dial(on.ada.host.addresses[0])
                await until(events, Connected, stranger.peer)
                assert stranger.peer in {one.peer for one in on.ada.neighbours.known()}, "as long as it is there"
                await stranger.disconnect(on.ada.host.peer)
                await until(events, Disconnected, stranger.peer)
        await connected(on.ada, on.ben.peer)
        await trio.testing.wait_all_tasks_blocked()
        assert [peer.node for peer in on.ada.store.peers()] == before
        assert {one.peer for one in on.ada.neighbours.known()} <= {ADA.node, BEN.node, on.world.teller.node}


async def test_requests_of_strangers_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    async with stage(tmp_path, visitor=CLEO) as on:
        held = []
        for _ in range(16):
            stream = await on.open(JOIN)
            await stream._channel.write(b"\0\3\0\0")  # a large frame, of which nothing follows
            held.append(stream)
        await settled_receiving(on.ada, 16)
        answer = await on.talk(await on.open(JOIN), Join(b"x"))
        assert isinstance(answer, No)
        assert answer.rule == "later"
        for stream in held:
            await stream.reset()
        await settled_receiving(on.ada, 0)
        await still_serves(on)


async def settled_receiving(node: Node, count: int) -> None:
    while node.syncer._receiving != count:
        await trio.testing.wait_all_tasks_blocked(0.001)


# By what they say


async def test_operations_whose_deps_do_not_exist_wait_in_bounds(tmp_path: Path) -> None:
    """A member's device signs as many as it likes. Each says that something is missing; none of it is."""
    async with stage(tmp_path) as on, await on.open(PUSH) as stream:
        ids = []
        for begin in range(0, 3 * MAX_COUNT, 512):
            news = []
            for n in range(begin, begin + 512):
                draft = Draft(on.id, BEN.device(), 7, (seed("nothing", n),), 0, "merge", {})
                envelope = draft.signed(BEN.device_seed())
                ids.append(envelope.operation.id)
                news.append(envelope.encode())
            await stream.send(encode_frame(News(on.id, tuple(news))))
        waiting = on.ada.service._waiting
        await settled(on.ada, lambda: ids[-1] in waiting)
        assert len(waiting) == MAX_COUNT
        await still_serves(on)
        assert ids[-1] in waiting
        await stream.reset()
        await on.ben.disconnect(on.ada.host.peer)
        await connected(on.ada)
        await trio.testing.wait_all_tasks_blocked()
        assert len(waiting) == 0, "with who left it, it goes"


async def test_a_flood_of_good_operations_is_taken_and_others_are_served(tmp_path: Path) -> None:
    async with stage(tmp_path) as on, await on.open(PUSH) as stream:
        last = on.world.council.heads()[0]
        depth = on.world.council.dag.depth[on.world.council.dag.rows[last]]
        sent = []
        for _ in range(20):
            news = []
            for _ in range(200):
                depth += 1
                envelope = Draft(on.id, BEN.device(), depth, (last,), 0, "merge", {}).signed(BEN.device_seed())
                last = envelope.operation.id
                news.append(envelope.encode())
            sent.append(last)
            await stream.send(encode_frame(News(on.id, tuple(news))))
        word = await say(
            on.ada, ADA, on.id, "comment.write", {"on": on.id, "text": 0}, (on.id,), texts=("Still here.",)
        )
        assert word in council_at(on.ada, on.id), "somebody here is heard at once, whatever else comes"
        await settled(on.ada, lambda: sent[-1] in council_at(on.ada, on.id))


async def test_a_replay_from_another_council_is_a_fault_and_counts_for_nothing(tmp_path: Path) -> None:
    other = World(founder=CLEO)
    comment = other.draft(CLEO.device_seed(), "merge", {})
    async with stage(tmp_path) as on:
        await submit(on.ada, everything(other))
        # Signed well, and of a council that this node holds and the peer may not read.
        async with await on.open(PUSH) as stream:
            await stream.send(encode_frame(News(on.id, (comment.encode(),))))
            await connected(on.ada)
        assert on.ada.host.banned(on.ben.peer)
        (kept,) = on.ada.neighbours.kept_away()
        assert kept.reason.startswith("it broke the rule council")


async def test_an_operation_moved_into_another_council_is_none(tmp_path: Path) -> None:
    other = World(founder=CLEO)
    comment = other.draft(CLEO.device_seed(), "merge", {})
    async with stage(tmp_path) as on:
        (outcome,) = await on.ada.service.submit([comment.encode()], BEN.node)
        assert isinstance(outcome, Rejected)
        assert outcome.refusal.rule == "unknown-council"


async def test_two_that_hold_one_key_are_served_and_no_more_than_one_peer(tmp_path: Path) -> None:
    """A node that was copied, or a key that was stolen: they say different things, and are one place on the roll."""
    async with stage(tmp_path) as on, open_host(HostSettings(BEN.node_seed)) as twin:
        await twin.dial(on.ada.host.addresses[0])
        one = await on.open(SYNC)
        other = await twin.open(on.ada.host.peer, SYNC)
        assert isinstance(await on.talk(one, on.hello), Hello)
        forged = Hello(on.id, 99, 0, (on.id, seed("another epoch")))
        assert isinstance(await on.talk(other, forged), Hello)
        assert on.ada.host.connected() == {BEN.node}
        assert isinstance(await on.talk(one, All(0, b"")), Operations)
        assert isinstance(await on.talk(other, All(0, b"")), Operations)


async def test_a_comparison_without_an_end_is_ended(tmp_path: Path) -> None:
    """Ben's node answers each comparison as if everything were different, for ever."""
    async with stage(tmp_path) as on:
        told: list[Frame] = []

        async def lie(stream: Stream) -> None:
            await stream.receive(LIMIT)
            await stream.send(encode_frame(on.hello))
            try:
                while (data := await stream.receive(LIMIT)) is not None:
                    frame = decode_frame(data)
                    if not isinstance(frame, Compare):
                        told.append(frame)
                        return
                    # Half of all there is, by another fingerprint each time.
                    await stream.send(encode_frame(Compare(b"\x61\x00\x00\x01" + secrets.token_bytes(16))))
            except StreamError:
                pass

        on.ben.handle(SYNC, lie)
        await connected(on.ada)
        assert on.ada.host.banned(on.ben.peer)
        assert [frame.rule for frame in told if isinstance(frame, No)] == ["sync-rounds"]


async def test_what_was_promised_and_never_comes_is_not_waited_for(tmp_path: Path) -> None:
    """Ben's node says that it has a thousand operations that nobody has, and gives none."""
    async with stage(tmp_path) as on:
        asked = trio.Event()

        async def promise(stream: Stream) -> None:
            items = Items([*council_at(on.ada, on.id).items, *((100, seed("promised", n)) for n in range(1000))])
            side = Reconciliation(items, False)
            try:
                await stream.receive(LIMIT)
                await stream.send(encode_frame(on.hello))
                while (data := await stream.receive(LIMIT)) is not None:
                    match decode_frame(data):
                        case Compare(message):
                            reply = side.receive(message).reply
                            assert reply is not None
                            await stream.send(encode_frame(Compare(reply)))
                        case Want(ids):
                            assert len(ids) == 1000
                            await stream.send(encode_frame(End()))
                            asked.set()
                        case Operations(envelopes):
                            await stream.send(encode_frame(Taken(len(envelopes))))
                        case _:
                            await stream.send(encode_frame(No("no-content", "It is not here.")))
            except StreamError:
                pass

        on.ben.handle(SYNC, promise)
        await asked.wait()
        await still_serves(on)
        assert not on.ada.host.banned(on.ben.peer), "it may have let them go meanwhile: that is no fault"


async def test_who_reads_nothing_of_what_it_asked_for_holds_up_nobody(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        last = on.world.council.heads()[0]
        depth = on.world.council.dag.depth[on.world.council.dag.rows[last]]
        news = []
        for n in range(40):
            depth += 1
            draft = Draft(on.id, BEN.device(), depth, (last,), 0, "spoken.at-length", {"words": "x" * 15_000, "n": n})
            envelope = draft.signed(BEN.device_seed())
            last = envelope.operation.id
            news.append(envelope.encode())
        await submit(on.ada, news)
        slow = []
        for _ in range(4):
            stream = await on.open(SYNC)
            await on.talk(stream, on.hello)
            await stream.send(encode_frame(All(0, b"")))
            slow.append(stream)
        # A fifth conversation of the same peer is told to come later; another peer's is held.
        answer = await on.talk(await on.open(SYNC), on.hello)
        assert isinstance(answer, No)
        assert answer.rule == "later"
        async with visitor(on, CLEO.node_seed) as stranger:
            stream = await stranger.open(on.ada.host.peer, SYNC)
            assert isinstance(await on.talk(stream, on.hello), No)
        for stream in slow:
            await stream.reset()
        await still_serves(on)


@asynccontextmanager
async def visitor(on: Stage, key: bytes) -> AsyncIterator[Host]:
    async with open_host(HostSettings(key)) as host:
        await host.dial(on.ada.host.addresses[0])
        yield host


async def test_a_first_word_is_short(tmp_path: Path) -> None:
    """A stranger could make a node hold many large frames, of conversations that it may not have."""
    async with stage(tmp_path, visitor=CLEO) as on, await on.open(SYNC) as stream:
        await stream._channel.write((MAX_HELLO + 1).to_bytes(4, "big"))
        with pytest.raises(StreamReset):
            await stream.receive(LIMIT)
        await still_serves(on)


async def test_news_are_heard_on_two_streams_and_no_more(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        first, second = await on.open(PUSH), await on.open(PUSH)
        comment = on.world.draft(BEN.device_seed(), "merge", {})
        await first.send(encode_frame(News(on.id, (comment.encode(),))))
        await settled(on.ada, lambda: comment.operation.id in council_at(on.ada, on.id))
        while on.ada.gossip._heard[BEN.node] < 2:
            await trio.testing.wait_all_tasks_blocked(0.001)
        with pytest.raises(StreamReset):
            await on.push_for_ever(comment.encode())
        await second.reset()
        await first.reset()
        while on.ada.gossip._heard:
            await trio.testing.wait_all_tasks_blocked(0.001)


# What comes of it


async def test_who_breaks_the_protocol_again_is_kept_away_for_longer(tmp_path: Path) -> None:
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada:
            spans = []
            for _ in range(8):
                before = ada.service.clock()
                ada.neighbours.broke(INTRUDER, Malformed("frame", "the peer sent nonsense."))
                ada.neighbours.broke(INTRUDER, Malformed("frame", "the peer had sent more of it before it was let go."))
                (kept,) = ada.neighbours.kept_away()
                assert kept.until is not None
                spans.append(round((kept.until - before) / 60_000))
                assert kept.reason == "it broke the rule frame: the peer sent nonsense."
                ada.host.ban(INTRUDER, 0)
                assert ada.neighbours.kept_away() == []
            assert spans == [2, 4, 8, 16, 32, 60, 60, 60]
            ada.neighbours.broke(INTRUDER, Malformed("frame", "the peer sent nonsense."))
            ada.neighbours.let_near(INTRUDER)
            assert ada.neighbours.kept_away() == []
            ada.neighbours.broke(INTRUDER, Malformed("frame", "the peer sent nonsense."))
            (kept,) = ada.neighbours.kept_away()
            assert kept.until is not None
            assert round((kept.until - ada.service.clock()) / 60_000) == 2, "a person's word wipes the slate"


async def test_who_was_let_go_is_not_served_on_a_new_connection(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        async with await on.open(PUSH) as stream:
            await stream.send(encode(["dance"]))
            await connected(on.ada)
        with pytest.raises(Unreachable, match="does not take us"):
            await on.ben.dial(on.ada.host.addresses[0])


async def test_too_much_unread_in_all_ends_the_connection_with_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each peer keeps to its own bound; together they would fill the memory."""

    async def unread(stream: Stream) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr("node.host.muxer.MAX_UNREAD_IN_ALL", 1_000_000)
    async with hosts(settings(1), settings(2), settings(3)) as (server, greedy, modest):
        server.handle("/test/unread/1", unread)
        server.handle(ECHO, echo)
        for client in (greedy, modest):
            await client.dial(server.addresses[0])
        events = server.events()
        async with trio.open_nursery() as nursery:

            async def pour(client: Host, size: int) -> None:
                try:
                    stream = await client.open(server.peer, "/test/unread/1")
                    await stream.send(bytes(size))
                except StreamError:
                    pass

            nursery.start_soon(pour, modest, 200_000)
            for _ in range(6):
                nursery.start_soon(pour, greedy, 200_000)
            await until(events, Disconnected, greedy.peer)
            nursery.cancel_scope.cancel()
        assert await ask(modest, server.peer)


async def test_a_raw_connection_costs_no_more_than_its_place() -> None:
    async with hosts(settings(1, max_handshakes=4)) as (server,):
        streams = [await raw(server) for _ in range(20)]
        for stream in streams[:16]:
            while await stream.receive_some():
                pass
        async with intruder(server):
            await until(server.events(), Connected, INTRUDER)
        for stream in streams:
            await stream.aclose()
