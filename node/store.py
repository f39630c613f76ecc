"""What a node keeps, in one SQLite file; the only module that knows SQLite, but for `node.salvage`.

Operations are appended by row number and found by it: which id has which row is known to the
councils in memory, since a unique index over ids would cost a fifth of all writing. Contents
that may have to be erased lie in a table of their own and are overwritten when they go.

Everything that belongs together is saved as one `Batch`, in one transaction that is on disk
(WAL, synchronous=FULL) when `save` returns. Nothing is published, and no caller is told
"accepted", before that.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from node.refused import Refused
from protocol.errors import FolkmootError
from protocol.log.operation import MAX_INLINE, Content

__all__ = [
    "Batch",
    "Pending",
    "Place",
    "SavedContent",
    "SavedOperation",
    "SavedPeer",
    "Store",
    "StoreFailed",
    "copy_database",
]

_CLOSE: Final = 4
PLACES: Final = 64
"""Contents that one operation may have; a content's key is `row * PLACES + index`."""
_APPLICATION: Final = 0x464D_4F54  # "FMOT" in the file's header: `file` and we can tell whose it is
_SCHEMA: Final = (
    """
    create table facts (name text primary key, value blob not null) without rowid;
    create table councils (number integer primary key, id blob not null unique);
    create table operations (row integer primary key, council integer not null, id blob not null, raw blob not null);
    create table contents (key integer primary key, salt blob not null, data blob not null);
    create table wanted (key integer primary key, council integer not null);
    create table rivals (council integer not null, id blob not null, raw blob not null, primary key (council, id)) without rowid;
    create table signed_epochs (council blob not null, number integer not null, raw blob not null, primary key (council, number)) without rowid;
    create table receipts (operation blob primary key, at integer not null) without rowid;
    create table peers (node blob primary key, addresses blob not null, source text not null, seen integer) without rowid;
    create table kept_away (node blob primary key, until integer, reason text not null) without rowid;
    create table petnames (person blob primary key, name text not null) without rowid;
    create table pending (request blob primary key, council blob not null, raw blob not null, nodes blob not null, state text not null, message text not null) without rowid;
    """,
)
"""One script for each version of the schema; a store of version k has run the first k."""


class StoreFailed(FolkmootError):
    """The disk did not take or give what it must; the node stops rather than go on without it."""


class SavedOperation(NamedTuple):
    """One row: the number of its council, its id, and its envelope without attachments."""

    row: int
    council: int
    id: bytes
    raw: bytes


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a content belongs: the row of its operation and its index there."""

    row: int
    index: int

    @property
    def key(self) -> int:
        """The content's key in the tables."""
        return self.row * PLACES + self.index


class SavedContent(NamedTuple):
    """An attachment and where it belongs."""

    place: Place
    content: Content


class SavedPeer(NamedTuple):
    """A node that we heard of: its key, its addresses, who named it, and when it was last connected (ms)."""

    node: bytes
    addresses: tuple[str, ...]
    source: str
    seen: int | None


class Pending(NamedTuple):
    """Our own request to join a council, on its way.

    `nodes` are the ticket's: `(node key, addresses)`. `state` is "waiting" (no node of the ticket
    has it yet), "delivered", "refused" or "admitted"; `message` says it to a person.
    """

    request: bytes
    council: bytes
    raw: bytes
    nodes: tuple[tuple[bytes, tuple[str, ...]], ...]
    state: str
    message: str


@dataclass(slots=True)
class Batch:
    """What is saved together: all of it or nothing."""

    operations: list[SavedOperation] = field(default_factory=list)
    contents: list[SavedContent] = field(default_factory=list)
    wanted: list[tuple[Place, int]] = field(default_factory=list)
    """Attachments that are not here, with the number of their council."""
    erased: list[Place] = field(default_factory=list)
    rivals: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    """Evidence of another branch: the council's number, the operation's id, its envelope."""
    dropped: list[int] = field(default_factory=list)
    """Rows that are not kept any more."""
    receipts: list[tuple[bytes, int]] = field(default_factory=list)
    """Operations that a teller must time, with when they came (ms). The first time stands."""

    def __bool__(self) -> bool:
        return bool(
            self.operations
            or self.contents
            or self.wanted
            or self.erased
            or self.rivals
            or self.dropped
            or self.receipts
        )


