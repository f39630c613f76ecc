"""Epochs: how a council changes, one agreed step after the other.

An epoch is the digest of its record. The record follows from the previous epoch and the basis
alone: `compose` is a pure function, so a teller can only choose *when* to take a basis, never
what follows from it, and every node recomputes the record and compares bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..codec import encode
from ..errors import Misuse
from ..federation.link import Link
from ..federation.mandate import Mandate
from ..ids import Digest, Membership, digest
from .bodies import (
    Absent,
    Adopt,
    Assent,
    EnrolDevice,
    EnrolNode,
    Erasure,
    Found,
    Invite,
    Leave,
    Move,
    Request,
    Return,
    RevokeDevice,
    RevokeNode,
    Uninvite,
    Withdraw,
    WithdrawProposal,
)
from .body import Body
from .charter import Charter
from .roll import Member, NodeListing, Teller, roll_digest, tellers_digest
from .seats import Carried, Pool

__all__ = [
    "GOVERNING",
    "Acceptance",
    "Adopted",
    "Decision",
    "EpochState",
    "Fact",
    "Invitation",
    "Motion",
    "Record",
    "absorb",
    "adopted_version",
    "founding_state",
    "seal",
]


class Decision(Body, frozen=True):
    """What a ballot's certificate proves: its record's digest, and the effect that is due, if any.

    opened: the epoch that the ballot was opened on.
    """

    ballot: bytes
    opened: int
    record: bytes
    effect: Any = None


class Acceptance(Body, frozen=True):
    """A teller will count a ballot, opened on epoch `opened`, for which `quorum` tellers must."""

    ballot: bytes
    opened: int
    quorum: int


LONGEST: Final = 256
"""Epochs for which a former teller goes on with a ballot at most, counted from the one it was opened on."""

GOVERNING: Final = (
    Decision,
    Acceptance,
    Carried,
    Absent,
    Assent,
    EnrolDevice,
    EnrolNode,
    Erasure,
    Invite,
    Leave,
    Move,
    Request,
    Return,
    RevokeDevice,
    RevokeNode,
    Uninvite,
    Withdraw,
    WithdrawProposal,
)
"""The bodies that an epoch can take as a reason, or that change what is one."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A governing operation, with what its own causal past says of its author."""

    id: bytes
    epoch: int
    time: int
    author: bytes
    membership: Membership | None
    body: Body
    subject: Membership | None = None
    """For what touches another's words (erasure, withdrawing a proposal): whose they are."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation as of an epoch: how often it can still admit."""

    inviter: Membership
    uses: int
    expires: int | None
    used: int = 0
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Motion:
    """A motion in the past of an epoch's basis. `assents`: operation id -> (membership, device)."""

    id: bytes
    moved: int
    effect: Any
    assents: Mapping[bytes, tuple[Membership, bytes]]
    withdrawn: frozenset[bytes] = frozenset()
    time: int = 0
    """The mover's clock, ms: mandates that had ended by then do not cover it."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The version of a proposal that the council adopted, and in which epoch."""

    version: bytes
    epoch: int


