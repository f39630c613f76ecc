"""The one door: every operation, from a person of this home or from a stranger, comes in here.

    bytes -> operation (canonical?) -> signature -> council (deps, depth, standing, epoch)
          -> store (on disk) -> events -> push, API, page, command

The checks and their order are the same for everybody. What is said to be accepted is on disk,
and nothing is shown to a peer or a reader before it is. If the disk fails, so does the service:
it takes nothing more, and the node stops with one sentence that says why.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, TypeGuard

import msgspec
import trio

from node import branches
from node.evidence import Evidence
from node.examiner import Findings
from node.examining import JOB, Examining
from node.feed import Feed, Subscription
from node.intake import Intake
from node.joining import Joining, asked_before
from node.outcome import Accepted, Aside, Known, Outcome, Rejected, Waits
from node.refused import Refused
from node.shelf import Shelf, Wanted
from node.store import Batch, Pending, SavedOperation, SavedPeer, Store, StoreFailed
from protocol.council import outcomes
from protocol.council.bodies import Found, parse_body
from protocol.council.charter import UnknownRules
from protocol.council.council import Council, Heads
from protocol.council.recall import recall
from protocol.errors import Malformed, Refusal
from protocol.ids import OperationId, operation_text
from protocol.log.operation import (
    Content,
    Envelope,
    Operation,
    decode_envelope,
    recall_envelope,
)
from protocol.log.waiting import Waiting

__all__ = ["Arrival", "Observer", "Service", "Wanted"]


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """An operation that was just saved: its envelope as it came, and the peer that sent it (None: somebody here)."""

    council: bytes
    id: OperationId
    envelope: bytes
    source: bytes | None


class Observer(Protocol):
    """Parts of the node that act on what comes in. Called after saving; must return at once and not raise."""

    def saved(self, arrivals: Sequence[Arrival]) -> None:
        """These operations are new here."""

    def lacking(self, council: bytes, source: bytes | None) -> None:
        """Something came whose deps, or whose large attachments, are not here."""

    def following(self, pending: Pending) -> None:
        """A council is to be fetched, or a request to join it delivered."""


@dataclass(slots=True)
class _Change:
    """What one chunk of operations leads to: saved first, told afterwards."""

    batch: Batch = field(default_factory=Batch)
    arrivals: list[Arrival] = field(default_factory=list)
    events: list[tuple[bytes, tuple[outcomes.Event, ...]]] = field(default_factory=list)
    changed: set[bytes] = field(default_factory=set)
    """Councils of which something else happened than that operations were added."""
    lacking: set[tuple[bytes, bytes | None]] = field(default_factory=set)


class Service:
    """The councils of one node.

    `clock` gives the time in ms since 1970; `node` is this node's key, `teller` its teller's
    public key; what comes in by the hundred is examined by `examining` (None: by this process
    alone). Call `load` before anything else. For one trio loop; nothing here blocks for longer
    than it takes to save some thousand operations.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], int],
        node: bytes,
        teller: bytes | None = None,
        *,
        examining: Examining | None = None,
    ) -> None:
        self._examining = examining or Examining(0)
        self.node = node
        self.teller = teller
        self.clock = clock
        self._store = store
        self._shelves: dict[bytes, Shelf] = {}
        self._councils: dict[bytes, Council] = {}
        self._evidence: dict[bytes, Evidence] = {}
        self._feed = Feed()
        self._observers: list[Observer] = []
        self._timed: Callable[[bytes, bytes], int | None] = lambda council, operation: None
        self._waiting = Waiting()
        self._joining = Joining(store, self._stir)
        self._failed: StoreFailed | None = None
        self._failing = trio.Event()
        self.changed = trio.Event()
        """Set by the next change of anything that this class shows; a new one takes its place then."""

    # Starting

    def load(self) -> int:
        """Build the councils from what is saved; gives the number of operations.

        Signatures were checked before saving and are not checked again (`verify` does). Raises
        `Refused` when what is saved does not fit together.
        """
        numbers = {number: council for council, number in self._store.councils().items()}
        left: dict[bytes, list[SavedOperation]] = {}
        count = 0
        for chunk in self._store.replay():
            for saved in chunk:
                council = numbers.get(saved.council, b"")
                if not self._replay(council, saved):
                    left.setdefault(council, []).append(saved)
                count += 1
        for council, shelf in self._shelves.items():
            if shelf.council.choices:
                branches.set_aside(shelf, left.get(council, ()), self._store)
                branches.take_up(shelf, self._store)
        self._joining.load()
        return count

    def _replay(self, council: bytes, saved: SavedOperation) -> bool:
        """Put a saved operation where it was; False for one of a branch that a person chose to leave."""
        try:
            shelf = self._shelves.get(council)
            row = None if shelf is None else recall(shelf.council, saved.raw, saved.id)
            if shelf is not None and row is not None:
                shelf.put(row, saved.row)
                return True
            envelope = recall_envelope(saved.raw)
            operation = envelope.operation
            if operation.id != saved.id:
                raise Malformed("store", "an operation does not have the hash under which it was saved.")
            if shelf is None:
                chosen = branches.choices(self._store, council)
                found = Council.found(envelope, verified=True, choices=chosen)
                if not isinstance(found, Council):
                    raise Malformed(found.rule, found.message)
                self._add(found, saved.council).put(0, saved.row)
                return True
            outcome = shelf.council.insert(envelope, verified=True)
            if not isinstance(outcome, outcomes.Inserted):
                if shelf.council.choices:
                    return False
                raise Malformed("store", f"an operation that was accepted is {type(outcome).__name__} now.")
            shelf.put(outcome.row, saved.row)
            return True
        except (Malformed, UnknownRules) as fault:
            raise Refused(
                "store",
                f"{self._store.path} does not fit together at operation {operation_text(saved.id)}, so it was "
                f"changed or damaged; mend it with 'moot repair'. ({fault})",
            ) from fault

    def _add(self, council: Council, number: int) -> Shelf:
        shelf = self._shelves[council.id] = Shelf(self._store, council, number)
        self._councils[council.id] = council
        return shelf

    # What is here

    @property
    def councils(self) -> Mapping[bytes, Council]:
        """The councils that this node holds, by id. A live view, for reading."""
        return MappingProxyType(self._councils)

    def council(self, council: bytes) -> Council:
        """The council with that id; `Refused` when this node does not hold it."""
        found = self._councils.get(council)
        if found is None:
            raise Refused("unknown-council", f"This node does not hold the council {operation_text(council)}.")
        return found

    def draft(self, council: bytes, needs: Sequence[bytes] = ()) -> Heads:
        """What a new operation says of its place: deps (`needs` among them), depth, epoch.

        Raises `Refused` for a council, or a needed operation, that is not here.
        """
        heads = self.council(council).draft(needs)
        if isinstance(heads, Refusal):
            raise Refused(heads.rule, heads.message)
        return heads

    def envelope(self, council: bytes, operation: bytes) -> Envelope | None:
        """An operation with those of its contents that may travel with it and are here; None when it is not here."""
        shelf = self._shelves.get(council)
        return None if shelf is None else shelf.envelope(operation)

    def travelling(self, council: bytes, operations: Sequence[bytes]) -> list[bytes]:
        """The envelopes of those operations that are here, as bytes, in the order asked for."""
        return self._shelves[council].travelling(operations)

    def saved_envelopes(self, council: bytes) -> Iterator[Envelope]:
        """All kept operations of a council with their small contents, in `(depth, id)` order."""
        return self._shelves[council].kept()

    def content(self, council: bytes, operation: bytes, index: int) -> Content | None:
        """An attachment; None when it is not here (not yet, or erased)."""
        shelf = self._shelves.get(council)
        return None if shelf is None else shelf.content(operation, index)

    def wanted(self, council: bytes, most: int = 256) -> list[Wanted]:
        """Attachments of a council that are not here and were not erased, the newest first."""
        return self._shelves[council].wanted(most)

    def rivals(self, council: bytes) -> list[tuple[bytes, bytes]]:
        """What is kept beside the log, of other branches of a council: `(operation id, envelope)`."""
        shelf = self._shelves[council]
        return [(id, raw) for id, raw in self._store.rivals(shelf.number) if id not in shelf.council]

    def choose_branch(self, council: bytes, digest: bytes) -> int:
        """Follow the branch with this rival epoch, from the node's next start on; gives the epoch's number.

        `Refused` when no such epoch was seen.
        """
        self._check_alive()
        return branches.choose(self._store, council, self.rivals(council), digest)

    # What comes in

    async def submit(self, envelopes: Sequence[bytes], source: bytes | None = None) -> list[Outcome]:
        """Take operations in, in any order; what is accepted is on disk when this returns.

        source: the node key of the peer that sent them, None for somebody of this home. A
        founding operation comes in from here, or from a peer for a council that this node
        follows or is named as teller of. Raises `StoreFailed` when the disk fails.
        """
        if len(envelopes) <= JOB:
            await trio.lowlevel.checkpoint()
            opened = [_open(data) for data in envelopes]
            signed = [item.operation.signed() if self._is_new(item) else None for item in opened]
            return self._take(opened, envelopes, signed, source)
        with self.intake(source) as intake:
            return [*await intake.put(envelopes), *await intake.finish()]

    def intake(self, source: bytes | None = None) -> Intake:
        """A way in for many operations, which come in parts: `submit` for each of them, but without waiting."""

        def take(envelopes: Sequence[bytes], findings: Sequence[Findings]) -> list[Outcome]:
            opened: list[Envelope | Rejected] = []
            for found in findings:
                for place, item in enumerate(found.opened):
                    opened.append(item or Rejected(None, Refusal(*found.faults[place])))
            return self._take(opened, envelopes, [good for found in findings for good in found.signed], source)

        return Intake(self._examining, take)

    def _is_new(self, item: Envelope | Rejected) -> TypeGuard[Envelope]:
        """Whether an operation's signature is to be looked at: its council is here, and it is not."""
        if isinstance(item, Rejected):
            return False
        council = self._councils.get(item.operation.council)
        return council is not None and item.operation.id not in council

    def _take(
        self,
        opened: Sequence[Envelope | Rejected],
        chunk: Sequence[bytes],
        signed: Sequence[bool | None],
        source: bytes | None,
    ) -> list[Outcome]:
        """Insert and save; no other task runs in between, so nobody sees what is not on disk."""
        self._check_alive()
        change = _Change()
        try:
            out = [
                envelope if isinstance(envelope, Rejected) else self._enter(envelope, data, good, source, change)
                for envelope, data, good in zip(opened, chunk, signed, strict=True)
            ]
            self._save(change.batch)
        except StoreFailed as failed:
            raise self._fail(failed) from failed
        except BaseException:
            self._fail(StoreFailed("This program made a mistake while it took an operation in; nothing more is saved."))
            raise
        self._tell(change)
        return out

    def _check_alive(self) -> None:
        if self._failed is not None:
            raise StoreFailed(str(self._failed))

    def _fail(self, failed: StoreFailed) -> StoreFailed:
        """What is in memory is ahead of the disk now: nothing more goes in or out."""
        self._failed = failed
        self._failing.set()
        return StoreFailed(str(failed))

    def broken(self, failed: StoreFailed) -> None:
        """The disk failed where something was read: the node stops."""
        self._fail(failed)

    @property
    def trouble(self) -> str | None:
        """Why nothing more is taken in; None while all is well."""
        return None if self._failed is None else str(self._failed)

    async def failure(self) -> StoreFailed:
        """Wait until the disk fails, if ever; gives why."""
        await self._failing.wait()
        assert self._failed is not None
        return self._failed

    def time_with(self, timed: Callable[[bytes, bytes], int | None]) -> None:
        """Save with each new operation when it came. timed: council, operation -> ms, or None for no time."""
        self._timed = timed

    def _save(self, batch: Batch) -> None:
        if batch:
            self._store.save(batch)

    def _stir(self) -> None:
        self.changed.set()
        self.changed = trio.Event()

    def _tell(self, change: _Change) -> None:
        self._stir()
        for observer in self._observers:
            if change.arrivals:
                observer.saved(change.arrivals)
            for council, source in sorted(change.lacking, key=repr):
                observer.lacking(council, source)
        self._feed.tell(change.events)
        for council in change.changed:
            self._joining.settle_all(self._councils[council], self.node)

    def _enter(
        self, envelope: Envelope, data: bytes, signed: bool | None, source: bytes | None, change: _Change
    ) -> Outcome:
        operation = envelope.operation
        shelf = self._shelves.get(operation.council or operation.id)
        if shelf is None:
            return self._enter_council(envelope, data, signed, source, change)
        if operation.id in shelf.council.dag.rows:
            shelf.fill(envelope, change.batch)
            return Known(operation.id, shelf.council.id)
        if not (operation.signed() if signed is None else signed):
            return Rejected(operation.id, Refusal("signature", "the operation's signature is not its author's."))
        if source is None and operation.contents and shelf.allowance.refuses(operation):
            return Rejected(operation.id, _no_room(shelf.council))
        outcome = self._insert(shelf, envelope, data, source, change)
        if isinstance(outcome, Accepted) and self._waiting:
            self._wake(operation.id, change)
        return outcome

    def _wake(self, operation: bytes, change: _Change) -> None:
        """Take in what waited for `operation`, and what waited for that."""
        ready = deque(self._waiting.arrived(operation))
        while ready:
            source, data = ready.popleft()
            envelope = decode_envelope(data)
            shelf = self._shelves[envelope.operation.council]
            if envelope.operation.id in shelf.council:
                continue
            outcome = self._insert(shelf, envelope, data, source or None, change)
            if isinstance(outcome, Accepted):
                ready.extend(self._waiting.arrived(outcome.id))

    def _insert(self, shelf: Shelf, envelope: Envelope, data: bytes, source: bytes | None, change: _Change) -> Outcome:
        """Insert an operation whose signature holds."""
        operation, council = envelope.operation, shelf.council
        outcome = council.insert(envelope, verified=True)
        if isinstance(outcome, outcomes.Inserted):
            events = outcome.events
            self._keep(shelf, envelope, outcome.row, data, source, change)
            change.events.append((council.id, events))
            if len(events) > 1:  # besides that it was added
                shelf.obey(events, change.batch)
                change.changed.add(council.id)
            return Accepted(operation.id, council.id, outcome.epoch)
        match outcome:
            case outcomes.Known():
                return Known(operation.id, council.id)
            case outcomes.Waiting(missing, rules):
                if missing:
                    self._waiting.add(operation.id, data, missing, source or b"")
                    change.lacking.add((council.id, source))
                return Waits(operation.id, council.id, missing, rules)
            case outcomes.Refused(refusal):
                return Rejected(operation.id, refusal)
            case outcomes.Rival(number, _, _):
                if self._proof(shelf).add(envelope, asked=source is None):
                    change.batch.rivals.append((shelf.number, operation.id, data))
                words = f"epoch {number} of another branch; this node stays on its own and keeps this as proof."
                return Aside(operation.id, council.id, Refusal("rival", words))

    def _proof(self, shelf: Shelf) -> Evidence:
        """What is kept of the other branches of a council."""
        proof = self._evidence.get(shelf.council.id)
        if proof is None:
            kept = self._store.rivals(shelf.number)
            proof = self._evidence[shelf.council.id] = Evidence(raw for _, raw in kept)
        return proof

    def _keep(
        self, shelf: Shelf, envelope: Envelope, row: int, data: bytes, source: bytes | None, change: _Change
    ) -> None:
        if shelf.keep(envelope, data, row, change.batch, ours=source is None):
            change.lacking.add((shelf.council.id, None))
        change.arrivals.append(Arrival(shelf.council.id, envelope.operation.id, data, source))
        at = self._timed(shelf.council.id, envelope.operation.id)
        if at is not None:
            # One commit for both: what is said to be here is timed, and the other way round.
            change.batch.receipts.append((envelope.operation.id, at))

    def _enter_council(
        self, envelope: Envelope, data: bytes, signed: bool | None, source: bytes | None, change: _Change
    ) -> Outcome:
        """A council that is not here: only its founding operation can begin it, and not anybody's."""
        operation = envelope.operation
        if operation.deps:
            return Rejected(operation.id, Refusal("unknown-council", "this node does not hold that council."))
        if source is not None and not self._expected(operation):
            return Rejected(operation.id, Refusal("unasked", "nobody here asked for that council."))
        if not (operation.signed() if signed is None else signed):
            return Rejected(operation.id, Refusal("signature", "the operation's signature is not its author's."))
        try:
            council = Council.found(envelope, verified=True)
        except Malformed as error:
            return Rejected(operation.id, Refusal(error.rule, error.message))
        except UnknownRules as rules:
            return Waits(operation.id, operation.id, (), str(rules))
        if not isinstance(council, Council):
            return Rejected(operation.id, council)
        shelf = self._add(council, self._store.council_number(council.id))
        self._keep(shelf, envelope, 0, data, source, change)
        added = outcomes.Added(operation.id, operation.kind, None)
        change.events.append((council.id, (added, outcomes.EpochEntered(0, council.head.digest, ()))))
        change.changed.add(council.id)
        return Accepted(operation.id, council.id, 0)

    def _expected(self, operation: Operation) -> bool:
        """Whether this node follows the council, or agreed (its own signature proves it) to be its teller."""
        if operation.id in self.followed():
            return True
        try:
            body = parse_body(operation)
        except Malformed:
            return False
        return isinstance(body, Found) and any(
            teller.key == self.teller and teller.node == self.node and teller.proven(body.nonce)
            for teller in body.tellers
        )

    async def add_content(
        self, council: bytes, operation: bytes, index: int, content: Content, source: bytes | None = None
    ) -> Refusal | None:
        """Keep an attachment that came by itself; a refusal when it is not the one that was signed, or was erased.

        It is on disk when this returns None.
        """
        await trio.lowlevel.checkpoint()
        self._check_alive()
        shelf = self._shelves.get(council)
        if shelf is None:
            return Refusal("unknown-operation", "this node does not hold that operation.")
        batch = Batch()
        refusal = shelf.add(operation, index, content, batch)
        if refusal is not None:
            return refusal
        try:
            self._save(batch)
        except StoreFailed as failed:
            raise self._fail(failed) from failed
        self._stir()
        return None

    def parted(self, source: bytes) -> None:
        """A peer is gone: what it left waiting goes too, and a sync brings what is worth it."""
        self._waiting.drop_source(source)

    # Who listens

    def subscribe(self, council: bytes | None = None) -> Subscription:
        """The events of one council, or of all, from now on; each is saved before it is told."""
        return self._feed.subscribe(council)

    def observe(self, observer: Observer) -> None:
        """Have a part of the node told of everything that comes in."""
        self._observers.append(observer)

    def close(self) -> None:
        """End all subscriptions: the node stops."""
        self._feed.close()

    # Councils that are not here yet

    async def join(self, request: bytes, nodes: Sequence[tuple[bytes, tuple[str, ...]]]) -> Pending | Outcome:
        """Keep a signed request to join, and see that it reaches one of `nodes` (key, addresses: the ticket's).

        When this node is one of the council's and knows the ticket, the request simply comes in,
        and its outcome is the answer. Raises `Refused` for what is no well signed request.
        """
        await trio.lowlevel.checkpoint()
        self._check_alive()
        try:
            operation = decode_envelope(request).operation
        except Malformed as error:
            raise Refused(error.rule, error.message) from error
        held = self._councils.get(operation.council)
        # The log of a node that was taken off the roll, as that of somebody who left, goes nowhere.
        if held is not None and held.entitled(self.node) and all(dep in held for dep in operation.deps):
            before = asked_before(held, operation)
            return (await self.submit([request]))[0] if before is None else Known(before, held.id)
        return self._told(self._joining.ask(request, nodes))

    async def follow(self, council: bytes, nodes: Sequence[tuple[bytes, tuple[str, ...]]]) -> Pending | None:
        """Fetch a council that lists this node already, or is public, from `nodes`; None when it is here and kept."""
        await trio.lowlevel.checkpoint()
        self._check_alive()
        held = self._councils.get(council)
        if held is not None and held.entitled(self.node):
            return None
        return self._told(self._joining.follow(council, nodes))

    def _told(self, pending: Pending) -> Pending:
        for observer in self._observers:
            observer.following(pending)
        return pending

    def pending(self) -> list[Pending]:
        """Our requests to join and what became of them."""
        return self._joining.pending()

    def asked(self) -> list[Pending]:
        """Those of them that are not settled."""
        return self._joining.open()

    def followed(self) -> dict[bytes, Pending]:
        """The councils that are to be fetched as soon as a node gives them to us, by id."""
        return self._joining.followed()

    def settle(self, request: bytes, state: str, message: str = "") -> None:
        """Note what became of a request to join."""
        self._check_alive()
        self._joining.settle(request, state, message)

    def take_back(self, request: bytes) -> None:
        """Forget a request to join, or a council that was to be fetched."""
        self._check_alive()
        self._joining.drop(request)

    # What this home knows by itself

    def petnames(self) -> dict[bytes, str]:
        """What people of this home call others: person key -> name."""
        return self._store.petnames()

    def set_petname(self, person: bytes, name: str | None) -> None:
        """Call a person `name`, or by no name of our own any more."""
        self._check_alive()
        self._store.set_petname(person, name)

    def peers(self) -> list[SavedPeer]:
        """Every node that this one heard of."""
        return self._store.peers()

    def disk_bytes(self) -> int:
        """What the store takes on disk, bytes."""
        return self._store.size()


def _no_room(council: Council) -> Refusal:
    megabytes = council.charter.limits.storage / 1_000_000
    return Refusal(
        "storage",
        f"what you attached here so far takes all of the {megabytes:.0f} MB that the charter gives each member; "
        "erase some of it with 'moot erase', or say this without an attachment.",
    )


def _open(data: bytes) -> Envelope | Rejected:
    try:
        return decode_envelope(data)
    except Malformed as error:
        return Rejected(None, Refusal(error.rule, error.message))
