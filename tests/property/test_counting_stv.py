"""The Scottish count: nothing is lost, solid groups get their seats, one seat is a run-off."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from protocol.counting.ballots import RankedElection, Weight
from protocol.counting.irv import instant_run_off
from protocol.counting.stv import UNIT, stv_scottish

from .elections import ranked_elections, strict_elections


@given(election=ranked_elections())
def test_every_vote_is_accounted_for_at_every_stage(election: RankedElection) -> None:
    result = stv_scottish(election)
    valid: Weight = 0
    for ranking, weight in election.grouped():
        if ranking and len(ranking[0]) == 1:
            valid += weight
    for stage in result.rounds:
        assert sum(stage.votes) + stage.exhausted + stage.lost == valid * UNIT // 1
        assert min(stage.votes) >= 0
        assert stage.exhausted >= 0
        assert stage.lost >= 0
        assert stage.quota == (valid // (election.seats + 1) + 1) * UNIT
    assert len(set(result.elected)) == len(result.elected) == min(election.seats, len(election.standing))
    assert result.elected == tuple(c for stage in result.rounds for c in stage.elected)


@given(election=strict_elections())
def test_whole_papers_lose_little_and_only_at_a_surplus(election: RankedElection) -> None:
    papers = sum(weight for weight, _ in election.ballots)
    for before, after in pairwise(stv_scottish(election).rounds):
        passed = sum(votes for _, votes in after.transfers)
        taken = before.votes[after.candidate or 0] - after.votes[after.candidate or 0]
        assert passed + after.exhausted - before.exhausted + after.lost - before.lost == taken
        most = papers if after.action == "surplus" else 0
        assert 0 <= after.lost - before.lost <= most


@given(election=strict_elections(one_seat=True))
def test_one_seat_is_an_instant_run_off(election: RankedElection) -> None:
    here, there = stv_scottish(election, all_ties=True), instant_run_off(election, all_ties=True)
    one = here.ties.outcomes if here.ties else (here.elected,)
    other = there.ties.outcomes if there.ties else (there.elected,)
    assert one == other


@given(election=strict_elections(), data=st.data())
def test_a_group_with_n_quotas_gets_n_seats(election: RankedElection, data: st.DataObject) -> None:
    """Droop proportionality: voters who put the same set of candidates before all others."""
    size = len(election.candidates)
    group = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    solid = data.draw(st.lists(st.tuples(st.integers(1, 9), st.permutations(sorted(group))), min_size=1, max_size=5))
    ballots = election.ballots + tuple((weight, tuple((c,) for c in order)) for weight, order in solid)
    full = RankedElection(election.candidates, ballots, election.seats)
    result = stv_scottish(full)
    quotas = sum(weight for weight, _ in solid) * UNIT // result.rounds[0].quota
    assert len(group & set(result.elected)) >= min(quotas, len(group), full.seats)
