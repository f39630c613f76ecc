"""Ballots from the opening to the certificate, with real signatures and tellers that share one log."""

from typing import Any

import pytest

from protocol.council.certificate import Certificate, certificate_of, examine, read_certificate
from protocol.council.outcomes import Inserted
from protocol.council.tellership import Tellership
from protocol.errors import Malformed
from protocol.log.operation import Content, Envelope
from tests.worlds import Person, Teller, World, small_charter

ADA, BEN, CYD = Person("Ada"), Person("Ben"), Person("Cyd")
HOUR = 3_600_000


class Hall:
    """A council whose tellers all see one log, and a clock that goes from one thing to do to the next."""

    def __init__(self, profile: str, tellers: int, **charter_changes: Any) -> None:
        keys = tuple(Teller(f"teller {n}") for n in range(tellers))
        changes = {"durations": {"notice": 0, "discussion": 0}, **charter_changes}
        charter = small_charter(tellers=profile, **changes)
        self.world = World(charter=charter, tellers=keys)
        self.now = self.world.clock
        self.seen: dict[bytes, int] = {}
        self.effectless: list[object] = []
        self.tellers = [(teller, Tellership(self.world.council, teller.seed, self)) for teller in keys]

    def received(self, operation: bytes) -> int | None:
        return self.seen.get(operation)

    def in_contact(self) -> int:
        return len(self.tellers) - 1

    def opening(self, cast: bytes) -> tuple[bytes, Any] | None:
        return None

    def note(self) -> None:
        for envelope in self.world.said:
            self.seen.setdefault(envelope.operation.id, self.now)

    def until(self, end: int) -> None:
        """Let the tellers do what is due up to `end`, in ms."""
        while True:
            self.note()
            acted = [self._act(*pair) for pair in self.tellers]  # every one of them, each time
            if any(acted):
                continue
            wakes = [office.wake for _, office in self.tellers if office.wake is not None]
            ahead = max(self.now + 1, min(wakes)) if wakes else end + 1
            if ahead > end:
                self.now = max(self.now, end)
                return
            self.now = ahead

    def _act(self, teller: Teller, office: Tellership) -> bool:
        deed = office.poll(self.now)
        if deed is None:
            return False
        deps = deed.needs if deed.alone else None
        parts = tuple(Content(b"", part) for part in deed.parts)
        said = self.world.draft(teller.seed, deed.kind, deed.body, deed.needs, contents=parts, deps=deps)
        outcome = self.world.insert(said)
        assert isinstance(outcome, Inserted), (deed.kind, outcome)
        why = self.world.council.without_effect.get(said.operation.id)
        assert why is None, (deed.kind, why)
        self.note()
        return True

    def admit(self, who: Person, *by: Person) -> None:
        request = self.world.request(self.world.invite(by[0]), who)
        motion = self.world.move(by[0], {"kind": "admit", "request": request}, (request,))
        for other in by[1:]:
            self.world.assent(other, motion)
        self.until(self.now + HOUR)
        assert request in self.world.council.head.members

    def cast(self, who: Person, ballot: bytes, choice: object) -> None:
        cast = self.world.say(who, "ballot.cast", {"ballot": ballot, "revision": 0, "choice": choice}, (ballot,))
        assert cast not in self.world.council.without_effect
        self.note()


@pytest.fixture(params=[("1", 1), ("3-absence", 3), ("3-liar", 3), ("4", 4), ("7", 7)], ids=lambda pair: str(pair[0]))
def hall(request: pytest.FixtureRequest) -> Hall:
    profile, tellers = request.param
    hall = Hall(profile, tellers)
    hall.admit(BEN, ADA)
    hall.admit(CYD, ADA, BEN)
    return hall


def adoption(hall: Hall) -> tuple[bytes, bytes]:
    """A proposal, and a ballot on adopting it that lasts an hour."""
    world = hall.world
    proposal = world.proposal(BEN)
    hall.now = max(hall.now, world.clock)
    body = {
        "epoch": world.council.head.digest,
        "question": {"rule": "majority-simple/1"},
        "title": 0,
        "deadline": hall.now + HOUR,
        "proposal": proposal,
        "pins": [proposal],
        "effect": {"kind": "adopt", "proposal": proposal, "version": proposal},
    }
    ballot = world.say(ADA, "ballot.open", body, (proposal,), texts=("Adopt it?",))
    assert ballot not in world.council.without_effect
    hall.until(hall.now + 1000)
    return proposal, ballot


def certified(hall: Hall, *, casts: bool) -> Certificate:
    """The certificate of the only ballot."""
    (ballot,) = hall.world.council.box.ballots.values()
    envelopes: dict[bytes, Envelope] = {envelope.operation.id: envelope for envelope in hall.world.said}
    return certificate_of(ballot, ballot.certified[max(ballot.certified)], envelopes.__getitem__, casts=casts)


