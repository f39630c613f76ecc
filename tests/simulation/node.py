"""A simulated node: a replica with a disk, which pushes what is new and now and then compares itself with others."""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from node.frames import Join, News, decode_frame, encode_frame
from protocol.council.council import Council, Heads
from protocol.council.outcomes import EpochEntered, Forgotten, Inserted, Known, Refused
from protocol.council.outcomes import Waiting as Waits
from protocol.council.tellership import Deed, Tellership
from protocol.log.operation import Content, Draft, Envelope
from protocol.log.waiting import Waiting
from tests.worlds import Teller

from .conversation import Conversation
from .talk import Report

if TYPE_CHECKING:
    from .simulation import Simulation

__all__ = ["COMMIT", "Disk", "Node", "Ticket"]

COMMIT: Final = (2, 60)
"""How long a write to disk takes, ms."""
GATHER: Final = 20
"""For how long news are gathered before they are pushed, ms."""
ROUND: Final = 30_000
"""Between comparisons that nothing provokes, ms; jitter spreads them."""
ATTEND: Final = 20_000
"""Between two looks of a teller at what is due, ms."""
HEED: Final = 200
"""Until a teller answers another, ms."""
AGAIN: Final = 3_000
"""After a conversation broke, or a request got no answer, ms."""
CONVERSATIONS: Final = 4
"""That one node begins at once."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Ticket:
    """A council that is to be fetched from `nodes`; `request` (an envelope) asks to join it, if there is one."""

    nodes: tuple[bytes, ...]
    request: bytes | None = None
    membership: bytes | None = None
    """The request's id, which is the membership once it is granted."""


@dataclass(slots=True)
class Disk:
    """What a crash leaves. `saved`: envelopes in the order of saving; `received`: when each came first, ms."""

    saved: list[bytes] = field(default_factory=list)
    received: dict[bytes, int] = field(default_factory=dict)
    ticket: Ticket | None = None

    def write(self, tail: Sequence[tuple[bytes, bytes]], now: int) -> None:
        """Save `(id, envelope)` pairs, all or none."""
        for id, envelope in tail:
            self.saved.append(envelope)
            self.received[id] = now


