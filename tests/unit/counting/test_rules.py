from pathlib import Path

import pytest

from protocol.counting.ballots import (
    ApprovalElection,
    BudgetElection,
    Project,
    QuestionElection,
    RankedElection,
    Result,
    ScoreElection,
)
from protocol.counting.rules import RULES, Rule, count, find
from protocol.counting.sortition import Pool
from protocol.counting.thresholds import at_least
from protocol.errors import Refusal


def test_every_name_has_a_version_and_they_are_sorted() -> None:
    assert list(RULES) == sorted(RULES)
    for name, rule in RULES.items():
        assert rule.name == name
        stem, slash, version = name.partition("/")
        assert (stem.replace("-", "").isalnum(), slash, version.isdigit()) == (True, "/", True)
        assert rule.required <= rule.settings


@pytest.mark.parametrize("name", sorted(RULES))
def test_results_carry_the_name_of_the_rule(name: str) -> None:
    rule = RULES[name]
    elections = {
        QuestionElection: QuestionElection(((1, rule.answers[0]),) if rule.answers else (), 1),
        RankedElection: RankedElection(("A", "B"), ((1, ((0,),)),)),
        ApprovalElection: ApprovalElection(("A", "B"), ((1, frozenset({0})),)),
        Pool: Pool(("A", "B"), 1),
    }
    settings = {"threshold": at_least(2, 3), "seed": b"seed"}
    given = {key: settings[key] for key in rule.required}
    result = count(name, elections.get(rule.takes) or example(rule), **given)
    assert isinstance(result, Result)
    assert result.rule == name


def example(rule: Rule) -> object:
    if rule.takes is ScoreElection:
        return ScoreElection(("A", "B"), ((1, (1, 0)),), best=1)
    return BudgetElection((Project("well", 1), Project("oven", 2)), 2, ((1, ((0, 1),)),))


def test_an_unknown_rule_or_version() -> None:
    for name in ("schulze", "schulze-winning/2", ""):
        refusal = find(name)
        assert isinstance(refusal, Refusal)
        assert refusal.rule == "counting.rule"
        assert "schulze-winning/1" in refusal.message
        assert count(name, QuestionElection((), 1)) == refusal


@pytest.mark.parametrize(
    ("name", "election", "settings", "rule"),
    [
        ("irv/1", QuestionElection((), 1), {}, "counting.election"),
        ("irv/1", RankedElection(("A",), ()), {"seed": b""}, "counting.setting"),
        ("majority-qualified/1", QuestionElection((), 1), {}, "counting.setting"),
        ("sortition/1", Pool(("A",), 1), {}, "counting.setting"),
        ("majority-simple/1", QuestionElection(((1, "perhaps"),), 1), {}, "ballot.answer"),
        ("irv/1", RankedElection(("A", "B"), (), seats=2), {}, "irv.seats"),
    ],
)
def test_refused_with_a_reason(name: str, election: object, settings: dict[str, object], rule: str) -> None:
    refusal = count(name, election, **settings)
    assert isinstance(refusal, Refusal)
    assert refusal.rule == rule
    assert refusal.message.endswith(".")


def test_every_rule_and_setting_is_in_the_reference() -> None:
    reference = (Path(__file__).parents[3] / "docs" / "reference" / "counting.md").read_text("utf-8")
    for name, rule in RULES.items():
        assert f"`{name}`" in reference
        for setting in rule.settings - {"decider", "all_ties"}:
            assert f"`{setting}`" in reference
