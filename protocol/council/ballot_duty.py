"""What one teller has to say about a council's ballots, from its answer to the certificate."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ..codec import encode
from ..ids import Membership
from ..keys import DECISION, REVOCATION, sign, verify
from ..tellers.agreement import NIL
from ..tellers.box import Opening, open_box, unpack_boxes
from ..tellers.close import Close, value_of
from ..tellers.step import Step, Timeouts
from .ballots import Ballot, unwound
from .bodies import RevokeDevice
from .compose import revocation_message
from .council import Council
from .decision_record import decision_message
from .deed import Deed, Surroundings
from .instance import Instance
from .signatures import pack_signatures

__all__ = ["ATTENDANCE", "SEEN_EVERY", "BallotDuty"]

ATTENDANCE: Final = 60_000
"""How long after the deadline, in ms, a close still counts as that of a teller who attended."""
SEEN_EVERY: Final = 10_000
"""Receipts are gathered for this long, in ms."""
CERTIFY_STEP: Final = 1_500
"""Tellers publish a certificate one after the other, in ms, so that one is usually enough."""
_SEEN_AT_ONCE: Final = 1_000

Fresh = tuple[bytes, tuple[bytes, ...]]


@dataclass(slots=True)
class _Run:
    """One instance, as this teller goes through it. step: its place in the agreement."""

    step: Step
    quorum_at: int | None = None
    """When this teller first knew closes of a quorum, ms."""
    whole_at: int | None = None
    """When it first knew one of every teller, ms."""
    decided_at: int | None = None


@dataclass(slots=True)
class BallotDuty:
    """One teller's ballots. astray: the node's clock is far from those of other tellers."""

    council: Council
    seed: bytes
    key: bytes
    surroundings: Surroundings
    timeouts: Timeouts
    secret: bytes
    """What this teller's nonces are derived from, so that they survive any restart."""
    astray: bool = False
    wake: int | None = None
    _runs: dict[tuple[bytes, int], _Run] = field(default_factory=dict)
    _opened: dict[bytes, Opening | None] = field(default_factory=dict)
    _signed: dict[tuple[bytes, bytes], bool] = field(default_factory=dict)
    """(revocation, person) -> whether she signed it."""

    def sleep_until(self, at: int) -> None:
        """Ask to be polled again at `at`, or earlier."""
        self.wake = at if self.wake is None else min(self.wake, at)

    def deeds(self, now: int) -> Iterator[Deed]:
        """What is to be said now about each ballot, the earliest deadline first."""
        running = self.council.box.running
        if self._runs:
            self._runs = {place: run for place, run in self._runs.items() if place[0] in running}
        for ballot in sorted(running.values(), key=lambda ballot: (ballot.body.deadline, ballot.id)):
            if self.key in ballot.tellers:
                deed = self._ballot(ballot, now)
                if deed is not None:
                    yield deed

    def _ballot(self, ballot: Ballot, now: int) -> Deed | None:
        accepts = [accept for accept, (teller, _) in sorted(ballot.accepts.items()) if teller == self.key]
        if not accepts:
            return None if self.astray or self.key in ballot.declines else self._answer(ballot, now)
        if not ballot.accepted():
            return None
        instance = ballot.current
        if instance.agreement.decided is not None:
            return self._certify(ballot, instance, now)
        if now < instance.deadline:
            self.sleep_until(instance.deadline)
            return None if self.astray else self._seen(ballot, instance, now)
        if not self.astray and not any(close.teller == self.key for close in instance.closes.values()):
            return self._close(ballot, instance, accepts[0], now)
        return self._vote(ballot, instance, now)

    # --- until the deadline -------------------------------------------------------------------------

    def _answer(self, ballot: Ballot, now: int) -> Deed:
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
        commitment = unwound(self._nonce(ballot, 0), 1)
        return Deed("teller.accept", {"ballot": ballot.id, "commitment": commitment}, (ballot.id,))

    def _nonce(self, ballot: Ballot, instance: int) -> bytes:
        return unwound(self.secret + ballot.id, 1 + ballot.charter.durations.extensions - instance)

    def _on_time(self, ballot: Ballot, instance: Instance) -> list[bytes]:
        """The casts that came before the deadline, for each voter as many as she has a share of the close.

        Not those from a device whose revocation came before it too: its person can cast again
        from another.
        """
        times = []
        for id in (*ballot.casts, *ballot.standpoints.told):
            at = self.surroundings.received(id)
            if self.key in ballot.seen.get(id, ()):
                at = 0  # it gave its word; when the cast came may be forgotten, on a disk that is no more
            if at is not None and at < instance.deadline:
                times.append((at, id))
        revoked = self._revoked(ballot, instance)
        out: list[bytes] = []
        had: dict[bytes, int] = {}
        points: set[bytes] = set()
        for _, id in sorted(times):
            point = ballot.standpoints.of(id)
            if point is not None:
                # Each once, whoever told it, and with room of its own: its delegate cannot crowd it out.
                place = b"standpoint" + point.seat
                had[place] = had.get(place, 0) + (point.id not in points)
                if point.id not in points and had[place] <= ballot.share:
                    out.append(id)
                points.add(point.id)
                continue
            cast = ballot.casts[id]
            if (cast.voter, cast.device) in revoked or (ballot.body.hidden and self._opening(ballot, id) is None):
                continue
            had[cast.voter] = had.get(cast.voter, 0) + 1
            if had[cast.voter] <= ballot.share:
                out.append(id)
        return sorted(out)

    def _revoked(self, ballot: Ballot, instance: Instance) -> set[tuple[bytes, bytes]]:
        out = set()
        for id, body in self.council.box.revocations.items():
            at = self.surroundings.received(id)
            if at is not None and at < instance.deadline and self._by_person(ballot, id, body):
                out.add((body.membership, body.device))
        return out

    def _by_person(self, ballot: Ballot, id: bytes, body: RevokeDevice) -> bool:
        member = ballot.roll.get(Membership(body.membership))
        if member is None:
            return False
        place = (id, member.person)
        if place not in self._signed:
            message = revocation_message(ballot.council, body.membership, body.device)
            self._signed[place] = verify(member.person, REVOCATION, message, body.grant)
        return self._signed[place]

    def _opening(self, ballot: Ballot, cast: bytes) -> Opening | None:
        """What a hidden cast's box says to this teller, if it fits; None otherwise."""
        if cast not in self._opened:
            box = unpack_boxes(ballot.boxes[cast]).get(self.key)
            found = None if box is None else open_box(self.seed, box)
            self._opened[cast] = found if found is not None and ballot.fits(cast, *found) else None
        return self._opened[cast]

    def _seen(self, ballot: Ballot, instance: Instance, now: int) -> Deed | None:
        news = [cast for cast in self._on_time(ballot, instance) if self.key not in ballot.seen.get(cast, ())]
        if not news:
            return None
        oldest = min(self.surroundings.received(cast) or now for cast in news)
        if now < oldest + SEEN_EVERY:
            self.sleep_until(oldest + SEEN_EVERY)
            return None
        return Deed("teller.seen", {"ballot": ballot.id, "casts": 0}, (ballot.id,), (encode(news[:_SEEN_AT_ONCE]),))

    # --- after the deadline -------------------------------------------------------------------------

    def _close(self, ballot: Ballot, instance: Instance, accept: bytes, now: int) -> Deed:
        profile = ballot.profile
        casts = self._on_time(ballot, instance)
        prompt = now < instance.deadline + ATTENDANCE
        body: dict[str, Any] = {
            "ballot": ballot.id,
            "instance": instance.number,
            "casts": 0,
            "nonce": self._nonce(ballot, instance.number),
            "at": now,
            "attended": prompt and self.surroundings.in_contact() >= min(profile.f + 1, profile.n - 1),
        }
        parts = [encode(casts)]
        if ballot.body.hidden:
            parts.append(encode([[cast, *(self._opening(ballot, cast) or ())] for cast in casts]))
            body["openings"] = 1
        needs = [accept]
        if instance.number:
            before = ballot.instances[instance.number - 1].agreement
            assert before.decided is not None
            needs += before.quorum(before.precommits, *before.decided)
        return Deed("teller.close", body, tuple(needs), tuple(parts))

    def _vote(self, ballot: Ballot, instance: Instance, now: int) -> Deed | None:
        best = _best(instance)
        if len(best) < ballot.profile.q:
            return None
        run = self._run(ballot, instance)
        if run.quorum_at is None:
            run.quorum_at = now
        if run.whole_at is None and len(best) == ballot.profile.n:
            run.whole_at = now
        floor = _Floor(ballot, instance, best, run.quorum_at, run.whole_at)
        wait = floor.ripe()

        def fresh(now: int) -> Fresh | None:
            if now < wait:
                step.sleep_until(wait)
                return None
            closes = tuple(sorted(best.values()))
            return value_of(closes), closes

        step = run.step
        step.fresh, step.ripe = fresh, lambda: wait
        step.accepts = lambda value, now: not self._objects(floor, value, now)
        intent = step.poll(now)
        if step.wake is not None:
            self.sleep_until(step.wake)
        if intent is None:
            return None
        body: dict[str, Any] = {"of": ballot.id, "instance": instance.number, "round": intent.round}
        if intent.sort == "propose":
            closes = instance.values.get(intent.value) or tuple(sorted(best.values()))
            body |= {"valid_round": intent.valid_round, "closes": list(closes)}
            return Deed("teller.propose", body, (*closes, *intent.needs))
        body["value"] = intent.value
        if intent.sort == "precommit" and intent.value != NIL:
            record = ballot.record(instance, intent.value)
            body["signature"] = sign(self.seed, DECISION, decision_message(record, intent.round))
        return Deed(f"teller.{intent.sort}", body, (best.get(self.key) or min(best.values()), *intent.needs))

    def _objects(self, floor: "_Floor", value: bytes, now: int) -> bool:
        """Whether this teller prevotes nil on a fresh proposal of a value."""
        closes = floor.instance.closes_of(value)
        if not floor.enough(closes) and (floor.enough(floor.instance.closes.values()) or now < floor.patience):
            return True  # it would extend a ballot that enough tellers attended, or may have
        named = {close.teller for close in closes}
        held: dict[bytes, int] = {}
        for close in floor.instance.closes.values():
            at = self.surroundings.received(close.id)
            if close.teller not in named and at is not None:
                held[close.teller] = min(at, held.get(close.teller, at))
        return any(now - at > floor.grace for at in held.values())

    def _run(self, ballot: Ballot, instance: Instance) -> _Run:
        place = (ballot.id, instance.number)
        if place not in self._runs:
            step = Step(
                self.key,
                instance.agreement,
                self.timeouts,
                lambda now: None,
                lambda value, now: False,
                lambda value: instance.values[value],
                lambda: 0,
            )
            self._runs[place] = _Run(step)
        return self._runs[place]

    def _certify(self, ballot: Ballot, instance: Instance, now: int) -> Deed | None:
        agreement, run = instance.agreement, self._run(ballot, instance)
        assert agreement.decided is not None
        round, value = agreement.decided
        order = agreement.outlook.tellers
        rank = (order.index(self.key) - order.index(agreement.proposer(round))) % len(order)
        if run.decided_at is None:
            run.decided_at = now
        turn = run.decided_at + rank * CERTIFY_STEP
        if now < turn:
            self.sleep_until(turn)
            return None
        body = {"ballot": ballot.id, "instance": instance.number, "round": round, "record": 0, "signatures": 1}
        parts = (ballot.record(instance, value), pack_signatures(round, agreement.signatures(round, value)))
        return Deed("teller.certify", body, agreement.quorum(agreement.precommits, round, value), parts)


