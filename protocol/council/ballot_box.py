"""All ballots of a council, and the one place where their operations are judged and taken in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import decode
from ..errors import Malformed, Refusal
from ..ids import Membership, digest
from ..log.operation import MAX_PARTS
from ..tellers.box import SALT
from .ballot_bodies import (
    Accept,
    CastBody,
    Certify,
    CloseBody,
    Decline,
    OpenBallot,
    Precommit,
    Prevote,
    Propose,
    Seen,
    Support,
)
from .ballots import Ballot, Certified
from .bodies import Effect, Elect, EnrolDevice, RevokeDevice
from .body import Body
from .branch import Link
from .charter import Charter
from .epoch_agreement import EpochAgreement
from .epochs import Acceptance, Decision
from .seat_bodies import ElectDelegates, Tell
from .signatures import unpack_signatures
from .terms import check_opening, read_effect

__all__ = [
    "BallotBox",
    "Clerk",
    "Paper",
    "unpack_ids",
    "unpack_openings",
]

Answer = Refusal | Decision | Acceptance | None
"""Why an operation has no effect, or what the council's epochs have to know of it, or neither."""


@dataclass(frozen=True, slots=True)
class Paper:
    """One operation about a ballot, with what its causal past says. parts: contents by index."""

    id: bytes
    epoch: int
    author: bytes
    membership: Membership | None
    body: Body
    deps: tuple[bytes, ...]
    parts: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Clerk:
    """What a ballot box has to ask of the council around it.

    link: epoch number -> what the chain says of it; charter: epoch number -> its charter;
    version_of: version of a text -> its proposal, or None; past_holds: whether all these
    operations are among deps or their past; judge_effect: why an effect cannot be moved by
    an operation with these deps, or None.
    """

    link: Callable[[int], Link]
    charter: Callable[[int], Charter]
    version_of: Callable[[bytes], bytes | None]
    past_holds: Callable[[Sequence[bytes], Sequence[bytes]], bool]
    judge_effect: Callable[[Effect, tuple[bytes, ...]], Refusal | None]


