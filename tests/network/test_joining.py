"""Asking to join over real libp2p: every request that cannot be granted is told so, and nobody asks twice."""

from functools import partial
from pathlib import Path

import pytest
import trio

from node.keystore import NodeKeys
from node.outcome import Accepted, Known
from node.run import Node
from node.store import Pending
from node.testing import node_at, settled
from tests.worlds import Person, World

from .councils import GUARD, HALL, council_at, everything, hold_the_same, home, people, say, submit
from .test_sync import council_of, is_off, request_of

pytestmark = pytest.mark.trio

ADA, BEN, CLEO = people(3)


def state(node: Node, request: bytes) -> Pending:
    """What became of a request that was made at a node."""
    return next(pending for pending in node.service.pending() if pending.request == request)


def delivered(node: Node, request: bytes) -> bool:
    return state(node, request).state == "delivered"


async def ask(node: Node, at: Node, envelope: bytes) -> bytes:
    """Make a request at a node, with a ticket that names another; gives its id."""
    pending = await node.service.join(envelope, [(at.host.peer, tuple(at.neighbours.addresses()))])
    assert isinstance(pending, Pending)
    return pending.request


async def admit(node: Node, council: bytes, request: bytes) -> None:
    """Ada, who is the whole council, admits."""
    await settled(node, lambda: request in council_at(node, council))
    await say(node, ADA, council, "motion.move", {"effect": {"kind": "admit", "request": request}}, (request,))


async def test_of_two_who_ask_with_one_ticket_the_other_hears_that_it_is_used_up(tmp_path: Path) -> None:
    world = World(founder=ADA)
    id, invitation = world.council.id, world.invite(ADA)
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, home(tmp_path, BEN) as ben, home(tmp_path, CLEO) as cleo:
            await submit(hall, everything(world))
            asked = {
                node: await ask(node, hall, request_of(who, world, invitation).encode())
                for who, node in ((BEN, ben), (CLEO, cleo))
            }
            # One use: of all requests the one with the lowest id is kept, whoever came first.
            first, second = sorted((ben, cleo), key=asked.__getitem__)
            await settled(second, lambda: "More people ask" in state(second, asked[second]).message)
            assert state(second, asked[second]).state in ("waiting", "delivered")
            assert state(first, asked[first]).message == ""
            await admit(hall, id, asked[first])
            await hold_the_same(id, hall, first)
            await settled(second, lambda: state(second, asked[second]).state == "refused")
            assert "used up" in state(second, asked[second]).message


async def test_a_ticket_that_is_withdrawn_while_somebody_waits(tmp_path: Path) -> None:
    world = World(founder=ADA)
    id, invitation = world.council.id, world.invite(ADA)
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, home(tmp_path, BEN) as ben:
            await submit(hall, everything(world))
            asked = await ask(ben, hall, request_of(BEN, world, invitation).encode())
            await settled(ben, lambda: state(ben, asked).state == "delivered")
            await say(hall, ADA, id, "council.uninvite", {"invitation": invitation.id}, (invitation.id,))
            await settled(ben, lambda: state(ben, asked).state == "refused")
            assert "withdrawn" in state(ben, asked).message


async def test_who_asks_twice_has_asked_once(tmp_path: Path) -> None:
    """Else somebody impatient would use up the ticket of the others."""
    world = World(founder=ADA)
    invitation = world.invite(ADA, uses=2)
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, home(tmp_path, BEN) as ben:
            await submit(hall, everything(world))
            asked = [await ask(ben, hall, request_of(BEN, world, invitation, time=n).encode()) for n in (1, 2, 3)]
            assert len(set(asked)) == 1
            assert len(ben.service.pending()) == 1
            again = await ask(ben, hall, request_of(BEN, world, world.invite(ADA), time=4).encode())
            assert again not in asked


async def test_two_people_of_one_home_ask_for_the_same_council(tmp_path: Path) -> None:
    world = World(founder=ADA)
    id, invitation = world.council.id, world.invite(ADA, uses=2)
    guest = Person("Dan")
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, home(tmp_path, BEN) as ben:
            await submit(hall, everything(world))
            hall.neighbours.keep_away(BEN.node, None, "both are to wait")
            asked = [await ask(ben, hall, request_of(who, world, invitation).encode()) for who in (BEN, guest)]
            assert [state(ben, request).state for request in asked] == ["waiting", "waiting"]
            hall.neighbours.let_near(BEN.node)
            for request in asked:
                await settled(hall, partial(council_at(hall, id).__contains__, request))
                await settled(ben, partial(delivered, ben, request))


async def test_a_member_is_told_that_she_is_one(tmp_path: Path) -> None:
    world = council_of(ADA, BEN)
    request = request_of(BEN, world, world.invite(ADA))
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, node_at(tmp_path / "new", keys=NodeKeys(b"n" * 32, b"t" * 32)) as new:
            await submit(hall, everything(world))
            asked = await ask(new, hall, request.encode())
            await settled(new, lambda: state(new, asked).state == "refused")
            assert "You are a member already" in state(new, asked).message


async def test_who_was_removed_comes_back_with_a_new_ticket_from_the_same_home(tmp_path: Path) -> None:
    world = council_of(ADA, BEN)
    id = world.council.id
    before = everything(world)
    world.move(ADA, {"kind": "remove", "membership": world.council.head.persons()[BEN.key]})
    assert world.epoch() is not None
    ticket = world.invite(ADA)
    same, new = (request_of(BEN, world, ticket, device=n).encode() for n in (0, 1))
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, home(tmp_path, BEN) as ben:
            await submit(hall, everything(world))
            await submit(ben, before)
            ended = await ask(ben, hall, same)
            await settled(ben, lambda: state(ben, ended).state == "refused")
            assert "This device was enrolled in the council before" in state(ben, ended).message
            await settled(ben, partial(is_off, ben, id, BEN))
            asked = await ask(ben, hall, new)
            await admit(hall, id, asked)
            await hold_the_same(id, hall, ben)
            assert state(ben, asked).state == "admitted"
            assert BEN.key in council_at(ben, id).head.persons()


async def test_a_request_at_a_node_of_the_council_comes_in_at_once(tmp_path: Path) -> None:
    world = council_of(ADA, BEN)
    invitation = world.invite(ADA)
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada:
            await submit(ada, everything(world))
            outcome = await ada.service.join(request_of(CLEO, world, invitation).encode(), [])
            assert isinstance(outcome, Accepted)
            again = await ada.service.join(request_of(CLEO, world, invitation, time=1).encode(), [])
            assert again == Known(outcome.id, world.council.id)
