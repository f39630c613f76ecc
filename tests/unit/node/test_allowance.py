"""What the charter allows each member to attach, held by each node for itself."""

from pathlib import Path

import pytest

from node.outcome import Accepted, Rejected
from node.service import Service
from node.store import Store
from protocol.errors import Refusal
from protocol.log.operation import Content, Envelope, split_inline
from tests.worlds import Person, World, small_charter

pytestmark = pytest.mark.trio

ADA, BEN = Person("Ada"), Person("Ben")
PEER = b"p" * 32
LIMIT = 1 << 20


def council() -> World:
    world = World(founder=ADA, charter=small_charter(limits={"devices": 2, "nodes": 2, "storage": LIMIT}))
    world.admit(BEN, ADA)
    return world


def service_at(path: Path) -> Service:
    service = Service(Store(path), lambda: 0, bytes(32))
    service.load()
    return service


def comment(world: World, who: Person, *sizes: int) -> Envelope:
    """A comment with attachments of so many bytes; it is in the world's log."""
    contents = tuple(Content(bytes([n, size % 251]) * 8, bytes(size)) for n, size in enumerate(sizes))
    body = {"on": world.council.id, "text": 0}
    envelope = world.draft(who.device_seed(), "comment.write", body, (world.council.id,), contents=contents)
    world.insert(envelope)
    return envelope


def wire(envelope: Envelope) -> bytes:
    return Envelope(envelope.operation, split_inline(envelope.contents)).encode()


async def filled(service: Service, source: bytes | None) -> World:
    """A council in which Ben has said all that he may; his last words come from `source`."""
    world = council()
    await service.submit([wire(envelope) for envelope in world.said])
    for _ in range(16):
        (outcome,) = await service.submit([wire(comment(world, BEN, 60_000))], source)
        assert isinstance(outcome, Accepted)
    return world


async def test_a_person_of_this_home_hears_that_she_has_said_all_that_she_may(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    world = await filled(service_at(path), None)
    service = service_at(path)  # what is on disk counts, not what this program remembers
    more = comment(world, BEN, 60_000, 60_000)
    (outcome,) = await service.submit([wire(more)])
    assert isinstance(outcome, Rejected)
    assert outcome.refusal.rule == "storage"
    assert "1 MB" in outcome.refusal.message
    # What has no attachment is always taken: her voice does not end. And others have their own room.
    world = await filled(service_at(tmp_path / "other.db"), None)
    for envelope in (world.draft(BEN.device_seed(), "merge", {}), comment(world, ADA, 60_000)):
        (outcome,) = await service.submit([wire(envelope)])
        assert isinstance(outcome, Accepted)


async def test_from_peers_the_operation_is_taken_and_what_it_attaches_is_not(tmp_path: Path) -> None:
    """The nodes of a council hold the same operations, whatever each of them has room for."""
    service = service_at(tmp_path / "store.db")
    world = await filled(service, PEER)
    more = [comment(world, BEN, 30_000, 30_000), comment(world, BEN, 60_000)]
    for envelope in more:
        (outcome,) = await service.submit([wire(envelope)], PEER)
        assert isinstance(outcome, Accepted)
    assert service.council(world.council.id).digest() == world.council.digest()
    held = [service.content(world.council.id, more[0].operation.id, n) is not None for n in range(2)]
    assert held == [True, True], "there was room for these"
    late = comment(world, BEN, 60_000)
    await service.submit([wire(late)], PEER)
    assert service.content(world.council.id, late.operation.id, 0) is None
    assert service.wanted(world.council.id) == [], "it is not asked for either"
    # Nor is it taken when it is brought, by itself or with the operation.
    content = late.contents[0]
    assert content is not None
    refusal = await service.add_content(world.council.id, late.operation.id, 0, content, PEER)
    assert isinstance(refusal, Refusal)
    assert refusal.rule == "storage"
    await service.submit([wire(late)], PEER)
    assert service.content(world.council.id, late.operation.id, 0) is None


async def test_when_there_is_room_again_it_is_fetched(tmp_path: Path) -> None:
    service = service_at(tmp_path / "store.db")
    world = await filled(service, PEER)
    late = [comment(world, BEN, 60_000) for _ in range(3)]
    await service.submit([wire(envelope) for envelope in late], PEER)
    missing = [e for e in late if service.content(world.council.id, e.operation.id, 0) is None]
    assert missing
    said = [e for e in world.said if e.operation.kind == "comment.write"][:4]
    for envelope in said:
        needs = (envelope.operation.id,)
        world.say(BEN, "talk.erase", {"operation": envelope.operation.id, "attachments": [0]}, needs)
        await service.submit([wire(world.said[-1])], PEER)
    wanted = {each.operation for each in service.wanted(world.council.id)}
    assert wanted == {e.operation.id for e in missing}
    content = missing[0].contents[0]
    assert content is not None
    assert await service.add_content(world.council.id, missing[0].operation.id, 0, content, PEER) is None


async def test_who_floods_does_not_hide_what_is_missing_of_others(tmp_path: Path) -> None:
    service = service_at(tmp_path / "store.db")
    world = await filled(service, PEER)
    large = comment(world, ADA, 100_000)
    flood = [comment(world, BEN, 64_000) for _ in range(300)]
    await service.submit([wire(envelope) for envelope in (large, *flood)], PEER)
    assert [each.operation for each in service.wanted(world.council.id, 16)] == [large.operation.id]