@dataclass(frozen=True, slots=True)
class EpochState:
    """What the council is in one epoch. Values, never changed in place."""

    council: bytes
    number: int
    digest: Digest
    charter: Charter
    profile: str
    tellers: tuple[Teller, ...]
    members: Mapping[Membership, Member]
    invitations: Mapping[bytes, Invitation] = field(default_factory=dict)
    requests: Mapping[bytes, tuple[bytes, int, Request]] = field(default_factory=dict)
    """Requests not yet used: id -> (invitation, the applicant's clock in ms, body)."""
    motions: Mapping[bytes, Motion] = field(default_factory=dict)
    acts: tuple[Fact, ...] = ()
    decisions: Mapping[bytes, tuple[bytes, Decision]] = field(default_factory=dict)
    """Certified ballots that no epoch took yet: ballot -> (the certificate's operation, what it says)."""
    decided: frozenset[bytes] = frozenset()
    """Ballots whose certificate an epoch took."""
    accepted: Mapping[bytes, tuple[int, int, frozenset[bytes]]] = field(default_factory=dict)
    """Undecided ballots: ballot -> (the epoch it was opened on, how many tellers it needs, those that accepted)."""
    former: tuple[Teller, ...] = ()
    """Tellers of earlier epochs whose terms go on until the ballots that they accepted are decided."""
    replaced: int = 0
    """The epoch by which the members replaced the tellers last: ballots opened before it lapsed."""
    adopted: Mapping[bytes, Adopted] = field(default_factory=dict)
    offices: Mapping[str, tuple[Membership, ...]] = field(default_factory=dict)
    """Office -> who holds it, in the order in which they were chosen."""
    erased: frozenset[tuple[bytes, int]] = frozenset()
    """Attachments that the council erased: (operation, index)."""
    own_erased: frozenset[tuple[bytes, int]] = frozenset()
    """Attachments whose authors erased them, in the past of a basis."""
    withdrawn: frozenset[bytes] = frozenset()
    """Proposals that their authors withdrew."""
    seats: Mapping[bytes, Link] = field(default_factory=dict)
    """The councils that sit here: application -> the latest of its epochs that is taken in."""
    carried: Mapping[bytes, Pool] = field(default_factory=dict)
    """Application -> what was carried of that council and is not taken in."""
    believed: Mapping[bytes, bytes] = field(default_factory=dict)
    """Application -> the epoch by which that council's members replaced its tellers, and that is believed here."""
    parents: frozenset[bytes] = frozenset()
    """The councils that this one decided to belong to."""
    mandates: Mapping[bytes, Mandate] = field(default_factory=dict)
    """The council that this one belongs to -> who speaks for it there."""
    devices_ever: frozenset[bytes] = frozenset()
    barred: frozenset[tuple[Membership, bytes]] = frozenset()
    """Devices that were revoked before they were enrolled, each under its membership."""

    @property
    def forming(self) -> bool:
        """Below the charter's smallest size: the council can grow, and little else."""
        return len(self.members) < self.charter.size.min

    def roll_digest(self) -> Digest:
        """SHA-256 of the roll."""
        return roll_digest(self.members)

    def tellers_digest(self) -> Digest:
        """SHA-256 of the profile and the tellers."""
        return tellers_digest(self.profile, self.tellers)

    def persons(self) -> dict[bytes, Membership]:
        """Person key -> membership of everybody on the roll."""
        return {member.person: membership for membership, member in self.members.items()}

    def bound(self) -> frozenset[bytes]:
        """The keys of tellers that must finish a ballot: enough accepted it, and nothing is certified yet.

        In the next epoch, that is; one opened more than `LONGEST` epochs before that has been left.
        """
        oldest = max(self.replaced, self.number + 1 - LONGEST)
        return frozenset[bytes]().union(
            *(
                keys
                for ballot, (opened, quorum, keys) in self.accepted.items()
                if len(keys) >= quorum and opened >= oldest and ballot not in self.decided
            )
        )

    def serving(self) -> frozenset[bytes]:
        """The keys of all tellers whose terms run, the former's included."""
        return frozenset(teller.key for teller in (*self.tellers, *self.former))

    def entitled(self) -> set[bytes]:
        """The node keys on the roll, tellers' nodes included."""
        nodes = {teller.node for teller in (*self.tellers, *self.former)}
        for member in self.members.values():
            nodes.update(member.nodes)
        if self.charter.visibility == "seats":
            nodes.update(self.carriers())
        return nodes

    def carriers(self) -> frozenset[bytes]:
        """The node keys that may carry: of every council that sits here its tellers' nodes, and those on its roll."""
        return frozenset(
            node for link in self.seats.values() for node in (*link.nodes, *(node for _, node in link.tellers))
        )


@dataclass(frozen=True, slots=True)
class Record:
    """An epoch's record and the state it makes. `data` is canonical; `digest` names the epoch."""

    number: int
    previous: Digest
    basis: tuple[bytes, ...]
    effects: tuple[dict[str, Any], ...]
    data: bytes
    state: EpochState

    @property
    def digest(self) -> Digest:
        """SHA-256 of `data`."""
        return digest(self.data)


def seal(previous: EpochState, basis: Iterable[bytes], effects: list[dict[str, Any]], after: EpochState) -> Record:
    """The record of an epoch whose effects turned `previous` into `after`."""
    named = tuple(sorted(basis))
    number = previous.number + 1
    after = replace(after, former=_former(previous, after), offices=_offices(after))
    data = encode(
        {
            "version": 1,
            "council": previous.council,
            "number": number,
            "previous": previous.digest,
            "basis": list(named),
            "effects": effects,
            "roll": after.roll_digest(),
            "charter": after.charter.digest(),
            "tellers": after.tellers_digest(),
        }
    )
    state = replace(after, number=number, digest=digest(data))
    return Record(number, previous.digest, named, tuple(effects), data, state)


def _former(previous: EpochState, after: EpochState) -> tuple[Teller, ...]:
    """`after` still has the number of `previous`."""
    bound = after.bound() - {teller.key for teller in after.tellers}
    before = {teller.key: teller for teller in (*previous.former, *previous.tellers)}
    return tuple(teller for key, teller in sorted(before.items()) if key in bound)


