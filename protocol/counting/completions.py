"""What becomes of the money that the Method of Equal Shares leaves over: rules that spend it.

``equal-shares-cost-add1/1``               everyone's share is raised by 1 as long as it helps
``equal-shares-cost-utilitarian/1``        what is worth most for its money is added
``equal-shares-cost-add1-utilitarian/1``   first the one, then the other
``equal-shares-cardinality-...``           the same, where every project is worth 1

*Add 1*: the method is counted again with one unit of money more for each voter (of weight
1), and once more, until nothing more fits into the budget, or what is bought would cost more
than the budget: then the count before stands. A tie is a question of its own each time the
method is counted. *Utilitarian*: of the projects that still fit,
the one that is worth most to all for its cost is added, and so on; by cost that is the one
with the most supporters. Both as in https://equalshares.net/implementation/completion.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol, TypeAlias

from ..errors import Malformed
from .ballots import BudgetElection, Lot, Result, Ties
from .equal_shares import Purchase, Shortfall, by_cost, by_number, shared, shortfalls
from .purses import Purses, Spending
from .ties import LISTED, MOST_COUNTS, Decider, Draws, every_outcome

__all__ = [
    "MOST_RAISES",
    "Added",
    "CompletedRound",
    "CompletedRule",
    "Raised",
    "equal_shares_cardinality_add1",
    "equal_shares_cardinality_add1_utilitarian",
    "equal_shares_cardinality_utilitarian",
    "equal_shares_cost_add1",
    "equal_shares_cost_add1_utilitarian",
    "equal_shares_cost_utilitarian",
]

MOST_RAISES: Final = 100_000
"""How often a share is raised by 1 before the unit of money is taken to be too small for this."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The purchases are those with every voter's share ``by`` higher than it is."""

    by: int


@dataclass(frozen=True, slots=True)
class Added:
    """A project was added from what was left: worth ``value`` to all for each unit of its cost."""

    project: int
    value: Fraction
    left: Fraction


CompletedRound: TypeAlias = Raised | Purchase | Added | Shortfall
"""How far shares were raised (if at all), the purchases, what was added, and what was not bought."""


class CompletedRule(Protocol):
    """A completed rule, called as every rule is."""

    def __call__(
        self, election: BudgetElection, *, decider: Decider = LISTED, all_ties: bool = False
    ) -> Result[CompletedRound]: ...


def _rule(name: str, worth: Callable[[BudgetElection], Purses], *, add_one: bool, utilitarian: bool) -> CompletedRule:
    def rule(election: BudgetElection, *, decider: Decider = LISTED, all_ties: bool = False) -> Result[CompletedRound]:
        purses = worth(election)
        lots: list[Lot] = []
        level = _add_one(purses, decider, lots) if add_one else _level(purses, decider, 0, lots)
        added = _utilitarian(purses, level.elected, decider, lots) if utilitarian else ()
        elected = level.elected + added
        ties = Ties(tuple(lots)) if lots else None
        if ties and all_ties:
            outcomes, complete = _every(purses, add_one=add_one, utilitarian=utilitarian)
            outcomes.add(frozenset(elected))
            ties = Ties(ties.lots, tuple(sorted(tuple(sorted(outcome)) for outcome in outcomes)), complete)
        rounds = (
            *((Raised(level.raised),) if level.raised else ()),
            *level.bought,
            *_additions(purses, level.elected, added),
            *shortfalls(purses, level.spending, elected),
        )
        return Result(name, elected, (), rounds, ties)

    return rule


@dataclass(frozen=True, slots=True)
class _Level:
    """What is bought when everybody's share is raised by ``raised``."""

    raised: int
    bought: tuple[Purchase, ...]
    spending: Spending

    @property
    def elected(self) -> tuple[int, ...]:
        return tuple(purchase.project for purchase in self.bought)


def _level(purses: Purses, decider: Decider, raised: int, lots: list[Lot]) -> _Level:
    draws = Draws(decider)
    bought, spending = shared(purses, draws, raised=raised)
    if draws.ties:
        lots.extend(draws.ties.lots)
    return _Level(raised, tuple(bought), spending)


def _add_one(purses: Purses, decider: Decider, lots: list[Lot]) -> _Level:
    # Nothing is bought beyond the budget while shares are as they are.
    level = _level(purses, decider, 0, lots)
    while _fitting(purses, level.elected):
        above = _level(purses, decider, _next_raise(level.raised), lots)
        if _rest(purses, above.elected) < 0:
            break
        level = above
    return level


def _next_raise(raised: int) -> int:
    if raised == MOST_RAISES:
        raise Malformed(
            "equal-shares.unit",
            f"Shares were raised {raised} times by 1 and the budget is not spent; state the money in a larger unit.",
        )
    return raised + 1


