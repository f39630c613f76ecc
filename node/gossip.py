"""News at once: push to enrolled peers, and GossipSub for councils that anybody may read.

What is new here is gathered for some 20 ms and sent in batches to every connected node of the
council that did not send it itself; they check it, store it, and pass on what was new to them.
Everything here is at best effort: a peer that reads too slowly is skipped and synced with later.
"""

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Final

import trio

from node.feed import Missed
from node.frames import BATCH, MAX_FRAME, News, decode_frame, encode_frame
from node.host import Host, Stream
from node.host.errors import HostError, ProtocolUnsupported
from node.host.events import Connected, Disconnected
from node.outcome import Rejected
from node.service import Arrival, Service
from node.session import FAULTS, elsewhere
from node.store import Pending
from protocol.council.council import Council
from protocol.council.outcomes import EpochEntered
from protocol.errors import Malformed
from protocol.ids import operation_text, peer_text

if TYPE_CHECKING:
    from trio_typing import TaskStatus

    from node.host.gossip import Subscription

__all__ = ["PUSH", "Gossip", "topic"]

log = logging.getLogger("folkmoot.push")

PUSH: Final = "/folkmoot/push/1"
_GATHER: Final = 0.02  # seconds
_QUEUE: Final = 2 * 1024 * 1024  # bytes that wait for one peer
_REMEMBERED: Final = 4096  # operations that a peer is known to have, since it sent them
_STREAMS: Final = 2  # on which one peer is heard at once; it needs one
_ROOM: Final = 1024  # bytes of a message besides the envelopes
MAX_MESSAGE: Final = 256 * 1024


def topic(council: bytes) -> str:
    """The GossipSub topic of a public council."""
    return f"/folkmoot/1/{operation_text(council)}"


@dataclass(slots=True)
class _Line:
    """What waits to be pushed to one peer, and what it is known to have."""

    scope: trio.CancelScope
    waiting: list[Arrival] = field(default_factory=list)
    size: int = 0
    has: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    stirred: trio.Event = field(default_factory=trio.Event)
    parting: set[bytes] = field(default_factory=set)
    """Of what waits, the epochs that took the peer off a roll: the last that it gets of a council."""
    unsupported: bool = False

    def sent_us(self, operation: bytes) -> None:
        self.has[operation] = None
        while len(self.has) > _REMEMBERED:
            self.has.popitem(last=False)


