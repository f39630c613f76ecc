"""Nodes that cannot be dialled reach each other through one that both can reach, and it learns nothing by it."""

from pathlib import Path

import pytest
import trio

from node.config import Settings
from node.frames import No, Taken, decode_frame, encode_frame
from node.host import HostSettings, Stream, Unreachable, open_host
from node.peers import parse_address
from node.relay import RELAY
from node.run import Node
from node.session import CLOSED
from node.testing import LOOPBACK
from protocol.codec import encode
from protocol.ids import peer_text
from tests.worlds import World

from .councils import GUARD, HALL, everything, hold_the_same, home, keys_of, meet, people, say, submit

pytestmark = pytest.mark.trio

ADA, BEN, CLEO = people(3)
HIDDEN = Settings(listen=(), mdns=False, api_port=0)
"""Of a node behind a router that lets nothing in: it listens nowhere."""


def council() -> World:
    world = World(founder=ADA)
    world.admit(BEN, ADA)
    return world


async def both_at(hall: Node, *peers: bytes) -> None:
    while not set(peers) <= hall.host.connected():
        changed = hall.host.changed
        if not set(peers) <= hall.host.connected():
            await changed.wait()


async def reached(node: Node, peer: bytes) -> None:
    """Wait until a node is connected with a peer, whichever way."""
    while peer not in node.host.connected():
        changed = node.host.changed
        if peer not in node.host.connected():
            await changed.wait()


async def test_two_behind_routers_meet_through_the_hall_and_go_on_without_its_log(tmp_path: Path) -> None:
    world = council()
    with trio.fail_after(GUARD):
        async with (
            home(tmp_path, HALL) as hall,
            home(tmp_path, ADA, settings=HIDDEN) as ada,
            home(tmp_path, BEN, settings=HIDDEN) as ben,
        ):
            for node in (hall, ada, ben):
                await submit(node, everything(world))
            assert ada.host.addresses == ben.host.addresses == []
            await meet((ada, hall), (ben, hall))
            await reached(ada, BEN.node)
            assert ada.host.direct() == {HALL.node}
            assert BEN.node in ada.host.connected()
            await reached(ben, ADA.node)
            # What Ada says comes to Ben though the hall is told nothing: it keeps away from the council's log.
            hall.host.refuse("/folkmoot/sync/1")
            hall.host.refuse("/folkmoot/push/1")
            size = 300_000
            long = "x" * size
            await say(
                ada,
                ADA,
                world.council.id,
                "comment.write",
                {"on": world.council.id, "text": 0},
                (world.council.id,),
                texts=(long,),
            )
            await hold_the_same(world.council.id, ada, ben)
            while ben.service.wanted(world.council.id):
                changed = ben.service.changed
                if ben.service.wanted(world.council.id):
                    await changed.wait()


async def test_the_end_of_one_side_is_the_end_of_the_other(tmp_path: Path) -> None:
    world = council()
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, home(tmp_path, ADA, settings=HIDDEN) as ada:
            for node in (hall, ada):
                await submit(node, everything(world))
            async with home(tmp_path, BEN, settings=HIDDEN) as ben:
                await submit(ben, everything(world))
                await meet((ada, hall), (ben, hall))
                await reached(ada, BEN.node)
            while BEN.node in ada.host.connected():
                await ada.host.changed.wait()
            assert ada.host.connected() == {HALL.node}


async def ask(node: Node, who: bytes, question: bytes) -> object:
    """What a node with this key is told when it asks the relay."""
    async with open_host(HostSettings(who)) as host:
        await host.dial(f"{node.neighbours.addresses()[0]}/p2p/{peer_text(node.host.peer)}")
        async with await host.open(node.host.peer, RELAY) as stream:
            await stream.send(question)
            data = await stream.receive(1024)
            return None if data is None else decode_frame(data)


async def test_strangers_are_relayed_neither_from_nor_to(tmp_path: Path) -> None:
    world = council()
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, open_host(HostSettings(CLEO.node_seed)) as cleo:
            await submit(hall, everything(world))
            await cleo.dial(hall.host.addresses[0])
            await both_at(hall, CLEO.node)
            assert await ask(hall, BEN.node_seed, encode(["through", CLEO.node])) == CLOSED
            assert await ask(hall, CLEO.node_seed, encode(["through", ADA.node])) == CLOSED
            assert await ask(hall, CLEO.node_seed, encode(["from", ADA.node])) == CLOSED
            answer = await ask(hall, BEN.node_seed, encode(["through", ADA.node]))
            assert isinstance(answer, No)
            assert answer.rule == "absent", "Ada is a member, and not there"


