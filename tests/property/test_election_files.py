"""Whatever is in a file, a reader gives an election that can be counted or one sentence, and never a fault."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.elections import ElectionFile, read_blt, read_cvotes, read_pabulib, read_preflib
from node.elections.counted import count_file, find_rule
from node.elections.text import load
from node.refused import Refused
from protocol.counting.ballots import ApprovalElection, BudgetElection, RankedElection, ScoreElection
from protocol.errors import Malformed

Reader = Callable[[list[str]], ElectionFile]

BLT = '3 2\n-1\n12 1 2=3 0\n1/2 - 3 0\n(x) 1 2 0\n0\n"Ann"\n"Bo" "Party"\nCyd # c\nTitle\n'
PREFLIB = "# TITLE: T\n# NUMBER ALTERNATIVES: 3\n# ALTERNATIVE NAME 1: Ann\n12: 1,{2,3}\n3: 2,1\n1: {}\n"
OLD = "3\n1,Ann\n2,Bo\n3,Cyd\n16,16,3\n12,1,{2,3}\n3,2,1\n1,3\n"
CVOTES = (
    "#/Candidates: Ann ; Bo ; Cyd\n#/Weight Allowed: true\nAnn > Bo = Cyd ^2 * 42\nt || Bo # c\n/EMPTY_RANKING/ * 2\n"
)
PABULIB = (
    'META\nkey;value\nbudget;100,5\nvote_type;cumulative\nPROJECTS\nproject_id;cost;name\n1;60;"A ""b"""\n2;50;B\n'
    "VOTES\nvoter_id;vote;points\n1;1,2;2,1\n2;2;3\n3;;\n"
)
SAMPLES: dict[str, tuple[Reader, str]] = {
    "blt": (read_blt, BLT),
    "preflib": (read_preflib, PREFLIB),
    "preflib-old": (read_preflib, OLD),
    "cat": (partial(read_preflib, categories=True), PREFLIB),
    "cvotes": (read_cvotes, CVOTES),
    "pabulib": (read_pabulib, PABULIB),
}
RULES = {
    RankedElection: ("stv-scottish/1", "irv/1", "schulze-margins/1"),
    ApprovalElection: ("approval/1", "equal-shares-cost/1"),
    ScoreElection: ("score/1", "majority-judgement/1"),
    BudgetElection: ("equal-shares-cost-utilitarian/1", "equal-shares-points/1"),
}
PIECES = (
    *"0123456789",
    *" \t\n;,:.#/=><|*^-(){}\"'\\",
    "é",
    "\ufeff",
    "\u2028",
    "99999999999999999999",
    "\r",
    "\x00",
    "0\n",
)


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """A sample with a few places cut out, doubled or written over."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 0, 1, 2, 9))))
        text = text[:start] + draw(st.sampled_from(("", text[start:end] * 2, *PIECES))) + text[end:]
    return text


def refusals(reader: Reader, lines: list[str]) -> list[str]:
    """What is said of a file that is read and counted by everything that fits."""
    try:
        file = reader(lines)
    except Malformed as fault:
        return [fault.message]
    said: list[str] = []
    for election in file.elections:
        for rule in RULES[type(election)]:
            try:
                count_file(file, find_rule(rule), seats=None if isinstance(election, BudgetElection) else 1)
            except Refused as refused:
                said.append(refused.message)
    return said


def read_and_count(reader: Reader, lines: list[str]) -> None:
    for message in refusals(reader, lines):
        assert message.endswith(".")
        assert "\n" not in message


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
def test_a_damaged_file(name: str, data: st.DataObject) -> None:
    reader, sample = SAMPLES[name]
    read_and_count(reader, data.draw(damaged(sample)).split("\n"))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_that_ends_anywhere(name: str) -> None:
    reader, sample = SAMPLES[name]
    for end in range(len(sample)):
        read_and_count(reader, sample[:end].split("\n"))


@pytest.mark.parametrize("name", SAMPLES)
@given(text=st.text(max_size=60))
def test_any_text(name: str, text: str) -> None:
    read_and_count(SAMPLES[name][0], text.split("\n"))


@given(data=st.binary(max_size=60))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "any.blt"
    path.write_bytes(data)
    try:
        lines, _ = load(path)
    except Malformed:
        return
    read_and_count(read_blt, lines)
