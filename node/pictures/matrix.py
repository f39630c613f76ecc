"""Every pair of candidates in one table: who is preferred to whom, and by how many."""

from __future__ import annotations

from node.elections.counted import Counted
from protocol.counting.schulze import SchulzeRound

from .svg import BAD, GOOD, HINT, INK, LINE, Drawing, mixed, shortened, width_of

__all__ = ["matrix"]

_NAME = 15.0


def matrix(counted: Counted) -> Drawing:
    """The picture of a Schulze count: rows and columns by place, the better the further up and left."""
    round = counted.result.rounds[0]
    assert isinstance(round, SchulzeRound)
    pairs = [[float(votes) for votes in row] for row in round.pairwise]
    order = [candidate for tier in counted.result.ranking for candidate in tier]
    places = [(order.index(tier[0]) + 1, candidate) for tier in counted.result.ranking for candidate in tier]
    count = len(order)
    cell = 66.0 if count <= 8 else 54.0 if count <= 14 else 42.0
    size = 15.0 if count <= 8 else 13.0 if count <= 14 else 10.5
    longest = max(width_of(counted.names[c], _NAME) for c in order)
    side = max(130.0, min(longest, 280.0)) + 94
    head = max(60.0, min(longest, 190.0) * 0.72 + 30)
    top = 112 + head
    title = counted.title
    winners = ", ".join(counted.names[c] for c in counted.result.elected)
    drawing = Drawing(
        max(side + cell * count + head * 0.8 + 60, 720),
        top + cell * count + 96,
        title=title,
        description=f"Elected by {counted.result.rule}: {winners}. "
        "Each row says how many ballots rank its candidate above the one of the column.",
    )
    drawing.text(40, 52, shortened(title, 28, drawing.width - 80), size=28, bold=True)
    ballots = f"{float(counted.cast):,.0f} ballots".replace(",", "\u202f")
    elected = shortened(f"elected: {winners}", 16, drawing.width - 420)
    drawing.text(40, 80, f"{ballots} · {elected} · counted by {counted.result.rule}", size=16, colour=HINT)
    seats = set(counted.result.elected)
    for column, other in enumerate(order):
        x = side + cell * column + cell / 2 + 4
        name = shortened(counted.names[other], _NAME - 1, 190)
        drawing.text(x, top - 10, name, size=_NAME - 1, turn=-42, bold=other in seats)
    for row, (place, candidate) in enumerate(places):
        y = top + cell * row
        middle = y + cell / 2 + 5
        drawing.text(60, middle, str(place), size=_NAME, colour=HINT, anchor="end")
        name = shortened(counted.names[candidate], _NAME, side - 84)
        drawing.text(72, middle, name, size=_NAME, bold=candidate in seats)
        for column, other in enumerate(order):
            x = side + cell * column
            if other == candidate:
                drawing.rect(x + 1, y + 1, cell - 2, cell - 2, mixed(LINE, 0.45), round=3)
                continue
            _cell(drawing, x, y, cell, size, pairs[candidate][other], pairs[other][candidate])
    _legend(drawing, side, top + cell * count + 40)
    return drawing


def _cell(drawing: Drawing, x: float, y: float, cell: float, size: float, votes: float, against: float) -> None:
    margin = abs(votes - against) / (votes + against) if votes + against else 0.0
    if votes == against:
        fill, ink = mixed(LINE, 0.8), INK
    elif votes > against:
        strength = 0.24 + 0.76 * margin
        fill, ink = mixed(GOOD, strength), "#ffffff" if strength > 0.62 else INK
    else:
        fill, ink = mixed(BAD, 0.06 + 0.22 * margin), HINT
    drawing.rect(x + 1, y + 1, cell - 2, cell - 2, fill, round=3)
    text = f"{votes:,.4g}" if votes != int(votes) else f"{int(votes)}"
    drawing.text(
        x + cell / 2, y + cell / 2 + size * 0.36, text, size=size, colour=ink, anchor="middle", bold=votes > against
    )


def _legend(drawing: Drawing, x: float, y: float) -> None:
    x = 40
    for fill, text in (
        (mixed(GOOD, 0.9), "the row's candidate is preferred, darker by more"),
        (mixed(BAD, 0.2), "the column's is preferred"),
        (mixed(LINE, 0.8), "as many for each"),
    ):
        drawing.rect(x, y - 12, 16, 16, fill, round=3)
        drawing.text(x + 24, y + 1, text, size=13, colour=HINT)
        x += width_of(text, 13) + 52
    drawing.text(
        40,
        y + 28,
        "Read a row from left to right: how many ballots rank its candidate above each other one.",
        size=13,
        colour=HINT,
    )
