"""PrefLib: ``.soc .soi .toc .toi`` (orders, strict or with ties, complete or not) and ``.cat``.

The form is that of https://www.preflib.org/format. A header of ``# KEY: value`` lines,
then ``count: 3,{1,2},4`` with candidates from 1; files from before 2022 have the number
of candidates, ``number,name`` for each, ``voters,sum,unique`` and ``count,3,{1,2},4``.
"""

from __future__ import annotations

import re

from protocol.counting.ballots import ApprovalElection, Election, RankedElection, Ranking, ScoreElection

from .file import ElectionFile
from .text import MOST_CANDIDATES, at, cited, whole

__all__ = ["read_preflib"]

_KEY = re.compile(r"#\s*([^:]+?)\s*:\s*(.*)")
_NAME = re.compile(r"(ALTERNATIVE|CATEGORY) NAME (\d{1,6})", re.IGNORECASE)
_TIER = re.compile(r"\s*(?:\{([\d\s,]*)\}|(\d+))\s*(,|$)", re.ASCII)


def read_preflib(lines: list[str], *, categories: bool = False) -> ElectionFile:
    """The election in a PrefLib file; ``categories`` when it is a ``.cat`` file.

    The categories of a ``.cat`` file are taken as grades, the first the best; two
    categories are an approval ballot. Raises `Malformed` with the line that cannot be read.
    """
    number = next((number for number, line in enumerate(lines, 1) if line.strip()), 1)
    if lines[number - 1].lstrip().startswith("#"):
        header = _new_header(lines, number)
        separator = ":"
    elif whole(lines[number - 1].strip()) is not None:
        header = _old_header(lines, number)
        separator = ","
    else:
        at(
            number,
            "preflib.header",
            "a PrefLib file starts with '# FILE NAME: ...', or in the old form with the number of candidates.",
        )
    count = len(header.names)
    ballots: list[tuple[int, Ranking]] = []
    known: dict[str, Ranking] = {}
    for number in range(header.end, len(lines) + 1):
        line = lines[number - 1].strip()
        if not line or line.startswith("#"):
            continue
        many, found, order = line.partition(separator)
        weight = whole(many.strip())
        if weight is None or not found:
            at(number, "preflib.ballot", f"expected a count and an order, such as 12{separator} 3,{{1,2}},4.")
        ranking = known.get(order)
        if ranking is None:
            ranking = known[order] = _order(number, order, count, empty_tiers=categories)
        ballots.append((weight, ranking))
    if not ballots:
        at(len(lines), "preflib.ballots", "the file has no ballots; check that it was copied completely.")
    notes: tuple[str, ...] = ()
    total = sum(weight for weight, _ in ballots)
    if header.voters is not None and header.voters != total:
        notes = (f"The header says {header.voters} voters, the ballots are {total}; the ballots were counted.",)
    if categories:
        return ElectionFile("cat", _graded(header, ballots), notes=notes)
    election = RankedElection(header.names, tuple(ballots), title=header.title)
    return ElectionFile("preflib", (election,), notes=notes)


class _Header:
    """What stands above the ballots; ``end`` is the first line of the ballots."""

    def __init__(self, names: tuple[str, ...], voters: int | None, end: int, title: str, grades: int) -> None:
        self.names = names
        self.voters = voters
        self.end = end
        self.title = title
        self.grades = grades