@dataclass(frozen=True, slots=True)
class _Floor:
    """How an instance stands before this teller, when values are proposed and judged."""

    ballot: Ballot
    instance: Instance
    best: dict[bytes, bytes]
    since: int
    whole: int | None
    """Since when this teller knows a close of each, ms; None: it does not."""

    @property
    def grace(self) -> int:
        """How long closes are waited for, and how old one may be that a proposal leaves out, ms."""
        return self.ballot.charter.durations.grace * 1000

    @property
    def patience(self) -> int:
        """Until when the closes of tellers that attended may still come, if one is missing; ms."""
        return 0 if self.whole is not None else self.instance.deadline + ATTENDANCE + self.grace

    def enough(self, closes: Any) -> bool:
        """Whether enough tellers attended for a count."""
        return len({close.teller for close in closes if close.attended}) > 2 * self.ballot.profile.f

    def ripe(self) -> int:
        """From when on this teller would propose, ms."""
        if self.whole is not None:
            return self.whole
        chosen = [self.instance.closes[id] for id in self.best.values()]
        return self.since + self.grace if self.enough(chosen) else max(self.since + self.grace, self.patience)


def _best(instance: Instance) -> dict[bytes, bytes]:
    """One close for each teller: one that says it attended, if there is one, then the lowest id."""
    best: dict[bytes, bytes] = {}

    def rank(close: Close) -> tuple[bool, bytes]:
        return (not close.attended, close.id)

    for close in sorted(instance.closes.values(), key=rank):
        best.setdefault(close.teller, close.id)
    return best
