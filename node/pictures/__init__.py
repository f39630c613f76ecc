"""Counts drawn: `svg` for a picture, `plotted` for the terminal."""

from __future__ import annotations

from node.elections.counted import Counted
from protocol.counting.ballots import BudgetElection
from protocol.counting.irv import RunOffRound
from protocol.counting.schulze import SchulzeRound
from protocol.counting.stv import Stage

from .bars import bars
from .flows import flows
from .matrix import matrix
from .money import money
from .terminal import plotted

__all__ = ["plotted", "svg"]


def svg(counted: Counted) -> str:
    """The picture that fits the rule: flows, a matrix of pairs, money by project, or bars."""
    first = counted.result.rounds[0] if counted.result.rounds else None
    if isinstance(first, Stage | RunOffRound):
        return str(flows(counted))
    if isinstance(first, SchulzeRound):
        return str(matrix(counted))
    if isinstance(counted.election, BudgetElection):
        return str(money(counted))
    return str(bars(counted))
