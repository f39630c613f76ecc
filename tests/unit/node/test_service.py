import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from node.feed import Missed
from node.outcome import Accepted, Aside, Known, Rejected, Waits
from node.refused import Refused
from node.service import Arrival, Service
from node.store import Pending, Store, StoreFailed
from protocol.council.outcomes import Added, EpochEntered, Erased
from protocol.errors import Refusal
from protocol.keys import public_key
from protocol.log.operation import Content, Draft, Envelope, decode_envelope, decode_header, split_inline
from tests.worlds import Person, Teller, World, seed

NODE = public_key(seed("node", "here"))
STRANGER = public_key(seed("node", "stranger"))
pytestmark = pytest.mark.trio

ADA, BEN = Person("Ada"), Person("Ben")


def service_at(path: Path, node: bytes = NODE, teller: bytes | None = None) -> Service:
    service = Service(Store(path), lambda: 1_790_000_000_000, node, teller)
    service.load()
    return service


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folkmoot.db"


@pytest.fixture
def service(path: Path) -> Service:
    return service_at(path)


def wire(envelope: Envelope) -> bytes:
    """The envelope as it travels: large attachments stay behind."""
    return Envelope(envelope.operation, split_inline(envelope.contents)).encode()


def talk(world: World | None = None) -> World:
    """A council of two in which something was said."""
    world = world or World()
    world.admit(BEN, ADA)
    proposal = world.proposal(ADA)
    world.say(BEN, "comment.write", {"on": proposal, "text": 0}, (proposal,), texts=("Which stove?",))
    motion = world.move(ADA, {"kind": "adopt", "proposal": proposal, "version": proposal}, (proposal,))
    world.assent(BEN, motion)
    world.epoch()
    return world


def envelopes(world: World) -> list[bytes]:
    return [wire(envelope) for envelope in world.said]


def rule(outcome: object) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.refusal.rule


class Watch:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.lacks: list[tuple[bytes, bytes | None]] = []
        self.pending: list[Pending] = []

    def saved(self, arrivals: Sequence[Arrival]) -> None:
        self.arrivals += arrivals

    def lacking(self, council: bytes, source: bytes | None) -> None:
        self.lacks.append((council, source))

    def following(self, pending: Pending) -> None:
        self.pending.append(pending)


async def test_what_was_accepted_is_there_after_the_power_went(path: Path, service: Service) -> None:
    world = talk()
    outcomes = await service.submit(envelopes(world))
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    # Nothing is closed: a second node on a copy of the files as they are now.
    copy = path.with_name("copy.db")
    for end in ("", "-wal"):
        copy.with_name(copy.name + end).write_bytes(path.with_name(path.name + end).read_bytes())
    again = service_at(copy)
    assert again.councils[world.council.id].digest() == world.council.digest()
    assert again.councils[world.council.id].items.ids(0, len(world.said)) == world.council.items.ids(0, len(world.said))


async def test_any_order_with_duplicates_gives_the_same_state(tmp_path: Path) -> None:
    world = talk()
    for n in range(5):
        service = service_at(tmp_path / f"{n}.db")
        await service.submit(envelopes(world)[:1])
        shuffled = envelopes(world)[1:] * 2
        random.Random(n).shuffle(shuffled)
        await service.submit(shuffled, ADA.node)
        assert service.councils[world.council.id].digest() == world.council.digest()


async def test_restarting_changes_nothing(path: Path, service: Service) -> None:
    world = talk()
    await service.submit(envelopes(world))
    again = service_at(path)
    outcomes = await again.submit(envelopes(world))
    assert {type(outcome) for outcome in outcomes} == {Known}
    assert [envelope.encode() for envelope in again.saved_envelopes(world.council.id)] == [
        envelope.encode() for envelope in service.saved_envelopes(world.council.id)
    ]


async def test_envelopes_come_out_as_they_went_in(service: Service) -> None:
    world = talk()
    await service.submit(envelopes(world))
    by_id = {envelope.operation.id: wire(envelope) for envelope in world.said}
    for id, data in by_id.items():
        envelope = service.envelope(world.council.id, id)
        assert envelope is not None
        assert envelope.encode() == data
    ids = sorted(by_id)
    assert service.travelling(world.council.id, ids) == [by_id[id] for id in ids]
    assert service.envelope(world.council.id, b"x" * 32) is None
    assert service.envelope(b"x" * 32, ids[0]) is None


