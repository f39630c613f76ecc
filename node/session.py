"""A conversation about one council with one peer: what both sides of a sync have in common.

Both sides check before the first frame, and again at each, that the other may read the council
now. What comes is taken in through the one door and on disk before it is acknowledged.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

from node.frames import (
    BATCH,
    MAX_EPOCHS,
    MAX_FRAME,
    MAX_HELLO,
    VERSION,
    End,
    Frame,
    Hello,
    No,
    Operations,
    decode_frame,
    encode_frame,
)
from node.host import HostError, Stream
from node.outcome import Outcome, Rejected
from node.service import Service
from protocol.council.council import Council
from protocol.errors import Malformed
from protocol.ids import peer_text

__all__ = ["CLOSED", "COMPARISON", "FAULTS", "LATER", "SYNC", "Conversation", "Report", "elsewhere", "version_refusal"]

log = logging.getLogger("folkmoot.sync")

SYNC: Final = "/folkmoot/sync/1"
CLOSED: Final = No("closed", "This node does not speak with you about that council.")
"""The one answer to a council that is not here and to one that the peer may not read: they look alike."""

LATER: Final = No("later", "This node is getting that council from somebody else just now; ask again in a moment.")

_PATIENCE: Final = 60.0  # seconds for the other side's next frame
_FIRST_WORD: Final = 10.0  # seconds for its first
_READ: Final = 256  # operations read from disk at once
_BROUGHT: Final = 32 * 1024 * 1024  # bytes that a side may send before both have greeted
COMPARISON: Final = 256 * 1024
"""Bytes of one comparison message."""
FAULTS: Final = frozenset({"signature", "canonical", "content-hash", "envelope", "header"})
"""Refusals that no honest node's operation can meet."""


@dataclass(slots=True)
class Report:
    """How a session went: operations got (new or not) and given, attachments got, bytes both ways.

    `refused` is the other side's no, if it said one; `complete` means that both hold the same now.
    `ahead`: by how many ms the other side's clock is ahead of ours at least (behind: below 0), if it told.
    """

    received: int = 0
    sent: int = 0
    contents: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    complete: bool = False
    refused: No | None = None
    ahead: int | None = None


def elsewhere() -> Malformed:
    """What is wrong with an operation of another council than the one that was spoken of.

    The peer may read the one and not the other: it shall not learn through one door what lies behind another.
    """
    return Malformed("council", "the peer sent an operation of another council than the one that it spoke of.")


def version_refusal(here: bytes, peer: bytes, theirs: int) -> No:
    """What is said to, and of, a peer of another protocol version: true on both sides."""
    (low, older), (high, newer) = sorted([(VERSION, peer_text(here)), (theirs, peer_text(peer))])
    return No(
        "version",
        f"{older} speaks version {low} of Folkmoot's protocol and {newer} version {high}: update the first.",
    )


class Conversation:
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
        self._since = service.clock()
        self._fork: int | None = None
        """The number of the first epoch on which both sides differ, if they do."""
        self.report = Report()

    @property
    def council(self) -> bytes:
        """What the conversation is about; empty until the other side has said so."""
        return self._council

    async def _send(self, frame: Frame) -> None:
        data = encode_frame(frame)
        self.report.bytes_out += len(data) + 4
        await self._stream.send(data)

    async def _receive(self) -> Frame | None:
        # A stranger has little time to say who it is; a peer at work may be writing to a slow disk.
        patience, most = (_PATIENCE, MAX_FRAME) if self._council else (_FIRST_WORD, MAX_HELLO)
        data = await self._stream.receive(most, timeout=patience)
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
            return Hello(self._council, 0, 0, (), clock=self._service.clock())
        links = council.branch.links
        first = max(0, len(links) - MAX_EPOCHS)
        epochs = tuple([bytes(link.digest) for link in links[first:]])
        return Hello(self._council, len(council), first, epochs, clock=self._service.clock())

    def _meet(self, theirs: Hello) -> None:
        """Find out whether the other side is on another branch, and how far apart our clocks are."""
        if theirs.clock is not None:
            # It read its clock after the stream was opened, and before we heard of it.
            self.report.ahead = min(0, theirs.clock - self._since) or max(0, theirs.clock - self._service.clock())
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
        self._judge(await self._service.submit(frame.envelopes, self._peer))

    def _judge(self, outcomes: Sequence[Outcome]) -> None:
        """Count what was taken in; `Malformed` for what no honest peer sends."""
        self.report.received += len(outcomes)
        for outcome in outcomes:
            if isinstance(outcome, Rejected):
                refusal = outcome.refusal
                if outcome.id is None or refusal.rule in FAULTS:
                    raise Malformed(refusal.rule, f"the peer sent what is no operation: {refusal.message}")
                log.info("An operation of %s was refused: %s", peer_text(self._peer), refusal)
            elif outcome.council != self._council:
                raise elsewhere()

    async def _take_to_end(self, frame: Frame) -> None:
        """Take in operations, bounded, from `frame` on until the other side has said that they end."""
        room = _BROUGHT
        while not isinstance(frame, End):
            if not isinstance(frame, Operations):
                raise Malformed("sync-bring", "the peer did not bring operations.")
            room -= sum(map(len, frame.envelopes))
            if room < 0:
                raise Malformed("sync-bring", f"the peer brought more than {_BROUGHT} bytes.")
            await self._take(frame)
            frame = await self._expect()

    async def _send_between(self, old: int, new: int) -> None:
        """Send what an epoch builds on and an older one does not, the newer epoch itself, and `end`."""
        council = self._here
        assert council is not None
        dag, links = council.dag, council.branch.links
        rows = _past(council, links[new].operation) - _past(council, links[old].operation)
        ordered = sorted(rows, key=lambda row: (dag.depth[row], dag.ids[row]))
        for batch in self._batches(iter([dag.ids[row] for row in ordered])):
            await self._send(batch)
        await self._send(End())

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

    async def _tell_fault(self, error: Malformed) -> None:
        """Say which rule was broken, if the other side still listens."""
        with suppress(HostError):
            await self._send(No(error.rule, error.message[:400]))


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
