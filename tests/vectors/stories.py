"""Councils in which much happens, for vectors: changes of all kinds, lapses of all kinds, ballots."""

from typing import Any

from protocol.council.bodies import enrolment_message, node_message, teller_message
from protocol.council.outcomes import Inserted, Rival
from protocol.council.signatures import sign_replacement
from protocol.council.tellership import Tellership
from protocol.errors import Refusal
from protocol.keys import ENROLMENT, NODE, POSSESSION, TELLER, sign
from protocol.log.operation import Content, Envelope
from protocol.tellers.box import commitment, seal_boxes
from tests.attacks.scenes import Hall, founded, leave, membership, new_tellers, remove, revoke
from tests.worlds import Person, Teller, World, attachment, carry, seed

__all__ = [
    "OnTime",
    "balloting",
    "cast_in",
    "changes",
    "charter_change",
    "decide",
    "lapses",
    "open_ballot",
    "tell",
    "turnover",
]


def decide(world: World, people: list[Person], effect: dict[str, Any], needs: tuple[bytes, ...] = ()) -> bytes:
    """A motion with everybody's assent; the epoch is not taken yet."""
    motion = world.move(people[0], effect, needs)
    for person in people[1:]:
        world.assent(person, motion)
    return motion


def _enrol(world: World, person: Person, device: int, carrier: Person | None = None) -> bytes:
    who = membership(world, person)
    message = enrolment_message(who, person.key, person.device(device))
    body = {
        "membership": who,
        "device": person.device(device),
        "grant": sign(person.seed, ENROLMENT, message),
        "possession": sign(person.device_seed(device), POSSESSION, message),
    }
    return world.say(carrier or person, "device.enrol", body)


def _list_node(world: World, person: Person, *addresses: str) -> bytes:
    possession = sign(person.node_seed, NODE, node_message(membership(world, person), person.node))
    body = {"node": person.node, "possession": possession, "addresses": list(addresses)}
    return world.say(person, "node.enrol", body)


def _rekey(world: World, person: Person, fresh: Person, **changed: bytes) -> dict[str, Any]:
    who = membership(world, person)
    return {"kind": "rekey", "membership": who, **fresh.enrolment(who), "replaces": person.key, **changed}


def _possession(world: World, person: Person) -> bytes:
    """Proof of a device's key as if it were a teller's."""
    message = teller_message(world.council.id, person.device(), person.node)
    return sign(person.device_seed(), TELLER, message)


def _tellers(world: World, profile: str, *tellers: Teller) -> dict[str, Any]:
    keys = [teller.keys(world.council.id) for teller in tellers]
    return {"kind": "tellers", "profile": profile, "tellers": keys, "replaces": world.council.head.tellers_digest()}


def charter_change(world: World, **changed: Any) -> dict[str, Any]:
    data = {**world.council.charter.data(), **changed}
    return {"kind": "charter", "charter": data, "replaces": world.council.charter.digest()}


def _replace(world: World, people: list[Person], *tellers: Teller, profile: str = "1") -> None:
    """The members replace the tellers without them."""
    record = world.council.compose_replacement(new_tellers(world.council, *tellers, profile=profile))
    assert not isinstance(record, Refusal), record
    offer = world.draft(
        people[0].device_seed(), "replacement.offer", {"record": 0}, contents=(Content(b"", record.data),)
    )
    assert isinstance(world.insert(offer), Inserted)
    signatures = []
    for person in people:
        signature = sign_replacement(person.device_seed(), record.digest)
        body = {"offer": offer.operation.id, "signature": signature}
        world.say(person, "replacement.sign", body, (offer.operation.id,))
        signatures.append((person.device(), signature))
    assert isinstance(world.insert(carry(world.council, record, signatures, people[0].device_seed())), Inserted)