@pytest.mark.parametrize(
    "sizes",
    [
        (0,),
        (23,),
        (24, 255),
        (256, 0, 65_280),
        (65_536,),
        (65_535, 1),
        (65_535, 2, 1),
        (65_537, 5),
        (40_000, 40_000, 20_000),
        (1,) * 30,
    ],
)
async def test_attachments_travel_as_they_came_whatever_their_sizes(service: Service, sizes: tuple[int, ...]) -> None:
    world = World()
    contents = tuple(Content(seed(n)[:16], bytes([n]) * size) for n, size in enumerate(sizes))
    body = {"on": world.council.id, "text": 0}
    envelope = world.draft(ADA.device_seed(), "comment.write", body, (world.council.id,), contents=contents)
    world.insert(envelope)
    await service.submit(envelopes(world))
    for index, content in enumerate(contents):
        assert await service.add_content(world.council.id, envelope.operation.id, index, content) is None
    assert service.travelling(world.council.id, [envelope.operation.id]) == [wire(envelope)]
    here = service.envelope(world.council.id, envelope.operation.id)
    assert here is not None
    assert here.encode() == wire(envelope)


async def test_a_draft_names_the_heads(service: Service) -> None:
    world = talk()
    await service.submit(envelopes(world))
    draft = service.draft(world.council.id)
    assert draft.deps == tuple(sorted(world.council.heads()))
    assert draft.epoch == world.council.head.number
    with pytest.raises(Refused, match="no such operation"):
        service.draft(world.council.id, [b"x" * 32])
    with pytest.raises(Refused, match="does not hold the council"):
        service.draft(b"x" * 32)


async def test_garbage_is_rejected_and_harms_nothing(service: Service) -> None:
    world = talk()
    (garbage, truncated, *rest) = await service.submit([b"garbage", envelopes(world)[0][:-1], *envelopes(world)])
    assert rule(garbage) == "cbor"
    assert rule(truncated) == "cbor"
    assert {type(outcome) for outcome in rest} == {Accepted}


async def test_a_wrong_signature_is_rejected(service: Service) -> None:
    world = talk()
    forged = [
        Envelope(decode_header(envelope.operation.header, bytes(64)), envelope.contents).encode()
        for envelope in world.said
    ]
    assert rule((await service.submit(forged[:1]))[0]) == "signature"
    await service.submit(envelopes(world)[:1])
    assert rule((await service.submit(forged[1:2]))[0]) == "signature"
    # The forgery does not stand in the way of the real one, not even among what waits.
    await service.submit(forged[2:])
    assert {type(outcome) for outcome in await service.submit(envelopes(world)[1:])} == {Accepted}


async def test_one_forgery_among_many_is_found(path: Path) -> None:
    world = World()
    for n in range(200):
        world.say(ADA, "merge", {"n": n})
    service = Service(Store(path), lambda: 0, NODE)
    said = envelopes(world)
    await service.submit(said[:1])
    last = world.said[-1]
    forgery = Envelope(decode_header(last.operation.header, bytes(64)), ()).encode()
    outcomes = await service.submit([*said[1:-1], forgery, said[-1]])
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 199 + [Rejected, Accepted]
    assert rule(outcomes[199]) == "signature"


async def test_strangers_do_not_bring_councils_here(service: Service) -> None:
    world = talk()
    assert rule((await service.submit(envelopes(world)[:1], STRANGER))[0]) == "unasked"
    assert rule((await service.submit(envelopes(world)[1:2], STRANGER))[0]) == "unknown-council"
    assert not service.councils


async def test_a_council_comes_in_where_it_was_asked_for(service: Service) -> None:
    world = talk()
    await service.follow(world.council.id, [(STRANGER, ())])
    assert isinstance((await service.submit(envelopes(world)[:1], STRANGER))[0], Accepted)


