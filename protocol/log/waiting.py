"""Operations whose deps are not here yet: they wait, bounded, and ask for a sync."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from ..ids import OperationId

__all__ = ["MAX_ALL_BYTES", "MAX_ALL_COUNT", "MAX_BYTES", "MAX_COUNT", "Waiting"]

MAX_COUNT: Final = 2048
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_ALL_COUNT: Final = 16_384
MAX_ALL_BYTES: Final = 32 * 1024 * 1024


class Waiting:
    """Envelopes that wait, at most `count` and `size` bytes for each source (a peer's key), and for all together.

    When a source has more, its own oldest is dropped: it does not crowd out others. When all
    together have more, the oldest of the source with most bytes is.
    """

    def __init__(
        self,
        count: int = MAX_COUNT,
        size: int = MAX_BYTES,
        all_count: int = MAX_ALL_COUNT,
        all_size: int = MAX_ALL_BYTES,
    ) -> None:
        self._count, self._size = count, size
        self._all_count, self._all_size = all_count, all_size
        self._all_bytes = 0
        self._waiters: OrderedDict[OperationId, tuple[bytes, bytes, set[bytes]]] = OrderedDict()
        self._by_dep: dict[bytes, set[OperationId]] = {}
        self._sources: dict[bytes, OrderedDict[OperationId, None]] = {}
        self._bytes: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._waiters)

    def __contains__(self, operation: bytes) -> bool:
        return operation in self._waiters

    def missing(self) -> set[bytes]:
        """The ids that something waits for and that do not wait themselves."""
        return {dep for dep in self._by_dep if dep not in self._waiters}

    def add(self, operation: OperationId, data: bytes, missing: Iterable[bytes], source: bytes) -> list[OperationId]:
        """Keep `data` until every id in `missing` has come; gives the ids that were dropped to make room."""
        if operation in self._waiters:
            return []
        mine = self._sources.setdefault(source, OrderedDict())
        self._waiters[operation] = (source, data, set(missing))
        mine[operation] = None
        self._bytes[source] = self._bytes.get(source, 0) + len(data)
        self._all_bytes += len(data)
        for dep in self._waiters[operation][2]:
            self._by_dep.setdefault(dep, set()).add(operation)
        dropped = []
        while mine and (len(mine) > self._count or self._bytes[source] > self._size):
            oldest = next(iter(mine))
            self._take(oldest)
            dropped.append(oldest)
        while len(self._waiters) > self._all_count or self._all_bytes > self._all_size:
            crowd = max(self._bytes, key=lambda one: self._bytes[one])
            oldest = next(iter(self._sources[crowd]))
            self._take(oldest)
            dropped.append(oldest)
        return dropped

    def arrived(self, operation: bytes) -> list[tuple[bytes, bytes]]:
        """`operation` is here: the `(source, data)` that waited for nothing else."""
        ready = []
        for waiter in sorted(self._by_dep.pop(operation, ())):
            missing = self._waiters[waiter][2]
            missing.discard(operation)
            if not missing:
                ready.append(self._take(waiter))
        return ready

    def drop_source(self, source: bytes) -> None:
        """Forget all that a source left waiting."""
        for operation in list(self._sources.get(source, ())):
            self._take(operation)

    def _take(self, operation: OperationId) -> tuple[bytes, bytes]:
        source, data, missing = self._waiters.pop(operation)
        mine = self._sources[source]
        del mine[operation]
        self._bytes[source] -= len(data)
        self._all_bytes -= len(data)
        if not mine:
            del self._sources[source], self._bytes[source]
        for dep in missing:
            others = self._by_dep[dep]
            others.discard(operation)
            if not others:
                del self._by_dep[dep]
        return source, data
