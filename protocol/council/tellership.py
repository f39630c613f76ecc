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
        """Deeds that were given, said and asked for again: something is at fault, and they are not repeated."""
        wait = timeouts or Timeouts()
        secret = sha256(b"folkmoot nonce 1\n" + seed).digest()
        self._ballots = BallotDuty(council, seed, self.key, surroundings, wait, secret)
        self._epochs = EpochDuty(council, seed, self.key, wait)
        self._given: set[tuple[Any, ...]] = set()
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
            self._given.add(deed.place)
        return deed

    def _next(self, now: int) -> Deed | None:
        self._ballots.wake = self._epochs.wake = None
        self._ballots.astray = self.astray
        if self._epoch != self.council.head.number:
            self._epoch = self.council.head.number
            self._given.clear()
        for due in self._ballots.deeds(now):
            if due.place not in self._given:
                return due
            self.stuck.add(due.place)
        deed = self._epochs.deed(now)
        # An epoch that does not enter leaves nothing in the log: it may be tried again.
        if deed is None or deed.alone or deed.place not in self._given:
            return deed
        self.stuck.add(deed.place)
        return None
