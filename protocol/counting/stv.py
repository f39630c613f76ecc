"""The single transferable vote as the law of Scotland has it.

``stv-scottish/1``: schedule 1, rules 45 to 52, of the Scottish Local Government Elections
Order 2007 (SSI 2007/42), which the Order of 2011 repeats as rules 46 to 53. The quota is
Droop's, in whole votes. A surplus passes on all the papers that a candidate holds, each at
``surplus x its value / her votes``, five decimals, the remainder ignored (weighted
inclusive Gregory). The largest surplus goes first; equal ones, and candidates equal at
exclusion, are told apart by the most recent earlier stage at which they differed, else
by lot.

Where the published counts and the words of rule 52(2) differ, this follows the counts: a
candidate excluded last still has her papers transferred, after which the remaining
vacancies are filled. It changes no winner, and the Order was amended in 2021 to allow it.

Votes are whole numbers of hundred-thousandths of a vote (`UNIT`) throughout. Two
candidates in one tier of a ranking end it: the law knows no next preference there. A
weight counts as that many papers. Where weights are fractions, what a candidate is
credited with at a stage is cut to five decimals, and the quota is still in whole votes,
so weights should be of the size of a vote rather than shares that add up to 1.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

from .ballots import RankedElection, Ranking, Result, Weight
from .stages import narrow, told_apart
from .ties import LISTED, Decider, Draws, every_outcome

__all__ = ["UNIT", "Stage", "decimal", "stv_scottish"]

UNIT: Final = 100_000
"""One vote, in the unit of every count of votes here."""

Action = Literal["first preferences", "surplus", "exclusion"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the count, all votes in units of 1/100,000.

    ``candidate`` is whose papers were passed on (None at the first stage). ``transfers``
    are ``(to, votes)`` in ascending order of candidate. ``votes`` are those credited to
    each candidate at the end of the stage. ``exhausted`` is the value of the papers set
    aside so far for want of a next preference, and ``lost`` what the cut to five decimals
    has taken so far; with ``votes`` they add up to all the votes cast. ``elected`` have
    been deemed elected at the end of this stage, in order.
    """

    action: Action
    candidate: int | None
    transfers: tuple[tuple[int, int], ...]
    votes: tuple[int, ...]
    exhausted: int
    lost: int
    quota: int
    elected: tuple[int, ...]


def decimal(units: int) -> str:
    """Units as a decimal with five places: ``150200000`` is ``1502.00000``."""
    return f"{units // UNIT}.{units % UNIT:05d}"


def stv_scottish(election: RankedElection, *, decider: Decider = LISTED, all_ties: bool = False) -> Result[Stage]:
    """``stv-scottish/1``: ``seats`` candidates in order of election, and every stage.

    ``ranking`` has the elected in order of election, then the others from the last excluded
    to the first; candidates whom the count never came to are together, above the excluded.
    """
    papers = _papers(election)

    def count(decider: Decider) -> Result[Stage]:
        return _Count(election, papers, decider).run()

    result = count(decider)
    return every_outcome(count, result) if all_ties else result


def _papers(election: RankedElection) -> list[tuple[tuple[int, ...], Weight]]:
    """Preferences up to the first tier of several, with their weight; ballots without any are invalid."""
    papers: dict[tuple[int, ...], Weight] = {}
    for ranking, weight in election.alike().items():
        preferences = _preferences(ranking, election.withdrawn)
        if preferences and weight:
            papers[preferences] = papers.get(preferences, 0) + weight
    return sorted(papers.items())


def _preferences(ranking: Ranking, withdrawn: frozenset[int]) -> tuple[int, ...]:
    flat = tuple(chain.from_iterable(ranking))
    if len(flat) == len(ranking):
        return tuple([candidate for candidate in flat if candidate not in withdrawn]) if withdrawn else flat
    preferences: list[int] = []
    for tier in ranking:
        left = [candidate for candidate in tier if candidate not in withdrawn]
        if len(left) > 1:
            break
        preferences += left
    return tuple(preferences)


