"""`moot count`: what it prints, what it writes and how it ends."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

import cli

ROOT = Path(__file__).parents[2]

WARD = "4 2\n-4\n60 1 2 0\n25 2 3 0\n20 3 0\n0\nAnn\nBo\nCyd\nDee\nThe ward\n"
TIED = "3 1\n2 1 0\n2 2 0\n1 3 0\n0\nAnn\nBo\nCyd\n"
PAIRS = "#/Candidates: Ann;Bo;Cyd\nAnn * 2\nBo > Cyd\nCyd > Ann\n"
BUDGET = (
    "META\nbudget;60\nvote_type;approval\nPROJECTS\nproject_id;cost;name\n10;20;Oven\n9;20;\nB;40;Well\n"
    "VOTES\nvote\n10,9\n9,10\nB\n"
)


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def moot(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Moot":
    monkeypatch.chdir(tmp_path)
    return Moot(capsys)


class Moot:
    """Runs `moot count` in this process, in a folder with election files, and says how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: str) -> Done:
        with pytest.raises(SystemExit) as end:
            cli.main(["count", *args])
        shown = self._capsys.readouterr()
        assert end.value.code is None or isinstance(end.value.code, int)
        return Done(end.value.code or 0, shown.out, shown.err)

    def json(self, *args: str) -> dict[str, object]:
        done = self(*args, "--json")
        assert (done.code, done.err) == (0, "")
        found = json.loads(done.out)
        assert isinstance(found, dict)
        return found


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    for name, text in (("ward.blt", WARD), ("tied.blt", TIED), ("pairs.cvotes", PAIRS), ("money.pb", BUDGET)):
        (tmp_path / name).write_text(text, "utf-8")


def test_a_ward_for_programs(moot: Moot) -> None:
    assert moot.json("ward.blt", "--rule", "stv-scottish/1") == {
        "rule": "stv-scottish/1",
        "elected": [0, 1],
        "ranking": [["Ann"], ["Bo"], ["Cyd"]],
        "rounds": [
            ["60.00000", "25.00000", "20.00000", "0.00000"],
            ["36.00000", "49.00000", "20.00000", "0.00000"],
        ],
        "ties": None,
    }


def test_a_ward_for_people(moot: Moot) -> None:
    done = moot("ward.blt", "--rule", "stv-scottish")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "The ward\n"
        "105 ballots, 4 candidates, counted by stv-scottish/1 (single transferable vote of Scottish law).\n"
        "\nElected:\n   1. Ann\n   2. Bo\n"
        "\nRanking:\n   1. Ann\n   2. Bo\n   3. Cyd\n"
    )


def test_pairs(moot: Moot) -> None:
    assert moot.json("pairs.cvotes", "--rule", "schulze-winning")["ranking"] == [["Ann", "Cyd"], ["Bo"]]
    assert "   1. Ann = Cyd\n   3. Bo\n" in moot("pairs.cvotes", "--rule", "schulze-winning").out


def test_a_budget(moot: Moot) -> None:
    found = moot.json("money.pb", "--rule", "equal-shares-cost/1")
    assert (found["elected"], found["ranking"]) == (["10", "9"], [])
    done = moot("money.pb", "--rule", "equal-shares-cost/1")
    assert done.out.startswith("money\n3 ballots, 3 projects, counted by equal-shares-cost/1 (")
    assert "\nBought:\n   1. Oven [10]\n   2. 9\n" in done.out
    assert "Ranking" not in done.out


def test_nothing_is_bought(moot: Moot, tmp_path: Path) -> None:
    (tmp_path / "poor.pb").write_text(BUDGET.replace("budget;60", "budget;6"), "utf-8")
    assert "\nBought:\n      nothing\n" in moot("poor.pb", "--rule", "equal-shares-cost").out


def test_seats(moot: Moot) -> None:
    assert moot.json("ward.blt", "--rule", "irv", "--seats", "1")["elected"] == [0]
    refused = moot("ward.blt", "--rule", "irv")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "moot: Instant run-off fills 1 seat and not 2; count several with stv-scottish/1.\n"


def test_a_tie_is_told_and_every_outcome_on_request(moot: Moot) -> None:
    assert moot.json("tied.blt", "--rule", "irv/1")["ties"] == {
        "outcomes": [],
        "complete": True,
        "decided": [{"round": 1, "purpose": "exclude", "among": [0, 1], "chosen": 1}],
    }
    assert moot.json("tied.blt", "--rule", "irv/1", "--all-ties")["ties"] == {
        "outcomes": [[0], [1]],
        "complete": True,
        "decided": [{"round": 1, "purpose": "exclude", "among": [0, 1], "chosen": 1}],
    }
    done = moot("tied.blt", "--rule", "irv")
    assert done.out.endswith(
        "\nTies, decided here by the order of the list:\n      round 2, exclude: Bo (among Ann, Bo)\n"
        "      Every way they could have ended: --all-ties.\n"
    )
    assert moot("tied.blt", "--rule", "irv", "--all-ties").out.endswith(
        "\nOutcomes, according to how ties are decided:\n      Ann\n      Bo\n"
    )


def test_a_tie_without_consequence(moot: Moot) -> None:
    done = moot("money.pb", "--rule", "equal-shares-cost", "--all-ties")
    found = moot.json("money.pb", "--rule", "equal-shares-cost", "--all-ties")
    assert found["ties"] == {
        "outcomes": [["10", "9"]],
        "complete": True,
        "decided": [{"round": 0, "purpose": "elect", "among": ["10", "9"], "chosen": "10"}],
    }
    assert done.out.endswith("      However they are decided, the same are chosen.\n")


