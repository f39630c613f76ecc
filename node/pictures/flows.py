"""Flows between the stages of a count: each stage a column, each vote that moves a ribbon."""

from __future__ import annotations

from collections.abc import Sequence

from node.elections.counted import Counted

from .stages import Step, steps
from .svg import CHOSEN, HINT, INK, LINE, OTHERS, Drawing, mixed, shortened, width_of, wrapped

__all__ = ["flows"]

_BLOCK = 18.0
_GAP = 18.0
_TOP = 176.0
_NAME = 15.0
_SMALL = 12.0


def flows(counted: Counted) -> Drawing:
    """The picture of a count by transferable vote or an instant run-off."""
    return _Flows(counted).drawn()


class _Flows:
    """One picture under way: where everything is, then the painting of it."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._steps = steps(counted)
        first = self._steps[0]
        named = [c for tier in counted.result.ranking for c in tier]
        self._order = [*named, *(c for c in range(len(counted.names)) if c not in named and first.votes[c])]
        self._seat = {candidate: place for place, candidate in enumerate(counted.result.elected)}
        self._total = max(sum(first.votes) + first.gone, 1.0)
        self._scale = max(380.0, 30.0 * len(self._order)) / self._total
        self._room = max(160.0, *(min(width_of(name, _NAME), 300.0) for name in counted.names)) + 24
        self._step = 172.0
        self._tops = [self._column(step) for step in self._steps]
        width = 56 + self._room + self._step * (len(self._steps) - 1) + _BLOCK + self._room + 40
        lowest = max(tops[None] + step.gone * self._scale for tops, step in zip(self._tops, self._steps, strict=True))
        height = lowest + 48
        seats = len(counted.result.elected)
        title = counted.title
        self._drawing = Drawing(
            max(width, 760),
            height,
            title=title,
            description=f"{seats} elected by {counted.result.rule}: "
            + ", ".join(counted.names[c] for c in counted.result.elected),
        )

    def drawn(self) -> Drawing:
        drawing = self._drawing
        drawing.text(40, 52, shortened(self._counted.title, 28, drawing.width - 80), size=28, bold=True)
        drawing.text(40, 80, self._subtitle(), size=16, colour=HINT)
        for place in range(len(self._steps)):
            self._heading(place)
        for place in range(1, len(self._steps)):
            self._ribbons(place)
        for place in range(len(self._steps)):
            self._blocks(place)
        self._names()
        self._winners()
        return drawing

    def _subtitle(self) -> str:
        quota = self._steps[0].quota
        ballots = f"{float(self._counted.cast):,.0f} ballots".replace(",", "\u202f")
        parts = [ballots, f"counted by {self._counted.result.rule}"]
        if quota is not None:
            parts.append(f"quota {quota:,.0f} votes".replace(",", "\u202f"))
        return " · ".join(parts)

    def _column(self, step: Step) -> dict[int | None, float]:
        """The upper edge of each candidate's block at this step; None is the votes with nobody."""
        tops: dict[int | None, float] = {}
        y = _TOP
        for candidate in self._order:
            if step.votes[candidate] > 0:
                tops[candidate] = y
                y += step.votes[candidate] * self._scale + _GAP
        tops[None] = y
        return tops

    def _x(self, place: int) -> float:
        return 40 + self._room + self._step * place

    def _colour(self, candidate: int | None) -> str:
        if candidate is None:
            return LINE
        seat = self._seat.get(candidate)
        return OTHERS if seat is None else CHOSEN[seat % len(CHOSEN)]

    def _heading(self, place: int) -> None:
        x = self._x(place) + _BLOCK / 2
        drawing = self._drawing
        drawing.text(x, 116, f"{place + 1}", size=17, bold=True, anchor="middle")
        rows = wrapped(self._steps[place].title, _SMALL, self._step - 26, 2)
        for row, text in enumerate(rows):
            drawing.text(x, 134 + row * 15, text, size=_SMALL, colour=HINT, anchor="middle")

    def _ribbons(self, place: int) -> None:
        """What stays and what moves from the step before; what moves is painted over what stays."""
        before, now = self._steps[place - 1], self._steps[place]
        left, right = self._x(place - 1) + _BLOCK, self._x(place)
        tops_before, tops_now = self._tops[place - 1], self._tops[place]
        for candidate in self._order:
            stays = min(before.votes[candidate], now.votes[candidate])
            if stays > 0:
                colour = mixed(self._colour(candidate), 0.28)
                edge = (left, tops_before[candidate])
                self._drawing.ribbon(edge, (right, tops_now[candidate]), stays * self._scale, colour, 1)
        if before.gone > 0:
            edge = (left, tops_before[None])
            self._drawing.ribbon(edge, (right, tops_now[None]), before.gone * self._scale, mixed(LINE, 0.6), 1)
        if now.source is None or now.source not in tops_before:
            return
        start = tops_before[now.source] + now.votes[now.source] * self._scale
        moves: list[tuple[int | None, float]] = [*sorted(now.moves, key=lambda move: self._order.index(move[0]))]
        moves.append((None, now.gone - before.gone))
        colour = self._colour(now.source)
        for to, votes in moves:
            if votes <= 0:
                continue
            end = tops_now[to] + ((before.votes[to] if to is not None else before.gone) * self._scale)
            self._drawing.ribbon((left, start), (right, end), votes * self._scale, colour, 0.62)
            start += votes * self._scale

    def _blocks(self, place: int) -> None:
        step, tops, x = self._steps[place], self._tops[place], self._x(place)
        for candidate in self._order:
            votes = step.votes[candidate]
            if votes <= 0:
                continue
            height = max(votes * self._scale, 2)
            self._drawing.rect(x, tops[candidate], _BLOCK, height, self._colour(candidate), round=2)
            label = _votes(votes)
            if place:
                middle = tops[candidate] + height / 2 + 4
                if not self._steps[place - 1].votes[candidate]:  # whom nobody put first
                    label = f"{shortened(self._counted.names[candidate], _SMALL, self._step - 70)} {label}"
                mark = f"{label} ✓" if candidate in step.elected else label
                bold = candidate in step.elected
                self._drawing.text(x - 7, middle, mark, size=_SMALL, anchor="end", bold=bold, halo=True)
        if step.gone * self._scale >= 0.5:
            height = max(step.gone * self._scale, 2)
            self._drawing.rect(x, tops[None], _BLOCK, height, LINE, round=2)
            middle = tops[None] + height / 2 + 4
            self._drawing.text(x - 7, middle, _votes(step.gone), size=_SMALL, colour=HINT, anchor="end", halo=True)
            if place == len(self._steps) - 1:
                self._drawing.text(x + _BLOCK + 12, middle, "with nobody left to go to", size=_SMALL, colour=HINT)

    def _names(self) -> None:
        """Everybody's name and first preferences, left of the first column."""
        step, tops, x = self._steps[0], self._tops[0], self._x(0) - 12
        for candidate in self._order:
            votes = step.votes[candidate]
            if votes <= 0:
                continue
            middle = tops[candidate] + votes * self._scale / 2
            room = self._room - 16
            size, above = (_NAME, 2) if votes * self._scale + _GAP >= 34 else (_NAME - 2, 4)
            name = self._counted.names[candidate]
            mark = " ✓" if candidate in step.elected else ""
            bold = candidate in self._seat
            if above == 2:
                self._drawing.text(x, middle - 3, shortened(name, size, room), size=size, anchor="end", bold=bold)
                label = _votes(votes) + mark
                self._drawing.text(x, middle + 13, label, size=_SMALL, colour=HINT, anchor="end", bold=bool(mark))
            else:
                label = f"{_votes(votes)}{mark}"
                name = shortened(name, size, room - width_of(label, _SMALL) - 8)
                self._drawing.text(x, middle + 4, f"{name}  {label}", size=size, anchor="end", bold=bold)

    def _winners(self) -> None:
        """Those elected, in order, right of the last column."""
        step, tops, x = self._steps[-1], self._tops[-1], self._x(len(self._steps) - 1) + _BLOCK + 12
        for candidate, seat in self._seat.items():
            if step.votes[candidate] <= 0:
                continue
            middle = tops[candidate] + step.votes[candidate] * self._scale / 2
            name = shortened(self._counted.names[candidate], _NAME, self._room - 16)
            self._drawing.text(x, middle - 3, name, size=_NAME, bold=True, colour=self._colour(candidate))
            label = f"{_ordinal(seat + 1)} elected" if len(self._seat) > 1 else "elected"
            self._drawing.text(x, middle + 13, label, size=_SMALL, colour=INK)


def _votes(votes: float) -> str:
    text = f"{votes:,.1f}".replace(",", "\u202f")
    return text.removesuffix(".0")


def _ordinal(number: int) -> str:
    ends: Sequence[str] = ("th", "st", "nd", "rd")
    return f"{number}{ends[number % 10] if number % 10 < 4 and number % 100 not in (11, 12, 13) else 'th'}"
