"""`moot council found --from`: a council that split is founded anew by one of its members."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.homes import PATIENCE, Home, running

WAIT = ("--wait", "--seconds", PATIENCE)


class Two(NamedTuple):
    """Two members of one council, at their own nodes."""

    ana: Home
    ben: Home


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    with running(folder / "ana") as one, running(folder / "ben") as other:
        ana, ben = one.home, other.home
        ana.person("ana")
        ben.person("ben")
        ana.sign(
            *("council", "found", "--name", "Mill", "--purpose", "to mill", "--min", "2", "--reason", "few"),
            *("--threshold", "adoption=at_least:3/4", "--quorum", "at_least:1/4"),
        )
        ben.sign("join", ana.sign("invite", "--json").json["ticket"])
        ana.moot("admit", "--wait-for", "1", "--seconds", PATIENCE)
        ana.sign("admit", "ben", *WAIT)
        assert ben.moot("council", "list", *WAIT).code == 0
        yield Two(ana, ben)


def test_the_charter_comes_along_and_everybody_gets_a_ticket(two: Two, tmp_path: Path) -> None:
    ana, ben = two
    old = ben.moot("council", "charter", "-c", "Mill", "--json").json["charter"]
    tickets = tmp_path / "tickets"
    done = ben.sign(
        "council", "found", "--from", "Mill", "--name", "New Mill", "--tickets", str(tickets), "--json"
    ).json
    assert (done["name"], done["forming"], done["members"]) == ("New Mill", True, 1)
    (ticket,) = done["tickets"]
    assert ticket["name"] == "ana"
    assert (tickets / "ana.ticket").read_text() == f"{ticket['ticket']}\n"
    new = ben.moot("council", "charter", "-c", "New Mill", "--json").json["charter"]
    assert new == {**old, "name": "New Mill"}
    log = tmp_path / "log"
    ben.moot("export", str(log), "-c", "New Mill")
    assert b"founds Mill (bafyrei" in log.read_bytes()

    ana.sign("join", "-", stdin=(tickets / "ana.ticket").read_text())
    ben.moot("admit", "-c", "New Mill", "--wait-for", "1", "--seconds", PATIENCE)
    ben.sign("admit", "ana", "-c", "New Mill", *WAIT)
    assert ana.moot("council", "list", *WAIT).code == 0
    shown = ana.moot("council", "show", "-c", "New Mill", "--json").json
    assert (shown["members"], shown["forming"]) == (2, False)


def test_tickets_are_printed_and_rules_can_be_changed(two: Two) -> None:
    done = two.ana.sign("council", "found", "--from", "Mill", "--name", "Third", "--quorum", "at_least:1/3")
    assert "You founded 'Third' anew: bafyrei" in done.out
    assert "ben: moot1" in done.out
    charter = two.ana.moot("council", "charter", "-c", "Third", "--json").json["charter"]
    assert charter["ballots"]["quorum"] == ["at_least", 1, 3]
    assert charter["purpose"] == "to mill"


def test_wrong_usage(two: Two, tmp_path: Path) -> None:
    for words, reason in (
        (("found",), "Missing option '--name'"),
        (("found", "--name", "x", "--tickets", str(tmp_path)), "--tickets goes with --from"),
        (("found", "--from", "Mill", "--template", "commune"), "leave --template out"),
    ):
        done = two.ana.moot("council", *words)
        assert (done.code, done.out) == (2, "")
        assert reason in done.err
    (tmp_path / "old.ticket").write_text("x")
    done = two.ana.moot("council", "found", "--from", "Mill", "--tickets", str(tmp_path))
    assert (done.code, "name another folder" in done.err) == (1, True)
    (tmp_path / "file").write_text("x")
    done = two.ana.moot("council", "found", "--from", "Mill", "--tickets", str(tmp_path / "file" / "in"))
    assert (done.code, "cannot be made" in done.err) == (1, True)
    assert two.ana.moot("council", "found", "--from", "Nowhere").code == 1