async def test_a_council_comes_in_where_its_teller_agreed(tmp_path: Path) -> None:
    world = talk()
    hall = service_at(tmp_path / "hall.db", world.teller.node, world.teller.key)
    assert isinstance((await hall.submit(envelopes(world)[:1], ADA.node))[0], Accepted)
    other = service_at(tmp_path / "other.db", NODE, world.teller.key)
    assert rule((await other.submit(envelopes(world)[:1], ADA.node))[0]) == "unasked"


async def test_what_lacks_its_deps_waits_and_is_missed(service: Service) -> None:
    world = talk()
    watch = Watch()
    service.observe(watch)
    first, *rest = envelopes(world)
    await service.submit([first])
    outcome = (await service.submit(rest[-1:], STRANGER))[0]
    assert isinstance(outcome, Waits)
    assert outcome.missing
    assert watch.lacks == [(world.council.id, STRANGER)]
    await service.submit(rest[:-1])
    assert service.councils[world.council.id].digest() == world.council.digest()
    # Who sent it is still known when it comes in at last.
    assert [arrival.source for arrival in watch.arrivals if arrival.envelope == rest[-1]] == [STRANGER]
    assert sorted(arrival.envelope for arrival in watch.arrivals) == sorted(envelopes(world))


async def test_events_tell_what_is_on_disk(path: Path, service: Service) -> None:
    world = talk()
    with service.subscribe() as everything, service.subscribe(b"x" * 32) as nothing:
        await service.submit(envelopes(world))
        told = everything.drain()
        assert nothing.drain() == []
    added = [news.event.operation for news in told if not isinstance(news, Missed) and isinstance(news.event, Added)]
    assert added == [envelope.operation.id for envelope in world.said]
    epochs = [
        news.event.number for news in told if not isinstance(news, Missed) and isinstance(news.event, EpochEntered)
    ]
    assert epochs == list(range(world.council.head.number + 1))


async def test_a_subscription_ends_with_the_service(service: Service) -> None:
    world = World()
    with service.subscribe() as feed:
        await service.submit(envelopes(world))
        service.close()
        assert len([news async for news in feed]) == 2
    assert [news async for news in service.subscribe()] == []


def with_file(world: World, size: int) -> tuple[Envelope, Content]:
    """Ada puts a file of that size beside a comment on the founding."""
    text, file = Content(b"t" * 16, b"see the plan"), Content(b"f" * 16, bytes(size))
    envelope = world.draft(
        ADA.device_seed(),
        "comment.write",
        {"on": world.council.id, "text": 0},
        (world.council.id,),
        contents=(text, file),
    )
    world.insert(envelope)
    return envelope, file


async def test_a_large_attachment_is_wanted_until_it_comes(path: Path, service: Service) -> None:
    world = World()
    envelope, file = with_file(world, 200_000)
    council, operation = world.council.id, envelope.operation.id
    watch = Watch()
    service.observe(watch)
    await service.submit(envelopes(world))
    assert watch.lacks == [(council, None)]
    (wanted,) = service.wanted(council)
    assert (wanted.operation, wanted.index, wanted.reference) == (operation, 1, file.reference())
    assert service.content(council, operation, 0) is not None
    assert service.content(council, operation, 1) is None
    assert await service.add_content(council, operation, 1, file) is None
    again = service_at(path)
    assert again.wanted(council) == []
    assert again.content(council, operation, 1) == file
    # It still travels by itself.
    travelling = again.envelope(council, operation)
    assert travelling is not None
    assert travelling.contents[1] is None


@pytest.mark.parametrize(
    ("place", "content", "expected"),
    [
        (("council", "operation", 1), Content(b"f" * 16, bytes(200_001)), "content-hash"),
        (("council", "operation", 1), Content(b"g" * 16, bytes(200_000)), "content-hash"),
        (("council", "operation", 2), Content(b"f" * 16, bytes(200_000)), "unknown-content"),
        (("council", "operation", -1), Content(b"f" * 16, bytes(200_000)), "unknown-content"),
        (("council", "other", 1), Content(b"f" * 16, bytes(200_000)), "unknown-operation"),
        (("other", "operation", 1), Content(b"f" * 16, bytes(200_000)), "unknown-operation"),
    ],
)
async def test_only_the_attachment_that_was_signed_is_kept(
    service: Service, place: tuple[str, str, int], content: Content, expected: str
) -> None:
    world = World()
    envelope, _ = with_file(world, 200_000)
    await service.submit(envelopes(world))
    names = {"council": world.council.id, "operation": envelope.operation.id, "other": b"x" * 32}
    refusal = await service.add_content(names[place[0]], names[place[1]], place[2], content)
    assert isinstance(refusal, Refusal)
    assert refusal.rule == expected
    assert len(service.wanted(world.council.id)) == 1


