"""What one teller does next in an agreement. A fold over the log plus a clock that is passed in.

The log is the write-ahead log: round, step and lock are read off the teller's own messages
when they come back through `Agreement`, so replaying what is on disk restores them. Persist,
then send.

| step      | leaves when                                                      | says          |
|-----------|------------------------------------------------------------------|---------------|
| propose   | it is my turn and I have a value                        (l. 14)  | propose       |
|           | a proposal came                                     (l. 22, 28)  | prevote       |
|           | the time is up                                          (l. 57)  | prevote nil   |
| prevote   | q prevotes for one value                            (l. 36, 44)  | precommit     |
|           | q prevotes in all, and the time is up               (l. 34, 61)  | precommit nil |
| precommit | q precommits in all, and the time is up             (l. 47, 65)  | (next round)  |
|           | q precommits for nothing: no value can be decided in that round  | (next round)  |
| any       | more than f tellers speak in a higher round             (l. 55)  | (that round)  |
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .agreement import NIL, Agreement, Sort

__all__ = ["Intent", "Step", "Timeouts"]

PROPOSE: Final = 1
PREVOTE: Final = 2
PRECOMMIT: Final = 3


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a teller waits in each step, in ms; doubled with each round, at most `cap`.

    Short at first: over a good network whoever should propose and does not is passed over in
    seconds. Over a bad one the doubling finds the right wait after a few rounds more.
    """

    propose: int = 3_000
    prevote: int = 1_500
    precommit: int = 1_500
    cap: int = 86_400_000

    def of(self, step: int, round: int) -> int:
        """The wait in ms for a step of a round."""
        base = (self.propose, self.prevote, self.precommit)[step - 1]
        return min(self.cap, base << min(round, 32))


@dataclass(frozen=True, slots=True)
class Intent:
    """A message that the teller wants to say; `needs` must be among its deps."""

    sort: Sort
    round: int
    value: bytes
    valid_round: int
    needs: tuple[bytes, ...]


@dataclass(slots=True)
class Step:
    """One teller in one instance.

    fresh: the value that the teller would propose now, with the ids to name for it, or None
    to wait. accepts: whether the teller prevotes a fresh proposal of this value.
    """

    key: bytes
    agreement: Agreement
    timeouts: Timeouts
    fresh: Callable[[int], tuple[bytes, tuple[bytes, ...]] | None]
    accepts: Callable[[bytes, int], bool]
    support: Callable[[bytes], tuple[bytes, ...]]
    """The ids that any proposal of this value has to name."""
    ripe: Callable[[], int]
    """From when on, ms, a fresh value can be had: until then nobody waits for a proposal in vain."""
    round: int = 0
    step: int = PROPOSE
    lock: tuple[int, bytes] | None = None
    wake: int | None = None
    """When to ask again, in ms, if nothing comes meanwhile; None: not before something comes."""
    _begun: dict[tuple[int, int], int] = field(default_factory=dict)
    """(step, round) -> when this teller first waited in it."""
    _read: int = 0
    """How many of the own messages `recall` has read."""

    def recall(self) -> None:
        """Read round, step and lock off the teller's own messages in the log."""
        mine = self.agreement.said.get(self.key, [])
        for message in mine[self._read :]:
            step = {"propose": PROPOSE, "prevote": PREVOTE, "precommit": PRECOMMIT}[message.sort]
            if (message.round, step) > (self.round, self.step):
                self.round, self.step = message.round, step
            if message.sort != "precommit" or message.value == NIL:
                continue
            if self.lock is None or message.round > self.lock[0]:  # lines 38-39: the lock is the own precommit
                self.lock = (message.round, message.value)
        self._read = len(mine)

    def poll(self, now: int) -> Intent | None:
        """The next message, or None. now: the teller's clock, ms. Call again once it is in the log."""
        self.wake = None
        self.recall()
        agreement = self.agreement
        while agreement.decided is None:
            higher = agreement.highest_round(self.round)
            if higher > self.round:
                self._enter(higher)
            intent = self._propose(now) if self.step == PROPOSE else None
            if intent is None and self.step == PREVOTE:
                intent = self._precommit(now)
            if intent is not None:
                return intent
            if not self._round_over(now):
                return None
            self._enter(self.round + 1)
        return None

    def _round_over(self, now: int) -> bool:
        """Whether enough tellers precommitted, and no more is to be hoped for in this round."""
        agreement = self.agreement
        q, precommits = agreement.outlook.q, agreement.precommits
        if len(agreement.tellers_in(precommits, self.round)) < q:
            return False
        # What q tellers say of nothing, q others cannot say of a value unless more than f lie.
        return len(precommits[self.round].get(NIL, {})) >= q or self._over(PRECOMMIT, now)

    def _enter(self, round: int) -> None:
        self.round, self.step = round, PROPOSE

    def _over(self, step: int, now: int) -> bool:
        """Start the timer when first asked; whether it has run out."""
        begun = self._begun.setdefault((step, self.round), now)
        if step == PROPOSE:
            begun = max(begun, self.ripe())
        at = begun + self.timeouts.of(step, self.round)
        if now >= at:
            return True
        self.sleep_until(at)
        return False

    def sleep_until(self, at: int) -> None:
        """Ask to be polled again at `at`, or earlier."""
        self.wake = at if self.wake is None else min(self.wake, at)

    def _say(self, sort: Sort, value: bytes, needs: tuple[bytes, ...], valid_round: int = -1) -> Intent:
        agreement = self.agreement
        before = agreement.quorum(agreement.precommits, self.round - 1) if self.round else ()
        return Intent(sort, self.round, value, valid_round, tuple(dict.fromkeys((*needs, *before))))

    def _propose(self, now: int) -> Intent | None:
        agreement, round = self.agreement, self.round
        proposed = any(self.key in makers for makers in agreement.proposals.get(round, {}).values())
        if agreement.proposer(round) == self.key and not proposed:
            if agreement.polka is not None and agreement.polka[0] < round:  # line 16: the valid value
                valid_round, value = agreement.polka
                polka = agreement.quorum(agreement.prevotes, valid_round, value)
                return self._say("propose", value, (*polka, *self.support(value)), valid_round)
            found = self.fresh(now)
            if found is not None:
                return self._say("propose", *found)
        for value, makers in sorted(agreement.proposals.get(round, {}).items()):
            ids = [id for each in makers.values() for id in each]
            valid_round = max(agreement.valid[id].valid_round for id in ids)
            if valid_round < 0:  # line 22
                good = self.accepts(value, now) and (self.lock is None or self.lock[1] == value)
            else:  # line 28; that the polka is real was judged with the proposal
                good = self.lock is None or self.lock[0] <= valid_round or self.lock[1] == value
            if good:
                return self._say("prevote", value, (min(ids),))
            return self._say("prevote", NIL, ())
        if self._over(PROPOSE, now):
            return self._say("prevote", NIL, ())
        return None

    def _precommit(self, now: int) -> Intent | None:
        agreement, round = self.agreement, self.round
        for value, voters in sorted(agreement.prevotes.get(round, {}).items()):
            if value != NIL and len(voters) >= agreement.outlook.q:
                return self._say("precommit", value, agreement.quorum(agreement.prevotes, round, value))
        spoken = agreement.tellers_in(agreement.prevotes, round)
        if len(spoken) >= agreement.outlook.q:
            nil = agreement.prevotes.get(round, {}).get(NIL, {})
            if len(nil) >= agreement.outlook.q or self._over(PREVOTE, now):
                return self._say("precommit", NIL, ())
        return None
