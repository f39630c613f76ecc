"""Ballots as the API shows them at every stage, with tellers who share one log and a clock that is told the time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from node.api import ballots
from node.api.ballot_answers import BallotAnswer, CastAnswer
from node.api.effects import effect_words
from node.api.events import stream
from node.api.names import Names
from node.outcome import Accepted
from node.refused import Refused
from node.service import Service
from node.store import Store
from protocol.council.certificate import examine, read_certificate
from protocol.council.council import Council
from protocol.council.tellership import Tellership
from protocol.ids import operation_text, person_text
from protocol.keys import public_key
from protocol.log.operation import Content, Envelope, split_inline
from tests.worlds import Person, Teller, World, seed, small_charter

pytestmark = pytest.mark.trio

ADA, BEN, CLEO, DAN = (Person(name) for name in ("Ada", "Ben", "Cleo", "Dan"))
TELLERS = tuple(Teller(name) for name in ("north", "east", "south", "west"))
HOUR = 3_600_000


@dataclass
class Stage:
    """A council of Ada, Ben and Cleo, in a world and at a node; whoever is in `awake` of the tellers speaks."""

    service: Service
    world: World
    clock: list[int]
    awake: list[Teller]
    offices: dict[bytes, Tellership] = field(default_factory=dict)
    received_at: dict[bytes, int] = field(default_factory=dict)
    given: int = 0

    def received(self, operation: bytes) -> int | None:
        return self.received_at.get(operation)

    def in_contact(self) -> int:
        return len(self.world.tellers) - 1

    @property
    def council(self) -> Council:
        """The council as the node holds it."""
        return self.service.council(self.world.council.id)

    async def give(self) -> None:
        """Hand the node what was said in the world since."""
        for said in self.world.said[self.given :]:
            self.received_at[said.operation.id] = self.clock[0]
            wire = Envelope(said.operation, split_inline(said.contents)).encode()
            (outcome,) = await self.service.submit([wire])
            assert isinstance(outcome, Accepted), outcome
        self.given = len(self.world.said)

    async def settle(self, at: int | None = None) -> None:
        """Let the tellers that are awake say what is due at `at`, ms."""
        self.clock[0] = self.clock[0] if at is None else at
        await self.give()
        while any([self._speaks(teller) for teller in self.awake]):  # noqa: C419  # each of them, every time
            await self.give()

    def _speaks(self, teller: Teller) -> bool:
        office = self.offices.setdefault(teller.key, Tellership(self.world.council, teller.seed, self))
        deed = office.poll(self.clock[0])
        if deed is None:
            return False
        contents = tuple(Content(b"", part) for part in deed.parts)
        deps = deed.needs if deed.alone else None
        said = self.world.draft(teller.seed, deed.kind, deed.body, deed.needs, contents=contents, deps=deps)
        self.world.insert(said)
        self.received_at[said.operation.id] = self.clock[0]
        return True

    async def open(self, **changes: Any) -> bytes:
        """Ada asks by ballot, for an hour."""
        body: dict[str, Any] = {
            "epoch": self.world.council.head.digest,
            "question": {"rule": "majority-simple/1"},
            "title": 0,
            "deadline": self.clock[0] + HOUR,
            **changes,
        }
        ballot = self.world.say(ADA, "ballot.open", body, texts=("Heat the hall?",))
        await self.settle()
        return ballot

    def cast(self, who: Person, ballot: bytes, choice: Any, **more: Any) -> bytes:
        body = {"ballot": ballot, "revision": 0, "choice": choice, **more}
        needs = (ballot, *([body["replaces"]] if "replaces" in body else []))
        return self.world.say(who, "ballot.cast", body, needs)

    async def end(self, ballot: bytes) -> None:
        """Go on until the ballot is certified and an epoch has taken that in."""
        deadline = self.world.council.box.ballots[ballot].current.deadline
        for later in (0, 11_000, 20_000, 40_000):
            await self.settle(deadline + later)

    def shown(self, ballot: bytes) -> BallotAnswer:
        return ballots.ballot(self.service, self.council, self.council.box.ballots[ballot])

    def shown_cast(self, ballot: bytes, who: Person) -> CastAnswer:
        votes = {vote.voter.person: vote.cast for vote in self.shown(ballot).votes}
        cast = votes[person_text(who.key)]
        assert cast is not None
        return cast


Staged = Callable[..., Any]


@pytest.fixture
def stage(tmp_path: Path) -> Staged:
    async def staged(profile: str = "1", tellers: int = 1, **durations: int) -> Stage:
        clock = [1_790_000_000_000]
        service = Service(Store(tmp_path / "db"), lambda: clock[0], public_key(seed("node", "here")))
        service.load()
        spans = {"notice": 0, "discussion": 0, **durations}
        world = World(charter=small_charter(tellers=profile, durations=spans), tellers=TELLERS[:tellers])
        staged = Stage(service, world, clock, list(TELLERS[:tellers]))
        for person, by in ((BEN, (ADA,)), (CLEO, (ADA, BEN))):
            request = world.request(world.invite(by[0]), person)
            motion = world.move(by[0], {"kind": "admit", "request": request}, (request,))
            for other in by[1:]:
                world.assent(other, motion)
            await staged.settle()
        assert len(world.council.head.members) == 3
        return staged

    return staged


async def test_a_cast_goes_through_its_stages(stage: Staged) -> None:
    hall: Stage = await stage("4", 4)
    ballot = await hall.open()
    opened = hall.shown(ballot)
    assert (opened.state, opened.words, opened.needed, opened.liars) == ("open", "open: 0 of 3 have voted", 3, 1)
    assert [teller.answer for teller in opened.tellers] == ["accepted"] * 4
    hall.cast(ADA, ballot, "yes")
    hall.cast(BEN, ballot, "no")
    hall.awake = [*TELLERS[:3]]
    await hall.settle(hall.clock[0] + 1_000)
    assert hall.shown_cast(ballot, ADA).stands == "cast"
    await hall.settle(hall.clock[0] + 11_000)
    assert hall.shown_cast(ballot, ADA).stands == "with 3 of 4 tellers, on time"
    hall.awake = [*TELLERS[:2]]
    await hall.settle(opened.deadline)
    assert hall.shown_cast(ballot, ADA).stands == "closed, on the lists of 2 of 2 tellers"
    hall.cast(CLEO, ballot, "yes")
    await hall.settle()
    assert hall.shown_cast(ballot, CLEO).stands == "closed: no teller that has closed had it on time"
    assert "2 of 4 tellers have closed, and 3 have to agree" in hall.shown(ballot).words
    with pytest.raises(Refused, match="has no certificate yet"):
        ballots.certificate(hall.service, hall.council, hall.council.box.ballots[ballot], casts=False)
    hall.awake = [*TELLERS]
    await hall.end(ballot)
    answer = hall.shown(ballot)
    result = answer.result
    assert result is not None
    assert (result.figures, result.beyond_recall, result.voted) == ("1-1", True, 2)
    assert hall.shown_cast(ballot, ADA).stands == f"{result.certified}, beyond recall"
    late = hall.shown_cast(ballot, CLEO)
    assert (late.counted, late.stands) == (False, "not counted: too few tellers had it on time")
    assert result.explanation[-1].startswith("As many said yes as no")
    assert sum(teller.signed for teller in answer.tellers) == len(result.signatures) >= 3
    data = ballots.certificate(hall.service, hall.council, hall.council.box.ballots[ballot], casts=True)
    assert examine(read_certificate(data), frozenset(teller.key for teller in TELLERS)).refusal is None


async def test_a_ballot_that_its_tellers_decline_says_why(stage: Staged) -> None:
    hall: Stage = await stage(notice=2 * 3_600)
    ballot = await hall.open()
    answer = hall.shown(ballot)
    assert (answer.state, answer.tellers[0].answer) == ("declined", "declined")
    assert answer.tellers[0].why == "less time was left than the charter's notice"
    assert answer.words.endswith("less time was left than the charter's notice: open it again")
    held = hall.council.box.ballots[ballot]
    with pytest.raises(Refused) as refused:
        ballots.cast_draft(hall.service, hall.council, held, next(iter(held.roll)), "yes")
    assert refused.value.rule == "ballot-declined"
    hall.cast(ADA, ballot, "yes")
    await hall.give()
    assert hall.shown_cast(ballot, ADA).stands == "without effect: the tellers declined the ballot"
    assert [line.state for line in ballots.ballots(hall.service, hall.council)] == ["declined"]


async def test_a_ballot_waits_for_its_tellers(stage: Staged) -> None:
    hall: Stage = await stage("4", 4)
    hall.awake = [TELLERS[0]]
    ballot = await hall.open()
    answer = hall.shown(ballot)
    assert answer.words == "waits for its tellers: 1 of the 3 that it needs have accepted it"
    assert sorted(teller.answer for teller in answer.tellers) == ["accepted", "silent", "silent", "silent"]


async def test_tellers_that_sleep_extend_the_ballot_until_it_lapses(stage: Staged) -> None:
    hall: Stage = await stage(extension=600, extensions=1)
    ballot = await hall.open()
    hall.cast(ADA, ballot, "yes")
    await hall.give()
    await hall.settle(hall.shown(ballot).deadline + 120_000)
    extended = hall.shown(ballot)
    assert (extended.state, extended.words) == ("open", "open, extended once: 1 of 3 have voted")
    assert [(one.attended, one.outcome) for one in extended.instances] == [(0, "extended"), (0, None)]
    await hall.settle(extended.deadline + 120_000)
    for _ in range(3):
        await hall.settle(hall.clock[0] + 11_000)
    result = hall.shown(ballot).result
    assert result is not None
    assert (result.outcome, result.figures, result.instance) == ("lapsed", "lapsed", 1)
    assert result.words.startswith("It lapsed: too few of the tellers were there")
    assert hall.shown_cast(ballot, ADA).stands.startswith("certified lapsed, round 0")


async def test_what_is_cast_twice_is_shown(stage: Staged) -> None:
    hall: Stage = await stage()
    ballot = await hall.open()
    (head,) = hall.world.council.heads()
    first = hall.world.say(ADA, "ballot.cast", {"ballot": ballot, "revision": 0, "choice": "yes"}, deps=(head, ballot))
    again = hall.world.say(ADA, "ballot.cast", {"ballot": ballot, "revision": 0, "choice": "no"}, deps=(head, ballot))
    await hall.give()
    (found,) = hall.shown(ballot).equivocations
    assert (found.what, found.key) == ("cast", person_text(ADA.device()))
    assert sorted(found.operations) == sorted([operation_text(first), operation_text(again)])
    assert hall.shown_cast(ballot, ADA).cast == operation_text(min(first, again))
    held = hall.council.box.ballots[ballot]
    ada = next(membership for membership, member in held.roll.items() if member.person == ADA.key)
    draft = ballots.cast_draft(hall.service, hall.council, held, ada, None)
    assert (draft.revision, draft.replaces) == (1, operation_text(min(first, again)))


async def test_only_the_pinned_roll_votes_and_only_so_often(stage: Staged) -> None:
    hall: Stage = await stage()
    ballot = await hall.open()
    dan = hall.world.request(hall.world.invite(ADA), DAN)
    motion = hall.world.move(ADA, {"kind": "admit", "request": dan}, (dan,))
    hall.world.assent(BEN, motion)
    await hall.settle()
    assert dan in hall.council.head.members
    held = hall.council.box.ballots[ballot]
    with pytest.raises(Refused, match="joined after it was opened"):
        ballots.cast_draft(hall.service, hall.council, held, dan, "yes")
    with pytest.raises(Refused, match="is no member"):
        ballots.cast_draft(hall.service, hall.council, held, bytes(32), "yes")
    ada = next(membership for membership, member in held.roll.items() if member.person == ADA.key)
    with pytest.raises(Refused, match="answer one of yes, no, abstain"):
        ballots.cast_draft(hall.service, hall.council, held, ada, "perhaps")
    cast = hall.cast(ADA, ballot, "yes")
    for revision in range(1, held.share):
        cast = hall.cast(ADA, ballot, "no", revision=revision, replaces=cast)
    await hall.give()
    assert hall.shown_cast(ballot, ADA).revision == hall.shown(ballot).revisions
    with pytest.raises(Refused, match=f"can be revised {held.share - 1} times"):
        ballots.cast_draft(hall.service, hall.council, held, ada, "yes")


async def test_supports_are_those_of_members_each_once(stage: Staged) -> None:
    hall: Stage = await stage()
    proposal = hall.world.proposal(ADA)
    for who in (BEN, BEN, CLEO):
        hall.world.say(who, "ballot.support", {"proposal": proposal}, (proposal,))
    await hall.give()
    given = ballots.supports(hall.service, hall.council, proposal)
    assert [one.member.person for one in given] == [person_text(BEN.key), person_text(CLEO.key)]


async def test_an_unknown_ballot_and_one_without_effect_are_refused(stage: Staged) -> None:
    hall: Stage = await stage()
    stale = hall.world.say(
        ADA,
        "ballot.open",
        {"epoch": bytes(32), "question": {"rule": "majority-simple/1"}, "title": 0, "deadline": HOUR},
        texts=("On an old roll?",),
    )
    await hall.give()
    with pytest.raises(Refused, match="is opened on another epoch's roll"):
        ballots.ballot_named(hall.council, stale)
    with pytest.raises(Refused, match="There is no ballot"):
        ballots.ballot_named(hall.council, bytes(32))


async def test_readers_of_events_hear_of_ballots_and_results(stage: Staged) -> None:
    hall: Stage = await stage()
    events = stream(hall.service, hall.service.subscribe(hall.council.id))
    told: list[tuple[str, str]] = []

    async def hear(name: str) -> str:
        while True:
            message = await anext(events)
            assert message.data is not None
            told.append((str(message.event), str(message.data)))
            if message.event == name:
                return str(message.data)

    await hear("ready")
    ballot = await hall.open()
    opened = await hear("ballot")
    assert '"what":"opened"' in opened
    assert "opened the ballot 'Heat the hall?'" in opened
    hall.cast(ADA, ballot, "yes")
    hall.cast(BEN, ballot, "yes")
    await hall.give()
    await hall.end(ballot)
    result = await hear("ballot")
    assert '"what":"result"' in result
    assert "the ballot 'Heat the hall?': Adopted; certified 2-0, round 0, 1 of 1 tellers" in result
    await hear("epoch")
    said = "\n".join(data for _, data in told)
    for words in (
        "accepts the ballot 'Heat the hall?'",
        "voted in the ballot 'Heat the hall?'",
        "closes the ballot 'Heat the hall?'",
        "proposes in the count of the ballot 'Heat the hall?', round 0",
        "votes in the count of",
        "commits in the count of",
        "certifies the result of the ballot 'Heat the hall?'",
        "the ballot 'Heat the hall?' is decided",
    ):
        assert words in said
    await events.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_an_epoch_tells_what_a_ballot_did(stage: Staged) -> None:
    hall: Stage = await stage()
    ballot = await hall.open()
    names = Names(hall.service, hall.council)

    def words(**effect: Any) -> str:
        return effect_words(hall.service, hall.council, names, {"ballot": ballot, **effect})

    assert words(kind="decision") == "the ballot 'Heat the hall?' is decided"
    assert words(kind="lapse", why="too old") == "the ballot 'Heat the hall?' lapsed: too old"
    assert words(kind="decision", ballot=bytes(32)) == "a ballot is decided"
