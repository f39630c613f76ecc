"""A drawing in SVG, made for reading across a hall and on paper: one light ground, few colours, large type."""

from __future__ import annotations

from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from node.elections.text import printable

__all__ = [
    "BAD",
    "CHOSEN",
    "GOOD",
    "GROUND",
    "HINT",
    "INK",
    "LINE",
    "OTHERS",
    "Drawing",
    "mixed",
    "number",
    "shortened",
    "width_of",
    "wrapped",
]

GROUND = "#ffffff"
INK = "#16202b"
HINT = "#5b6773"
LINE = "#d9dfe5"
GOOD = "#1b7f79"
BAD = "#c2552d"
OTHERS = "#aab4be"

CHOSEN = (
    "#1f6fb2",
    "#c8452f",
    "#2c8a57",
    "#8a4fa3",
    "#b9820a",
    "#0f8a93",
    "#b23a72",
    "#5f6f1f",
    "#4553a6",
    "#9a5a26",
    "#3f7d8c",
    "#74485f",
)
"""For those elected and what is bought: told apart in print, and by most who are colour-blind."""

_FONT = "'Source Sans 3','Noto Sans','Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif"

_NARROW = frozenset("iljtfrI.,:;'|!()[] -")
_WIDE = frozenset("mwMW@%")

Anchor = Literal["start", "middle", "end"]


class Drawing:
    """Shapes in the order in which they are painted, with a title and a description for those who cannot see it."""

    def __init__(self, width: float, height: float, *, title: str, description: str) -> None:
        self.width = width
        self.height = height
        self._title = title
        self._description = description
        self._shapes: list[str] = []

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        *,
        stroke: str | None = None,
        round: float = 0,
        opacity: float = 1,
    ) -> None:
        """A rectangle from its upper left corner."""
        line = "" if stroke is None else f' stroke="{stroke}" stroke-width="1.5"'
        corner = f' rx="{number(round)}"' if round else ""
        self._shapes.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(max(width, 0))}" height="{number(max(height, 0))}"'
            f' fill="{fill}"{corner}{line}{_opacity(opacity)}/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = LINE, *, dash: str = "") -> None:
        """A thin line."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._shapes.append(
            f'<line x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
            f' stroke="{colour}" stroke-width="1.5"{dashes}/>'
        )

    def ribbon(
        self, left: tuple[float, float], right: tuple[float, float], width: float, colour: str, opacity: float
    ) -> None:
        """A band of an even ``width`` from the upper corner ``left`` to the upper corner ``right``."""
        (x1, y1), (x2, y2) = left, right
        middle = (x1 + x2) / 2
        d = (
            f"M{number(x1)} {number(y1)}C{number(middle)} {number(y1)} {number(middle)} {number(y2)} {number(x2)} {number(y2)}"
            f"v{number(width)}"
            f"C{number(middle)} {number(y2 + width)} {number(middle)} {number(y1 + width)} {number(x1)} {number(y1 + width)}Z"
        )
        self._shapes.append(f'<path d="{d}" fill="{colour}"{_opacity(opacity)}/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 14,
        colour: str = INK,
        anchor: Anchor = "start",
        bold: bool = False,
        halo: bool = False,
        turn: float = 0,
    ) -> None:
        """One line of text, ``y`` its base line; ``turn`` degrees around its start; a ``halo`` sets it off."""
        style = "" if anchor == "start" else f' text-anchor="{anchor}"'
        style += ' font-weight="700"' if bold else ""
        style += f' stroke="{GROUND}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"' if halo else ""
        style += f' transform="rotate({number(turn)} {number(x)} {number(y)})"' if turn else ""
        self._shapes.append(
            f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{colour}"{style}>{_escaped(text)}</text>'
        )

    def __str__(self) -> str:
        size = f"{number(self.width)} {number(self.height)}"
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{number(self.width)}"'
                f' height="{number(self.height)}" role="img" aria-label={quoteattr(printable(self._title))}'
                f' font-family={quoteattr(_FONT)} font-variant-numeric="tabular-nums">',
                f"<title>{_escaped(self._title)}</title>",
                f"<desc>{_escaped(self._description)}</desc>",
                f'<rect width="100%" height="100%" fill="{GROUND}"/>',
                *self._shapes,
                "</svg>\n",
            )
        )


def _escaped(text: str) -> str:
    return escape(printable(text))


def _opacity(value: float) -> str:
    return "" if value == 1 else f' fill-opacity="{number(value)}"'


def number(value: float) -> str:
    """A coordinate without needless digits: ``12.5``, ``3``."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def width_of(text: str, size: float) -> float:
    """About how wide ``text`` is in this type, for no font can be measured here."""
    return sum(0.31 if c in _NARROW else 0.88 if c in _WIDE else 0.66 if c.isupper() else 0.55 for c in text) * size


def shortened(text: str, size: float, room: float) -> str:
    """``text`` cut to fit into ``room``, with an ellipsis where something is missing."""
    if width_of(text, size) <= room:
        return text
    while text and width_of(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, size: float, room: float, lines: int) -> list[str]:
    """``text`` on at most so many lines, broken between words."""
    rows: list[str] = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}".strip()
        if width_of(longer, size) <= room or not rows[-1]:
            rows[-1] = longer
        else:
            rows.append(word)
    if len(rows) > lines:
        rows = [*rows[: lines - 1], " ".join(rows[lines - 1 :])]
    return [shortened(row, size, room) for row in rows]


def mixed(colour: str, share: float, ground: str = GROUND) -> str:
    """``share`` of a colour over the ground: 0 is the ground, 1 the colour."""
    parts = (
        round(int(ground[place : place + 2], 16) * (1 - share) + int(colour[place : place + 2], 16) * share)
        for place in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02x}" for part in parts)
