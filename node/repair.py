"""Mending a home's database from the raw operations in it.

Everything that can still be read is checked as if strangers had sent it: hashes, signatures, the
place in the log, attachments against what was signed. What passes goes into a new file, the old
one is kept beside it, and what did not survive comes back from the other members' nodes.
"""

import contextlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from node import branches
from node.config import Config
from node.refused import Refused
from node.run import RESTORED, alone
from node.salvage import Wreck
from node.store import PLACES, Batch, Pending, Place, SavedContent, SavedOperation, Store
from protocol.council import outcomes
from protocol.council.charter import UnknownRules
from protocol.council.council import Council
from protocol.errors import Malformed
from protocol.log.operation import ATTACHMENT, Content, ContentRef, decode_envelope, open_content

__all__ = ["Mended", "Repair", "repair", "sentence"]

_AT_ONCE: Final = 500
_MOST_NODES: Final = 16


@dataclass(slots=True)
class Mended:
    """One council after the repair. `lost` counts operations that could be read and were not what they must be.

    `council` is None when not even its beginning survived; `fetched` when other nodes are known that
    may have it, so that it comes back from them.
    """

    id: bytes
    council: Council | None = None
    operations: int = 0
    lost: int = 0
    fetched: bool = False


@dataclass(slots=True)
class Repair:
    """What was found. `kept` is where the damaged file is now; None when nothing was damaged, and nothing changed."""

    damage: list[str] = field(default_factory=list)
    councils: dict[bytes, Mended] = field(default_factory=dict)
    contents: int = 0
    contents_lost: int = 0
    kept: Path | None = None


def repair(config: Config) -> Repair:
    """Check the database of a home that is not running, and mend it if anything is wrong.

    Raises `Refused` when there is none, a node runs on it, it is no database any more, or there
    is no room for a second one.
    """
    database = config.database_path
    if not database.exists():
        raise Refused(
            "repair-nothing", f"There is no database in {config.home}; if you have a backup: moot restore FILE"
        )
    with alone(config):
        new = Path(tempfile.mkdtemp(prefix=".repair.", dir=config.home)) / database.name
        try:
            found = _Mending(database, new).mend()
            if found.damage:
                found.kept = _swap(database, new)
        finally:
            for left in new.parent.iterdir():
                left.unlink()
            new.parent.rmdir()
    return found


def sentence(found: Repair) -> str:
    """What came of it, for people."""
    if found.kept is None:
        return "Nothing is damaged: every hash, signature and rule holds. Nothing was changed."
    return (
        f"The database was damaged ({found.damage[0].rstrip('.')}) and is rebuilt from what holds. "
        f"The damaged file is kept as {found.kept}."
    )


