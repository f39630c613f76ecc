"""The council in which counts are simulated: five members, and the tellers of one profile."""

from dataclasses import dataclass
from functools import cache
from typing import Final

from protocol.council.bodies import enrolment_message
from protocol.council.charter import PROFILES, Profile
from protocol.council.signatures import sign_epoch
from protocol.keys import ENROLMENT, POSSESSION, sign
from protocol.log.operation import Envelope
from protocol.tellers.step import Timeouts
from tests.worlds import Invitation, Person, Teller, World, carry, seed, small_charter

__all__ = ["EXTENSION", "GRACE", "HOUR", "MINUTE", "PATIENCE", "SECOND", "Setting", "setting"]

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
GRACE: Final = 8 * SECOND
EXTENSION: Final = HOUR // 2
EXTENSIONS: Final = 3
PATIENCE: Final = Timeouts()
MEMBERS: Final = ("Ada", "Ben", "Cyd", "Dov", "Eve")


@dataclass(frozen=True)
class Setting:
    """A council just before its first ballot. said: its log, the founding operation first."""

    name: str
    profile: Profile
    council: bytes
    said: tuple[Envelope, ...]
    tellers: tuple[Teller, ...]
    members: tuple[Person, ...]
    proposal: bytes
    begins: int
    """When the story begins, ms."""


@cache
def setting(profile: str) -> Setting:
    """The council of a profile; made once."""
    n = PROFILES[profile].n
    tellers = tuple(Teller(f"t{place}") for place in range(n))
    durations = {"notice": 0, "discussion": 0, "grace": GRACE // SECOND}
    durations |= {"extension": EXTENSION // SECOND, "extensions": EXTENSIONS}
    charter = small_charter(
        tellers=profile, durations=durations, ballots={"supporters": 1, "quorum": ["at_least", 1, 10]}
    )
    world = World(charter=charter, tellers=tellers)
    people = tuple(Person(name) for name in MEMBERS)
    ada = people[0]
    invitation: Invitation = world.invite(ada, uses=len(people) - 1)
    for person in people[1:]:
        request = world.request(invitation, person)
        world.move(ada, {"kind": "admit", "request": request}, (request,))
    message = enrolment_message(world.council.id, ada.key, ada.device(1))
    grant, possession = sign(ada.seed, ENROLMENT, message), sign(ada.device_seed(1), POSSESSION, message)
    body = {"membership": world.council.id, "device": ada.device(1), "grant": grant, "possession": possession}
    world.say(ada, "device.enrol", body)
    record = world.council.compose()
    assert record is not None
    signed = [(teller.key, sign_epoch(teller.seed, record.digest)) for teller in tellers]
    world.insert(carry(world.council, record, signed, tellers[0].seed))
    assert len(world.council.head.members) == len(people)
    proposal = world.proposal(ada)
    return Setting(
        profile,
        PROFILES[profile],
        world.council.id,
        tuple(world.said),
        tellers,
        people,
        proposal,
        world.clock + HOUR,
    )


def salt(*names: object) -> bytes:
    """A voter's secret for a hidden cast."""
    return seed("salt", *names)[:16]
