"""Schulze against its definition, and what it promises."""

from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from protocol.counting.ballots import RankedElection, Weight
from protocol.counting.schulze import Matrix, pairwise_matrix, schulze_margins, schulze_winning
from protocol.counting.thresholds import HALF, at_least

from .elections import ranked_elections

elections = ranked_elections(one_seat=True)


def prefers(ranking: tuple[tuple[int, ...], ...], a: int, b: int) -> bool:
    place = {c: number for number, tier in enumerate(ranking) for c in tier}
    return a in place and b in place and place[a] < place[b]


def strength(wins: Matrix, a: int, b: int, *, margins: bool) -> Weight:
    if wins[a][b] <= wins[b][a]:
        return 0
    return wins[a][b] - wins[b][a] if margins else wins[a][b]


def widest(wins: Matrix, standing: tuple[int, ...], a: int, b: int, *, margins: bool) -> Weight:
    """The strongest of all chains from a to b, tried one by one."""
    others = [c for c in standing if c not in (a, b)]
    chains = ((a, *middle, b) for length in range(len(others) + 1) for middle in permutations(others, length))
    return max(
        min(strength(wins, chain[i], chain[i + 1], margins=margins) for i in range(len(chain) - 1)) for chain in chains
    )


@given(election=elections)
def test_pairs_and_paths_by_definition(election: RankedElection) -> None:
    size, standing = len(election.candidates), election.standing
    wins = tuple(
        tuple(
            sum(weight for weight, ranking in election.ballots if prefers(ranking, a, b))
            if a in standing and b in standing
            else 0
            for b in range(size)
        )
        for a in range(size)
    )
    assert tuple(map(tuple, pairwise_matrix(election))) == wins
    for rule, margins in ((schulze_winning, False), (schulze_margins, True)):
        result = rule(election)
        paths = result.rounds[0].paths
        place = {c: number for number, tier in enumerate(result.ranking) for c in tier}
        for a in standing:
            for b in standing:
                if a != b:
                    assert paths[a][b] == widest(wins, standing, a, b, margins=margins)
                    if paths[a][b] > paths[b][a]:
                        assert place[a] < place[b]


@given(election=elections)
def test_who_beats_everybody_wins_and_who_loses_to_everybody_is_last(election: RankedElection) -> None:
    wins, standing = pairwise_matrix(election), election.standing
    for rule in (schulze_winning, schulze_margins):
        ranking = rule(election).ranking
        for c in standing:
            others = [b for b in standing if b != c]
            if others and all(wins[c][b] > wins[b][c] for b in others):
                assert ranking[0] == (c,)
            if others and all(wins[c][b] < wins[b][c] for b in others):
                assert ranking[-1] == (c,)


@given(election=elections)
def test_winners_are_in_the_smallest_set_that_beats_all_others(election: RankedElection) -> None:
    wins, standing = pairwise_matrix(election), election.standing
    reach = {c: {c} for c in standing}  # whom c beats or equals, directly or through others
    changed = True
    while changed:
        changed = False
        for a in standing:
            new = {b for c in reach[a] for b in standing if wins[c][b] >= wins[b][c]} - reach[a]
            changed = changed or bool(new)
            reach[a] |= new
    smith = {a for a in standing if reach[a] == set(standing)}
    for rule in (schulze_winning, schulze_margins):
        assert set(rule(election).ranking[0]) <= smith


@given(election=elections)
def test_turning_every_ballot_round_unseats_a_sole_winner(election: RankedElection) -> None:
    complete = election.unranked_last()
    reversed_ballots = tuple((weight, ranking[::-1]) for weight, ranking in complete.ballots)
    for rule in (schulze_winning, schulze_margins):
        here, there = rule(complete).ranking, rule(replace(complete, ballots=reversed_ballots)).ranking
        if len(here[0]) == 1 and len(election.standing) > 1:
            assert there[0] != here[0]


@given(election=elections, data=st.data())
def test_what_is_taken_beats_the_status_quo(election: RankedElection, data: st.DataObject) -> None:
    status_quo = data.draw(st.sampled_from(election.standing))
    threshold = data.draw(st.sampled_from([None, at_least(2, 3)]))
    result = schulze_winning(election, status_quo=status_quo, threshold=threshold)
    wins = pairwise_matrix(election)

    def enough(c: int) -> bool:
        return (threshold or HALF).met(wins[c][status_quo], wins[c][status_quo] + wins[status_quo][c])

    (winner,) = result.elected
    if winner == status_quo:
        assert not any(enough(c) for c in election.standing if c != status_quo)
    else:
        assert enough(winner)
    assert sorted(c for tier in result.ranking for c in tier) == list(election.standing)
