import pytest

from node.elections.cvotes import read_cvotes
from node.elections.file import ElectionFile
from protocol.counting.ballots import RankedElection
from protocol.errors import Malformed

HEAD = "#/Candidates: Ann ; Bo;Cyd\n"


def read(text: str) -> tuple[ElectionFile, RankedElection]:
    file = read_cvotes(text.split("\n"))
    (election,) = file.elections
    assert isinstance(election, RankedElection)
    return file, election


def ballots(votes: str, head: str = HEAD) -> tuple[object, ...]:
    return read(head + votes)[1].ballots


def test_parameters() -> None:
    file, election = read(
        "# My election\n#/Candidates: Ann ; Bo ; Cyd\n#/number of seats: 2\n#/Implicit Ranking: FALSE\n"
        "#/Voting Methods: Schulze\n#/Something else: 1\n\nAnn\n"
    )
    assert election.candidates == ("Ann", "Bo", "Cyd")
    assert (file.seats, election.seats, file.unranked_last) == (2, 2, False)


def test_what_holds_where_nothing_is_said() -> None:
    file, election = read("Ann > Bo")
    assert (file.seats, election.seats, file.unranked_last) == (None, 1, True)


def test_votes() -> None:
    assert ballots(
        "Ann > Bo = Cyd * 42\n"
        "julien@x.org , signature:55 || Ann>Bo # a note * 3\n"
        "  Cyd\n"
        "/EMPTY_RANKING/ * 2\n"
        "Dee > Bo = Dee\n"
        "Dee * 3\n"
        "Bo*0\n"
    ) == (
        (42, ((0,), (1, 2))),
        (1, ((0,), (1,))),
        (1, ((2,),)),
        (2, ()),
        (1, ((1,),)),
        (3, ()),
        (0, ((1,),)),
    )


def test_who_does_not_stand_is_passed_over_and_noted() -> None:
    assert read(HEAD + "Ann > Bo")[0].notes == ()
    assert read(HEAD + "Anne > Bo\nDee")[0].notes == (
        "Not among the candidates, and passed over in the votes: Anne, Dee.",
    )
    (note,) = read(HEAD + "A1>A2>A3>A4>A5>A6>A7")[0].notes
    assert note.endswith(": A1, A2, A3, A4, A5 and 2 others.")


def test_weights_count_only_where_they_are_allowed() -> None:
    votes = "Ann ^7 * 2\nBo ^3\nCyd * 5"
    assert ballots(votes) == ((2, ((0,),)), (1, ((1,),)), (5, ((2,),)))
    allowed = HEAD + "#/Weight allowed: true\n"
    assert ballots(votes, allowed) == ((14, ((0,),)), (3, ((1,),)), (5, ((2,),)))


def test_candidates_from_the_votes_in_the_order_of_people() -> None:
    assert read("10 > 2\nb > A > 2\n" + "9" * 16 + "\n")[1].candidates == ("2", "10", "9" * 16, "A", "b")


@pytest.mark.parametrize(
    ("text", "line", "rule", "said"),
    [
        (HEAD, None, "cvotes.votes", "no votes"),
        ("/EMPTY_RANKING/\n", None, "cvotes.candidates", "name 0 candidates"),
        (HEAD + "Ann\n#/Number of Seats: 1\n", 3, "cvotes.parameter", "after the first vote"),
        ("#/Candidates\nAnn\n", 1, "cvotes.parameter", "a colon"),
        (HEAD + HEAD, 2, "cvotes.parameter", "given twice"),
        ("#/Number of Seats: two\n", 1, "cvotes.seats", "'two' is not"),
        ("#/Number of Seats: 0\n", 1, "cvotes.seats", "'0' is not"),
        ("#/Implicit Ranking: perhaps\n", 1, "cvotes.parameter", "true or false"),
        ("#/Candidates: A;;B\n", 1, "cvotes.candidates", "has no name"),
        ("#/Candidates: \n", 1, "cvotes.candidates", "0 candidates"),
        ("#/Candidates: A;B;A\n", 1, "cvotes.candidates", "A is listed twice"),
        ("#/Candidates: A;B # two\n", 1, "cvotes.parameter", "a comment stands"),
        ("#/Candidates: A;B*2\n", 1, "cvotes.candidates", "'B*2' has a sign"),
        (HEAD + "Ann * 8 ^7\n", 2, "cvotes.quantity", "a weight before a quantity"),
        (HEAD + "Ann * many\n", 2, "cvotes.quantity", "whole numbers"),
        (HEAD + "Ann * 1.5\n", 2, "cvotes.quantity", "whole numbers"),
        (HEAD + "tag || * 3\n", 2, "cvotes.vote", "ranks nobody"),
        (HEAD + "Ann > /EMPTY_RANKING/\n", 2, "cvotes.vote", "stands for a whole vote"),
        (HEAD + "Ann < Bo\n", 2, "cvotes.vote", "best first"),
        (HEAD + "Ann > > Bo\n", 2, "cvotes.vote", "is empty"),
        (HEAD + "Ann > Bo > Ann\n", 2, "cvotes.twice", "names Ann twice"),
        (HEAD + "Ann = Ann\n", 2, "cvotes.twice", "names Ann twice"),
    ],
)
def test_refused(text: str, line: int | None, rule: str, said: str) -> None:
    with pytest.raises(Malformed) as fault:
        read(text)
    assert fault.value.rule == rule
    assert fault.value.message.startswith(f"Line {line}: ") or line is None
    assert said in fault.value.message
