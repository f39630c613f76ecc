"""What one teller does for one council: a fold over the log, asked at moments that are passed in.

It says nothing by itself. `poll` gives the next deed; the node makes it an operation on top
of all its heads and of what the deed needs, stores it durably, feeds it back, and only then
sends it. After a restart the log says what was done.
"""

from hashlib import sha256
from typing import Any, Final

from ..keys import public_key
from ..tellers.step import Timeouts
from .ballot_duty import BallotDuty
from .council import Council
from .deed import Deed, Surroundings
from .epoch_duty import EpochDuty

__all__ = ["Deed", "Surroundings", "Tellership"]

MANY_HEADS: Final = 32
"""With more heads than this they are gathered first: an operation names at most 64."""


class Tellership:
    """One teller key in one council.

    astray: set by the node while its clock is more than a minute from those of the tellers
    that it is connected to. Nothing that depends on the time is said then.
    """

    def __init__(
        self, council: Council, seed: bytes, surroundings: Surroundings, timeouts: Timeouts | None = None
    ) -> None:
        self.council = council
        self.seed = seed
        self.key = public_key(seed)
        self.astray = False
        self.wake: int | None = None
        """When to ask again, ms, if nothing comes meanwhile."""
        self.stuck: set[tuple[Any, ...]] = set()
        """Places of deeds that were said without effect: something is at fault, and they are not repeated."""
        wait = timeouts or Timeouts()
        secret = sha256(b"folkmoot nonce 1\n" + seed).digest()
        self._ballots = BallotDuty(council, seed, self.key, surroundings, wait, secret)
        self._epochs = EpochDuty(council, seed, self.key, wait)
        self._given: dict[tuple[Any, ...], int] = {}
        self._epoch = -1

    def poll(self, now: int) -> Deed | None:
        """The next deed, or None. now: the teller's clock, ms. Ask again once it is in the log.

        Raises `UnknownRules` when a due charter pins rules that this program lacks.
        """
        deed = self._next(now)
        wakes = [wake for wake in (self._ballots.wake, self._epochs.wake) if wake is not None]
        self.wake = min(wakes, default=None)
        if deed is not None and not deed.alone and len(self.council.heads()) > MANY_HEADS:
            return Deed("merge", {})
        if deed is not None:
            self._given.setdefault(deed.place, self._failures())
        return deed

    def _next(self, now: int) -> Deed | None:
        self._ballots.wake = self._epochs.wake = None
        self._ballots.astray = self.astray
        if self._epoch != self.council.head.number:
            self._epoch = self.council.head.number
            self._given.clear()
        for due in self._ballots.deeds(now):
            if not self._in_vain(due):
                return due
        deed = self._epochs.deed(now)
        return None if deed is None or self._in_vain(deed) else deed

    def _in_vain(self, deed: Deed) -> bool:
        """Whether it was given before, and something that this teller said since had no effect.

        Whatever the fault, the log must not grow without end by it.
        """
        if deed.place not in self._given or self._failures() == self._given[deed.place]:
            return False
        self.stuck.add(deed.place)
        return True

    def _failures(self) -> int:
        """How much of what this teller said is without effect."""
        dag, standings = self.council.dag, self.council.standings.all
        said = [dag.rows[id] for id in self.council.without_effect if id in dag.rows]
        return sum(1 for row in said if standings[dag.standing[row]].key == self.key)