async def test_an_attachment_that_was_missing_comes_with_a_second_envelope(service: Service) -> None:
    world = World()
    envelope, _ = with_file(world, 10)
    bare = Envelope(envelope.operation, (None, None))
    await service.submit([*envelopes(world)[:1], bare.encode()])
    assert len(service.wanted(world.council.id)) == 2
    assert isinstance((await service.submit([wire(envelope)], STRANGER))[0], Known)
    assert service.wanted(world.council.id) == []


async def test_what_is_erased_goes_and_does_not_come_back(path: Path, service: Service) -> None:
    world = World()
    envelope, file = with_file(world, 50_000)
    council, operation = world.council.id, envelope.operation.id
    await service.submit(envelopes(world))
    assert service.content(council, operation, 1) == file
    before = len(world.said)
    world.say(ADA, "talk.erase", {"operation": operation, "attachments": [0, 1]}, (operation,))
    with service.subscribe() as feed:
        await service.submit(envelopes(world)[before:])
        told = [news.event for news in feed.drain() if not isinstance(news, Missed)]
    assert Erased(operation, frozenset({0, 1})) in told
    for here in (service, service_at(path)):
        assert here.content(council, operation, 0) is None
        assert here.content(council, operation, 1) is None
        assert here.wanted(council) == []
        await here.submit([wire(envelope)], STRANGER)
        assert here.content(council, operation, 0) is None
        refusal = await here.add_content(council, operation, 1, file)
        assert isinstance(refusal, Refusal)
        assert refusal.rule == "erased"
        assert here.councils[council].digest() == world.council.digest()


async def test_what_was_erased_before_it_came_is_not_kept_at_all(service: Service) -> None:
    world = World()
    envelope, _ = with_file(world, 1000)
    world.say(ADA, "talk.erase", {"operation": envelope.operation.id, "attachments": [1]}, (envelope.operation.id,))
    await service.submit(envelopes(world))
    assert service.content(world.council.id, envelope.operation.id, 0) is not None
    assert service.content(world.council.id, envelope.operation.id, 1) is None
    assert service.wanted(world.council.id) == []


async def test_a_rival_epoch_is_kept_as_proof_beside_the_log(path: Path, service: Service) -> None:
    ours, theirs = World(), World()
    request = ours.request(ours.invite(ADA), BEN)
    theirs.insert(ours.said[1])
    theirs.insert(ours.said[2])
    for world in (ours, theirs):
        if world is theirs:
            world.say(ADA, "merge", {})
        world.move(ADA, {"kind": "admit", "request": request}, (request,))
        world.epoch()
    await service.submit(envelopes(ours))
    outcomes = await service.submit(envelopes(theirs), STRANGER)
    (aside,) = [outcome for outcome in outcomes if isinstance(outcome, Aside)]
    assert aside.refusal.rule == "rival"
    assert service_at(path).rivals(ours.council.id) == [(aside.id, envelopes(theirs)[-1])]
    assert service.councils[ours.council.id].head.digest == ours.council.head.digest


async def test_nothing_is_accepted_after_the_disk_failed(service: Service) -> None:
    world = talk()
    first, *rest = envelopes(world)
    await service.submit([first])
    watch = Watch()
    service.observe(watch)
    service._store._db.execute("pragma query_only=on")
    with service.subscribe() as feed:
        with pytest.raises(StoreFailed):
            await service.submit(rest)
        assert feed.drain() == []
    assert watch.arrivals == []
    service._store._db.execute("pragma query_only=off")
    with pytest.raises(StoreFailed):
        await service.submit(rest)
    assert "may not be written" in str(await service.failure())