def test_a_ballot_is_certified_and_takes_effect(hall: Hall) -> None:
    proposal, ballot = adoption(hall)
    for who, choice in ((ADA, "yes"), (BEN, "yes"), (CYD, "no")):
        hall.cast(who, ballot, choice)
    hall.until(hall.now + 3 * HOUR)
    fields = certified(hall, casts=False).fields()
    assert fields["outcome"] == "decided"
    assert fields["voted"] == 3
    assert fields["result"]["rounds"][0]["answers"] == [["yes", 2], ["no", 1], ["abstain", 0]]
    assert hall.world.council.head.adopted[proposal].version == proposal


def test_a_cast_that_came_too_late_does_not_count(hall: Hall) -> None:
    _, ballot = adoption(hall)
    hall.cast(ADA, ballot, "yes")
    hall.cast(BEN, ballot, "yes")
    hall.now = hall.world.council.box.ballots[ballot].body.deadline + 30_000
    hall.cast(CYD, ballot, "no")
    hall.until(hall.now + HOUR)
    assert certified(hall, casts=False).fields()["voted"] == 2


def test_without_a_quorum_nothing_is_decided(hall: Hall) -> None:
    proposal, ballot = adoption(hall)
    hall.cast(ADA, ballot, "yes")
    hall.until(hall.now + 3 * HOUR)
    assert certified(hall, casts=False).fields()["outcome"] == "no quorum"
    assert proposal not in hall.world.council.head.adopted


def test_tellers_who_slept_through_the_close_extend_the_ballot(hall: Hall) -> None:
    _, ballot = adoption(hall)
    for who in (ADA, BEN, CYD):
        hall.cast(who, ballot, "yes")
    hall.now += 3 * HOUR
    hall.until(hall.now + HOUR)
    assert len(hall.world.council.box.ballots[ballot].instances) == 2
    hall.until(hall.now + 48 * HOUR)
    assert certified(hall, casts=False).fields()["voted"] == 3
    assert certified(hall, casts=False).fields()["instance"] == 1


def test_a_cast_that_nobody_saw_before_its_voter_was_removed_is_let_go() -> None:
    hall = Hall("1", 1)
    hall.admit(BEN, ADA)
    hall.admit(CYD, ADA, BEN)
    world = hall.world
    council = world.council
    _, ballot = adoption(hall)
    (tip,) = council.heads()
    removed = next(m for m, member in council.head.members.items() if member.person == CYD.key)
    cast = world.say(
        CYD, "ballot.cast", {"ballot": ballot, "revision": 0, "choice": "yes"}, deps=tuple(sorted({tip, ballot}))
    )
    assert cast in council.box.ballots[ballot].casts
    motion = world.move(ADA, {"kind": "remove", "membership": removed}, deps=(tip,))
    assent = world.assent(BEN, motion, deps=(motion,))
    record = council.compose([assent])
    assert record is not None
    assert isinstance(world.insert(world.teller.seal(council, record)), Inserted)
    assert removed not in council.head.members
    assert cast not in council.box.ballots[ballot].casts
    assert cast not in council.heads()


def test_a_link_names_the_nodes_of_its_roll_and_tellers() -> None:
    world = World()
    assert world.council.branch.links[0].nodes() == {ADA.node, world.teller.node}


def test_a_certificate_is_examined_without_a_node(hall: Hall) -> None:
    _, ballot = adoption(hall)
    for who in (ADA, BEN, CYD):
        hall.cast(who, ballot, "yes")
    hall.until(hall.now + 3 * HOUR)
    tellers = frozenset(teller.key for teller, _ in hall.tellers)
    for casts in (False, True):
        certificate = certified(hall, casts=casts)
        assert read_certificate(certificate.encode()) == certificate
        findings = examine(certificate, tellers)
        assert findings.refusal is None
        assert len(findings.proved) > casts
        strangers = examine(certificate, frozenset({bytes(32)}))
        assert strangers.refusal is not None


def test_a_certificate_with_a_byte_changed_proves_nothing() -> None:
    hall = Hall("1", 1)
    hall.admit(BEN, ADA)
    hall.admit(CYD, ADA, BEN)
    _, ballot = adoption(hall)
    for who in (ADA, BEN, CYD):
        hall.cast(who, ballot, "yes")
    hall.until(hall.now + 3 * HOUR)
    data = certified(hall, casts=True).encode()
    tellers = frozenset(teller.key for teller, _ in hall.tellers)
    for place in range(0, len(data), 7):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        try:
            findings = examine(read_certificate(changed), tellers)
        except Malformed:
            continue
        assert findings.refusal is not None, place