def test_where_nothing_is_tied_every_outcome_is_one(moot: Moot) -> None:
    found = moot.json("ward.blt", "--rule", "stv-scottish", "--all-ties")
    assert found["ties"] == {"outcomes": [[0, 1]], "complete": True, "decided": []}
    assert "Ties" not in moot("ward.blt", "--rule", "stv-scottish", "--all-ties").out


def test_many_ties_and_outcomes_are_told_in_part(moot: Moot, tmp_path: Path) -> None:
    names = "\n".join("ABCDEFGHIJKLMN")
    (tmp_path / "many.blt").write_text(f"14 1\n0\n{names}\n", "utf-8")
    assert "(the last 12 of 13)" in moot("many.blt", "--rule", "irv").out
    done = moot("many.blt", "--rule", "schulze-winning", "--all-ties")
    assert done.out.endswith("      L\n      and 2 others: --json has them.\n")
    found = moot.json("many.blt", "--rule", "schulze-winning", "--all-ties")
    assert isinstance(found["ties"], dict)
    assert found["ties"]["outcomes"] == [[number] for number in range(14)]


def test_more_outcomes_than_anyone_lists(moot: Moot, tmp_path: Path) -> None:
    names = "\n".join(f"C{number}" for number in range(30))
    (tmp_path / "many.blt").write_text(f"30 15\n0\n{names}\n", "utf-8")
    done = moot("many.blt", "--rule", "schulze-winning", "--all-ties")
    assert done.out.endswith("      There are more than can be listed.\n")


@pytest.mark.parametrize(
    ("file", "rule"),
    [("ward.blt", "stv-scottish"), ("pairs.cvotes", "schulze-margins"), ("money.pb", "equal-shares-cost")],
)
def test_pictures(moot: Moot, tmp_path: Path, file: str, rule: str) -> None:
    plain = moot(file, "--rule", rule)
    done = moot(file, "--rule", rule, "--plot", "--svg", "out.svg")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(plain.out + "\n")
    assert len(done.out.split("\n")) > len(plain.out.split("\n")) + 4
    assert done.out.endswith("\nThe picture is in out.svg.\n")
    assert ElementTree.parse(tmp_path / "out.svg").getroot().tag.endswith("svg")


def test_a_picture_beside_json(moot: Moot, tmp_path: Path) -> None:
    assert moot.json("ward.blt", "--rule", "stv-scottish", "--svg", "out.svg")["elected"] == [0, 1]
    assert (tmp_path / "out.svg").exists()


def test_what_was_odd_is_noted_beside_the_answer(moot: Moot, tmp_path: Path) -> None:
    (tmp_path / "odd.pb").write_text(BUDGET.replace("META\n", "META\nnum_votes;7\n"), "utf-8")
    done = moot("odd.pb", "--rule", "equal-shares-cost", "--json")
    assert done.code == 0
    assert json.loads(done.out)["elected"] == ["10", "9"]
    assert done.err == "moot: META says 7 votes, the file has 3; those in the file were counted.\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("ward.blt", "--rule", "schulze"), "'schulze' may be schulze-margins/1 or schulze-winning/1; say which."),
        (("ward.blt", "--rule", "dice"), "There is no counting rule 'dice'"),
        (("ward.blt", "--rule", "equal-shares-cost"), "needs support for projects with costs"),
        (("money.pb", "--rule", "equal-shares-cost", "--seats", "2"), "leave out --seats"),
        (("pairs.cvotes", "--rule", "stv-scottish"), "add --seats N"),
        (("ward.blt", "--rule", "stv-scottish", "--seats", "9"), "9 seats for 3 candidates"),
        (("bad.blt", "--rule", "irv"), "bad.blt: Line 2: the ballot does not end with 0"),
        (("latin.blt", "--rule", "irv"), "latin.blt: Line 4: the text is not UTF-8"),
        (("ballots.csv", "--rule", "irv"), "ballots.csv is not an election file"),
        (("ward.blt", "--rule", "irv", "--seats", "1", "--svg", "no/such/folder.svg"), "cannot be written"),
    ],
)
def test_refused_with_one_sentence(moot: Moot, tmp_path: Path, args: tuple[str, ...], said: str) -> None:
    (tmp_path / "bad.blt").write_text("2 1\n1 1\n", "utf-8")
    (tmp_path / "latin.blt").write_bytes(b'1 1\n1 1 0\n0\n"Jos\xe9\x81"\n')
    (tmp_path / "ballots.csv").write_text("a,b\n", "utf-8")
    done = moot(*args)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("moot: ")
    assert said in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("gone.blt", "--rule", "irv"), "'gone.blt' does not exist"),
        (("ward.blt",), "Missing option '--rule'"),
        (("ward.blt", "--rule", "irv", "--seats", "0"), "0 is not in the range"),
        (("ward.blt", "--rule", "irv", "--plot", "--json"), "choose one"),
    ],
)
def test_wrong_usage(moot: Moot, args: tuple[str, ...], said: str) -> None:
    done = moot(*args)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_file_that_cannot_be_read(moot: Moot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked.blt").write_text(WARD, "utf-8")

    def locked(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", locked)
    done = moot("locked.blt", "--rule", "irv")
    assert (done.code, done.err) == (1, "moot: locked.blt cannot be read: Permission denied.\n")


def test_the_command_loads_no_rules_until_it_counts() -> None:
    code = "import sys, node.commands.count; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"protocol.counting.rules", "node.elections", "node.pictures", "fractions"}