def _swap(database: Path, new: Path) -> Path:
    """Put the new file in the damaged one's place, and the damaged one beside it."""
    number = 1
    while (kept := database.with_name(f"folkmoot-damaged-{number}.db")).exists():
        number += 1
    kept.hardlink_to(database)
    for ending in ("-wal", "-shm"):
        beside = database.with_name(database.name + ending)
        with contextlib.suppress(FileNotFoundError):
            # What the log beside a file says must never be taken for the new file's.
            beside.replace(kept.with_name(kept.name + ending))
    new.replace(database)
    descriptor = os.open(database.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return kept


class _Mending:
    """Fills a new store at `new` from the file at `old`."""

    def __init__(self, old: Path, new: Path) -> None:
        self._found = Repair()
        self._old = old
        self._wreck = Wreck(old)
        Store(new).close()
        self._wreck.pour(new)
        self._store = Store(new)
        self._names: dict[int, bytes] = {number: council for council, number in self._store.councils().items()}
        self._references: dict[int, tuple[Council, bytes, tuple[ContentRef, ...]]] = {}
        self._batch = Batch()

    def mend(self) -> Repair:
        """Everything that can be; the new file is on disk and closed afterwards."""
        try:
            for row, number, id, raw in self._wreck.operations():
                self._operation(SavedOperation(row, number, id, raw))
            self._save()
            self._contents()
            self._rivals()
            self._save()
            for council in self._store.councils():
                self._found.councils.setdefault(council, Mended(council))
            self._fetch()
            self._note()
        finally:
            self._store.close()
            self._wreck.close()
        return self._found

    def _note(self) -> None:
        found = self._found
        found.damage += self._wreck.damage
        if any(one.lost for one in found.councils.values()):
            found.damage.append("operations are not what they were when they were saved")
        if found.contents_lost:
            found.damage.append("attachments are not what was signed")
        if not any(one.council for one in found.councils.values()) and found.damage and not found.councils:
            raise Refused(
                "repair-lost",
                f"Nothing in {self._old} can be read any more. Move it away; then bring the home back with 'moot restore FILE', "
                "or start the node without it and fetch each council from a member: moot node follow COUNCIL --from ADDRESS",
            )
        # Its teller may have said more than survived.
        self._store.note(RESTORED, b"repaired")

    def _operation(self, saved: SavedOperation) -> None:
        try:
            envelope = decode_envelope(saved.raw)
            operation = envelope.operation
            if operation.id != saved.id or not operation.signed():
                raise Malformed("store", "an operation does not have its hash or its signature.")
        except Malformed:
            council = self._names.get(saved.council)
            if council is None:
                self._wreck.damage.append("an operation of a council that is not known any more")
            else:
                self._mended(council).lost += 1
            return
        mended = self._mended(operation.council or operation.id)
        if self._names.setdefault(saved.council, mended.id) != mended.id:
            mended.lost += 1  # its number is another council's: the row was damaged
            return
        try:
            if mended.council is None:
                self._store.give_number(mended.id, saved.council)
                chosen = branches.choices(self._store, mended.id)
                founded = Council.found(envelope, verified=True, choices=chosen)
                fits = isinstance(founded, Council)
                mended.council = founded if isinstance(founded, Council) else None
            else:
                fits = isinstance(mended.council.insert(envelope, verified=True), outcomes.Inserted)
                # What belongs to a branch that was left is put beside the log when the node starts.
                fits = fits or bool(mended.council.choices)
        except (Malformed, UnknownRules):
            fits = False
        if not fits:
            mended.lost += 1
            return
        mended.operations += 1
        self._batch.operations.append(saved)
        if any(reference.sort == ATTACHMENT for reference in operation.contents):
            assert mended.council is not None
            self._references[saved.row] = (mended.council, operation.id, operation.contents)
        if len(self._batch.operations) >= _AT_ONCE:
            self._save()

    def _mended(self, council: bytes) -> Mended:
        return self._found.councils.setdefault(council, Mended(council))

    def _save(self) -> None:
        if self._batch:
            self._store.save(self._batch)
        self._batch = Batch()

    def _contents(self) -> None:
        found, here = self._found, set()
        for key, salt, data in self._wreck.contents():
            row, index = divmod(key, PLACES)
            place = Place(row, index)
            known = self._references.get(row)
            if known is None:
                continue  # its operation is gone
            council, operation, references = known
            try:
                content = open_content(data, salt, references[index])
            except (IndexError, Malformed):
                found.contents_lost += 1
                continue
            if index in council.erased(operation):
                continue
            here.add(key)
            found.contents += 1
            self._batch.contents.append(SavedContent(place, Content(content.salt, content.data)))
            if len(self._batch.contents) >= _AT_ONCE:
                self._save()
        numbers = self._store.councils()
        for row, (council, operation, references) in self._references.items():
            for index, reference in enumerate(references):
                place = Place(row, index)
                if reference.sort == ATTACHMENT and place.key not in here and index not in council.erased(operation):
                    self._batch.wanted.append((place, numbers[council.id]))
        self._save()

    def _rivals(self) -> None:
        for number, id, raw in self._wreck.rivals():
            try:
                operation = decode_envelope(raw).operation
            except Malformed:
                continue  # evidence that proves nothing any more
            if operation.id == id and operation.signed() and number in self._names:
                self._batch.rivals.append((number, id, raw))

    def _fetch(self) -> None:
        """See that councils of which nothing is left are fetched from whoever was met before."""
        nodes = tuple((peer.node, peer.addresses) for peer in self._store.peers() if peer.addresses)[:_MOST_NODES]
        asked = {pending.council for pending in self._store.pending()}
        for mended in self._found.councils.values():
            if mended.council is None and mended.id not in asked:
                words = (
                    "lost with a damaged database; it is fetched as soon as a node that has it is connected"
                    if nodes
                    else "lost with a damaged database, and no other node is known: moot node follow COUNCIL --from ADDRESS"
                )
                self._store.save_pending(Pending(mended.id, mended.id, b"", nodes, "waiting", words))
                mended.fetched = bool(nodes)
