"""Sync between whole nodes over real libp2p: what one has, the other gets, and nobody else."""

from functools import partial
from pathlib import Path

import pytest
import trio

from node.asking import Asking
from node.outcome import Accepted
from node.run import Node
from node.session import SYNC
from node.testing import connected, settled
from protocol.keys import public_key
from protocol.log.operation import Content, Draft, Envelope
from tests.worlds import Invitation, Person, World

from .councils import GUARD, HALL, council_at, everything, hold_the_same, home, meet, people, say, submit

pytestmark = pytest.mark.trio

ADA, BEN, CLEO = people(3)


def council_of(*members: Person) -> World:
    """A council of these members, each with a node; the hall is the teller."""
    world = World(founder=members[0])
    for member in members[1:]:
        world.admit(member, *list(members[: members.index(member)]))
    return world


async def test_a_fresh_node_gets_everything(tmp_path: Path) -> None:
    world = council_of(ADA, BEN)
    for n in range(30):
        world.say(ADA, "comment.write", {"on": world.council.id, "text": 0}, (world.council.id,), texts=(f"{n}",))
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, BEN) as ben:
            await submit(ada, everything(world))
            await ben.service.follow(world.council.id, [(ADA.node, ())])
            await meet((ben, ada))
            await hold_the_same(world.council.id, ada, ben, operations=len(world.said))
            assert [e.encode() for e in ben.service.saved_envelopes(world.council.id)] == [
                e.encode() for e in ada.service.saved_envelopes(world.council.id)
            ]


async def test_two_that_went_on_alone_meet_again(tmp_path: Path) -> None:
    world = council_of(ADA, BEN)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, BEN) as ben:
            for node in (ada, ben):
                await submit(node, everything(world))
            for n in range(40):
                await say(ada, ADA, id, "comment.write", {"on": id, "text": 0}, (id,), texts=(f"Ada {n}",))
                await say(ben, BEN, id, "comment.write", {"on": id, "text": 0}, (id,), texts=(f"Ben {n}",))
            assert council_at(ada, id).digest() != council_at(ben, id).digest()
            await meet((ada, ben))
            await hold_the_same(id, ada, ben, operations=len(world.said) + 80)


async def test_what_is_said_reaches_everybody_who_is_connected(tmp_path: Path) -> None:
    world = council_of(ADA, BEN, CLEO)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, BEN) as ben, home(tmp_path, CLEO) as cleo:
            for node in (ada, ben, cleo):
                await submit(node, everything(world))
            await meet((ada, ben), (cleo, ben))
            before = len(council_at(ada, id))
            for n in range(5):
                await say(ada, ADA, id, "comment.write", {"on": id, "text": 0}, (id,), texts=(f"{n}",))
                await hold_the_same(id, ada, ben, cleo, operations=before + n + 1)


async def test_a_large_attachment_follows_by_itself(tmp_path: Path) -> None:
    world = council_of(ADA, BEN)
    id = world.council.id
    plan = Content(b"s" * 16, bytes(range(256)) * 4000)
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, BEN) as ben:
            for node in (ada, ben):
                await submit(node, everything(world))
            await meet((ben, ada))
            operation = await say(
                ada, ADA, id, "comment.write", {"on": id, "text": 0}, (id,), texts=("the plan",), files=(plan,)
            )
            await settled(ben, lambda: ben.service.content(id, operation, 1) == plan)
            assert ben.service.wanted(id) == []


async def test_what_was_erased_leaves_every_node(tmp_path: Path) -> None:
    world = council_of(ADA, BEN)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, BEN) as ben:
            for node in (ada, ben):
                await submit(node, everything(world))
            await meet((ben, ada))
            said = await say(ada, ADA, id, "comment.write", {"on": id, "text": 0}, (id,), texts=("in anger",))
            await hold_the_same(id, ada, ben)
            assert ben.service.content(id, said, 0) is not None
            await say(ada, ADA, id, "talk.erase", {"operation": said, "attachments": [0]}, (said,))
            await hold_the_same(id, ada, ben)
            assert ben.service.content(id, said, 0) is None


async def test_a_founding_reaches_its_teller_and_the_epochs_come_back(tmp_path: Path) -> None:
    world = World(founder=ADA)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, HALL) as hall:
            await meet((ada, hall))
            await submit(ada, everything(world))
            await hold_the_same(id, ada, hall, operations=1)
            await say(ada, ADA, id, "member.absent", {})
            await hold_the_same(id, ada, hall, operations=3)
            assert council_at(ada, id).head.number == 1


async def test_who_is_not_on_the_roll_gets_nothing(tmp_path: Path) -> None:
    world = council_of(ADA, BEN)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, CLEO) as stranger:
            await submit(ada, everything(world))
            for council in (id, b"x" * 32):
                await stranger.service.follow(council, [(ADA.node, ())])
            await meet((stranger, ada))
            # A council that is there looks like one that is not.
            assert await refused(stranger, ADA.node, id) == "closed"
            assert await refused(stranger, ADA.node, b"x" * 32) == "closed"
            assert id not in stranger.service.councils


