"""What pref_voting, abcvoting and pabutools say of elections given on stdin as JSON.

Run by `run.py` with the Python of an environment that has them; nothing else imports it.
One line of JSON in, a list of elections; one line out, a list of answers by method.
"""

from __future__ import annotations

import json
import sys
from typing import Any

# The three are installed only where this runs, never beside the project.
from abcvoting import abcrules  # type: ignore[import-not-found]
from abcvoting.preferences import Profile as Approvals  # type: ignore[import-not-found]
from pabutools.election import (  # type: ignore[import-not-found]
    ApprovalBallot,
    ApprovalProfile,
    Cardinality_Sat,
    Cost_Sat,
    Instance,
    Project,
)
from pabutools.rules import method_of_equal_shares  # type: ignore[import-not-found]
from pref_voting.grade_methods import score_voting  # type: ignore[import-not-found]
from pref_voting.grade_profiles import GradeProfile  # type: ignore[import-not-found]
from pref_voting.iterative_methods import instant_runoff_put, split_irv_put  # type: ignore[import-not-found]
from pref_voting.margin_based_methods import beat_path  # type: ignore[import-not-found]
from pref_voting.profiles import Profile  # type: ignore[import-not-found]
from pref_voting.profiles_with_ties import ProfileWithTies  # type: ignore[import-not-found]
from pref_voting.proportional_methods import stv_scottish  # type: ignore[import-not-found]


def ranked(case: dict[str, Any]) -> dict[str, Any]:
    places = [{c: place for place, tier in enumerate(ranking) for c in tier} for _, ranking in case["ballots"]]
    counts = [weight for weight, _ in case["ballots"]]
    profile = ProfileWithTies(places, rcounts=counts, candidates=list(range(case["candidates"])))
    answers = {
        "schulze-margins/1": sorted(map(int, beat_path(profile))),
        "schulze-winning/1": sorted(map(int, beat_path(profile, strength_function=profile.support))),
    }
    if case["complete"]:
        strict = Profile([[tier[0] for tier in ranking] for _, ranking in case["ballots"]], rcounts=counts)
        answers["irv/1"] = sorted(map(int, instant_runoff_put(strict)))
    else:
        answers["irv/1"] = sorted(map(int, split_irv_put(profile)))
    if case["strict"]:
        answers["stv-scottish/1"] = sorted(map(int, stv_scottish(profile, num_seats=case["seats"])))
    return answers


def graded(case: dict[str, Any]) -> dict[str, Any]:
    counts = [weight for weight, _ in case["ballots"]]
    maps = [dict(enumerate(grades)) for _, grades in case["ballots"]]
    profile = GradeProfile(maps, list(range(case["best"] + 1)), gcounts=counts)
    return {
        "score/1": sorted(map(int, score_voting(profile))),
        "medians": [int(profile.median(c)) for c in range(case["candidates"])],
    }


def approved(case: dict[str, Any]) -> dict[str, Any]:
    profile = Approvals(num_cand=case["candidates"])
    profile.add_voters([set(ballot) for ballot in case["ballots"]])
    seats = case["seats"]
    av = abcrules.compute_av(profile, committeesize=seats, resolute=False)
    mes = abcrules.compute_equal_shares(
        profile, committeesize=seats, resolute=False, algorithm="standard-fractions", completion=None
    )
    return {
        "approval/1": sorted(sorted(map(int, committee)) for committee in av),
        "equal-shares-cardinality/1": sorted(sorted(map(int, committee)) for committee in mes),
    }


def budget(case: dict[str, Any]) -> dict[str, Any]:
    projects = [Project(str(number), cost) for number, cost in enumerate(case["costs"])]
    instance = Instance(projects, budget_limit=case["budget"])
    ballots = [ApprovalBallot([projects[number] for number in ballot]) for ballot in case["ballots"]]
    profile = ApprovalProfile(ballots, instance=instance)
    answers = {}
    for rule, worth in (("equal-shares-cost/1", Cost_Sat), ("equal-shares-cardinality/1", Cardinality_Sat)):
        outcomes = method_of_equal_shares(instance, profile, sat_class=worth, resoluteness=False)
        answers[rule] = sorted({tuple(sorted(int(project.name) for project in outcome)) for outcome in outcomes})
    return answers


if __name__ == "__main__":
    kinds = {"ranked": ranked, "graded": graded, "approved": approved, "budget": budget}
    json.dump([kinds[case["kind"]](case) for case in json.load(sys.stdin)], sys.stdout)
