"""When to sync, and with whom: on connecting, now and then, and when something is missing.

Push is fast but may lose; sync is the truth. Every connected peer that may read a council is
asked when it connects and at times that jitter spreads; at once when an operation came whose
deps are not here. One conversation at a time goes to each peer, a few in all.
"""

import logging
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import trio

from node.answering import Answering
from node.asking import Asking
from node.feed import Missed
from node.frames import No, encode_frame
from node.gossip import topic
from node.host import Host, Stream
from node.host.errors import HostError, ProtocolUnsupported
from node.host.events import Connected, Disconnected
from node.invitation import JOIN, deliver, receive
from node.service import Arrival, Service
from node.session import CLOSED, LATER, SYNC, Report
from node.store import Pending
from protocol.council.council import Council
from protocol.council.outcomes import EpochEntered
from protocol.errors import Malformed
from protocol.ids import operation_text, peer_text

if TYPE_CHECKING:
    from trio_typing import TaskStatus

__all__ = ["Pace", "Syncer", "Watcher"]

log = logging.getLogger("folkmoot.sync")

_ASKING: Final = 16
"""Conversations that this node holds at once on its own account."""
_AT_ONCE: Final = 4
"""Conversations that one peer can hold with this node at once."""
_ALL_AT_ONCE: Final = 64
"""Conversations that all peers can hold with this node at once."""
_REQUESTS_AT_ONCE: Final = 16
"""Requests to join that are read at once; strangers bring them."""
BUSY: Final = No("later", "You are talking with this node already; ask again when that is done.")
CROWDED: Final = No("later", "Too many ask that node at once; ask again in a moment.")
_AGAIN: Final = ("closed", "later", "version", "ticket-crowded")
"""Refusals after which it is worth asking again."""
_TOLD: Final = ("version", "ticket-crowded")
"""Those of them of which a person should hear."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds.

    every: between rounds that nothing provokes; courtesy: how long the side with the greater key
    leaves the first word to the other; again: after a peer had no time; ask, ask_most: between
    questions whether a request to join was granted, growing.
    """

    every: float = 30.0
    courtesy: float = 2.0
    again: float = 3.0
    ask: float = 0.5
    ask_most: float = 10.0


class Watcher(Protocol):
    """Who is told how conversations went."""

    def broke(self, peer: bytes, error: Malformed) -> None:
        """The peer broke the protocol."""

    def differs(self, peer: bytes, why: str) -> None:
        """The peer runs another version; `why` says it to a person."""

    def timed(self, peer: bytes, ahead: int) -> None:
        """The peer's clock is ahead of ours by so many ms at least; behind it, if that is below 0."""

    def heard(self, council: bytes, peer: bytes) -> None:
        """We asked, and everything that the peer holds of the council is here."""

    def answered(self, council: bytes, peer: bytes) -> None:
        """The peer asked, and ended well."""


@dataclass(slots=True)
class _Peer:
    """What is due with one connected peer: council -> time at which to ask (trio's clock)."""

    scope: trio.CancelScope
    due: dict[bytes, float] = field(default_factory=dict)
    answering: set[bytes] = field(default_factory=set)
    """Councils about which the peer is asking us."""
    stirred: trio.Event = field(default_factory=trio.Event)
    offered: set[bytes] = field(default_factory=set)
    """Councils whose founding operation the peer was given."""
    unsupported: bool = False

    def soon(self, council: bytes, at: float) -> None:
        if at < self.due.get(council, at + 1):
            self.due[council] = at
            self.stirred.set()


