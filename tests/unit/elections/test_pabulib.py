from fractions import Fraction

import pytest

from node.elections.file import ElectionFile
from node.elections.pabulib import read_pabulib
from protocol.counting.ballots import ApprovalElection, BudgetElection, Project, RankedElection, ScoreElection
from protocol.errors import Malformed

META = "META\nkey;value\ndescription;Old Town\nnum_projects;3\nnum_votes;3\nbudget;1 000,50\nvote_type;approval\n"
PROJECTS = (
    'PROJECTS\nproject_id;cost;votes;name;selected\n7;500;2;Oven;1\nA;250.25;1;"A ""big""; well";0\n9;0;;Bench;0\n'
)
VOTES = "VOTES\nvoter_id;age;vote\n1;30;7,A\n2;;9\n3;40;\n"


def read(text: str) -> ElectionFile:
    return read_pabulib(text.split("\n"))


def of_kind(kind: str, votes: str) -> ElectionFile:
    return read(META.replace("approval", kind) + PROJECTS + votes)


def test_approvals() -> None:
    file = read(META + PROJECTS + VOTES)
    assert file.elections == (
        BudgetElection(
            (Project("7", 500, "Oven"), Project("A", Fraction(1001, 4), 'A "big"; well'), Project("9", 0, "Bench")),
            Fraction(2001, 2),
            ((1, ((0, 1), (1, 1))), (1, ((2, 1),)), (1, ())),
            "Old Town",
        ),
        ApprovalElection(
            ("7", "A", "9"), ((1, frozenset({0, 1})), (1, frozenset({2})), (1, frozenset())), title="Old Town"
        ),
    )
    assert (file.format, file.seats, file.notes) == ("pabulib", None, ())


def test_orders_sections_and_names_as_they_are_published() -> None:
    loose = (
        "\nvotes;;\nVOTER_ID;Vote\n1; 7 ,9,\n2;none\n"
        "Meta\ndescription;Old Town\nBudget;10\nvote_type;Choose-1\n;\n"
        "projects\nProject_ID;Cost\n7;1\n9;2\n"
    )
    budget = read(loose).elections[0]
    assert isinstance(budget, BudgetElection)
    assert [project.id for project in budget.projects] == ["7", "9"]
    assert [support for _, support in budget.voters] == [((0, 1), (1, 1)), ()]


def test_ordinal_votes_are_approvals_and_rankings() -> None:
    file = of_kind("ordinal", "VOTES\nvote\n9,7\n7,9,7\n\n")
    budget, ranked = file.elections
    assert isinstance(budget, BudgetElection)
    assert budget.voters == ((1, ((0, 1), (2, 1))), (1, ((0, 1), (2, 1))))
    assert ranked == RankedElection(("7", "A", "9"), ((1, ((2,), (0,))), (1, ((0,), (2,)))), title="Old Town")


def test_cumulative_votes_are_points_and_grades() -> None:
    file = of_kind("cumulative", "VOTES\nvoter_id;vote;points\n1;9,7;1,4\n2;;\n3;7,7;2,3\n4;None;None\n")
    budget, score = file.elections
    assert isinstance(budget, BudgetElection)
    assert [support for _, support in budget.voters] == [((0, 4), (2, 1)), (), ((0, 3),), ()]
    assert score == ScoreElection(
        ("7", "A", "9"),
        ((1, (4, None, 1)), (1, (None, None, None)), (1, (3, None, None)), (1, (None, None, None))),
        best=4,
        title="Old Town",
    )


@pytest.mark.parametrize("points", ["1.5", "0"])
def test_points_that_are_no_grades(points: str) -> None:
    (budget,) = of_kind("scoring", f"VOTES\nvote;points\n7;{points}\n").elections
    assert isinstance(budget, BudgetElection)
    assert budget.voters == ((1, ((0, Fraction(points)),)),)


def test_a_file_that_says_otherwise_of_itself_is_noted() -> None:
    assert read(META.replace("num_votes;3", "num_votes;4") + PROJECTS + VOTES).notes == (
        "META says 4 votes, the file has 3; those in the file were counted.",
    )


@pytest.mark.parametrize(
    ("text", "rule", "line", "said"),
    [
        ("hello\n", "pabulib.section", 1, "starts with a line META"),
        (META + PROJECTS, "pabulib.section", None, "VOTES is missing"),
        (META + META + PROJECTS + VOTES, "pabulib.section", 8, "a second section META"),
        ("META\nbudget\n", "pabulib.meta", 2, "a key and a value"),
        (META + "PROJECTS\nid;cost\n", "pabulib.header", 9, "project_id is missing"),
        (META + "PROJECTS\nproject_id;price\n", "pabulib.header", 9, "cost is missing"),
        (META + PROJECTS + "VOTES\nvoter_id\n", "pabulib.header", 14, "vote is missing"),
        (META.replace("budget;1 000,50", "budget;lots") + PROJECTS + VOTES, "pabulib.budget", 6, "'lots'"),
        (META.replace("budget;", "money;") + PROJECTS + VOTES, "pabulib.budget", 1, "the budget in META is ''"),
        (META.replace("approval", "dice") + PROJECTS + VOTES, "pabulib.type", 7, "'dice'"),
        (META.replace("vote_type", "type") + PROJECTS + VOTES, "pabulib.type", 1, "vote_type"),
        (META + "PROJECTS\nproject_id;cost\n" + VOTES, "pabulib.projects", None, "0 projects"),
        (META + PROJECTS.replace("A;250", ";250") + VOTES, "pabulib.project", 11, "no id"),
        (META + PROJECTS.replace("A;250", "7;250") + VOTES, "pabulib.project", 11, "7 is listed twice"),
        (META + PROJECTS.replace(";500;", ";-5;") + VOTES, "pabulib.cost", 10, "'-5'"),
        (META + PROJECTS + VOTES.replace("7,A", "8"), "pabulib.vote", 15, "names project 8"),
        (META.replace("approval", "scoring") + PROJECTS + VOTES, "pabulib.points", 15, "2 projects and 0 points"),
        (
            META.replace("approval", "scoring") + PROJECTS + "VOTES\nvote;points\n7;-1\n",
            "pabulib.points",
            15,
            "'-1' is not",
        ),
        (META + "PROJECTS\nproject_id;cost\n7;" + "9" * 140_000 + "\n", "pabulib.row", 10, "cannot be split"),
    ],
)
def test_refused(text: str, rule: str, line: int | None, said: str) -> None:
    with pytest.raises(Malformed) as fault:
        read(text)
    assert fault.value.rule == rule
    assert fault.value.message.startswith(f"Line {line}: ") or line is None
    assert said in fault.value.message
