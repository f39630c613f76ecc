"""How much of this disk each member's words take, beside what the charter allows.

Operations themselves are always kept: nodes that kept different ones would part. What fills a
disk are attachments, and on them nothing depends that nodes agree on: so a node takes no more of
them from who has used up what the charter allows, and fetches them once there is room again.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from protocol.council.council import Council
from protocol.log.operation import Operation

__all__ = ["Allowance"]


class Allowance:
    """Bytes on disk for each member (by membership), teller or invitation (by key) of one council.

    `sizes` gives `(row, bytes)` of what is on disk; it is asked when it is needed first.
    """

    def __init__(self, council: Council, sizes: Callable[[], Iterable[tuple[int, int]]]) -> None:
        self._council = council
        self._sizes = sizes
        self._used: Counter[bytes] | None = None

    def room(self, row: int) -> int:
        """How many bytes more the author of an operation here may have attached; below 0 when it is over."""
        return self._room(self._owner(row))

    def refuses(self, operation: Operation) -> bool:
        """Whether what a new operation attaches has no room any more."""
        council = self._council
        size = sum([reference.size for reference in operation.contents])
        standing = council.standings.at(operation.author, council.head.number) if size else None
        return standing is not None and size > self._room(standing.membership or standing.key)

    def add(self, row: int, size: int) -> None:
        """So much more of this operation is on its way to the disk."""
        if self._used is not None:
            self._used[self._owner(row)] += size

    def reckon(self) -> None:
        """Something was deleted: look at the disk again, when it is needed."""
        self._used = None

    def _room(self, owner: bytes) -> int:
        if self._used is None:
            self._used = Counter()
            for row, size in self._sizes():
                self._used[self._owner(row)] += size
        return self._council.charter.limits.storage - self._used[owner]

    def _owner(self, row: int) -> bytes:
        standing = self._council.standings.all[self._council.dag.standing[row]]
        return standing.membership or standing.key