async def test_a_store_that_does_not_fit_together_is_refused(path: Path, service: Service) -> None:
    world = talk()
    await service.submit(envelopes(world))
    service._store._db.execute("delete from operations where row = 2")
    with pytest.raises(Refused, match="does not fit together"):
        service_at(path)


async def test_an_operation_that_changed_on_disk_is_found(path: Path, service: Service) -> None:
    world = talk()
    await service.submit(envelopes(world))
    service._store._db.execute("update operations set raw = (select raw from operations where row = 3) where row = 2")
    with pytest.raises(Refused, match="does not have the hash"):
        service_at(path)


def asking(world: World, who: Person = BEN) -> bytes:
    """A request to join, which the world itself has not seen."""
    invitation = world.invite(ADA)
    body = {**who.enrolment(invitation.id), **who.listing(invitation.id)}
    draft = Draft(
        world.council.id,
        public_key(invitation.seed),
        invitation.depth + 1,
        (invitation.id,),
        world.clock,
        "council.request",
        body,
    )
    return draft.signed(invitation.seed).encode()


async def test_a_request_is_kept_until_it_is_granted(tmp_path: Path) -> None:
    world = World()
    request = asking(world)
    here = service_at(tmp_path / "ben.db", BEN.node)
    watch = Watch()
    here.observe(watch)
    nodes = [(Teller("hall").node, ("/ip4/127.0.0.1/tcp/1",))]
    pending = await here.join(request, nodes)
    assert isinstance(pending, Pending)
    assert watch.pending == [pending]
    here = service_at(tmp_path / "ben.db", BEN.node)
    assert here.pending() == [pending]
    assert here.followed() == {world.council.id: pending}
    here.settle(pending.request, "delivered")
    assert [p.state for p in here.pending()] == ["delivered"]
    # Meanwhile, elsewhere: she is admitted, and the council comes to her node.
    (outcome,) = await (await service_of(world, tmp_path)).submit([request])
    assert isinstance(outcome, Accepted)
    world.insert(decode_envelope(request))
    world.move(ADA, {"kind": "admit", "request": outcome.id}, (outcome.id,))
    world.epoch()
    await here.submit(envelopes(world), Teller("hall").node)
    assert [p.state for p in here.pending()] == ["admitted"]
    assert here.followed() == {}


async def service_of(world: World, tmp_path: Path) -> Service:
    service = service_at(tmp_path / "hall.db", Teller("hall").node)
    await service.submit(envelopes(world))
    return service


async def test_a_request_to_a_council_that_is_here_simply_comes_in(tmp_path: Path) -> None:
    world = World()
    request = asking(world)
    outcome = await (await service_of(world, tmp_path)).join(request, [])
    assert isinstance(outcome, Accepted)


async def test_what_is_no_request_is_not_sent_about(service: Service) -> None:
    world = World()
    with pytest.raises(Refused, match="not well-formed"):
        await service.join(b"garbage", [])
    envelope = world.draft(ADA.device_seed(), "merge", {})
    with pytest.raises(Refused, match="no signed request"):
        await service.join(envelope.encode(), [])


async def test_requests_can_be_taken_back_and_are_not_without_number(service: Service) -> None:
    for n in range(64):
        await service.follow(b"%032d" % n, [])
    with pytest.raises(Refused, match="take one back"):
        await service.follow(b"x" * 32, [])
    service.take_back(b"%032d" % 7)
    assert await service.follow(b"x" * 32, []) is not None
    assert len(service.pending()) == 64


async def test_a_council_that_is_here_is_not_fetched(tmp_path: Path) -> None:
    world = World()
    assert await (await service_of(world, tmp_path)).follow(world.council.id, []) is None


async def test_a_council_that_is_here_from_earlier_is_fetched_again(service: Service) -> None:
    """The roll here does not list this node (any more), so nothing would come by itself."""
    world = World()
    await service.submit(envelopes(world))
    assert await service.follow(world.council.id, []) in service.pending()


async def test_petnames_and_disk(service: Service) -> None:
    service.set_petname(BEN.key, "Benny")
    assert service.petnames() == {BEN.key: "Benny"}
    assert service.disk_bytes() > 0
    assert service.peers() == []
