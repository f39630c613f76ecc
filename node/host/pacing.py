"""So many at once and then so many a second: who hurries waits, and nothing is lost by it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

__all__ = ["Pacing", "Turnstile"]

_MOST_KEYS = 4096


class Turnstile:
    """Lets `burst` through at once and after that `rate` a second. Times are in seconds of `clock`."""

    def __init__(self, burst: int, rate: float, clock: Callable[[], float]) -> None:
        self._slack = burst / rate
        self._step = 1 / rate
        self._clock = clock
        self._through = clock() - self._slack
        """When the last one that came would have come, had they all come in step."""

    def wait(self, patience: float) -> float | None:
        """Seconds until the next one may go, who then has that turn; None, and no turn, if it is over `patience`."""
        now = self._clock()
        turn = max(self._through, now - self._slack) + self._step
        if turn - now > patience:
            return None
        self._through = turn
        return max(0.0, turn - now)

    @property
    def idle(self) -> bool:
        """Whether it would let a whole burst through again."""
        return self._through + self._slack <= self._clock()


class Pacing:
    """A turnstile for each key. The ones longest unused are forgotten when there are too many."""

    def __init__(self, burst: int, rate: float, clock: Callable[[], float]) -> None:
        self._burst, self._rate, self._clock = burst, rate, clock
        self._turnstiles: OrderedDict[Hashable, Turnstile] = OrderedDict()

    def __len__(self) -> int:
        return len(self._turnstiles)

    def wait(self, key: Hashable, patience: float) -> float | None:
        """As `Turnstile.wait`, for this key."""
        turnstile = self._turnstiles.pop(key, None) or Turnstile(self._burst, self._rate, self._clock)
        self._turnstiles[key] = turnstile
        while len(self._turnstiles) > 1:
            oldest = next(iter(self._turnstiles))
            if not self._turnstiles[oldest].idle and len(self._turnstiles) <= _MOST_KEYS:
                break
            del self._turnstiles[oldest]
        return turnstile.wait(patience)
