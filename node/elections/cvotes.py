"""Condorcet Election Format: ``#/Parameter: value`` lines, then one vote a line.

The form is version 1 of https://github.com/CondorcetPHP/CondorcetElectionFormat::

    #/Candidates: Ann ; Bo ; Cyd
    #/Number of Seats: 1
    #/Implicit Ranking: true
    #/Weight Allowed: false
    Ann > Bo = Cyd * 42     # forty-two votes
    paper, hall 2 || Bo ^7  # tags, and a weight, which counts only where it is allowed
    /EMPTY_RANKING/

Candidates whom a vote leaves out come last where *Implicit Ranking* is true, as it is
unless the file says otherwise; else they are compared with nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from protocol.counting.ballots import RankedElection, Ranking, Weight
from protocol.errors import Malformed

from .file import ElectionFile
from .text import MOST_CANDIDATES, at, cited, whole

__all__ = ["read_cvotes"]

_PARAMETER = re.compile(r"#/\s*([^:]*?)\s*:\s*(.*)")
_TAIL = re.compile(r"(?:\^\s*(\d{1,15}))?\s*(?:\*\s*(\d{1,15}))?\s*", re.ASCII)
_EMPTY = "/EMPTY_RANKING/"
_SIGNS = frozenset(">=<*^|")


def read_cvotes(lines: list[str]) -> ElectionFile:
    """The election in a ``.cvotes`` file. Raises `Malformed` with the line that cannot be read."""
    head = _Parameters()
    votes: list[tuple[int, int, list[list[str]]]] = []
    known: dict[str, list[list[str]]] = {}
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if line.startswith("#/"):
            if votes:
                at(number, "cvotes.parameter", "a parameter stands after the first vote; move it above the votes.")
            head.read(number, line)
            continue
        line = line.partition("#")[0].strip()
        if line:
            weight, text = _split(number, line, weighed=head.weighed)
            names = known.get(text)
            if names is None:
                names = known[text] = _tiers(number, text)
            votes.append((number, weight, names))
    if not votes:
        raise Malformed("cvotes.votes", "The file has no votes; write one a line, such as: Ann > Bo = Cyd * 3.")
    candidates = head.candidates or _mentioned(votes)
    index = {name: number for number, name in enumerate(candidates)}
    ballots: list[tuple[Weight, Ranking]] = []
    for number, weight, names in votes:
        ballots.append((weight, _ranking(number, names, index)))
    election = RankedElection(candidates, tuple(ballots), head.seats or 1)
    return ElectionFile("cvotes", (election,), head.seats, head.implicit, _notes(votes, index))


@dataclass(slots=True)
class _Parameters:
    """The parameters read so far, with the format's own defaults."""

    candidates: tuple[str, ...] = ()
    seats: int | None = None
    implicit: bool = True
    weighed: bool = False
    seen: set[str] = field(default_factory=set)

    def read(self, number: int, line: str) -> None:
        match = _PARAMETER.fullmatch(line)
        if match is None:
            at(number, "cvotes.parameter", "a parameter needs a name, a colon and a value: #/Number of Seats: 2.")
        if "#" in match[2]:
            at(number, "cvotes.parameter", "a comment stands on the line of a parameter; put it on a line of its own.")
        key, value = match[1].casefold(), match[2].strip()
        if key in self.seen:
            at(number, "cvotes.parameter", f"{cited(match[1])} is given twice; keep one.")
        self.seen.add(key)
        if key == "candidates":
            self.candidates = _candidates(number, value)
        elif key == "number of seats":
            seats = whole(value)
            if not seats:
                at(number, "cvotes.seats", f"'{cited(value)}' is not a number of seats; write 1 or more.")
            self.seats = seats
        elif key == "implicit ranking":
            self.implicit = _yes(number, match[1], value)
        elif key == "weight allowed":
            self.weighed = _yes(number, match[1], value)


