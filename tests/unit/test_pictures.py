"""Pictures of counts: well-formed, complete, and within their frame."""

import re
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from node.elections import ElectionFile, read_blt, read_cvotes, read_pabulib, read_preflib
from node.elections.counted import Counted, count_file, find_rule
from node.pictures import plotted, svg
from node.pictures.money import amount, lines_of
from node.pictures.stages import steps
from node.pictures.svg import Drawing, mixed, number, shortened, width_of, wrapped
from protocol.counting.ballots import BudgetElection, Project


def lines(text: str) -> list[str]:
    return text.split("\n")


WARD = read_blt(
    lines("4 2\n60 1 2 0\n25 2 3 0\n20 3 0\n9 4 3 2 0\n4 4 0\n0\nAnn <b>\nBo & Co\nCyd\nDee\x1b[1m\nThe ward\n")
)
PAIRS = read_cvotes(["Ann > Bo > Cyd * 3", "Bo > Cyd > Ann * 2", "Cyd > Ann = Bo ^2", "Dee"])
BUDGET = read_pabulib(
    lines(
        "META\nbudget;100\nvote_type;approval\nPROJECTS\nproject_id;cost;name\n10;30;Oven\n9;25;\nB;60;Well\nC;900;Sea\n"
        "VOTES\nvote\n10\n10,9\n9,B,C\nB\n"
    )
)
GRADES = read_preflib(
    lines("# NUMBER CATEGORIES: 3\n# ALTERNATIVE NAME 1: Ann\n# ALTERNATIVE NAME 2: Bo\n3: 1,2,{}\n2: 2,{},1\n"),
    categories=True,
)
APPROVALS = read_preflib(
    lines("# ALTERNATIVE NAME 1: Ann\n# ALTERNATIVE NAME 2: Bo\n3: {1},{2}\n2: {1,2},{}\n"), categories=True
)
COUNTS = [
    (WARD, "stv-scottish/1", 2, ["Ann <b>", "Bo & Co", "Cyd", "quota 40 votes", "Surplus of Ann <b>", "1st elected"]),
    (WARD, "irv/1", 1, ["Ann <b>", "1", "elected", "118 ballots"]),
    (PAIRS, "schulze-winning/1", 1, ["Ann", "Bo", "Cyd", "Dee", "elected: Ann"]),
    (BUDGET, "equal-shares-cost/1", None, ["1. Oven  [10]", "2. 9", "Not bought", "Well  [B]", "60"]),
    (BUDGET, "equal-shares-cost-add1-utilitarian/1", None, ["1. Oven  [10]", "2. 9", "900"]),
    (GRADES, "majority-judgement/1", 1, ["Ann", "Bo", "majority grade 2", "elected"]),
    (GRADES, "score/1", 1, ["Ann", "Bo", "6"]),
    (APPROVALS, "approval/1", 2, ["Ann", "Bo", "5", "2"]),
    (APPROVALS, "equal-shares-cardinality/1", 2, ["1. Ann", "Bo"]),
]


def counted(file: ElectionFile, rule: str, seats: int | None) -> Counted:
    return count_file(file, find_rule(rule), name="hall", seats=seats)


@pytest.mark.parametrize(("file", "rule", "seats", "said"), COUNTS)
def test_a_picture_is_well_formed_and_says_what_matters(
    file: ElectionFile, rule: str, seats: int | None, said: list[str]
) -> None:
    root = ElementTree.fromstring(svg(counted(file, rule, seats)))
    texts = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    for words in said:
        assert any(words in text for text in texts), (words, texts)
    assert any(rule in text for text in texts)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    description = root.findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert rule in description


@pytest.mark.parametrize(("file", "rule", "seats", "said"), COUNTS)
def test_every_shape_is_within_the_frame(file: ElectionFile, rule: str, seats: int | None, said: list[str]) -> None:
    root = ElementTree.fromstring(svg(counted(file, rule, seats)))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for shape in root:
        for name, limit in (("x", width), ("x1", width), ("x2", width), ("y", height), ("y1", height), ("y2", height)):
            if (value := shape.get(name)) is not None:
                assert 0 <= float(value) <= limit
        if shape.tag.endswith("rect") and shape.get("x") is not None:
            assert float(shape.get("x", 0)) + float(shape.get("width", 0)) <= width
            assert float(shape.get("y", 0)) + float(shape.get("height", 0)) <= height


def test_whom_nobody_put_first_is_named_where_she_appears() -> None:
    late = read_blt(lines("3 2\n60 1 2 0\n20 3 0\n0\nAnn\nBo\nCyd\n"))
    assert ">Bo 33 ✓<" in svg(counted(late, "stv-scottish/1", 2))


@pytest.mark.parametrize(
    ("file", "rule", "seats"),
    [
        (read_blt(lines("2 1\n0\nAnn\nBo\n")), "stv-scottish/1", 1),
        (read_blt(lines("2 1\n0\nAnn\nBo\n")), "irv/1", 1),
        (read_blt(lines("1 1\n0\nAnn\n")), "schulze-margins/1", 1),
        (read_preflib(lines("# ALTERNATIVE NAME 1: Ann\n0: {},{}\n"), categories=True), "approval/1", 1),
        (read_preflib(lines("# ALTERNATIVE NAME 1: Ann\n0: {},{}\n"), categories=True), "majority-judgement/1", 1),
        (
            read_pabulib(lines("META\nbudget;0\nvote_type;approval\nPROJECTS\nproject_id;cost\n1;0\nVOTES\nvote\n")),
            "equal-shares-cost/1",
            None,
        ),
    ],
)
def test_elections_in_which_nobody_voted(file: ElectionFile, rule: str, seats: int | None) -> None:
    count = counted(file, rule, seats)
    assert rule in svg(count)
    assert plotted(count, 80)


