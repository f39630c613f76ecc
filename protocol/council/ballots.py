"""Ballots: what was asked of whom, who answered, and what the tellers say came of it.

A fold over the log like all else: which cast counts is the tellers' agreement, and what
follows from an agreed value is computed here, alike on every node.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final

import msgspec

from ..codec import decode, encode
from ..counting.plain import Plain
from ..counting.ties import lot_seed
from ..errors import Refusal
from ..ids import Membership, digest
from ..keys import DECISION, verify
from ..tellers.agreement import Agreement, Message, Outlook, Sort, rotation
from ..tellers.close import Cast, Close, Counted, Extended, Lapsed, choose, outcome, value_of
from ..tellers.question import adopted, check_choice, check_question, tally
from .ballot_bodies import Accept, CastBody, Certify, CloseBody, Decline, OpenBallot, Precommit, Prevote, Propose
from .bodies import Effect
from .charter import MAJORITY, PROFILES, Charter, Profile
from .motions import MATTER
from .roll import Member, Teller, roll_digest

__all__ = ["Ballot", "Certified", "Instance", "check_opening", "decision_message"]


def decision_message(record: bytes, round: int) -> bytes:
    """What a teller signs (DECISION): the digest of a decision's record, and the round."""
    return encode([digest(record), round])


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate that checked out: the record, its round, q signatures of that round."""

    operation: bytes
    record: bytes
    round: int
    signatures: tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True)
class Instance:
    """One attempt to close a ballot: its deadline (ms), the tellers' closes, their agreement."""

    number: int
    deadline: int
    agreement: Agreement
    closes: dict[bytes, Close] = field(default_factory=dict)
    values: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    """Value -> the closes it stands for, as valid proposals said."""


def check_opening(body: OpenBallot, roll: Mapping[Membership, Member]) -> Refusal | None:
    """Why a ballot's own terms cannot be, or None. Who opens it, and on what, is judged elsewhere."""
    fault = check_question(body.question, len(roll))
    if fault is not None:
        return fault
    if body.effect is not None:
        try:
            msgspec.convert(body.effect, Effect, strict=True, builtin_types=(bytes,))
        except msgspec.ValidationError:
            return Refusal("ballot-effect", "the ballot's effect is none that a council knows.")
    voters = [membership for membership, _, _ in body.weights]
    if len(set(voters)) != len(voters) or not set(voters) <= roll.keys():
        return Refusal("ballot-weights", "the ballot weighs somebody twice, or somebody who is not on the roll.")
    if any(a < 0 or b < 1 for _, a, b in body.weights):
        return Refusal("ballot-weights", "a weight is a fraction of 0 or more.")
    return None


