from collections.abc import Callable
from fractions import Fraction

import pytest

from protocol.counting.ballots import ApprovalElection, BudgetElection, Project, Result, Support, Weight
from protocol.counting.equal_shares import (
    EqualSharesRound,
    Purchase,
    Shortfall,
    committee,
    equal_shares_cardinality,
    equal_shares_cost,
    equal_shares_points,
)
from protocol.counting.ties import ByOrder


def budget(money: Weight, costs: tuple[Weight, ...], *votes: tuple[Weight, tuple[int, ...]]) -> BudgetElection:
    projects = tuple(Project(str(number), cost) for number, cost in enumerate(costs))
    return BudgetElection(projects, money, tuple((weight, approvals(*named)) for weight, named in votes))


def approvals(*named: int) -> Support:
    return tuple((project, 1) for project in named)


def test_the_rules_differ_in_what_a_project_is_worth() -> None:
    # Six voters have 10 each. By number the cheap project is the better bargain, by cost the popular one.
    election = budget(60, (36, 10), (4, (0,)), (1, (0, 1)), (1, (1,)))
    by_cost = equal_shares_cost(election)
    by_number = equal_shares_cardinality(election)
    assert (by_cost.rule, by_number.rule) == ("equal-shares-cost/1", "equal-shares-cardinality/1")
    assert (by_cost.elected, by_number.elected) == ((0, 1), (1, 0))
    assert (by_cost.ranking, by_cost.ties) == ((), None)


def test_the_rounds_explain_the_count() -> None:
    # Three voters have 20 each; 0 costs its two supporters 15 each; of 1 the poorer pays her last 5.
    election = budget(60, (30, 15, 25), (1, (0, 1)), (1, (0,)), (1, (1, 2)))
    assert equal_shares_cost(election).rounds == (
        Purchase(0, Fraction(1, 2), Fraction(15), Fraction(2), Fraction(0), Fraction(30)),
        Purchase(1, Fraction(2, 3), Fraction(10), Fraction(2), Fraction(1), Fraction(15)),
        Shortfall(2, Fraction(1), Fraction(10)),
    )


def test_points_are_worth_what_they_say() -> None:
    projects = (Project("a", 30), Project("b", 30))
    election = BudgetElection(projects, 40, ((1, ((0, 1), (1, 3))), (1, ((0, 3), (1, 3)))))
    result = equal_shares_points(election)
    assert (result.rule, result.elected) == ("equal-shares-points/1", (1,))
    assert result.rounds[0] == Purchase(1, Fraction(5), Fraction(15), Fraction(2), Fraction(0), Fraction(10))


def test_unequal_points_are_paid_in_proportion_until_a_purse_is_empty() -> None:
    election = BudgetElection((Project("a", 14),), 20, ((1, ((0, 1),)), (1, ((0, 9),))))
    assert equal_shares_points(election).rounds == (
        Purchase(0, Fraction(4), Fraction(36), Fraction(2), Fraction(1), Fraction(6)),
    )


def test_whose_purse_is_empty_pays_for_nothing_more() -> None:
    # The first voter's 10 go into 0, which two want; the second still has 5 for 1, and the third 10.
    election = budget(30, (15, 12), (1, (0, 1)), (1, (0, 1)), (1, (1,)))
    rounds = equal_shares_cardinality(election).rounds
    assert rounds[0] == Purchase(1, Fraction(4), Fraction(4), Fraction(3), Fraction(0), Fraction(18))
    drained = budget(24, (16, 8), (1, (0,)), (1, (0, 1)), (1, (1,)))
    assert equal_shares_cost(drained).rounds == (
        Purchase(0, Fraction(1, 2), Fraction(8), Fraction(2), Fraction(2), Fraction(8)),
        Purchase(1, Fraction(1), Fraction(8), Fraction(1), Fraction(1), Fraction(0)),
    )


def test_fractions_of_money_of_points_and_of_weight() -> None:
    half = Fraction(1, 2)
    projects = (Project("a", Fraction(5, 2)), Project("b", Fraction(7, 3)))
    election = BudgetElection(
        projects, Fraction(9, 2), ((half, ((0, half),)), (Fraction(1, 3), ((1, Fraction(1, 7)),)))
    )
    result = equal_shares_points(election)
    assert result.elected == (0,)
    assert result.rounds == (
        Purchase(0, Fraction(10), Fraction(5), half, Fraction(0), Fraction(2)),
        Shortfall(1, Fraction(1, 3), Fraction(9, 5)),
    )


