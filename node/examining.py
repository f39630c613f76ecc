"""Having operations examined in processes of their own while this one goes on.

Verifying signatures is most of the work of taking operations in, and needs nothing of the node.
So where many come at once, examiners (`node.examiner`) are started, each a small process; they
end when nothing came for a while. Nothing depends on them: this process does whatever no
examiner has begun, and does again what one did not finish.
"""

import logging
import os
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from node.examiner import LENGTH, Findings, decode_findings, encode_job, examine

if TYPE_CHECKING:
    from trio_typing import TaskStatus

__all__ = ["JOB", "Examining", "Job", "default_examiners"]

log = logging.getLogger("folkmoot.examining")

JOB: Final = 128
"""Operations in one job: some ten milliseconds of work."""
_WORTH: Final = 500  # operations that wait to be examined before a process is started for them
_FLIGHT: Final = 3  # jobs that an examiner has at once, so that it never waits for this process
_MOST: Final = 4
_LOST: Final = "An examiner %s; what it had is examined again."
_PROGRAM: Final = "import sys; sys.path[:] = sys.argv[1:]; from node.examiner import main; main()"


def default_examiners() -> int:
    """As many as there are cores beside the one for this process, at most four."""
    return min(
        _MOST, len(os.sched_getaffinity(0)) - 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) - 1
    )


class Job:
    """Operations to be examined. `done`: they are, or whoever began did not finish (`findings` is None then)."""

    __slots__ = ("done", "envelopes", "findings")

    def __init__(self, envelopes: Sequence[bytes]) -> None:
        self.envelopes = envelopes
        self.done = trio.Event()
        self.findings: Findings | None = None

    def settle(self, findings: Findings | None) -> None:
        """Say what was found; None gives the job back."""
        self.findings = findings
        self.done.set()


class Examining:
    """Up to `most` examiners, which end after `idle` seconds without work, or `patience` without an answer.

    Jobs can be begun whether or not `run` runs; without it, or where no process can be started,
    `finish` does all the work.
    """

    def __init__(self, most: int, idle: float = 20.0, patience: float = 30.0) -> None:
        self._most = most
        self._idle = idle
        self._patience = patience
        self._nursery: trio.Nursery | None = None
        self.waiting: deque[Job] = deque()
        """What nobody has begun."""
        self._news = trio.lowlevel.ParkingLot()
        self.examiners: list[int] = []
        """The process ids of those that work now."""
        self._starting = 0

    @property
    def ahead(self) -> bool:
        """Whether somebody else examines what is begun now, while this process does other things."""
        return bool(self.examiners or self._starting)

    async def run(self, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Have examiners at hand until cancelled."""
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._nursery = None

    def begin(self, envelopes: Sequence[bytes]) -> Job:
        """Have these examined by whoever is free; `finish` gives what was found."""
        job = Job(envelopes)
        self.waiting.append(job)
        room = len(self.examiners) + self._starting < self._most
        if self._nursery is not None and room and sum([len(each.envelopes) for each in self.waiting]) >= _WORTH:
            self._starting += 1
            self._nursery.start_soon(self._employ)
        self._news.unpark_all()
        return job

    async def finish(self, job: Job) -> Findings:
        """What was found. Until it is there, this process examines what nobody has begun, the oldest first."""
        await trio.lowlevel.checkpoint()
        while not job.done.is_set():
            if not self.waiting:
                await job.done.wait()
                break
            mine = self.waiting.popleft()
            mine.settle(examine(mine.envelopes))
            await trio.lowlevel.checkpoint()
        return examine(job.envelopes) if job.findings is None else job.findings

    def drop(self, job: Job) -> None:
        """Nobody will ask for this job any more."""
        if job in self.waiting:
            self.waiting.remove(job)

    async def _employ(self) -> None:
        """One examiner, from its start to its end."""
        try:
            process = await trio.lowlevel.open_process(_command(), stdin=PIPE, stdout=PIPE)
        except OSError as fault:
            log.warning("No examiner could be started (%s); the node does that work itself.", fault)
            self._most = 0
            return
        finally:
            self._starting -= 1
        assert process.stdin is not None
        assert process.stdout is not None
        flight: deque[Job] = deque()
        self.examiners.append(process.pid)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, process, flight, nursery.cancel_scope)
                await self._feed(process, flight)
                nursery.cancel_scope.cancel()
        finally:
            for job in flight:
                job.settle(None)
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
                await process.stdin.aclose()
                await process.stdout.aclose()
            self.examiners.remove(process.pid)

    async def _feed(self, process: trio.Process, flight: deque[Job]) -> None:
        """Give the examiner one job after the other, until none came for a while."""
        assert process.stdin is not None
        while True:
            with trio.move_on_after(self._idle) as patience:
                while not self.waiting or len(flight) >= _FLIGHT:
                    await self._news.park()
            if patience.cancelled_caught and not flight:
                return
            if self.waiting and len(flight) < _FLIGHT:
                job = self.waiting.popleft()
                flight.append(job)
                try:
                    await process.stdin.send_all(encode_job(job.envelopes))
                except trio.BrokenResourceError:
                    log.warning(_LOST, "ended")
                    return

    async def _read(self, process: trio.Process, flight: deque[Job], scope: trio.CancelScope) -> None:
        """Take its answers, until there are no more, or none that are worth anything."""
        assert process.stdout is not None
        received = bytearray()
        while True:
            oldest = flight[0] if flight else None
            data: bytes | bytearray = b""
            with trio.move_on_after(self._patience) as patience:
                data = await process.stdout.receive_some(1 << 20)
            if patience.cancelled_caught and (oldest is None or not flight or flight[0] is not oldest):
                continue
            received += data
            if not data or not self._settle(received, flight):
                why = "stalled" if patience.cancelled_caught else "failed" if data else "ended"
                log.warning(_LOST, why)
                scope.cancel()
                return
            self._news.unpark_all()

    def _settle(self, received: bytearray, flight: deque[Job]) -> bool:
        """Settle the jobs that `received` answers, and take the answers out; False for what is no answer."""
        while len(received) >= (size := LENGTH + int.from_bytes(received[:LENGTH], "big")):
            try:
                findings = decode_findings(bytes(received[LENGTH:size]))
            except msgspec.MsgspecError:
                return False
            if not flight or not len(findings.opened) == len(findings.signed) == len(flight[0].envelopes):
                return False
            del received[:size]
            flight.popleft().settle(findings)
        return True


def _command() -> list[str]:
    here = str(Path(__file__).resolve().parent.parent)
    return [sys.executable, "-I", "-c", _PROGRAM, *filter(None, sys.path), here]
