"""Hypothesis strategies for elections, and what the laws do to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import factorial

from hypothesis import strategies as st

from protocol.counting.ballots import ApprovalElection, RankedElection, Ranking, ScoreElection, Weight

__all__ = [
    "approval_elections",
    "copies",
    "ranked_elections",
    "relabelled",
    "renamed",
    "scaled",
    "score_elections",
    "strict_elections",
    "weights",
]

NAMES = "ABCDEFGH"

whole = st.integers(0, 5)
weights: st.SearchStrategy[Weight] = st.integers(0, 209).map(
    lambda number: number // 7 % 6 if number % 7 == 0 else Fraction(number // 7, number % 7 + 1)
)
"""Whole votes and fractions of up to a seventh."""


def rankings(size: int, *, ties: bool) -> st.SearchStrategy[Ranking]:
    """Any of the candidates in any order, equals together where ``ties`` are allowed.

    One number makes a ranking, for a draw a candidate is what makes such tests slow.
    """
    if ties:
        return st.integers(0, (size + 1) ** size - 1).map(lambda number: _by_places(number, size))
    return st.integers(0, factorial(size) * (size + 1) - 1).map(lambda number: _in_order(number, size))


def _by_places(number: int, size: int) -> Ranking:
    """Digits to the base size + 1: each candidate's place, 0 for none."""
    tiers: dict[int, list[int]] = {}
    for candidate in range(size):
        number, place = divmod(number, size + 1)
        if place:
            tiers.setdefault(place, []).append(candidate)
    return tuple(tuple(tiers[place]) for place in sorted(tiers))


def _in_order(number: int, size: int) -> Ranking:
    """How many are named, and a permutation in the factorial base."""
    number, named = divmod(number, size + 1)
    left = list(range(size))
    order: list[tuple[int, ...]] = []
    for remaining in range(size, size - named, -1):
        number, digit = divmod(number, remaining)
        order.append((left.pop(digit),))
    return tuple(order)


@st.composite
def ranked_elections(
    draw: st.DrawFn, *, weight: st.SearchStrategy[Weight] = weights, ties: bool = True, one_seat: bool = False
) -> RankedElection:
    """Up to six candidates and nine kinds of ballot; somebody may have withdrawn."""
    size = draw(st.integers(1, 6))
    ballots = draw(st.lists(st.tuples(weight, rankings(size, ties=ties)), max_size=9))
    withdrawn = draw(st.frozensets(st.integers(0, size - 1), max_size=size - 1))
    seats = 1 if one_seat else draw(st.integers(1, size))
    return RankedElection(tuple(NAMES[:size]), tuple(ballots), seats, withdrawn)


def strict_elections(*, one_seat: bool = False) -> st.SearchStrategy[RankedElection]:
    """Whole votes, no equal ranks."""
    return ranked_elections(weight=whole, ties=False, one_seat=one_seat)


@st.composite
def approval_elections(draw: st.DrawFn, *, weight: st.SearchStrategy[Weight] = weights) -> ApprovalElection:
    size = draw(st.integers(1, 6))
    ballots = draw(st.lists(st.tuples(weight, st.frozensets(st.integers(0, size - 1))), max_size=9))
    return ApprovalElection(tuple(NAMES[:size]), tuple(ballots), draw(st.integers(1, size)))


@st.composite
def score_elections(draw: st.DrawFn, *, weight: st.SearchStrategy[Weight] = weights) -> ScoreElection:
    size, best = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    grade = st.one_of(st.none(), st.integers(0, best))
    ballots = draw(st.lists(st.tuples(weight, st.tuples(*[grade] * size)), max_size=9))
    return ScoreElection(tuple(NAMES[:size]), tuple(ballots), best, draw(st.integers(1, size)))


def copies(election: RankedElection) -> RankedElection:
    """Every ballot of a whole weight n as n ballots of weight 1."""
    single = tuple((1, ranking) for weight, ranking in election.ballots for _ in range(int(weight)))
    return replace(election, ballots=single)


def relabelled(election: RankedElection, names: Sequence[int]) -> RankedElection:
    """The same election in which candidate c has the number ``names[c]``."""
    ballots = tuple(
        (weight, tuple(tuple(names[c] for c in tier) for tier in ranking)) for weight, ranking in election.ballots
    )
    return replace(election, ballots=ballots, withdrawn=frozenset(names[c] for c in election.withdrawn))


def renamed(sets: Sequence[Sequence[int]], names: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Sets of candidates under their new numbers, each ascending, in ascending order."""
    return tuple(sorted(tuple(sorted(names[c] for c in members)) for members in sets))


def scaled(election: RankedElection, factor: Fraction) -> RankedElection:
    """Every weight multiplied by the same factor."""
    return replace(election, ballots=tuple((weight * factor, ranking) for weight, ranking in election.ballots))
