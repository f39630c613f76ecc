"""Laws that hold for every rule: the order of ballots, who is called what, copies and weights."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.counting.approval import approval, score
from protocol.counting.ballots import ApprovalElection, RankedElection, Result, ScoreElection
from protocol.counting.irv import instant_run_off
from protocol.counting.judgement import majority_judgement
from protocol.counting.plain import plain
from protocol.counting.schulze import schulze_margins, schulze_winning
from protocol.counting.stv import stv_scottish
from protocol.counting.ties import ByLot

from .elections import (
    approval_elections,
    copies,
    ranked_elections,
    relabelled,
    renamed,
    scaled,
    score_elections,
    strict_elections,
)

RankedRule = Callable[..., Result[Any]]

RANKED = [
    pytest.param(schulze_winning, id="schulze-winning/1"),
    pytest.param(schulze_margins, id="schulze-margins/1"),
    pytest.param(instant_run_off, id="irv/1"),
    pytest.param(stv_scottish, id="stv-scottish/1"),
]

elections = ranked_elections(one_seat=True)


def outcomes(result: Result[Any]) -> tuple[tuple[int, ...], ...]:
    """Every set that can be elected."""
    if result.ties is None:
        return (tuple(sorted(result.elected)),)
    assert result.ties.complete
    return result.ties.outcomes


@pytest.mark.parametrize("rule", RANKED)
@given(election=elections, data=st.data())
def test_the_order_of_ballots_does_not_matter(rule: RankedRule, election: RankedElection, data: st.DataObject) -> None:
    shuffled = replace(election, ballots=tuple(data.draw(st.permutations(election.ballots))))
    assert rule(shuffled, all_ties=True) == rule(election, all_ties=True)


@pytest.mark.parametrize("rule", RANKED)
@given(election=elections, data=st.data())
def test_no_name_is_better_than_another(rule: RankedRule, election: RankedElection, data: st.DataObject) -> None:
    names = data.draw(st.permutations(range(len(election.candidates))))
    here = rule(election, all_ties=True)
    there = rule(relabelled(election, names), all_ties=True)
    assert outcomes(there) == renamed(outcomes(here), names)


@pytest.mark.parametrize("rule", RANKED)
@given(election=strict_elections(one_seat=True))
def test_a_weight_of_n_is_n_ballots(rule: RankedRule, election: RankedElection) -> None:
    assert rule(copies(election), all_ties=True) == rule(election, all_ties=True)


@pytest.mark.parametrize("rule", RANKED[:3])
@given(election=elections, factor=st.fractions(min_value=Fraction(1, 9), max_value=9, max_denominator=9))
def test_the_scale_of_weights_does_not_matter(rule: RankedRule, election: RankedElection, factor: Fraction) -> None:
    here, there = rule(election, all_ties=True), rule(scaled(election, factor), all_ties=True)
    assert (there.elected, there.ranking, there.ties) == (here.elected, here.ranking, here.ties)


@pytest.mark.parametrize("rule", RANKED)
@given(election=elections, seed=st.binary(max_size=4))
def test_a_lot_gives_one_of_the_listed_outcomes(rule: RankedRule, election: RankedElection, seed: bytes) -> None:
    listed = rule(election, all_ties=True)
    drawn = rule(election, decider=ByLot(seed))
    assert drawn == rule(election, decider=ByLot(seed))
    assert tuple(sorted(drawn.elected)) in outcomes(listed)
    assert (drawn.ties is None) == (listed.ties is None)


@pytest.mark.parametrize("rule", RANKED)
@given(election=elections)
def test_everyone_standing_is_ranked_once_and_nothing_is_a_float(rule: RankedRule, election: RankedElection) -> None:
    result = rule(election)
    assert sorted(c for tier in result.ranking for c in tier) == list(election.standing)
    assert result.elected[0] in result.ranking[0]
    plain(result)  # raises at a float


@pytest.mark.parametrize("rule", RANKED)
@given(election=elections, data=st.data())
def test_who_has_more_than_half_of_the_first_places_wins(
    rule: RankedRule, election: RankedElection, data: st.DataObject
) -> None:
    favourite = data.draw(st.sampled_from(election.standing))
    total = sum(weight for weight, _ in election.ballots)
    loyal = ((total + 1, ((favourite,),)),)
    full = replace(election, ballots=election.ballots + loyal).unranked_last()
    assert rule(full).elected == (favourite,)


@given(election=approval_elections(), data=st.data())
def test_approvals(election: ApprovalElection, data: st.DataObject) -> None:
    result = approval(election, all_ties=True)
    shuffled = replace(election, ballots=tuple(data.draw(st.permutations(election.ballots))))
    assert approval(shuffled, all_ties=True) == result
    assert len(result.elected) == election.seats
    worst = min(result.rounds[0].sums[c] for c in result.elected)
    assert all(result.rounds[0].sums[c] <= worst for c in range(len(election.candidates)) if c not in result.elected)
    # One more approval never unseats anybody.
    winner = result.elected[0]
    helped = replace(election, ballots=(*election.ballots, (1, frozenset({winner}))))
    assert winner in approval(helped).elected


@given(election=score_elections(), data=st.data())
def test_scores_of_one_grade_are_approvals(election: ScoreElection, data: st.DataObject) -> None:
    shuffled = replace(election, ballots=tuple(data.draw(st.permutations(election.ballots))))
    for rule in (score, majority_judgement):
        assert rule(shuffled, all_ties=True) == rule(election, all_ties=True)
        assert len(rule(election).elected) == election.seats
    if election.best == 1:
        approved = tuple((w, frozenset(c for c, grade in enumerate(g) if grade)) for w, g in election.ballots)
        same = approval(ApprovalElection(election.candidates, approved, election.seats), all_ties=True)
        graded = score(election, all_ties=True)
        assert (same.elected, same.ranking, same.ties) == (graded.elected, graded.ranking, graded.ties)
        assert majority_judgement(election).ranking == graded.ranking
