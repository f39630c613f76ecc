"""Time that passes only when everything that was due has happened."""

from collections.abc import Callable
from heapq import heappop, heappush

__all__ = ["Timeline"]


class Timeline:
    """An event queue with its own clock, in ms. What is due at one moment happens in the order in which it was asked for."""

    def __init__(self, now: int = 0) -> None:
        self.now = now
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._asked = 0

    def after(self, ms: float, action: Callable[[], None]) -> None:
        """Do `action` so many ms from now."""
        self._asked += 1
        heappush(self._queue, (self.now + max(0, round(ms)), self._asked, action))

    def run(self, until: int) -> None:
        """Let everything happen that is due before `until`, which is then now."""
        while self._queue and self._queue[0][0] < until:
            self.now, _, action = heappop(self._queue)
            action()
        self.now = until
