"""Elections are checked when they are built."""

from collections.abc import Callable
from fractions import Fraction

import pytest

from protocol.counting.ballots import (
    ApprovalElection,
    BudgetElection,
    Project,
    QuestionElection,
    RankedElection,
    ScoreElection,
)
from protocol.errors import Malformed

NAMES = ("Ada", "Ben", "Cleo")


@pytest.mark.parametrize(
    ("build", "rule"),
    [
        (lambda: RankedElection((), ()), "election.empty"),
        (lambda: RankedElection(NAMES, (), seats=0), "election.seats"),
        (lambda: RankedElection(NAMES, (), withdrawn=frozenset({3})), "ballot.unknown"),
        (lambda: RankedElection(NAMES, ((1, ((0,), ())),)), "ballot.empty-tier"),
        (lambda: RankedElection(NAMES, ((1, ((0,), (0, 1))),)), "ballot.twice"),
        (lambda: RankedElection(NAMES, ((1, ((0, 0),)),)), "ballot.twice"),
        (lambda: RankedElection(NAMES, ((1, ((3,),)),)), "ballot.unknown"),
        (lambda: RankedElection(NAMES, ((1, ((-1,),)),)), "ballot.unknown"),
        (lambda: RankedElection(NAMES, ((-1, ((0,),)),)), "ballot.weight"),
        (lambda: RankedElection(NAMES, ((True, ((0,),)),)), "ballot.weight"),
        (lambda: RankedElection(NAMES, ((1.0, ((0,),)),)), "ballot.weight"),  # type: ignore[arg-type]  # what is refused
        (lambda: ApprovalElection((), ()), "election.empty"),
        (lambda: ApprovalElection(NAMES, (), seats=-1), "election.seats"),
        (lambda: ApprovalElection(NAMES, ((1, frozenset({7})),)), "ballot.unknown"),
        (lambda: ScoreElection(NAMES, (), best=0), "election.scale"),
        (lambda: ScoreElection(NAMES, ((1, (1, 2)),), best=5), "ballot.length"),
        (lambda: ScoreElection(NAMES, ((1, (1, 2, 6)),), best=5), "ballot.grade"),
        (lambda: ScoreElection(NAMES, ((1, (1, None, -1)),), best=5), "ballot.grade"),
        (lambda: QuestionElection(((1, "yes"), (1, "no")), roll=1), "election.roll"),
        (lambda: QuestionElection(((1, "yes"), (1, "no")), roll=2, people=1), "election.roll"),
        (lambda: QuestionElection((), roll=-1), "ballot.weight"),
        (lambda: Project("", 1), "project.id"),
        (lambda: Project("well", -1), "project.cost"),
        (lambda: BudgetElection((), 10, ()), "election.empty"),
        (lambda: BudgetElection((Project("well", 1), Project("well", 2)), 10, ()), "project.twice"),
        (lambda: BudgetElection((Project("well", 1),), -1, ()), "election.budget"),
        (lambda: BudgetElection((Project("well", 1),), 1, ((1, ((1, 1),)),)), "ballot.unknown"),
        (lambda: BudgetElection((Project("well", 1),), 1, ((1, ((0, -1),)),)), "ballot.points"),
        (
            lambda: BudgetElection((Project("well", 1), Project("oven", 1)), 1, ((1, ((1, 1), (0, 1))),)),
            "ballot.order",
        ),
    ],
)
def test_faults_are_named(build: Callable[[], object], rule: str) -> None:
    with pytest.raises(Malformed) as fault:
        build()
    assert fault.value.rule == rule
    assert fault.value.message.endswith(".")


def test_two_candidates_may_share_a_name() -> None:
    assert RankedElection(("Smith", "Smith"), ()).standing == (0, 1)


def test_unranked_last_adds_one_tier_with_everyone_left_out() -> None:
    election = RankedElection(NAMES, ((1, ((1,),)), (2, ((2,), (0, 1))), (3, ()))).unranked_last()
    assert election.ballots == ((1, ((1,), (0, 2))), (2, ((2,), (0, 1))), (3, ((0, 1, 2),)))


def test_grouping_puts_equal_rankings_together_without_the_withdrawn() -> None:
    election = RankedElection(
        NAMES,
        ((1, ((0,), (1,))), (Fraction(1, 2), ((2, 0), (1,))), (2, ((0, 2), (1,))), (1, ((2,),))),
        withdrawn=frozenset({2}),
    )
    assert election.standing == (0, 1)
    assert election.grouped() == (((), 1), (((0,), (1,)), Fraction(7, 2)))


def test_grouping_sorts_candidates_within_a_tier() -> None:
    election = RankedElection(NAMES, ((1, ((2, 0), (1,))), (2, ((0, 2), (1,)))))
    assert election.grouped() == ((((0, 2), (1,)), 3),)


def test_a_budget_may_have_free_projects_and_voters_with_fractions() -> None:
    projects = (Project("seeds", 0), Project("well", Fraction(7, 3)))
    election = BudgetElection(projects, Fraction(5, 2), ((Fraction(1, 3), ((0, Fraction(1, 7)), (1, 2))),))
    assert election.projects[0].cost == 0