class Node:
    """`id` is the council's; `seed` is the key of the teller that may run here.

    While it writes to disk a node does nothing else: so nobody, here or elsewhere, sees what a
    crash could still undo.
    """

    def __init__(self, simulation: "Simulation", name: str, key: bytes, teller: Teller | None = None) -> None:
        self.simulation = simulation
        self.name, self.key = name, key
        self.id = simulation.council
        self.teller = teller
        self.disk = Disk()
        self.life = 0
        self._begin()

    def _begin(self) -> None:
        """Memory as it is after a start."""
        self.up = False
        self.council: Council | None = None
        self.envelopes: dict[bytes, bytes] = {}
        self.waiting = Waiting()
        self.office: Tellership | None = None
        self._tail: list[tuple[bytes, bytes]] = []
        self._arrived: list[tuple[bytes, bytes, bytes | None]] = []  # id, envelope, from whom
        self._roll: tuple[int, frozenset[bytes]] = (-1, frozenset())  # epoch, its nodes
        self._saving = False
        self._todo: deque[Callable[[], None]] = deque()
        self._friends: tuple[bytes, ...] = ()
        self._lines: dict[bytes, dict[bytes, bytes]] = {}  # friend -> what is to be pushed
        self._knows: dict[bytes, OrderedDict[bytes, None]] = {}  # peer -> what it sent us
        self._wake: int | None = None
        self._asking: set[bytes] = set()
        self._soon: set[bytes] = set()

    @property
    def writing(self) -> bool:
        """Whether something is on its way to the disk."""
        return self._saving

    # --- running ----------------------------------------------------------------------------

    def start(self) -> None:
        """Come up with what is on disk."""
        assert not self.up
        self._begin()
        self.up = True
        self.life += 1
        self.simulation.network.up.add(self.key)
        for data in self.disk.saved:
            outcome = self._insert(self.simulation.read(data)[1], data)
            assert isinstance(outcome, Inserted), f"{self.name} does not take in again what it saved: {outcome}"
        self._meet_friends()
        self._later(self.simulation.chance.uniform(0, ROUND), self._round)
        self._later(self.simulation.chance.uniform(0, ATTEND), self._attend)
        if self.disk.ticket is not None:
            self._pursue()

    def crash(self) -> int:
        """Stop at once; gives how many operations were not on disk yet."""
        lost = len(self._tail)
        self.simulation.network.up.discard(self.key)
        for conversation in [c for c in self.simulation.conversations if self in c.between]:
            conversation.end(True)
        self._begin()
        self.life += 1
        return lost

    def _later(self, ms: float, action: Callable[[], None]) -> None:
        """Do something in a while, if the node does not crash before."""
        life = self.life
        self.simulation.timeline.after(ms, lambda: self.do(action) if self.life == life else None)

    def do(self, action: Callable[[], None]) -> None:
        """Do something as soon as the node is not writing to disk."""
        if self._saving:
            self._todo.append(action)
        elif self.up:
            action()

    # --- the way in -------------------------------------------------------------------------

    def take(self, envelopes: Sequence[bytes], source: bytes | None, then: Callable[[], None] = _nothing) -> None:
        """Take operations in; `then` comes when all that is new is on disk."""
        for data in envelopes:
            same, envelope = self.simulation.read(data)
            self._enter(envelope, same, source)
        if not self._tail:
            then()
            return
        self._saving = True
        life = self.life
        self.simulation.timeline.after(
            self.simulation.chance.uniform(*COMMIT), lambda: self._saved(then) if self.life == life else None
        )

    def _enter(self, envelope: Envelope, data: bytes, source: bytes | None) -> None:
        operation = envelope.operation
        if source is not None:
            self._remember(source, operation.id)
        ready = deque([(source, data)])
        while ready:
            origin, bytes_ = ready.popleft()
            same, envelope = self.simulation.read(bytes_)
            operation = envelope.operation
            outcome = self._insert(envelope, same)
            match outcome:
                case Inserted():
                    self._tail.append((operation.id, same))
                    self._arrived.append((operation.id, same, origin))
                    ready.extend((who or None, waiting) for who, waiting in self.waiting.arrived(operation.id))
                case Waits(missing):
                    self.waiting.add(operation.id, same, missing, origin or b"")
                    if origin is not None:
                        self.ask_soon(origin)
                case Known():
                    pass
                case _:
                    self.simulation.complain(f"{self.name} did not take in {operation.kind}: {outcome}")

    def _insert(self, envelope: Envelope, data: bytes) -> object:
        operation = envelope.operation
        if self.council is None:
            if operation.deps:
                return Refused
            council = Council.found(envelope)
            assert isinstance(council, Council)
            self.council = council
            self.envelopes[operation.id] = data
            return Inserted(0, 0, True, ())
        if operation.id in self.council:
            return Known()
        outcome = self.council.insert(envelope)
        if isinstance(outcome, Inserted):
            self.envelopes[operation.id] = data
            for event in outcome.events:
                if isinstance(event, Forgotten):
                    for gone in event.operations:
                        del self.envelopes[gone]
                elif isinstance(event, EpochEntered):
                    self._friends = ()
        return outcome

    def _saved(self, then: Callable[[], None]) -> None:
        self.disk.write(self._tail, self.simulation.timeline.now)
        self._tail = []
        arrived, self._arrived = self._arrived, []
        self._saving = False
        ticket = self.disk.ticket
        if ticket is not None and self.council is not None and ticket.membership in self.council.head.members:
            self.disk.ticket = None
        self._pass_on(arrived)
        if self.teller is not None and self.council is not None and self.council.head.charter.profile().n > 1:
            # Several tellers answer each other at once; one alone looks now and then.
            self._attend_at(self.simulation.timeline.now + HEED)
        then()
        while self._todo and not self._saving:
            self._todo.popleft()()

    # --- who is who -------------------------------------------------------------------------

    def may(self, peer: bytes) -> bool:
        """Whether a peer may speak with this node about the council now."""
        if peer in self._listed():
            return True
        return self.disk.ticket is not None and peer in self.disk.ticket.nodes

    def _listed(self) -> frozenset[bytes]:
        """The nodes on the roll, as far as this one knows."""
        if self.council is None:
            return frozenset()
        head = self.council.head
        if self._roll[0] != head.number:
            self._roll = head.number, frozenset(head.entitled())
        return self._roll[1]

    def _others(self) -> list[bytes]:
        """The nodes on the roll that can be reached now."""
        reaches = self.simulation.network.reaches
        return [node for node in sorted(self._listed()) if node != self.key and reaches(self.key, node)]

    def _meet_friends(self) -> None:
        others = self._others()
        self._friends = tuple(self.simulation.chance.sample(others, min(self.simulation.setting.friends, len(others))))

    def _remember(self, peer: bytes, operation: bytes) -> None:
        known = self._knows.setdefault(peer, OrderedDict())
        known[operation] = None
        while len(known) > 512:
            known.popitem(last=False)

    # --- push -------------------------------------------------------------------------------

    def _pass_on(self, arrived: Sequence[tuple[bytes, bytes, bytes | None]]) -> None:
        if not self._friends:
            self._meet_friends()
        for friend in self._friends:
            known = self._knows.get(friend, ())
            news = {id: data for id, data, source in arrived if source != friend and id not in known}
            if not news:
                continue
            if friend not in self._lines:
                self._lines[friend] = {}
                self._later(GATHER, lambda friend=friend: self._push(friend))  # type: ignore[misc]  # a loop's variable
            self._lines[friend].update(news)

    def _push(self, friend: bytes) -> None:
        news = self._lines.pop(friend)
        if friend not in self._listed():
            return  # removed while it waited
        target = self.simulation.nodes[friend]
        frame = encode_frame(News(self.id, tuple(news.values())))
        self.simulation.network.push(
            self.key, friend, len(frame) + 4, lambda: target.do(lambda: target.hear(self.key, frame))
        )

    def hear(self, peer: bytes, data: bytes) -> None:
        """Take in what a peer pushes, if it may."""
        frame = decode_frame(data)
        assert isinstance(frame, News)
        if peer in self._listed():
            self.take(frame.envelopes, peer)

    # --- conversations ----------------------------------------------------------------------

    def ask_soon(self, peer: bytes) -> None:
        """Compare with a peer when there is a moment."""
        if peer not in self._soon:
            self._soon.add(peer)
            self._later(GATHER, lambda: self._ask(peer))

    def _round(self) -> None:
        self._later(ROUND * (0.5 + self.simulation.chance.random()), self._round)
        self._meet_friends()
        others = self._others()
        if others:
            self._ask(self.simulation.chance.choice(others))

    def _ask(self, peer: bytes) -> None:
        self._soon.discard(peer)
        if peer in self._asking or len(self._asking) >= CONVERSATIONS or not self.may(peer):
            return
        if self.simulation.network.reaches(self.key, peer):
            self._asking.add(peer)
            conversation = Conversation(self, self.simulation.nodes[peer])
            self.simulation.conversations.append(conversation)
            conversation.go_on(())

    def asked(self, peer: bytes, report: Report, broken: bool) -> None:
        """A conversation that this node began is over."""
        self._asking.discard(peer)
        ticket = self.disk.ticket
        if report.complete and ticket is not None and ticket.request is None and peer in ticket.nodes:
            self.disk.ticket = None
        if broken and report.got:
            self._later(AGAIN, lambda: self._ask(peer))

    # --- a council that is not here yet -----------------------------------------------------

    def follow(self, ticket: Ticket) -> None:
        """Fetch the council with a ticket."""
        self.disk.ticket = ticket
        self._pursue()

    def _pursue(self) -> None:
        ticket = self.disk.ticket
        if ticket is None:
            return
        self._later(AGAIN * (0.5 + self.simulation.chance.random()), self._pursue)
        for peer in ticket.nodes:
            if ticket.request is not None:
                target = self.simulation.nodes[peer]
                frame = encode_frame(Join(ticket.request))
                self.simulation.network.push(
                    self.key,
                    peer,
                    len(frame) + 4,
                    lambda target=target, frame=frame: target.do(lambda: target.receive(frame)),  # type: ignore[misc]  # loop's variables
                )
            self._ask(peer)

    def receive(self, data: bytes) -> None:
        """Take in a request to join from somebody who holds nothing yet."""
        frame = decode_frame(data)
        assert isinstance(frame, Join)
        if self.council is not None:
            operation = self.simulation.read(frame.envelope)[1].operation
            if operation.deps[0] in self.council:
                self.take((frame.envelope,), None)

    # --- what the teller does ---------------------------------------------------------------

    def _attend(self) -> None:
        if self.teller is not None:
            self._later(ATTEND * (0.5 + self.simulation.chance.random()), self._attend)
            self._do_due()

    def _attend_at(self, moment: int) -> None:
        """Look at what is due at `moment`, or earlier."""
        if self._wake is None or moment < self._wake:
            self._wake = moment
            self._later(moment - self.simulation.timeline.now, self._awake)

    def _awake(self) -> None:
        self._wake = None
        self._do_due()

    def _do_due(self) -> None:
        if self.council is None or self.teller is None:
            return
        if self.office is None:
            self.office = Tellership(self.council, self.teller.seed, _Here(self))
        deed = self.office.poll(self.simulation.timeline.now)
        if deed is not None:
            self.take([self._operation(self.teller, deed)], None, self._do_due)
        elif self.office.wake is not None:
            self._attend_at(self.office.wake)

    def _operation(self, teller: Teller, deed: Deed) -> bytes:
        assert self.council is not None
        dag = self.council.dag
        deps = deed.needs
        if not deed.alone:
            heads = self.council.draft(deed.needs)
            assert isinstance(heads, Heads)
            deps = heads.deps
        draft = Draft(
            council=self.id,
            author=teller.key,
            depth=1 + max(dag.depth[dag.rows[operation]] for operation in deps),
            deps=deps,
            time=self.simulation.timeline.now,
            kind=deed.kind,
            body=deed.body,
            contents=tuple(Content(b"", part) for part in deed.parts),
        )
        return draft.signed(teller.seed).encode()


@dataclass(frozen=True, slots=True)
class _Here:
    """What a teller's node knows beyond the log."""

    node: Node

    def received(self, operation: bytes) -> int | None:
        return self.node.disk.received.get(operation)

    def in_contact(self) -> int:
        return 0

    def opening(self, cast: bytes) -> tuple[bytes, Any] | None:
        return None
