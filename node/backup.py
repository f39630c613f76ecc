"""A home in one file, made while its node runs, and brought back from it.

The file is a plain tar archive that any computer can open:

    backup.json     {"format": "folkmoot backup", "version": 1, "made": ms, "files": {name: SHA-256 in hex}}
    folkmoot.db     a copy of the database as it was at one moment
    node.key, settings.toml, people/NAME.key

It holds the node's own keys unsealed, so it is written for its owner alone. A home that is
brought back knows that it was: its teller asks the others what it said since the copy was made.
"""

import io
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from node import private
from node.config import Config
from node.refused import Refused
from node.run import RESTORED, alone
from node.store import Store, copy_database

__all__ = ["Backup", "make", "restore"]

_MANIFEST: Final = "backup.json"
_MOST_MANIFEST: Final = 1 << 20
_MOST_SMALL: Final = 1 << 20  # bytes of any file but the database
_DATABASE: Final = "folkmoot.db"
_NODE: Final = "node.key"
_NAME: Final = re.compile(r"folkmoot\.db|node\.key|settings\.toml|people/[^/\x00]{1,200}\.key")
_PIECE: Final = 1 << 20


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    version: int
    made: int
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Backup:
    """What a file holds: when it was made (ms), its bytes, the node's keys or not, whose keys, how many councils and operations."""

    made: int
    bytes: int
    node: bool
    people: tuple[str, ...]
    councils: int
    operations: int

    def words(self) -> str:
        """What it holds, for people."""
        parts = []
        if self.councils:
            councils = "1 council" if self.councils == 1 else f"{self.councils} councils"
            operations = "1 operation" if self.operations == 1 else f"{self.operations} operations"
            parts.append(f"{councils} with {operations}")
        if self.node:
            parts.append("this node's keys")
        if self.people:
            parts.append(f"the keys of {', '.join(self.people)}")
        return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts) or "settings alone"


def make(config: Config, file: Path, now: int) -> Backup:
    """Write the backup of a home to `file`, replacing it whole or not at all; the node may run.

    now: ms. Raises `Refused` when there is nothing to keep, the database is damaged, or `file`
    cannot be written.
    """
    names = [path for path in (config.node_key_path, config.settings_path) if path.exists()]
    names += sorted(config.keys_dir.glob("[!.]*.key"))
    if not config.node_key_path.exists() and not config.database_path.exists() and not names:
        raise Refused("backup-nothing", f"There is nothing to keep in {config.home} yet.")
    found = {str(path.relative_to(config.home)): private.read(path) for path in names if path != config.settings_path}
    if config.settings_path.exists():
        found["settings.toml"] = config.settings_path.read_bytes()
    with _beside(file) as folder:
        copy = folder / _DATABASE
        councils = operations = 0
        digests = {name: sha256(data).hexdigest() for name, data in found.items()}
        if config.database_path.exists():
            councils, operations = copy_database(config.database_path, copy)
            digests[_DATABASE] = _digest(copy)
        manifest = _Manifest("folkmoot backup", 1, now, digests)
        try:
            size = _write(folder / "new", file, manifest, found, copy)
        except OSError as fault:
            raise Refused("file", f"{file} cannot be written ({fault.strerror}); nothing was changed.") from fault
    return Backup(now, size, _NODE in digests, _people(digests), councils, operations)


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """A folder on the same disk, for its owner alone, that is gone afterwards."""
    try:
        folder = tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.absolute().parent)
    except OSError as fault:
        raise Refused("file", f"{file} cannot be written ({fault.strerror}); nothing was changed.") from fault
    with folder as name:
        yield Path(name)


def _write(new: Path, file: Path, manifest: _Manifest, found: dict[str, bytes], copy: Path) -> int:
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            seconds = manifest.made // 1000
            for name, data in {_MANIFEST: msgspec.json.encode(manifest), **found}.items():
                tar.addfile(_entry(name, len(data), seconds), io.BytesIO(data))
            if copy.exists():
                with copy.open("rb") as database:
                    tar.addfile(_entry(_DATABASE, copy.stat().st_size, seconds), database)
        out.flush()
        os.fsync(out.fileno())
    size = new.stat().st_size
    new.replace(file)
    return size


