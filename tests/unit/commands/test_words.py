"""What cannot be, or would change nothing, is said in one sentence, and nobody waits for it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.keystore import Keystore
from tests.homes import CHEAP, PASSPHRASE, PATIENCE, Done, Home, running

WAIT = ("--wait", "--seconds", PATIENCE)
FOUND = ("council", "found", "--name", "Mill", "--template", "working-group")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Ana's home with a running node, in no council."""
    with running(tmp_path / "home") as node:
        node.home.person("ana")
        yield node.home


@pytest.fixture
def mill(home: Home) -> Home:
    """The council Mill, which is Ana alone."""
    home.sign(*FOUND, "--min", "1")
    return home


def refused(home: Home, *args: str) -> str:
    """Run a command that must be refused; gives its one sentence."""
    done = home.moot(*args, passphrase=PASSPHRASE)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("moot: ")
    assert done.err.count("\n") == 1
    return done.err.removeprefix("moot: ").removesuffix("\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--name", ""), "The charter's name is empty; give another."),
        (("--name", "n" * 81), "The charter's name has at most 80 letters; give another."),
        (("--purpose", "p" * 2001), "The charter's purpose has at most 2000 letters; give another."),
        (("--max", "501", "--reason", "many"), "The charter's largest size is at most 500; give another."),
        (("--reason", "r" * 501), "The charter's reason for its size has at most 500 letters; give another."),
        (("--min", "30", "--max", "26"), "the smallest size of the council, 30, is above its largest, 26; change one of them."),
    ],
)  # fmt: skip
def test_a_charter_that_cannot_be(home: Home, options: tuple[str, ...], words: str) -> None:
    assert refused(home, "council", "found", "--name", "Mill", *options) == words


def test_a_changed_charter_that_cannot_be(mill: Home) -> None:
    assert (
        refused(mill, "motion", "charter", "--name", "n" * 81)
        == "The charter's name has at most 80 letters; give another."
    )


def test_a_name_is_one_line(home: Home) -> None:
    home.sign("council", "found", "--name", "Mill\nEpoch 9", "--min", "1", "--reason", "few")
    assert home.moot("council", "list").out.startswith("Mill Epoch 9  bafyrei")


def test_while_a_council_forms(home: Home) -> None:
    home.sign(*FOUND)
    done = home.sign("propose", "A bench", "--text", "Of larch.", "--move")
    waits = "it waits: the council is forming, and decides this from 3 members on."
    assert done.out.endswith(f"Your assent is enough; {waits}\n")
    assert "enough; the council is forming" in home.moot("show", "A bench").out
    assert "It waits: the council is forming" in home.sign("assent", "A bench").out
    assert "is forming, and absences wait until it decides" in refused(home, "absent", *WAIT)
    assert home.sign("absent").out == "You are absent from Mill as soon as it has members enough to decide.\n"


def test_what_is_erased_or_adopted_is_not_erased_again(mill: Home) -> None:
    mill.sign("propose", "A bench", "--text", "Of larch.", "--move")
    mill.moot("show", "A bench", "--wait", "adopted", "--seconds", PATIENCE)
    comment = mill.sign("comment", "A bench", "--text", "Who pays?", "--json").json["comment"]
    assert "so only the council erases it" in refused(mill, "erase", "A bench")
    assert "It has no such attachment" in refused(mill, "motion", "erase", "A bench", "7")
    assert "1 attachment erased here" in mill.sign("erase", comment).out
    assert refused(mill, "erase", comment) == "That is erased already."
    mill.sign("motion", "erase", "A bench", "1", *WAIT)
    assert refused(mill, "motion", "erase", "A bench", "1") == "That is erased already."


