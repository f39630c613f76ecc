"""The side of a sync that was asked: it serves one question after the other."""

import logging
from collections.abc import Callable, Iterator
from typing import Final

from node.frames import (
    MAX_FRAME,
    PIECE,
    VERSION,
    All,
    AskContent,
    Bring,
    Compare,
    ContentIs,
    End,
    Hello,
    No,
    Operations,
    Piece,
    Taken,
    Want,
)
from node.host import Stream
from node.service import Service
from node.session import CLOSED, COMPARISON, LATER, Conversation, Report, version_refusal
from protocol.errors import Malformed
from protocol.ids import peer_text
from protocol.log.items import Items, key_item
from protocol.log.reconcile import Reconciliation

__all__ = ["Answering"]

log = logging.getLogger("folkmoot.sync")

_QUESTIONS: Final = 8192


class Answering(Conversation):
    """`on_greeting` is told the council once the other side has said which it asks about, and may."""

    def __init__(
        self,
        service: Service,
        stream: Stream,
        fetching: set[bytes] | None = None,
        on_greeting: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        super().__init__(service, stream, fetching)
        self._on_greeting = on_greeting

    async def run(self) -> Report:
        """Serve the other side until it finishes."""
        try:
            await self._answer()
        except Malformed as error:
            await self._tell_fault(error)
            raise
        return self.report

    async def _answer(self) -> None:
        if await self._greeted():
            self._on_greeting(self._council)
            with self._fetch_alone():
                await self._serve_questions()

    async def _serve_questions(self) -> None:
        council = self._here
        items = Items() if council is None else council.items.snapshot()
        reconciliation = Reconciliation(items, False, COMPARISON, MAX_FRAME)
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
                await self._send(version_refusal(self._service.node, self._peer, frame.version))
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
                await self._part(frame)
                await self._send(CLOSED)
                return False
            brought = True
            await self._send(Bring(after))
            # Only receive, until the other side has brought what may make us list it.
            await self._take_to_end(await self._expect())

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

    async def _part(self, theirs: Hello) -> None:
        """Let a node that was on the roll know which epoch took it off, if it does not; nothing after that."""
        council = self._here
        if council is None or not theirs.epochs:
            return
        links = council.branch.links
        knows = theirs.first + len(theirs.epochs) - 1
        # Only who was a member can name an epoch; nobody else has us look through the chain.
        if knows >= len(links) or links[knows].digest != theirs.epochs[-1]:
            return
        for number in range(len(links) - 1, knows, -1):
            if self._peer in links[number - 1].nodes():
                await self._send_between(knows, number)
                return

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
