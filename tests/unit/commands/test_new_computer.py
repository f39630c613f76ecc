"""A member at a new computer: her key from the words, or a new key; the council comes to her with a pass."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.keystore import Keystore
from tests.homes import CHEAP, PASSPHRASE, PATIENCE, Home, Running, running

WAIT = ("--wait", "--seconds", PATIENCE)


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[Running]:
    """Ana's node, at which Ben is a member too: his own computer is gone."""
    with running(tmp_path / "ana") as node:
        for name in ("ana", "ben"):
            node.home.person(name)
        node.home.sign("--as", "ana", "council", "found", "--name", "Mill", "--min", "2", "--reason", "few")
        ticket = node.home.sign("--as", "ana", "invite", "--json").json["ticket"]
        node.home.sign("--as", "ben", "join", ticket, "--no-node")
        node.home.sign("--as", "ana", "admit", "ben", *WAIT)
        yield node


def membership(mill: Running) -> str:
    """Ben's membership, as anybody can look it up."""
    found = mill.home.moot("--as", "ana", "device", "list", "ben", "--json").json["membership"]
    assert isinstance(found, str)
    return found


def test_a_new_key_at_a_new_computer(mill: Running, tmp_path: Path) -> None:
    with running(tmp_path / "new") as new:
        new.home.person("ben")
        offer = new.home.sign("device", "offer", membership(mill), "--json").json["offer"]
        early = mill.home.moot("--as", "ana", "device", "pass", offer)
        assert (early.code, "does not list the device of that offer" in early.err) == (1, True)
        mill.home.sign("--as", "ana", "motion", "rekey", offer, *WAIT)
        given = mill.home.moot("--as", "ana", "device", "pass", offer, "--json").json["pass"]
        wrong = mill.home.moot("--as", "ana", "join", given, passphrase=PASSPHRASE)
        assert (wrong.code, "is for another device than ana's here" in wrong.err) == (1, True)
        done = new.home.sign("join", given, *WAIT)
        assert done.out == "You are a member of Mill. See it with: moot council show\n"
        assert new.home.sign("join", given, *WAIT, "--json").json["state"] == "admitted"
        assert speaks(new.home, mill.home)


def test_the_key_at_a_new_computer_carried_by_another_member(mill: Running, tmp_path: Path) -> None:
    secrets = Keystore(mill.home.config.keys_dir, cost=CHEAP).unlock("ben", PASSPHRASE.encode())
    with running(tmp_path / "new") as new:
        Keystore(new.home.config.keys_dir, cost=CHEAP).create("ben", PASSPHRASE.encode(), secrets.person_seed)
        offer = new.home.sign("device", "offer", membership(mill)).out
        done = mill.home.sign("--as", "ana", "device", "enrol", offer, *WAIT)
        assert "'moot device pass OFFER', with this offer, makes what brings the council" in done.out
        new.home.sign("join", mill.home.moot("--as", "ana", "device", "pass", offer).out, *WAIT)
        assert speaks(new.home, mill.home)


def speaks(new: Home, old: Home) -> bool:
    """Whether what Ben says at the new computer is heard at the old one, and both come to hold the same."""
    said = new.sign("propose", "A bench", "--text", "Of larch.", "--json").json["proposal"]
    old.moot("show", said, "--wait", "here", "--seconds", PATIENCE)
    # The listing of the new node may still be on its way between the two.
    return any(digest(new) == digest(old) for _ in range(200))


def digest(home: Home) -> str:
    return str(home.moot("council", "show", "--json").json["state_digest"])
