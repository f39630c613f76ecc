"""What one teller has to say about what the council becomes next."""

from dataclasses import dataclass, field
from typing import Any, Final

from ..log.operation import MAX_DEPS
from ..tellers.agreement import NIL, Agreement
from ..tellers.step import Step, Timeouts
from .council import Council
from .deed import Deed
from .epoch_agreement import EpochAgreement
from .epochs import EpochState, Record
from .signatures import pack_signatures, sign_epoch

__all__ = ["EpochDuty"]

ENTER_STEP: Final = 1_500
"""Tellers publish an epoch that they agreed on one after the other, in ms, so that one is usually enough."""


@dataclass(slots=True)
class EpochDuty:
    """One teller's part in a council's epochs."""

    council: Council
    seed: bytes
    key: bytes
    timeouts: Timeouts
    wake: int | None = None
    _step: Step | None = None
    _due: Record | None = None
    _seen: EpochState | None = None
    """What stood to be decided when `_due` was composed."""
    _due_since: dict[bytes, int] = field(default_factory=dict)
    _decided_at: int | None = None

    def deed(self, now: int) -> Deed | None:
        """What is to be said now. Raises `UnknownRules` when a due charter pins rules that this program lacks."""
        head = self.council.head
        if self.key not in {teller.key for teller in head.tellers}:
            return None
        if len(head.tellers) > 1:
            return self._agree(now)
        record = self._compose()
        if record is None:
            return None
        return _sealed(record.number, record.data, record.basis, 0, [(self.key, sign_epoch(self.seed, record.digest))])

    def _compose(self) -> Record | None:
        """The record that follows from what is known here; made anew when that has changed."""
        pending = self.council.pending()
        if pending is not self._seen:
            self._due = self.council.compose()
            # One operation names so many heads: what lies beside them comes when they are gathered.
            self._seen = pending if len(self.council.heads()) <= MAX_DEPS else None
        return self._due

    def _agree(self, now: int) -> Deed | None:
        council = self.council
        agreed = council.box.epoch(council.head.number)
        agreement = agreed.agreement
        if self._step is None or self._step.agreement is not agreement:
            self._step = Step(
                self.key, agreement, self.timeouts, lambda now: None, lambda value, now: False, _nothing, lambda: 0
            )
            self._due_since, self._decided_at = {}, None
        if agreement.decided is not None:
            return self._enter(agreed, agreement.decided, now)
        due = self._compose()
        reasons = set() if due is None else {effect["reason"] for effect in due.effects if "reason" in effect}
        self._due_since = {reason: self._due_since.get(reason, now) for reason in reasons}
        step = self._step
        if due is None and self._quiet(step, agreement):
            return None
        step.fresh = lambda now: None if due is None else (due.digest, due.basis)
        step.accepts = lambda value, now: self._accepts(agreed.records[value], now)
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

    def sleep_until(self, at: int) -> None:
        """Ask to be polled again at `at`, or earlier."""
        self.wake = at if self.wake is None else min(self.wake, at)

    @staticmethod
    def _quiet(step: Step, agreement: Agreement) -> bool:
        """Whether nothing calls for this teller: no value stands, and nobody spoke in its round or later."""
        step.recall()
        return (
            agreement.polka is None
            and agreement.silent(step.round)
            and agreement.highest_round(step.round) == step.round
        )

    def _accepts(self, record: bytes, now: int) -> bool:
        """Whether this teller prevotes a fresh record: it follows, and leaves out nothing that was due for long."""
        follows = self.council.follows(record)
        if follows is None:
            return False
        taken = {effect["reason"] for effect in follows.effects if "reason" in effect}
        grace = self.council.charter.durations.grace * 1000
        return not any(now - at > grace for reason, at in self._due_since.items() if reason not in taken)

    def _enter(self, agreed: EpochAgreement, decided: tuple[int, bytes], now: int) -> Deed | None:
        round, value = decided
        agreement, order = agreed.agreement, agreed.agreement.outlook.tellers
        rank = (order.index(self.key) - order.index(agreement.proposer(round))) % len(order)
        if self._decided_at is None:
            self._decided_at = now
        turn = self._decided_at + rank * ENTER_STEP
        if now < turn:
            self.sleep_until(turn)
            return None
        claim = self.council.read_record(agreed.records[value])
        return _sealed(claim.number, claim.data, claim.basis, round, agreement.signatures(round, value))


def _nothing(value: bytes) -> tuple[bytes, ...]:
    return ()


def _sealed(
    number: int, record: bytes, basis: tuple[bytes, ...], round: int, signatures: list[tuple[bytes, bytes]]
) -> Deed:
    body = {"number": number, "record": 0, "signatures": 1}
    return Deed("council.epoch", body, basis, (record, pack_signatures(round, signatures)), alone=True)