def changes() -> tuple[Envelope, list[Envelope]]:
    """Every way in which a council changes but by ballots; forks, and a removed author who writes on."""
    world, (ada, ben, cyd, dov) = founded("Ben", "Cyd", "Dov", limits={"devices": 2})
    fork = tuple(world.council.heads())
    # Devices: one too many, one revoked before its enrolment comes, one enrolled twice.
    revoke(world, cyd, 2)
    world.epoch()
    for device in (1, 2):
        _enrol(world, ben, device, ada)
    _enrol(world, cyd, 2)
    _enrol(world, dov, 1)
    world.epoch()
    revoke(world, dov, 0, carrier=ada)
    world.say(dov, "member.absent", {})  # from the device that is revoked beside it
    _list_node(world, ben, "/ip4/192.0.2.1/tcp/4747", "/dns4/mill.example/tcp/4747")
    world.say(ada, "node.revoke", {"node": ada.node})
    world.epoch()
    world.say(ada, "comment.write", {"on": fork[0], "text": 0}, deps=fork, texts=("on an old branch",))
    world.say(ben, "member.absent", {})
    world.say(cyd, "member.leave", {"grant": bytes(64)})  # not the person's signature
    world.say(dov, "member.return", {}, device=1)  # she never was absent
    world.epoch()
    # The absent are not counted; who is concerned is counted on neither side.
    decide(world, [ada, cyd], charter_change(world, purpose="to change"))
    world.epoch()
    world.say(ben, "member.return", {})
    remove(world, dov, ada, ben, cyd)
    world.epoch()
    late = world.draft(
        dov.device_seed(), "comment.write", {"on": fork[0], "text": 0}, deps=fork, contents=(attachment("late"),)
    )
    assert isinstance(world.insert(late), Inserted)
    lost = world.draft(dov.device_seed(), "merge", {}, deps=fork)
    assert isinstance(world.insert(lost), Inserted)
    world.say(ada, "comment.write", {"on": late.operation.id, "text": 0}, (late.operation.id,), texts=("brought back",))
    again = Person("Dov", 1)
    world.admit(again, ada, ben)
    fresh = Person("Cyd", 1)
    decide(world, [ada, ben], _rekey(world, cyd, fresh))
    decide(world, [ada, ben, again], _tellers(world, "3-absence", *(Teller(name) for name in ("hall", "barn", "mill"))))
    world.epoch()
    world.tellers = tuple(Teller(name) for name in ("hall", "barn", "mill"))
    proposal = world.proposal(ben)
    version = world.say(
        fresh, "proposal.amend", {"proposal": proposal, "replaces": proposal, "text": 0}, (proposal,), texts=("Two.",)
    )
    for named in (proposal, version):
        now = world.council.head.adopted.get(proposal)
        effect = {"kind": "adopt", "proposal": proposal, "version": named, **({"replaces": now.version} if now else {})}
        decide(world, [ada, ben, again], effect, (named,))
        world.epoch()
    world.say(ben, "talk.erase", {"operation": proposal, "attachments": [0, 1]}, (proposal,))
    world.say(ada, "talk.erase", {"operation": version, "attachments": [0]}, (version,))  # another's
    decide(world, [ben, ada, again], {"kind": "erase", "operation": version, "attachment": 0}, (version,))
    world.epoch()
    _replace(world, [ada, ben, again], Teller("forge"))
    world.tellers = (Teller("forge"),)
    leave(world, ben)
    world.epoch()
    return world.said[0], world.said[1:]


