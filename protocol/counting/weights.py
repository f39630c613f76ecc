"""Weighted votes: where weights come from, and the equal count that is always shown beside them.

A charter may give classes of its roll a share of the whole (thirds for workers, users and
the authority, say). `class_weights` turns shares into the weight of one person, exactly;
`in_each` asks for a majority in every class instead; `beside` counts a weighted election
a second time with one vote a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Generic, TypeVar

from ..errors import Malformed
from .ballots import (
    ApprovalElection,
    BudgetElection,
    Election,
    QuestionElection,
    RankedElection,
    Result,
    ScoreElection,
)

__all__ = ["Beside", "beside", "class_weights", "in_each", "one_vote_each", "weighted"]

ElectionT = TypeVar("ElectionT", RankedElection, ApprovalElection, ScoreElection, QuestionElection, BudgetElection)
RoundT = TypeVar("RoundT")


@dataclass(frozen=True, slots=True)
class Beside(Generic[RoundT]):
    """A result and, where votes do not all weigh 1, the result with one vote a person."""

    result: Result[RoundT]
    equal: Result[RoundT] | None


def beside(count: Callable[[ElectionT], Result[RoundT]], election: ElectionT) -> Beside[RoundT]:
    """Count ``election``, in which every ballot is one person's, and its equal count if it is weighted."""
    return Beside(count(election), count(one_vote_each(election)) if weighted(election) else None)


def weighted(election: Election) -> bool:
    """Whether any ballot weighs something else than 1, or the roll something else than its people."""
    if isinstance(election, QuestionElection) and election.people not in (None, election.roll):
        return True
    ballots = election.voters if isinstance(election, BudgetElection) else election.ballots
    return any(ballot[0] != 1 for ballot in ballots)


def one_vote_each(election: ElectionT) -> ElectionT:
    """The same ballots, each with the weight 1. Only for elections in which a ballot is one person's.

    A question needs the number of ``people`` on its roll for it, else it is `Malformed`.
    """
    if isinstance(election, BudgetElection):
        return replace(election, voters=tuple((1, support) for _, support in election.voters))
    if isinstance(election, QuestionElection):
        if election.people is None:
            raise Malformed("election.people", "Say how many people are on the roll, for votes do not weigh the same.")
        answers = tuple((1, answer) for _, answer in election.ballots)
        return replace(election, ballots=answers, roll=election.people)
    return replace(election, ballots=tuple((1, ballot) for _, ballot in election.ballots))


def class_weights(people: Mapping[str, int], shares: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """The weight of one person of each class.

    ``people`` has the number of people in each class of the roll, ``shares`` the classes'
    shares, which add up to 1. A class's weights add up to its share of as many votes as
    the roll has people, so weights are of the size of a vote and all of them together
    weigh what equal votes would. A class's share counts whole only if all its people vote.
    """
    if set(people) != set(shares):
        odd = sorted(set(people) ^ set(shares))
        raise Malformed("classes.names", f"The class {odd[0]!r} has people but no share, or a share but no people.")
    if any(share <= 0 for share in shares.values()) or sum(shares.values()) != 1:
        raise Malformed("classes.shares", "The shares of the classes must be above 0 and add up to exactly 1.")
    if any(count < 1 for count in people.values()):
        raise Malformed("classes.empty", "A class that nobody belongs to has a share; give it to the others.")
    roll = sum(people.values())
    return {name: shares[name] * roll / people[name] for name in sorted(people)}


def in_each(
    count: Callable[[QuestionElection], Result[RoundT]], classes: Mapping[str, QuestionElection]
) -> tuple[bool, tuple[tuple[str, Result[RoundT]], ...]]:
    """Whether every class adopts the question, and each class's own result in order of name."""
    if not classes:
        raise Malformed("classes.names", "A majority in each class needs at least one class.")
    results = tuple((name, count(classes[name])) for name in sorted(classes))
    return all(result.elected for _, result in results), results
