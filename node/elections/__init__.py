"""Elections from elsewhere: one reader a file format, and `read`, which chooses among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from protocol.errors import Malformed

from .blt import read_blt
from .cvotes import read_cvotes
from .file import ElectionFile
from .pabulib import read_pabulib
from .preflib import read_preflib
from .text import load

__all__ = ["SUFFIXES", "ElectionFile", "read", "read_blt", "read_cvotes", "read_pabulib", "read_preflib"]

SUFFIXES = (".blt", ".soc", ".soi", ".toc", ".toi", ".cat", ".cvotes", ".pb")
"""What the names of the files that can be read end with."""


def read(path: Path) -> ElectionFile:
    """The election in ``path``, whose suffix says the format.

    Raises `Malformed` with one sentence for a person, and `OSError` when there is no reading it.
    """
    suffix = path.suffix.casefold()
    if suffix not in SUFFIXES:
        raise Malformed(
            "file.format",
            f"{path.name} is not an election file that can be read; its name must end with one of {', '.join(SUFFIXES)}.",
        )
    lines, notes = load(path)
    file = _read(suffix, lines)
    return replace(file, notes=(*notes, *file.notes))


def _read(suffix: str, lines: list[str]) -> ElectionFile:
    if suffix == ".blt":
        return read_blt(lines)
    if suffix == ".cvotes":
        return read_cvotes(lines)
    if suffix == ".pb":
        return read_pabulib(lines)
    return read_preflib(lines, categories=suffix == ".cat")
