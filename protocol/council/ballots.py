"""Ballots: what was asked of whom, who answered, and what the tellers say came of it.

A fold over the log like all else: which cast counts is the tellers' agreement, and what
follows from an agreed value is computed here, alike on every node.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from ..errors import Refusal
from ..ids import Membership
from ..keys import DECISION, verify
from ..tellers.agreement import Agreement, Message, Outlook, Sort, rotation
from ..tellers.box import BOX, commitment, unpack_boxes
from ..tellers.close import Cast, Close, Counted, Extended, value_of
from ..tellers.question import check_choice
from .ballot_bodies import Accept, CastBody, Certify, CloseBody, Decline, Precommit, Prevote, Propose
from .bodies import Effect
from .decision_record import decision_message, decision_record, due_effect, read_decision
from .instance import Instance
from .standpoints import Obedience, Standpoints
from .terms import Terms

__all__ = ["Ballot", "Certified", "unwound"]


def unwound(nonce: bytes, times: int) -> bytes:
    """SHA-256 applied again and again."""
    for _ in range(times):
        nonce = sha256(nonce).digest()
    return nonce


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate that checked out: the record, its round, signatures of that round by q tellers or more."""

    operation: bytes
    record: bytes
    round: int
    signatures: tuple[tuple[bytes, bytes], ...]


