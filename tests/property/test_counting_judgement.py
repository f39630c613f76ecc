"""Majority judgement against its definition: take one median after the other."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.counting.ballots import ScoreElection
from protocol.counting.judgement import majority_judgement

from .elections import score_elections


def medians(election: ScoreElection, candidate: int) -> tuple[int, ...]:
    """The grades in the order in which medians are taken off."""
    left = sorted(grades[candidate] or 0 for weight, grades in election.ballots for _ in range(int(weight)))
    taken: list[int] = []
    while left:
        taken.append(left.pop((len(left) - 1) // 2))
    return tuple(taken)


@given(election=score_elections(weight=st.integers(0, 4)))
def test_the_ranking_is_by_medians_taken_off_one_by_one(election: ScoreElection) -> None:
    keys = [medians(election, candidate) for candidate in range(len(election.candidates))]
    expected = [[c for c, own in enumerate(keys) if own == key] for key in sorted(set(keys), reverse=True)]
    result = majority_judgement(election)
    assert [list(tier) for tier in result.ranking] == expected
    assert result.rounds[0].medians == tuple(key[0] if key else None for key in keys)
