"""Bytes of an election file into lines, within bounds.

Every reader starts here, so that a wrong encoding, a picture or a file of several
gigabytes is met once, with one sentence.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

from protocol.errors import Malformed

__all__ = ["MOST_BYTES", "MOST_CANDIDATES", "amount", "at", "cited", "load", "printable", "whole"]

MOST_BYTES = 256 * 2**20
"""The largest file that is read; the largest public election files are a tenth of it."""

MOST_CANDIDATES = 10_000
"""More candidates or projects than any ballot paper; above it a file is taken for a mistake."""

_WHOLE = re.compile(r"\d{1,15}", re.ASCII)
_AMOUNT = re.compile(r"(\d{1,15})(?:[.,](\d{0,9}))?|\.(\d{1,9})", re.ASCII)
_RATIO = re.compile(r"(\d{1,15})/(\d{1,15})", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_BREAK = re.compile(r"\r\n|\n|\r")


def load(path: Path) -> tuple[list[str], tuple[str, ...]]:
    """The lines of a file, without their ends, and what a person should know of how they were read.

    UTF-8 with or without a byte order mark, and UTF-16 with one, are read; what is neither is
    taken for Windows-1252, and that is noted. Lines end at LF, CRLF or CR only: a name may
    contain any other character.

    Raises `Malformed` for what is too large or no such text, and `OSError` as the
    operating system gives it.
    """
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Malformed(
            "file.size",
            f"The file is larger than {MOST_BYTES // 2**20} MB, more than any election needs; "
            "check that it is the right file.",
        )
    if not data.strip():
        raise Malformed("file.empty", "The file is empty; check that it was saved or copied completely.")
    text, notes = _decode(data)
    return _BREAK.split(text), notes


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), ()
        except UnicodeDecodeError:
            raise Malformed("file.encoding", "The file starts as UTF-16 but is not; save it as UTF-8.") from None
    if b"\x00" in data:
        raise Malformed("file.binary", "The file is not a text; give the election file itself, not an archive.")
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
    try:
        text = data.decode("windows-1252")
    except UnicodeDecodeError:
        text = ""
    if not text or _CONTROL.search(text):
        raise Malformed("file.encoding", f"Line {line}: the text is not UTF-8; save it as UTF-8.")
    note = (
        f"Line {line}: the text is not UTF-8, so it was read as Windows-1252 (Latin-1). If names look wrong: "
        "iconv -f ITS-ENCODING -t UTF-8 OLD > NEW"
    )
    return text, (note,)


def at(line: int, rule: str, message: str) -> NoReturn:
    """Refuse a file for what stands on ``line``, counted from 1."""
    raise Malformed(rule, f"Line {line}: {message}")


def printable(text: str) -> str:
    """``text`` on one line, with nothing in it that a terminal or a picture would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def cited(text: str) -> str:
    """What stands in a file, fit for a sentence: printable, and not longer than 40 characters."""
    text = printable(text)
    return text if len(text) <= 40 else text[:39] + "…"


def whole(text: str) -> int | None:
    """A whole number of at most 15 digits, or None."""
    return int(text) if _WHOLE.fullmatch(text) else None


def amount(text: str) -> int | Fraction | None:
    """A number of 0 or more: ``12``, ``12.50``, ``12,50`` or ``1/3``, exactly; or None.

    A whole value is an ``int``, whichever way it was written.
    """
    if match := _AMOUNT.fullmatch(text):
        before, after, only = match.groups()
        digits = after or only or ""
        value = Fraction(int((before or "0") + digits), 10 ** len(digits))
    elif (match := _RATIO.fullmatch(text)) and int(match[2]):
        value = Fraction(int(match[1]), int(match[2]))
    else:
        return None
    return value.numerator if value.denominator == 1 else value
