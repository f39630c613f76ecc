"""The order of a council's log: who came after whom, and what is kept.

A log is a set of operations, sorted by `(depth, id)`: a topological order, total, the same on
every node. Rows are small integers in the order of insertion; what must be known of every
operation lies in flat arrays, so that a hundred thousand operations cost some tens of
megabytes.

What is kept: a *root* and everything in its past. `Dag` counts, for each row, its kept
children; a row that is no root and has none left is let go, which may let go of its parents.
That is why keeping does not depend on the order in which operations came:
R(A u B) = R(R(A) u R(B)) for causally closed sets.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import Final

from ..errors import Misuse, Refusal
from ..ids import OperationId
from .items import Items
from .operation import MAX_DEPS, Operation

__all__ = ["NEVER", "Dag"]

NEVER: Final = 0xFFFFFFFF
"""In `absorbed`: no epoch has this row in the past of its basis yet."""

_FRESH: Final = 4096
"""Rows that may be kept without being listed yet: listing a whole log at once would take as much memory again."""


class Dag:
    """The rows of one log. Knows nothing of bodies, charters or rolls."""

    def __init__(self) -> None:
        self.rows: dict[bytes, int] = {}
        self.ids: list[OperationId] = []
        self.depth = array("I")
        self.epoch = array("I")
        self.standing = array("I")
        self.absorbed = array("I")
        self._start = array("I", [0])
        self._deps = array("I")
        self._children = array("I")  # kept children of each row
        self._kept = bytearray()
        self._root = bytearray()
        self._heads: set[int] = set()
        self._items = Items()
        self._fresh: list[int] = []  # kept, not yet in _items
        self.limbo: set[int] = set()
        """Rows that are valid but not kept: nobody in standing refers to them."""
        self.changed: set[int] = set()
        """Rows that went to limbo or came back since the caller last cleared this."""

    def __len__(self) -> int:
        """How many operations are kept."""
        return len(self.rows) - len(self.limbo)

    def __contains__(self, operation: bytes) -> bool:
        return operation in self.rows

    @property
    def items(self) -> Items:
        """The kept set as `(depth, id)` for reconciliation."""
        if self._fresh:
            self._list_fresh()
        return self._items

    def _list_fresh(self) -> None:
        self._items.add_many([(self.depth[row], self.ids[row]) for row in self._fresh])
        self._fresh = []

    def missing(self, operation: Operation) -> tuple[OperationId, ...]:
        """The deps that are not here."""
        rows = self.rows
        return tuple([dep for dep in operation.deps if dep not in rows])

    def deps(self, row: int) -> Sequence[int]:
        """The rows that `row` names as its deps."""
        return self._deps[self._start[row] : self._start[row + 1]]

    def is_kept(self, row: int) -> bool:
        """Whether `row` is kept."""
        return bool(self._kept[row])

    def place(self, operation: Operation) -> tuple[list[int], int] | Refusal:
        """The rows of the deps and the epoch that they imply, or a refusal if the depth is wrong.

        All deps must be here; the founding operation has none.
        """
        rows = self.rows
        deps = [rows[dep] for dep in operation.deps]
        if not deps:
            return deps, 0
        if operation.depth != 1 + max(map(self.depth.__getitem__, deps)):
            return Refusal("depth", "the operation's depth is not one more than that of its deepest dep.")
        return deps, max(map(self.epoch.__getitem__, deps))

    def add(self, id: OperationId, depth: int, deps: Sequence[int], epoch: int, standing: int, root: bool) -> int:
        """Insert; gives the new row. A row that is no root waits in limbo until a root refers to it."""
        rows, kept, children = self.rows, self._kept, self._children
        row = len(self.ids)
        if rows.setdefault(id, row) != row:
            raise Misuse("the operation is already in the log")
        self.ids.append(id)
        self.depth.append(depth)
        self.epoch.append(epoch)
        self.standing.append(standing)
        self.absorbed.append(NEVER)
        self._deps.extend(deps)
        self._start.append(len(self._deps))
        children.append(0)
        self._root.append(root)
        kept.append(0)
        if not root:
            self.limbo.add(row)
            return row
        for dep in deps:
            if not kept[dep]:
                self._keep(row)
                return row
        # As nearly always: everything that it builds on is kept.
        kept[row] = 1
        self._fresh.append(row)
        if len(self._fresh) >= _FRESH:
            self._list_fresh()
        heads = self._heads
        heads.add(row)
        for dep in deps:
            children[dep] += 1
            heads.discard(dep)
        return row

    def _keep(self, row: int) -> None:
        todo = [row]
        while todo:
            row = todo.pop()
            if self._kept[row]:
                continue  # it was asked for twice: by a row and by one of that row's own deps
            self._kept[row] = 1
            if row in self.limbo:
                self.limbo.remove(row)
                self.changed.add(row)
            self._fresh.append(row)
            if not self._children[row]:
                self._heads.add(row)
            for dep in self.deps(row):
                self._children[dep] += 1
                self._heads.discard(dep)
                if not self._kept[dep]:
                    todo.append(dep)

    def set_root(self, row: int, root: bool) -> None:
        """Change whether a row is kept on its own account."""
        self._root[row] = root
        if root and not self._kept[row]:
            self._keep(row)
        elif not root:
            self.release([row])

    def end(self, standings: Iterable[int], spared: Iterable[int] = ()) -> None:
        """The rows of these standings, but for the `spared`, stop being roots.

        What nobody else refers to goes to limbo.
        """
        ended, spared = set(standings), set(spared)
        rows = [row for row, of in enumerate(self.standing) if of in ended and self._root[row] and row not in spared]
        for row in rows:
            self._root[row] = 0
        self.release(rows)

    def release(self, rows: Iterable[int]) -> None:
        """Let go of those of `rows` that are kept for no reason any more, and of what only they kept."""
        todo = list(rows)
        gone: list[int] = []
        while todo:
            row = todo.pop()
            if not self._kept[row] or self._root[row] or self._children[row]:
                continue
            self._kept[row] = 0
            self._heads.discard(row)
            gone.append(row)
            for dep in self.deps(row):
                self._children[dep] -= 1
                if not self._children[dep]:
                    self._heads.add(dep)
                    todo.append(dep)
        if gone:
            # What _keep queued and was let go before anyone looked never enters the items.
            self.items.discard_many([(self.depth[row], self.ids[row]) for row in gone])
            self.limbo.update(gone)
            self.changed.update(gone)

    def undo(self, row: int) -> None:
        """Take back the insertion of the newest row, which nothing refers to."""
        if row != len(self.ids) - 1 or self._children[row]:
            raise Misuse("only the newest row can be taken back")
        self.set_root(row, False)
        self.limbo.remove(row)
        self.changed.discard(row)
        # Wholly: others number what they keep by row, and none may stand for what is not here.
        del self.rows[self.ids.pop()]
        self._start.pop()
        del self._deps[self._start[row] :]
        for column in (self.depth, self.epoch, self.standing, self.absorbed, self._children, self._kept, self._root):
            column.pop()

    def forget(self) -> list[OperationId]:
        """Drop the rows in limbo; gives their ids. Should one be needed later, it is synced again."""
        gone = [self.ids[row] for row in self.limbo]
        for operation in gone:
            del self.rows[operation]
        self.limbo.clear()
        return gone

    def heads(self) -> list[OperationId]:
        """The kept operations that no kept operation refers to, deepest first."""
        rows = sorted(self._heads, key=lambda row: (-self.depth[row], self.ids[row]))
        return [self.ids[row] for row in rows]

    def choose_deps(self, needs: Sequence[bytes], anchor: bytes) -> tuple[OperationId, ...]:
        """At most `MAX_DEPS` deps for a new operation: what its body needs, then heads.

        When there are more heads than that, `anchor` goes before them: it must be in the past of
        the new operation, however many deep operations somebody wrote beside it.
        """
        heads = self.heads()
        chosen = dict.fromkeys(OperationId(need) for need in needs)
        if len(heads) + len(chosen) > MAX_DEPS:
            chosen[OperationId(anchor)] = None
        for operation in heads:
            if len(chosen) >= MAX_DEPS:
                break
            chosen[operation] = None
        return tuple(sorted(chosen))

    def gather(self, basis: Iterable[bytes]) -> list[int]:
        """The rows in the past of `basis` (itself included) that no epoch has absorbed, in `(depth, id)` order."""
        todo = [self.rows[operation] for operation in basis]
        seen = set(todo)
        out = []
        while todo:
            row = todo.pop()
            if self.absorbed[row] != NEVER:
                continue
            out.append(row)
            for dep in self.deps(row):
                if dep not in seen:
                    seen.add(dep)
                    todo.append(dep)
        out.sort(key=lambda row: (self.depth[row], self.ids[row]))
        return out

    def past_holds(self, rows: Iterable[int], wanted: Iterable[int]) -> bool:
        """Whether all of `wanted` are among `rows` and their past."""
        open_ = set(wanted)
        floor = min((self.depth[row] for row in open_), default=0)
        todo = list(rows)
        seen = set(todo)
        while todo and open_:
            row = todo.pop()
            open_.discard(row)
            for dep in self.deps(row):
                if dep not in seen and self.depth[dep] >= floor:
                    seen.add(dep)
                    todo.append(dep)
        return not open_

    def kept_rows(self) -> list[int]:
        """The kept rows in `(depth, id)` order."""
        rows = [row for row, kept in enumerate(self._kept) if kept]
        rows.sort(key=lambda row: (self.depth[row], self.ids[row]))
        return rows
