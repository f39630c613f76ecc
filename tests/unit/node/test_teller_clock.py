"""The teller's time: when casts came is saved with them, and a clock far from the others' is not believed."""

import logging
from pathlib import Path

import pytest

from node.service import Service
from node.store import Store, StoreFailed
from node.teller import Teller as NodeTeller
from protocol.log.operation import Envelope, split_inline
from tests.worlds import Person, Teller, World, small_charter

pytestmark = pytest.mark.trio

NOON = 1_790_000_000_000
TELLERS = tuple(Teller(name) for name in ("hall", "mill", "school", "barn"))
HALL, MILL, SCHOOL, BARN = TELLERS
MINUTE = 60_000


class Node:
    """The hall's node: its store, its service, its teller, and a clock that can be set."""

    def __init__(self, path: Path, *, at: int = NOON) -> None:
        self.now = at
        self.store = Store(path)
        self.service = Service(self.store, lambda: self.now, HALL.node, HALL.key)
        self.service.load()
        self.teller = NodeTeller(self.service, self.store, HALL.seed)

    async def hear(self, *said: Envelope) -> None:
        await self.service.submit([Envelope(e.operation, split_inline(e.contents)).encode() for e in said])

    def said(self, council: bytes, id: bytes) -> Envelope | None:
        envelope = self.service.envelope(council, id)
        return envelope if envelope is not None and envelope.operation.author == HALL.key else None


class Mill:
    """A council with four tellers, or one, and a ballot that lasts an hour."""

    def __init__(self, *tellers: Teller) -> None:
        durations = {"notice": 0, "discussion": 0}
        charter = small_charter(tellers={1: "1", 4: "4"}[len(tellers)], durations=durations)
        self.world = World(charter=charter, tellers=tellers, clock=NOON)
        body = {
            "epoch": self.world.council.head.digest,
            "question": {"rule": "majority-simple/1"},
            "title": 0,
            "deadline": NOON + 60 * MINUTE,
        }
        self.ballot = self.world.say(self.world.founder, "ballot.open", body, texts=("Bread?",))
        assert self.ballot not in self.world.council.without_effect

    def cast(self) -> bytes:
        body = {"ballot": self.ballot, "revision": 0, "choice": "yes"}
        return self.world.say(Person("Ada"), "ballot.cast", body, (self.ballot,))


async def test_when_an_operation_came_is_saved_with_it(tmp_path: Path) -> None:
    mill = Mill(HALL)
    node = Node(tmp_path / "hall.db")
    await node.hear(*mill.world.said)
    assert set(node.store.receipts().values()) == {NOON}
    node.now += MINUTE
    cast = mill.cast()
    await node.hear(*mill.world.said)
    assert node.store.receipts()[cast] == NOON + MINUTE
    # After a restart the first time stands.
    again = Node(tmp_path / "hall.db", at=NOON + 5 * MINUTE)
    assert again.teller.received(cast) == NOON + MINUTE


async def test_what_the_disk_did_not_take_has_no_time(tmp_path: Path) -> None:
    mill = Mill(HALL)
    node = Node(tmp_path / "hall.db")
    await node.hear(*mill.world.said)
    cast = mill.cast()
    node.store.close()
    with pytest.raises(StoreFailed):
        await node.hear(mill.world.said[-1])
    kept = Node(tmp_path / "hall.db")
    assert cast not in kept.store.receipts()
    assert cast not in kept.service.council(mill.world.council.id)


async def test_a_clock_far_from_most_tellers_abstains_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mill = Mill(*TELLERS)
    id = mill.world.council.id
    node = Node(tmp_path / "hall.db", at=NOON - 5 * MINUTE)
    await node.hear(*mill.world.said)
    node.teller.timed(MILL.node, 0)
    assert node.teller.astray(id) is None
    node.teller.timed(MILL.node, 5 * MINUTE)
    with caplog.at_level(logging.ERROR):
        node.teller.timed(SCHOOL.node, 5 * MINUTE)
    assert "300 seconds behind" in (node.teller.astray(id) or "")
    assert "The teller abstains: this computer's clock" in caplog.text
    await node.teller.sign(id)
    assert _said(node, id) == []
    cast = mill.cast()
    await node.hear(mill.world.said[-1])
    assert node.teller.received(cast) is None

    # Set right, it goes on: what came meanwhile came at the latest now.
    node.now = NOON + MINUTE
    for teller in (MILL, SCHOOL):
        node.teller.timed(teller.node, 0)
    assert node.teller.astray(id) is None
    await node.teller.sign(id)
    assert [envelope.operation.kind for envelope in _said(node, id)] == ["teller.accept"]
    assert node.teller.received(cast) == NOON + MINUTE
    assert node.store.receipts()[cast] == NOON + MINUTE


def _said(node: Node, council: bytes) -> list[Envelope]:
    held = node.service.council(council)
    found = [node.said(council, id) for id in held.dag.ids]
    return [envelope for envelope in found if envelope is not None]


async def test_one_clock_that_is_wrong_silences_nobody_else(tmp_path: Path) -> None:
    mill = Mill(*TELLERS)
    id = mill.world.council.id
    node = Node(tmp_path / "hall.db")
    await node.hear(*mill.world.said)
    node.teller.timed(MILL.node, 3_600_000)
    assert "behind" in (node.teller.astray(id) or "")  # of the one that it talks to it cannot tell who is right
    node.teller.timed(SCHOOL.node, -2_000)
    assert node.teller.astray(id) is None
    node.teller.timed(BARN.node, -3_600_000)
    assert node.teller.astray(id) is not None
    node.teller.timed(BARN.node, 59_000)
    node.teller.timed(Person("a stranger").node, 3_600_000)
    assert node.teller.astray(id) is None


async def test_who_is_ahead_is_told_so(tmp_path: Path) -> None:
    mill = Mill(*TELLERS)
    node = Node(tmp_path / "hall.db")
    await node.hear(*mill.world.said)
    node.teller.timed(MILL.node, -90_000)
    assert "90 seconds ahead of" in (node.teller.astray(mill.world.council.id) or "")


async def test_a_sole_teller_has_nobody_to_compare_with(tmp_path: Path) -> None:
    mill = Mill(HALL)
    node = Node(tmp_path / "hall.db")
    await node.hear(*mill.world.said)
    node.teller.timed(MILL.node, 3_600_000)
    assert node.teller.astray(mill.world.council.id) is None
    assert node.teller.astray(bytes(32)) is None
