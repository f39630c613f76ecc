"""Counting: a ward by Scottish STV, a ranking of options by Schulze, a budget by equal shares.

The raw reference of each is a plain loop in the same run that does only what no count can
go without: for STV one addition for each ballot's preferences read once, for Schulze one
for each pair on each ballot, for equal shares one for each supporter of each project bought.
`ratio` is that loop's time over the count's: 1 would be a count that costs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from time import perf_counter
from typing import Any

from protocol.counting.ballots import BudgetElection, Project, RankedElection, Ranking
from protocol.counting.equal_shares import equal_shares_cost
from protocol.counting.schulze import schulze_winning
from protocol.counting.stv import stv_scottish

__all__ = ["run", "table"]


def run(quick: bool) -> dict[str, Any]:
    """Times in ms, the best of several; `quick` divides the number of ballots by ten."""
    size, times = (10, 1) if quick else (1, 9)
    ward = _ward(5_000 // size)
    options = _options(1_000 // size, 20)
    budget = _budget(3_000 // size, 50)
    bought = equal_shares_cost(budget).elected
    return {
        "stv": {
            "ballots": len(ward.ballots),
            "candidates": len(ward.candidates),
            "seats": ward.seats,
            **_ratio(lambda: stv_scottish(ward), lambda: _read_preferences(ward), times),
        },
        "schulze": {
            "ballots": len(options.ballots),
            "candidates": len(options.candidates),
            **_ratio(lambda: schulze_winning(options), lambda: _read_pairs(options), times),
        },
        "equal_shares": {
            "ballots": len(budget.voters),
            "projects": len(budget.projects),
            "bought": len(bought),
            **_ratio(lambda: equal_shares_cost(budget), lambda: _read_supporters(budget, bought), min(times, 3)),
        },
    }


def table(result: dict[str, Any]) -> str:
    """One line a rule."""
    lines = [f"{'':<14}{'ballots':>8}{'count ms':>10}{'raw ms':>9}{'ratio':>7}"]
    for name, of in result.items():
        lines.append(f"{name:<14}{of['ballots']:>8}{of['ms']:>10.1f}{of['raw_ms']:>9.1f}{of['ratio']:>7.2f}")
    return "\n".join(lines)


def _ratio(count: Callable[[], object], raw: Callable[[], object], times: int) -> dict[str, float]:
    counted, plain = _best(count, times), _best(raw, times)
    return {"ms": round(counted * 1e3, 3), "raw_ms": round(plain * 1e3, 3), "ratio": round(plain / counted, 4)}


def _best(work: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(times):
        start = perf_counter()
        work()
        best = min(best, perf_counter() - start)
    return best


def _ward(ballots: int) -> RankedElection:
    """Eight candidates of four parties, four seats; most name a few, the party's own first."""
    chance = Random("ward")
    cast: list[tuple[int, Ranking]] = []
    for _ in range(ballots):
        party = chance.choices(range(4), (40, 30, 20, 10))[0]
        own = [2 * party, 2 * party + 1]
        others = [c for c in range(8) if c not in own]
        chance.shuffle(own)
        chance.shuffle(others)
        named = (own + others)[: chance.choices(range(1, 9), (15, 25, 25, 15, 8, 4, 3, 5))[0]]
        cast.append((1, tuple((c,) for c in named)))
    return RankedElection(tuple(f"candidate {number}" for number in range(8)), tuple(cast), 4)


def _options(ballots: int, options: int) -> RankedElection:
    """Every ballot ranks every option, each in an order of its own."""
    chance = Random("options")
    orders = (chance.sample(range(options), options) for _ in range(ballots))
    cast = tuple((1, tuple((c,) for c in order)) for order in orders)
    return RankedElection(tuple(f"option {number}" for number in range(options)), cast)


def _budget(voters: int, projects: int) -> BudgetElection:
    """Money for about a quarter of the projects; everyone supports some ten of them."""
    chance = Random("budget")
    listed = tuple(Project(f"project {number}", chance.randint(1_000, 80_000)) for number in range(projects))
    liked = [chance.random() for _ in range(projects)]
    cast = tuple((1, tuple((p, 1) for p in range(projects) if chance.random() < 0.4 * liked[p])) for _ in range(voters))
    return BudgetElection(listed, sum(project.cost for project in listed) // 4, cast)


def _read_preferences(election: RankedElection) -> int:
    read = 0
    for weight, ranking in election.ballots:
        for _ in ranking:
            read += int(weight)
    return read


def _read_pairs(election: RankedElection) -> int:
    read = 0
    size = len(election.candidates)
    pairs = range(size * (size - 1) // 2)
    for weight, _ in election.ballots:
        for _ in pairs:
            read += int(weight)
    return read


def _read_supporters(election: BudgetElection, bought: tuple[int, ...]) -> int:
    read = 0
    for _, support in election.voters:
        for project, points in support:
            if project in bought:
                read += int(points)
    return read