async def refused(node: Node, peer: bytes, council: bytes) -> str | None:
    """Ask a peer about a council, as a node that may would; gives the rule of its no."""
    async with await node.host.open(peer, SYNC) as stream:
        report = await Asking(node.service, stream).run(council)
    return report.refused.rule if report.refused is not None else None


async def test_who_was_removed_gets_nothing_from_then_on(tmp_path: Path) -> None:
    world = council_of(ADA, BEN, CLEO)
    id = world.council.id
    cleo_membership = world.council.head.persons()[CLEO.key]
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, home(tmp_path, ADA) as ada, home(tmp_path, CLEO) as cleo:
            for node in (hall, ada, cleo):
                await submit(node, everything(world))
            await meet((ada, hall), (cleo, hall), (cleo, ada))
            effect = {"kind": "remove", "membership": cleo_membership}
            motion = await say(ada, ADA, id, "motion.move", {"effect": effect})
            await settled(hall, lambda: motion in council_at(hall, id))
            await say(hall, BEN, id, "motion.assent", {"motion": motion}, (motion,))
            # Her own node hears of it, though nothing of what is said from then on.
            for node in (ada, cleo):
                await settled(node, partial(is_off, node, id, CLEO))
            said = await say(ada, ADA, id, "comment.write", {"on": id, "text": 0}, (id,), texts=("among us",))
            await hold_the_same(id, ada, hall)
            for peer in (ADA.node, HALL.node):
                assert await refused(cleo, peer, id) == "closed"
            assert len(council_at(cleo, id)) == len(world.said) + 3
            assert said not in council_at(cleo, id)


def is_off(node: Node, council: bytes, who: Person) -> bool:
    """Whether somebody's node is off the roll, as a node knows it."""
    return who.node not in council_at(node, council).head.entitled()


async def test_who_left_while_her_node_was_off_hears_of_it_and_of_nothing_after_it(tmp_path: Path) -> None:
    world = council_of(ADA, BEN, CLEO)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, home(tmp_path, ADA) as ada:
            for node in (hall, ada):
                await submit(node, everything(world))
            await meet((ada, hall))
            effect = {"kind": "remove", "membership": world.council.head.persons()[CLEO.key]}
            motion = await say(hall, ADA, id, "motion.move", {"effect": effect})
            await say(hall, BEN, id, "motion.assent", {"motion": motion}, (motion,))
            await settled(ada, partial(is_off, ada, id, CLEO))
            await say(ada, ADA, id, "comment.write", {"on": id, "text": 0}, (id,), texts=("among us",))
            await say(ada, ADA, id, "member.absent", {})
            await settled(ada, lambda: council_at(ada, id).head.number == 4)
            async with home(tmp_path, CLEO) as cleo:
                await submit(cleo, everything(world))
                await meet((cleo, ada))
                await settled(cleo, partial(is_off, cleo, id, CLEO))
                assert council_at(cleo, id).head.number == 3
                assert len(council_at(cleo, id)) == len(world.said) + 3
                assert await refused(cleo, ADA.node, id) == "closed"
                assert len(council_at(cleo, id)) == len(world.said) + 3


async def test_who_never_was_on_the_roll_learns_nothing_by_naming_an_epoch(tmp_path: Path) -> None:
    """Somebody who was shown a log, exported before others joined, is told no more than any stranger."""
    world = council_of(ADA, BEN)
    early = everything(world)
    world.admit(CLEO, ADA, BEN)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, Person("Eve")) as eve:
            await submit(ada, everything(world))
            await submit(eve, early)
            await meet((eve, ada))
            assert await refused(eve, ADA.node, id) == "closed"
            assert len(council_at(eve, id)) == len(early)


async def test_a_new_member_brings_the_epoch_that_lists_her(tmp_path: Path) -> None:
    """Cleo was admitted while Ben was away: he lists her once she has shown him how it came."""
    world = council_of(ADA, BEN)
    before = everything(world)
    world.admit(CLEO, ADA, BEN)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, BEN) as ben, home(tmp_path, CLEO) as cleo:
            await submit(ben, before)
            await submit(cleo, everything(world))
            await meet((cleo, ben))
            await hold_the_same(id, ben, cleo, operations=len(world.said))
            assert CLEO.node in council_at(ben, id).head.entitled()


def request_of(
    who: Person, world: World, invitation: Invitation, seed: bytes | None = None, *, time: int = 0, device: int = 0
) -> Envelope:
    """A request to join, signed with the ticket's key, or with another."""
    seed = seed or invitation.seed
    body = {**who.enrolment(invitation.id, device), **who.listing(invitation.id)}
    draft = Draft(
        world.council.id, public_key(seed), invitation.depth + 1, (invitation.id,), time, "council.request", body
    )
    return draft.signed(seed)


