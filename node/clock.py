"""This computer's clock, and when not to believe it.

A small computer without a battery starts in the past, and a clock can be set wrong by hours. The
log does not mind: times in it are shown, never trusted. A teller minds: by its clock a vote is on
time or too late. So it waits while the clock is behind a time that it has seen already, or has
leapt ahead and no time server vouches for it.
"""

import ctypes
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from node.store import Store

__all__ = ["Clock", "steady", "synchronised", "wall"]

log = logging.getLogger("folkmoot.clock")

_FACT: Final = "clock"
_BEHIND: Final = 2 * 60_000  # ms; a time server sets a clock back by less
_LEAP: Final = 10 * 60_000
_EVERY: Final = 60_000
_UNSYNCHRONISED: Final = 5  # adjtimex(2): TIME_ERROR
_ROOM: Final = 256  # bytes; struct timex has 208


def wall() -> int:
    """Milliseconds since 1970, as this computer has it."""
    return time.time_ns() // 1_000_000


def steady() -> int:
    """Milliseconds since this computer started, asleep or not; setting the clock does not change it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def synchronised() -> bool | None:
    """Whether the kernel knows that a time server keeps the clock right; None where it cannot be asked."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return None
    state = adjtimex(ctypes.create_string_buffer(_ROOM))  # all zero: nothing is to be set
    return None if state < 0 else bool(state != _UNSYNCHRONISED)


class Clock:
    """Tells the time, and remembers in `store` how late it has been.

    `now` and `steady` give ms, `synchronised` as above; tests put their own in.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], int] = wall,
        steady: Callable[[], int] = steady,
        synchronised: Callable[[], bool | None] = synchronised,
    ) -> None:
        self._store = store
        self._now = now
        self._steady = steady
        self._synchronised = synchronised
        self._latest = int(store.fact(_FACT) or b"0")
        self._apart = now() - steady()
        if (doubt := self.doubt()) is not None:
            log.warning("%s.", doubt)
        self.note()

    def __call__(self) -> int:
        return self._now()

    def doubt(self) -> str | None:
        """Why the clock is not to be believed now, for people; None when nothing speaks against it."""
        now = self._now()
        if now < self._latest - _BEHIND:
            return (
                f"this computer's clock shows {_when(now)}, but it has been {_when(self._latest)} here before; "
                "set it right (timedatectl set-ntp true)"
            )
        leap = now - self._steady() - self._apart
        if leap > _LEAP and not self._synchronised():
            return (
                f"this computer's clock leapt ahead by {leap // 60_000} minutes to {_when(now)}, and no time server vouches for it; "
                "set it right (timedatectl set-ntp true)"
            )
        return None

    def note(self) -> None:
        """Remember how late it is, unless that is in doubt."""
        now = self._now()
        if now > self._latest + _EVERY and self.doubt() is None:
            self._trust(now)

    def trust(self) -> None:
        """Somebody looked at the clock, and it is right."""
        if self.doubt() is not None:
            self._trust(self._now())

    def _trust(self, now: int) -> None:
        self._latest = now
        self._apart = now - self._steady()
        self._store.note(_FACT, b"%d" % now)


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
