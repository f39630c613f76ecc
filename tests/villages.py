"""Villages: one council with everything that its people, its tellers and some liars ever wrote.

Three sites hear of it at different times and write on what they know. Only the tellers at
site 0 compose epochs and count ballots, as honest tellers would have agreed to: what happens
when they do not is not a matter of convergence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from protocol.council.ballot_duty import BallotDuty
from protocol.council.council import Council
from protocol.council.outcomes import Inserted
from protocol.ids import Membership
from protocol.log.operation import Content, Envelope
from protocol.tellers.step import Timeouts

from .delivery import meet
from .worlds import Person, Teller, World, seed, small_charter

__all__ = ["CHARTER", "HALLS", "NAMES", "SITES", "Village", "pick"]

T = TypeVar("T")

NAMES: Final = ("Ada", "Ben", "Cyd", "Dov", "Eva", "Fay")
HALLS: Final = ("hall", "barn", "mill", "forge")
SITES: Final = 3
_LOW: Final = ["at_least", 1, 10]
CHARTER: Final = small_charter(
    thresholds={"admission": _LOW, "adoption": _LOW, "erasure": _LOW},
    ballots={"supporters": 1, "quorum": _LOW},
    durations={"motion_epochs": 4, "discussion": 0, "notice": 0, "extension": 1, "grace": 1},
    limits={"devices": 2, "nodes": 2},
)


def _begin() -> list[Envelope]:
    """Ada, Ben, Cyd and Dov, under a charter that lets much happen."""
    world = World(charter=CHARTER)
    for name in NAMES[1:4]:
        world.admit(Person(name), world.founder)
    return world.said


_PRELUDE: Final = _begin()
_KINDS: Final = {
    "council.invite": "invitation",
    "council.request": "request",
    "motion.move": "motion",
    "motion.assent": "assent",
    "proposal.open": "proposal",
    "ballot.open": "ballot",
    "ballot.cast": "cast",
}
_LISTS: Final = (*_KINDS.values(), "version")


class Alert:
    """A teller's node that has everything on time, and is in contact with all others."""

    def received(self, operation: bytes) -> int | None:
        return 0

    def in_contact(self) -> int:
        return 9


@dataclass
class Village:
    """A council at random. `pool` holds all that was written, refused operations too."""

    world: World = field(default_factory=lambda: World(charter=CHARTER))
    sites: list[Council] = field(default_factory=lambda: [meet(_PRELUDE[0], _PRELUDE) for _ in range(SITES)])
    here: list[list[Envelope]] = field(default_factory=lambda: [_PRELUDE[1:] for _ in range(SITES)])
    """For each site, what entered its log."""
    pool: dict[bytes, Envelope] = field(default_factory=dict)
    devices: dict[bytes, bytes] = field(default_factory=dict)
    """Every device key that there may ever be -> its seed."""
    people: dict[bytes, Person] = field(default_factory=dict)
    secrets: dict[bytes, bytes] = field(default_factory=dict)
    """Invitation -> the seed that its ticket carries."""
    named: dict[str, list[bytes]] = field(default_factory=lambda: {name: [] for name in _LISTS})
    carried: list[Envelope] = field(default_factory=list)
    duties: dict[str, BallotDuty] = field(default_factory=dict)
    """Hall -> what its teller has to say about ballots, at site 0."""

    def __post_init__(self) -> None:
        for hall in HALLS:
            teller = Teller(hall)
            self.duties[hall] = BallotDuty(
                self.sites[0], teller.seed, teller.key, Alert(), Timeouts(), seed("nonces", hall)
            )
        for name in NAMES:
            for number in range(3):
                person = Person(name, number)
                self.people[person.key] = person
                for n in range(3):
                    self.devices[person.device(n)] = person.device_seed(n)
        for envelope in _PRELUDE[1:]:
            self.pool[envelope.operation.id] = envelope
            self._note(envelope)

    @property
    def founding(self) -> Envelope:
        return _PRELUDE[0]

    def write(
        self,
        at: int,
        author: bytes,
        kind: str,
        body: dict[str, Any],
        needs: tuple[bytes, ...] = (),
        *,
        old: int = 0,
        contents: tuple[Content, ...] = (),
    ) -> None:
        """One operation by the key of this seed, written at a site, if the site has what it needs.

        old: unless it is a multiple of 4, the deps come from anywhere in the log: from the past, from
        what was removed since, from one side of a fork.
        """
        site = self.sites[at]
        if any(need not in site for need in needs):
            return
        deps = None
        if old % 4:
            ids = self.ids(at)
            deps = tuple({*needs, ids[old % len(ids)], ids[old * 7 % len(ids)]})
        self.world.council = site
        self.put(at, self.world.draft(author, kind, body, needs, contents=contents, deps=deps))

    def put(self, at: int, envelope: Envelope) -> None:
        """Insert at a site what was written there."""
        if isinstance(self.sites[at].insert(envelope), Inserted):
            self.here[at].append(envelope)
        if envelope.operation.id not in self.pool:
            self.pool[envelope.operation.id] = envelope
            self._note(envelope)

    def _note(self, envelope: Envelope) -> None:
        operation = envelope.operation
        if operation.kind in _KINDS:
            self.named[_KINDS[operation.kind]].append(operation.id)
        if operation.kind in ("proposal.open", "proposal.amend"):
            self.named["version"].append(operation.id)
        if operation.kind == "council.invite" and operation.id not in self.secrets:
            self.secrets[operation.id] = seed("invitation", len(self.secrets) + 1)
        if operation.kind == "council.epoch":
            self.carried.append(envelope)

    # --- choosing ---------------------------------------------------------------------------

    def ids(self, at: int) -> list[bytes]:
        """What is in the site's log, in the order in which it came."""
        return list(self.sites[at].dag.rows)

    def author(self, at: int, who: int) -> bytes:
        """The seed of a device: mostly of one on the site's roll, else of any, or of a teller."""
        if who % 16 == 15:
            return Teller(pick(HALLS, who // 16)).seed
        if who % 16 == 14:
            return pick(list(self.devices.values()), who // 16)
        return self.devices[pick(self.enrolled(at), who)]

    def enrolled(self, at: int) -> list[bytes]:
        """The devices on the site's roll, or if there are none all others."""
        members = self.sites[at].head.members
        return [d for m in sorted(members) for d in sorted(members[m].devices)] or sorted(self.devices)

    def member(self, at: int, who: int) -> tuple[Membership, Person, bytes] | None:
        """A membership on the site's roll, its person, and the seed of one of its devices."""
        members = self.sites[at].head.members
        if not members:
            return None
        membership = pick(sorted(members), who)
        member = members[membership]
        devices = sorted(member.devices) or self.enrolled(at)
        return membership, self.people[member.person], self.devices[pick(devices, who)]

    def one(self, sort: str, number: int) -> bytes:
        """One of the operations of a sort; of none, an id that no operation has."""
        return pick(self.named[sort], number) if self.named[sort] else seed("nothing")


def pick(things: Sequence[T], number: int) -> T:
    """One of several."""
    return things[number % len(things)]
