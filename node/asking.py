"""The side of a sync that opened the stream: it asks until both hold the same operations."""

from collections.abc import Iterator
from typing import Final

from node.frames import (
    MAX_FRAME,
    MAX_IDS,
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
)
from node.host import HostError
from node.session import CLOSED, COMPARISON, FAULTS, LATER, Conversation, Report, version_refusal
from protocol.errors import Malformed
from protocol.log.items import key_item
from protocol.log.operation import Content
from protocol.log.reconcile import Reconciliation

__all__ = ["Asking"]

_ROUNDS: Final = 64
_WINDOW: Final = 4  # batches on their way before one must be acknowledged
_MEANWHILE: Final = 10_000  # operations that may come to a peer while it sends all it had


class Asking(Conversation):
    """Compares, fetches, gives, and fetches attachments, in this order."""

    async def run(self, council: bytes) -> Report:
        """Get what we lack of `council` from the other side, and give it what it lacks."""
        self._council = council
        if council in self._fetching:
            self.report.refused = LATER
            return self.report
        try:
            with self._fetch_alone():
                await self._ask()
        except Malformed as error:
            await self._tell_fault(error)
            raise
        return self.report

    async def _ask(self) -> None:
        report = self.report
        theirs = await self._greet()
        if theirs is None:
            return
        self._meet(theirs)
        if not theirs.operations:
            await self._give(self._everything())
        elif self._here is None:
            await self._fetch(All(0, b""), theirs.operations + _MEANWHILE)
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
                    self.report.refused = version_refusal(self._service.node, self._peer, version)
                    return None
                case Hello(council=council) as hello if council == self._council:
                    return hello
                case Operations() | End() as frame:
                    # An epoch that we do not know took us off the roll: we get what leads to it, and no more.
                    await self._take_to_end(frame)
                    answer = await self._expect()
                    if not isinstance(answer, No):
                        raise Malformed("sync-hello", "the peer did not answer a greeting with one.")
                    self.report.refused = answer
                    return None
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
        await self._send_between(after, len(council.branch.links) - 1)

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
        reconciliation = Reconciliation(council.items.snapshot(), True, COMPARISON, MAX_FRAME)
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
                wanted = tuple(need[begin : begin + MAX_IDS])
                await self._fetch(Want(wanted), len(wanted))

    async def _fetch(self, question: Want | All, most: int) -> None:
        """Take in what comes, which may be `most` operations and no more."""
        answer = await self._question(question)
        with self._service.intake(self._peer) as intake:
            try:
                while isinstance(answer, Operations) and self._may():
                    most -= len(answer.envelopes)
                    if most < 0:
                        raise Malformed("sync-answer", "the peer sent more operations than it was asked for.")
                    self._judge(await intake.put(answer.envelopes))
                    answer = await self._expect()
            except HostError:
                self._judge(await intake.finish())  # the line broke: what came over it is not lost
                raise
            self._judge(await intake.finish())
        if not self._may():
            self.report.refused = CLOSED
            return
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
