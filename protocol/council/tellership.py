"""What one teller does for one council: a fold over the log, asked at moments that are passed in.

It says nothing by itself. `poll` gives the next deed; the node makes it an operation on top
of all its heads and of what the deed needs, stores it durably, feeds it back, and only then
sends it. After a restart the log says what was done.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Protocol

from ..codec import encode
from ..keys import DECISION, public_key, sign
from ..tellers.agreement import NIL
from ..tellers.close import Extended, value_of
from ..tellers.step import Intent, Step, Timeouts
from .ballots import Ballot, Instance, decision_message
from .council import Council
from .epochs import Record
from .signatures import pack_signatures, sign_epoch

__all__ = ["Deed", "Surroundings", "Tellership"]

ATTENDANCE: Final = 60_000
"""How long after the deadline, in ms, a close still counts as that of a teller who attended."""
SEEN_EVERY: Final = 10_000
"""Receipts are gathered for this long, in ms."""
CERTIFY_STEP: Final = 1_500
"""Tellers publish a certificate one after the other, in ms, so that one is usually enough."""


class Surroundings(Protocol):
    """What a teller's node knows beyond the log."""

    def received(self, operation: bytes) -> int | None:
        """When an operation was first durable here, ms by the teller's clock; None: it is not."""

    def in_contact(self) -> int:
        """With how many other tellers of the council the node synced within the last sync intervals."""

    def opening(self, cast: bytes) -> tuple[bytes, Any] | None:
        """Salt and choice of a hidden cast, from the box that was sealed for this teller."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a teller has to say. parts: the operation's contents, in order.

    alone: the operation's deps are `needs` and nothing else (an epoch builds on its basis).
    """

    kind: str
    body: dict[str, Any]
    needs: tuple[bytes, ...]
    parts: tuple[bytes, ...] = ()
    alone: bool = False


