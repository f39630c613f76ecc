"""Every counting rule by its versioned name.

A ballot pins a rule's name and its settings. A version never changes its meaning: what
counts differently is another rule. `count` refuses with a reason whatever the rule does
not know, so that a ballot can be checked before anybody votes in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from ..errors import Malformed, Refusal
from . import consent as consent_rule
from . import majority
from .approval import approval, score
from .ballots import (
    ApprovalElection,
    BudgetElection,
    QuestionElection,
    RankedElection,
    Result,
    ScoreElection,
)
from .completions import (
    equal_shares_cardinality_add1,
    equal_shares_cardinality_add1_utilitarian,
    equal_shares_cardinality_utilitarian,
    equal_shares_cost_add1,
    equal_shares_cost_add1_utilitarian,
    equal_shares_cost_utilitarian,
)
from .equal_shares import equal_shares_cardinality, equal_shares_cost, equal_shares_points
from .irv import instant_run_off
from .judgement import majority_judgement
from .schulze import schulze_margins, schulze_winning
from .sortition import Pool, sortition
from .stv import stv_scottish

__all__ = ["RULES", "Rule", "count", "find"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its versioned name, the kind of election it takes, and how it counts one.

    ``settings`` are the keyword arguments that ``count`` takes, of which those in
    ``required`` must be given. ``answers`` are the choices that a question's ballots may
    make; they are empty where the candidates are the choices.
    """

    name: str
    title: str
    takes: type[RankedElection | ApprovalElection | ScoreElection | QuestionElection | BudgetElection | Pool]
    count: Callable[..., Result[Any]]
    settings: frozenset[str]
    required: frozenset[str] = frozenset()
    answers: tuple[str, ...] = ()


_TIES: Final = frozenset({"decider", "all_ties"})
_SCHULZE: Final = _TIES | {"status_quo", "threshold"}


def _by_name(rules: Iterable[Rule]) -> Mapping[str, Rule]:
    return MappingProxyType({rule.name: rule for rule in sorted(rules, key=lambda rule: rule.name)})


RULES: Final[Mapping[str, Rule]] = _by_name(
    (
        Rule(
            "majority-simple/1",
            "more yes than no",
            QuestionElection,
            majority.simple_majority,
            frozenset({"quorum"}),
            answers=majority.ANSWERS,
        ),
        Rule(
            "majority-absolute/1",
            "yes from more than half of the roll",
            QuestionElection,
            majority.absolute_majority,
            frozenset({"quorum"}),
            answers=majority.ANSWERS,
        ),
        Rule(
            "majority-qualified/1",
            "yes from a stated share",
            QuestionElection,
            majority.qualified_majority,
            frozenset({"quorum", "threshold", "base"}),
            required=frozenset({"threshold"}),
            answers=majority.ANSWERS,
        ),
        Rule(
            "consent/1",
            "agree, abstain, disagree or block",
            QuestionElection,
            consent_rule.consent,
            frozenset({"quorum", "threshold", "block", "block_threshold"}),
            answers=consent_rule.ANSWERS,
        ),
        Rule("approval/1", "most approvals", ApprovalElection, approval, _TIES),
        Rule("score/1", "greatest sum of grades", ScoreElection, score, _TIES),
        Rule("majority-judgement/1", "best median grade", ScoreElection, majority_judgement, _TIES),
        Rule("schulze-winning/1", "strongest chains by winning votes", RankedElection, schulze_winning, _SCHULZE),
        Rule("schulze-margins/1", "strongest chains by margins", RankedElection, schulze_margins, _SCHULZE),
        Rule("irv/1", "instant run-off", RankedElection, instant_run_off, _TIES),
        Rule("stv-scottish/1", "single transferable vote of Scottish law", RankedElection, stv_scottish, _TIES),
        Rule("equal-shares-cost/1", "equal shares, worth by cost", BudgetElection, equal_shares_cost, _TIES),
        Rule(
            "equal-shares-cardinality/1",
            "equal shares, every project worth the same",
            BudgetElection,
            equal_shares_cardinality,
            _TIES,
        ),
        Rule("equal-shares-points/1", "equal shares, worth by points", BudgetElection, equal_shares_points, _TIES),
        Rule(
            "equal-shares-cost-add1/1",
            "equal shares, worth by cost, shares raised until the money is spent",
            BudgetElection,
            equal_shares_cost_add1,
            _TIES,
        ),
        Rule(
            "equal-shares-cost-utilitarian/1",
            "equal shares, worth by cost, the rest to what is worth most for its money",
            BudgetElection,
            equal_shares_cost_utilitarian,
            _TIES,
        ),
        Rule(
            "equal-shares-cost-add1-utilitarian/1",
            "equal shares, worth by cost, shares raised, then the rest to what is worth most",
            BudgetElection,
            equal_shares_cost_add1_utilitarian,
            _TIES,
        ),
        Rule(
            "equal-shares-cardinality-add1/1",
            "equal shares, every project worth the same, shares raised until the money is spent",
            BudgetElection,
            equal_shares_cardinality_add1,
            _TIES,
        ),
        Rule(
            "equal-shares-cardinality-utilitarian/1",
            "equal shares, every project worth the same, the rest to what is worth most for its money",
            BudgetElection,
            equal_shares_cardinality_utilitarian,
            _TIES,
        ),
        Rule(
            "equal-shares-cardinality-add1-utilitarian/1",
            "equal shares, every project worth the same, shares raised, then the rest to what is worth most",
            BudgetElection,
            equal_shares_cardinality_add1_utilitarian,
            _TIES,
        ),
        Rule("sortition/1", "by lot, in shares", Pool, sortition, frozenset({"seed"}), required=frozenset({"seed"})),
    )
)


def find(name: str) -> Rule | Refusal:
    """The rule of that name and version, or the refusal ``counting.rule``."""
    rule = RULES.get(name)
    if rule is None:
        return Refusal("counting.rule", f"There is no counting rule {name!r}; the rules are {', '.join(RULES)}.")
    return rule


def count(name: str, election: object, **settings: object) -> Result[Any] | Refusal:
    """Count ``election`` by the rule ``name``.

    Refuses, naming the rule broken: an unknown rule (``counting.rule``), an election of
    another kind (``counting.election``), a setting that the rule does not know or lacks
    (``counting.setting``), and any election or setting in which the rule finds a fault.
    """
    rule = find(name)
    if isinstance(rule, Refusal):
        return rule
    if not isinstance(election, rule.takes):
        given = type(election).__name__
        return Refusal("counting.election", f"{name} counts a {rule.takes.__name__} and not a {given}.")
    unknown = sorted(settings.keys() - rule.settings)
    if unknown:
        known = ", ".join(sorted(rule.settings))
        return Refusal("counting.setting", f"{name} has no setting {unknown[0]!r}; its settings are {known}.")
    missing = sorted(rule.required - settings.keys())
    if missing:
        return Refusal("counting.setting", f"{name} needs the setting {missing[0]!r}; state it.")
    try:
        return rule.count(election, **settings)
    except Malformed as fault:
        return Refusal(fault.rule, fault.message)
