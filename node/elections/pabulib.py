"""Pabulib ``.pb``: participatory budgets, in three sections of ``;`` separated fields.

The form is that of https://pabulib.org/format. ``META`` gives the budget and the type of
the votes, ``PROJECTS`` an id and a cost each, ``VOTES`` a comma list of ids each, with
points beside it for scoring and cumulative votes. Costs may have decimals: they are
counted exactly.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from fractions import Fraction

from protocol.counting.ballots import (
    ApprovalElection,
    BudgetElection,
    Election,
    Project,
    RankedElection,
    ScoreElection,
    Support,
    Weight,
)
from protocol.errors import Malformed

from .file import ElectionFile
from .text import MOST_CANDIDATES, amount, at, cited, whole

__all__ = ["read_pabulib"]

_SECTIONS = ("meta", "projects", "votes")
_TYPES = ("approval", "choose-1", "ordinal", "cumulative", "scoring")

_Row = tuple[int, dict[str, str]]


def read_pabulib(lines: list[str]) -> ElectionFile:
    """The budget in a ``.pb`` file. Raises `Malformed` with the line that cannot be read."""
    meta, projects, votes = _sections(lines)
    budget = _budget(meta)
    kind = meta.get("vote_type", (0, ""))[1].strip().casefold()
    if kind not in _TYPES:
        line = meta.get("vote_type", (1, ""))[0]
        at(line, "pabulib.type", f"the vote_type in META is '{cited(kind)}'; it must be one of {', '.join(_TYPES)}.")
    title = meta.get("description", (0, ""))[1]
    listed = tuple(_project(line, row) for line, row in projects)
    if not 1 <= len(listed) <= MOST_CANDIDATES:
        raise Malformed(
            "pabulib.projects", f"{len(listed)} projects in PROJECTS; there must be 1 to {MOST_CANDIDATES}."
        )
    index: dict[str, int] = {}
    for (line, _), project in zip(projects, listed, strict=True):
        if project.id in index:
            at(line, "pabulib.project", f"project {cited(project.id)} is listed twice; give each an id of its own.")
        index[project.id] = len(index)
    named = [_vote(line, row, index) for line, row in votes]
    pointed = [_points(line, row, vote, kind) for (line, row), vote in zip(votes, named, strict=True)]
    supports = [_support(vote, points) for vote, points in zip(named, pointed, strict=True)]
    elections: list[Election] = [BudgetElection(listed, budget, tuple((1, support) for support in supports), title)]
    names = tuple(project.id for project in listed)
    if kind == "ordinal":
        elections.append(_ranked(names, named, title))
    elif kind in ("cumulative", "scoring"):
        elections.extend(_scored(names, supports, title))
    else:
        elections.append(ApprovalElection(names, tuple((1, frozenset(vote)) for vote in named), title=title))
    return ElectionFile("pabulib", tuple(elections), notes=_notes(meta, len(listed), len(votes)))


def _sections(lines: list[str]) -> tuple[dict[str, tuple[int, str]], list[_Row], list[_Row]]:
    meta: dict[str, tuple[int, str]] = {}
    tables: dict[str, list[_Row]] = {"projects": [], "votes": []}
    section = ""
    header: list[str] | None = None
    found: list[str] = []
    for number, row in _numbered(lines):
        fields = [value.strip() for value in row]
        if not any(fields):
            continue
        word = fields[0].casefold()
        if word in _SECTIONS and not any(fields[1:]):
            if word in found:
                at(number, "pabulib.section", f"a second section {word.upper()}; put all of its lines in one.")
            section, header = word, None
            found.append(word)
        elif section == "meta":
            # Published files leave the line key;value out now and then.
            if header is None and [value.casefold() for value in fields[:2]] == ["key", "value"]:
                header = fields
            elif len(fields) < 2:
                at(number, "pabulib.meta", "a line of META needs a key and a value, such as budget;50000.")
            else:
                meta[fields[0].casefold()] = (number, fields[1])
        elif not section:
            at(number, "pabulib.section", "a Pabulib file starts with a line META; check that it is one.")
        elif header is None:
            header = [value.casefold() for value in fields]
            _check_header(number, section, header)
        else:
            tables[section].append((number, dict(zip(header, fields, strict=False))))
    for word in _SECTIONS:
        if word not in found:
            raise Malformed(
                "pabulib.section",
                f"The section {word.upper()} is missing; check that the file is complete and its quotation marks close.",
            )
    return meta, tables["projects"], tables["votes"]


def _numbered(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows, each with the number of the line that it begins on: a field in quotation marks may have several."""
    taken = 0

    def handed_over() -> Iterator[str]:
        nonlocal taken
        for line in lines:
            taken += 1
            yield line + "\n"

    rows = csv.reader(handed_over(), delimiter=";")
    while True:
        start = taken + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as problem:
            at(start, "pabulib.row", f"the line cannot be split into fields ({problem}); close its quotation marks.")
        yield start, row


