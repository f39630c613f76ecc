"""An election file counted by a rule, whatever form of its ballots the rule takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from node.refused import Refused
from protocol.counting.ballots import (
    ApprovalElection,
    BudgetElection,
    Election,
    RankedElection,
    Result,
    ScoreElection,
    Weight,
)
from protocol.counting.equal_shares import committee
from protocol.counting.plain import Plain, plain
from protocol.counting.rules import RULES, Rule, count
from protocol.counting.stv import Stage, decimal
from protocol.errors import Refusal

from .file import ElectionFile
from .text import printable

__all__ = ["Counted", "count_file", "find_rule"]

_HOLDS: dict[object, str] = {
    RankedElection: "rankings",
    ApprovalElection: "approvals",
    ScoreElection: "grades",
    BudgetElection: "support for projects with costs",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """A count: the election in the form that was counted, and what the rule found.

    ``names`` are those of the candidates or projects, by number; ``title`` is the file's own,
    or its name.
    """

    election: RankedElection | ApprovalElection | ScoreElection | BudgetElection
    result: Result[Any]
    names: tuple[str, ...]
    title: str
    all_ties: bool
    committee: bool = False

    @property
    def cast(self) -> Weight:
        """The weight of all the ballots."""
        ballots = self.election.voters if isinstance(self.election, BudgetElection) else self.election.ballots
        return sum((weight for weight, _ in ballots), start=Fraction(0))

    @property
    def is_budget(self) -> bool:
        """Whether projects were bought, and not people elected."""
        return isinstance(self.election, BudgetElection) and not self.committee

    def label(self, number: int) -> str:
        """What a person reads: a name, with the id of a project after it."""
        id = self.id(number)
        name = self.names[number]
        return printable(f"{name} [{id}]" if isinstance(id, str) and id != name else name)

    def id(self, number: int) -> int | str:
        """A candidate's number from 0, or a project's own id."""
        if isinstance(self.election, BudgetElection) and not self.committee:
            return self.election.projects[number].id
        return number

    def as_json(self) -> dict[str, Plain]:
        """The keys ``rule``, ``elected``, ``ranking``, ``rounds`` and ``ties`` of `moot count --json`."""
        result = self.result
        elected: list[Plain] = [self.id(number) for number in result.elected]
        ranking: list[Plain] = [[self.names[number] for number in tier] for tier in result.ranking]
        return {
            "rule": result.rule,
            "elected": elected,
            "ranking": ranking,
            "rounds": self._rounds(),
            "ties": self._ties(),
        }

    def _rounds(self) -> Plain:
        rounds: list[Plain] = []
        for round in self.result.rounds:
            if isinstance(round, Stage):
                rounds.append([decimal(votes) for votes in round.votes])
                continue
            data = plain(round)
            if isinstance(data, dict) and isinstance(self.election, BudgetElection):
                data = {"kind": type(round).__name__.casefold(), **data}
                if isinstance(number := data.get("project"), int):
                    data["project"] = self.id(number)
            rounds.append(data)
        return rounds

    def _ties(self) -> Plain:
        ties = self.result.ties
        if ties is None and not self.all_ties:
            return None
        sets = ties.outcomes if ties is not None else (self.result.elected,)
        outcomes: list[Plain] = [_sorted([self.id(number) for number in outcome]) for outcome in sets]
        decided: list[Plain] = []
        for lot in ties.lots if ties is not None else ():
            among: list[Plain] = [self.id(number) for number in lot.among]
            decided.append({"round": lot.round, "purpose": lot.purpose, "among": among, "chosen": self.id(lot.chosen)})
        return {"outcomes": outcomes, "complete": ties is None or ties.complete, "decided": decided}


def _sorted(ids: list[int | str]) -> list[Plain]:
    numbers: list[Plain] = [*sorted(id for id in ids if isinstance(id, int))]
    return [*numbers, *sorted(id for id in ids if isinstance(id, str))]


def find_rule(name: str) -> Rule:
    """The rule of that name; the version may be left out where there is only one.

    Raises `Refused`, naming the rules that were probably meant.
    """
    if rule := RULES.get(name):
        return rule
    same = [rule for full, rule in RULES.items() if full.partition("/")[0] == name]
    if len(same) == 1:
        return same[0]
    meant = [full for full in RULES if name and full.startswith(name)] or get_close_matches(name, RULES, n=3)
    if len(meant) > 1:
        raise Refused("count.rule", f"{name!r} may be {_either(meant)}; say which.")
    if meant:
        raise Refused("count.rule", f"There is no counting rule {name!r}; did you mean {meant[0]}?")
    raise Refused("count.rule", f"There is no counting rule {name!r}; the rules are {', '.join(RULES)}.")


def count_file(
    file: ElectionFile, rule: Rule, *, name: str = "", seats: int | None = None, all_ties: bool = False
) -> Counted:
    """Count ``file``, called ``name``, by ``rule``; ``seats`` goes before what the file says.

    A rule that takes a budget counts approvals too, as a committee of that many seats.
    Raises `Refused` when the rule does not fit the file.
    """
    election = next((election for election in file.elections if isinstance(election, rule.takes)), None)
    as_committee = False
    if election is None and rule.takes is BudgetElection:
        approvals = next((election for election in file.elections if isinstance(election, ApprovalElection)), None)
        if approvals is not None:
            election = committee(_seated(approvals, file, rule, seats))
            as_committee = True
    elif isinstance(election, BudgetElection):
        if seats is not None:
            raise Refused("count.seats", "A budget has money and no seats; leave out --seats.")
    elif election is not None:
        election = _seated(election, file, rule, seats)
    if election is None:
        raise Refused("count.form", f"{rule.name} needs {_needs(rule)}; this file has {_either(_forms(file), 'and')}.")
    # Only rules that compare pairs ask what leaving somebody out says about her.
    if isinstance(election, RankedElection) and rule.name.startswith("schulze-") and file.unranked_last:
        election = election.unranked_last()
    result = count(rule.name, election, all_ties=all_ties)
    if isinstance(result, Refusal):
        raise Refused(result.rule, result.message)
    title = printable(election.title) or name
    if isinstance(election, BudgetElection):
        return Counted(
            election, result, tuple(p.name or p.id for p in election.projects), title, all_ties, as_committee
        )
    return Counted(election, result, election.candidates, title, all_ties)


def _seated(election: Election, file: ElectionFile, rule: Rule, seats: int | None) -> Any:
    assert isinstance(election, RankedElection | ApprovalElection | ScoreElection)
    wanted = seats if seats is not None else file.seats
    if wanted is None:
        if rule.name.startswith(("stv-", "equal-shares-")):
            raise Refused("count.seats", "The file does not say how many seats there are; add --seats N.")
        wanted = 1
    standing = len(election.standing) if isinstance(election, RankedElection) else len(election.candidates)
    if seats is not None and seats > standing:
        raise Refused("count.seats", f"There are {seats} seats for {standing} candidates; ask for at most {standing}.")
    return replace(election, seats=wanted)


def _needs(rule: Rule) -> str:
    if rule.takes in _HOLDS:
        holds = _HOLDS[rule.takes]
        return f"{holds} (or approvals)" if rule.takes is BudgetElection else holds
    return "answers to one question" if rule.answers else "a list of people to draw from"


def _forms(file: ElectionFile) -> list[str]:
    return [_HOLDS[type(election)] for election in file.elections if type(election) in _HOLDS]


def _either(names: list[str], word: str = "or") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
