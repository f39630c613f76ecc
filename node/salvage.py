"""Reading a store's file that may be damaged, row by row; with `node.store` all that knows SQLite.

SQLite stops at the first page that makes no sense. Here whatever can still be reached is: rows
are read in their order until one cannot be, then one by one until reading works again.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

__all__ = ["KEPT_AS_THEY_ARE", "Wreck"]

KEPT_AS_THEY_ARE: Final = (
    "facts", "signed_epochs", "receipts", "peers", "kept_away", "petnames", "pending", "councils",
)  # fmt: skip
"""The tables of which nothing can be checked but that a row can be read."""
_SMALLEST: Final = 128
"""Bytes that no operation's row goes below; a content's number is at most `_PLACES` times its operation's."""
_PLACES: Final = 64
_FARTHEST: Final = 4096
"""How far is leapt over numbers of which none can be read."""


class Wreck:
    """The file at `path`, which is only read. `damage` says in sentences what could not be."""

    def __init__(self, path: Path) -> None:
        self.damage: list[str] = []
        self._path = path
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("pragma query_only=on")
        self._db.execute("pragma cell_size_check=on")
        # Without it SQLite does not touch a file that is shorter than its head says.
        self._db.execute("pragma writable_schema=on")
        self._readable = True
        try:
            found = [str(sentence) for (sentence,) in self._db.execute("pragma integrity_check(5)")]
        except sqlite3.DatabaseError as fault:
            found = [str(fault)]
        if found != ["ok"]:
            self.damage.append("some of its pages are missing or make no sense")
            # What SQLite says of them is for those who know it.
            self.damage += [line for sentence in found for line in sentence.splitlines() if "***" not in line]
        try:
            self._db.execute("select count(*) from sqlite_master").fetchall()
        except sqlite3.DatabaseError:
            self._readable = False  # not even what tables there are

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def operations(self) -> Iterator[tuple[int, int, bytes, bytes]]:
        """Row, council's number, id, envelope without attachments."""
        for row in self._numbered("operations", "row", "row, council, id, raw"):
            if type(row[1]) is int and type(row[2]) is bytes and type(row[3]) is bytes:
                yield row[0], row[1], row[2], row[3]
            else:
                self._lost("operations")

    def contents(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Key, salt, bytes."""
        for row in self._numbered("contents", "key", "key, salt, data"):
            if type(row[1]) is bytes and type(row[2]) is bytes:
                yield row[0], row[1], row[2]
            else:
                self._lost("contents")

    def rivals(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Council's number, id, envelope."""
        for row in self._all("rivals", ["council", "id", "raw"]):
            if type(row[0]) is int and type(row[1]) is bytes and type(row[2]) is bytes:
                yield row[0], row[1], row[2]

    def pour(self, target: Path) -> None:
        """Put the rows of `KEPT_AS_THEY_ARE` into the same tables of the store's file at `target`."""
        with closing(sqlite3.connect(target, isolation_level=None)) as db:
            for table in KEPT_AS_THEY_ARE:
                there = [str(row[1]) for row in db.execute(f"pragma table_info({table})")]
                here = set(self._columns(table))
                shared = [column for column in there if column in here]
                if not shared:
                    continue
                marks = ", ".join("?" * len(shared))
                rows = self._all(table, shared)
                # A row that breaks what the new table asks for is one that was damaged.
                db.executemany(f"insert or ignore into {table} ({', '.join(shared)}) values ({marks})", rows)

    def _columns(self, table: str) -> list[str]:
        try:
            return [str(row[1]) for row in self._db.execute(f"pragma table_info({table})")]
        except sqlite3.DatabaseError:
            self._lost(table)
            return []

    def _lost(self, table: str) -> None:
        sentence = f"rows of the table {table} cannot be read"
        if sentence not in self.damage:
            self.damage.append(sentence)

    def _all(self, table: str, columns: list[str]) -> list[tuple[Any, ...]]:
        """The rows of a small table: from its beginning, and where that breaks off, from its end too."""
        found: dict[tuple[Any, ...], None] = {}
        for order in ("asc", "desc"):
            try:
                for row in self._db.execute(f"select {', '.join(columns)} from {table} order by 1 {order}"):
                    found[row] = None
                return list(found)
            except sqlite3.DatabaseError:
                self._lost(table)
        return list(found)

    def _numbered(self, table: str, key: str, columns: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a table that is ordered by a number."""
        if not self._readable:
            return
        last = -1
        while True:
            try:
                for row in self._db.execute(f"select {columns} from {table} where {key} > ? order by {key}", (last,)):
                    last = row[0]
                    yield row
                return
            except sqlite3.DatabaseError:
                self._lost(table)
            readable = self._behind(table, key, last + 1)
            if readable is None:
                return
            last = readable - 1

    def _behind(self, table: str, key: str, bad: int) -> int | None:
        """The first number above `bad` at which reading works again; None when there is none."""
        most = _PLACES * self._path.stat().st_size // _SMALLEST
        stride, at = 1, bad + 1
        while not self._reads(table, key, at):
            if at > most:
                return None
            at += stride
            stride = min(2 * stride, _FARTHEST)
        for earlier in range(max(bad + 1, at - stride), at):
            if self._reads(table, key, earlier):
                return earlier
        return at

    def _reads(self, table: str, key: str, number: int) -> bool:
        """Whether the first row from that number on can be read, or there is none."""
        try:
            self._db.execute(f"select * from {table} where {key} >= ? order by {key} limit 1", (number,)).fetchall()
        except sqlite3.DatabaseError:
            return False
        return True
