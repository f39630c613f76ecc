"""Tellers compare their clocks as they sync: who is far from the others takes no part in ballots."""

from pathlib import Path

import pytest
import trio

from node.run import now
from tests.worlds import Teller, World, small_charter

from .councils import GUARD, everything, home, meet, submit

pytestmark = pytest.mark.trio

TELLERS = (Teller("hall"), Teller("mill"), Teller("school"))
HALL, MILL, SCHOOL = TELLERS


async def test_a_teller_learns_that_its_clock_is_wrong(tmp_path: Path) -> None:
    world = World(charter=small_charter(tellers="3-absence"), tellers=TELLERS)
    id = world.council.id
    late = 600_000
    with trio.fail_after(GUARD):
        async with (
            home(tmp_path, HALL) as hall,
            home(tmp_path, MILL) as mill,
            home(tmp_path, SCHOOL, clock=lambda: now() - late) as school,
        ):
            for node in (hall, mill, school):
                await submit(node, everything(world))
            await meet((hall, mill), (hall, school), (mill, school))
            for asking, asked in ((hall, mill), (school, hall), (school, mill), (mill, hall)):
                report = await asking.syncer.ask(asked.host.peer, id)
                assert report is not None
                assert report.complete
            why = school.teller.astray(id) or ""
            assert "seconds behind those of the other tellers" in why
            assert hall.teller.astray(id) is None
            assert mill.teller.astray(id) is None