class Store:
    """The file at `path`, made when it is not there. Raises `Refused` when it cannot be used.

    All methods raise `StoreFailed` when the disk fails. Not for use by several threads at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as fault:
            raise Refused("store", f"{path} cannot be opened ({fault}); check the folder and its rights.") from fault
        try:
            self._prepare()
        except sqlite3.Error as fault:
            self._db.close()
            raise Refused("store", f"{path} cannot be used: {_reason(fault)}.") from fault
        except Refused:
            self._db.close()
            raise

    def _prepare(self) -> None:
        db = self._db
        db.execute("pragma busy_timeout=2000")
        application = self._number("pragma application_id")
        version = self._number("pragma user_version")
        empty = not self._number("select count(*) from sqlite_master")
        if application != _APPLICATION and not empty:
            raise Refused("store", f"{self.path} is a database of another program; move it away.")
        if version > len(_SCHEMA):
            raise Refused("store", f"{self.path} was written by a newer Folkmoot; install that version again.")
        self.path.chmod(0o600)
        db.execute("pragma journal_mode=WAL")
        db.execute("pragma synchronous=FULL")
        db.execute("pragma secure_delete=ON")
        for step in range(version, len(_SCHEMA)):
            db.executescript(
                f"begin; {_SCHEMA[step]} pragma application_id={_APPLICATION}; pragma user_version={step + 1}; commit;"
            )
        self._next_row = 1 + self._number("select coalesce(max(row), 0) from operations")

    def close(self) -> None:
        """Close the file; what was saved is safe without this too."""
        self._db.close()

    def _number(self, query: str, values: Sequence[object] = ()) -> int:
        found = self._db.execute(query, values).fetchone()[0]
        assert isinstance(found, int)
        return found

    def _all(self, query: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as fault:
            raise _failed(self.path, fault) from fault

    def _change(self, query: str, values: Sequence[object]) -> None:
        """One statement as a transaction of its own."""
        try:
            self._db.execute(query, values)
        except sqlite3.Error as fault:
            raise _failed(self.path, fault) from fault

    # What a council's log is made of

    def councils(self) -> dict[bytes, int]:
        """The councils here: id -> number."""
        return {_bytes(id): _int(number) for id, number in self._all("select id, number from councils order by number")}

    def council_number(self, council: bytes) -> int:
        """The number by which rows name a council; given out when it is asked for first."""
        self._change("insert into councils (id) values (?) on conflict do nothing", (council,))
        return _int(self._all("select number from councils where id = ?", (council,))[0][0])

    def give_number(self, council: bytes, number: int) -> None:
        """Let rows with `number` be of a council, unless either is known already."""
        self._change("insert into councils (number, id) values (?, ?) on conflict do nothing", (number, council))

    def new_row(self) -> int:
        """A row number that nothing has yet; unused ones may be lost."""
        row = self._next_row
        self._next_row = row + 1
        return row

    def save(self, batch: Batch) -> None:
        """Save all of `batch`; when this returns it is on disk. After `StoreFailed` none of it is."""
        db = self._db
        try:
            db.execute("begin immediate")
            try:
                self._write(batch)
                db.execute("commit")
            except BaseException:
                if db.in_transaction:
                    db.execute("rollback")
                raise
            if batch.erased:
                # The old page still lies in the write-ahead log until that is folded in.
                db.execute("pragma wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as fault:
            raise _failed(self.path, fault) from fault

    def _write(self, batch: Batch) -> None:
        many = self._db.executemany
        if batch.operations:
            many("insert into operations (row, council, id, raw) values (?, ?, ?, ?)", batch.operations)
        if batch.wanted:
            many(
                "insert into wanted (key, council) values (?, ?) on conflict do nothing",
                [(place.key, council) for place, council in batch.wanted],
            )
        if batch.contents:
            rows = [(place.row * PLACES + place.index, content.salt, content.data) for place, content in batch.contents]
            many("insert into contents (key, salt, data) values (?, ?, ?) on conflict do nothing", rows)
            if self._all("select 1 from wanted limit 1"):
                many("delete from wanted where key = ?", [row[:1] for row in rows])
        if batch.erased:
            keys = [(place.key,) for place in batch.erased]
            many("delete from contents where key = ?", keys)
            many("delete from wanted where key = ?", keys)
        if batch.rivals:
            many("insert into rivals (council, id, raw) values (?, ?, ?) on conflict do nothing", batch.rivals)
        if batch.receipts:
            many("insert into receipts (operation, at) values (?, ?) on conflict do nothing", batch.receipts)
        for row in batch.dropped:
            span = (row * PLACES, row * PLACES + PLACES - 1)
            self._db.execute("delete from operations where row = ?", (row,))
            self._db.execute("delete from contents where key between ? and ?", span)
            self._db.execute("delete from wanted where key between ? and ?", span)

    def replay(self, at_once: int = 500) -> Iterator[list[SavedOperation]]:
        """All operations of all councils in the order in which they were saved, some at a time."""
        try:
            cursor = self._db.execute("select row, council, id, raw from operations order by row")
            while rows := list(islice(cursor, at_once)):
                yield [SavedOperation(*row) for row in rows]
        except sqlite3.Error as fault:
            raise _failed(self.path, fault) from fault

    def raw(self, row: int) -> bytes:
        """The envelope of one row, without attachments."""
        found = self._all("select raw from operations where row = ?", (row,))
        if not found:
            raise self._lost()
        return _bytes(found[0][0])

    def raws(self, rows: Sequence[int]) -> list[bytes]:
        """The envelopes of rows, without attachments, in the order asked for."""
        found: dict[int, bytes] = {}
        for first, last in _spans(rows):
            for row, raw in self._all("select row, raw from operations where row between ? and ?", (first, last)):
                found[_int(row)] = _bytes(raw)
        try:
            return [found[row] for row in rows]
        except KeyError:
            raise self._lost() from None

    def _lost(self) -> StoreFailed:
        return StoreFailed(f"{self.path} lacks an operation that it held: the file was changed from outside.")

    def content(self, place: Place) -> Content | None:
        """An attachment, or None when it is not here."""
        found = self._all("select salt, data from contents where key = ?", (place.key,))
        return Content(_bytes(found[0][0]), _bytes(found[0][1])) if found else None

    def small_contents_of(self, rows: Sequence[int]) -> dict[int, dict[int, Content]]:
        """The attachments of rows that are here and could travel inline: row -> index -> content."""
        out: dict[int, dict[int, Content]] = {}
        for first, last in _spans(rows):
            for key, salt, data in self._all(
                "select key, salt, data from contents where key between ? and ? and length(data) <= ?",
                (first * PLACES, last * PLACES + PLACES - 1, MAX_INLINE),
            ):
                row, index = divmod(_int(key), PLACES)
                out.setdefault(row, {})[index] = Content(_bytes(salt), _bytes(data))
        return out

    def sizes(self, council: int) -> Iterator[tuple[int, int]]:
        """The bytes that a council's operations take: `(row, bytes)`, attachments by themselves."""
        try:
            yield from self._db.execute("select row, length(raw) from operations where council = ?", (council,))
            yield from self._db.execute(
                f"select o.row, length(c.data) from contents c join operations o on o.row = c.key / {PLACES}"
                " where o.council = ?",
                (council,),
            )
        except sqlite3.Error as fault:
            raise _failed(self.path, fault) from fault

    def has_content(self, place: Place) -> bool:
        """Whether an attachment is here."""
        return bool(self._all("select 1 from contents where key = ?", (place.key,)))

    def wanted(self, council: int, most: int) -> list[Place]:
        """Attachments of a council that are not here, the newest first."""
        found = self._all("select key from wanted where council = ? order by key desc limit ?", (council, most))
        return [Place(*divmod(_int(key), PLACES)) for (key,) in found]

    def rivals(self, council: int) -> list[tuple[bytes, bytes]]:
        """The evidence of other branches of a council: `(id, envelope)`."""
        found = self._all("select id, raw from rivals where council = ? order by id", (council,))
        return [(_bytes(id), _bytes(raw)) for id, raw in found]

    # What the teller has said

    def signed_epoch(self, council: bytes, number: int) -> bytes | None:
        """The envelope with which this node's teller signed that epoch."""
        found = self._all("select raw from signed_epochs where council = ? and number = ?", (council, number))
        return _bytes(found[0][0]) if found else None

    def sign_epoch(self, council: bytes, number: int, raw: bytes) -> bytes:
        """Note what the teller is about to say for that epoch; gives what it says: the first that was noted."""
        self._change(
            "insert into signed_epochs (council, number, raw) values (?, ?, ?) on conflict do nothing",
            (council, number, raw),
        )
        return self.signed_epoch(council, number) or raw

    def receipts(self) -> dict[bytes, int]:
        """Operation -> when it came first (ms)."""
        return {_bytes(operation): _int(at) for operation, at in self._all("select operation, at from receipts")}

    # Peers

    def peers(self) -> list[SavedPeer]:
        """Every node that we heard of."""
        return [
            SavedPeer(_bytes(node), _texts(_bytes(addresses)), str(source), None if seen is None else _int(seen))
            for node, addresses, source, seen in self._all(
                "select node, addresses, source, seen from peers order by node"
            )
        ]

    def remember_peer(self, node: bytes, addresses: Sequence[str], source: str) -> None:
        """Where a node can be reached, replacing what was known."""
        self._change(
            "insert into peers (node, addresses, source) values (?, ?, ?)"
            " on conflict do update set addresses = excluded.addresses, source = excluded.source",
            (node, msgspec.json.encode(list(addresses)), source),
        )

    def saw_peer(self, node: bytes, now: int, address: str | None = None) -> None:
        """A peer was connected just now (ms), and answered at `address` if we dialled it."""
        addresses = msgspec.json.encode([] if address is None else [address])
        self._change(
            "insert into peers (node, addresses, source, seen) values (?, ?, 'met', ?) on conflict do update"
            " set seen = excluded.seen, addresses ="
            " case when source = 'met' and excluded.addresses != cast('[]' as blob) then excluded.addresses else addresses end",
            (node, addresses, now),
        )

    def forget_peer(self, node: bytes) -> None:
        """Forget where a node can be reached."""
        self._change("delete from peers where node = ?", (node,))

    def kept_away(self) -> dict[bytes, tuple[int | None, str]]:
        """The nodes that we keep away from: key -> until when (ms; None for ever) and why."""
        return {
            _bytes(node): (None if until is None else _int(until), str(reason))
            for node, until, reason in self._all("select node, until, reason from kept_away order by node")
        }

    def keep_away(self, node: bytes, until: int | None, reason: str) -> None:
        """Keep away from a node."""
        self._change(
            "insert into kept_away (node, until, reason) values (?, ?, ?)"
            " on conflict do update set until = excluded.until, reason = excluded.reason",
            (node, until, reason),
        )

    def let_near(self, node: bytes) -> None:
        """Talk to a node again."""
        self._change("delete from kept_away where node = ?", (node,))

    # What this home knows by itself

    def petnames(self) -> dict[bytes, str]:
        """What people of this home call others: person key -> name."""
        return {
            _bytes(person): str(name) for person, name in self._all("select person, name from petnames order by name")
        }

    def set_petname(self, person: bytes, name: str | None) -> None:
        """Call a person `name`, or by no name of our own any more."""
        if name is None:
            self._change("delete from petnames where person = ?", (person,))
        else:
            self._change(
                "insert into petnames (person, name) values (?, ?) on conflict do update set name = excluded.name",
                (person, name),
            )

    def pending(self) -> list[Pending]:
        """Our requests to join, by id."""
        query = "select request, council, raw, nodes, state, message from pending order by request"
        return [
            Pending(
                _bytes(request),
                _bytes(council),
                _bytes(raw),
                msgspec.msgpack.decode(_bytes(nodes), type=_Nodes),
                str(state),
                str(message),
            )
            for request, council, raw, nodes, state, message in self._all(query)
        ]

    def save_pending(self, pending: Pending) -> None:
        """Keep a request to join, or what has become of it."""
        self._change(
            "insert into pending (request, council, raw, nodes, state, message) values (?, ?, ?, ?, ?, ?)"
            " on conflict do update set nodes = excluded.nodes, state = excluded.state, message = excluded.message",
            pending._replace(nodes=msgspec.msgpack.encode(pending.nodes)),  # type: ignore[arg-type]  # a row now
        )

    def drop_pending(self, request: bytes) -> None:
        """Forget a request to join."""
        self._change("delete from pending where request = ?", (request,))

    def fact(self, name: str) -> bytes | None:
        """A value that was noted under a name."""
        found = self._all("select value from facts where name = ?", (name,))
        return _bytes(found[0][0]) if found else None

    def note(self, name: str, value: bytes | None) -> None:
        """Note a value under a name, or forget it."""
        if value is None:
            self._change("delete from facts where name = ?", (name,))
        else:
            self._change(
                "insert into facts (name, value) values (?, ?) on conflict do update set value = excluded.value",
                (name, value),
            )

    def count(self) -> tuple[int, int]:
        """How many councils and operations there are."""
        ((councils, operations),) = self._all(
            "select (select count(*) from councils), (select count(*) from operations)"
        )
        return _int(councils), _int(operations)

    def size(self) -> int:
        """Bytes on disk, the write-ahead log included."""
        return sum(
            file.stat().st_size for file in (self.path, self.path.with_name(self.path.name + "-wal")) if file.exists()
        )