class Ballot(Terms):
    """One ballot's fold: its terms, and all that was said about it."""

    def __init__(self, *terms: Any) -> None:
        super().__init__(*terms)
        self.accepts: dict[bytes, tuple[bytes, bytes]] = {}
        """Accept -> (teller, commitment)."""
        self.declines: dict[bytes, str] = {}
        """Teller -> the rule that it says was broken."""
        self.casts: dict[bytes, Cast] = {}
        """The casts that are kept. A hidden one's choice is its commitment."""
        self.boxes: dict[bytes, bytes] = {}
        """Hidden cast -> the part with the boxes, until the ballot is certified."""
        self.enrolments: dict[bytes, tuple[bytes, ...]] = {}
        """Cast of a device that is not on the pinned roll -> operations in its past that would enrol that device."""
        self.seen: dict[bytes, set[bytes]] = {}
        """Cast -> the tellers that say they had it on time."""
        self.certificates: dict[bytes, tuple[int, Certified]] = {}
        """Certificate's operation -> (instance, what it proves)."""
        self.opened: dict[bytes, object] = {}
        """Hidden cast -> the choice that a teller opened, which fits its commitment."""
        self.standpoints = Standpoints(self.council, self.id, self.body.deadline)
        """What was told of the seats on the roll."""
        self._every: dict[bytes, Cast] = {}  # casts, kept or not: a close that lists one has it for ever
        self._records: dict[tuple[int, bytes], bytes] = {}
        self.instances = [self.begin_instance(0, self.body.deadline)]

    def begin_instance(self, number: int, deadline: int) -> Instance:
        """A new attempt to close the ballot; deadline in ms."""
        order, first = rotation(sha256(self.id + number.to_bytes(8, "big")).digest(), self.tellers)

        def sealed(teller: bytes, round: int, value: bytes, signature: bytes) -> bool:
            record = self.record(self.instances[number], value)
            return verify(teller, DECISION, decision_message(record, round), signature)

        outlook = Outlook(order, self.profile.f, self.profile.q, first, sealed)
        return Instance(number, deadline, Agreement(outlook), self.charter.durations)

    @property
    def current(self) -> Instance:
        """The instance that runs, or the last that ran."""
        return self.instances[-1]

    @property
    def certified(self) -> dict[int, Certified]:
        """Instance -> its certificate, of several the one with the lowest id."""
        return {instance: proof for _, (instance, proof) in sorted(self.certificates.items(), reverse=True)}

    def accepted(self) -> bool:
        """Whether enough tellers accepted it for it to have an effect."""
        return len({teller for teller, _ in self.accepts.values()}) >= self.profile.q

    def refused(self) -> bool:
        """Whether so many tellers declined it that it can have none: it is to be opened anew."""
        accepting = {teller for teller, _ in self.accepts.values()}
        return len(self.declines.keys() - accepting) > self.profile.n - self.profile.q

    # --- what members say -----------------------------------------------------------------------

    def judge_cast(self, body: CastBody, voter: Membership, deps: tuple[bytes, ...]) -> Refusal | None:
        """Why a cast can never count, or None. Whether it is on time the tellers say."""
        if voter not in self.roll:
            return Refusal("cast-roll", "the voter is not on the roll that the ballot is for.")
        seat = self.roll[voter].seat
        if seat is not None and not seat.speaks(self.body.deadline):
            return Refusal("cast-mandate", "the delegate's mandate ends before the ballot, or the seat is suspended.")
        if body.revision >= self.share:
            return Refusal("cast-revision", f"in this ballot a cast can be revised {self.share - 1} times, not more.")
        if body.revision:
            earlier = self.casts.get(body.replaces or b"")
            if earlier is None or body.replaces not in deps or earlier.voter != voter:
                return Refusal("cast-revision", "the cast does not name the voter's own cast that it revises.")
            if body.revision != earlier.revision + 1:
                return Refusal("cast-revision", "the cast's revision is not one more than that of the one it revises.")
        elif body.replaces is not None:
            return Refusal("cast-revision", "a first cast revises nothing.")
        if self.body.hidden:
            if body.commitment is None or body.boxes is None or body.choice is not None:
                return Refusal("cast-hidden", "casts in this ballot are hidden until the close: send a commitment.")
            return None
        if body.commitment is not None or body.boxes is not None:
            return Refusal("cast-open", "casts in this ballot are open: send the choice itself.")
        return check_choice(self.body.question, body.choice)

    def judge_boxes(self, part: bytes) -> Refusal | None:
        """Why the boxes of a hidden cast cannot be, or None. Whether they open, the tellers see."""
        boxes = unpack_boxes(part)
        if not set(boxes) <= set(self.tellers) or any(len(box) != BOX for box in boxes.values()):
            return Refusal("cast-boxes", "the cast has a box for somebody who is no teller, or of another size.")
        return None

    def add_cast(self, operation: bytes, body: CastBody, voter: Membership, device: bytes) -> None:
        """Take a cast in."""
        choice: object = body.commitment if self.body.hidden else body.choice
        self.casts[operation] = self._every[operation] = Cast(operation, voter, device, body.revision, choice)

    def cast(self, operation: bytes) -> Cast:
        """A cast, kept or not."""
        return self._every[operation]

    def later(self, body: CastBody, voter: Membership) -> list[bytes]:
        """The voter's casts of the same revision or a higher one: none may be in the past of this one."""
        return [cast.id for cast in self.casts.values() if cast.voter == voter and cast.revision >= body.revision]

    def latest(self, voter: Membership) -> list[Cast]:
        """A voter's casts of her highest revision: two of them from one device are an equivocation."""
        mine = [cast for cast in self.casts.values() if cast.voter == voter]
        top = max((cast.revision for cast in mine), default=0)
        return sorted([cast for cast in mine if cast.revision == top], key=lambda cast: cast.id)

    def equivocations(self) -> dict[tuple[bytes, int], tuple[bytes, ...]]:
        """(device, revision) -> the several casts that it signed where one is allowed, by id."""
        said: dict[tuple[bytes, int], list[bytes]] = {}
        for id, cast in sorted(self.casts.items()):
            said.setdefault((cast.device, cast.revision), []).append(id)
        return {place: tuple(ids) for place, ids in sorted(said.items()) if len(ids) > 1}

    def discard(self, operation: bytes) -> None:
        """Forget a cast or a certificate that is not kept any more."""
        self.casts.pop(operation, None)
        self.boxes.pop(operation, None)
        self.standpoints.told.pop(operation, None)
        self.certificates.pop(operation, None)

    # --- what tellers say -----------------------------------------------------------------------

    def add_accept(self, operation: bytes, teller: bytes, body: Accept) -> None:
        """Take an accept in."""
        self.accepts[operation] = (teller, body.commitment)

    def add_decline(self, teller: bytes, body: Decline) -> None:
        """Take a decline in."""
        self.declines[teller] = body.rule

    def add_seen(self, teller: bytes, casts: list[bytes]) -> None:
        """Take a receipt in."""
        for cast in casts:
            self.seen.setdefault(cast, set()).add(teller)

    def judge_close(
        self, teller: bytes, body: CloseBody, casts: list[bytes], deps: tuple[bytes, ...]
    ) -> Refusal | None:
        """Why a close has no effect, or None. That its casts are in its past the caller checks."""
        committed = {self.accepts[dep][1] for dep in deps if dep in self.accepts and self.accepts[dep][0] == teller}
        if unwound(body.nonce, body.instance + 1) not in committed:
            return Refusal("close-nonce", "the close does not name the teller's accept, or its nonce is another.")
        if body.instance and (
            body.instance >= len(self.instances) or not self.instances[body.instance - 1].extended_in(frozenset(deps))
        ):
            return Refusal("close-instance", "the close does not name the agreement that extended the ballot.")
        if any(cast not in self.casts and cast not in self.standpoints.told for cast in casts):
            return Refusal("close-casts", "the close lists what is no cast of this ballot.")
        return None

    def add_close(
        self, operation: bytes, teller: bytes, body: CloseBody, casts: list[bytes], openings: list[Any]
    ) -> None:
        """Take a close in. openings: `[cast, salt, choice]` for hidden casts; those that fit count as listed."""
        listed = self.standpoints.named(casts)
        if self.body.hidden:
            fitting = {
                cast: choice for cast, salt, choice in openings if cast in listed and self.fits(cast, salt, choice)
            }
            self.opened |= fitting
            listed = frozenset(fitting)
        close = Close(operation, teller, listed, body.nonce, body.at, body.attended)
        self.instances[body.instance].closes[operation] = close

    def fits(self, cast: bytes, salt: bytes, choice: object) -> bool:
        """Whether this opens a hidden cast, and to a choice that the rule knows."""
        said = self._every[cast].choice
        return said == commitment(salt, choice) and check_choice(self.body.question, choice) is None

    def add_propose(self, operation: bytes, teller: bytes, body: Propose, deps: tuple[bytes, ...]) -> Refusal | None:
        """Take a proposal in: a value is one valid close each from at least q tellers."""
        instance = self._instance(body.instance)
        closes = [] if instance is None else [instance.closes.get(id) for id in body.closes]
        makers = {close.teller for close in closes if close is not None}
        if instance is None or not set(body.closes) <= set(deps) or body.closes != sorted(set(body.closes)):
            return Refusal("propose-closes", "the proposal names what is no close of this instance among its deps.")
        if len(makers) != len(closes) or len(makers) < self.profile.q:
            return Refusal("propose-closes", "the proposal does not name one close each from a quorum of tellers.")
        value = value_of(body.closes)
        message = Message(operation, teller, "propose", body.round, value, body.valid_round, frozenset(deps))
        refusal = instance.agreement.add(message)
        if refusal is None:
            instance.values[value] = tuple(body.closes)
        return refusal

    def add_vote(
        self, operation: bytes, teller: bytes, body: Prevote | Precommit, deps: tuple[bytes, ...]
    ) -> Refusal | None:
        """Take a prevote or precommit in; an agreed extension begins the next instance."""
        instance = self._instance(body.instance)
        if instance is None or instance.closes.keys().isdisjoint(deps):
            return Refusal("vote-close", "the vote does not name a close of its instance.")
        sort: Sort = "prevote" if isinstance(body, Prevote) else "precommit"
        signature = (body.signature or b"") if isinstance(body, Precommit) else b""
        message = Message(operation, teller, sort, body.round, body.value, -1, frozenset(deps), signature)
        refusal = instance.agreement.add(message)
        if refusal is None and instance is self.current:
            what = instance.decided()
            if isinstance(what, Extended):
                self.instances.append(self.begin_instance(instance.number + 1, what.deadline))
        return refusal

    def _instance(self, number: int) -> Instance | None:
        return self.instances[number] if number < len(self.instances) else None

    # --- what came of it ------------------------------------------------------------------------

    def counted(self, instance: Instance, value: bytes) -> list[Cast]:
        """The cast that counts for each voter, by voter."""
        what = instance.outcome(value)
        if not isinstance(what, Counted):
            return []
        casts = self.standpoints.chosen(what.casts, self._every, self.body.question)
        if self.body.hidden:
            return [replace(cast, choice=self.opened[cast.id]) for cast in casts]
        return casts

    def obedience(self) -> dict[Membership, Obedience]:
        """For each seat that was told of: what it was told, what was said for it, and whether these agree."""
        return self.standpoints.obedience(self.casts.values(), self.body.question)

    def record(self, instance: Instance, value: bytes) -> bytes:
        """The canonical record of what a value means: the same bytes everywhere."""
        place = (instance.number, value)
        if place not in self._records:
            casts = self.counted(instance, value)
            what, closes = instance.outcome(value), instance.closes_of(value)
            self._records[place] = decision_record(self, instance.number, value, closes, what, casts)
        return self._records[place]

    def judge_certificate(
        self, body: Certify, record: bytes, signatures: list[tuple[bytes, bytes]], deps: tuple[bytes, ...]
    ) -> Refusal | None:
        """Why a certificate proves nothing here, or None."""
        instance = self._instance(body.instance)
        values = [] if instance is None else [v for v in instance.values if self.record(instance, v) == record]
        if instance is None or not values:
            return Refusal("certify-record", "the record is not what the tellers' closes and the casts add up to.")
        voters = instance.agreement.precommits.get(body.round, {}).get(values[0], {})
        if sum(1 for ids in voters.values() if not set(ids).isdisjoint(deps)) < self.profile.q:
            return Refusal("certify-deps", "the certificate does not name a quorum of precommits of its round.")
        message = decision_message(record, body.round)
        good = all(key in self.tellers and verify(key, DECISION, message, signature) for key, signature in signatures)
        if not good or len(signatures) < self.profile.q:
            return Refusal("certify-signatures", "the certificate's signatures are not a quorum of the tellers' own.")
        if isinstance(instance.outcome(values[0]), Extended):
            return Refusal("certify-extended", "an extension decides nothing yet; there is nothing to certify.")
        return None

    def add_certificate(self, instance: int, certified: Certified) -> None:
        """Take a certificate in. What was needed until then is let go."""
        self.certificates[certified.operation] = (instance, certified)
        self.boxes.clear()

    def effect(self, certified: Certified) -> Effect | None:
        """What a certificate makes due, or None."""
        record = read_decision(certified.record)
        instance = self.instances[record["instance"]]
        return due_effect(self, record, self.counted(instance, record["value"]))