def _offices(after: EpochState) -> dict[str, tuple[Membership, ...]]:
    """Offices without those who left the roll, and without those that nobody holds."""
    held = {name: tuple(m for m in holders if m in after.members) for name, holders in after.offices.items()}
    return {name: holders for name, holders in held.items() if holders}


def absorb(state: EpochState, facts: Iterable[Fact]) -> EpochState:
    """`state` with governing operations, in `(depth, id)` order, taken into what is pending.

    facts: those that may have an effect, as their own past says.
    Nothing takes effect here, and the order of facts of one past does not matter beyond their
    being topological: a fact only refers to what its own past holds.
    """
    invitations = dict(state.invitations)
    requests = dict(state.requests)
    motions = dict(state.motions)
    acts = list(state.acts)
    own_erased = set(state.own_erased)
    withdrawn = set(state.withdrawn)
    decisions = dict(state.decisions)
    accepted = dict(state.accepted)
    carried = dict(state.carried)
    grown: dict[bytes, dict[bytes, tuple[Membership, bytes]]] = {}
    taken_back: dict[bytes, set[bytes]] = {}
    given = {a: (motion.id, who) for motion in motions.values() for a, (who, _) in motion.assents.items()}
    for fact in facts:
        body, who = fact.body, fact.membership
        if isinstance(body, Request):
            if fact.subject is not None:
                requests[fact.id] = (fact.subject, fact.time, body)
        elif isinstance(body, Decision):
            first = decisions.get(body.ballot)
            if body.ballot not in state.decided and (first is None or fact.id < first[0]):
                decisions[body.ballot] = (fact.id, body)
        elif isinstance(body, Acceptance):
            _, _, keys = accepted.get(body.ballot, (0, 0, frozenset[bytes]()))
            if body.ballot not in state.decided:
                accepted[body.ballot] = (body.opened, body.quorum, keys | {fact.author})
        elif isinstance(body, Carried):
            carried[body.seat] = carried.get(body.seat, Pool()).taking(fact.id, body)
        elif isinstance(body, Erasure):
            own_erased.update((body.operation, index) for index in body.attachments)
        elif isinstance(body, WithdrawProposal):
            withdrawn.add(body.proposal)
        elif who is None:
            raise Misuse("a teller's key has no voice")
        elif isinstance(body, Invite):
            invitations[fact.id] = Invitation(who, body.uses, body.expires)
        elif isinstance(body, Uninvite):
            invitation = invitations.get(body.invitation)
            if invitation is not None:
                invitations[body.invitation] = replace(invitation, withdrawn=True)
        elif isinstance(body, Move):
            motions[fact.id] = Motion(fact.id, fact.epoch, body.effect, {fact.id: (who, fact.author)}, time=fact.time)
            given[fact.id] = (fact.id, who)
        elif isinstance(body, Assent):
            if body.motion in motions:
                if body.motion not in grown:
                    grown[body.motion] = dict(motions[body.motion].assents)
                grown[body.motion][fact.id] = (who, fact.author)
                given[fact.id] = (body.motion, who)
        elif isinstance(body, Withdraw):
            motion, whose = given.get(body.assent, (b"", None))
            if whose == who:
                taken_back.setdefault(motion, set()).add(body.assent)
        else:
            acts.append(fact)
    for id, assents in grown.items():
        motions[id] = replace(motions[id], assents=assents)
    for id, ids in taken_back.items():
        motions[id] = replace(motions[id], withdrawn=motions[id].withdrawn | ids)
    return replace(
        state,
        invitations=invitations,
        requests=requests,
        motions=motions,
        acts=tuple(acts),
        own_erased=frozenset(own_erased),
        withdrawn=frozenset(withdrawn),
        decisions=decisions,
        accepted=accepted,
        carried=carried,
    )


def founding_state(
    council: bytes, body: Found, charter: Charter, device: bytes, tellers: tuple[Teller, ...]
) -> EpochState:
    """Epoch 0: the founder alone. Its digest is the founding operation's id."""
    nodes = {} if body.node is None else {body.node: NodeListing(body.node, tuple(body.addresses or ()))}
    founder = Member(Membership(council), body.person, 0, frozenset({device}), nodes)
    return EpochState(
        council=council,
        number=0,
        digest=Digest(council),
        charter=charter,
        profile=charter.tellers,
        tellers=tellers,
        members={founder.membership: founder},
        devices_ever=frozenset({device}),
    )


def adopted_version(state: EpochState, effect: Adopt) -> bytes | None:
    """The version of the effect's proposal that stands adopted, if any."""
    adopted = state.adopted.get(effect.proposal)
    return None if adopted is None else adopted.version
