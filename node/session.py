"""One council, one peer, one stream: `ask` brings both sides to the same operations, `answer` serves it.

Both sides check before the first frame, and again at each, that the other may read the council
now. What comes is taken in through the one door and on disk before it is acknowledged.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final

from node.frames import (
    BATCH,
    MAX_EPOCHS,
    MAX_FRAME,
    MAX_IDS,
    PIECE,
    VERSION,
    All,
    AskContent,
    Bring,
    Compare,
    ContentIs,
    End,
    Frame,
    Hello,
    No,
    Operations,
    Piece,
    Taken,
    Want,
    decode_frame,
    encode_frame,
)
from node.host import Stream
from node.outcome import Rejected
from node.service import Service
from protocol.council.council import Council
from protocol.errors import Malformed
from protocol.ids import peer_text
from protocol.log.items import Items, key_item
from protocol.log.operation import Content
from protocol.log.reconcile import Reconciliation

__all__ = ["CLOSED", "FAULTS", "LATER", "SYNC", "Report", "Session", "version_refusal"]

log = logging.getLogger("folkmoot.sync")

SYNC: Final = "/folkmoot/sync/1"
CLOSED: Final = No("closed", "This node does not speak with you about that council.")
"""The one answer to a council that is not here and to one that the peer may not read: they look alike."""

LATER: Final = No("later", "This node is getting that council from somebody else just now; ask again in a moment.")

_PATIENCE: Final = 60.0  # seconds for the other side's next frame: it may be writing to a slow disk
_COMPARE: Final = 256 * 1024  # bytes of one comparison message
_ROUNDS: Final = 64
_QUESTIONS: Final = 8192
_WINDOW: Final = 4  # batches on their way before one must be acknowledged
_READ: Final = 256  # operations read from disk at once
_BROUGHT: Final = 32 * 1024 * 1024  # bytes that a side that is not listed here may bring
FAULTS: Final = frozenset({"signature", "canonical", "content-hash", "envelope", "header"})
"""Refusals that no honest node's operation can meet."""


@dataclass(slots=True)
class Report:
    """How a session went: operations got (new or not) and given, attachments got, bytes both ways.

    `refused` is the other side's no, if it said one; `complete` means that both hold the same now.
    """

    received: int = 0
    sent: int = 0
    contents: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    complete: bool = False
    refused: No | None = None


def version_refusal(peer: bytes, theirs: int) -> No:
    """What is said to, and of, a peer of another protocol version."""
    older = "this node" if theirs > VERSION else "it"
    return No(
        "version",
        f"{peer_text(peer)} speaks version {theirs} of Folkmoot's protocol and this node version {VERSION}: update {older}.",
    )


