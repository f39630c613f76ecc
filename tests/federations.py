"""Councils seen from outside: the parts that travel between councils, and light clients that follow them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from protocol.codec import encode
from protocol.council.body import LATEST
from protocol.council.charter import template
from protocol.council.council import Council
from protocol.council.outcomes import Inserted
from protocol.council.seat_bodies import Mandated
from protocol.council.signatures import pack_signatures, sign_epoch
from protocol.federation.chain import Chain
from protocol.federation.founding import founding_link
from protocol.federation.link import Link
from protocol.federation.mandate import Delegate, delegate_message
from protocol.federation.roll import Roll, read_roll
from protocol.ids import digest
from protocol.keys import ENROLMENT, POSSESSION, sign
from protocol.log.operation import Content, Envelope

from .attacks.scenes import Hall, founded
from .worlds import Person, Teller, World

__all__ = [
    "VALLEY",
    "Parts",
    "application",
    "apply",
    "begun",
    "carry_up",
    "commune",
    "decide",
    "delegate",
    "epochs_of",
    "followed",
    "mandate",
    "pack",
    "parent_of",
    "roll_bytes",
    "roll_shown",
    "seals",
    "seat",
    "shown",
]

VALLEY: Final = (Person("Ada"), Person("Ben"), Person("Cyd"), Person("Dan"))
"""The people who began the federation."""
Parts = tuple[bytes, bytes]
"""The record of an epoch and its signatures."""


def seals(record: bytes, *tellers: Teller, round: int = 0) -> bytes:
    """The signatures of these tellers under a record."""
    return pack_signatures(round, [(teller.key, sign_epoch(teller.seed, digest(record), round)) for teller in tellers])


def roll_bytes(council: Council, number: int = -1) -> bytes:
    """The canonical bytes of an epoch's roll."""
    members = council.branch.links[number].members
    return encode([member.data() for _, member in sorted(members.items())])


def roll_shown(council: Council, number: int = -1) -> Roll:
    """The roll of an epoch, as it is shown to a parent."""
    return read_roll(roll_bytes(council, number))


def epochs_of(council: Council, said: Iterable[Envelope]) -> list[Parts]:
    """The epochs of the council's chain, in order, as they are carried to others."""
    found: dict[bytes, Parts] = {}
    for envelope in said:
        if envelope.operation.kind == "council.epoch":
            record, signatures = envelope.parts()
            found.setdefault(digest(record), (record, signatures))
    return [found[link.digest] for link in council.branch.links[1:]]


def begun(founding: Envelope) -> Chain:
    """A light client that knows the founding, and nothing more."""
    link = founding_link(founding)
    assert isinstance(link, Link), link
    return Chain([link])


def followed(council: Council, said: list[Envelope]) -> Chain:
    """A light client of a council that was brought every epoch in order."""
    chain = begun(said[0])
    for record, signatures in epochs_of(council, said):
        number = len(chain.links)
        taken = chain.take(record, signatures, roll_shown(council, number - 1), decided=True)
        assert isinstance(taken, Link), taken
    return chain


# --- councils of councils -----------------------------------------------------------------------


def commune(name: str, *people: str, halls: int = 1) -> tuple[World, list[Person]]:
    """A council of its own people and tellers, founded by the first."""
    first, *others = people or (f"{name} Ada", f"{name} Ben", f"{name} Cyd")
    tellers = tuple(Teller(f"{name} {number}") for number in range(halls))
    return founded(*others, founder=Person(first), halls=tellers, durations={"notice": 0, "discussion": 0})


def parent_of(*, visibility: str = "seats", halls: int = 1, least: int = 1) -> World:
    """A federation that four people began, with no seat yet."""
    profile = {1: "1", 4: "4"}[halls]
    size = {"min": least, "max": 12, "reason": "a test"}
    low = ["at_least", 1, 2]
    charter = template(
        "federation",
        "The valley",
        "to test",
        tellers=profile,
        visibility=visibility,
        size=size,
        durations={"notice": 0, "discussion": 0},
        thresholds={"admission": low, "adoption": low},
    )
    world = Hall(charter=charter, tellers=tuple(Teller(f"valley {number}") for number in range(halls)))
    for place, person in enumerate(VALLEY[1:], 1):
        world.admit(person, *VALLEY[:place])
    return world