def _check_header(number: int, section: str, header: list[str]) -> None:
    for name in ("project_id", "cost") if section == "projects" else ("vote",):
        if name not in header:
            at(
                number,
                "pabulib.header",
                f"the first line of {section.upper()} must name its columns; {name} is missing.",
            )


def _budget(meta: dict[str, tuple[int, str]]) -> Weight:
    line, text = meta.get("budget", (1, ""))
    budget = amount(text.replace(" ", ""))
    if budget is None:
        at(
            line,
            "pabulib.budget",
            f"the budget in META is '{cited(text)}'; write an amount of money such as budget;50000.",
        )
    return budget


def _project(line: int, row: dict[str, str]) -> Project:
    id, text = row.get("project_id", ""), row.get("cost", "")
    if not id:
        at(line, "pabulib.project", "the project has no id; write one in the column project_id.")
    cost = amount(text.replace(" ", ""))
    if cost is None:
        at(
            line,
            "pabulib.cost",
            f"project {cited(id)} costs '{cited(text)}'; write an amount of money such as 12000 or 99.50.",
        )
    return Project(id, cost, row.get("name", ""))


def _vote(line: int, row: dict[str, str], index: dict[str, int]) -> list[int]:
    """The projects that a vote names, as written; one named twice stands there twice."""
    text = row.get("vote", "")
    if not text or text.casefold() == "none":
        return []
    named: list[int] = []
    for part in text.split(","):
        id = part.strip()
        if not id:
            continue
        number = index.get(id)
        if number is None:
            at(
                line,
                "pabulib.vote",
                f"the vote names project {cited(id)}, which is not in PROJECTS; correct one of them.",
            )
        named.append(number)
    return named


def _points(line: int, row: dict[str, str], vote: list[int], kind: str) -> list[Weight]:
    if kind not in ("cumulative", "scoring"):
        return [1] * len(vote)
    text = row.get("points", "")
    parts = [part.strip() for part in text.split(",") if part.strip()] if text.casefold() != "none" else []
    if len(parts) != len(vote):
        at(
            line,
            "pabulib.points",
            f"{len(vote)} projects and {len(parts)} points; give points for each project voted for.",
        )
    points: list[Weight] = []
    for part in parts:
        value = amount(part)
        if value is None:
            at(line, "pabulib.points", f"'{cited(part)}' is not a number of points of 0 or more.")
        points.append(value)
    return points


def _support(vote: list[int], points: list[Weight]) -> Support:
    given: dict[int, Weight] = {}
    for project, value in zip(vote, points, strict=True):
        given[project] = max(given.get(project, 0), value)
    return tuple(sorted(given.items()))


def _ranked(names: tuple[str, ...], votes: list[list[int]], title: str) -> RankedElection:
    # A project named again adds nothing to its first place.
    ballots = tuple((1, tuple((project,) for project in dict.fromkeys(vote))) for vote in votes)
    return RankedElection(names, ballots, title=title)


def _scored(names: tuple[str, ...], supports: list[Support], title: str) -> Iterator[ScoreElection]:
    best = max((points for support in supports for _, points in support), default=0)
    if best < 1 or any(isinstance(points, Fraction) for support in supports for _, points in support):
        return
    ballots: list[tuple[Weight, tuple[int | None, ...]]] = []
    for support in supports:
        grades: list[int | None] = [None] * len(names)
        for project, points in support:
            grades[project] = int(points)
        ballots.append((1, tuple(grades)))
    yield ScoreElection(names, tuple(ballots), int(best), title=title)


def _notes(meta: dict[str, tuple[int, str]], projects: int, votes: int) -> tuple[str, ...]:
    notes: list[str] = []
    for key, word, found in (("num_projects", "projects", projects), ("num_votes", "votes", votes)):
        said = whole(meta.get(key, (0, ""))[1])
        if said is not None and said != found:
            notes.append(f"META says {said} {word}, the file has {found}; those in the file were counted.")
    return tuple(notes)
