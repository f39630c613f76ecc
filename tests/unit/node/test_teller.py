from pathlib import Path

import pytest
import trio

from node.service import Service
from node.store import Store
from node.teller import Teller as NodeTeller
from protocol.log.operation import Envelope, split_inline
from tests.worlds import Person, Teller, World, small_charter

pytestmark = pytest.mark.trio

ADA, BEN, CLEO = Person("Ada"), Person("Ben"), Person("Cleo")
HALL = Teller("hall")


class Hall:
    """The hall's node without a network: its store, its service, its teller."""

    def __init__(self, path: Path, *, restored: bool = False) -> None:
        self.store = Store(path)
        self.service = Service(self.store, lambda: 1_790_000_000_000, HALL.node, HALL.key)
        self.service.load()
        self.teller = NodeTeller(self.service, self.store, HALL.seed, restored=restored)

    async def hear(self, world: World, begin: int = 0) -> None:
        said = world.said[begin:]
        await self.service.submit([Envelope(e.operation, split_inline(e.contents)).encode() for e in said])

    def number(self, world: World) -> int:
        return self.service.council(world.council.id).head.number


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path / "hall.db")


def asking(world: World, who: Person, *others: Person) -> bytes:
    request = world.request(world.invite(ADA), who)
    motion = world.move(ADA, {"kind": "admit", "request": request}, (request,))
    for other in others:
        world.assent(other, motion)
    return request


async def test_it_signs_what_is_due_and_every_node_agrees(hall: Hall) -> None:
    world = World()
    asking(world, BEN)
    await hall.hear(world)
    await hall.teller.sign(world.council.id)
    assert hall.number(world) == 1
    (epoch,) = hall.service.council(world.council.id).heads()
    envelope = hall.service.envelope(world.council.id, epoch)
    assert envelope is not None
    world.insert(envelope)
    assert world.council.digest() == hall.service.council(world.council.id).digest()


async def test_it_says_nothing_while_nothing_is_due(hall: Hall) -> None:
    world = World()
    world.proposal(ADA)
    await hall.hear(world)
    before = len(hall.service.council(world.council.id))
    await hall.teller.sign(world.council.id)
    assert len(hall.service.council(world.council.id)) == before


async def test_it_does_not_sign_for_councils_of_others(hall: Hall) -> None:
    world = World(tellers=(Teller("elsewhere"),))
    asking(world, BEN)
    await hall.hear(world)
    assert hall.teller.councils() == []
    await hall.teller.sign(world.council.id)
    assert hall.number(world) == 0


async def test_it_works_by_itself_once_it_runs(hall: Hall) -> None:
    world = World()
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hall.teller.run)
            asking(world, BEN)
            await hall.hear(world)
            while hall.number(world) < 1:
                await hall.service.changed.wait()
            nursery.cancel_scope.cancel()


async def test_what_was_due_before_it_started_is_signed_then(tmp_path: Path) -> None:
    world = World()
    asking(world, BEN)
    await Hall(tmp_path / "hall.db").hear(world)
    hall = Hall(tmp_path / "hall.db")
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hall.teller.run)
            while hall.number(world) < 1:
                await hall.service.changed.wait()
            nursery.cancel_scope.cancel()


async def test_stopped_after_signing_it_says_the_same_again(tmp_path: Path) -> None:
    """The signature was made, the power went, and by now another record would be due."""
    world = World()
    asking(world, BEN)
    hall = Hall(tmp_path / "hall.db")
    await hall.hear(world)
    record = hall.service.council(world.council.id).compose()
    assert record is not None
    assert hall.teller._due(world.council.id) is not None  # noted, and then never said

    hall = Hall(tmp_path / "hall.db")
    before = len(world.said)
    asking(world, CLEO)
    await hall.hear(world, before)
    other = hall.service.council(world.council.id).compose()
    assert other is not None
    assert other.digest != record.digest
    await hall.teller.sign(world.council.id)
    links = hall.service.council(world.council.id).branch.links
    assert [link.digest for link in links[1:]] == [record.digest]
    assert len(hall.service.council(world.council.id).pending().motions) == 1  # Cleo's waits for Ben's assent now


