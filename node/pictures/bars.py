"""One bar a candidate: approvals, sums of grades, or the grades themselves."""

from __future__ import annotations

from node.elections.counted import Counted
from protocol.counting.approval import SumRound
from protocol.counting.judgement import JudgementRound

from .svg import BAD, CHOSEN, GOOD, HINT, INK, LINE, OTHERS, Drawing, mixed, shortened, width_of

__all__ = ["bars"]

_ROW = 54.0
_BAR = 22.0


def bars(counted: Counted) -> Drawing:
    """The picture of an approval, score or majority judgement count, the best above."""
    round = counted.result.rounds[0]
    order = [candidate for tier in counted.result.ranking for candidate in tier]
    title = counted.title
    winners = ", ".join(counted.names[c] for c in counted.result.elected)
    width = 1080.0
    room = width - 80
    judged = isinstance(round, JudgementRound)
    drawing = Drawing(
        width,
        124 + _ROW * len(order) + (64 if judged else 28),
        title=title,
        description=f"Elected by {counted.result.rule}: {winners}.",
    )
    drawing.text(40, 52, shortened(title, 28, room), size=28, bold=True)
    ballots = f"{float(counted.cast):,.0f} ballots".replace(",", "\u202f")
    drawing.text(40, 80, f"{ballots} · counted by {counted.result.rule}", size=16, colour=HINT)
    y = 112.0
    seats = {candidate: place for place, candidate in enumerate(counted.result.elected)}
    for candidate in order:
        name = shortened(counted.names[candidate], 16, room - 220)
        drawing.text(40, y + 16, name, size=16, bold=candidate in seats)
        if candidate in seats:
            drawing.text(40 + width_of(name, 16) + 18, y + 16, "elected", size=13, colour=GOOD, bold=True)
        if isinstance(round, SumRound):
            best = float(max(round.sums)) or 1.0
            colour = CHOSEN[seats[candidate] % len(CHOSEN)] if candidate in seats else OTHERS
            drawing.rect(40, y + 25, room, _BAR, mixed(LINE, 0.45), round=3)
            drawing.rect(40, y + 25, max(room * float(round.sums[candidate]) / best, 1), _BAR, colour, round=3)
            said = f"{float(round.sums[candidate]):,.6g}".replace(",", "\u202f")
            drawing.text(width - 40, y + 16, said, size=16, anchor="end", bold=candidate in seats)
        elif isinstance(round, JudgementRound):
            _grades(drawing, round, candidate, y, room)
        y += _ROW
    if isinstance(round, JudgementRound):
        _scale(drawing, len(round.grades[0]), y + 24)
    return drawing


def _grades(drawing: Drawing, round: JudgementRound, candidate: int, y: float, room: float) -> None:
    """Best grades at the left; the middle voter is at the line, and her grade decides."""
    grades = round.grades[candidate]
    cast = float(round.cast) or 1.0
    x = 40.0
    for grade in reversed(range(len(grades))):
        part = room * float(grades[grade]) / cast
        drawing.rect(x, y + 25, part, _BAR, _colour(grade, len(grades)))
        x += part
    drawing.line(40 + room / 2, y + 22, 40 + room / 2, y + 50, INK)
    median = round.medians[candidate]
    if median is not None:
        drawing.text(40 + room, y + 16, f"majority grade {median}", size=14, anchor="end", colour=HINT)


def _scale(drawing: Drawing, count: int, y: float) -> None:
    x = 40.0
    for grade in reversed(range(count)):
        drawing.rect(x, y - 12, 16, 16, _colour(grade, count), round=3)
        drawing.text(x + 22, y + 1, str(grade), size=13, colour=HINT)
        x += 62
    drawing.text(x, y + 1, "grades, the best first; the line is the middle", size=13, colour=HINT)


def _colour(grade: int, count: int) -> str:
    middle = (count - 1) / 2
    distance = (grade - middle) / middle
    return mixed(GOOD if distance >= 0 else BAD, 0.25 + 0.75 * abs(distance))
