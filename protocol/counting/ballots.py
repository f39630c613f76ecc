"""What a counting rule is given and what it hands back.

Candidates, options and projects are numbers from 0, in the order in which the
election lists them; two candidates may share a name. A weight is an ``int`` or a ``Fraction``, never a float:
every node must reach the same bytes. Every value here is checked when it is
built, so a rule never meets a candidate who does not stand or a negative weight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, pairwise
from typing import Generic, TypeAlias, TypeVar

from ..errors import Malformed

__all__ = [
    "Answer",
    "ApprovalElection",
    "BudgetElection",
    "Election",
    "Lot",
    "Project",
    "QuestionElection",
    "RankedElection",
    "Ranking",
    "Result",
    "ScoreElection",
    "Support",
    "Ties",
    "Weight",
]

Weight: TypeAlias = int | Fraction

Ranking: TypeAlias = tuple[tuple[int, ...], ...]
"""Tiers, best first; candidates in one tier are ranked equal; who is in no tier is unranked."""

Support: TypeAlias = tuple[tuple[int, Weight], ...]
"""``(project, points)`` in ascending order of project; an approval is one point."""

Answer: TypeAlias = str
"""One of the answers of a question, such as ``yes`` or ``abstain``."""


@dataclass(frozen=True, slots=True)
class RankedElection:
    """Candidates, ballots ``(weight, ranking)``, and how many are to be elected.

    A ballot may leave candidates out. Whether they count as last or are ignored is
    said by the ballots themselves: `unranked_last` writes the omitted into a last tier.
    A withdrawn candidate keeps her number, and is passed over wherever she is ranked.
    """

    candidates: tuple[str, ...]
    ballots: tuple[tuple[Weight, Ranking], ...]
    seats: int = 1
    withdrawn: frozenset[int] = frozenset()
    title: str = ""

    def __post_init__(self) -> None:
        count = len(self.candidates)
        _check_list("candidate", self.candidates)
        _check_seats(self.seats)
        _check_indices("candidate", self.withdrawn, count)
        for weight, _ in self.ballots:
            _check_weight(weight)
        for ranking in dict.fromkeys(ranking for _, ranking in self.ballots):
            named = tuple(chain.from_iterable(ranking))
            if () in ranking:
                raise Malformed("ballot.empty-tier", "A ranking has a place with nobody in it; leave it out.")
            if len(set(named)) != len(named):
                raise Malformed("ballot.twice", "A ranking names one candidate twice; name each at most once.")
            if named and not (min(named) >= 0 and max(named) < count):
                _check_indices("candidate", named, count)

    @property
    def standing(self) -> tuple[int, ...]:
        """The candidates who have not withdrawn, in ascending order."""
        return tuple(c for c in range(len(self.candidates)) if c not in self.withdrawn)

    def unranked_last(self) -> RankedElection:
        """The same election with those whom a ballot leaves out in one last tier of it."""
        everyone = range(len(self.candidates))
        ballots: list[tuple[Weight, Ranking]] = []
        for weight, ranking in self.ballots:
            named = {c for tier in ranking for c in tier}
            rest = tuple(c for c in everyone if c not in named)
            ballots.append((weight, (*ranking, rest) if rest else ranking))
        return replace(self, ballots=tuple(ballots))

    def grouped(self) -> tuple[tuple[Ranking, Weight], ...]:
        """``(ranking, summed weight)`` with the withdrawn removed, in ascending order of ranking.

        Within a tier candidates ascend, so two ballots that say the same are one entry.
        Rankings that end up empty stay, as the empty ranking: they took part.
        """
        cleaned: dict[tuple[int, ...], tuple[int, ...]] = {}  # the same few tiers come again and again
        groups: dict[Ranking, Weight] = {}
        for ranking, weight in self.alike().items():
            for tier in ranking:
                if tier not in cleaned:
                    cleaned[tier] = tuple(sorted(c for c in tier if c not in self.withdrawn))
            key = tuple([cleaned[tier] for tier in ranking if cleaned[tier]])
            groups[key] = groups.get(key, 0) + weight
        return tuple(sorted(groups.items()))

    def alike(self) -> dict[Ranking, Weight]:
        """Rankings just as the ballots have them, with the summed weight of each."""
        sums: dict[Ranking, Weight] = {}
        for weight, ranking in self.ballots:
            sums[ranking] = sums.get(ranking, 0) + weight
        return sums


@dataclass(frozen=True, slots=True)
class ApprovalElection:
    """Candidates, ballots ``(weight, approved candidates)``, and how many are to be elected."""

    candidates: tuple[str, ...]
    ballots: tuple[tuple[Weight, frozenset[int]], ...]
    seats: int = 1
    title: str = ""

    def __post_init__(self) -> None:
        _check_list("candidate", self.candidates)
        _check_seats(self.seats)
        for weight, approved in self.ballots:
            _check_weight(weight)
            _check_indices("candidate", approved, len(self.candidates))


@dataclass(frozen=True, slots=True)
class ScoreElection:
    """Candidates and ballots ``(weight, grades)``, one grade a candidate in candidate order.

    Grades run from 0 (worst) to ``best``; ``None`` gives no grade. What no grade means
    is the rule's to say.
    """

    candidates: tuple[str, ...]
    ballots: tuple[tuple[Weight, tuple[int | None, ...]], ...]
    best: int
    seats: int = 1
    title: str = ""

    def __post_init__(self) -> None:
        _check_list("candidate", self.candidates)
        _check_seats(self.seats)
        if self.best < 1:
            raise Malformed("election.scale", "The best grade must be at least 1, for 0 is the worst.")
        for weight, grades in self.ballots:
            _check_weight(weight)
            if len(grades) != len(self.candidates):
                raise Malformed(
                    "ballot.length",
                    f"A ballot has {len(grades)} grades for {len(self.candidates)} candidates; "
                    "give one for each, or none in its place.",
                )
            for grade in grades:
                if grade is not None and not 0 <= grade <= self.best:
                    raise Malformed("ballot.grade", f"Grade {grade} is not on the scale from 0 to {self.best}.")


@dataclass(frozen=True, slots=True)
class QuestionElection:
    """One question put to a roll: ballots ``(weight, answer)`` and the weight of the whole roll.

    ``roll`` is what the quorum and the absolute majority are measured against: the
    number of people entitled to vote, or the sum of their weights. ``people`` is how many
    they are when their weights are not all 1, for the count that gives each the same.
    """

    ballots: tuple[tuple[Weight, Answer], ...]
    roll: Weight
    people: int | None = None
    title: str = ""

    def __post_init__(self) -> None:
        _check_weight(self.roll)
        if self.people is not None and self.people < len(self.ballots):
            raise Malformed(
                "election.roll", f"{len(self.ballots)} votes were cast on a roll of only {self.people} people."
            )
        for weight, _ in self.ballots:
            _check_weight(weight)
        cast = sum(weight for weight, _ in self.ballots)
        if cast > self.roll:
            raise Malformed("election.roll", f"Votes weighing {cast} were cast on a roll of only {self.roll}.")


@dataclass(frozen=True, slots=True)
class Project:
    """Something that can be paid for: its own id, its cost in the budget's unit, its name."""

    id: str
    cost: Weight
    name: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            raise Malformed("project.id", "A project has no id; give each one of its own.")
        if self.cost < 0:
            raise Malformed("project.cost", f"Project {self.id} costs {self.cost}; a cost cannot be negative.")


