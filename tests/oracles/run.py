"""Compare the counting rules with pref_voting, abcvoting and pabutools: `python tests/oracles/run.py [N]`.

Makes an environment for them in `.venv-oracles` at the first run, draws N elections of each
kind from a fixed seed (100 unless stated), counts them here and there, and prints how
many agree. The exit code is 1 when any does not.

Where the others break ties in ways of their own, only what the rules share is compared: the
irv of pref_voting looks at no earlier rounds, so its winners may be more; its Scottish
count draws lots, so elections in which ours does are left out.
"""

# ruff: noqa: T201  # a report on stdout is what this script is for

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv-oracles"
PACKAGES = ("pref_voting==1.18.2", "abcvoting==2.19.2", "pabutools==1.2.3")

sys.path.insert(0, str(ROOT))

from protocol.counting.approval import approval, score  # noqa: E402  # the line above finds it
from protocol.counting.ballots import (  # noqa: E402
    ApprovalElection,
    BudgetElection,
    Project,
    RankedElection,
    Result,
    ScoreElection,
)
from protocol.counting.equal_shares import (  # noqa: E402
    committee,
    equal_shares_cardinality,
    equal_shares_cost,
)
from protocol.counting.irv import instant_run_off  # noqa: E402
from protocol.counting.judgement import majority_judgement  # noqa: E402
from protocol.counting.schulze import schulze_margins, schulze_winning  # noqa: E402
from protocol.counting.stv import stv_scottish  # noqa: E402

Case = dict[str, Any]


def environment() -> Path:
    """The Python of the environment with the other libraries, made if it is not there."""
    python = HOME / "bin" / "python"
    ready = HOME / "ready"
    if not ready.exists() or ready.read_text("utf-8") != " ".join(PACKAGES):
        print(f"making {HOME.name} with {', '.join(PACKAGES)} ...", file=sys.stderr)
        venv.create(HOME, with_pip=True, clear=True)
        (HOME / ".gitignore").write_text("*\n", "utf-8")
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        ready.write_text(" ".join(PACKAGES), "utf-8")
    return python


def cases(number: int) -> Iterator[Case]:
    """Elections of every kind, the same every time."""
    chance = Random("folkmoot")
    for index in range(number):
        yield ranked_case(chance, strict=index % 2 == 0, complete=index % 4 == 0)
        size, best = chance.randint(2, 6), chance.randint(1, 6)
        ballots = [
            [chance.randint(1, 4), [chance.randint(0, best) for _ in range(size)]] for _ in range(chance.randint(1, 20))
        ]
        yield {"kind": "graded", "candidates": size, "best": best, "ballots": ballots}
        size = chance.randint(3, 7)
        approvals = [sorted(chance.sample(range(size), chance.randint(1, size))) for _ in range(chance.randint(3, 25))]
        yield {"kind": "approved", "candidates": size, "seats": chance.randint(1, size - 1), "ballots": approvals}
        costs = [chance.randint(1, 30) for _ in range(size)]
        yield {"kind": "budget", "costs": costs, "budget": max(costs) + chance.randint(0, 40), "ballots": approvals}


def ranked_case(chance: Random, *, strict: bool, complete: bool) -> Case:
    size = chance.randint(3, 8)
    ballots: list[list[Any]] = []
    for _ in range(chance.randint(3, 40)):
        order = chance.sample(range(size), size if complete else chance.randint(1, size))
        tiers: list[list[int]] = []
        for candidate in order:
            if tiers and not strict and chance.random() < 0.3:
                tiers[-1].append(candidate)
            else:
                tiers.append([candidate])
        ballots.append([chance.randint(1, 30), tiers])
    seats = chance.randint(1, size - 1)
    return {
        "kind": "ranked",
        "candidates": size,
        "seats": seats,
        "ballots": ballots,
        "strict": strict,
        "complete": complete,
    }


def outcomes(result: Result[Any]) -> list[list[int]]:
    if result.ties is None:
        return [sorted(result.elected)]
    return [list(outcome) for outcome in result.ties.outcomes]


def compare(case: Case, theirs: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Every rule that both know, and whether they agree on this election."""
    if case["kind"] == "ranked":
        yield from compare_ranked(case, theirs)
        return
    names = tuple(map(str, range(case.get("candidates", 0))))
    if case["kind"] == "graded":
        grades = ScoreElection(names, tuple((weight, tuple(given)) for weight, given in case["ballots"]), case["best"])
        yield "score/1", list(score(grades).ranking[0]) == theirs["score/1"]
        medians = list(majority_judgement(grades).rounds[0].medians)
        yield "majority-judgement/1 (medians)", medians == theirs["medians"]
    elif case["kind"] == "approved":
        ballots = tuple((1, frozenset(approved)) for approved in case["ballots"])
        approvals = ApprovalElection(names, ballots, case["seats"])
        yield "approval/1", outcomes(approval(approvals, all_ties=True)) == theirs["approval/1"]
        shares = equal_shares_cardinality(committee(approvals), all_ties=True)
        yield "equal-shares-cardinality/1 (committees)", outcomes(shares) == theirs["equal-shares-cardinality/1"]
    else:
        projects = tuple(Project(str(number), cost) for number, cost in enumerate(case["costs"]))
        voters = tuple((1, tuple((project, 1) for project in approved)) for approved in case["ballots"])
        budget = BudgetElection(projects, case["budget"], voters)
        for rule in (equal_shares_cost, equal_shares_cardinality):
            result = rule(budget, all_ties=True)
            yield f"{result.rule} (budgets)", outcomes(result) == theirs[result.rule]


def compare_ranked(case: Case, theirs: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    ballots = tuple((weight, tuple(map(tuple, ranking))) for weight, ranking in case["ballots"])
    names = tuple(map(str, range(case["candidates"])))
    one = RankedElection(names, ballots)
    for rule in (schulze_margins, schulze_winning):
        result = rule(one)
        yield result.rule, list(result.ranking[0]) == theirs[result.rule]
    winners = {outcome[0] for outcome in outcomes(instant_run_off(one, all_ties=True))}
    yield "irv/1", winners <= set(theirs["irv/1"])
    if case["strict"]:
        elected = stv_scottish(RankedElection(names, ballots, case["seats"]))
        if elected.ties is None:
            yield "stv-scottish/1", sorted(elected.elected) == theirs["stv-scottish/1"]


def main(number: int) -> int:
    python = environment()
    drawn = list(cases(number))
    asked = subprocess.run(
        [python, Path(__file__).with_name("theirs.py")],
        input=json.dumps(drawn),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    agreed: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    for case, theirs in zip(drawn, json.loads(asked.stdout), strict=True):
        for rule, same in compare(case, theirs):
            counted[rule] += 1
            agreed[rule] += same
            if not same:
                print(f"{rule} differs; they say {theirs} of {json.dumps(case)}")
    for rule in sorted(counted):
        print(f"{rule:<42} {agreed[rule]:>5} of {counted[rule]:>5} agree")
    return 0 if agreed == counted else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
