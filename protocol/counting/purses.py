"""What voters have left while equal shares of a budget are being spent, exactly and fast.

All arithmetic is on integers. What is in a purse is a whole number of ``1/unit`` of money;
a purchase multiplies the unit by whatever part of its price's denominator the unit lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import gcd, lcm

from .ballots import BudgetElection, Weight

__all__ = ["Offer", "Purses", "Spending"]

Utility = Callable[[int, Weight], Weight]
"""What a project is worth to a voter, from its number and the points that she gave it."""


class Purses:
    """The voters of a budget and what each project is worth to them, before anything is bought.

    Voters to whom everything is worth the same pay the same in every round, so one purse
    stands for a group of them: ``weights[g]`` is a group's weight in units of ``1/ones``.
    ``supporters[p]`` are the groups to whom project p is worth anything, ``worth[p]`` what
    it is worth to each of them in units of ``1/grain``, and ``even[p]`` that worth where it
    is the same for all, else None. Costs and budget are in units of ``1/scale``.
    """

    __slots__ = ("budget", "costs", "even", "grain", "ones", "scale", "spread", "supporters", "weights", "worth")

    def __init__(self, election: BudgetElection, utility: Utility) -> None:
        groups: dict[tuple[tuple[int, Weight], ...], Weight] = {}
        for weight, support in election.voters:
            if weight == 0:
                continue
            worth = tuple((p, u) for p, u in ((p, utility(p, points)) for p, points in support) if u > 0)
            groups[worth] = groups.get(worth, 0) + weight
        self.ones = _denominator(groups.values())
        self.weights = [int(weight * self.ones) for weight in groups.values()]
        self.scale = _denominator((election.budget, *(project.cost for project in election.projects)))
        self.budget = int(election.budget * self.scale)
        self.costs = [int(project.cost * self.scale) for project in election.projects]
        self.grain = _denominator(u for worth in groups for _, u in worth)
        self.supporters: list[list[int]] = [[] for _ in self.costs]
        self.worth: list[list[int]] = [[] for _ in self.costs]
        for group, worth in enumerate(groups):
            for project, u in worth:
                self.supporters[project].append(group)
                self.worth[project].append(int(u * self.grain))
        self.even = [us[0] if us and min(us) == max(us) else None for us in self.worth]
        # A common multiple of what a project is worth turns money/worth into a whole number to sort by.
        self.spread = [1 if even is not None else lcm(*us) for even, us in zip(self.even, self.worth, strict=True)]

    def weight_of(self, groups: Iterable[int]) -> Fraction:
        """The weight of the voters in ``groups``."""
        return Fraction(sum(self.weights[g] for g in groups), self.ones)

    def value(self, project: int) -> Fraction:
        """What a project is worth to all who voted, for each unit of its cost, which is not 0."""
        worth = sum(self.weights[g] * u for g, u in zip(self.supporters[project], self.worth[project], strict=True))
        return Fraction(worth * self.scale, self.ones * self.grain * self.costs[project])

    def dearest(self, project: int) -> Fraction:
        """What a project is worth to whom it is worth most."""
        return Fraction(max(self.worth[project]), self.grain)


@dataclass(frozen=True, slots=True)
class Offer:
    """The price at which a project's supporters can buy it now.

    ``rho`` is the price, for a voter of weight 1, of one unit of what it is worth to her;
    ``need / many`` is the same in the integers of the purses.
    """

    project: int
    rho: Fraction
    need: int
    many: int


class Spending:
    """The purses while money is spent. ``raised`` is added to the share of each voter of weight 1."""

    __slots__ = ("_bounds", "_purses", "money", "unit")

    def __init__(self, purses: Purses, raised: int = 0) -> None:
        self._purses = purses
        weight = sum(purses.weights)
        share = Fraction(purses.budget, weight or 1) + Fraction(raised * purses.scale, purses.ones)
        self.unit = share.denominator
        self.money = [share.numerator] * len(purses.weights)
        # A rho never falls while purses empty, so the last one known is a lower bound.
        self._bounds = [(Fraction(0), p) for p, groups in enumerate(purses.supporters) if groups]
        heapify(self._bounds)

    def state(self) -> tuple[int, ...]:
        """What is in the purses, in lowest terms: all that the price of a project depends on."""
        common = gcd(self.unit, *self.money)
        return (self.unit // common, *(m // common for m in self.money))

    def left(self, groups: Iterable[int] | None = None) -> Fraction:
        """The money left to ``groups``, or to everybody."""
        weights, money = self._purses.weights, self.money
        chosen = range(len(money)) if groups is None else groups
        return Fraction(sum(weights[g] * money[g] for g in chosen), self.unit * self._purses.scale)

    def best(self) -> list[Offer]:
        """The offers with the smallest rho, by number of project; none when nothing can be bought."""
        offers: list[Offer] = []
        kept: list[tuple[Fraction, int]] = []
        while self._bounds and (not offers or self._bounds[0][0] <= offers[0].rho):
            _, project = heappop(self._bounds)
            offer = self._offer(project)
            if offer is None:
                continue
            kept.append((offer.rho, project))
            if offers and offer.rho < offers[0].rho:
                offers.clear()
            if not offers or offer.rho == offers[0].rho:
                offers.append(offer)
        for bound in kept:
            heappush(self._bounds, bound)
        return sorted(offers, key=lambda offer: offer.project)

    def rivals(self, offers: list[Offer]) -> list[Offer]:
        """The first of ``offers`` and those that its purchase may concern, through a chain of common payers.

        The others can be bought before or after these without a difference to anybody.
        """
        if offers[0].need == 0:
            return offers[:1]
        left = {offer.project: {g for g in self._purses.supporters[offer.project] if self.money[g]} for offer in offers}
        chain = [offers[0].project]
        payers = left.pop(chain[0])
        while near := [project for project, groups in left.items() if not payers.isdisjoint(groups)]:
            for project in near:
                payers |= left.pop(project)
            chain += near
        return [offer for offer in offers if offer.project in chain]

    def buy(self, offer: Offer) -> tuple[list[int], list[int]]:
        """Take the price from the purses: the groups that paid, and those of them that gave all they had."""
        purses, money = self._purses, self.money
        self._bounds = [bound for bound in self._bounds if bound[1] != offer.project]
        heapify(self._bounds)
        common = gcd(offer.need, offer.many)
        need, many = offer.need // common, offer.many // common
        if many > 1:
            self.unit *= many
            self.money = money = [m * many for m in money]
        paying: list[int] = []
        drained: list[int] = []
        for group, worth in zip(purses.supporters[offer.project], purses.worth[offer.project], strict=True):
            before = money[group]
            if before:
                after = before - need * worth
                paying.append(group)
                if after > 0:
                    money[group] = after
                else:
                    money[group] = 0
                    drained.append(group)
        return paying, drained

    def _offer(self, project: int) -> Offer | None:
        purses, money = self._purses, self.money
        weights = purses.weights
        even, spread = purses.even[project], purses.spread[project]
        # Purses with as much for the same worth are one: (money, worth) -> weight.
        rich: dict[tuple[int, int], int] = {}
        if even is not None:
            amounts: dict[int, int] = {}
            for group in purses.supporters[project]:
                amount = money[group]
                amounts[amount] = amounts.get(amount, 0) + weights[group]
            rich = {(amount, even): weight for amount, weight in sorted(amounts.items())}
        else:
            for group, worth in zip(purses.supporters[project], purses.worth[project], strict=True):
                key = (money[group], worth)
                rich[key] = rich.get(key, 0) + weights[group]
            rich = dict(sorted(rich.items(), key=lambda item: item[0][0] * (spread // item[0][1])))
        need = purses.costs[project] * self.unit
        if sum(amount * weight for (amount, _), weight in rich.items()) < need:
            return None
        many = sum(worth * weight for (_, worth), weight in rich.items())
        poorest = iter(rich.items())
        (amount, worth), weight = next(poorest)
        # Who cannot pay as much as the others gives all she has, and they share the rest; together they have enough.
        while need * worth > amount * many:
            need -= amount * weight
            many -= worth * weight
            (amount, worth), weight = next(poorest)
        rho = Fraction(need * purses.grain * purses.ones, many * self.unit * purses.scale)
        return Offer(project, rho, need, many)


def _denominator(values: Iterable[Weight]) -> int:
    return lcm(*(value.denominator for value in values))
