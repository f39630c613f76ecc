from pathlib import Path

import pytest

from node.elections import ElectionFile, read_blt, read_cvotes, read_pabulib, read_preflib
from node.elections.counted import Counted, count_file, find_rule
from node.refused import Refused
from protocol.counting.ballots import BudgetElection, RankedElection

HALL = Path("hall")
WARD = "3 2\n6 1 2 0\n3 2 0\n2 3 2 0\n0\nAnn\nBo\nCyd\nThe ward\n"
BUDGET = (
    "META\nbudget;100\nvote_type;approval\nPROJECTS\nproject_id;cost;name\n10;60;Oven\n9;50;\nB;60;Well\n"
    "VOTES\nvote\n10\n10,9\n9,B\nB\n"
)
APPROVALS = "# ALTERNATIVE NAME 1: Ann\n# ALTERNATIVE NAME 2: Bo\n# ALTERNATIVE NAME 3: Ann\n2: 1,{2,3}\n2: {2,3},1\n"


def ward() -> ElectionFile:
    return read_blt(WARD.split("\n"))


def budget() -> ElectionFile:
    return read_pabulib(BUDGET.split("\n"))


def approvals() -> ElectionFile:
    return read_preflib(APPROVALS.split("\n"), categories=True)


def counted(file: ElectionFile, rule: str, *, seats: int | None = None, all_ties: bool = False) -> Counted:
    return count_file(file, find_rule(rule), seats=seats, all_ties=all_ties)


@pytest.mark.parametrize(
    ("name", "found"),
    [("stv-scottish/1", "stv-scottish/1"), ("irv", "irv/1"), ("equal-shares-cost", "equal-shares-cost/1")],
)
def test_the_version_may_be_left_out(name: str, found: str) -> None:
    assert find_rule(name).name == found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("schulze", "may be schulze-margins/1 or schulze-winning/1; say which."),
        ("schulze-winnig/1", "may be schulze-winning/1 or"),
        ("stv-scottish/2", "did you mean stv-scottish/1?"),
        ("stv", "did you mean stv-scottish/1?"),
        ("zzz", "the rules are approval/1, "),
        ("", "the rules are approval/1, "),
    ],
)
def test_no_such_rule(name: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        find_rule(name)
    assert refused.value.rule == "count.rule"
    assert said in refused.value.message


def test_seats_of_the_file_and_of_the_caller() -> None:
    assert counted(ward(), "stv-scottish/1").result.elected == (0, 1)
    assert counted(ward(), "stv-scottish/1", seats=1).result.elected == (0,)
    assert counted(ward(), "irv/1", seats=1).result.elected == (0,)


@pytest.mark.parametrize(
    ("file", "rule", "seats", "broken", "said"),
    [
        (ward(), "irv/1", None, "irv.seats", "fills 1 seat and not 2"),
        (ward(), "stv-scottish/1", 4, "count.seats", "4 seats for 3 candidates"),
        (ward(), "approval/1", None, "count.form", "approval/1 needs approvals; this file has rankings."),
        (ward(), "equal-shares-cost/1", None, "count.form", "support for projects with costs (or approvals)"),
        (ward(), "majority-simple/1", None, "count.form", "answers to one question"),
        (ward(), "sortition/1", None, "count.form", "a list of people to draw from"),
        (budget(), "irv/1", None, "count.form", "has support for projects with costs and approvals"),
        (budget(), "equal-shares-cost/1", 2, "count.seats", "leave out --seats"),
        (approvals(), "equal-shares-cost/1", None, "count.seats", "add --seats N"),
        (read_cvotes(["Ann > Bo"]), "stv-scottish/1", None, "count.seats", "add --seats N"),
    ],
)
def test_refused(file: ElectionFile, rule: str, seats: int | None, broken: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        counted(file, rule, seats=seats)
    assert refused.value.rule == broken
    assert said in refused.value.message


def test_who_is_left_out_is_last_where_the_file_says_so_and_pairs_are_compared() -> None:
    votes = ["#/Candidates: Ann;Bo;Cyd", "Ann * 2", "Bo > Cyd", "Cyd > Ann"]
    last = counted(read_cvotes(votes), "schulze-winning/1").as_json()
    assert last["ranking"] == [["Ann", "Cyd"], ["Bo"]]
    ignored = counted(read_cvotes(["#/Implicit Ranking: false", *votes]), "schulze-winning/1").as_json()
    assert ignored["ranking"] == [["Bo"], ["Cyd"], ["Ann"]]
    plain = counted(read_cvotes(votes), "irv/1").election
    assert isinstance(plain, RankedElection)
    assert plain.ballots[0] == (2, ((0,),))


def test_a_ward_as_json() -> None:
    assert counted(ward(), "stv-scottish/1").as_json() == {
        "rule": "stv-scottish/1",
        "elected": [0, 1],
        "ranking": [["Ann"], ["Bo"], ["Cyd"]],
        "rounds": [["6.00000", "3.00000", "2.00000"], ["4.00000", "4.99998", "2.00000"]],
        "ties": None,
    }


def test_a_budget_as_json() -> None:
    count = counted(budget(), "equal-shares-cost/1", all_ties=True)
    assert count.is_budget
    assert [count.label(number) for number in range(3)] == ["Oven [10]", "9", "Well [B]"]
    assert count.as_json() == {
        "rule": "equal-shares-cost/1",
        "elected": ["9"],
        "ranking": [],
        "rounds": [
            {"kind": "purchase", "project": "9", "rho": "1/2", "price": 25, "paying": 2, "drained": 2, "left": 50},
            {"kind": "shortfall", "project": "10", "supporters": 2, "funds": 25},
            {"kind": "shortfall", "project": "B", "supporters": 2, "funds": 25},
        ],
        "ties": {"outcomes": [["9"]], "complete": True, "decided": []},
    }


def test_tied_projects_as_json() -> None:
    file = read_pabulib(BUDGET.replace("9;50;", "9;40;").replace("10;60", "10;40").replace("B;60", "B;40").split("\n"))
    count = counted(file, "equal-shares-cost-utilitarian/1", all_ties=True)
    assert count.as_json()["elected"] == ["10", "B"]
    assert count.as_json()["ties"] == {
        "outcomes": [["10", "9"], ["10", "B"], ["9", "B"]],
        "complete": True,
        "decided": [
            {"round": 0, "purpose": "elect", "among": ["10", "9", "B"], "chosen": "10"},
        ],
    }


def test_a_committee_by_equal_shares() -> None:
    count = counted(approvals(), "equal-shares-cardinality/1", seats=2, all_ties=True)
    assert isinstance(count.election, BudgetElection)
    assert not count.is_budget
    assert (count.names, count.id(2), count.label(2)) == (("Ann", "Bo", "Ann"), 2, "Ann")
    assert count.as_json()["elected"] == [0, 1]
    assert count.as_json()["ties"] == {
        "outcomes": [[0, 1], [0, 2]],
        "complete": True,
        "decided": [{"round": 1, "purpose": "elect", "among": [1, 2], "chosen": 1}],
    }


def test_titles() -> None:
    assert count_file(ward(), find_rule("stv-scottish/1"), name="file").title == "The ward"
    assert count_file(budget(), find_rule("equal-shares-cost/1"), name="file").title == "file"