class Gossip:
    """Passes on what is new. `missed(council, peer)` is called for what a peer did not get and must be synced."""

    def __init__(
        self,
        host: Host,
        service: Service,
        missed: Callable[[bytes, bytes], None],
        broke: Callable[[bytes, Malformed], None],
    ) -> None:
        self._host = host
        self._service = service
        self._missed = missed
        self._broke = broke
        self._lines: dict[bytes, _Line] = {}
        self._entitled: dict[bytes, tuple[int, frozenset[bytes]]] = {}
        self._heard: Counter[bytes] = Counter()
        self._public: dict[bytes, _Public] = {}
        self._nursery: trio.Nursery

    async def run(self, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Push and listen until cancelled. Raises `StoreFailed` when the disk fails."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._host.handle(PUSH, self._listen)
            nursery.start_soon(self._hear)
            nursery.start_soon(self._follow_charters)
            task_status.started()

    # What comes in through the door

    def saved(self, arrivals: Sequence[Arrival]) -> None:
        """Queue what is new for every connected node of its council, and for the council's topic."""
        for arrival in arrivals:
            public = self._public.get(arrival.council)
            through_topic: set[bytes] = set()
            if public is not None and self._is_public(arrival.council):
                public.queue(arrival)
                through_topic = self._host.peers_of(topic(arrival.council))
            for peer in self._lines.keys() & self._nodes(arrival.council) - through_topic:
                if peer != arrival.source:
                    self._queue(peer, arrival)
            for peer in self._lines.keys() & self._taken_off(arrival):
                self._lines[peer].parting.add(arrival.id)
                self._queue(peer, arrival)

    def lacking(self, council: bytes, source: bytes | None) -> None:
        """Nothing to do: sync gets it."""

    def following(self, pending: Pending) -> None:
        """Nothing to do."""

    def _nodes(self, council: bytes) -> frozenset[bytes]:
        """The nodes on the council's roll."""
        head = self._service.councils[council].head
        known = self._entitled.get(council)
        if known is None or known[0] != head.number:
            known = self._entitled[council] = (head.number, frozenset(head.entitled()))
        return known[1]

    def _taken_off(self, arrival: Arrival) -> set[bytes]:
        """The nodes that this very operation took off the roll; none if it is not the latest epoch's."""
        links = self._service.councils[arrival.council].branch.links
        if len(links) == 1 or links[-1].operation != arrival.id:
            return set()
        return links[-2].nodes() - self._nodes(arrival.council)

    def _is_public(self, council: bytes) -> bool:
        return self._service.councils[council].charter.visibility == "public"

    def _queue(self, peer: bytes, arrival: Arrival) -> None:
        line = self._lines[peer]
        if line.unsupported or arrival.id in line.has:
            return
        if line.size + len(arrival.envelope) > _QUEUE:
            self._missed(arrival.council, peer)
            return
        line.waiting.append(arrival)
        line.size += len(arrival.envelope)
        line.stirred.set()

    # Push to enrolled peers

    async def _hear(self) -> None:
        async for event in self._host.events():
            match event:
                case Connected(peer, _) if peer not in self._lines:
                    line = self._lines[peer] = _Line(trio.CancelScope())
                    self._nursery.start_soon(self._push, peer, line)
                case Disconnected(peer):
                    gone = self._lines.pop(peer, None)
                    if gone is not None:
                        gone.scope.cancel()
                case _:
                    pass

    async def _push(self, peer: bytes, line: _Line) -> None:
        """Send one peer what is queued for it, over one stream, until it goes."""
        with line.scope:
            while not line.unsupported:
                await line.stirred.wait()
                try:
                    async with await self._host.open(peer, PUSH) as stream:
                        await self._push_on(stream, line)
                except ProtocolUnsupported:
                    line.unsupported = True
                except HostError as error:
                    log.debug("A push to %s was cut off: %s", peer_text(peer), error)
                    for council in {arrival.council for arrival in line.waiting}:
                        self._missed(council, peer)
                    line.waiting, line.size = [], 0
                    line.stirred = trio.Event()

    async def _push_on(self, stream: Stream, line: _Line) -> None:
        while True:
            await line.stirred.wait()
            await trio.sleep(_GATHER)
            line.stirred = trio.Event()
            waiting, line.waiting, line.size = line.waiting, [], 0
            for council in {arrival.council: None for arrival in waiting}:
                # What the peer sent meanwhile it has; who was removed while this waited hears of that alone.
                news = [a for a in waiting if a.council == council and a.id not in line.has]
                if stream.peer not in self._nodes(council):
                    news = [a for a in news if a.id in line.parting]
                for envelopes in _batches(news, BATCH):
                    await stream.send(encode_frame(News(council, envelopes)))
            line.parting.difference_update(a.id for a in waiting)

    async def _listen(self, stream: Stream) -> None:
        """Take in what a peer pushes, as long as it may."""
        peer = stream.peer
        if self._heard[peer] >= _STREAMS or not any(c.entitled(peer) for c in self._service.councils.values()):
            # Nothing that it could say would be looked at: at once, so that it does not believe that we heard.
            await stream.reset()
            return
        self._heard[peer] += 1
        try:
            while (data := await stream.receive(MAX_FRAME, timeout=inf)) is not None:
                frame = decode_frame(data)
                if not isinstance(frame, News):
                    raise Malformed("push-frame", "the peer pushed something else than news.")
                await self._take(stream.peer, frame)
        except Malformed as error:
            self._broke(peer, error)
        finally:
            self._heard[peer] -= 1
            if not self._heard[peer]:
                del self._heard[peer]

    async def _take(self, peer: bytes, frame: News) -> bool:
        """Hand news in; False when the peer may not say it, or something in it was refused."""
        council = self._service.councils.get(frame.council)
        if council is None or not council.entitled(peer):
            return False
        outcomes = await self._service.submit(frame.envelopes, peer)
        line = self._lines.get(peer)
        good = True
        for outcome in outcomes:
            if isinstance(outcome, Rejected):
                good = False
                if outcome.id is None or outcome.refusal.rule in FAULTS:
                    raise Malformed(outcome.refusal.rule, f"the peer sent what is no operation: {outcome.refusal}")
            elif outcome.council != frame.council:
                raise elsewhere()
            elif line is not None:
                line.sent_us(outcome.id)
        return good

    # GossipSub for public councils

    async def _follow_charters(self) -> None:
        with self._service.subscribe() as feed:
            for council in list(self._service.councils.values()):
                await self._join_or_leave(council)
            async for first in feed:
                news = [first, *feed.drain()]
                missed = any(isinstance(item, Missed) for item in news)
                changed = {
                    item.council
                    for item in news
                    if not isinstance(item, Missed) and isinstance(item.event, EpochEntered)
                }
                for id in sorted(self._service.councils if missed else changed):
                    await self._join_or_leave(self._service.councils[id])

    async def _join_or_leave(self, council: Council) -> None:
        public = council.charter.visibility == "public"
        if public and council.id not in self._public:
            subscription = await self._host.subscribe(topic(council.id), self._check)
            line = self._public[council.id] = _Public(council.id, trio.CancelScope())
            self._nursery.start_soon(self._publish, line)
            self._nursery.start_soon(_discard, subscription)
        elif not public and council.id in self._public:
            self._public.pop(council.id).scope.cancel()
            await self._host.unsubscribe(topic(council.id))

    async def _check(self, publisher: bytes, data: bytes) -> bool:
        """Take in gossip; True when it may be passed on: everything in it stood the checks."""
        try:
            frame = decode_frame(data)
        except Malformed:
            return False
        if not isinstance(frame, News) or frame.council not in self._public:
            return False
        line = self._public[frame.council]
        line.heard.update(frame.envelopes)
        try:
            return await self._take(publisher, frame)
        except Malformed:
            # GossipSub's own signature shows who wrote it; whoever passed it on is not to blame.
            return False
        finally:
            line.heard.difference_update(frame.envelopes)

    async def _publish(self, line: "_Public") -> None:
        with line.scope:
            while True:
                await line.stirred.wait()
                await trio.sleep(_GATHER)
                line.stirred = trio.Event()
                waiting, line.waiting, line.size = line.waiting, [], 0
                for envelopes in _batches(waiting, MAX_MESSAGE - _ROOM, whole=True):
                    if not self._is_public(line.council):
                        break  # it closed while this waited: members hear by push, and others not at all
                    await self._host.publish(topic(line.council), encode_frame(News(line.council, envelopes)))


@dataclass(slots=True)
class _Public:
    """What waits to be published in a public council."""

    council: bytes
    scope: trio.CancelScope
    waiting: list[Arrival] = field(default_factory=list)
    size: int = 0
    heard: set[bytes] = field(default_factory=set)
    """Envelopes that come from the topic just now: they are not published again."""
    stirred: trio.Event = field(default_factory=trio.Event)

    def queue(self, arrival: Arrival) -> None:
        if arrival.envelope not in self.heard and self.size + len(arrival.envelope) <= _QUEUE:
            self.waiting.append(arrival)
            self.size += len(arrival.envelope)
            self.stirred.set()


async def _discard(subscription: "Subscription") -> None:
    """Gossip is taken in where it is checked; what is delivered after that says nothing new."""
    async for _ in subscription:
        pass


def _batches(arrivals: Sequence[Arrival], most: int, *, whole: bool = False) -> list[tuple[bytes, ...]]:
    """Envelopes in groups of some `most` bytes; `whole`: never more, and what is larger alone is left to sync."""
    out: list[tuple[bytes, ...]] = []
    batch: list[bytes] = []
    size = 0
    for arrival in arrivals:
        length = len(arrival.envelope) + 8
        if whole and length > most:
            continue
        if batch and size + length > most:
            out.append(tuple(batch))
            batch, size = [], 0
        batch.append(arrival.envelope)
        size += length
    return [*out, tuple(batch)] if batch else out
