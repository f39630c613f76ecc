"""Files for their owner alone: secrets, tokens, keys.

Written whole or not at all: a new file is on disk before it takes the old one's name, so a
power cut leaves the one or the other. Read only while nobody else on the computer could.
"""

import os
import shlex
import stat
import tempfile
from pathlib import Path

from node.refused import Refused

__all__ = ["create", "folder", "read", "write"]

_OTHERS = 0o077


def folder(path: Path) -> None:
    """Make `path` and what is missing above it, each mode 0700. Raises `OSError`."""
    if not path.is_dir():
        folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def read(path: Path) -> bytes:
    """The bytes of `path`.

    Raises `FileNotFoundError`, or `Refused` when others on this computer could read or change
    the file, or put another in its place.
    """
    above = path.parent.stat().st_mode
    if above & stat.S_IWOTH and not above & stat.S_ISVTX:
        raise _open(path.parent, "change what is in", "700")
    if path.stat().st_mode & _OTHERS:
        raise _open(path, "read", "600")
    try:
        return path.read_bytes()
    except PermissionError as fault:
        raise Refused("private-owner", f"{path} belongs to another user of this computer.") from fault


def write(path: Path, data: bytes) -> None:
    """Put `data` at `path`, mode 0600, replacing what was there. Its folder is made, mode 0700, if missing."""
    new = _written(path, data)
    try:
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    _sync(path.parent)


def create(path: Path, data: bytes) -> None:
    """Like `write`, but raises `FileExistsError` where `path` exists: of two at once, one wins."""
    new = _written(path, data)
    try:
        path.hardlink_to(new)
    finally:
        new.unlink(missing_ok=True)
    _sync(path.parent)


def _open(place: Path, could: str, mode: str) -> Refused:
    return Refused(
        "private-mode",
        f"Others on this computer could {could} {place}, so it is not used; "
        f"close it with: chmod {mode} {shlex.quote(str(place))}",
    )


def _written(path: Path, data: bytes) -> Path:
    """A new file beside `path` with `data`, on disk; mkstemp gives it mode 0600."""
    try:
        folder(path.parent)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    except OSError as fault:
        raise Refused(
            "private-folder",
            f"{path} cannot be written ({fault.strerror}); point MOOT_HOME at a folder that you may write to.",
        ) from fault
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        Path(name).unlink()
        raise Refused("private-disk", f"{path} cannot be written ({fault.strerror}); nothing was changed.") from fault
    return Path(name)


def _sync(folder: Path) -> None:
    """Make a rename or link in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
