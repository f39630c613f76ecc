"""What attacks need: a council of several people in few words, and forged epochs."""

from typing import Any

import msgspec

from protocol.council.bodies import TellerKeys, TellersChange
from protocol.council.charter import PROFILES
from protocol.council.compose import leave_message, revocation_message
from protocol.council.council import Council
from protocol.council.epochs import EpochState, Record, seal
from protocol.council.outcomes import Inserted, Outcome
from protocol.council.signatures import sign_epoch
from protocol.ids import Membership
from protocol.keys import LEAVE, REVOCATION, sign
from protocol.log.operation import Envelope
from tests.worlds import Person, Teller, World, carry, small_charter

__all__ = ["Hall", "again", "forge", "founded", "leave", "membership", "new_tellers", "remove", "revoke", "signed"]


class Hall(World):
    """A world whose epochs are signed by as many of its tellers as must."""

    def epoch(self) -> Record | None:
        record = self.council.compose()
        if record is not None:
            serving = {teller.key for teller in self.council.head.tellers}
            quorum = PROFILES[self.council.head.profile].q
            outcome = signed(self, record, *[teller for teller in self.tellers if teller.key in serving][:quorum])
            assert isinstance(outcome, Inserted), outcome
        return record


def founded(
    *others: str,
    founder: Person = Person("Ada"),  # noqa: B008  # a value that nobody changes
    halls: tuple[Teller, ...] = (Teller("hall"),),
    **charter: Any,
) -> tuple[World, list[Person]]:
    """A council of its founder, Ada, and others; everybody is on the roll.

    halls: its tellers, of whom one may be absent when there are three and one may lie when there are four.
    """
    profile = {1: "1", 3: "3-absence", 4: "4"}[len(halls)]
    world = Hall(founder=founder, charter=small_charter(tellers=profile, **charter), tellers=halls)
    people = [world.founder]
    for name in others:
        person = Person(name)
        world.admit(person, *people)
        people.append(person)
    return world, people


def membership(world: World, person: Person) -> Membership:
    """The membership of somebody on the roll."""
    return world.council.head.persons()[person.key]


def again(world: World, said: list[Envelope] | None = None) -> Council:
    """Another node that was told the same, or only this."""
    council = Council.found(world.said[0])
    assert isinstance(council, Council)
    for envelope in (world.said if said is None else said)[1:]:
        council.insert(envelope)
    return council


def forge(
    world: World,
    effects: list[dict[str, Any]],
    after: EpochState | None = None,
    *,
    of: EpochState | None = None,
    basis: tuple[bytes, ...] | None = None,
) -> Record:
    """A record that somebody made up: any effects, any state after them."""
    state = world.council.head if of is None else of
    heads = tuple(world.council.heads()) if basis is None else basis
    return seal(state, heads, effects, state if after is None else after)


def signed(world: World, record: Record, *tellers: Teller, round: int = 0) -> Outcome:
    """The outcome of an epoch's operation with these tellers' signatures, carried by the first."""
    by = tellers or (world.teller,)
    signatures = [(teller.key, sign_epoch(teller.seed, record.digest, round)) for teller in by]
    return world.insert(carry(world.council, record, signatures, by[0].seed))


def new_tellers(council: Council, *tellers: Teller, profile: str = "1") -> TellersChange:
    """The effect that these serve instead of the tellers of now."""
    keys = [msgspec.convert(teller.keys(council.id), TellerKeys, builtin_types=(bytes,)) for teller in tellers]
    return TellersChange(profile, keys, council.head.tellers_digest())


def remove(world: World, person: Person, *by: Person) -> bytes:
    """A motion to remove somebody, and the assents to it; the epoch is not taken yet."""
    motion = world.move(by[0], {"kind": "remove", "membership": membership(world, person)})
    for other in by[1:]:
        world.assent(other, motion)
    return motion


def leave(world: World, person: Person, **more: Any) -> bytes:
    """Somebody leaves, once the epoch is taken."""
    grant = sign(person.seed, LEAVE, leave_message(world.council.id, membership(world, person)))
    return world.say(person, "member.leave", {"grant": grant}, **more)


def revoke(world: World, person: Person, device: int = 0, *, carrier: Person | None = None, **more: Any) -> bytes:
    """Somebody revokes a device of hers, carried by whom she likes."""
    who = membership(world, person)
    grant = sign(person.seed, REVOCATION, revocation_message(world.council.id, who, person.device(device)))
    body = {"membership": who, "device": person.device(device), "grant": grant}
    return world.say(carrier or person, "device.revoke", body, **more)
