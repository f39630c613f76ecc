"""What happens to connections, for whoever wants to hear of it: bounded and without loss of the end state."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakSet

import trio

from ..peers import PeerKey

__all__ = ["Connected", "Disconnected", "Discovered", "Event", "Events", "Noticeboard"]

_MOST_DISCOVERED = 256


@dataclass(frozen=True, slots=True)
class Connected:
    """There is a connection to `peer` now; `address` is where it is, as a multiaddr without a PeerId."""

    peer: PeerKey
    address: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The last connection to `peer` is gone."""

    peer: PeerKey


@dataclass(frozen=True, slots=True)
class Discovered:
    """Somebody on the local network says that `peer` listens at these addresses. Not verified."""

    peer: PeerKey
    addresses: tuple[str, ...]


Event = Connected | Disconnected | Discovered


class Events:
    """An async iterator over events. It starts with what is known: who is connected, who was discovered.

    A slow reader misses no end state: for each peer only the latest news waits, and a peer that
    came and went unseen is not mentioned. So the wait is bounded by the number of connections.
    """

    def __init__(self, present: Iterable[Event]) -> None:
        self._waiting: OrderedDict[tuple[bool, PeerKey], Event] = OrderedDict()
        self._told: set[PeerKey] = set()
        self._closed = False
        self._wake = trio.Event()
        for event in present:
            self.tell(event)

    def tell(self, event: Event) -> None:
        key = (isinstance(event, Discovered), event.peer)
        self._waiting.pop(key, None)
        if isinstance(event, Disconnected) and event.peer not in self._told:
            return
        self._waiting[key] = event
        if isinstance(event, Discovered):
            found = [key for key in self._waiting if key[0]]
            if len(found) > _MOST_DISCOVERED:
                del self._waiting[found[0]]
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> Event:
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._wake = trio.Event()
            await self._wake.wait()
        _, event = self._waiting.popitem(last=False)
        if isinstance(event, Connected):
            self._told.add(event.peer)
        elif isinstance(event, Disconnected):
            self._told.discard(event.peer)
        return event


class Noticeboard:
    """Tells every listener that still exists, and remembers the latest discoveries."""

    def __init__(self) -> None:
        self._listeners: WeakSet[Events] = WeakSet()
        self._discovered: OrderedDict[PeerKey, Discovered] = OrderedDict()
        self._closed = False
        self.changed = trio.Event()
        """Set by the next event; a new one takes its place then."""

    def listen(self, present: Iterable[Connected]) -> Events:
        events = Events([*present, *self._discovered.values()])
        self._listeners.add(events)
        if self._closed:
            events.close()
        return events

    def tell(self, event: Event) -> None:
        if isinstance(event, Discovered):
            self._discovered.pop(event.peer, None)
            self._discovered[event.peer] = event
            if len(self._discovered) > _MOST_DISCOVERED:
                self._discovered.popitem(last=False)
        for listener in list(self._listeners):
            listener.tell(event)
        self.changed.set()
        self.changed = trio.Event()

    def close(self) -> None:
        self._closed = True
        for listener in list(self._listeners):
            listener.close()
