"""BLT: ranked ballots, as councils in Scotland publish them and OpenSTV and OpaVote write them.

The form is that of https://www.opavote.com/help/overview#blt-file-format::

    4 2          # four candidates, two seats
    -2           # candidate 2 has withdrawn
    3 4 1=3 - 2 0  # weight 3: candidate 4, then 1 and 3 equal, nobody, then 2
    (ann) 1 4 0  # a ballot with an identifier
    0            # end of the ballots
    "Diane"      # candidate 1, and so on, and last the title

Names without quotation marks, a party in a string of its own beside the name, doubled
quotation marks and commas at line ends occur in published files and are read.
"""

from __future__ import annotations

import re

from protocol.counting.ballots import RankedElection, Ranking, Weight

from .file import ElectionFile
from .text import MOST_CANDIDATES, amount, at, cited, whole

__all__ = ["read_blt"]

_PLAIN = re.compile(r"[1-9]\d{0,14}(?: [1-9]\d{0,3})* 0", re.ASCII)
_IDENTIFIED = re.compile(r"\(([^)]*)\)\s*(.*)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.|"")*)"')
_NAMED_LINE = re.compile(r"#\s*ALTERNATIVE NAME (\d{1,5}):\s*(.*)", re.IGNORECASE)


def read_blt(lines: list[str]) -> ElectionFile:
    """The election in a BLT file. Raises `Malformed` with the line that cannot be read."""
    start, count, seats = _header(lines)
    ballots: list[tuple[Weight, Ranking]] = []
    withdrawn: set[int] = set()
    known: dict[str, Ranking] = {}
    end = None
    for number in range(start, len(lines) + 1):
        line = lines[number - 1].strip()
        # Nine lines in ten are plain, and most say what another said: no parsing twice.
        if _PLAIN.fullmatch(line):
            weight, _, ranks = line.partition(" ")
            ranking = known.get(ranks)
            if ranking is None:
                ranking = known[ranks] = _ranking(number, ranks.split()[:-1], count)
            ballots.append((int(weight), ranking))
            continue
        tokens = _tokens(line)
        if not tokens:
            continue
        if tokens == ["0"]:
            end = number
            break
        if not ballots and _withdrawals(number, tokens, count, withdrawn):
            continue
        ballots.append(_ballot(number, line, count))
    if end is None:
        at(len(lines), "blt.end", "the ballots do not end; put a line with only 0 after the last one.")
    names, title = _names(lines, end + 1, count)
    election = RankedElection(names, tuple(ballots), seats, frozenset(withdrawn), title)
    return ElectionFile("blt", (election,), seats)


def _tokens(line: str) -> list[str]:
    return line.partition("#")[0].replace(",", " ").split()


def _header(lines: list[str]) -> tuple[int, int, int]:
    for number, line in enumerate(lines, 1):
        tokens = _tokens(line)
        if not tokens:
            continue
        values = [whole(token) for token in tokens]
        if len(values) != 2 or values[0] is None or values[1] is None:
            at(number, "blt.header", "a BLT file starts with the number of candidates and of seats, such as 6 4.")
        count, seats = values[0], values[1]
        if not 1 <= count <= MOST_CANDIDATES:
            at(number, "blt.header", f"{count} candidates; there must be 1 to {MOST_CANDIDATES}.")
        if seats < 1:
            at(number, "blt.header", "0 seats; at least one must be filled.")
        return number + 1, count, seats
    at(
        len(lines),
        "blt.header",
        "a BLT file starts with the number of candidates and of seats; this one has only notes.",
    )


def _withdrawals(number: int, tokens: list[str], count: int, withdrawn: set[int]) -> bool:
    if not all(token.startswith("-") and len(token) > 1 for token in tokens):
        return False
    for token in tokens:
        candidate = whole(token[1:])
        if candidate is None or not 1 <= candidate <= count:
            at(number, "blt.withdrawn", f"{cited(token)} withdraws nobody; write -1 to -{count}.")
        withdrawn.add(candidate - 1)
    return True


def _ballot(number: int, line: str, count: int) -> tuple[Weight, Ranking]:
    identified = _IDENTIFIED.match(line)
    tokens = _tokens(identified[2] if identified else line)
    weight = amount(tokens[0]) if tokens else None
    if weight is None:
        at(
            number,
            "blt.ballot",
            "expected a ballot, such as 12 3 1 0 (its weight, the candidates in order, 0), "
            "or a line with only 0 after the last ballot.",
        )
    if identified and weight != 1:
        # Another dialect leaves the weight out after an identifier; counting would be a guess.
        at(number, "blt.identifier", "a ballot with an identifier must have weight 1 after it, such as (ann) 1 3 2 0.")
    if len(tokens) < 2 or tokens[-1] != "0":
        at(number, "blt.ballot", "the ballot does not end with 0; put one at its end.")
    return weight, _ranking(number, tokens[1:-1], count)


def _ranking(number: int, tokens: list[str], count: int) -> Ranking:
    tiers: list[tuple[int, ...]] = []
    seen: set[int] = set()
    for token in tokens:
        if token == "-":  # a preference that the voter skipped
            continue
        tier: list[int] = []
        for part in token.split("="):
            candidate = whole(part)
            if candidate is None:
                at(number, "blt.candidate", f"'{cited(token)}' is not a candidate's number.")
            if candidate == 0:
                at(number, "blt.candidate", "a 0 stands inside the ballot; write each ballot on a line of its own.")
            if candidate > count:
                at(number, "blt.candidate", f"there is no candidate {candidate}; the first line says {count}.")
            if candidate in seen:
                at(number, "blt.twice", f"the ballot names candidate {candidate} twice; name each at most once.")
            seen.add(candidate)
            tier.append(candidate - 1)
        tiers.append(tuple(tier))
    return tuple(tiers)


def _names(lines: list[str], start: int, count: int) -> tuple[tuple[str, ...], str]:
    """The candidates' names and the title, from the lines after the ballots."""
    rows: list[list[str]] = []
    numbered: dict[int, str] = {}
    for number in range(start, len(lines) + 1):
        line = lines[number - 1].strip()
        if named := _NAMED_LINE.fullmatch(line):
            numbered[int(named[1])] = named[2].strip()
        elif line and not line.startswith("#"):
            rows.append(_strings(number, line))
    if numbered:
        rows = [[numbered[c]] for c in range(1, count + 1) if c in numbered] + rows
    strings = [[text] for row in rows for text in row]
    # A second string on a line is a party, unless there are too few lines or just enough strings.
    if len(rows) < count or (len(rows) == count and len(strings) == count + 1):
        rows = strings
    if len(rows) < count:
        at(len(lines), "blt.names", f"the file ends after {len(rows)} of {count} candidates' names; add the others.")
    # Some writers put a source and a comment after the title.
    if len(rows) > count + 3:
        at(
            len(lines),
            "blt.names",
            f"{len(rows)} lines follow the ballots, too many for {count} candidates and a title; "
            "check the number of candidates on the first line.",
        )
    names = tuple(_with_party(row) for row in rows[:count])
    for index, name in enumerate(names):
        if not name:
            at(len(lines), "blt.names", f"candidate {index + 1} has an empty name; write one.")
    return names, " ".join(rows[count]) if len(rows) > count else ""


def _with_party(row: list[str]) -> str:
    rest = " ".join(text for text in row[1:] if text)
    return f"{row[0]} ({rest})" if rest else row[0]


def _strings(number: int, line: str) -> list[str]:
    if not line.startswith('"'):
        return [line.partition(" #")[0].strip().rstrip(",").rstrip()]
    found: list[str] = []
    position = 0
    while position < len(line) and line[position] == '"':
        match = _QUOTED.match(line, position)
        if match is None:
            at(number, "blt.quotes", "a quotation mark is opened and not closed; close it.")
        found.append(re.sub(r'\\(.)|"(")', lambda m: m[1] or m[2], match[1]).strip())
        position = match.end()
        while position < len(line) and line[position] in " \t,":
            position += 1
    if position < len(line) and line[position] != "#":
        at(number, "blt.quotes", f"'{cited(line[position:])}' stands after the closing quotation mark; put it inside.")
    return found