def copy_database(path: Path, target: Path) -> tuple[int, int]:
    """Copy a store's file as it is at one moment to `target`, a new file; its node may be at work.

    Gives how many councils and operations the copy holds. Raises `Refused` when the file is
    damaged or another program's, or the copy cannot be written.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("pragma busy_timeout=2000")
            db.execute("vacuum into ?", (str(target),))
    except sqlite3.Error as fault:
        raise Refused("store", f"{path} cannot be copied: {_reason(fault)}.") from fault
    store = Store(target)
    try:
        return store.count()
    finally:
        store.close()


_Nodes = tuple[tuple[bytes, tuple[str, ...]], ...]


def _texts(data: bytes) -> tuple[str, ...]:
    return msgspec.json.decode(data, type=tuple[str, ...])


def _bytes(value: object) -> bytes:
    """A column that holds bytes."""
    assert isinstance(value, bytes)
    return value


def _int(value: object) -> int:
    """A column that holds a number."""
    assert isinstance(value, int)
    return value


def _spans(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of rows that stand close together, first and last: a few strangers between are cheaper than a query."""
    spans: list[tuple[int, int]] = []
    for row in sorted(rows):
        if spans and row - spans[-1][1] <= _CLOSE:
            spans[-1] = (spans[-1][0], row)
        else:
            spans.append((row, row))
    return spans


def _reason(fault: sqlite3.Error) -> str:
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return "the disk is full; make room and start again"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return "the file is damaged; mend it with 'moot repair'"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another program holds it; stop that one first"
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return "it may not be written; check the folder and its rights"
    return f"{fault}"


def _failed(path: Path, fault: sqlite3.Error) -> StoreFailed:
    return StoreFailed(f"{path}: {_reason(fault)}.")