class Ballot:
    """One ballot's fold. roll, charter and tellers are those of the epoch it was opened on."""

    def __init__(
        self,
        operation: bytes,
        council: bytes,
        opener: Membership,
        body: OpenBallot,
        number: int,
        charter: Charter,
        roll: Mapping[Membership, Member],
        tellers: tuple[Teller, ...],
    ) -> None:
        self.id = operation
        self.council = council
        self.opener = opener
        self.body = body
        self.epoch = number
        self.charter = charter
        self.roll = roll
        self.profile: Profile = PROFILES[charter.tellers]
        self.tellers = tuple(sorted(teller.key for teller in tellers))
        self.weights = {Membership(m): Fraction(a, b) for m, a, b in body.weights}
        self.accepts: dict[bytes, tuple[bytes, bytes]] = {}
        """Accept -> (teller, commitment)."""
        self.declines: dict[bytes, str] = {}
        self.casts: dict[bytes, Cast] = {}
        self.seen: dict[bytes, set[bytes]] = {}
        self.certified: dict[int, Certified] = {}
        """Instance -> certificate."""
        self.opened: dict[bytes, object] = {}
        """Hidden cast -> the choice that a teller opened, which fits its commitment."""
        self._records: dict[tuple[int, bytes], bytes] = {}
        self.instances = [self.begin_instance(0, body.deadline)]

    def begin_instance(self, number: int, deadline: int) -> Instance:
        """A new attempt to close the ballot; deadline in ms."""
        order, first = rotation(sha256(self.id + number.to_bytes(8, "big")).digest(), self.tellers)
        outlook = Outlook(
            order,
            self.profile.f,
            self.profile.q,
            first,
            lambda teller, round, value, signature: self._sealed(number, teller, round, value, signature),
        )
        return Instance(number, deadline, Agreement(outlook))

    @property
    def current(self) -> Instance:
        """The instance that runs, or the last that ran."""
        return self.instances[-1]

    def weight(self, voter: Membership) -> Fraction:
        """What a voter's cast weighs."""
        return self.weights.get(voter, Fraction(1))

    def accepted(self) -> bool:
        """Whether enough tellers accepted it for it to have an effect."""
        return len({teller for teller, _ in self.accepts.values()}) >= self.profile.q

    # --- what members say -----------------------------------------------------------------------

    def judge_cast(self, body: CastBody, voter: Membership, deps: tuple[bytes, ...]) -> Refusal | None:
        """Why a cast can never count, or None. Whether it is on time the tellers say."""
        if voter not in self.roll:
            return Refusal("cast-roll", "the voter is not on the roll that the ballot is for.")
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

    def add_cast(self, operation: bytes, body: CastBody, voter: Membership, device: bytes) -> None:
        """Take a cast in."""
        choice: object = body.commitment if self.body.hidden else body.choice
        self.casts[operation] = Cast(operation, voter, device, body.revision, choice)

    def drop_cast(self, operation: bytes) -> None:
        """A cast that is not kept any more. One that a close lists is always kept."""
        self.casts.pop(operation, None)

    def latest(self, voter: Membership) -> list[Cast]:
        """A voter's casts of her highest revision: two of them from one device are an equivocation."""
        mine = [cast for cast in self.casts.values() if cast.voter == voter]
        top = max((cast.revision for cast in mine), default=0)
        return sorted([cast for cast in mine if cast.revision == top], key=lambda cast: cast.id)

    # --- what tellers say -----------------------------------------------------------------------

    def add_accept(self, operation: bytes, teller: bytes, body: Accept) -> Refusal | None:
        """Take an accept in."""
        if teller not in self.tellers:
            return _STRANGER
        self.accepts[operation] = (teller, body.commitment)
        return None

    def add_decline(self, teller: bytes, body: Decline) -> Refusal | None:
        """Take a decline in."""
        if teller not in self.tellers:
            return _STRANGER
        self.declines[teller] = body.rule
        return None

    def add_seen(self, teller: bytes, casts: list[bytes]) -> Refusal | None:
        """Take a receipt in."""
        if teller not in self.tellers:
            return _STRANGER
        for cast in casts:
            if cast in self.casts:
                self.seen.setdefault(cast, set()).add(teller)
        return None

    def judge_close(
        self, teller: bytes, body: CloseBody, casts: list[bytes], deps: tuple[bytes, ...]
    ) -> Refusal | None:
        """Why a close has no effect, or None. That its casts are in its past the caller checked."""
        accept = [self.accepts[dep] for dep in deps if dep in self.accepts and self.accepts[dep][0] == teller]
        if not accept or sha256(body.nonce).digest() not in {commitment for _, commitment in accept}:
            return Refusal("close-nonce", "the close does not name the teller's accept, or its nonce is another.")
        if body.instance >= len(self.instances):
            return Refusal("close-instance", "the ballot was not extended so often.")
        if body.instance and not self._extended_by(body.instance, deps):
            return Refusal("close-instance", "the close does not name the agreement that extended the ballot.")
        if any(cast not in self.casts for cast in casts):
            return Refusal("close-casts", "the close lists what is no cast of this ballot.")
        return None

    def _extended_by(self, instance: int, deps: tuple[bytes, ...]) -> bool:
        agreement = self.instances[instance - 1].agreement
        if agreement.decided is None:
            return False
        round, value = agreement.decided
        voters = agreement.precommits[round][value]
        return sum(1 for ids in voters.values() if set(ids) & set(deps)) >= self.profile.q

    def add_close(
        self, operation: bytes, teller: bytes, body: CloseBody, casts: list[bytes], openings: list[Any]
    ) -> None:
        """Take a close in. openings: `[cast, salt, choice]` for hidden casts; those that fit count as listed."""
        listed = frozenset(casts)
        if self.body.hidden:
            fitting = set()
            for cast, salt, choice in openings:
                commitment = sha256(salt + encode(choice)).digest()
                if cast not in listed or self.casts[cast].choice != commitment:
                    continue
                if check_choice(self.body.question, choice) is None:
                    self.opened[cast] = choice
                    fitting.add(cast)
            listed = frozenset(fitting)
        close = Close(operation, teller, listed, body.nonce, body.at, body.attended)
        self.instances[body.instance].closes[operation] = close

    def add_propose(self, operation: bytes, teller: bytes, body: Propose, deps: tuple[bytes, ...]) -> Refusal | None:
        """Take a proposal in: a value is one valid close each from at least q tellers."""
        if body.instance >= len(self.instances):
            return Refusal("propose-instance", "the ballot was not extended so often.")
        instance = self.instances[body.instance]
        closes = [instance.closes.get(id) for id in body.closes]
        makers = [close.teller for close in closes if close is not None]
        if None in closes or not set(body.closes) <= set(deps) or body.closes != sorted(set(body.closes)):
            return Refusal("propose-closes", "the proposal names what is no close of this instance among its deps.")
        if len(set(makers)) != len(makers) or len(makers) < self.profile.q:
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
        if body.instance >= len(self.instances):
            return Refusal("vote-instance", "the ballot was not extended so often.")
        instance = self.instances[body.instance]
        if not instance.closes.keys() & set(deps):
            return Refusal("vote-close", "the vote does not name a close of its instance.")
        sort: Sort = "prevote" if isinstance(body, Prevote) else "precommit"
        signature = (body.signature or b"") if isinstance(body, Precommit) else b""
        message = Message(operation, teller, sort, body.round, body.value, -1, frozenset(deps), signature)
        refusal = instance.agreement.add(message)
        if refusal is None and instance is self.current and instance.agreement.decided is not None:
            what = self.outcome(instance, instance.agreement.decided[1])
            if isinstance(what, Extended):
                self.instances.append(self.begin_instance(instance.number + 1, what.deadline))
        return refusal

    def _sealed(self, number: int, teller: bytes, round: int, value: bytes, signature: bytes) -> bool:
        instance = self.instances[number]
        if value not in instance.values:
            return False
        return verify(teller, DECISION, decision_message(self.record(instance, value), round), signature)

    # --- what came of it ------------------------------------------------------------------------

    def outcome(self, instance: Instance, value: bytes) -> Extended | Lapsed | Counted:
        """What a value of this instance means."""
        durations = self.charter.durations
        closes = [instance.closes[id] for id in instance.values[value]]
        return outcome(closes, self.profile.f, instance.number, durations.extension * 1000, durations.extensions)

    def counted(self, instance: Instance, value: bytes) -> list[Cast]:
        """The cast that counts for each voter, by voter."""
        what = self.outcome(instance, value)
        if not isinstance(what, Counted):
            return []
        casts = choose(self.casts[cast] for cast in what.casts)
        if self.body.hidden:
            return [replace(cast, choice=self.opened[cast.id]) for cast in casts]
        return casts

    def record(self, instance: Instance, value: bytes) -> bytes:
        """The canonical record of what a value means: the same bytes everywhere."""
        place = (instance.number, value)
        if place not in self._records:
            self._records[place] = encode(self._record(instance, value))
        return self._records[place]

    def _record(self, instance: Instance, value: bytes) -> dict[str, Any]:
        what = self.outcome(instance, value)
        casts = self.counted(instance, value)
        fields: dict[str, Any] = {
            "version": 1,
            "council": self.council,
            "epoch": self.epoch,
            "epoch_digest": self.body.epoch,
            "roll": roll_digest(self.roll),
            "people": len(self.roll),
            "ballot": self.id,
            "instance": instance.number,
            "value": value,
            "counted": digest(encode([[cast.id, cast.voter, cast.revision] for cast in casts])),
            "voted": len(casts),
        }
        if isinstance(what, Extended):
            return {**fields, "outcome": "extended", "deadline": what.deadline}
        if isinstance(what, Lapsed):
            return {**fields, "outcome": "lapsed"}
        if not self.charter.ballots.quorum.met(len(casts), len(self.roll)):
            return {**fields, "outcome": "no quorum"}
        nonces = [instance.closes[id].nonce for id in instance.values[value]]
        seed = lot_seed(self.id, instance.number, nonces)
        return {**fields, "outcome": "decided", **self._results(casts, seed)}

    def _results(self, casts: list[Cast], seed: bytes) -> dict[str, Any]:
        """The result, and for weighted votes the equal one beside it."""
        question = self.body.question
        people = len(self.roll)
        equal = tally(question, [(1, cast.choice) for cast in casts], people, people, seed)
        if not self.weights:
            return {"result": _or_refusal(equal)}
        roll = sum((self.weight(voter) for voter in self.roll), Fraction(0))
        votes = [(self.weight(Membership(cast.voter)), cast.choice) for cast in casts]
        return {"result": _or_refusal(tally(question, votes, roll, people, seed)), "equal": _or_refusal(equal)}

    def judge_certificate(
        self, body: Certify, record: bytes, signatures: list[tuple[bytes, bytes]], deps: tuple[bytes, ...]
    ) -> Refusal | None:
        """Why a certificate proves nothing here, or None."""
        if body.instance >= len(self.instances):
            return Refusal("certify-instance", "the ballot was not extended so often.")
        instance = self.instances[body.instance]
        values = [value for value in instance.values if self.record(instance, value) == record]
        if not values:
            return Refusal("certify-record", "the record is not what the tellers' closes and the casts add up to.")
        voters = instance.agreement.precommits.get(body.round, {}).get(values[0], {})
        if sum(1 for ids in voters.values() if set(ids) & set(deps)) < self.profile.q:
            return Refusal("certify-deps", "the certificate does not name a quorum of precommits of its round.")
        message = decision_message(record, body.round)
        good = {key for key, s in signatures if key in self.tellers and verify(key, DECISION, message, s)}
        if len(good) < self.profile.q:
            return Refusal("certify-signatures", "the certificate lacks a quorum of the tellers' signatures.")
        if isinstance(self.outcome(instance, values[0]), Extended):
            return Refusal("certify-extended", "an extension decides nothing yet; there is nothing to certify.")
        return None

    def effect(self, certified: Certified) -> Effect | None:
        """What a certificate makes due, or None.

        What changes charter, tellers or whose membership goes on needs the charter's threshold
        over the whole pinned roll, however few voted; admissions too where one teller could lie.
        """
        record = decode(certified.record, len(certified.record))
        if self.body.effect is None or record["outcome"] != "decided" or not adopted(record["result"]):
            return None
        effect: Effect = msgspec.convert(self.body.effect, Effect, strict=True, builtin_types=(bytes,))
        matter = MATTER[type(effect)]
        if matter in MAJORITY or (matter == "admission" and self.profile.f == 0):
            casts = self.counted(self.instances[record["instance"]], record["value"])
            yes = sum(1 for cast in casts if cast.choice in _IN_FAVOUR)
            if not self.charter.thresholds[matter].met(yes, len(self.roll)):
                return None
        return effect


def _or_refusal(result: dict[str, Plain] | Refusal) -> dict[str, Any]:
    if isinstance(result, Refusal):
        return {"elected": [], "refused": result.rule}
    return result


_IN_FAVOUR: Final = ("yes", "agree")
_STRANGER: Final = Refusal("teller", "only a teller of the ballot's epoch says this.")