def test_who_votes_for_nothing_has_a_share_and_nobody_spends_it() -> None:
    assert equal_shares_cost(budget(20, (10,), (1, (0,)), (1, ()))).elected == (0,)
    assert equal_shares_cost(budget(20, (11,), (1, (0,)), (1, ()))).elected == ()


def test_voters_without_weight_and_elections_without_voters() -> None:
    election = budget(20, (10,), (0, (0,)), (1, ()))
    result = equal_shares_cardinality(election)
    assert (result.elected, result.rounds) == ((), (Shortfall(0, Fraction(0), Fraction(0)),))
    nobody = budget(20, (10, 0))
    assert equal_shares_cost(nobody).rounds == (
        Shortfall(0, Fraction(0), Fraction(0)),
        Shortfall(1, Fraction(0), Fraction(0)),
    )


def test_support_of_no_points_is_none() -> None:
    election = BudgetElection((Project("a", 1),), 9, ((1, ((0, 0),)),))
    for rule in (equal_shares_cost, equal_shares_cardinality, equal_shares_points):
        assert rule(election).elected == ()


def test_what_costs_nothing_is_bought_where_it_is_worth_anything() -> None:
    election = budget(10, (0, 10, 0, 0), (1, (0, 1, 2)), (1, (0, 1)))
    assert equal_shares_cardinality(election).elected == (0, 2, 1)
    assert equal_shares_cardinality(election, all_ties=True).ties is None
    assert equal_shares_cost(election).elected == (1,)


def test_a_tie_goes_to_the_decider_and_is_told() -> None:
    election = budget(10, (10, 10), (1, (0, 1)), (1, (0, 1)))
    result = equal_shares_cost(election)
    assert result.elected == (0,)
    assert result.ties is not None
    (lot,) = result.ties.lots
    assert (lot.round, lot.purpose, lot.among, lot.chosen) == (0, "elect", (0, 1), 0)
    assert result.ties.outcomes == ()
    assert equal_shares_cost(election, decider=ByOrder(((1,),))).elected == (1,)
    every = equal_shares_cost(election, all_ties=True)
    assert every.ties is not None
    assert (every.elected, every.ties.outcomes, every.ties.complete) == ((0,), ((0,), (1,)), True)


def test_equals_that_nobody_both_pays_for_are_no_tie() -> None:
    election = budget(20, (10, 10), (1, (0,)), (1, (1,)))
    result = equal_shares_cost(election, all_ties=True)
    assert (result.elected, result.ties) == ((0, 1), None)


def test_a_chain_of_common_payers_is_one_tie() -> None:
    # 0 and 2 have no payer in common, but both have one with 1; 3 stands apart.
    election = budget(40, (10, 10, 10, 10), (1, (0, 1)), (1, (1, 2)), (1, (0,)), (1, (2,)), (2, (3,)))
    result = equal_shares_cardinality(election, all_ties=True)
    assert result.ties is not None
    assert result.ties.lots[0].among == (0, 1, 2)
    assert all(3 in outcome for outcome in result.ties.outcomes)


def test_a_committee_is_a_budget_of_its_seats() -> None:
    approvals = ApprovalElection(
        ("Ann", "Ann", "Cyd"), ((4, frozenset({0, 1})), (2, frozenset({2}))), seats=3, title="The board"
    )
    election = committee(approvals)
    assert election == BudgetElection(
        (Project("0", 1, "Ann"), Project("1", 1, "Ann"), Project("2", 1, "Cyd")),
        3,
        ((4, ((0, 1), (1, 1))), (2, ((2, 1),))),
        "The board",
    )
    assert equal_shares_cardinality(election).elected == (0, 1, 2)


@pytest.mark.parametrize("rule", [equal_shares_cost, equal_shares_cardinality, equal_shares_points])
def test_without_money_nothing_is_bought(rule: Callable[[BudgetElection], Result[EqualSharesRound]]) -> None:
    assert rule(budget(0, (5, 5), (3, (0, 1)))).elected == ()