def test_the_same_count_is_the_same_picture() -> None:
    assert svg(counted(WARD, "stv-scottish/1", 2)) == svg(counted(WARD, "stv-scottish/1", 2))


def test_what_flows_is_what_was_counted() -> None:
    shown = steps(counted(WARD, "stv-scottish/1", 2))
    assert shown[0].title == "First preferences"
    assert shown[0].votes == (60.0, 25.0, 20.0, 13.0)
    assert (shown[1].title, shown[1].source, shown[1].votes[0]) == ("Surplus of Ann <b>", 0, 40.0)
    for step in shown:
        assert sum(step.votes) + step.gone == pytest.approx(118)
    run_off = steps(counted(WARD, "irv/1", 1))
    assert [step.source for step in run_off] == [None, 3, 1]
    assert run_off[1].moves == ((2, 9.0),)
    assert [step.elected for step in run_off] == [(), (), (0,)]


def test_what_is_said_of_each_project() -> None:
    lines = lines_of(counted(BUDGET, "equal-shares-cost/1", None))
    assert [(line.project, line.bought) for line in lines] == [(0, True), (1, True), (2, False), (3, False)]
    assert [line.said for line in lines] == [
        "2 paid, each at most 15",
        "2 paid, each at most 15; 1 gave all they had left",
        "2 wanted it and had 35 left",
        "1 wanted it and had 10 left",
    ]
    assert [line.covered for line in lines] == [30, 25, 35, 10]


def test_what_is_said_where_shares_were_raised_and_the_rest_was_added() -> None:
    apart = [(1, ((0, 1),)), (1, ((1, 1),)), (1, ((2, 1),))]
    projects = (Project("a", 12), Project("b", 9), Project("c", 12))
    count = counted(
        ElectionFile("pabulib", (BudgetElection(projects, 30, tuple(apart)),)),
        "equal-shares-cost-add1-utilitarian/1",
        None,
    )
    assert [line.said for line in lines_of(count)] == [
        "1 paid, each at most 9",
        "added from what was left, which is then 9",
        "1 wanted it and had 11 left of their raised shares",
    ]
    assert "shares raised by 1" in svg(count)


@pytest.mark.parametrize("width", [20, 60, 200])
@pytest.mark.parametrize(("file", "rule", "seats", "said"), COUNTS)
def test_a_drawing_in_the_terminal(
    file: ElectionFile, rule: str, seats: int | None, said: list[str], width: int
) -> None:
    count = counted(file, rule, seats)
    drawing = plotted(count, width)
    assert "\x1b" not in drawing
    for chosen in count.result.elected:
        assert count.label(chosen)[:9] in drawing
    if width == 200:
        assert max(map(len, drawing.split("\n"))) <= 120


def test_the_terminal_shows_the_stages() -> None:
    drawing = plotted(counted(WARD, "stv-scottish/1", 2), 60)
    assert "2. Surplus of Ann <b>" in drawing
    assert re.search(r"Ann <b> █+.? 60\.0  elected\n", drawing)
    assert re.search(r"Ann <b> █+.? 40\.0\n", drawing)
    assert re.search(r"Bo & Co █+.? 45\.0  elected\n", drawing)
    run_off = plotted(counted(WARD, "irv/1", 1), 60)
    assert re.search(r"Cyd     █+.? 29\.0  \+9\.0\n", run_off)
    assert re.search(r"nobody  █*.? 4\.0", run_off)


def test_pairs_that_are_won_are_marked() -> None:
    rows = plotted(counted(PAIRS, "schulze-winning/1", 1), 60).split("\n")
    assert rows[1].split() == ["1.", "Ann", "·", "3*", "3", "6*"]
    assert rows[2].split() == ["2.", "Bo", "2", "·", "5*", "6*"]


def test_measures_of_text() -> None:
    assert width_of("ill", 10) < width_of("mmm", 10)
    assert shortened("short", 10, 100) == "short"
    cut = shortened("a very long name indeed", 10, 60)
    assert cut.endswith("…")
    assert width_of(cut, 10) <= 60
    assert wrapped("Surplus of Ann", 10, 60, 2) == ["Surplus of", "Ann"]
    assert len(wrapped("one two three four five six seven", 10, 40, 2)) == 2
    assert wrapped("", 10, 40, 2) == [""]


def test_colours_and_numbers() -> None:
    assert mixed("#000000", 0) == "#ffffff"
    assert mixed("#102030", 1) == "#102030"
    assert [number(value) for value in (3, 2.5, 1 / 3, 100.0)] == ["3", "2.5", "0.33", "100"]
    assert [amount(value) for value in (1234, Fraction(25, 2), 0)] == ["1\u202f234", "12.50", "0"]


def test_a_drawing_escapes_what_is_written_in_it(tmp_path: Path) -> None:
    drawing = Drawing(10, 10, title='a "<b>" & c', description="\x00<d>")
    drawing.text(1, 2, "<script>\x08", turn=-42, halo=True)
    root = ElementTree.fromstring(str(drawing))
    assert root.get("aria-label") == 'a "<b>" & c'
    (text,) = root.iter("{http://www.w3.org/2000/svg}text")
    assert text.text == "<script> "
