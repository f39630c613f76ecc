"""Whom a node finds by itself, and what it does when it cannot."""

import socket
from pathlib import Path

import pytest
import trio
import trio.testing

from node.config import Settings
from node.peers import parse_address
from node.refused import Refused
from node.run import Node
from node.testing import address, connected
from protocol.council.bodies import node_message
from protocol.ids import peer_text
from protocol.keys import NODE, sign
from tests.worlds import Person, World

from .councils import GUARD, HALL, council_at, everything, hold_the_same, home, meet, people, say, submit
from .test_sync import request_of

pytestmark = pytest.mark.trio

ADA, BEN, CLEO = people(3)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        assert isinstance(port, int)
        return port


def known(node: Node, who: Person) -> tuple[str, bool]:
    """By whom a peer was named, and whether it is connected."""
    (neighbour,) = [each for each in node.neighbours.known() if each.peer == who.node]
    return neighbour.source, neighbour.connected


async def test_a_peer_that_starts_later_is_found(tmp_path: Path) -> None:
    port = free_port()
    with trio.fail_after(GUARD):
        async with home(tmp_path, BEN) as ben:
            where = f"/ip4/127.0.0.1/tcp/{port}/p2p/{peer_text(ADA.node)}"
            await ben.neighbours.add_peer(parse_address(where))
            assert known(ben, ADA) == ("person", False)
            settings = Settings(listen=(f"/ip4/127.0.0.1/tcp/{port}",), mdns=False)
            async with home(tmp_path, ADA, settings=settings) as ada:
                await connected(ben, ada.host.peer)
                assert known(ben, ADA) == ("person", True)


async def test_peers_of_the_settings_are_dialled_from_the_start(tmp_path: Path) -> None:
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada:
            settings = Settings(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False, peers=(address(ada),))
            async with home(tmp_path, BEN, settings=settings) as ben:
                await connected(ben, ada.host.peer)
                assert known(ben, ADA) == ("settings", True)


async def test_a_peer_of_the_roll_is_found_by_the_address_that_she_enrolled(tmp_path: Path) -> None:
    world = World(founder=ADA)
    world.admit(BEN, ADA)
    membership = world.council.head.persons()[ADA.key]
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, BEN) as ben:
            possession = sign(ADA.node_seed, NODE, node_message(membership, ADA.node))
            addresses = ["nowhere at all", *ada.neighbours.addresses()]
            world.say(ADA, "node.enrol", {"node": ADA.node, "possession": possession, "addresses": addresses})
            assert world.epoch() is not None
            for node in (ada, ben):
                await submit(node, everything(world))
            await connected(ben, ada.host.peer)
            assert known(ben, ADA) == ("roll", True)


async def test_an_address_without_its_peer_or_ones_own_is_refused(tmp_path: Path) -> None:
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada:
            with pytest.raises(Refused, match="lacks the node's PeerId"):
                await ada.neighbours.add_peer(parse_address("/ip4/127.0.0.1/tcp/1"))
            with pytest.raises(Refused, match="is this node itself"):
                await ada.neighbours.add_peer(parse_address(address(ada)))


async def test_keeping_away_holds_over_a_restart_until_it_ends(tmp_path: Path) -> None:
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada:
            async with home(tmp_path, BEN) as ben:
                await meet((ben, ada))
                ben.neighbours.keep_away(ADA.node, None, "asked")
                await connected(ben)
            async with home(tmp_path, BEN) as ben:
                (kept,) = ben.neighbours.kept_away()
                assert (kept.peer, kept.until, kept.reason) == (ADA.node, None, "asked")
                assert ben.host.banned(ADA.node)
                ben.neighbours.let_near(ADA.node)
                await connected(ben, ADA.node)
                assert ben.neighbours.kept_away() == []
                ben.neighbours.keep_away(ADA.node, 3600, "for a while")
                await connected(ben)
            later = ben.service.clock() + 3_600_001
            async with home(tmp_path, BEN, clock=lambda: later) as ben:
                assert ben.neighbours.kept_away() == []
                await connected(ben, ADA.node)


async def test_a_forgotten_peer_is_not_dialled_again(tmp_path: Path) -> None:
    with trio.fail_after(GUARD):
        async with home(tmp_path, BEN) as ben:
            async with home(tmp_path, ADA) as ada:
                await meet((ben, ada))
                ben.neighbours.forget_peer(ADA.node)
                assert ADA.node not in ben.neighbours._wanted()
            await connected(ben)


async def test_a_request_waits_for_its_hall_to_wake_up(tmp_path: Path) -> None:
    """The applicant has the ticket, but nobody of the ticket is there, and then she stops her computer."""
    world = World(founder=ADA)
    request = request_of(BEN, world, world.invite(ADA))
    id, asked = world.council.id, request.operation.id
    port = free_port()
    with trio.fail_after(GUARD):
        async with home(tmp_path, BEN) as ben:
            await ben.service.join(request.encode(), [(HALL.node, (f"/ip4/127.0.0.1/tcp/{port}",))])
            assert [pending.state for pending in ben.service.pending()] == ["waiting"]
        settings = Settings(listen=(f"/ip4/127.0.0.1/tcp/{port}",), mdns=False)
        async with home(tmp_path, BEN) as ben, home(tmp_path, HALL, settings=settings) as hall:
            await submit(hall, everything(world))
            while asked not in council_at(hall, id):
                await hall.service.changed.wait()
            await say(hall, ADA, id, "motion.move", {"effect": {"kind": "admit", "request": asked}}, (asked,))
            await hold_the_same(id, hall, ben)
            assert [pending.state for pending in ben.service.pending()] == ["admitted"]


async def test_when_the_line_is_back_everybody_is_dialled_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first connection after none says that the line is back, however long the back-off has grown."""
    monkeypatch.setattr("node.neighbours._FIRST", 3600.0)
    monkeypatch.setattr("node.neighbours._LONGEST", 3600.0)
    port = free_port()
    with trio.fail_after(GUARD):
        async with home(tmp_path, BEN) as ben:
            await ben.neighbours.add_peer(parse_address(f"/ip4/127.0.0.1/tcp/{port}/p2p/{peer_text(CLEO.node)}"))
            while [each.trouble for each in ben.neighbours.known() if each.peer == CLEO.node] == [None]:
                await trio.testing.wait_all_tasks_blocked(0.001)
            settings = Settings(listen=(f"/ip4/127.0.0.1/tcp/{port}",), mdns=False)
            async with home(tmp_path, CLEO, settings=settings), home(tmp_path, ADA) as ada:
                await ada.neighbours.add_peer(parse_address(address(ben)))
                await connected(ben, ADA.node, CLEO.node)
