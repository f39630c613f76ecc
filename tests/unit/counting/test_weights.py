from fractions import Fraction

import pytest

from protocol.counting.approval import approval, score
from protocol.counting.ballots import (
    ApprovalElection,
    BudgetElection,
    Project,
    QuestionElection,
    RankedElection,
    ScoreElection,
)
from protocol.counting.majority import ADOPTED, simple_majority
from protocol.counting.schulze import schulze_winning
from protocol.counting.weights import beside, class_weights, in_each, one_vote_each, weighted
from protocol.errors import Malformed

HALF = Fraction(1, 2)


def test_the_weighted_result_has_the_equal_one_beside_it() -> None:
    election = ApprovalElection(("Ada", "Ben"), ((3, frozenset({0})), (1, frozenset({1})), (1, frozenset({1}))))
    both = beside(approval, election)
    assert both.result.elected == (0,)
    assert both.equal is not None
    assert both.equal.elected == (1,)


def test_equal_votes_need_no_second_count() -> None:
    election = ScoreElection(("Ada", "Ben"), ((1, (0, 1)),), best=1)
    assert beside(score, election).equal is None
    assert not weighted(election)


def test_a_question_whose_roll_is_weighted() -> None:
    election = QuestionElection(((3, "yes"), (1, "no"), (1, "no")), roll=5, people=3)
    both = beside(simple_majority, election)
    assert both.result.elected == ADOPTED
    assert both.equal is not None
    assert both.equal.elected == ()
    assert both.equal.rounds[0].roll == 3
    assert weighted(QuestionElection(((1, "yes"),), roll=5, people=3))
    assert not weighted(QuestionElection(((1, "yes"),), roll=3, people=3))
    assert not weighted(QuestionElection(((1, "yes"),), roll=3))


def test_a_question_that_does_not_say_how_many_people() -> None:
    with pytest.raises(Malformed) as fault:
        beside(simple_majority, QuestionElection(((2, "yes"),), roll=5))
    assert fault.value.rule == "election.people"


def test_one_vote_each_in_budgets_and_rankings() -> None:
    budget = BudgetElection((Project("well", 1),), 1, ((HALF, ((0, 1),)),))
    assert weighted(budget)
    assert one_vote_each(budget).voters == ((1, ((0, 1),)),)
    ranked = RankedElection(("A", "B"), ((2, ((0,),)), (1, ((1,),)), (1, ((1,),))), seats=1)
    both = beside(schulze_winning, ranked)
    assert both.equal is not None
    assert one_vote_each(ranked).ballots == ((1, ((0,),)), (1, ((1,),)), (1, ((1,),)))


def test_classes_weigh_their_shares() -> None:
    people = {"workers": 10, "users": 50, "authority": 1}
    weights = class_weights(people, dict.fromkeys(people, Fraction(1, 3)))
    assert weights == {"authority": Fraction(61, 3), "users": Fraction(61, 150), "workers": Fraction(61, 30)}
    assert {weights[name] * count for name, count in people.items()} == {Fraction(61, 3)}
    assert class_weights({"all": 7}, {"all": Fraction(1)}) == {"all": 1}


@pytest.mark.parametrize(
    ("people", "shares", "rule"),
    [
        ({"a": 1}, {"b": Fraction(1)}, "classes.names"),
        ({"a": 1, "b": 1}, {"a": HALF, "b": Fraction(1, 3)}, "classes.shares"),
        ({"a": 1, "b": 1}, {"a": Fraction(1), "b": Fraction(0)}, "classes.shares"),
        ({"a": 1, "b": 0}, {"a": HALF, "b": HALF}, "classes.empty"),
    ],
)
def test_faults_are_named(people: dict[str, int], shares: dict[str, Fraction], rule: str) -> None:
    with pytest.raises(Malformed) as fault:
        class_weights(people, shares)
    assert fault.value.rule == rule


def test_a_majority_in_each_class() -> None:
    yes = QuestionElection(((1, "yes"),), 1)
    no = QuestionElection(((1, "yes"), (1, "no")), 2)
    adopted, results = in_each(simple_majority, {"users": yes, "workers": no})
    assert not adopted
    assert [(name, bool(result.elected)) for name, result in results] == [("users", True), ("workers", False)]
    assert in_each(simple_majority, {"users": yes, "workers": yes})[0]
    with pytest.raises(Malformed) as fault:
        in_each(simple_majority, {})
    assert fault.value.rule == "classes.names"
