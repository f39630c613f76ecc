"""The Method of Equal Shares: everyone's share of the money buys what its supporters can pay for.

``equal-shares-cost/1``          a project is worth its cost to each who supports it
``equal-shares-cardinality/1``   a project is worth 1 to each who supports it
``equal-shares-points/1``        a project is worth the points that a ballot gives it

The money is shared out equally (by weight) among all who voted, whatever they voted for.
A project can be bought when its supporters together still have its cost. They share it so
that nobody pays more than ``rho`` for each unit of what it is worth to her: who has less
gives all she has left. Always the project with the smallest rho is bought next, until no
supporters can pay for theirs (Peters, Pierczyński, Skowron 2021, "Proportional Participatory
Budgeting with Additive Utilities", arXiv 2008.13276). There is no completion: money that no
group can spend together is left over; `completions` has the rules that spend it.

To support a project is to give it more than 0 points. A project that costs nothing is
bought at once if it is worth anything to anybody, which by cost it never is.

Projects with one rho are a tie only where they may concern each other, because somebody
with money left supports both; else each is bought in its turn and nothing depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from .ballots import ApprovalElection, BudgetElection, Project, Result
from .purses import Purses, Spending
from .ties import LISTED, Decider, Draws, every_outcome

__all__ = [
    "EqualSharesRound",
    "Purchase",
    "Shortfall",
    "by_cost",
    "by_number",
    "by_points",
    "committee",
    "equal_shares_cardinality",
    "equal_shares_cost",
    "equal_shares_points",
    "shared",
    "shortfalls",
]


@dataclass(frozen=True, slots=True)
class Purchase:
    """A project was bought by its supporters.

    ``rho`` is the price of one unit of what it is worth, ``price`` the most that a supporter
    of weight 1 paid. Supporters weighing ``paying`` had money left, of whom those weighing
    ``drained`` gave the last of it. ``left`` is what all voters together have afterwards.
    """

    project: int
    rho: Fraction
    price: Fraction
    paying: Fraction
    drained: Fraction
    left: Fraction


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A project was not bought: its supporters, of that weight, had only ``funds`` left in the end."""

    project: int
    supporters: Fraction
    funds: Fraction


EqualSharesRound: TypeAlias = Purchase | Shortfall
"""First the purchases in order, then what was not bought, in the order of the list."""


def by_cost(election: BudgetElection) -> Purses:
    """The voters, to whom a project that they support is worth its cost."""
    costs = [project.cost for project in election.projects]
    return Purses(election, lambda project, points: costs[project] if points > 0 else 0)


def by_number(election: BudgetElection) -> Purses:
    """The voters, to whom every project that they support is worth 1."""
    return Purses(election, lambda _, points: 1 if points > 0 else 0)


def by_points(election: BudgetElection) -> Purses:
    """The voters, to whom a project is worth the points that they gave it."""
    return Purses(election, lambda _, points: points)


def equal_shares_cost(
    election: BudgetElection, *, decider: Decider = LISTED, all_ties: bool = False
) -> Result[EqualSharesRound]:
    """``equal-shares-cost/1``: what a voter gets is the money spent on what she supports."""
    return _result("equal-shares-cost/1", by_cost(election), decider, all_ties)


def equal_shares_cardinality(
    election: BudgetElection, *, decider: Decider = LISTED, all_ties: bool = False
) -> Result[EqualSharesRound]:
    """``equal-shares-cardinality/1``: what a voter gets is the number of projects that she supports."""
    return _result("equal-shares-cardinality/1", by_number(election), decider, all_ties)


def equal_shares_points(
    election: BudgetElection, *, decider: Decider = LISTED, all_ties: bool = False
) -> Result[EqualSharesRound]:
    """``equal-shares-points/1``: what a voter gets is the points that she gave to what is bought."""
    return _result("equal-shares-points/1", by_points(election), decider, all_ties)


def committee(election: ApprovalElection) -> BudgetElection:
    """An election of several seats as a budget: every candidate costs 1, and the seats are the money.

    The projects' ids are the candidates' numbers, for two candidates may share a name.
    """
    projects = tuple(Project(str(number), 1, name) for number, name in enumerate(election.candidates))
    voters = tuple((weight, tuple((c, 1) for c in sorted(approved))) for weight, approved in election.ballots)
    return BudgetElection(projects, election.seats, voters, election.title)


def shared(purses: Purses, draws: Draws, *, raised: int = 0) -> tuple[list[Purchase], Spending]:
    """Buy what can be bought, each voter's share ``raised`` by that much; the purchases and what is left."""
    spending = Spending(purses, raised)
    bought: list[Purchase] = []
    purpose = f"elect, shares raised by {raised}" if raised else "elect"

    def state() -> tuple[frozenset[int], tuple[int, ...], int]:
        return frozenset(purchase.project for purchase in bought), spending.state(), raised

    while offers := spending.best():
        tied = {offer.project: offer for offer in spending.rivals(offers)}
        chosen = tied[draws.pick(tied, round=len(bought), purpose=purpose, favours=True, state=state)]
        paying, drained = spending.buy(chosen)
        bought.append(
            Purchase(
                chosen.project,
                chosen.rho,
                chosen.rho * purses.dearest(chosen.project),
                purses.weight_of(paying),
                purses.weight_of(drained),
                spending.left(),
            )
        )
    return bought, spending


def shortfalls(purses: Purses, spending: Spending, elected: tuple[int, ...]) -> tuple[Shortfall, ...]:
    """What the supporters of each project that is not elected have left."""
    return tuple(
        Shortfall(project, purses.weight_of(groups), spending.left(groups))
        for project, groups in enumerate(purses.supporters)
        if project not in elected
    )


def _result(rule: str, purses: Purses, decider: Decider, all_ties: bool) -> Result[EqualSharesRound]:
    def count(decider: Decider) -> Result[EqualSharesRound]:
        draws = Draws(decider)
        bought, spending = shared(purses, draws)
        elected = tuple(purchase.project for purchase in bought)
        short = shortfalls(purses, spending, elected)
        return Result(rule, elected, (), (*bought, *short), draws.ties)

    result = count(decider)
    return every_outcome(count, result) if all_ties else result