class Syncer:
    """Keeps the councils of this node equal to those of its peers. `chance` spreads what would coincide."""

    ROUND: Final = 3
    """Peers of each council that are asked in a round that nothing provoked."""

    def __init__(
        self, host: Host, service: Service, watcher: Watcher, chance: random.Random, pace: Pace | None = None
    ) -> None:
        self._host = host
        self._service = service
        self._watcher = watcher
        self._chance = chance
        self._pace = pace or Pace()
        self._peers: dict[bytes, _Peer] = {}
        self._limit = trio.CapacityLimiter(_ASKING)
        self._serving: Counter[bytes] = Counter()
        self._receiving = 0
        self._fetching: set[bytes] = set()
        self._delivering: set[bytes] = set()
        self._nursery: trio.Nursery

    async def run(self, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Sync until cancelled. Raises `StoreFailed` when the disk fails."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._host.handle(SYNC, self._serve)
            self._host.handle(JOIN, self._receive, timeout=60)
            nursery.start_soon(self._hear)
            nursery.start_soon(self._rounds)
            nursery.start_soon(self._follow_rolls)
            for pending in self._service.asked():
                self.following(pending)
            task_status.started()

    def soon(self, council: bytes, peer: bytes) -> None:
        """Ask a connected peer about a council now."""
        if peer in self._peers:
            self._peers[peer].soon(council, trio.current_time())

    # What provokes a conversation

    def saved(self, arrivals: Sequence[Arrival]) -> None:
        """Nothing to do: push passes on what is new."""

    def lacking(self, council: bytes, source: bytes | None) -> None:
        """Ask whoever sent what has no footing here, or anybody."""
        if source in self._peers:
            self.soon(council, source)
            return
        for peer in self._some(council):
            self.soon(council, peer)

    def following(self, pending: Pending) -> None:
        """Ask a ticket's nodes until the council is here."""
        if pending.request not in self._delivering:
            self._delivering.add(pending.request)
            self._nursery.start_soon(self._pursue, pending.request)

    def _of(self, council: Council) -> set[bytes]:
        """The connected peers to ask about a council."""
        ask = set[bytes]()
        if council.entitled(self._service.node):
            ask |= council.head.entitled()
        if council.charter.visibility == "public":
            ask |= self._host.peers_of(topic(council.id))
        followed = self._service.followed().get(council.id)
        if followed is not None:
            ask |= {node for node, _ in followed.nodes}
        return ask & self._peers.keys()

    def _some(self, council: bytes) -> list[bytes]:
        known = self._service.councils.get(council)
        peers = sorted(self._of(known)) if known is not None else []
        return self._chance.sample(peers, min(self.ROUND, len(peers)))

    async def _hear(self) -> None:
        async for event in self._host.events():
            match event:
                case Connected(peer, _):
                    self._meet(peer)
                case Disconnected(peer):
                    self._part(peer)
                case _:
                    pass

    def _part(self, peer: bytes) -> None:
        gone = self._peers.pop(peer, None)
        if gone is not None:
            gone.scope.cancel()
            self._service.parted(peer)

    def _meet(self, peer: bytes) -> None:
        if peer in self._peers:
            return
        here = self._peers[peer] = _Peer(trio.CancelScope())
        first = trio.current_time()
        if peer < self._service.node:
            first += self._pace.courtesy * (0.5 + self._chance.random())
        for id, council in sorted(self._service.councils.items()):
            if peer in self._of(council):
                here.soon(id, first)
        self._nursery.start_soon(self._accompany, peer, here)

    async def _rounds(self) -> None:
        while True:
            await trio.sleep(self._pace.every * (0.5 + self._chance.random()))
            for council in sorted(self._service.councils):
                for peer in self._some(council):
                    self.soon(council, peer)

    async def _follow_rolls(self) -> None:
        """A peer that a new epoch lists gets everything at once, though nobody connects anew."""
        listed: dict[bytes, set[bytes]] = {id: self._of(c) for id, c in self._service.councils.items()}
        with self._service.subscribe() as feed:
            async for first in feed:
                news = [first, *feed.drain()]
                changed = {
                    item.council
                    for item in news
                    if not isinstance(item, Missed) and isinstance(item.event, EpochEntered)
                }
                if any(isinstance(item, Missed) for item in news):
                    changed = set(self._service.councils)
                for id in sorted(changed):
                    now = self._of(self._service.councils[id])
                    for peer in sorted(now - listed.get(id, set())):
                        self.soon(id, peer)
                    listed[id] = now

    # Conversations

    async def _accompany(self, peer: bytes, here: _Peer) -> None:
        """Hold the conversations that are due with one peer, one after the other, while it is connected."""
        with here.scope:
            while not here.unsupported:
                here.stirred = trio.Event()
                due = sorted((at, council) for council, at in here.due.items())
                now = trio.current_time()
                if not due or due[0][0] > now:
                    with trio.move_on_at(due[0][0] if due else now + 3600):
                        await here.stirred.wait()
                    continue
                council = due[0][1]
                del here.due[council]
                if council in here.answering:
                    here.soon(council, now + self._pace.again)
                elif self._worth(peer, council):
                    await self.ask(peer, council)

    def _worth(self, peer: bytes, council: bytes) -> bool:
        """Whether to ask, now that it is time."""
        known = self._service.councils.get(council)
        if known is None:
            return council in self._service.followed()
        return peer in self._of(known)

    async def ask(self, peer: bytes, council: bytes) -> Report | None:
        """One conversation with a connected peer, now; None when it could not be held."""
        if peer in self._host.connected():
            self._meet(peer)  # it may be younger than the news of it
        here = self._peers.get(peer)
        if here is None or here.unsupported:
            return None
        async with self._limit:
            return await self._ask(peer, here, council)

    async def _ask(self, peer: bytes, here: _Peer, council: bytes) -> Report | None:
        try:
            async with await self._host.open(peer, SYNC) as stream:
                report = await Asking(self._service, stream, self._fetching).run(council)
                await stream.finish()
        except ProtocolUnsupported:
            here.unsupported = True
            self._watcher.differs(peer, _another_version(peer, SYNC))
            return None
        except Malformed as error:
            self._watcher.broke(peer, error)
            return None
        except HostError as error:
            log.info("A sync with %s was cut off: %s", peer_text(peer), error)
            if peer not in self._host.connected():
                self._part(peer)
            here.soon(council, trio.current_time() + self._pace.again)
            return None
        self._note(peer, here, council, report)
        if report.refused is not None and report.refused.rule == "closed":
            await self._offer(peer, here, council)
        return report

    async def _offer(self, peer: bytes, here: _Peer, council: bytes) -> None:
        """A peer that was named as a teller at the founding may not have heard of it yet."""
        known = self._service.councils.get(council)
        if known is None or council in here.offered or peer not in {t.node for t in known.founded.tellers}:
            return
        here.offered.add(council)
        (founding,) = self._service.travelling(council, [council])
        if await self._deliver(peer, founding) is None:
            here.soon(council, trio.current_time())

    def _note(self, peer: bytes, here: _Peer, council: bytes, report: Report) -> None:
        if report.ahead is not None:
            self._watcher.timed(peer, report.ahead)
        if report.complete:
            self._watcher.heard(council, peer)
        elif report.refused is not None and report.refused.rule == "later":
            here.soon(council, trio.current_time() + self._pace.again * (0.5 + self._chance.random()))
        elif report.refused is not None and report.refused.rule == "version":
            here.unsupported = True
            self._watcher.differs(peer, report.refused.message)
        if report.received or report.sent or report.contents:
            log.info(
                "Sync with %s: got %d operations and %d attachments, gave %d.",
                peer_text(peer),
                report.received,
                report.contents,
                report.sent,
            )

    async def _serve(self, stream: Stream) -> None:
        if self._serving[stream.peer] >= _AT_ONCE or self._serving.total() >= _ALL_AT_ONCE:
            await stream.send(encode_frame(BUSY))
            return
        self._serving[stream.peer] += 1
        try:
            await self._answer(stream)
        finally:
            self._serving[stream.peer] -= 1
            if not self._serving[stream.peer]:
                del self._serving[stream.peer]

    async def _answer(self, stream: Stream) -> None:
        here = self._peers.get(stream.peer)
        answering = set[bytes]() if here is None else here.answering
        session = Answering(self._service, stream, self._fetching, answering.add)
        try:
            report = await session.run()
        except Malformed as error:
            self._watcher.broke(stream.peer, error)
            return
        finally:
            answering.discard(session.council)
        if report.ahead is not None:
            self._watcher.timed(stream.peer, report.ahead)
        if report.complete:
            self._watcher.answered(session.council, stream.peer)
        if here is not None and report.complete and here.due.get(session.council, 0) > trio.current_time():
            del here.due[session.council]  # it asked us, so there is nothing left to ask it

    async def _receive(self, stream: Stream) -> None:
        if self._receiving >= _REQUESTS_AT_ONCE:
            await stream.send(encode_frame(CROWDED))
            return
        self._receiving += 1
        try:
            await receive(self._service, stream)
        except Malformed as error:
            self._watcher.broke(stream.peer, error)
        finally:
            self._receiving -= 1

    # Councils that are not here yet

    async def _pursue(self, request: bytes) -> None:
        """Bring one request to a node of its ticket, then ask until the council is here."""
        wait = self._pace.ask
        try:
            while (pending := self._followed(request)) is not None:
                there = [peer for peer, _ in pending.nodes if peer in self._peers]
                if pending.raw:
                    # To who has it too: so it can say that the ticket is worth nothing any more.
                    await self._hand_over(there, pending)
                for peer in there:
                    if self._followed(request) is None:
                        return
                    report = await self.ask(peer, pending.council)
                    if report is not None and report.complete and not pending.raw:
                        self._service.settle(request, "admitted")
                await trio.sleep(wait * (0.5 + self._chance.random()))
                wait = min(self._pace.ask_most, wait * 1.5)
        finally:
            self._delivering.discard(request)

    def _followed(self, request: bytes) -> Pending | None:
        return next((p for p in self._service.asked() if p.request == request), None)

    async def _hand_over(self, peers: Sequence[bytes], pending: Pending) -> None:
        """Bring a request to these nodes, and note what they say."""
        state, message = pending.state, ""
        for peer in peers:
            refused = await self._deliver(peer, pending.raw)
            if self._followed(pending.request) is None:
                return
            if refused is None:
                if state == "waiting":
                    log.info("The request to join %s is with %s.", operation_text(pending.council), peer_text(peer))
                state = "delivered"
            elif refused.rule in _TOLD:
                message = refused.message
            elif refused.rule not in _AGAIN:
                state, message = "refused", refused.message
                break
        self._service.settle(pending.request, state, message)

    async def _deliver(self, peer: bytes, envelope: bytes) -> No | None:
        """Hand an operation to a peer that does not hold its council; its no, or None when it has it."""
        try:
            return await deliver(self._host, peer, envelope)
        except Malformed as error:
            self._watcher.broke(peer, error)
            return CLOSED
        except ProtocolUnsupported:
            return No("version", _another_version(peer, JOIN))
        except HostError as error:
            log.info("%s could not be reached: %s", peer_text(peer), error)
            return LATER


def _another_version(peer: bytes, protocol: str) -> str:
    return (
        f"{peer_text(peer)} does not speak {protocol}: it runs another version of Folkmoot; "
        "update the older of the two."
    )