def test_acts_that_would_change_nothing(mill: Home) -> None:
    secrets = Keystore(mill.config.keys_dir, cost=CHEAP).unlock("ana", PASSPHRASE.encode())
    Keystore(mill.config.keys_dir, cost=CHEAP).create("ana2", PASSPHRASE.encode(), secrets.person_seed)
    ana = ("--as", "ana")
    membership = mill.moot(*ana, "device", "list", "--json").json["membership"]
    offer = mill.sign("--as", "ana2", "device", "offer", membership, "--no-node").out
    enrolled = mill.sign(*ana, "device", "enrol", offer, *WAIT, "--json").json["device"]
    words = "It was written down but has no effect: that device is or was enrolled in the council"
    assert refused(mill, *ana, "device", "enrol", offer, *WAIT).startswith(words)
    mill.sign(*ana, "device", "revoke", enrolled, *WAIT)
    assert refused(mill, *ana, "device", "enrol", offer, *WAIT).startswith(words)


def test_a_motion_in_effect_still_says_what_it_changed(mill: Home) -> None:
    done = mill.sign("motion", "charter", "--name", "Mill Lane", *WAIT)
    changed = "change the charter: name from 'Mill' to 'Mill Lane'"
    assert done.out == f"Decided in epoch 1: {changed}.\n"
    assert mill.moot("motion", "list", "--all", "--json").json["motions"][0]["words"] == changed
    assert "(1 assent)" in mill.moot("council", "epochs").out


def test_a_council_is_followed_from_somewhere(mill: Home, tmp_path: Path) -> None:
    council = mill.moot("council", "show", "--json").json["council"]
    with running(tmp_path / "other") as other:
        assert refused_quietly(other.home.moot("node", "follow", council)).startswith("Say where a node is reached")
    assert mill.moot("node", "follow", council).out == "This node has the council already.\n"
    nothing = refused_quietly(Home(tmp_path / "third").moot("node", "stop"))
    assert nothing.endswith("there is nothing to stop.")


def refused_quietly(done: Done) -> str:
    assert (done.code, done.out) == (1, "")
    return done.err.removeprefix("moot: ").removesuffix("\n")


def test_a_teller_that_was_put_back_says_so_and_is_let_sign_again(tmp_path: Path) -> None:
    with running(tmp_path / "home") as node:
        node.home.person("ana")
        node.home.sign(*FOUND, "--min", "1")
        ticket = node.home.sign("invite", "--json").json["ticket"]
        with running(tmp_path / "other") as other:
            other.home.person("ben")
            other.home.sign("join", ticket)
            node.home.moot("admit", "--wait-for", "1", "--seconds", PATIENCE)
            node.home.sign("admit", "ben", *WAIT)
    (tmp_path / "home").rename(tmp_path / "broken")
    shutil.copytree(tmp_path / "broken", tmp_path / "home")
    with running(tmp_path / "home") as node:
        assert (
            "Warning: this node's database was put back from a copy, or moved" in node.home.moot("council", "show").out
        )
        assert node.home.moot("node", "resume").out == "This node's teller signs for Mill again.\n"
        assert "is not silent" in refused_quietly(node.home.moot("node", "resume"))
        node.home.sign("absent", *WAIT)


def test_what_was_withdrawn_is_not_gone_on_with(mill: Home, tmp_path: Path) -> None:
    mill.sign("propose", "A bench", "--text", "Of larch.", "--move")
    mill.moot("show", "A bench", "--wait", "adopted", "--seconds", PATIENCE)
    assert "is adopted, so it cannot be withdrawn" in refused(mill, "amend", "A bench", "--withdraw")
    mill.sign("propose", "A shelf", "--text", "Of oak.")
    keys = mill.sign("amend", "A shelf", "--withdraw", "--json").json
    assert list(keys) == ["proposal", "operation"]
    for command in (("assent",), ("motion", "adopt"), ("amend", "--withdraw"), ("amend", "--text", "Of beech.")):
        assert "'A shelf' was withdrawn by its author" in refused(mill, *command, "A shelf")
    saved = mill.moot("show", "A shelf", "--save", "1", str(tmp_path / "shelf"), "--json").json
    assert saved == {"file": str(tmp_path / "shelf"), "bytes": 7}
