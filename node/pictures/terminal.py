"""A count drawn with letters, for a terminal of any width."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from node.elections.counted import Counted
from protocol.counting.approval import SumRound
from protocol.counting.ballots import BudgetElection
from protocol.counting.judgement import JudgementRound
from protocol.counting.schulze import SchulzeRound

from .money import amount, lines_of
from .stages import steps

__all__ = ["plotted"]

_EIGHTHS = " ▏▎▍▌▋▊▉"


def plotted(counted: Counted, width: int) -> str:
    """The drawing, as lines of at most ``width`` characters where that is possible at all."""
    width = max(40, min(width, 120))
    first = counted.result.rounds[0] if counted.result.rounds else None
    if isinstance(first, SchulzeRound):
        return _matrix(counted, first, width)
    if isinstance(counted.election, BudgetElection):
        return _money(counted, width)
    if isinstance(first, SumRound):
        return _sums(counted, first, width)
    if isinstance(first, JudgementRound):
        return _grades(counted, first, width)
    return _stages(counted, width)


def _bar(value: float, most: float, width: int) -> str:
    eighths = round(value / most * width * 8) if most > 0 else 0
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"


def _names(counted: Counted, numbers: Sequence[int], width: int) -> int:
    """How wide the column of names is: as the longest of them, but at most a third of the width."""
    return min(max(len(counted.label(c)) for c in numbers), max(width // 3, 10))


def _stages(counted: Counted, width: int) -> str:
    shown = steps(counted)
    order = [c for tier in counted.result.ranking for c in tier]
    names = max(_names(counted, order, width), len("nobody"))
    most = max((votes for step in shown for votes in step.votes), default=1.0)
    room = max(width - names - 24, 8)
    lines: list[str] = []
    for place, step in enumerate(shown, 1):
        lines.append(f"{place}. {_cut(step.title, width - 5)}")
        for candidate in order:
            if step.votes[candidate] <= 0 and candidate != step.source:
                continue
            gain = dict(step.moves).get(candidate, 0.0)
            end = "  elected" if candidate in step.elected else f"  +{gain:.1f}" if gain >= 0.05 else ""
            name = _cut(counted.label(candidate), names)
            bar = _bar(step.votes[candidate], most, room)
            lines.append(f"  {name:<{names}} {bar}{' ' if bar else ''}{step.votes[candidate]:.1f}{end}")
        if step.gone >= 0.05:
            lines.append(f"  {'nobody':<{names}} {_bar(step.gone, most, room)} {step.gone:.1f}")
        lines.append("")
    return "\n".join(lines).rstrip()


def _matrix(counted: Counted, round: SchulzeRound, width: int) -> str:
    """Rows against columns, both by place; a column is named by the number of its row."""
    order = [c for tier in counted.result.ranking for c in tier]
    cells = [[str(round.pairwise[a][b]) for b in order] for a in order]
    cell = max(3, *(len(text) for row in cells for text in row), len(str(len(order))) + 1) + 2
    names = _names(counted, order, width)
    lines = [" " * (names + 5) + "".join(f"{number:>{cell - 1}} " for number in range(1, len(order) + 1))]
    for row, a in enumerate(order):
        text = f"{row + 1:>3}. {_cut(counted.label(a), names):<{names}}"
        for column, b in enumerate(order):
            won = round.pairwise[a][b] > round.pairwise[b][a]
            text += f"{'· ' if a == b else cells[row][column] + ('*' if won else ' '):>{cell}}"
        lines.append(text.rstrip())
    lines += ["", "A row says how many ballots rank its candidate above that of each column; * where they are more."]
    return "\n".join(lines)


def _money(counted: Counted, width: int) -> str:
    found = lines_of(counted)
    most = float(max((line.cost for line in found), default=Fraction(1)))
    lines: list[str] = []
    for line in found:
        lines.append(_cut(f"{'✓' if line.bought else ' '} {counted.label(line.project)}", width))
        cost = amount(line.cost)
        room = max(width - len(cost) - 6, 8)
        full = round(float(line.cost) / most * room) if most else 0
        covered = full if line.bought else round(float(line.covered) / most * room) if most else 0
        lines.append(f"    {'█' * covered}{'░' * (full - covered)} {cost}")
        lines.append(_cut(f"    {line.said}", width))
    return "\n".join(lines)


def _sums(counted: Counted, round: SumRound, width: int) -> str:
    order = [c for tier in counted.result.ranking for c in tier]
    names = _names(counted, order, width)
    most = float(max(round.sums))
    room = max(width - names - 14, 8)
    return "\n".join(
        f"{'✓' if c in counted.result.elected else ' '} {_cut(counted.label(c), names):<{names}} "
        f"{_bar(float(round.sums[c]), most, room)} {float(round.sums[c]):.6g}"
        for c in order
    )


def _grades(counted: Counted, round: JudgementRound, width: int) -> str:
    """The share of each grade, best first, in the grade's own digit (or letter)."""
    order = [c for tier in counted.result.ranking for c in tier]
    names = _names(counted, order, width)
    room = max(width - names - 10, 8)
    cast = float(round.cast) or 1.0
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    lines: list[str] = []
    for c in order:
        bar, done = "", 0.0
        for grade in reversed(range(len(round.grades[c]))):
            done += float(round.grades[c][grade]) / cast * room
            bar += signs[grade % len(signs)] * (int(done + 0.5) - len(bar))
        mark = "✓" if c in counted.result.elected else " "
        lines.append(f"{mark} {_cut(counted.label(c), names):<{names}} {bar} {round.medians[c]}")
    return "\n".join(lines)