async def test_a_restored_teller_waits_for_half_of_the_others(tmp_path: Path) -> None:
    """An old copy of the database was put back: what it signed since is with the members."""
    world = World()
    for who in (BEN, CLEO):
        world.admit(who, *world_members(world))
    hall = Hall(tmp_path / "hall.db")
    await hall.hear(world)
    old = len(world.said)

    first = asking(world, Person("Dan"), BEN, CLEO)
    record = world.epoch()
    assert record is not None

    hall = Hall(tmp_path / "hall.db", restored=True)
    assert "put back from a copy" in (hall.teller.silent(world.council.id) or "")
    unheard = world.said[old:-1]  # all that led to the epoch, but not the epoch
    await hall.service.submit([envelope.encode() for envelope in unheard])
    await hall.teller.sign(world.council.id)
    assert first not in hall.service.council(world.council.id).head.members
    hall.teller.heard(world.council.id, ADA.node)
    hall.teller.heard(world.council.id, Person("stranger").node)
    assert hall.teller.silent(world.council.id) is not None
    # It stays so over another start.
    hall = Hall(tmp_path / "hall.db")
    assert hall.teller.silent(world.council.id) is not None
    hall.teller.heard(world.council.id, ADA.node)
    await hall.hear(world, old)
    hall.teller.heard(world.council.id, BEN.node)
    assert hall.teller.silent(world.council.id) is None
    assert hall.service.council(world.council.id).head.digest == record.digest


def world_members(world: World) -> list[Person]:
    by_key = {person.key: person for person in (ADA, BEN, CLEO)}
    return [by_key[member.person] for member in world.council.head.members.values()]


async def test_where_there_is_no_other_node_nothing_can_be_missing(tmp_path: Path) -> None:
    world = World(founder=Person(HALL.name))
    await Hall(tmp_path / "hall.db").hear(world)
    hall = Hall(tmp_path / "hall.db", restored=True)
    assert hall.teller.silent(world.council.id) is None


async def test_a_council_that_comes_back_after_the_database_was_lost(tmp_path: Path) -> None:
    """Nothing was left of it, so the others know more of what this teller signed than it does."""
    world = World()
    hall = Hall(tmp_path / "hall.db", restored=True)
    hall.service.observe(hall.teller)
    await hall.service.submit([world.said[0].encode()], ADA.node)
    assert "put back from a copy" in (hall.teller.silent(world.council.id) or "")
    hall.teller.heard(world.council.id, ADA.node)
    assert hall.teller.silent(world.council.id) is None


async def test_a_person_can_say_that_nothing_is_missing(tmp_path: Path) -> None:
    world = World()
    await Hall(tmp_path / "hall.db").hear(world)
    hall = Hall(tmp_path / "hall.db", restored=True)
    hall.teller.confirm(world.council.id)
    assert hall.teller.silent(world.council.id) is None


async def test_one_of_several_tellers_enters_no_epoch_alone(hall: Hall) -> None:
    names = ("hall", "mill", "school", "barn")
    world = World(charter=small_charter(tellers="4"), tellers=tuple(Teller(name) for name in names))
    asking(world, BEN)
    await hall.hear(world)
    await hall.teller.sign(world.council.id)
    assert hall.number(world) == 0


async def test_four_tellers_agree_on_an_epoch(tmp_path: Path) -> None:
    tellers = tuple(Teller(name) for name in ("hall", "mill", "school", "barn"))
    world = World(charter=small_charter(tellers="4"), tellers=tellers)
    asking(world, BEN)
    halls = []
    for each in tellers:
        one = Hall(tmp_path / f"{each.name}.db")
        one.teller = NodeTeller(one.service, one.store, each.seed)
        await one.hear(world)
        halls.append(one)
    id = world.council.id
    # Whatever one says comes to all, until nobody has anything to say.
    while any([await _say(one, halls, id) for one in halls]):
        pass
    assert [one.number(world) for one in halls] == [1, 1, 1, 1]
    assert len({one.service.council(id).digest() for one in halls}) == 1


async def _say(one: Hall, halls: list[Hall], council: bytes) -> bool:
    known = set(one.service.council(council).dag.ids)
    await one.teller.sign(council)
    news = [operation for operation in one.service.council(council).dag.ids if operation not in known]
    for other in halls:
        await other.service.submit(one.service.travelling(council, news))
    return bool(news)
