import pytest

from node.elections.preflib import read_preflib
from protocol.counting.ballots import ApprovalElection, RankedElection, ScoreElection
from protocol.errors import Malformed

NEW = """\
# FILE NAME: 00001-00000001.toi
# TITLE: Which bread
# DESCRIPTION:
# DATA TYPE: toi
# NUMBER ALTERNATIVES: 4
# NUMBER VOTERS: 6
# NUMBER UNIQUE ORDERS: 3
# ALTERNATIVE NAME 1: Rye: dark
# ALTERNATIVE NAME 2: Spelt
# ALTERNATIVE NAME 4: Oat
3: 1,2,3,4
2: {2, 4},1
1: 4

"""
OLD = """\
3
1,Rye, dark
2,Spelt
3,Oat
6,6,3
3,1,2,3
2,{2,3},1
1,3,{}
"""
CATEGORIES = """\
# FILE NAME: 1.cat
# NUMBER ALTERNATIVES: 3
# NUMBER VOTERS: 3
# NUMBER CATEGORIES: 2
# CATEGORY NAME 1: Yes
# CATEGORY NAME 2: No
# ALTERNATIVE NAME 1: A
# ALTERNATIVE NAME 2: B
# ALTERNATIVE NAME 3: C
2: {1,3},2
1: {},{1,2}
"""


def test_the_new_form() -> None:
    file = read_preflib(NEW.split("\n"))
    assert file.elections == (
        RankedElection(
            ("Rye: dark", "Spelt", "Candidate 3", "Oat"),
            ((3, ((0,), (1,), (2,), (3,))), (2, ((1, 3), (0,))), (1, ((3,),))),
            title="Which bread",
        ),
    )
    assert (file.format, file.seats, file.unranked_last, file.notes) == ("preflib", None, True, ())


def test_the_old_form() -> None:
    file = read_preflib(OLD.split("\n"))
    ballots = ((3, ((0,), (1,), (2,))), (2, ((1, 2), (0,))), (1, ((2,),)))
    assert file.elections == (RankedElection(("Rye, dark", "Spelt", "Oat"), ballots),)


@pytest.mark.parametrize("text", [NEW.replace("VOTERS: 6", "VOTERS: 7"), OLD.replace("6,6,3", "7,7,3")])
def test_a_header_that_counts_otherwise_is_noted(text: str) -> None:
    assert read_preflib(text.split("\n")).notes == (
        "The header says 7 voters, the ballots are 6; the ballots were counted.",
    )


def test_two_categories_are_approvals_and_grades() -> None:
    file = read_preflib(CATEGORIES.split("\n"), categories=True)
    assert file.elections == (
        ApprovalElection(("A", "B", "C"), ((2, frozenset({0, 2})), (1, frozenset()))),
        ScoreElection(("A", "B", "C"), ((2, (1, 0, 1)), (1, (0, 0, None))), best=1),
    )


def test_more_categories_are_grades_alone() -> None:
    (election,) = read_preflib(
        CATEGORIES.replace("CATEGORIES: 2", "CATEGORIES: 3").split("\n"), categories=True
    ).elections
    assert election == ScoreElection(("A", "B", "C"), ((2, (2, 1, 2)), (1, (1, 1, None))), best=2)


def test_a_ballot_without_categories() -> None:
    text = CATEGORIES.replace("2: {1,3},2\n", "2: \n")
    approvals = read_preflib(text.split("\n"), categories=True).elections[0]
    assert isinstance(approvals, ApprovalElection)
    assert approvals.ballots[0] == (2, frozenset())


@pytest.mark.parametrize(
    ("text", "rule", "line", "said"),
    [
        ("\nbread\n", "preflib.header", 2, "starts with"),
        ("# TITLE: x\n1: 1\n", "preflib.header", 2, "0 candidates"),
        ("# NUMBER ALTERNATIVES: many\n", "preflib.header", 1, "'many' is not a number"),
        ("# NUMBER ALTERNATIVES: 1\n# ALTERNATIVE NAME 2: B\n1: 1\n", "preflib.name", 3, "candidate 2 has a name"),
        ("# ALTERNATIVE NAME 0: A\n1: 1\n", "preflib.name", 1, "candidate 0 cannot be"),
        ("# ALTERNATIVE NAME 1: A\n# ALTERNATIVE NAME 1: B\n", "preflib.name", 2, "named twice"),
        ("# ALTERNATIVE NAME 1: A\n", "preflib.ballots", 2, "no ballots"),
        ("# ALTERNATIVE NAME 1: A\n1 1\n", "preflib.ballot", 2, "expected a count and an order"),
        ("# ALTERNATIVE NAME 1: A\nx: 1\n", "preflib.ballot", 2, "expected a count and an order"),
        ("# ALTERNATIVE NAME 1: A\n1: 2\n", "preflib.candidate", 2, "there is no candidate 2"),
        ("# ALTERNATIVE NAME 1: A\n1: 1,{1}\n", "preflib.twice", 2, "names candidate 1 twice"),
        ("# ALTERNATIVE NAME 1: A\n1: 1,{2\n", "preflib.order", 2, "'{2' is no part"),
        ("# ALTERNATIVE NAME 1: A\n1: Ann\n", "preflib.order", 2, "'Ann' is no part"),
        ("0\n", "preflib.header", 1, "0 candidates"),
        ("2\n1,A\n", "preflib.name", 3, "ends before all 2"),
        ("2\n1,A\n3,B\n1,1,1\n", "preflib.name", 3, "expected candidate 2"),
        ("1\n1,A\n1,1\n1,1\n", "preflib.totals", 3, "three numbers"),
    ],
)
def test_refused_with_the_line(text: str, rule: str, line: int, said: str) -> None:
    with pytest.raises(Malformed) as fault:
        read_preflib(text.split("\n"))
    assert fault.value.rule == rule
    assert fault.value.message.startswith(f"Line {line}: ")
    assert said in fault.value.message