def _new_header(lines: list[str], start: int) -> _Header:
    names: dict[int, str] = {}
    numbers: dict[str, int] = {}
    title = ""
    grades = 0
    number = start
    for number in range(start, len(lines) + 1):
        line = lines[number - 1].strip()
        if line and not line.startswith("#"):
            break
        match = _KEY.fullmatch(line)
        if match is None:
            continue
        key, value = match[1].upper(), match[2].strip()
        if named := _NAME.fullmatch(key):
            index = int(named[2])
            if named[1] == "CATEGORY":
                grades = max(grades, index)
            elif not 1 <= index <= MOST_CANDIDATES:
                at(number, "preflib.name", f"candidate {index} cannot be; they are numbered 1 to {MOST_CANDIDATES}.")
            elif index in names:
                at(number, "preflib.name", f"candidate {index} is named twice; name each once.")
            else:
                names[index] = value or f"Candidate {index}"
        elif key in ("NUMBER ALTERNATIVES", "NUMBER VOTERS", "NUMBER CATEGORIES"):
            amount = whole(value)
            if amount is None:
                at(number, "preflib.header", f"'{cited(value)}' is not a number; write one after {key}.")
            numbers[key] = amount
        elif key == "TITLE":
            title = value
    count = numbers.get("NUMBER ALTERNATIVES", max(names, default=0))
    if not 1 <= count <= MOST_CANDIDATES:
        at(number, "preflib.header", f"{count} candidates in the header; there must be 1 to {MOST_CANDIDATES}.")
    if max(names, default=0) > count:
        at(number, "preflib.name", f"candidate {max(names)} has a name, but NUMBER ALTERNATIVES says {count}.")
    everyone = tuple(names.get(c, f"Candidate {c}") for c in range(1, count + 1))
    return _Header(
        everyone, numbers.get("NUMBER VOTERS"), number, title, max(grades, numbers.get("NUMBER CATEGORIES", 0))
    )


def _old_header(lines: list[str], start: int) -> _Header:
    count = whole(lines[start - 1].strip()) or 0
    if not 1 <= count <= MOST_CANDIDATES:
        at(start, "preflib.header", f"{count} candidates; there must be 1 to {MOST_CANDIDATES}.")
    if len(lines) < start + count + 1:
        at(len(lines), "preflib.name", f"the file ends before all {count} candidates are named; copy it completely.")
    names: list[str] = []
    for index in range(1, count + 1):
        number = start + index
        written, found, name = lines[number - 1].partition(",")
        if not found or whole(written.strip()) != index:
            at(number, "preflib.name", f"expected candidate {index} as {index},NAME.")
        names.append(name.strip() or f"Candidate {index}")
    number = start + count + 1
    totals = [whole(part.strip()) for part in lines[number - 1].split(",")]
    if len(totals) != 3 or totals[0] is None:
        at(number, "preflib.totals", "expected three numbers: the voters, the sum of the counts, the different orders.")
    return _Header(tuple(names), totals[0], number + 1, "", 0)


def _order(number: int, text: str, count: int, *, empty_tiers: bool) -> Ranking:
    """Tiers of candidates from 0. An empty pair of braces is a tier only where tiers are categories."""
    tiers: list[tuple[int, ...]] = []
    seen: set[int] = set()
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TIER.match(text, position)
        if match is None:
            at(
                number,
                "preflib.order",
                f"'{cited(text[position : position + 20])}' is no part of an order; write candidates' numbers with commas, "
                "equal ones in braces.",
            )
        position = match.end()
        tier: list[int] = []
        for part in (match[1] if match[2] is None else match[2]).split(","):
            if not part.strip():
                continue
            candidate = whole(part.strip())
            if candidate is None or not 1 <= candidate <= count:
                at(
                    number,
                    "preflib.candidate",
                    f"there is no candidate {cited(part.strip())}; they run from 1 to {count}.",
                )
            if candidate in seen:
                at(number, "preflib.twice", f"the order names candidate {candidate} twice; name each at most once.")
            seen.add(candidate)
            tier.append(candidate - 1)
        if tier or empty_tiers:
            tiers.append(tuple(tier))
    return tuple(tiers)


def _graded(header: _Header, ballots: list[tuple[int, Ranking]]) -> tuple[Election, ...]:
    categories = max(2, header.grades, *(len(ranking) for _, ranking in ballots))
    graded: list[tuple[int, tuple[int | None, ...]]] = []
    for weight, ranking in ballots:
        grades: list[int | None] = [None] * len(header.names)
        for place, tier in enumerate(ranking):
            for candidate in tier:
                grades[candidate] = categories - 1 - place
        graded.append((weight, tuple(grades)))
    score = ScoreElection(header.names, tuple(graded), categories - 1, title=header.title)
    if categories > 2:
        return (score,)
    approvals = tuple((weight, frozenset(ranking[0] if ranking else ())) for weight, ranking in ballots)
    return (ApprovalElection(header.names, approvals, title=header.title), score)