@dataclass(slots=True)
class Tellership:
    """One teller key in one council."""

    council: Council
    seed: bytes
    surroundings: Surroundings
    timeouts: Timeouts = field(default_factory=Timeouts)
    wake: int | None = None
    """When to ask again, ms, if nothing comes meanwhile."""
    _steps: dict[tuple[bytes, int], Step] = field(default_factory=dict)
    _quorum_at: dict[tuple[bytes, int], int] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        """The teller's public key."""
        return public_key(self.seed)

    def nonce(self, ballot: bytes) -> bytes:
        """What the accept commits to: derived, so that it survives any restart."""
        return sha256(b"folkmoot nonce 1\n" + self.seed + ballot).digest()

    def sleep_until(self, at: int) -> None:
        """Ask to be polled again at `at`, or earlier."""
        self.wake = at if self.wake is None else min(self.wake, at)

    def poll(self, now: int) -> Deed | None:
        """The next deed, or None. now: the teller's clock, ms. Ask again once it is in the log."""
        self.wake = None
        ballots = self.council.box.ballots.values()
        for ballot in sorted(ballots, key=lambda ballot: (ballot.body.deadline, ballot.id)):
            if self.key in ballot.tellers:
                deed = self._ballot(ballot, now)
                if deed is not None:
                    return deed
        return self._epoch(now)

    # --- ballots ----------------------------------------------------------------------------------

    def _ballot(self, ballot: Ballot, now: int) -> Deed | None:
        if ballot.certified or self.key in ballot.declines:
            return None
        accepts = [accept for accept, (teller, _) in sorted(ballot.accepts.items()) if teller == self.key]
        if not accepts:
            return self._answer(ballot, now)
        if not ballot.accepted():
            return None
        instance = ballot.current
        if now < instance.deadline:
            self.sleep_until(instance.deadline)
            return self._seen(ballot, instance, now)
        mine = [close for close in instance.closes.values() if close.teller == self.key]
        if not mine:
            return self._close(ballot, instance, accepts[0], now)
        if instance.agreement.decided is not None:
            return self._certify(ballot, instance, now)
        return self._vote(ballot, instance, min(close.id for close in mine), now)

    def _answer(self, ballot: Ballot, now: int) -> Deed | None:
        durations = ballot.charter.durations
        rule = ""
        begun = self.surroundings.received(ballot.body.proposal or ballot.id)
        if ballot.epoch != self.council.head.number:
            rule = "epoch"
        elif now > ballot.body.deadline - durations.notice * 1000:
            rule = "notice"
        elif ballot.body.proposal is not None and begun is not None and now - begun < durations.discussion * 1000:
            rule = "discussion"
        if rule:
            return Deed("teller.decline", {"ballot": ballot.id, "rule": rule}, (ballot.id,))
        commitment = sha256(self.nonce(ballot.id)).digest()
        return Deed("teller.accept", {"ballot": ballot.id, "commitment": commitment}, (ballot.id,))

    def _on_time(self, ballot: Ballot, instance: Instance) -> list[bytes]:
        out = []
        for cast in sorted(ballot.casts):
            at = self.surroundings.received(cast)
            if at is not None and at < instance.deadline:
                out.append(cast)
        return out

    def _seen(self, ballot: Ballot, instance: Instance, now: int) -> Deed | None:
        news = [cast for cast in self._on_time(ballot, instance) if self.key not in ballot.seen.get(cast, ())]
        if not news:
            return None
        oldest = min(self.surroundings.received(cast) or now for cast in news)
        if now < oldest + SEEN_EVERY:
            self.sleep_until(oldest + SEEN_EVERY)
            return None
        return Deed("teller.seen", {"ballot": ballot.id, "casts": 0}, (ballot.id,), (encode(news),))

    def _close(self, ballot: Ballot, instance: Instance, accept: bytes, now: int) -> Deed:
        profile = ballot.profile
        casts = self._on_time(ballot, instance)
        prompt = now < instance.deadline + ATTENDANCE
        body: dict[str, Any] = {
            "ballot": ballot.id,
            "instance": instance.number,
            "casts": 0,
            "nonce": self.nonce(ballot.id),
            "at": now,
            "attended": prompt and self.surroundings.in_contact() >= min(profile.f + 1, profile.n - 1),
        }
        parts = [encode(casts)]
        if ballot.body.hidden:
            opened = [(cast, self.surroundings.opening(cast)) for cast in casts]
            parts.append(encode([[cast, *found] for cast, found in opened if found is not None]))
            body["openings"] = 1
        needs = [accept]
        if instance.number:
            before = ballot.instances[instance.number - 1].agreement
            assert before.decided is not None
            needs += before.quorum(before.precommits, *before.decided)
        return Deed("teller.close", body, tuple(needs), tuple(parts))

    def _vote(self, ballot: Ballot, instance: Instance, mine: bytes, now: int) -> Deed | None:
        grace = ballot.charter.durations.grace * 1000
        by_teller = self._best(instance)
        if len(by_teller) < ballot.profile.q:
            return None
        since = self._quorum_at.setdefault((ballot.id, instance.number), now)

        def fresh(now: int) -> tuple[bytes, tuple[bytes, ...]] | None:
            if len(by_teller) < ballot.profile.n and now < since + grace:
                step.sleep_until(since + grace)
                return None
            closes = tuple(sorted(by_teller.values()))
            return value_of(closes), closes

        def accepts(value: bytes, now: int) -> bool:
            closes = [instance.closes[id] for id in instance.values[value]]
            enough = 2 * ballot.profile.f + 1
            attended = sum(1 for close in closes if close.attended)
            known = {close.teller for close in instance.closes.values() if close.attended}
            if attended < enough <= len(known):
                return False  # it would extend a ballot that enough tellers attended
            named = {close.teller for close in closes}
            held = [self.surroundings.received(id) for teller, id in by_teller.items() if teller not in named]
            return not any(at is not None and now - at > grace for at in held)

        step = self._step((ballot.id, instance.number), instance.agreement, fresh, accepts)
        step.support = lambda value: instance.values[value]
        intent = step.poll(now)
        if step.wake is not None:
            self.sleep_until(step.wake)
        if intent is None:
            return None
        body: dict[str, Any] = {"of": ballot.id, "instance": instance.number, "round": intent.round}
        if intent.sort == "propose":
            closes = instance.values.get(intent.value) or tuple(sorted(by_teller.values()))
            body |= {"valid_round": intent.valid_round, "closes": list(closes)}
            return Deed("teller.propose", body, (*closes, *intent.needs))
        return self._ballot_vote(ballot, instance, intent, body, mine)

    def _ballot_vote(
        self, ballot: Ballot, instance: Instance, intent: Intent, body: dict[str, Any], mine: bytes
    ) -> Deed:
        body["value"] = intent.value
        if intent.sort == "precommit" and intent.value != NIL:
            record = ballot.record(instance, intent.value)
            body["signature"] = sign(self.seed, DECISION, decision_message(record, intent.round))
        return Deed(f"teller.{intent.sort}", body, (mine, *intent.needs))

    def _best(self, instance: Instance) -> dict[bytes, bytes]:
        """One close for each teller: one that says it attended, if there is one, then the lowest id."""
        best: dict[bytes, bytes] = {}
        for close in sorted(instance.closes.values(), key=lambda close: (not close.attended, close.id)):
            best.setdefault(close.teller, close.id)
        return best

    def _step(
        self,
        place: tuple[bytes, int],
        agreement: Any,
        fresh: Callable[[int], tuple[bytes, tuple[bytes, ...]] | None],
        accepts: Callable[[bytes, int], bool],
    ) -> Step:
        step = self._steps.get(place)
        if step is None:
            step = Step(self.key, agreement, self.timeouts, fresh, accepts, lambda value: ())
            self._steps[place] = step
        step.fresh, step.accepts = fresh, accepts
        return step

    def _certify(self, ballot: Ballot, instance: Instance, now: int) -> Deed | None:
        agreement = instance.agreement
        assert agreement.decided is not None
        round, value = agreement.decided
        if isinstance(ballot.outcome(instance, value), Extended):
            return None
        order = agreement.outlook.tellers
        rank = (order.index(self.key) - order.index(agreement.proposer(round))) % len(order)
        since = self._quorum_at.setdefault((ballot.id, -1 - instance.number), now)
        if now < since + rank * CERTIFY_STEP:
            self.sleep_until(since + rank * CERTIFY_STEP)
            return None
        body = {"ballot": ballot.id, "instance": instance.number, "round": round, "record": 0, "signatures": 1}
        parts = (ballot.record(instance, value), pack_signatures(round, agreement.signatures(round, value)))
        return Deed("teller.certify", body, agreement.quorum(agreement.precommits, round, value), parts)

    # --- epochs -------------------------------------------------------------------------------------

    def _epoch(self, now: int) -> Deed | None:
        head = self.council.head
        if self.key not in {teller.key for teller in head.tellers}:
            return None
        if len(head.tellers) == 1:
            record = self.council.compose()
            if record is None:
                return None
            return _sealed(
                record.number, record.data, record.basis, 0, [(self.key, sign_epoch(self.seed, record.digest))]
            )
        return self._agree_on_epoch(now)

    def _agree_on_epoch(self, now: int) -> Deed | None:
        council = self.council
        agreed = council.box.epoch(council.head.number)
        agreement = agreed.agreement
        if agreement.decided is not None:
            round, value = agreement.decided
            claim = council.read_record(agreed.records[value])
            signatures = agreement.signatures(round, value)
            return _sealed(claim.number, claim.data, claim.basis, round, signatures)
        due: Record | None = council.compose()
        if due is None and not agreement.valid:
            return None
        grace = council.charter.durations.grace * 1000

        def fresh(now: int) -> tuple[bytes, tuple[bytes, ...]] | None:
            if due is None:
                return None
            return due.digest, due.basis

        def accepts(value: bytes, now: int) -> bool:
            follows = council.follows(agreed.records[value])
            if follows is None:
                return False
            taken = {effect["reason"] for effect in follows.effects if "reason" in effect}
            mine = [] if due is None else [effect["reason"] for effect in due.effects if "reason" in effect]
            held = [self.surroundings.received(reason) for reason in mine if reason not in taken]
            return not any(at is not None and now - at > grace for at in held)

        step = self._step((agreed.of, 0), agreement, fresh, accepts)
        intent = step.poll(now)
        if step.wake is not None:
            self.sleep_until(step.wake)
        if intent is None:
            return None
        body: dict[str, Any] = {"of": agreed.of, "instance": 0, "round": intent.round}
        if intent.sort == "propose":
            body |= {"valid_round": intent.valid_round, "record": 0}
            record = agreed.records.get(intent.value) or (due.data if due is not None else b"")
            return Deed("teller.propose", body, intent.needs, (record,))
        body["value"] = intent.value
        if intent.sort == "precommit" and intent.value != NIL:
            body["signature"] = sign_epoch(self.seed, intent.value, intent.round)
        return Deed(f"teller.{intent.sort}", body, intent.needs)


def _sealed(
    number: int, record: bytes, basis: tuple[bytes, ...], round: int, signatures: list[tuple[bytes, bytes]]
) -> Deed:
    body = {"number": number, "record": 0, "signatures": 1}
    return Deed("council.epoch", body, basis, (record, pack_signatures(round, signatures)), alone=True)
