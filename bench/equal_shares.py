"""The Method of Equal Shares as the budget grows, by every rule of it.

The raw reference, in the same run on the same ballots, is the method written down plainly:
a purse of its own for each voter, in `fractions.Fraction`, every project priced in every
round. `ratio` is its time over that of the count: how many times faster the count is.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from random import Random
from time import perf_counter
from typing import Any

from protocol.counting.ballots import BudgetElection, Project, Result
from protocol.counting.completions import equal_shares_cost_add1, equal_shares_cost_utilitarian
from protocol.counting.equal_shares import equal_shares_cardinality, equal_shares_cost, equal_shares_points

__all__ = ["run", "table"]

_RULES: tuple[Callable[[BudgetElection], Result[Any]], ...] = (
    equal_shares_cost,
    equal_shares_cardinality,
    equal_shares_points,
    equal_shares_cost_utilitarian,
    equal_shares_cost_add1,
)


def run(quick: bool) -> dict[str, Any]:
    """Times in ms, the best of three; `quick` counts a hundred voters and ten projects, once."""
    times = 1 if quick else 3
    sizes = ((100, 10),) if quick else ((300, 20), (1_000, 30), (3_000, 50))
    growth = []
    for voters, projects in sizes:
        budget = _budget(voters, projects)
        counted, result = _best(partial(equal_shares_cost, budget), times)
        plain, plainly = _best(partial(_plainly, budget), 1)
        assert set(result.elected) == plainly, "two counts of one budget differ"
        growth.append(
            {
                "voters": voters,
                "projects": projects,
                "bought": len(plainly),
                "ms": _ms(counted),
                "raw_ms": _ms(plain),
                "ratio": round(plain / counted, 1),
            }
        )
    voters, projects = sizes[-1]
    budget = _budget(voters, projects)
    rules = {}
    for rule in _RULES:
        taken, result = _best(partial(rule, budget), times)
        rules[result.rule] = _ms(taken)
    return {"growth": growth, "rules": {"voters": voters, "projects": projects, "ms": rules}}


def table(result: dict[str, Any]) -> str:
    """A line a size, then a line a rule."""
    lines = [f"{'voters':>8}{'projects':>10}{'bought':>8}{'count ms':>10}{'plain ms':>10}{'ratio':>8}"]
    for of in result["growth"]:
        lines.append(
            f"{of['voters']:>8}{of['projects']:>10}{of['bought']:>8}{of['ms']:>10.1f}{of['raw_ms']:>10.1f}{of['ratio']:>8.1f}"
        )
    rules = result["rules"]
    lines += ["", f"{rules['voters']} voters, {rules['projects']} projects"]
    lines += [f"  {name:<36}{ms:>10.1f} ms" for name, ms in rules["ms"].items()]
    return "\n".join(lines)


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 3)


def _best(work: Callable[[], Any], times: int) -> tuple[float, Any]:
    best, found = float("inf"), None
    for _ in range(times):
        start = perf_counter()
        found = work()
        best = min(best, perf_counter() - start)
    return best, found


def _budget(voters: int, projects: int) -> BudgetElection:
    """Money for about a quarter of the projects; everyone gives points to some eight of them."""
    chance = Random(f"{voters} voters")
    listed = tuple(Project(f"project {number}", chance.randint(1_000, 80_000)) for number in range(projects))
    cast = []
    for _ in range(voters):
        named = sorted(chance.sample(range(projects), chance.randint(1, min(projects, 15))))
        cast.append((1, tuple((project, chance.randint(1, 9)) for project in named)))
    return BudgetElection(listed, sum(project.cost for project in listed) // 4, tuple(cast))


def _plainly(election: BudgetElection) -> set[int]:
    """What equal-shares-cost buys; ties go to the first project, as in the count."""
    share = Fraction(election.budget) / len(election.voters)
    purses = [share] * len(election.voters)
    supporters: dict[int, list[int]] = {project: [] for project in range(len(election.projects))}
    for voter, (_, support) in enumerate(election.voters):
        for project, _ in support:
            supporters[project].append(voter)
    bought: set[int] = set()
    while True:
        best: tuple[Fraction, int, Fraction] | None = None
        for project, group in supporters.items():
            cost = Fraction(election.projects[project].cost)
            if project in bought or sum(purses[voter] for voter in group) < cost:
                continue
            rest, payers = cost, len(group)
            for purse in sorted(purses[voter] for voter in group):
                if purse * payers >= rest:
                    break
                rest -= purse
                payers -= 1
            price = rest / payers
            if best is None or price / cost < best[0]:
                best = (price / cost, project, price)
        if best is None:
            return bought
        _, project, price = best
        bought.add(project)
        for voter in supporters[project]:
            purses[voter] -= min(purses[voter], price)