def _candidates(number: int, value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(";"))
    if names[-1] == "":
        names = names[:-1]
    if not 1 <= len(names) <= MOST_CANDIDATES:
        at(number, "cvotes.candidates", f"{len(names)} candidates; there must be 1 to {MOST_CANDIDATES}.")
    for name in names:
        if not name:
            at(number, "cvotes.candidates", "a candidate has no name; write one between the semicolons.")
        if _SIGNS.intersection(name):
            at(
                number,
                "cvotes.candidates",
                f"'{cited(name)}' has a sign in it that votes are written with; leave it out.",
            )
    if len(set(names)) != len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        at(number, "cvotes.candidates", f"{cited(twice)} is listed twice; give each candidate a name of its own.")
    return names


def _yes(number: int, key: str, value: str) -> bool:
    word = value.casefold()
    if word not in ("true", "false"):
        at(number, "cvotes.parameter", f"{cited(key)} is '{cited(value)}'; write true or false.")
    return word == "true"


def _split(number: int, line: str, *, weighed: bool) -> tuple[int, str]:
    """A vote's weight times its quantity, and its ranking as written."""
    ranking = line.rpartition("||")[2]
    cut = min((place for place in (ranking.find("^"), ranking.find("*")) if place >= 0), default=len(ranking))
    tail = _TAIL.fullmatch(ranking, cut)
    if tail is None:
        at(
            number,
            "cvotes.quantity",
            "write a weight before a quantity, both whole numbers, such as: Ann > Bo ^7 * 42.",
        )
    text = ranking[:cut].strip()
    if not text:
        at(number, "cvotes.vote", f"the vote ranks nobody; write {_EMPTY} for a blank one.")
    weight = int(tail[1]) if tail[1] is not None and weighed else 1
    return weight * (int(tail[2]) if tail[2] is not None else 1), text


def _tiers(number: int, text: str) -> list[list[str]]:
    if text == _EMPTY:
        return []
    if _EMPTY in text:
        at(number, "cvotes.vote", f"{_EMPTY} stands for a whole vote; it cannot be one of its places.")
    if "<" in text:
        at(number, "cvotes.vote", "a vote is written best first, with > between the places.")
    tiers = [[name.strip() for name in tier.split("=")] for tier in text.split(">")]
    for tier in tiers:
        if "" in tier:
            at(number, "cvotes.vote", "a place in the vote is empty; write a candidate between the signs > and =.")
    return tiers


def _mentioned(votes: list[tuple[int, int, list[list[str]]]]) -> tuple[str, ...]:
    """The candidates of a file that does not list them: all who are named, ``2`` before ``10``."""
    names = {name for _, _, tiers in votes for tier in tiers for name in tier}
    if not 1 <= len(names) <= MOST_CANDIDATES:
        raise Malformed(
            "cvotes.candidates",
            f"The votes name {len(names)} candidates; add a line such as: #/Candidates: Ann ; Bo ; Cyd.",
        )
    return tuple(sorted(names, key=_natural))


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    parts = re.findall(r"\d{1,15}|\D+|\d+", name.casefold(), re.ASCII)
    return [(0, int(part), "") if part.isdecimal() and len(part) < 16 else (1, 0, part) for part in parts], name


def _ranking(number: int, names: list[list[str]], index: dict[str, int]) -> Ranking:
    """Tiers of candidates. Names that do not stand in this election are passed over, as the format asks."""
    tiers: list[tuple[int, ...]] = []
    seen: set[int] = set()
    for names_of_tier in names:
        tier: list[int] = []
        for name in names_of_tier:
            candidate = index.get(name)
            if candidate is None:
                continue
            if candidate in seen:
                at(number, "cvotes.twice", f"the vote names {cited(name)} twice; name each candidate at most once.")
            seen.add(candidate)
            tier.append(candidate)
        if tier:
            tiers.append(tuple(tier))
    return tuple(tiers)


def _notes(votes: list[tuple[int, int, list[list[str]]]], index: dict[str, int]) -> tuple[str, ...]:
    """The format passes over who does not stand, and so over a name with a typing error; a person should know."""
    strangers = sorted({name for _, _, tiers in votes for tier in tiers for name in tier} - index.keys())
    if not strangers:
        return ()
    shown = ", ".join(cited(name) for name in strangers[:5])
    more = f" and {len(strangers) - 5} others" if len(strangers) > 5 else ""
    return (f"Not among the candidates, and passed over in the votes: {shown}{more}.",)