class Session:
    """Either side of a sync. `stream` is open and is finished or reset by the caller.

    `fetching` is shared by all sessions of a node: the councils of which it gets everything now,
    from one peer only.

    Raises `Malformed` when the other side breaks the protocol (it was told which rule), what
    `Stream` raises when it goes or stalls, `StoreFailed` when our disk fails.
    """

    def __init__(self, service: Service, stream: Stream, fetching: set[bytes] | None = None) -> None:
        self._service = service
        self._fetching = set() if fetching is None else fetching
        self._stream = stream
        self._peer = stream.peer
        self._council = b""
        self._asked_for = False
        self._fork: int | None = None
        """The number of the first epoch on which both sides differ, if they do."""
        self.report = Report()
        self.on_greeting: Callable[[bytes], None] | None = None
        """Told the council once the other side has said which one it asks about, and may."""

    @property
    def council(self) -> bytes:
        """What the conversation is about; empty until the other side has said so."""
        return self._council

    # What both sides need

    async def _send(self, frame: Frame) -> None:
        data = encode_frame(frame)
        self.report.bytes_out += len(data) + 4
        await self._stream.send(data)

    async def _receive(self) -> Frame | None:
        data = await self._stream.receive(MAX_FRAME, timeout=_PATIENCE)
        if data is None:
            return None
        self.report.bytes_in += len(data) + 4
        return decode_frame(data)

    async def _expect(self) -> Frame:
        frame = await self._receive()
        if frame is None:
            raise Malformed("sync-end", "the peer ended the conversation in the middle.")
        return frame

    @property
    def _here(self) -> Council | None:
        return self._service.councils.get(self._council)

    def _may(self) -> bool:
        """Whether the other side may speak with us about the council now."""
        council = self._here
        if self._asked_for or (council is not None and council.entitled(self._peer)):
            return True
        # Until the roll is here, and as long as this lasts, the nodes that a ticket names. They are
        # not on the rolls of the first epochs, which come first.
        followed = self._service.followed().get(self._council)
        self._asked_for = followed is not None and self._peer in {node for node, _ in followed.nodes}
        return self._asked_for

    def _hello(self) -> Hello:
        council = self._here
        if council is None:
            return Hello(self._council, 0, 0, ())
        links = council.branch.links
        first = max(0, len(links) - MAX_EPOCHS)
        return Hello(self._council, len(council), first, tuple([bytes(link.digest) for link in links[first:]]))

    def _meet(self, theirs: Hello) -> None:
        """Find out whether the other side is on another branch."""
        mine = self._hello()
        known = dict(enumerate(mine.epochs, mine.first))
        for number, epoch in enumerate(theirs.epochs, theirs.first):
            if known.get(number, epoch) != epoch:
                self._fork = number
                log.warning(
                    "%s is on another branch from epoch %d on; what was said there stays out.",
                    peer_text(self._peer),
                    number,
                )
                return

    def _sendable(self, operations: Sequence[bytes]) -> list[bytes]:
        """Of these ids the ones that are here and may be said to the other side, in `(depth, id)` order.

        After a fork: what does not know our branch, and the epoch that proves that there is one.
        """
        council = self._here
        if council is None:
            return []
        dag = council.dag
        rows = [row for row in map(dag.rows.get, operations) if row is not None and dag.is_kept(row)]
        if self._fork is not None:
            proof = council.branch.links[self._fork].operation
            rows = [row for row in rows if dag.epoch[row] < self._fork or dag.ids[row] == proof]
        rows.sort(key=lambda row: (dag.depth[row], dag.ids[row]))
        return [dag.ids[row] for row in rows]

    def _batches(self, operations: Iterator[bytes]) -> Iterator[Operations]:
        """Envelopes in frames of some `BATCH` bytes, read from disk as they are needed."""
        batch: list[bytes] = []
        size = 0
        while ids := list(islice(operations, _READ)):
            for envelope in self._service.travelling(self._council, ids):
                batch.append(envelope)
                size += len(envelope)
                if size >= BATCH:
                    yield Operations(tuple(batch))
                    batch, size = [], 0
        if batch:
            yield Operations(tuple(batch))

    async def _take(self, frame: Operations) -> None:
        outcomes = await self._service.submit(frame.envelopes, self._peer)
        self.report.received += len(outcomes)
        for outcome in outcomes:
            if isinstance(outcome, Rejected):
                refusal = outcome.refusal
                if outcome.id is None or refusal.rule in FAULTS:
                    raise Malformed(refusal.rule, f"the peer sent what is no operation: {refusal.message}")
                log.info("An operation of %s was refused: %s", peer_text(self._peer), refusal)

    # The side that opened the stream

    async def ask(self, council: bytes) -> Report:
        """Get what we lack of `council` from the other side, and give it what it lacks."""
        self._council = council
        if council in self._fetching:
            self.report.refused = LATER
            return self.report
        try:
            with self._fetch_alone():
                await self._ask()
        except Malformed as error:
            await self._send(No(error.rule, error.message[:400]))
            raise
        return self.report

    @contextmanager
    def _fetch_alone(self) -> Iterator[None]:
        """While a council that is not here comes from one peer, no other session gets it too."""
        fresh = self._here is None
        if fresh:
            self._fetching.add(self._council)
        try:
            yield
        finally:
            if fresh:
                self._fetching.discard(self._council)

    async def _ask(self) -> None:
        report = self.report
        theirs = await self._greet()
        if theirs is None:
            return
        self._meet(theirs)
        if not theirs.operations:
            await self._give(self._everything())
        elif self._here is None:
            await self._fetch(All(0, b""))
        else:
            have, need = await self._compare()
            if report.refused is None:
                await self._fetch_ids(need)
            if report.refused is None:
                await self._give(iter(self._sendable(have)))
        if report.refused is None and self._here is not None:
            await self._fetch_contents()
        report.complete = report.refused is None and self._fork is None

    async def _greet(self) -> Hello | None:
        """Hello both ways, with what must be brought before; None after a no."""
        brought = False
        while True:
            if not self._may():
                self.report.refused = CLOSED
                return None
            await self._send(self._hello())
            match await self._expect():
                case No() as no:
                    self.report.refused = no
                    return None
                case Hello(version=version) if version != VERSION:
                    self.report.refused = version_refusal(self._peer, version)
                    return None
                case Hello(council=council) as hello if council == self._council:
                    return hello
                case Bring(after) if not brought:
                    brought = True
                    await self._bring(after)
                case _:
                    raise Malformed("sync-hello", "the peer did not answer a greeting with one.")

    async def _bring(self, after: int) -> None:
        """Send what lies between an epoch of ours and our latest."""
        council = self._here
        if council is None or not 0 <= after < len(council.branch.links) - 1:
            raise Malformed("sync-bring", "the peer asked for epochs that cannot follow its own.")
        dag, links = council.dag, council.branch.links
        old = _past(council, links[after].operation)
        new = _past(council, links[-1].operation) - old
        rows = sorted(new, key=lambda row: (dag.depth[row], dag.ids[row]))
        for batch in self._batches(iter([dag.ids[row] for row in rows])):
            await self._send(batch)
        await self._send(End())

    async def _question(self, frame: Frame) -> Frame:
        """Ask once more, if both still may; gives the answer."""
        if not self._may():
            return CLOSED
        await self._send(frame)
        return await self._expect()

    async def _compare(self) -> tuple[list[bytes], list[bytes]]:
        """What we have and the other side lacks, and the reverse."""
        council = self._here
        assert council is not None
        reconciliation = Reconciliation(council.items.snapshot(), True, _COMPARE, MAX_FRAME)
        message: bytes | None = reconciliation.initiate()
        have: dict[bytes, None] = {}
        need: dict[bytes, None] = {}
        for _ in range(_ROUNDS):
            if message is None:
                return list(have), list(need)
            answer = await self._question(Compare(message))
            if isinstance(answer, No):
                self.report.refused = answer
                return [], []
            if not isinstance(answer, Compare):
                raise Malformed("sync-answer", "the peer did not answer a comparison with one.")
            found = reconciliation.receive(answer.message)
            have.update(dict.fromkeys(found.have))
            need.update(dict.fromkeys(found.need))
            message = found.reply
        raise Malformed("sync-rounds", f"the comparison did not end in {_ROUNDS} rounds.")

    async def _fetch_ids(self, need: list[bytes]) -> None:
        for begin in range(0, len(need), MAX_IDS):
            if self.report.refused is None:
                await self._fetch(Want(tuple(need[begin : begin + MAX_IDS])))

    async def _fetch(self, question: Want | All) -> None:
        answer = await self._question(question)
        while isinstance(answer, Operations):
            await self._take(answer)
            if not self._may():
                self.report.refused = CLOSED
                return
            answer = await self._expect()
        if isinstance(answer, No):
            self.report.refused = answer
        elif not isinstance(answer, End):
            raise Malformed("sync-answer", "the peer did not answer with operations.")

    def _everything(self) -> Iterator[bytes]:
        council = self._here
        if council is None:
            return iter(())
        items = council.items.snapshot()
        if self._fork is not None:
            return iter(self._sendable(items.ids(0, len(items))))
        return (key_item(key)[1] for key in items.iter_from(b""))

    async def _give(self, operations: Iterator[bytes]) -> None:
        """Send operations, never more than a window ahead of what the other side has stored."""
        ahead = 0
        for batch in self._batches(operations):
            if not self._may():
                self.report.refused = CLOSED
                return
            await self._send(batch)
            self.report.sent += len(batch.envelopes)
            ahead += 1
            if ahead == _WINDOW:
                ahead -= 1
                if not await self._acknowledged():
                    return
        for _ in range(ahead):
            if not await self._acknowledged():
                return

    async def _acknowledged(self) -> bool:
        answer = await self._expect()
        if isinstance(answer, No):
            self.report.refused = answer
        elif not isinstance(answer, Taken):
            raise Malformed("sync-answer", "the peer did not acknowledge what it got.")
        return self.report.refused is None

    async def _fetch_contents(self) -> None:
        """Get the attachments that are not here from the other side, if it has them."""
        for wanted in self._service.wanted(self._council):
            answer = await self._question(AskContent(wanted.operation, wanted.index))
            if isinstance(answer, No) and answer.rule != "no-content":
                self.report.refused = answer
                return
            if isinstance(answer, No):
                continue
            if not isinstance(answer, ContentIs) or answer.size != wanted.reference.size:
                raise Malformed("sync-content", "the peer sent another attachment than the one asked for.")
            data = bytearray()
            while len(data) < answer.size:
                piece = await self._expect()
                if not isinstance(piece, Piece) or not piece.data or len(data) + len(piece.data) > answer.size:
                    raise Malformed("sync-content", "the peer sent an attachment badly.")
                data += piece.data
            content = Content(answer.salt, bytes(data))
            refusal = await self._service.add_content(
                self._council, wanted.operation, wanted.index, content, self._peer
            )
            if refusal is None:
                self.report.contents += 1
            elif refusal.rule in FAULTS:
                raise Malformed(refusal.rule, refusal.message)

    # The side that was asked

    async def answer(self) -> Report:
        """Serve the other side until it finishes."""
        try:
            await self._answer()
        except Malformed as error:
            await self._send(No(error.rule, error.message[:400]))
            raise
        return self.report

    async def _answer(self) -> None:
        if await self._greeted():
            if self.on_greeting is not None:
                self.on_greeting(self._council)
            with self._fetch_alone():
                await self._serve_questions()

    async def _serve_questions(self) -> None:
        council = self._here
        items = Items() if council is None else council.items.snapshot()
        reconciliation = Reconciliation(items, False, _COMPARE, MAX_FRAME)
        for _ in range(_QUESTIONS):
            frame = await self._receive()
            if frame is None:
                self.report.complete = True
                return
            if not self._may():
                await self._send(CLOSED)
                return
            match frame:
                case Compare(message):
                    reply = reconciliation.receive(message).reply
                    assert reply is not None  # only who initiates is ever done
                    await self._send(Compare(reply))
                case Want(ids):
                    await self._serve(iter(self._sendable(ids)))
                case All(depth, id):
                    await self._serve(self._from(depth, id))
                case Operations():
                    await self._take(frame)
                    await self._send(Taken(len(frame.envelopes)))
                case AskContent(operation, index):
                    await self._serve_content(operation, index)
                case No(rule, message):
                    log.info("%s ended a sync (%s): %s", peer_text(self._peer), rule, message)
                    return
                case _:
                    raise Malformed("sync-question", "the peer asked what cannot be asked.")
        raise Malformed("sync-questions", f"the peer asked more than {_QUESTIONS} times.")

    async def _greeted(self) -> bool:
        """Hear who the other side is and say hello, or no."""
        brought = False
        while True:
            frame = await self._receive()
            if frame is None:
                return False
            if not isinstance(frame, Hello):
                raise Malformed("sync-hello", "the peer did not say hello first.")
            if frame.version != VERSION:
                await self._send(version_refusal(self._peer, frame.version))
                return False
            if self._council and frame.council != self._council:
                raise Malformed("sync-hello", "the peer said hello for another council the second time.")
            self._council = frame.council
            if self._council in self._fetching and self._may():
                await self._send(LATER)
                return False
            if self._may():
                await self._send(self._hello())
                self._meet(frame)
                return True
            after = None if brought else self._behind(frame)
            if after is None:
                await self._send(CLOSED)
                return False
            brought = True
            await self._send(Bring(after))
            await self._take_brought()

    def _behind(self, theirs: Hello) -> int | None:
        """The number of our latest epoch, if the other side shows that it is on our chain and ahead."""
        council = self._here
        if council is None:
            return None
        head = council.head
        at = head.number - theirs.first
        if 0 <= at < len(theirs.epochs) - 1 and theirs.epochs[at] == head.digest:
            return head.number
        return None

    async def _take_brought(self) -> None:
        """Only receive, bounded, until the other side has brought what may make us list it."""
        room = _BROUGHT
        while not isinstance(frame := await self._expect(), End):
            if not isinstance(frame, Operations):
                raise Malformed("sync-bring", "the peer did not bring operations.")
            room -= sum(map(len, frame.envelopes))
            if room < 0:
                raise Malformed("sync-bring", f"the peer brought more than {_BROUGHT} bytes.")
            await self._take(frame)

    def _from(self, depth: int, id: bytes) -> Iterator[bytes]:
        council = self._here
        if council is None:
            return iter(())
        items = council.items.snapshot()
        bound = depth.to_bytes(8, "big") + id
        if self._fork is not None:
            lo = items.lower_bound(bound)
            return iter(self._sendable(items.ids(lo, len(items))))
        return (key_item(key)[1] for key in items.iter_from(bound))

    async def _serve(self, operations: Iterator[bytes]) -> None:
        for batch in self._batches(operations):
            if not self._may():
                await self._send(CLOSED)
                return
            await self._send(batch)
            self.report.sent += len(batch.envelopes)
        await self._send(End())

    async def _serve_content(self, operation: bytes, index: int) -> None:
        content = self._service.content(self._council, operation, index)
        if content is None:
            await self._send(No("no-content", "That attachment is not here."))
            return
        await self._send(ContentIs(content.salt, len(content.data)))
        for begin in range(0, len(content.data), PIECE):
            await self._send(Piece(content.data[begin : begin + PIECE]))


def _past(council: Council, operation: bytes) -> set[int]:
    """The rows in the past of an operation, itself included."""
    dag = council.dag
    seen = {dag.rows[operation]}
    todo = list(seen)
    while todo:
        for dep in dag.deps(todo.pop()):
            if dep not in seen:
                seen.add(dep)
                todo.append(dep)
    return seen