async def test_joining_by_ticket(tmp_path: Path) -> None:
    """The whole way: ticket, request, admission by epoch, the council on the new member's node."""
    world = World(founder=ADA)
    request = request_of(BEN, world, world.invite(ADA))
    id, asked = world.council.id, request.operation.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, home(tmp_path, BEN) as ben:
            await submit(hall, everything(world))
            await ben.service.join(request.encode(), [(HALL.node, tuple(hall.neighbours.addresses()))])
            await settled(hall, lambda: asked in council_at(hall, id))
            assert id not in ben.service.councils
            await say(hall, ADA, id, "motion.move", {"effect": {"kind": "admit", "request": asked}}, (asked,))
            await hold_the_same(id, hall, ben)
            assert [pending.state for pending in ben.service.pending()] == ["admitted"]
            said = await say(ben, BEN, id, "comment.write", {"on": id, "text": 0}, (id,), texts=("Here I am.",))
            await settled(hall, lambda: said in council_at(hall, id))


async def test_a_request_that_its_ticket_does_not_cover_is_refused(tmp_path: Path) -> None:
    world = World(founder=ADA)
    wrong = request_of(BEN, world, world.invite(ADA), seed=b"w" * 32)
    with trio.fail_after(GUARD):
        async with home(tmp_path, HALL) as hall, home(tmp_path, BEN) as ben:
            await submit(hall, everything(world))
            await ben.service.join(wrong.encode(), [(HALL.node, tuple(hall.neighbours.addresses()))])
            await settled(ben, lambda: ben.service.pending()[0].state == "refused")
            assert "key of an invitation" in ben.service.pending()[0].message
            assert len(council_at(hall, world.council.id)) == len(world.said)


async def test_a_node_that_stopped_catches_up(tmp_path: Path) -> None:
    world = council_of(ADA, BEN)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada:
            await submit(ada, everything(world))
            async with home(tmp_path, BEN) as ben:
                await submit(ben, everything(world))
                await meet((ben, ada))
            said = await say(ada, ADA, id, "comment.write", {"on": id, "text": 0}, (id,), texts=("meanwhile",))
            async with home(tmp_path, BEN) as ben:
                # Nobody tells it again where Ada is: it remembers.
                await settled(ben, lambda: said in council_at(ben, id))
                outcomes = await ben.service.submit(everything(world))
                assert not any(isinstance(outcome, Accepted) for outcome in outcomes)


async def test_keeping_away_cuts_the_network_and_letting_near_heals_it(tmp_path: Path) -> None:
    world = council_of(ADA, BEN)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, BEN) as ben:
            for node in (ada, ben):
                await submit(node, everything(world))
            await meet((ben, ada))
            ada.neighbours.keep_away(BEN.node, None, "a test")
            await connected(ada)
            await connected(ben)
            await say(ada, ADA, id, "comment.write", {"on": id, "text": 0}, (id,), texts=("alone",))
            await say(ben, BEN, id, "comment.write", {"on": id, "text": 0}, (id,), texts=("alone too",))
            assert council_at(ada, id).digest() != council_at(ben, id).digest()
            ada.neighbours.let_near(BEN.node)
            await hold_the_same(id, ada, ben, operations=len(world.said) + 2)


async def test_two_branches_exchange_their_talk_and_their_proofs_and_stay_apart(tmp_path: Path) -> None:
    """The hall's teller signed two records for one epoch, one here, one there (nobody honest does)."""
    ours, theirs = World(founder=ADA), World(founder=ADA)
    for world in (ours, theirs):
        world.admit(BEN, ADA)
    request = ours.request(ours.invite(ADA), CLEO)
    for said in ours.said[-2:]:
        theirs.insert(said)
    theirs.say(ADA, "merge", {"only": "there"})
    for world in (ours, theirs):
        motion = world.move(ADA, {"kind": "admit", "request": request}, (request,))
        world.assent(BEN, motion)
        assert world.epoch() is not None
        world.say(BEN, "merge", {"after": "the epoch"})
    id = ours.council.id
    assert ours.council.head.digest != theirs.council.head.digest
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA) as ada, home(tmp_path, BEN) as ben:
            await submit(ada, everything(ours))
            await submit(ben, everything(theirs))
            await meet((ada, ben))
            for one, other, world in ((ada, BEN, ours), (ben, ADA, theirs)):
                report = await one.syncer.ask(other.node, id)
                assert report is not None
                assert report.refused is None
                assert not report.complete
                assert council_at(one, id).head.digest == world.council.head.digest
            for node, other_world in ((ada, theirs), (ben, ours)):
                proof = other_world.council.branch.links[-1].operation
                assert [rival for rival, _ in node.service.rivals(id)] == [proof]
                # What was said on the other branch after it parted stays out.
                assert other_world.said[-1].operation.id not in council_at(node, id)
                # What was said before is here, whichever side said it.
                assert theirs.said[-5].operation.id in council_at(node, id)
            assert not ada.host.banned(BEN.node)