def _utilitarian(purses: Purses, elected: tuple[int, ...], decider: Decider, lots: list[Lot]) -> tuple[int, ...]:
    added: tuple[int, ...] = ()
    while tied := _next(purses, elected + added):
        chosen = tied[0]
        if len(tied) > 1:
            place = len(elected) + len(added)
            chosen = decider.pick(tied, round=place, purpose="complete", favours=True)
            lots.append(Lot(place, "complete", tied, chosen))
        added += (chosen,)
    return added


def _rest(purses: Purses, elected: Collection[int]) -> int:
    return purses.budget - sum(purses.costs[p] for p in elected)


def _fitting(purses: Purses, elected: Collection[int]) -> list[int]:
    """What somebody supports and is not elected, and costs no more than what is left."""
    rest = _rest(purses, elected)
    return [p for p, cost in enumerate(purses.costs) if cost <= rest and purses.supporters[p] and p not in elected]


def _next(purses: Purses, elected: Collection[int]) -> tuple[int, ...]:
    """Of what still fits, what is worth most for its money: all of it if only some can be had, else the first."""
    fitting = _fitting(purses, elected)
    values = {p: purses.value(p) for p in fitting}
    tied = tuple(p for p in fitting if values[p] == max(values.values()))
    return tied[:1] if sum(purses.costs[p] for p in tied) <= _rest(purses, elected) else tied


def _additions(purses: Purses, elected: tuple[int, ...], added: tuple[int, ...]) -> tuple[Added, ...]:
    rest = _rest(purses, elected)
    rounds: list[Added] = []
    for project in added:
        rest -= purses.costs[project]
        rounds.append(Added(project, purses.value(project), Fraction(rest, purses.scale)))
    return tuple(rounds)


def _every(purses: Purses, *, add_one: bool, utilitarian: bool) -> tuple[set[frozenset[int]], bool]:
    """Every set that other answers to the ties could have elected, and whether these are all."""
    outcomes, complete = _every_add_one(purses) if add_one else _every_level(purses, 0)
    if not utilitarian:
        return outcomes, complete
    seen: set[frozenset[int]] = set()
    waiting = sorted(outcomes, key=sorted)
    outcomes = set()
    while waiting and len(seen) < MOST_COUNTS:
        elected = waiting.pop()
        if elected in seen:
            continue
        seen.add(elected)
        tied = _next(purses, elected)
        waiting.extend(elected | {project} for project in tied)
        if not tied:
            outcomes.add(elected)
    return outcomes, complete and not waiting


def _every_level(purses: Purses, raised: int) -> tuple[set[frozenset[int]], bool]:
    def count(decider: Decider) -> Result[Purchase]:
        draws = Draws(decider)
        bought, _ = shared(purses, draws, raised=raised)
        return Result("", tuple(purchase.project for purchase in bought), (), (), draws.ties)

    result = every_outcome(count, count(LISTED))
    if result.ties is None:
        return {frozenset(result.elected)}, True
    return {frozenset(outcome) for outcome in result.ties.outcomes}, result.ties.complete


def _every_add_one(purses: Purses) -> tuple[set[frozenset[int]], bool]:
    outcomes: set[frozenset[int]] = set()
    raised = 0
    level, complete = _every_level(purses, raised)
    # One way of deciding ties may end the count where another goes on.
    while open := {elected for elected in level if _fitting(purses, elected)}:
        outcomes |= level - open
        raised = _next_raise(raised)
        above, all_of_it = _every_level(purses, raised)
        complete = complete and all_of_it
        level = {elected for elected in above if _rest(purses, elected) >= 0}
        if level != above:
            outcomes |= open
    return outcomes | level, complete


equal_shares_cost_add1: Final = _rule("equal-shares-cost-add1/1", by_cost, add_one=True, utilitarian=False)
equal_shares_cost_utilitarian: Final = _rule(
    "equal-shares-cost-utilitarian/1", by_cost, add_one=False, utilitarian=True
)
equal_shares_cost_add1_utilitarian: Final = _rule(
    "equal-shares-cost-add1-utilitarian/1", by_cost, add_one=True, utilitarian=True
)
equal_shares_cardinality_add1: Final = _rule(
    "equal-shares-cardinality-add1/1", by_number, add_one=True, utilitarian=False
)
equal_shares_cardinality_utilitarian: Final = _rule(
    "equal-shares-cardinality-utilitarian/1", by_number, add_one=False, utilitarian=True
)
equal_shares_cardinality_add1_utilitarian: Final = _rule(
    "equal-shares-cardinality-add1-utilitarian/1", by_number, add_one=True, utilitarian=True
)