def lapses() -> tuple[Envelope, list[Envelope]]:
    """Effects that are due and do not fit any more, with every reason why."""
    world, (ada, ben, cyd) = founded(
        "Ben", "Cyd", size={"min": 1, "max": 4, "reason": "a test"}, durations={"motion_epochs": 2}
    )
    people = [ada, ben, cyd]
    world.move(ada, {"kind": "remove", "membership": membership(world, cyd)})  # until it is too old

    def admission(person: Person, invitation: Any, time: int | None = None) -> bytes:
        request = world.request(invitation, person, time)
        decide(world, people, {"kind": "admit", "request": request}, (request,))
        return request

    once, twice = world.invite(ada, uses=1), world.invite(ada, uses=5)
    gone, late = world.invite(ben), world.invite(ben, expires=world.clock)
    dov = admission(Person("Dov"), once)
    world.epoch()
    decide(world, people, {"kind": "admit", "request": dov}, (dov,))
    admission(Person("Eva"), once)
    admission(Person("Ben"), twice)
    admission(Person("Gil"), twice)
    admission(Person("Hal"), gone)
    world.say(ben, "council.uninvite", {"invitation": gone.id}, (gone.id,))
    admission(Person("Ida"), late, world.clock + 1)
    world.epoch()
    leave(world, Person("Dov"))
    world.epoch()
    back = world.request(twice, Person("Dov"))  # with a device that was enrolled before
    decide(world, people, {"kind": "admit", "request": back}, (back,))
    world.epoch()
    # Keys, the charter and the tellers.
    decide(world, [ada, ben], _rekey(world, cyd, Person("Cyd", 1), grant=bytes(64)))
    decide(world, [ada, ben], _rekey(world, cyd, ada))
    decide(world, [ada, ben], _rekey(world, cyd, Person("Cyd", 2)))
    decide(world, [ada, ben], _rekey(world, cyd, Person("Cyd", 3)))
    world.epoch()
    people = [ada, ben, Person("Cyd", max(n for n in (2, 3) if Person("Cyd", n).key in world.council.head.persons()))]
    size = world.council.charter.data()["size"]
    three = [Teller(name) for name in ("hall", "barn", "mill")]
    changed: dict[str, Any]
    for changed in (
        {"name": " "}, {"tellers": "3-liar"}, {"size": {**size, "max": 2}}, {"size": {**size, "min": 4, "max": 24}}, {"size": {"min": 3, "max": 2}}, {"size": {"min": 1, "max": 4}},
        {"tellers": "5"}, {"limits": {}}, {"purpose": "x" * 2001}, {"ballots": {"supporters": 1, "quorum": ["more_than", 1, 1]}},
        {"thresholds": {**world.council.charter.data()["thresholds"], "removal": ["at_least", 1, 2]}},
    ):  # fmt: skip
        decide(world, people, charter_change(world, **changed))
    world.epoch()
    assert world.council.head.number == 8
    for purpose in ("one", "two"):
        decide(world, people, charter_change(world, purpose=purpose))
    world.epoch()
    stranger = {**_tellers(world, "1", three[1]), "tellers": [three[1].keys(seed("elsewhere"))]}
    device = {"key": ada.device(), "node": ada.node, "possession": _possession(world, ada)}
    member = {**_tellers(world, "1", three[0]), "tellers": [device]}
    for effect in (_tellers(world, "3-absence", *three[:2]), _tellers(world, "5", *three), stranger, member):
        decide(world, people, effect)
    world.epoch()
    for teller in three[1:]:
        decide(world, people, _tellers(world, "1", teller))
    world.epoch()
    world.tellers = tuple(t for t in three if t.key in {teller.key for teller in world.council.head.tellers})
    proposal, other, third = (world.proposal(ada, f"Title {n}", f"Text {n}") for n in range(3))
    for named in (proposal, proposal):
        decide(world, people, {"kind": "adopt", "proposal": named, "version": named}, (named,))
    world.say(ada, "proposal.withdraw", {"proposal": other}, (other,))
    decide(world, people, {"kind": "adopt", "proposal": other, "version": other}, (other,))
    for _ in range(2):
        decide(world, people, {"kind": "erase", "operation": third, "attachment": 1}, (third,))
    decide(world, people, {"kind": "adopt", "proposal": third, "version": third}, (third,))
    world.epoch()
    decide(world, people[:2], {"kind": "remove", "membership": membership(world, people[2])})
    decide(world, people[:2], {"kind": "remove", "membership": membership(world, people[2])})
    world.epoch()
    decide(world, [ada], {"kind": "remove", "membership": membership(world, ben)})
    decide(world, [ben], {"kind": "remove", "membership": membership(world, ada)})
    world.epoch()
    return world.said[0], world.said[1:]


class OnTime:
    """A teller's node that has everything on time. attended: whether it is in contact with others."""

    def received(self, operation: bytes) -> int | None:
        return 0

    def in_contact(self) -> int:
        return 9


def tell(world: World, tellers: list[Tellership], until: int, last_of: str = "") -> None:
    """The tellers say what they have to, and when, for so many seconds. last_of: stop after an operation of this kind."""
    now, last = world.clock, world.clock + 1000 * until
    while now <= last:
        deeds = [(teller, teller.poll(now)) for teller in tellers]
        for teller, deed in deeds:
            if deed is not None:
                contents = tuple(Content(b"", part) for part in deed.parts)
                deps = deed.needs if deed.alone else None
                envelope = world.draft(teller.seed, deed.kind, deed.body, deed.needs, contents=contents, deps=deps)
                outcome = world.insert(envelope)
                assert isinstance(outcome, Inserted | Rival), outcome
                if deed.kind == last_of:
                    return
        if not any(deed for _, deed in deeds):
            now = min(
                [teller.wake for teller in tellers if teller.wake is not None and teller.wake > now], default=last + 1
            )
    world.clock = max(world.clock, last)


def open_ballot(
    world: World, tellers: list[Tellership], question: dict[str, Any], needs: tuple[bytes, ...] = (), **more: Any
) -> bytes:
    """Ada opens a ballot for ten minutes, and the tellers answer."""
    terms = {"epoch": world.council.head.digest, "question": question, "deadline": world.clock + 600_000}
    ballot = world.say(world.founder, "ballot.open", {"title": 0, **terms, **more}, needs, texts=("Shall we?",))
    tell(world, tellers, 0, "teller.accept" if len(tellers) == 1 else "")
    return ballot


def cast_in(world: World, ballot: bytes, person: Person, choice: Any, **more: Any) -> bytes:
    needs = (ballot, *([more["replaces"]] if "replaces" in more else []))
    return world.say(person, "ballot.cast", {"ballot": ballot, "revision": 0, "choice": choice, **more}, needs)


