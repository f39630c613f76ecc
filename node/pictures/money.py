"""Money by project: what each costs, who paid for it, and how far the others got."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from node.elections.counted import Counted
from protocol.counting.ballots import BudgetElection, Weight
from protocol.counting.completions import Added, Raised
from protocol.counting.equal_shares import Purchase, Shortfall

from .svg import CHOSEN, HINT, INK, LINE, Drawing, mixed, shortened, width_of

__all__ = ["Line", "amount", "lines_of", "money"]

_ROW = 58.0
_BAR = 20.0


@dataclass(frozen=True, slots=True)
class Line:
    """What there is to say about one project. ``covered`` is the part of its cost that its supporters had."""

    project: int
    cost: Fraction
    bought: bool
    covered: Fraction
    said: str


def lines_of(counted: Counted) -> list[Line]:
    """What is bought, in order, then the rest, the nearest to its cost first."""
    election = counted.election
    assert isinstance(election, BudgetElection)
    bought: list[Line] = []
    missed: list[Line] = []
    purse = "left"
    for round in counted.result.rounds:
        if isinstance(round, Raised):
            purse = "left of their raised shares"
            continue
        cost = Fraction(election.projects[round.project].cost)
        if isinstance(round, Purchase):
            said = f"{_people(round.paying)} paid, each at most {amount(round.price)}"
            if round.drained:
                said += f"; {_people(round.drained)} gave all they had left"
            bought.append(Line(round.project, cost, True, cost, said))
        elif isinstance(round, Added):
            said = f"added from what was left, which is then {amount(round.left)}"
            bought.append(Line(round.project, cost, True, cost, said))
        elif isinstance(round, Shortfall):
            said = f"{_people(round.supporters)} wanted it and had {amount(round.funds)} {purse}"
            missed.append(Line(round.project, cost, False, min(round.funds, cost), said))
    missed.sort(key=lambda line: (-line.covered / line.cost if line.cost else 0, line.project))
    return bought + missed


def money(counted: Counted) -> Drawing:
    """The picture of a budget counted by equal shares."""
    election = counted.election
    assert isinstance(election, BudgetElection)
    lines = lines_of(counted)
    spent = sum((line.cost for line in lines if line.bought), start=Fraction(0))
    budget = Fraction(election.budget)
    width, left, right = 1180.0, 40.0, 40.0
    room = width - left - right
    top = 196.0
    bought = sum(line.bought for line in lines)
    extra = 46.0 if 0 < bought < len(lines) else 0.0
    height = top + _ROW * len(lines) + extra + 56
    title = counted.title
    names = ", ".join(counted.names[line.project] for line in lines if line.bought)
    drawing = Drawing(
        width,
        height,
        title=title,
        description=f"Bought by {counted.result.rule}: {names or 'nothing'}; {amount(spent)} of {amount(budget)}.",
    )
    drawing.text(left, 52, shortened(title, 28, room), size=28, bold=True)
    voters = f"{float(counted.cast):,.0f} voters".replace(",", "\u202f")
    raised = [f" · shares raised by {amount(round.by)}" for round in counted.result.rounds if isinstance(round, Raised)]
    drawing.text(left, 80, f"{voters} · counted by {counted.result.rule}{''.join(raised)}", size=16, colour=HINT)
    _purse(drawing, lines, budget, spent, left, room)
    scale = room / float(max((line.cost for line in lines), default=Fraction(1)) or 1)
    y = top
    for place, line in enumerate(lines):
        if place == bought and extra:
            drawing.text(left, y + 24, "Not bought", size=17, bold=True, colour=HINT)
            y += extra
        _row(drawing, counted, line, place, y, left, room, scale)
        y += _ROW
    drawing.text(
        left,
        y + 24,
        "A pale bar is the cost; the grey in it is what supporters still had together.",
        size=13,
        colour=HINT,
    )
    return drawing


def _purse(drawing: Drawing, lines: list[Line], budget: Fraction, spent: Fraction, left: float, room: float) -> None:
    """All the money as one bar: a part for each project, and what is left."""
    y, tall = 106.0, 34.0
    whole = float(max(budget, spent)) or 1.0
    drawing.rect(left, y, room, tall, mixed(LINE, 0.6), round=4)
    x = left
    for place, line in enumerate(line for line in lines if line.bought):
        part = room * float(line.cost) / whole
        drawing.rect(x, y, max(part - 1.5, 1), tall, CHOSEN[place % len(CHOSEN)], round=3)
        if part > 34:
            drawing.text(x + part / 2, y + 22, str(place + 1), size=15, colour="#ffffff", anchor="middle", bold=True)
        x += part
    share = f" ({float(spent / budget):.0%})" if budget else ""
    drawing.text(left, y + tall + 22, f"{amount(spent)} of {amount(budget)} is spent{share}", size=15)
    drawing.text(left + room, y + tall + 22, f"{amount(budget - spent)} is left", size=15, anchor="end", colour=HINT)


def _row(
    drawing: Drawing, counted: Counted, line: Line, place: int, y: float, left: float, room: float, scale: float
) -> None:
    colour = CHOSEN[place % len(CHOSEN)] if line.bought else "#8a96a1"
    cost = amount(line.cost)
    name, id = counted.names[line.project], counted.id(line.project)
    label = f"{place + 1}. {name}" if line.bought else name
    if isinstance(id, str) and id != name:
        label = f"{label}  [{id}]"
    taken = width_of(line.said, 13) + width_of(cost, 15) + 52
    shown = shortened(label, 15, room - taken)
    drawing.text(left, y + 18, shown, size=15, bold=line.bought, colour=INK)
    drawing.text(left + room, y + 18, cost, size=15, anchor="end", bold=line.bought)
    drawing.text(left + room - width_of(cost, 15) - 16, y + 18, line.said, size=13, anchor="end", colour=HINT)
    width = max(float(line.cost) * scale, 2)
    drawing.rect(left, y + 27, width, _BAR, mixed(colour, 1 if line.bought else 0.18), round=3)
    if not line.bought and line.covered:
        drawing.rect(left, y + 27, max(float(line.covered) * scale, 1), _BAR, colour, round=3)


def amount(value: Weight) -> str:
    """Money for a person: ``1 234`` or ``1 234.50``."""
    return f"{float(value):,.2f}".replace(",", "\u202f").removesuffix(".00")


def _people(weight: Fraction) -> str:
    return f"{float(weight):,.6g}".replace(",", "\u202f")
