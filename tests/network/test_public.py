"""Public councils: anybody may follow, and hears what is said through GossipSub."""

from functools import partial
from pathlib import Path

import pytest
import trio

from node.gossip import topic
from node.run import Node
from node.sync import Pace
from node.testing import settled
from tests.worlds import World, small_charter

from .councils import GUARD, council_at, everything, hold_the_same, home, meet, people, say, submit

pytestmark = pytest.mark.trio

ADA, BEN, CLEO = people(3)
SELDOM = Pace(every=3600, courtesy=0.2, again=0.2, ask=0.1, ask_most=0.5)
"""No sync that nothing provokes: what arrives, arrived as gossip."""


async def until_heard(speaker: Node, listener: Node, council: bytes) -> None:
    """Ada speaks until somebody heard her: GossipSub loses what is said before both are in one mesh."""
    heard = False
    while not heard:
        said = await say(
            speaker, ADA, council, "comment.write", {"on": council, "text": 0}, (council,), texts=("hear",)
        )
        with trio.move_on_after(0.5):
            await settled(listener, partial(council_at(listener, council).__contains__, said))
            heard = True


async def test_who_follows_a_public_council_hears_what_is_said(tmp_path: Path) -> None:
    world = World(founder=ADA, charter=small_charter(visibility="public"))
    world.admit(BEN, ADA)
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA, pace=SELDOM) as ada, home(tmp_path, CLEO, pace=SELDOM) as cleo:
            await submit(ada, everything(world))
            await cleo.service.follow(id, [(ADA.node, tuple(ada.neighbours.addresses()))])
            await hold_the_same(id, ada, cleo)
            assert CLEO.node not in council_at(ada, id).head.entitled()
            await until_heard(ada, cleo, id)
            assert CLEO.node in ada.host.peers_of(topic(id))


async def test_news_goes_from_mouth_to_mouth(tmp_path: Path) -> None:
    """Cleo knows Ben only, Ben knows Ada: what Ada says passes through Ben's checks."""
    world = World(founder=ADA, charter=small_charter(visibility="public"))
    id = world.council.id
    with trio.fail_after(GUARD):
        async with (
            home(tmp_path, ADA, pace=SELDOM) as ada,
            home(tmp_path, BEN, pace=SELDOM) as ben,
            home(tmp_path, CLEO, pace=SELDOM) as cleo,
        ):
            await submit(ada, everything(world))
            await ben.service.follow(id, [(ADA.node, tuple(ada.neighbours.addresses()))])
            await hold_the_same(id, ada, ben)
            await cleo.service.follow(id, [(BEN.node, tuple(ben.neighbours.addresses()))])
            await hold_the_same(id, ada, ben, cleo)
            ada.neighbours.keep_away(CLEO.node, None, "she hears it from Ben")
            await meet((cleo, ben))
            await until_heard(ada, cleo, id)


async def test_a_council_that_closes_is_not_public_any_more(tmp_path: Path) -> None:
    world = World(founder=ADA, charter=small_charter(visibility="public"))
    id = world.council.id
    with trio.fail_after(GUARD):
        async with home(tmp_path, ADA, pace=SELDOM) as ada, home(tmp_path, CLEO, pace=SELDOM) as cleo:
            await submit(ada, everything(world))
            await cleo.service.follow(id, [(ADA.node, tuple(ada.neighbours.addresses()))])
            await hold_the_same(id, ada, cleo)
            before = len(world.said)
            charter = {**small_charter().data(), "visibility": "members"}
            effect = {"kind": "charter", "charter": charter, "replaces": world.council.charter.digest()}
            world.move(ADA, effect)
            assert world.epoch() is not None
            await submit(ada, everything(world)[before:])
            await say(ada, ADA, id, "comment.write", {"on": id, "text": 0}, (id,), texts=("among us",))
            report = await cleo.syncer.ask(ADA.node, id)
            assert report is not None
            assert report.refused is not None
            assert report.refused.rule == "closed"
            assert len(council_at(cleo, id)) == before
