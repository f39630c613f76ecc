"""`moot bundle`, `--offline` and `moot submit`: two places without a line, and what people carry between them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from node.bundles import slip_text
from tests.homes import PATIENCE, Home, running

pytestmark = pytest.mark.xdist_group("carrying")
WAIT = ("--wait", "--seconds", PATIENCE)


class Places(NamedTuple):
    """Two homes whose nodes run and do not talk with each other any more."""

    ana: Home
    ben: Home


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("places")
    with running(folder / "ana") as one, running(folder / "ben") as other:
        ana, ben = one.home, other.home
        ana.person("ana")
        ben.person("ben")
        ana.sign("council", "found", "--name", "Mill", "--min", "1", "--reason", "few")
        ticket = ana.sign("invite", "--json").json["ticket"]
        ben.sign("join", ticket)
        ana.moot("admit", "--wait-for", "1", "--seconds", PATIENCE)
        ana.sign("admit", "ben", *WAIT)
        assert ben.moot("council", "list", *WAIT).code == 0
        for home, away in ((ana, ben), (ben, ana)):
            home.moot("node", "peers", "away", peer(away))
        yield Places(ana, ben)


def peer(home: Home) -> str:
    text = home.moot("node", "status", "--json").json["peer"]
    assert isinstance(text, str)
    return text


def digest(home: Home) -> str:
    text = home.moot("council", "show", "--json").json["state_digest"]
    assert isinstance(text, str)
    return text


def test_news_go_on_a_stick_and_come_back(places: Places, tmp_path: Path) -> None:
    ana, ben = places
    picture = tmp_path / "stove.bin"
    picture.write_bytes(bytes(range(256)) * 1000)
    ana.sign("propose", "Heat the hall", "--text", "Buy a stove.", "--attach", str(picture))
    assert ben.moot("show", "--json").json == {"proposals": []}
    have = ben.moot("bundle", "have")
    assert have.out.startswith("moothave1")

    stick = str(tmp_path / "mill.bundle")
    written = ana.moot("bundle", "write", stick, "--for", have.out.strip(), "--json").json
    assert written["operations"] == 1
    done = ben.moot("bundle", "read", stick)
    assert done.out == "Mill: 1 new operation and 1 large attachment, 0 known before.\n", done.err
    assert digest(ana) == digest(ben)
    saved = tmp_path / "saved"
    assert ben.moot("show", "Heat the hall", "--save", "2", str(saved)).code == 0
    assert saved.read_bytes() == picture.read_bytes()

    again = ben.moot("bundle", "read", stick)
    assert again.out == "Mill: nothing new; 1 operation known before.\n"
    whole = ana.moot("bundle", "write", stick, "--json").json
    assert whole["operations"] > 5
    assert ben.moot("bundle", "read", stick, "--json").json["known"] == whole["operations"]


@pytest.mark.parametrize("ending", ["op", "txt"])
def test_what_was_signed_without_a_line_is_handed_in_elsewhere(places: Places, tmp_path: Path, ending: str) -> None:
    ana, ben = places
    slip = tmp_path / f"slip.{ending}"
    title = f"A bench, {ending}"
    said = ben.sign("propose", title, "--text", "By the door.", "--offline", str(slip))
    assert f"Also written to {slip}. At a computer with a line: moot submit {slip}" in said.err
    done = ana.moot("submit", str(slip), "--json")
    assert done.code == 0, done.err
    assert done.json["accepted"] >= 1
    assert done.json["refused"] == []
    assert title in ana.moot("show").out
    assert digest(ana) == digest(ben)
    # She says a second thing: it brings along what it builds on.
    slip2 = tmp_path / "second.txt"
    ben.sign("comment", title, "--text", "Of oak.", "--offline", str(slip2))
    text = slip2.read_text()
    assert text.startswith("mootslip1")
    assert ana.moot("submit", text.strip()).code == 0
    assert "Of oak." in ana.moot("show", title).out
    assert ana.moot("submit", "-", stdin=text).out.endswith("known before.\n")


def test_as_a_picture(places: Places, tmp_path: Path) -> None:
    places.ben.sign("propose", "A fence", "--text", "Of wire.")
    for name, start in (("slip.svg", b"<?xml"), ("slip.png", b"\x89PNG")):
        file = tmp_path / name
        places.ben.sign("comment", "A fence", "--text", name, "--offline", str(file))
        assert file.read_bytes().startswith(start)
    long = tmp_path / "long.png"
    done = places.ben.moot(
        "comment", "A fence", "--text", "x" * 3000, "--offline", str(long), passphrase="correct horse"
    )
    assert done.code == 1
    assert "too large for a QR code" in done.err
    assert not long.exists()


def test_a_stranger_takes_nothing_in(places: Places, tmp_path: Path) -> None:
    stick = str(tmp_path / "stick")
    places.ana.moot("bundle", "write", stick)
    with running(tmp_path / "eve") as eve:
        done = eve.home.moot("bundle", "read", stick)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("moot: This node is not in that council and did not ask to join it")


def test_who_was_invited_gets_the_council_on_a_stick(places: Places, tmp_path: Path) -> None:
    """No node of the ticket can be reached. And what builds on what he has not heard waits until he has."""
    ana, ben = places
    ticket = ana.sign("invite", "--json").json["ticket"]
    stick, slip = str(tmp_path / "stick"), str(tmp_path / "slip")
    ana.moot("bundle", "write", stick)
    with running(tmp_path / "dan") as dan:
        dan.home.person("dan")
        ana.moot("node", "peers", "away", peer(dan.home))
        ben.moot("node", "peers", "away", peer(dan.home))
        dan.home.sign("join", ticket)
        done = dan.home.moot("bundle", "read", stick)
        assert done.code == 0, done.err
        assert dan.home.moot("council", "list", "--json").json["councils"][0]["name"] == "Mill"

        ana.sign("propose", "A roof", "--text", "Of tin.")
        ana.moot("bundle", "write", stick, "--for", ben.moot("bundle", "have").out.strip())
        ben.moot("bundle", "read", stick)
        ben.sign("comment", "A roof", "--text", "Of slate.", "--offline", slip)
        waits = dan.home.moot("submit", slip)
        assert "Mill: 1 operation must wait for what was said before and is not here yet." in waits.out
        assert dan.home.moot("bundle", "read", stick).code == 0
        assert "Of slate." in dan.home.moot("show", "A roof").out


def test_files_that_are_none(places: Places, tmp_path: Path) -> None:
    ana = places.ana
    letter = tmp_path / "letter"
    letter.write_text("Dear all,\n")
    for words, reason in (
        (("bundle", "read", str(tmp_path / "none")), "cannot be read (No such file or directory)"),
        (("submit", str(letter)), "This is no bundle: those are written with"),
        (("submit", slip_text(b"x")[:-1]), "There is a typing error in it; copy it again, whole."),
        (("bundle", "write", str(tmp_path / "b"), "--for", "moothave1xyz"), "There is a typing error in it"),
        (("bundle", "write", str(tmp_path / "b"), "--for", "hello"), "This is not a text of 'moot bundle have'"),
        (("bundle", "write", str(tmp_path / "no" / "b")), "cannot be written"),
    ):
        done = ana.moot(*words)
        assert (done.code, done.out) == (1, "")
        assert reason in done.err


def test_a_file_that_was_cut_off_changes_nothing(places: Places, tmp_path: Path) -> None:
    ana, ben = places
    ana.sign("propose", "A wall", "--text", "Of brick.")
    stick = tmp_path / "stick"
    ana.moot("bundle", "write", str(stick))
    stick.write_bytes(stick.read_bytes()[:-10])
    before = digest(ben)
    assert "cut off in the middle" in ben.moot("bundle", "read", str(stick)).err
    assert digest(ben) == before


def test_have_of_another_council(places: Places, tmp_path: Path) -> None:
    with running(tmp_path / "eve") as eve:
        eve.home.person("eve")
        eve.home.sign("council", "found", "--name", "Barn", "--min", "1", "--reason", "few")
        have = eve.home.moot("bundle", "have", "--json").json["have"]
    done = places.ana.moot("bundle", "write", str(tmp_path / "b"), "--for", have)
    assert "about another council than Mill" in done.err
