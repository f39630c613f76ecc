"""How things are shown to people: local times, short ids, clean text, columns."""

import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import msgspec

__all__ = ["clean", "columns", "count_of", "indent", "one_line", "say", "say_json", "short", "when"]

_HEAD = "bafyrei"
_SHOWN = 15
_KEEP = "\n\t"
# Marks that turn the reading order around; a name with one in it can make a line say something else.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str) -> str:
    """`text` without what could move the cursor, recolour the terminal or reverse the reading order.

    Others wrote it, so it is shown, never obeyed.
    """
    return "".join(
        letter
        for letter in text
        if letter in _KEEP or (letter not in _TURNING and unicodedata.category(letter) not in ("Cc", "Cs"))
    )


def one_line(text: str, longest: int = 72) -> str:
    """`text` cleaned, on one line, cut with an ellipsis."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def short(id_text: str) -> str:
    """An id as it is shown: enough of it to be copied back as an abbreviation."""
    return id_text[:_SHOWN] if id_text.startswith(_HEAD) else id_text[:20]


def when(milliseconds: int) -> str:
    """A time in the local zone, to the minute."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return "an impossible time"


def count_of(number: int, noun: str, plural: str | None = None) -> str:
    """`1 member`, `2 members`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows with their columns lined up."""
    widths = [max(_width(row[at]) for row in rows) for at in range(len(rows[0]))] if rows else []
    for row in rows:
        line = "  ".join(cell + " " * (wide - _width(cell)) for cell, wide in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def _width(text: str) -> int:
    # East Asian wide letters take two places, combining marks none.
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def indent(text: str, by: int = 4) -> str:
    """`text` cleaned, each line moved in."""
    return "\n".join((" " * by + line).rstrip() for line in clean(text).splitlines())


def say(lines: Iterable[str] | str) -> None:
    """Print lines to stdout."""
    for line in [lines] if isinstance(lines, str) else lines:
        click.echo(line)


def say_json(answer: "msgspec.Struct | Mapping[str, object]") -> None:
    """Print an answer as one line of JSON."""
    import msgspec

    click.echo(msgspec.json.encode(answer).decode())
    sys.stdout.flush()
