"""Classes, elections to offices and lots by the command, with several people at one computer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.commands.test_balloting import SECONDS, WAIT, Hall, council

pytestmark = pytest.mark.xdist_group("divided")


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with council(tmp_path_factory.mktemp("divided")) as hall:
        yield hall


def offices(hall: Hall) -> dict[str, list[str]]:
    """Who holds which office, by name."""
    answer = hall.look("council", "show", "--json").json
    return {one["office"]: [member["name"] for member in one["members"]] for one in answer["offices"]}


def test_an_election_fills_an_office(hall: Hall, tmp_path: Path) -> None:
    people = ("--option", "ana", "--option", "ben", "--option", "Nobody", "--setting", "status_quo=Nobody")
    ballot = hall.open(
        "ana", "Who keeps the money?", "--rule", "schulze-winning", "--elect", "Treasurer", *people, "--in", "4s"
    )
    for who in ("ana", "cleo"):
        hall.sign(who, "ballot", "cast", ballot, "ben > Nobody > ana")
    answer = hall.ballot(ballot, "final")
    assert answer["effect_words"] == "make whoever is chosen 'Treasurer'"
    assert answer["result"]["effect"] == "ben holds the office 'Treasurer' now"
    assert offices(hall) == {"Treasurer": ["ben"]}
    assert "Treasurer: ben" in hall.look("council", "show").out
    assert "In effect since epoch" in hall.look("minutes", ballot).out
    proof = tmp_path / "election.certificate"
    hall.look("certificate", "get", ballot, "--with-casts", "-o", str(proof))
    assert "Chosen: ben" in hall.look("certificate", "verify", str(proof)).out


def test_an_office_by_motion(hall: Hall) -> None:
    hall.sign("ana", "motion", "office", "Keys", "cleo", "ana")
    motion = hall.look("motion", "list", "--json").json["motions"][0]
    assert motion["words"] == "make cleo and ana 'Keys'"
    hall.sign("ben", "assent", motion["motion"], *WAIT)
    assert offices(hall)["Keys"] == ["cleo", "ana"]
    for words, why in (
        (("keys", "cleo", "ana"), "so already"),
        (("Chair",), "nobody holds"),
        (("Chair", "ana", "ana"), "twice"),
        ((" ",), "1 to 80 letters"),
    ):
        done = hall.moot("ana", "motion", "office", *words)
        assert (done.code, why in done.err) == (1, True), done.err
    again = hall.sign("ana", "motion", "office", "keys", "--json").json
    hall.sign("ben", "assent", again["motion"], *WAIT)
    assert "Keys" not in offices(hall)


def test_a_jury_by_lot(hall: Hall, tmp_path: Path) -> None:
    lot = ("--rule", "sortition", "--seats", "2", "--everybody", "--elect", "Jury", "--in", "3s")
    quotas = ("--setting", "classes=a,b,b", "--setting", "shares=a:1/2,b:1/2")
    ballot = hall.open("ben", "Who judges?", *lot, *quotas)
    shown = hall.look("ballot", "show", ballot).out
    assert "nobody votes, lots are drawn" in shown
    assert "lots are drawn at the deadline" in hall.look("ballot", "list").out
    assert hall.look("remind", "--json").json == {"ballots": []}
    done = hall.moot("ana", "ballot", "cast", ballot, "ana")
    assert (done.code, "Nobody votes" in done.err) == (1, True)
    answer = hall.ballot(ballot, "final")
    order = answer["question"]["options"]
    drawn = answer["result"]["elected"]
    assert drawn[0] == order[0]
    assert drawn[1] in order[1:]
    assert offices(hall)["Jury"] == drawn
    shown = hall.look("ballot", "show", ballot).out
    assert "of the seats" in shown
    assert "are trusted not to choose their numbers" in shown
    assert "Nobody voted: lots were drawn." in hall.look("minutes", ballot).out
    proof = tmp_path / "lot.certificate"
    hall.look("certificate", "get", ballot, "--with-casts", "-o", str(proof))
    assert f"Drawn: {', '.join(drawn)}." in hall.look("certificate", "verify", str(proof)).out


def test_each_class_has_a_say(hall: Hall, tmp_path: Path) -> None:
    classes = ("--class", "workers=ana", "--class", "users")
    ballot = hall.open("ana", "A night shift?", *classes, "--in", "4s")
    shown = hall.look("ballot", "show", ballot).out
    assert "each class has to adopt it too: users (2), workers (1)" in shown
    for who, choice in (("ana", "no"), ("ben", "yes"), ("cleo", "yes")):
        hall.sign(who, "ballot", "cast", ballot, choice)
    answer = hall.ballot(ballot, "final")
    assert (answer["by_class"], answer["result"]["adopted"]) == ("each", False)
    assert answer["result"]["words"] == "Rejected: there is a majority, but not among workers."
    assert [one["words"] for one in answer["result"]["classes"]] == [
        "users: 2-0 of 2, adopted",
        "workers: 0-1 of 1, rejected",
    ]
    assert {vote["voter"]["name"]: vote["in_class"] for vote in answer["votes"]} == {
        "ana": "workers",
        "ben": "users",
        "cleo": "users",
    }
    proof = tmp_path / "classes.certificate"
    hall.look("certificate", "get", ballot, "--with-casts", "-o", str(proof))
    for said in (hall.look("certificate", "verify", str(proof)).out, hall.look("minutes", ballot).out, shown):
        assert "workers" in said


def test_shares_of_the_charter(hall: Hall) -> None:
    motion = hall.sign(
        "ana", "motion", "charter", "--class", "authority=cleo", "--class", "users",
        "--share", "authority=2/3", "--share", "users=1/3", "--json",
    ).json  # fmt: skip
    assert "authority (cleo, 2/3 of the whole)" in motion["words"]
    hall.sign("ben", "assent", motion["motion"], *WAIT)
    assert "authority (cleo, 2/3 of the whole)" in hall.look("council", "charter").out
    for words in (("--weight", "ana=2"), ("--class", "a=ana", "--class", "b")):
        done = hall.moot("ana", "ballot", "open", "Alike?", *words, "--in", "1h")
        assert (done.code, "charter" in done.err) == (1, True), done.err
    ballot = hall.open("ana", "A flag?", "--in", "4s")
    shown = hall.look("ballot", "show", ballot).out
    assert "authority (1, 2/3 of the whole, 2 a vote), users (2, 1/3 of the whole, 1/2 a vote)" in shown
    for who, choice in (("ana", "no"), ("ben", "no"), ("cleo", "yes")):
        hall.sign(who, "ballot", "cast", ballot, choice)
    result = hall.ballot(ballot, "certified")["result"]
    assert (result["adopted"], result["figures"]) == (True, "2-1")
    assert result["equal_words"] == "With one vote a person: 1-2."
    done = hall.moot("ana", "motion", "charter", "--no-classes", "--class", "users")
    assert done.code == 2
    motion = hall.sign("ana", "motion", "charter", "--no-classes", "--json").json
    assert motion["words"].endswith("all votes are alike")
    hall.sign("ben", "assent", motion["motion"], *WAIT)
    assert "authority" not in hall.look("council", "charter").out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--elect", "Chair"), "has a rule that chooses"),
        (("--elect", "Chair", "--rule", "irv", "--option", "ana", "--option", "Zoe"), "No member is called 'Zoe'"),
        (("--elect", "Chair", "--rule", "irv", "--option", "ana", "--option", "an"), "same member"),
        (("--elect", " ", "--rule", "irv", "--option", "ana"), "1 to 80 letters"),
        (("--elect", "Chair", "--remove", "ben"), "one effect"),
        (("--class", "a=ana", "--class", "b", "--weight", "ana=2"), "no weights beside"),
        (("--rule", "sortition", "--everybody", "--seats", "4"), "cannot be drawn"),
        (("--rule", "sortition", "--everybody", "--setting", "shares=a:x"), "shares=workers:1/2"),
        (("--rule", "sortition", "--everybody", "--hidden"), "no votes to hide"),
        (("--rule", "approval", "--option", "A", "--remove", "ben"), "--elect OFFICE"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_signed(hall: Hall, words: tuple[str, ...], why: str) -> None:
    before = hall.look("council", "show", "--json").json["operations"]
    done = hall.moot("ana", "ballot", "open", "Never?", *words, "--in", "1h", *SECONDS)
    assert (done.code, why in done.err) == (1, True), done.err
    assert hall.look("council", "show", "--json").json["operations"] == before


def test_the_charter_says_who_opens_ballots(hall: Hall) -> None:
    motion = hall.sign("ana", "motion", "charter", "--openers", "Chair", "--json").json
    hall.sign("ben", "assent", motion["motion"], *WAIT)
    assert "Ballots are opened by whoever holds the office 'Chair'." in hall.look("council", "charter").out
    hall.open("ana", "Who is to hold it?", "--in", "1h")  # nobody does yet
    office = hall.sign("ana", "motion", "office", "Chair", "ben", "--json").json
    hall.sign("ben", "assent", office["motion"], *WAIT)
    done = hall.moot("ana", "ballot", "open", "Bread?", "--in", "1h")
    assert (done.code, "whoever holds the office 'Chair': ben" in done.err) == (1, True), done.err
    hall.open("ben", "Bread?", "--in", "1h")
    motion = hall.sign("ana", "motion", "charter", "--openers", "", "--json").json
    hall.sign("ben", "assent", motion["motion"], *WAIT)
    hall.open("ana", "Cake?", "--in", "1h")