def balloting() -> tuple[Envelope, list[Envelope]]:
    """Ballots of four tellers of whom one may lie: open, hidden, weighed, with an effect, extended, lapsed."""
    halls = tuple(Teller(name) for name in ("hall", "barn", "mill", "forge"))
    durations = {"discussion": 0, "notice": 0, "extension": 3600, "extensions": 1}
    world, (ada, ben, cyd) = founded("Ben", "Cyd", halls=halls, durations=durations)
    assert isinstance(world, Hall)
    duties = [Tellership(world.council, teller.seed, OnTime()) for teller in halls]

    proposal = world.proposal(ben)
    support = world.say(cyd, "ballot.support", {"proposal": proposal}, (proposal,))
    adopt = {"kind": "adopt", "proposal": proposal, "version": proposal}
    plain = {"rule": "majority-simple/1"}
    first = open_ballot(
        world,
        duties[:3],
        plain,
        (proposal, support),
        proposal=proposal,
        pins=[proposal],
        supports=[support],
        effect=adopt,
    )
    cast_in(world, first, ada, "yes")
    early = cast_in(world, first, ben, "no")
    cast_in(world, first, ben, "yes", revision=1, replaces=early)
    cast_in(world, first, ben, "no", revision=1, replaces=early)  # another of the same revision, on top of the first
    cast_in(world, first, cyd, "abstain")
    cast_in(world, first, cyd, "perhaps")
    tell(world, duties[:3], 700)
    weights = [[membership(world, ada), 3, 2], [membership(world, ben), 0, 1]]
    qualified = {
        "rule": "majority-qualified/1",
        "settings": {"threshold": ["at_least", 2, 3], "base": "cast", "quorum": ["at_least", 1, 3]},
    }
    second = open_ballot(world, duties[:3], qualified, weights=weights)
    for person, choice in ((ada, "yes"), (ben, "no"), (cyd, "yes")):
        cast_in(world, second, person, choice)
    tell(world, duties[:3], 700)
    third = open_ballot(
        world, duties[:3], {"rule": "consent/1"}, effect={"kind": "remove", "membership": membership(world, cyd)}
    )
    for person, choice in ((ada, "agree"), (ben, "agree"), (cyd, "block")):
        cast_in(world, third, person, choice)
    tell(world, duties[:3], 700)
    open_ballot(world, duties[:3], plain)  # nobody votes
    tell(world, duties[:3], 700)
    fifth = open_ballot(
        world, duties[:3], {"rule": "majority-absolute/1"}, hidden=True, effect=charter_change(world, purpose="hidden")
    )
    for person, choice in ((ada, "yes"), (ben, "yes"), (cyd, "no")):
        salt = seed("salt", person.name)[:16]
        boxes = Content(b"", seal_boxes(tuple(teller.key for teller in halls), salt, choice))
        body = {"ballot": fifth, "revision": 0, "choice": None, "commitment": commitment(salt, choice), "boxes": 0}
        envelope = world.draft(person.device_seed(), "ballot.cast", body, (fifth,), contents=(boxes,))
        assert isinstance(world.insert(envelope), Inserted)
    tell(world, duties[:3], 700)
    # The tellers come too late, twice: extended, then lapsed.
    sixth = open_ballot(world, duties[:3], plain)
    cast_in(world, sixth, ada, "yes")
    for late in (800_000, 4_000_000):
        world.clock += late
        tell(world, duties[:3], 120)
    return world.said[0], world.said[1:]


def turnover() -> tuple[Envelope, list[Envelope]]:
    """Ballots whose tellers change: a former teller finishes one; others lapse, for the members acted or are too few."""
    world, (ada, ben, cyd) = founded("Ben", "Cyd", size={"min": 3}, durations={"discussion": 0, "notice": 0})
    halls = [Teller(name) for name in ("hall", "barn", "mill")]
    hall, barn, mill = ([Tellership(world.council, teller.seed, OnTime())] for teller in halls)
    question = {"rule": "majority-simple/1"}

    def ballot(teller: list[Tellership]) -> bytes:
        proposal = world.proposal(ben)
        effect = {"kind": "adopt", "proposal": proposal, "version": proposal}
        named = open_ballot(world, teller, question, (proposal,), effect=effect)
        for person in (ada, ben, cyd):
            cast_in(world, named, person, "yes")
        return named

    ballot(hall)
    decide(world, [ada, ben, cyd], _tellers(world, "1", halls[1]))
    tell(world, hall, 0, "council.epoch")
    tell(world, hall, 700, "teller.certify")
    tell(world, barn, 0, "council.epoch")
    ballot(barn)
    tell(world, barn, 700, "teller.certify")
    _replace(world, [ada, ben], halls[2])
    tell(world, mill, 0, "council.epoch")
    ballot(mill)
    leave(world, cyd)
    tell(world, mill, 0, "council.epoch")
    tell(world, mill, 700, "teller.certify")
    tell(world, mill, 0, "council.epoch")
    return world.said[0], world.said[1:]