class _Count:
    """One count under way."""

    __slots__ = (
        "_continuing",
        "_draws",
        "_elected",
        "_excluded",
        "_exhausted",
        "_lost",
        "_papers",
        "_piles",
        "_quota",
        "_seats",
        "_stages",
        "_surpluses",
        "_value",
        "_votes",
    )

    def __init__(
        self, election: RankedElection, papers: list[tuple[tuple[int, ...], Weight]], decider: Decider
    ) -> None:
        self._papers = papers
        self._value = [UNIT] * len(papers)  # of each paper, when its holder received it
        self._seats = min(election.seats, len(election.standing))
        self._quota = (int(sum(weight for _, weight in papers) // (election.seats + 1)) + 1) * UNIT
        self._continuing = set(election.standing)
        self._piles: list[list[int]] = [[] for _ in election.candidates]
        self._votes = [0] * len(election.candidates)
        self._elected: list[int] = []
        self._surpluses: list[int] = []  # elected above the quota, papers not yet passed on
        self._excluded: list[int] = []
        self._exhausted = 0
        self._lost = 0
        self._stages: list[Stage] = []
        self._draws = Draws(decider)

    def run(self) -> Result[Stage]:
        transfers = self._hand_out(range(len(self._papers)), sum(weight for _, weight in self._papers) * UNIT)
        self._end_stage("first preferences", None, transfers)
        while len(self._elected) < self._seats:
            if self._surpluses:
                self._pass_on_surplus()
            else:
                self._exclude()
        waiting = tuple(sorted(self._continuing))
        ranking = (*((c,) for c in self._elected), *((waiting,) if waiting else ()))
        ranking += tuple((c,) for c in reversed(self._excluded))
        return Result("stv-scottish/1", tuple(self._elected), ranking, tuple(self._stages), self._draws.ties)

    def _hand_out(self, papers: Iterable[int], released: Weight) -> tuple[tuple[int, int], ...]:
        """Give each paper to its next available preference; what becomes of ``released`` is accounted for."""
        credits: dict[int, Weight] = {}
        exhausted: Weight = 0
        continuing = self._continuing
        for paper in papers:
            preferences, weight = self._papers[paper]
            worth = weight * self._value[paper]
            for candidate in preferences:
                if candidate in continuing:
                    self._piles[candidate].append(paper)
                    credits[candidate] = credits.get(candidate, 0) + worth
                    break
            else:
                exhausted += worth
        transfers = tuple((candidate, int(credits[candidate] // 1)) for candidate in sorted(credits))
        for candidate, votes in transfers:
            self._votes[candidate] += votes
        self._exhausted += int(exhausted // 1)
        self._lost += int(released // 1) - int(exhausted // 1) - sum(votes for _, votes in transfers)
        return transfers

    def _end_stage(self, action: Action, candidate: int | None, transfers: tuple[tuple[int, int], ...]) -> None:
        votes = tuple(self._votes)
        reached = [c for c in self._continuing if votes[c] >= self._quota]
        history = [stage.votes for stage in self._stages]
        newly = sorted(reached, key=lambda c: (-votes[c], [-earlier[c] for earlier in reversed(history)], c))
        self._continuing.difference_update(newly)
        self._surpluses += [c for c in newly if votes[c] > self._quota]
        if len(self._elected) + len(newly) + len(self._continuing) <= self._seats:
            rest = sorted(
                self._continuing, key=lambda c: (-votes[c], [-earlier[c] for earlier in reversed(history)], c)
            )
            self._continuing.clear()
            newly += rest
        self._elected += newly
        self._stages.append(
            Stage(action, candidate, transfers, votes, self._exhausted, self._lost, self._quota, tuple(newly))
        )

    def _pass_on_surplus(self) -> None:
        """Rules 48 and 49."""
        largest = max(self._votes[c] for c in self._surpluses)
        equal = [c for c in self._surpluses if self._votes[c] == largest]
        candidate = self._one_of(equal, "surplus", highest=True)
        self._surpluses.remove(candidate)
        total = self._votes[candidate]
        surplus = total - self._quota
        pile, self._piles[candidate] = self._piles[candidate], []
        for paper in pile:
            self._value[paper] = surplus * self._value[paper] // total
        self._votes[candidate] = self._quota
        self._end_stage("surplus", candidate, self._hand_out(pile, surplus))

    def _exclude(self) -> None:
        """Rules 50 and 51."""
        fewest = min(self._votes[c] for c in self._continuing)
        equal = [c for c in self._continuing if self._votes[c] == fewest]
        candidate = self._one_of(equal, "exclude", highest=False)
        self._continuing.remove(candidate)
        self._excluded.append(candidate)
        pile, self._piles[candidate] = self._piles[candidate], []
        released, self._votes[candidate] = self._votes[candidate], 0
        self._end_stage("exclusion", candidate, self._hand_out(pile, released))

    def _one_of(self, equal: list[int], purpose: str, *, highest: bool) -> int:
        left = narrow(equal, [stage.votes for stage in self._stages], highest=highest)
        return self._draws.pick(left, round=len(self._stages), purpose=purpose, favours=highest, state=self._state)

    def _state(self) -> Hashable:
        undecided = self._continuing | set(self._surpluses)
        return (
            tuple(sorted(self._elected)),
            tuple(sorted(self._continuing)),
            tuple(self._votes),
            tuple(tuple(sorted(self._piles[c])) for c in sorted(undecided)),
            tuple(self._value[paper] for c in sorted(undecided) for paper in sorted(self._piles[c])),
            tuple(sorted(self._surpluses)),
            told_apart([stage.votes for stage in self._stages], undecided),
        )