def decide(world: World, people: Sequence[Person], effect: dict[str, Any], *needs: bytes) -> dict[str, Any]:
    """All of these are for it, and the epoch is taken; gives the effect as it is recorded."""
    motion = world.move(people[0], effect, needs)
    for other in people[1:]:
        world.assent(other, motion)
    record = world.epoch()
    assert record is not None
    return next(effect for effect in record.effects if effect["reason"] == motion)


def pack(epochs: Iterable[tuple[bytes, bytes, bytes | None]]) -> bytes:
    """Epochs, with the rolls that are shown, as one operation carries them."""
    return encode([list(one) for one in epochs])


def shown(world: World, start: int = 1) -> list[tuple[bytes, bytes, bytes | None]]:
    """The epochs of a child from number `start` on; with the last its roll is shown."""
    found = [(record, signatures, None) for record, signatures in epochs_of(world.council, world.said)]
    last = (*found[-1][:2], roll_bytes(world.council))
    return [*found[:-1], last][start - 1 :]


def application(child: World, *, founding: bytes | None = None, epochs: bytes | None = None) -> dict[str, Any]:
    """Body and parts of a child's application."""
    first = child.said[0]
    bare = Envelope(first.operation, (None,) * len(first.contents)).encode()
    parts = (founding or bare, pack(shown(child)) if epochs is None else epochs)
    return {"body": {"founding": 0, "epochs": 1}, "contents": tuple(Content(b"", part) for part in parts)}


def apply(parent: World, who: Person, child: World, **parts: bytes) -> bytes:
    """A member of the parent brings a child's application; gives its id."""
    made = application(child, **parts)
    envelope = parent.draft(who.device_seed(), "seat.apply", made["body"], contents=made["contents"])
    assert isinstance(parent.insert(envelope), Inserted)
    return envelope.operation.id


def delegate(who: Person, child: bytes, parent: bytes, device: int = 5) -> Delegate:
    """Somebody who agrees to speak for `child` in `parent`, with a device for that alone."""
    message = delegate_message(child, parent, who.key, who.device(device))
    grant, possession = sign(who.seed, ENROLMENT, message), sign(who.device_seed(device), POSSESSION, message)
    return Delegate(who.key, who.device(device), grant, possession)


def mandate(
    child: World, parent: World, *who: Person, device: int = 5, since: int = 0, until: int = LATEST
) -> dict[str, Any]:
    """The effect that these speak for the child in the parent, the first until she is recalled."""
    delegates = [delegate(one, child.council.id, parent.council.id, device) for one in who]
    return Mandated(parent.council.id, delegates, since, until).data()


def seat(parent: World, child: World, people: Sequence[Person]) -> bytes:
    """A child joins: by its own decision, and by that of the people who began the parent; gives the seat."""
    decide(child, people, {"kind": "join", "parent": parent.council.id})
    asked = apply(parent, parent.founder, child)
    effect = decide(parent, VALLEY, {"kind": "seat", "application": asked}, asked)
    assert effect["kind"] == "seat", effect
    return asked


def carry_up(
    parent: World,
    author: bytes,
    seat: bytes,
    epochs: Iterable[tuple[bytes, bytes, bytes | None]],
    *,
    after: bytes | None = None,
    deps: tuple[bytes, ...] | None = None,
) -> bytes:
    """Somebody, with the seed `author`, carries epochs of a child; gives the operation's id. It must enter the log."""
    body: dict[str, Any] = {"seat": seat, "epochs": 0} | ({} if after is None else {"after": after})
    needs = () if after is None else (after,)
    part = Content(b"", pack(epochs))
    envelope = parent.draft(author, "seat.carry", body, needs, contents=(part,), deps=deps)
    outcome = parent.insert(envelope)
    assert isinstance(outcome, Inserted), outcome
    return envelope.operation.id