def _entry(name: str, size: int, seconds: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, seconds
    return entry


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _people(names: dict[str, str]) -> tuple[str, ...]:
    return tuple(sorted(Path(name).stem for name in names if name.startswith("people/")))


def restore(config: Config, file: Path) -> Backup:
    """Bring a home back from `file`. Raises `Refused`, and changes nothing, when that cannot be.

    The home must hold no node and no keys yet.
    """
    config.prepare()
    with alone(config):
        there = [
            path
            for path in (config.database_path, config.node_key_path, *config.keys_dir.glob("[!.]*.key"))
            if path.exists()
        ]
        if there:
            raise Refused(
                "restore-home",
                f"{config.home} holds a home already ({there[0].name}), which stays as it is: move that folder away, "
                "or set MOOT_HOME to an empty one.",
            )
        with _beside(config.home / "restore") as folder:
            try:
                size, manifest = _unpack(file, folder)
            except OSError as fault:
                raise Refused("file", f"{file} cannot be read ({fault.strerror}).") from fault
            except tarfile.TarError as fault:
                raise _damaged(file) from fault
            councils = operations = 0
            if _DATABASE in manifest.files:
                store = Store(folder / _DATABASE)
                try:
                    councils, operations = store.count()
                    store.note(RESTORED, b"restored")
                finally:
                    store.close()
            # The database last: what was stopped before that is no home with a node of its own yet.
            for name in sorted(manifest.files, key=lambda name: name == _DATABASE):
                private.folder((config.home / name).parent)
                (folder / name).replace(config.home / name)
    return Backup(manifest.made, size, _NODE in manifest.files, _people(manifest.files), councils, operations)


def _unpack(file: Path, folder: Path) -> tuple[int, _Manifest]:
    """Put the files of a backup into `folder`, each checked; nothing else, and nothing outside of it."""
    with file.open("rb") as opened, tarfile.open(fileobj=opened, mode="r:") as tar:
        manifest = _manifest(tar.next(), tar, file)
        left = dict(manifest.files)
        while (entry := tar.next()) is not None:
            wanted = left.pop(entry.name, None)
            small = entry.name == _DATABASE or entry.size <= _MOST_SMALL
            content = tar.extractfile(entry) if wanted is not None and entry.isreg() and small else None
            if content is None:
                raise _damaged(file)
            private.folder((folder / entry.name).parent)
            target = folder / entry.name
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                while piece := content.read(_PIECE):
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
            if _digest(target) != wanted:
                raise _damaged(file)
        if left:
            raise _damaged(file)
        return file.stat().st_size, manifest


def _manifest(entry: tarfile.TarInfo | None, tar: tarfile.TarFile, file: Path) -> _Manifest:
    stranger = Refused("backup", f"{file} is no backup of a home: those are made with 'moot backup'.")
    if entry is None or entry.name != _MANIFEST or not entry.isreg() or entry.size > _MOST_MANIFEST:
        raise stranger
    content = tar.extractfile(entry)
    assert content is not None  # a regular file
    data = content.read()
    try:
        head = msgspec.json.decode(data)
        if type(head) is not dict or head.get("format") != "folkmoot backup":
            raise stranger
        if head.get("version") != 1:
            raise Refused(
                "backup-version", f"{file} was made by a newer Folkmoot: install that version, and restore with it."
            )
        manifest = msgspec.convert(head, _Manifest)
    except msgspec.MsgspecError as fault:
        raise _damaged(file) from fault
    if not all(_NAME.fullmatch(name) for name in manifest.files):
        raise _damaged(file)
    return manifest


def _damaged(file: Path) -> Refused:
    return Refused("backup-damaged", f"{file} is damaged or was cut off: copy it again from where you keep it.")
