from fractions import Fraction

import pytest

from protocol.counting import completions
from protocol.counting.completions import (
    Added,
    CompletedRule,
    Raised,
    equal_shares_cardinality_add1,
    equal_shares_cardinality_add1_utilitarian,
    equal_shares_cardinality_utilitarian,
    equal_shares_cost_add1,
    equal_shares_cost_add1_utilitarian,
    equal_shares_cost_utilitarian,
)
from protocol.counting.equal_shares import Purchase, Shortfall
from protocol.counting.ties import ByOrder
from protocol.errors import Malformed

from .test_equal_shares import budget

ALL = {
    "equal-shares-cost-add1/1": equal_shares_cost_add1,
    "equal-shares-cost-utilitarian/1": equal_shares_cost_utilitarian,
    "equal-shares-cost-add1-utilitarian/1": equal_shares_cost_add1_utilitarian,
    "equal-shares-cardinality-add1/1": equal_shares_cardinality_add1,
    "equal-shares-cardinality-utilitarian/1": equal_shares_cardinality_utilitarian,
    "equal-shares-cardinality-add1-utilitarian/1": equal_shares_cardinality_add1_utilitarian,
}


@pytest.mark.parametrize("name", ALL)
def test_names(name: str) -> None:
    assert ALL[name](budget(10, (10,), (1, (0,)))).rule == name


def test_shares_are_raised_until_nothing_more_fits() -> None:
    # Two voters have 10 each. With 12 the one who wants 0 can pay for it, and everything is spent.
    result = equal_shares_cost_add1(budget(20, (12, 8), (1, (0,)), (1, (1,))))
    assert result.elected == (0, 1)
    assert result.rounds == (
        Raised(2),
        Purchase(0, Fraction(1), Fraction(12), Fraction(1), Fraction(1), Fraction(12)),
        Purchase(1, Fraction(1), Fraction(8), Fraction(1), Fraction(0), Fraction(4)),
    )


def test_shares_are_not_raised_beyond_the_budget() -> None:
    # Three voters have 10 each. With 12 both others could be paid for, together for 33 of 30.
    result = equal_shares_cost_add1(budget(30, (12, 9, 12), (1, (0,)), (1, (1,)), (1, (2,))))
    assert result.elected == (1,)
    assert result.rounds == (
        Raised(1),
        Purchase(1, Fraction(1), Fraction(9), Fraction(1), Fraction(0), Fraction(24)),
        Shortfall(0, Fraction(1), Fraction(11)),
        Shortfall(2, Fraction(1), Fraction(11)),
    )


def test_shares_are_not_raised_where_everything_is_spent() -> None:
    result = equal_shares_cost_add1(budget(20, (10, 10), (1, (0,)), (1, (1,))))
    assert result.elected == (0, 1)
    assert isinstance(result.rounds[0], Purchase)


def test_a_unit_of_money_that_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "MOST_RAISES", 3)
    election = budget(40, (30,), (1, (0,)), (1, ()), (1, ()), (1, ()))
    with pytest.raises(Malformed, match="larger unit") as fault:
        equal_shares_cost_add1(election)
    assert fault.value.rule == "equal-shares.unit"


def test_a_share_is_raised_for_each_voter_of_weight_one() -> None:
    election = budget(20, (12, 8), (Fraction(1, 2), (0,)), (Fraction(1, 2), (1,)))
    assert equal_shares_cost_add1(election).rounds[0] == Raised(4)


def test_the_rest_goes_to_what_is_worth_most_for_its_money() -> None:
    # Ten voters have 10 each: nobody can pay alone, and of the two that fit the first has more supporters.
    election = budget(100, (60, 40, 200), (4, (0,)), (3, (1,)), (3, (2,)))
    by_cost = equal_shares_cost_utilitarian(election)
    assert by_cost.elected == (0, 1)
    assert by_cost.rounds == (
        Added(0, Fraction(4), Fraction(40)),
        Added(1, Fraction(3), Fraction(0)),
        Shortfall(2, Fraction(3), Fraction(30)),
    )
    # Each worth 1: 3 for 40 is a better bargain than 4 for 60.
    assert equal_shares_cardinality_utilitarian(election).elected == (1, 0)


def test_what_nobody_wants_is_not_added() -> None:
    assert equal_shares_cost_utilitarian(budget(100, (60, 40), (4, (0,)))).elected == (0,)
    assert equal_shares_cost_add1(budget(100, (60, 40), (4, (0,)))).elected == (0,)


def test_equals_that_all_fit_are_no_tie() -> None:
    election = budget(100, (50, 50), (2, (0,)), (2, (1,)), (1, ()))
    result = equal_shares_cost_utilitarian(election, all_ties=True)
    assert (result.elected, result.ties) == ((0, 1), None)


def test_a_tie_for_the_rest() -> None:
    election = budget(100, (60, 60), (2, (0,)), (2, (1,)))
    result = equal_shares_cost_utilitarian(election, decider=ByOrder(((1,),)), all_ties=True)
    assert result.elected == (1,)
    assert result.ties is not None
    (lot,) = result.ties.lots
    assert (lot.round, lot.purpose, lot.among, lot.chosen) == (0, "complete", (0, 1), 1)
    assert result.ties.outcomes == ((0,), (1,))


def test_ties_among_purchases_decide_what_still_fits() -> None:
    # The two have 20 together for 0 or 1, which cost the same; the third, with 10, wants 2 for 15.
    election = budget(30, (20, 20, 15, 5), (1, (0, 1, 3)), (1, (0, 1)), (1, (2,)))
    result = equal_shares_cost_utilitarian(election, all_ties=True)
    assert result.elected == (0, 3)
    assert result.ties is not None
    assert result.ties.outcomes == ((0, 3), (1, 3))


def test_every_outcome_of_raising_where_ways_part() -> None:
    # Two have 10 each for 0 or 1; the third has 10 for 2. When shares have risen to 16 she can pay: together with 1
    # that is the budget, with 0 too much, and then what was bought before stands, be it 0 or 1.
    election = budget(30, (20, 14, 16), (1, (0, 1)), (1, (0, 1)), (1, (2,)))
    result = equal_shares_cost_add1(election, all_ties=True)
    assert result.ties is not None
    assert (result.elected, result.ties.outcomes) == ((0,), ((0,), (1,), (1, 2)))
    assert {lot.purpose for lot in result.ties.lots} == {"elect"}
    completed = equal_shares_cost_add1_utilitarian(election, all_ties=True)
    assert completed.ties is not None
    assert completed.ties.outcomes == ((0,), (1, 2))
    other_way = equal_shares_cost_add1(election, decider=ByOrder(((1,),)))
    assert other_way.ties is not None
    assert other_way.elected == (1, 2)
    assert other_way.ties.lots[1].purpose == "elect, shares raised by 1"


@pytest.mark.parametrize("rule", [equal_shares_cost_add1, equal_shares_cost_utilitarian])
def test_without_ties_there_is_nothing_to_list(rule: CompletedRule) -> None:
    assert rule(budget(20, (12, 8), (1, (0,)), (1, (1,))), all_ties=True).ties is None


def test_more_outcomes_than_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "MOST_COUNTS", 3)
    election = budget(20, (10,) * 5, (1, (0, 1, 2, 3, 4)), *[(1, ())] * 9)
    result = equal_shares_cost_utilitarian(election, all_ties=True)
    assert result.ties is not None
    assert not result.ties.complete
    assert result.elected in result.ties.outcomes
