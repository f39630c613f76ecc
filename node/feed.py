"""What happens in the councils, for whoever wants to hear of it while it happens."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final
from weakref import WeakSet

import trio

from protocol.council.outcomes import Event

__all__ = ["Feed", "Missed", "News", "Subscription"]

_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class News:
    """One event of one council, after it was saved."""

    council: bytes
    event: Event


@dataclass(frozen=True, slots=True)
class Missed:
    """The reader was too slow: so many events were dropped here; look at the state instead."""

    count: int


class Subscription:
    """An async iterator over `News` of one council, or of all; `Missed` where it lost some.

    A context manager; leaving it ends the subscription. Bounded, so a reader that stopped
    reading costs nothing.
    """

    def __init__(self, council: bytes | None) -> None:
        self._council = council
        self._waiting: deque[News] = deque()
        self._missed = 0
        self._closed = False
        self._wake = trio.Event()

    def tell(self, news: News) -> None:
        """Add one event if this subscription is for it."""
        if self._council is not None and news.council != self._council:
            return
        if len(self._waiting) >= _LONGEST:
            self._waiting.popleft()
            self._missed += 1
        self._waiting.append(news)
        self._wake.set()

    def close(self) -> None:
        """End the iteration once what waits has been read."""
        self._closed = True
        self._wake.set()

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.clear()
        self.close()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> News | Missed:
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._wake = trio.Event()
            await self._wake.wait()
        if self._missed:
            missed, self._missed = self._missed, 0
            return Missed(missed)
        return self._waiting.popleft()

    def drain(self) -> list[News | Missed]:
        """What waits to be read now."""
        missed: list[News | Missed] = [Missed(self._missed)] if self._missed else []
        waiting = list(self._waiting)
        self._waiting.clear()
        self._missed = 0
        return missed + waiting


class Feed:
    """Tells every subscription that somebody still holds."""

    def __init__(self) -> None:
        self._subscriptions: WeakSet[Subscription] = WeakSet()
        self._closed = False

    def subscribe(self, council: bytes | None) -> Subscription:
        """Events of one council from now on, or of all councils."""
        subscription = Subscription(council)
        self._subscriptions.add(subscription)
        if self._closed:
            subscription.close()
        return subscription

    def tell(self, happened: Sequence[tuple[bytes, Sequence[Event]]]) -> None:
        """Hand out events that are saved, by council."""
        subscriptions = list(self._subscriptions)
        if not subscriptions:
            return
        for council, events in happened:
            for event in events:
                news = News(council, event)
                for subscription in subscriptions:
                    subscription.tell(news)

    def close(self) -> None:
        """End all subscriptions: the node stops."""
        self._closed = True
        for subscription in list(self._subscriptions):
            subscription.close()
