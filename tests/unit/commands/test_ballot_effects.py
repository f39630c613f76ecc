"""Everything that a ballot can bring about by itself, by the command: one epoch after its certificate."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.homes import Home, running
from tests.unit.commands.test_balloting import SECONDS, Hall, council

pytestmark = pytest.mark.xdist_group("effects")


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with council(tmp_path_factory.mktemp("effects")) as hall:
        yield hall


@pytest.fixture(scope="module")
def barn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Another node, which is to be the teller."""
    with running(tmp_path_factory.mktemp("barn") / "home") as node:
        yield node.home


@pytest.fixture(scope="module")
def decided(hall: Hall, barn: Home) -> dict[str, Any]:
    """Name -> the answer of each ballot, once an epoch took its certificate. All of them run at once."""
    ticket = hall.sign("ana", "invite", "--json").json["ticket"]
    hall.sign("dora", "join", ticket)
    text = hall.sign("ben", "propose", "A wall", "--text", "of stone", "--json").json["proposal"]
    note = hall.sign("cleo", "comment", "A wall", "--text", "Names and addresses", "--json").json["comment"]
    shown = hall.look("council", "show", "--json").json
    offer = barn.moot("node", "teller", shown["council"], "--json").json["offer"]
    erase = hall.sign("ana", "motion", "erase", note, "0", "--json").json["motion"]
    charter = hall.sign("ana", "motion", "charter", "--purpose", "Bread", "--json").json["motion"]
    tellers = hall.sign("ana", "motion", "tellers", offer, "--json").json["motion"]
    kinds = {
        "adopt": ("--proposal", text, "--adopt"),
        "admit": ("--admit", "dora"),
        "remove": ("--remove", "cleo"),
        "erase": ("--motion", erase),
        "charter": ("--motion", charter),
        "tellers": ("--motion", tellers),
    }
    ballots = {kind: hall.open("ana", f"Shall we {kind}?", *words, "--in", "12s") for kind, words in kinds.items()}
    for ballot in ballots.values():
        for name in ("ana", "ben"):
            hall.sign(name, "ballot", "cast", ballot, "yes")
    return {"note": note, **{kind: hall.ballot(ballot, "final") for kind, ballot in ballots.items()}}


WORDS = {
    "adopt": "version 1 of 'A wall' was adopted",
    "admit": "dora was admitted",
    "remove": "cleo was removed",
    "charter": "the charter was changed",
}


@pytest.mark.parametrize("kind", ["adopt", "admit", "remove", "erase", "charter", "tellers"])
def test_what_is_adopted_takes_effect_by_itself(decided: dict[str, Any], kind: str) -> None:
    result = decided[kind]["result"]
    assert (result["adopted"], result["figures"], result["beyond_recall"]) == (True, "2-0", True)
    words = WORDS.get(kind, "was erased" if kind == "erase" else "the tellers")
    assert words in (result["effect"] or "")


def test_the_council_is_what_was_decided(hall: Hall, barn: Home, decided: dict[str, Any]) -> None:
    roll = {member["name"] for member in hall.look("council", "roll", "--json").json["members"]}
    assert roll == {"ana", "ben", "dora"}
    shown = hall.look("council", "show", "--json").json
    assert shown["purpose"] == "Bread"
    assert [teller["peer"] for teller in shown["tellers"]] == [barn.moot("node", "status", "--json").json["peer"]]
    assert "Names and addresses" not in hall.look("show", "A wall").out
    assert "erased" in hall.look("show", decided["note"], "--raw").out


def test_who_was_admitted_did_not_vote(hall: Hall, decided: dict[str, Any]) -> None:
    assert {vote["voter"]["name"] for vote in decided["admit"]["votes"]} == {"ana", "ben", "cleo"}
    done = hall.moot("dora", "ballot", "cast", decided["admit"]["ballot"], "yes", *SECONDS)
    assert (done.code, "closed" in done.err) == (1, True)


def test_a_majority_of_votes_alone_does_not_remove(tmp_path: Path) -> None:
    """Two thirds of the roll must want it, however few voted."""
    with council(tmp_path) as hall:
        ballot = hall.open("ana", "Remove cleo?", "--remove", "cleo", "--in", "4s")
        hall.sign("ana", "ballot", "cast", ballot, "yes")
        hall.sign("ben", "ballot", "cast", ballot, "abstain")
        result = hall.ballot(ballot, "final")["result"]
        assert (result["adopted"], result["effect"]) == (True, None)
        assert "It takes no effect: too few of the whole roll" in hall.look("ballot", "show", ballot).out
        assert len(hall.look("council", "roll", "--json").json["members"]) == 3