@pytest.mark.parametrize(
    "question", [b"garbage", encode(["through"]), encode(["through", b"short"]), encode(["past", ADA.node])]
)
async def test_nonsense_is_told_so(tmp_path: Path, question: bytes) -> None:
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall:
            await submit(hall, everything(council()))
            answer = await ask(hall, BEN.node_seed, question)
            assert isinstance(answer, No)
            assert answer.rule in ("cbor", "relay-frame")


async def test_a_node_that_does_not_want_to_relay_does_not(tmp_path: Path) -> None:
    world = council()
    settings = Settings(listen=LOOPBACK.listen, mdns=False, api_port=0, relay=False)
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL, settings=settings) as hall, open_host(HostSettings(ADA.node_seed)) as ada:
            await submit(hall, everything(world))
            await ada.dial(hall.host.addresses[0])
            await both_at(hall, ADA.node)
            answer = await ask(hall, BEN.node_seed, encode(["through", ADA.node]))
            assert isinstance(answer, No)
            assert answer.rule == "absent"


async def test_whoever_poses_as_the_peer_behind_a_relay_is_found_out(tmp_path: Path) -> None:
    """A relay that lies: it answers in Ben's place. The handshake is with Ben's key or with nobody."""
    asked = trio.Event()

    async def lie(stream: Stream) -> None:
        await stream.receive(1024)
        await stream.send(encode_frame(Taken(1)))
        asked.set()
        while await stream.receive(1 << 16) is not None:
            await stream.send(b"\x13/multistream/1.0.0\n\x07/noise\n" + bytes(64))

    hall = HostSettings(keys_of(HALL).host_seed, listen=("/ip4/127.0.0.1/tcp/0",))
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA, settings=HIDDEN) as ada, open_host(hall) as liar:
            await submit(ada, everything(council()))
            liar.handle(RELAY, lie)
            await ada.neighbours.add_peer(parse_address(liar.addresses[0]))
            await asked.wait()
            assert ada.neighbours._relay is not None
            with pytest.raises(Unreachable):
                await ada.neighbours._relay.reach(BEN.node, HALL.node)
            assert ada.host.connected() == {HALL.node}


async def test_what_is_relayed_is_not_relayed_again(tmp_path: Path) -> None:
    world = council()
    with trio.fail_after(GUARD):
        async with (
            home(tmp_path, HALL) as hall,
            home(tmp_path, ADA) as ada,
            home(tmp_path, BEN, settings=HIDDEN) as ben,
        ):
            for node in (hall, ada, ben):
                await submit(node, everything(world))
            await meet((ada, hall), (ben, hall))  # nobody tells Ben where Ada is
            await reached(ada, BEN.node)
            assert ada.host.direct() == {HALL.node}
            answer = await ask(ada, keys_of(HALL).host_seed, encode(["through", BEN.node]))
            assert isinstance(answer, No)
            assert answer.rule == "absent"


async def test_a_node_relays_so_many_connections_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.relay._EACH", 1)
    world = council()
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, open_host(HostSettings(ADA.node_seed)) as ada:
            await submit(hall, everything(world))
            taken = trio.Event()

            async def take(stream: Stream) -> None:
                await stream.receive(1024)
                await stream.send(encode_frame(Taken(1)))
                taken.set()
                await trio.sleep_forever()

            ada.handle(RELAY, take)
            await ada.dial(hall.host.addresses[0])
            await both_at(hall, ADA.node)
            async with open_host(HostSettings(BEN.node_seed)) as ben:
                await ben.dial(hall.host.addresses[0])
                async with await ben.open(hall.host.peer, RELAY) as first:
                    await first.send(encode(["through", ADA.node]))
                    await taken.wait()
                    answer = await ask(hall, BEN.node_seed, encode(["through", ADA.node]))
                    assert isinstance(answer, No)
                    assert answer.rule == "absent"