@dataclass(frozen=True, slots=True)
class BudgetElection:
    """Projects, the money there is, and voters ``(weight, support)``.

    A committee of k seats is a budget of k with projects that cost 1 each.
    """

    projects: tuple[Project, ...]
    budget: Weight
    voters: tuple[tuple[Weight, Support], ...]
    title: str = ""

    def __post_init__(self) -> None:
        ids = tuple(project.id for project in self.projects)
        _check_list("project", ids)
        if len(set(ids)) != len(ids):
            twice = sorted(id for id in set(ids) if ids.count(id) > 1)
            raise Malformed("project.twice", f"Two projects have the id {twice[0]}; give each one of its own.")
        if self.budget < 0:
            raise Malformed("election.budget", f"The budget is {self.budget}; it cannot be negative.")
        for weight, support in self.voters:
            _check_weight(weight)
            _check_indices("project", (project for project, _ in support), len(self.projects))
            for earlier, later in pairwise(support):
                if earlier[0] >= later[0]:
                    raise Malformed(
                        "ballot.order", "A ballot must name each project once, in ascending order of number."
                    )
            for project, points in support:
                if points < 0:
                    raise Malformed(
                        "ballot.points",
                        f"A ballot gives {points} points to project {self.projects[project].id}; "
                        "points cannot be negative.",
                    )


Election: TypeAlias = RankedElection | ApprovalElection | ScoreElection | QuestionElection | BudgetElection


@dataclass(frozen=True, slots=True)
class Lot:
    """One tie that nothing in the rule could decide, and how it was decided.

    ``round`` numbers the rounds from 0 as in `Result.rounds`; ``purpose`` says for what
    one was drawn (``elect``, ``exclude``, ``surplus`` ...); ``among`` ascends.
    """

    round: int
    purpose: str
    among: tuple[int, ...]
    chosen: int


@dataclass(frozen=True, slots=True)
class Ties:
    """The ties of a count that were decided from outside the rule.

    ``outcomes`` holds every set that the lots could have elected, each ascending, the
    sets in ascending order; it is empty unless every outcome was asked for. ``complete``
    is False when there are more of them than anyone would list (`ties.MOST_COUNTS`).
    """

    lots: tuple[Lot, ...]
    outcomes: tuple[tuple[int, ...], ...] = ()
    complete: bool = True


RoundT_co = TypeVar("RoundT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Result(Generic[RoundT_co]):
    """What a rule found.

    ``rule`` is the rule's versioned name. ``elected`` is in order of election.
    ``ranking`` has the best first and ties together, and is empty where the rule ranks
    nobody. ``rounds`` is the explanation. ``ties`` is None when the ballots alone decided.
    """

    rule: str
    elected: tuple[int, ...]
    ranking: Ranking
    rounds: tuple[RoundT_co, ...]
    ties: Ties | None = None


def _check_list(what: str, names: tuple[str, ...]) -> None:
    if not names:
        raise Malformed("election.empty", f"The election has no {what}s; list at least one.")


def _check_seats(seats: int) -> None:
    if seats < 1:
        raise Malformed("election.seats", f"The election fills {seats} seats; it must fill at least 1.")


def _check_weight(weight: Weight) -> None:
    if type(weight) not in (int, Fraction) or weight < 0:
        raise Malformed("ballot.weight", f"The weight {weight!r} is not a whole number or fraction of 0 or more.")


def _check_indices(what: str, indices: Iterable[int], count: int) -> None:
    for index in indices:
        if not 0 <= index < count:
            raise Malformed("ballot.unknown", f"There is no {what} number {index}; they run from 0 to {count - 1}.")