class BallotBox:
    """The ballots of one council."""

    def __init__(self, council: bytes, ask: Clerk) -> None:
        self._council, self._ask = council, ask
        self.ballots: dict[bytes, Ballot] = {}
        self.running: dict[bytes, Ballot] = {}
        """Those without a certificate."""
        self.epochs: dict[bytes, EpochAgreement] = {}
        """Digest of an epoch -> the tellers' agreement on what follows it."""
        self.supports: dict[bytes, tuple[bytes, Membership]] = {}
        """Support -> (proposal, who)."""
        self.revocations: dict[bytes, RevokeDevice] = {}
        """Operations that would end a device; whether its person signed them is not judged here."""
        self.enrolments: dict[bytes, bytes] = {}
        """Operations that would enrol a device -> the device."""

    def take_in(self, paper: Paper) -> Answer:
        """Judge and take in."""
        body = paper.body
        try:
            if isinstance(body, Support | OpenBallot | CastBody):
                if paper.membership is None:
                    return Refusal("voice", "a teller's key has no voice in what members say and decide.")
                if isinstance(body, Support):
                    return self._support(paper, body, paper.membership)
                if isinstance(body, OpenBallot):
                    return self._open(paper, body, paper.membership)
                return self._cast(paper, body, paper.membership)
            if isinstance(body, Tell):
                return self._tell(paper, body)
            if isinstance(body, Propose | Prevote | Precommit):
                if body.of == self._ask.link(paper.epoch).digest:
                    return self.epoch(paper.epoch).add(paper.id, paper.author, body, paper.deps, paper.parts)
                ballot = self.ballots.get(body.of)
            else:
                assert isinstance(body, Accept | Decline | Seen | CloseBody | Certify)
                ballot = self.ballots.get(body.ballot)
            if ballot is None:
                return Refusal("ballot", "there is no such ballot.")
            return self._teller(ballot, paper)
        except Malformed as error:
            return Refusal(error.rule, error.message)

    def epoch(self, number: int) -> EpochAgreement:
        """The agreement on what follows epoch `number`."""
        link = self._ask.link(number)
        if link.digest not in self.epochs:
            self.epochs[link.digest] = EpochAgreement(link)
        return self.epochs[link.digest]

    def note(self, operation: bytes, body: Body) -> None:
        """Hear of what a member did to her devices: tellers and certificates need it."""
        if isinstance(body, RevokeDevice):
            self.revocations[operation] = body
        elif isinstance(body, EnrolDevice):
            self.enrolments[operation] = body.device

    def discard(self, operation: bytes) -> None:
        """Forget what is not kept any more."""
        self.ballots.pop(operation, None)
        self.running.pop(operation, None)
        self.supports.pop(operation, None)
        self.revocations.pop(operation, None)
        self.enrolments.pop(operation, None)
        for ballot in self.ballots.values():
            ballot.discard(operation)
            if not ballot.certificates:
                self.running[ballot.id] = ballot

    def data(self) -> list[Any]:
        """Plain data for the state digest."""
        return [
            [
                id,
                sorted(ballot.casts.keys() | ballot.standpoints.told.keys()),
                [[k, digest(c.record)] for k, c in sorted(ballot.certified.items())],
            ]
            for id, ballot in sorted(self.ballots.items())
        ]

    # --- members ----------------------------------------------------------------------------------

    def _support(self, paper: Paper, body: Support, who: Membership) -> Refusal | None:
        if body.proposal not in paper.deps or self._ask.version_of(body.proposal) is None:
            return Refusal("support", "what it supports is no proposal among its deps.")
        self.supports[paper.id] = (body.proposal, who)
        return None

    def _open(self, paper: Paper, body: OpenBallot, opener: Membership) -> Refusal | None:
        link, charter = self._ask.link(paper.epoch), self._ask.charter(paper.epoch)
        if body.epoch != link.digest:
            return Refusal("ballot-epoch", "the ballot is opened on another epoch's roll than its operation's own.")
        if len(link.members) < charter.size.min:
            return Refusal("ballot-forming", "a council that is forming opens no ballots.")
        named = [*body.pins, *([body.proposal] if body.proposal else []), *body.supports]
        if not set(named) <= set(paper.deps) or any(self._ask.version_of(pin) is None for pin in body.pins):
            return Refusal("ballot-pins", "what the ballot names is not among its deps, or is no version of a text.")
        openers = link.offices.get(charter.ballots.openers, ())
        if openers and opener not in openers:
            return Refusal(
                "ballot-opener", f"by the charter ballots are opened by whoever holds {charter.ballots.openers!r}."
            )
        backers = {opener}
        for support in body.supports:
            proposal, who = self.supports.get(support, (b"", opener))
            if proposal == body.proposal and who in link.members:
                backers.add(who)
        if len(backers) < charter.ballots.supporters:
            return Refusal(
                "ballot-supporters",
                f"the charter asks for {charter.ballots.supporters} supporters, the opener included; "
                f"this ballot has {len(backers)}.",
            )
        fault = check_opening(body, link.members, charter)
        effect = read_effect(body.effect)
        if fault is None and effect is not None and not isinstance(effect, Elect | ElectDelegates):
            fault = self._ask.judge_effect(effect, paper.deps)
        if fault is not None:
            return fault
        ballot = Ballot(paper.id, self._council, opener, body, paper.epoch, charter, link.members, link.tellers)
        self.ballots[paper.id] = self.running[paper.id] = ballot
        return None

    def _cast(self, paper: Paper, body: CastBody, voter: Membership) -> Refusal | None:
        ballot = self.ballots.get(body.ballot)
        if ballot is None or body.ballot not in paper.deps:
            return Refusal("ballot", "the cast does not name its ballot among its deps.")
        refusal = ballot.judge_cast(body, voter, paper.deps)
        if refusal is None and body.boxes is not None:
            refusal = ballot.judge_boxes(paper.parts[body.boxes])
        if refusal is not None:
            return refusal
        if any(self._ask.past_holds(paper.deps, [other]) for other in ballot.later(body, voter)):
            return Refusal("cast-revision", "the voter had cast a later revision already, in the past of this one.")
        ballot.add_cast(paper.id, body, voter, paper.author)
        if paper.author not in ballot.roll[voter].devices:
            enrolments = sorted(id for id, device in self.enrolments.items() if device == paper.author)
            ballot.enrolments[paper.id] = tuple(id for id in enrolments if self._ask.past_holds(paper.deps, [id]))
        if body.boxes is not None and not ballot.certificates:
            ballot.boxes[paper.id] = paper.parts[body.boxes]
        return None

    def _tell(self, paper: Paper, body: Tell) -> Refusal | None:
        ballot, seat = self.ballots.get(body.ballot), Membership(body.seat)
        link = self._ask.link(paper.epoch).seats.get(body.seat)
        if ballot is None or body.ballot not in paper.deps:
            return Refusal("ballot", "what is told does not name its ballot among its deps.")
        member = ballot.roll.get(seat)
        if member is None or member.seat is None or link is None:
            return Refusal("tell-seat", "no such council sits here, or it did not when the ballot was opened.")
        if member.seat.suspended or ballot.body.hidden:
            return Refusal("tell-seat", "the seat is suspended, or the ballot hides its casts: seats vote openly.")
        ballot.standpoints.add(paper.id, seat, link)
        return None

    # --- tellers ----------------------------------------------------------------------------------

    def _teller(self, ballot: Ballot, paper: Paper) -> Answer:
        body, who = paper.body, paper.author
        if isinstance(body, Certify):
            return self._certify(ballot, paper, body)
        if who not in ballot.tellers:
            return Refusal("teller", "only a teller of the ballot's epoch says this.")
        if isinstance(body, Propose):
            return ballot.add_propose(paper.id, who, body, paper.deps)
        if isinstance(body, Prevote | Precommit):
            return ballot.add_vote(paper.id, who, body, paper.deps)
        if isinstance(body, CloseBody):
            return self._close(ballot, paper, body)
        if ballot.id not in paper.deps:
            return Refusal("ballot", "the operation does not name its ballot among its deps.")
        if isinstance(body, Seen):
            casts = unpack_ids(paper.parts[body.casts])
            if not (ballot.casts.keys() | ballot.standpoints.told.keys()) >= set(casts) or not self._ask.past_holds(
                paper.deps, casts
            ):
                return Refusal("seen-casts", "the receipt lists what is no cast of this ballot in its past.")
            ballot.add_seen(who, casts)
            return None
        if isinstance(body, Decline):
            ballot.add_decline(who, body)
            return None
        assert isinstance(body, Accept)
        ballot.add_accept(paper.id, who, body)
        return Acceptance(ballot.id, ballot.epoch, ballot.profile.q)

    def _close(self, ballot: Ballot, paper: Paper, body: CloseBody) -> Refusal | None:
        casts = unpack_ids(paper.parts[body.casts])
        refusal = ballot.judge_close(paper.author, body, casts, paper.deps)
        if refusal is None and not self._ask.past_holds(paper.deps, casts):
            refusal = Refusal("close-casts", "the close lists casts that are not in its past.")
        if refusal is None:
            openings = [] if body.openings is None else unpack_openings(paper.parts[body.openings])
            ballot.add_close(paper.id, paper.author, body, casts, openings)
        return refusal

    def _certify(self, ballot: Ballot, paper: Paper, body: Certify) -> Refusal | Decision:
        record = paper.parts[body.record]
        round, signatures = unpack_signatures(paper.parts[body.signatures])
        if round != body.round:
            return Refusal("certify-round", "the certificate's signatures are of another round than it says.")
        refusal = ballot.judge_certificate(body, record, signatures, paper.deps)
        if refusal is not None:
            return refusal
        certified = Certified(paper.id, record, round, tuple(signatures))
        ballot.add_certificate(body.instance, certified)
        self.running.pop(ballot.id, None)
        return Decision(ballot.id, ballot.epoch, digest(record), ballot.effect(certified))


def unpack_ids(part: bytes) -> list[bytes]:
    """A list of ids; `Malformed` unless sorted, each once."""
    value = decode(part, MAX_PARTS)
    if type(value) is not list or not all(type(item) is bytes and len(item) == 32 for item in value):
        raise Malformed("casts", "the part is not a list of ids.")
    if value != sorted(set(value)):
        raise Malformed("casts", "the list of ids is not sorted, each once.")
    return value


def unpack_openings(part: bytes) -> list[tuple[bytes, bytes, Any]]:
    """Casts with salt and choice; `Malformed` unless sorted by cast, one a cast."""
    value = decode(part, MAX_PARTS)
    out: list[tuple[bytes, bytes, Any]] = []
    for item in value if type(value) is list else [value]:
        if type(item) is not list or len(item) != 3 or type(item[0]) is not bytes or type(item[1]) is not bytes:
            raise Malformed("openings", "an opening is not a cast, a salt and a choice.")
        if len(item[1]) != SALT or (out and item[0] <= out[-1][0]):
            raise Malformed("openings", "the openings are not sorted, or a salt is of another length.")
        out.append((item[0], item[1], item[2]))
    return out
