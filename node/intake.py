"""Many operations on their way in: those that follow are examined while those before them are taken in."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from node.examiner import Findings
from node.examining import JOB, Examining, Job
from node.outcome import Outcome

__all__ = ["Intake"]

AT_ONCE: Final = 8 * JOB
"""Operations that are taken in at once at most: what a commit costs is then lost in the rest."""
_AHEAD: Final = 32  # jobs that may be on their way while others examine
_BYTES: Final = 256 * 1024  # in one job


class Intake:
    """`take` takes in what was examined, in the order in which it was put, and says what became of each.

    Leaving the block drops what was put and not taken.
    """

    def __init__(
        self, examining: Examining, take: Callable[[Sequence[bytes], Sequence[Findings]], list[Outcome]]
    ) -> None:
        self._examining = examining
        self._take = take
        self._jobs: deque[Job] = deque()

    async def put(self, envelopes: Sequence[bytes]) -> list[Outcome]:
        """Take these in, now or later; gives the outcomes of what was taken meanwhile."""
        job: list[bytes] = []
        size = 0
        for data in envelopes:
            if len(job) == JOB or (job and size + len(data) > _BYTES):
                self._jobs.append(self._examining.begin(job))
                job, size = [], 0
            job.append(data)
            size += len(data)
        if job:
            self._jobs.append(self._examining.begin(job))
        out: list[Outcome] = []
        while self._jobs and (len(self._jobs) > _AHEAD or not self._examining.ahead or self._jobs[0].done.is_set()):
            out += await self._some()
        return out

    async def finish(self) -> list[Outcome]:
        """Wait until everything is taken in; gives the outcomes that are left."""
        out: list[Outcome] = []
        while self._jobs:
            out += await self._some()
        return out

    async def _some(self) -> list[Outcome]:
        envelopes: list[bytes] = []
        findings: list[Findings] = []
        while self._jobs and len(envelopes) < AT_ONCE:
            findings.append(await self._examining.finish(self._jobs[0]))
            envelopes += self._jobs.popleft().envelopes
        return self._take(envelopes, findings)

    def __enter__(self) -> "Intake":
        return self

    def __exit__(self, *_: object) -> None:
        while self._jobs:
            self._examining.drop(self._jobs.popleft())
