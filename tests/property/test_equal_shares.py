"""Laws of the Method of Equal Shares, and a second count of it, one voter at a time in fractions."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.counting.ballots import BudgetElection, Project, Result, Support, Weight
from protocol.counting.completions import (
    equal_shares_cardinality_add1,
    equal_shares_cost_add1_utilitarian,
    equal_shares_cost_utilitarian,
)
from protocol.counting.equal_shares import (
    EqualSharesRound,
    Purchase,
    Shortfall,
    equal_shares_cardinality,
    equal_shares_cost,
    equal_shares_points,
)

RULES = (equal_shares_cost, equal_shares_cardinality, equal_shares_points)
EqualShares = Callable[..., Result[EqualSharesRound]]

money = st.integers(0, 240).map(lambda number: number // 4 if number % 4 else Fraction(number // 4, 3))
weights = st.integers(0, 9).map(lambda number: Fraction(number, 3) if number > 4 else number)
"""Whole and broken, each from one draw, for drawing is what takes the time here."""


@st.composite
def budgets(draw: st.DrawFn, weighed: bool = True) -> BudgetElection:
    costs = draw(st.lists(money, min_size=1, max_size=4))
    projects = tuple(Project(f"p{number}", cost) for number, cost in enumerate(costs))
    supports = st.integers(0, 4 ** len(costs) - 1).map(lambda number: _support(number, len(costs)))
    voters = st.tuples(weights if weighed else st.just(1), supports)
    return BudgetElection(projects, draw(money), tuple(draw(st.lists(voters, max_size=6))))


def _support(number: int, count: int) -> Support:
    """Points from 0 to 3 for each project, as digits to the base 4; who gives none names the odd projects only."""
    digits = [(project, number // 4**project % 4) for project in range(count)]
    return tuple((project, points) for project, points in digits if points or project % 2)


def worth(rule: EqualShares, election: BudgetElection, project: int, points: Weight) -> Fraction:
    if rule is equal_shares_points:
        return Fraction(points)
    value = election.projects[project].cost if rule is equal_shares_cost else 1
    return Fraction(value) if points > 0 else Fraction(0)


def by_hand(rule: EqualShares, election: BudgetElection) -> set[frozenset[int]]:
    """Every outcome, each voter with a purse of her own, trying every order of equals."""
    total = sum(weight for weight, _ in election.voters)
    voters = [(Fraction(weight), dict(support)) for weight, support in election.voters if weight > 0]
    purses = tuple(Fraction(election.budget) * weight / Fraction(total) for weight, _ in voters)
    found: set[frozenset[int]] = set()
    waiting: list[tuple[frozenset[int], tuple[Fraction, ...]]] = [(frozenset(), purses)]
    seen = set(waiting)
    while waiting:
        bought, purses = waiting.pop()
        offers: dict[int, Fraction] = {}
        for project in range(len(election.projects)):
            if project not in bought:
                gains = [w * worth(rule, election, project, points.get(project, 0)) for w, points in voters]
                rho = price(Fraction(election.projects[project].cost), gains, purses)
                if rho is not None:
                    offers[project] = rho
        if not offers:
            found.add(bought)
            continue
        for project, rho in offers.items():
            if rho == min(offers.values()):
                gains = [w * worth(rule, election, project, points.get(project, 0)) for w, points in voters]
                left = tuple(purse - min(purse, rho * gain) for purse, gain in zip(purses, gains, strict=True))
                state = (bought | {project}, left)
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
    return found


def price(cost: Fraction, gains: list[Fraction], purses: tuple[Fraction, ...]) -> Fraction | None:
    """The rho at which all pay ``min(purse, rho * gain)`` and the cost comes together, found by trying every split."""
    if not any(gains) or sum(purse for purse, gain in zip(purses, gains, strict=True) if gain) < cost:
        return None
    edges = sorted({purse / gain for purse, gain in zip(purses, gains, strict=True) if gain})
    paid = Fraction(0)
    for edge in edges:
        paid = sum((min(purse, edge * gain) for purse, gain in zip(purses, gains, strict=True)), start=Fraction(0))
        if paid >= cost:
            poor = sum(p for p, g in zip(purses, gains, strict=True) if g and p / g < edge)
            rich = sum(g for p, g in zip(purses, gains, strict=True) if g and p / g >= edge)
            return (cost - poor) / rich
    raise AssertionError((cost, gains, purses, paid))


@pytest.mark.parametrize("rule", RULES)
@given(election=budgets())
def test_every_outcome_is_that_of_the_count_by_hand(rule: EqualShares, election: BudgetElection) -> None:
    result = rule(election, all_ties=True)
    found = result.ties.outcomes if result.ties else (tuple(sorted(result.elected)),)
    assert {frozenset(outcome) for outcome in found} == by_hand(rule, election)
    assert tuple(sorted(result.elected)) in found


@pytest.mark.parametrize("rule", RULES)
@given(election=budgets())
def test_the_rounds_add_up(rule: EqualShares, election: BudgetElection) -> None:
    result = rule(election)
    purchases = [round for round in result.rounds if isinstance(round, Purchase)]
    assert [purchase.project for purchase in purchases] == list(result.elected)
    assert [purchase.rho for purchase in purchases] == sorted(purchase.rho for purchase in purchases)
    left = Fraction(election.budget) if any(weight for weight, _ in election.voters) else Fraction(0)
    for purchase in purchases:
        left -= election.projects[purchase.project].cost
        assert purchase.left == left
        assert 0 <= purchase.drained <= purchase.paying
    assert left >= 0
    for shortfall in result.rounds[len(purchases) :]:
        assert isinstance(shortfall, Shortfall)
        assert shortfall.supporters == 0 or shortfall.funds < election.projects[shortfall.project].cost


@pytest.mark.parametrize("rule", RULES)
@given(election=budgets(), factor=st.sampled_from((Fraction(1, 7), Fraction(5, 3), Fraction(4))), data=st.data())
def test_order_weights_and_the_unit_of_money_change_nothing(
    rule: EqualShares, election: BudgetElection, factor: Fraction, data: st.DataObject
) -> None:
    result = rule(election)
    voters = data.draw(st.permutations(election.voters))
    assert rule(replace(election, voters=tuple(voters))) == result
    heavier = tuple((weight * factor, support) for weight, support in election.voters)
    assert rule(replace(election, voters=heavier)).elected == result.elected
    dearer = tuple(replace(project, cost=project.cost * factor) for project in election.projects)
    assert rule(replace(election, projects=dearer, budget=election.budget * factor)).elected == result.elected


@pytest.mark.parametrize("rule", RULES)
@given(election=budgets(weighed=False))
def test_a_weight_is_as_many_voters(rule: EqualShares, election: BudgetElection) -> None:
    ones: list[tuple[Weight, Support]] = []
    doubled: list[tuple[Weight, Support]] = []
    for place, (_, support) in enumerate(election.voters):
        ones += [(1, support)] * (place % 3 + 1)
        doubled.append((place % 3 + 1, support))
    single = rule(replace(election, voters=tuple(ones)))
    assert rule(replace(election, voters=tuple(doubled))) == single


@pytest.mark.parametrize("rule", RULES)
@given(election=budgets(weighed=False))
def test_a_group_that_agrees_gets_its_share(rule: EqualShares, election: BudgetElection) -> None:
    """Who all support one project and hold its cost between them do not go away with nothing (as they all give it one point)."""
    result = rule(election)
    count = len(election.voters)
    for project, (id, cost) in enumerate((project.id, project.cost) for project in election.projects):
        group = [support for _, support in election.voters if support == ((project, 1),)]
        if cost > 0 and count and Fraction(election.budget) * len(group) / count >= cost:
            assert project in result.elected, id


@pytest.mark.parametrize("rule", [equal_shares_cost_utilitarian, equal_shares_cost_add1_utilitarian])
@given(election=budgets(weighed=False))
def test_after_a_utilitarian_completion_nothing_that_is_wanted_fits(
    rule: EqualShares, election: BudgetElection
) -> None:
    result = rule(election, all_ties=True)
    for elected in result.ties.outcomes if result.ties else (result.elected,):
        rest = election.budget - sum(election.projects[p].cost for p in elected)
        assert rest >= 0
        wanted = {p for _, support in election.voters for p, points in support if points > 0}
        assert all(
            election.projects[p].cost == 0 or election.projects[p].cost > rest for p in wanted.difference(elected)
        )


@given(election=budgets(weighed=False))
def test_raising_shares_stays_within_the_budget(election: BudgetElection) -> None:
    result = equal_shares_cardinality_add1(election, all_ties=True)
    outcomes = result.ties.outcomes if result.ties else (tuple(sorted(result.elected)),)
    assert tuple(sorted(result.elected)) in outcomes
    for elected in outcomes:
        assert sum(election.projects[p].cost for p in elected) <= election.budget
