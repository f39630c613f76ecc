"""`moot node`, with real processes and more than one node."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.api.answers import CouncilLine
from node.api.server import listen
from tests.homes import PATIENCE, SETTINGS, Home, Running, running

WAIT = ("--wait", "--seconds", PATIENCE)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "here") as node:
        yield node


def test_a_node_is_started_seen_and_stopped(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    done = home.moot("node", "status")
    assert done.code == 1
    assert done.err == f"moot: No node is running for {home.path}: start one with 'moot node start'.\n"
    done = home.moot("node", "start")
    assert re.fullmatch(r"The node runs, reached at /ip4/127.0.0.1/tcp/\d+. Its log: .*node.log\n", done.out), done.err
    try:
        again = home.moot("node", "start")
        assert again.code == 1
        assert re.search(r"A node is running on .* already \(process \d+\): use that one", again.err)
        status = home.moot("node", "status", "--json").json
        assert (status["home"], status["connected"], status["councils"]) == (str(home.path), 0, [])
        assert home.moot("node", "status").out.startswith("The node runs since ")
    finally:
        stopped = home.moot("node", "stop")
    assert (stopped.code, stopped.out) == (0, "The node has stopped. Nothing that it accepted is lost.\n")
    assert home.moot("node", "stop").code == 1


def test_who_waits_for_a_node_that_stops_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with running(tmp_path / "home"):
        home.person("ana")
        home.sign("council", "found", "--name", "Mill", "--min", "1", "--reason", "few")
        watching = subprocess.Popen(
            [sys.executable, "-c", "import cli; cli.main()", "watch", "--json"],
            env={**os.environ, "MOOT_HOME": str(home.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert watching.stdout is not None
        assert watching.stdout.readline() == '{"event":"ready"}\n'
    out, err = watching.communicate()
    assert (watching.returncode, out) == (1, "")
    assert err == "moot: The node stopped while this command was waiting for it.\n"


def test_a_busy_port_is_told_where_the_node_was_started(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with listen(0) as taken:
        port = taken.getsockname()[1]
        (home.path / "settings.toml").write_text(SETTINGS.replace("api_port = 0", f"api_port = {port}"))
        for command in ("start", "run"):
            done = home.moot("node", command)
            assert (done.code, done.out) == (1, "")
            assert f"Another program uses port {port} of this machine" in done.err


def test_peers_are_added_kept_away_and_forgotten(here: Running, tmp_path: Path) -> None:
    home = here.home
    assert "knows no other yet" in home.moot("node", "peers").out
    for bad in ("nonsense", "/ip4/127.0.0.1/tcp/1"):
        done = home.moot("node", "peers", "add", bad)
        assert (done.code, done.out) == (1, "")
    with running(tmp_path / "other") as other:
        status = other.home.moot("node", "status", "--json").json
        address = f"{status['addresses'][0]}/p2p/{status['peer']}"
        assert home.moot("node", "peers", "add", address).code == 0
        assert home.moot("node", "peers").out.startswith(status["peer"])
        assert home.moot("node", "peers", "away", status["peer"]).code == 0
        answer = home.moot("node", "peers", "--json").json["peers"][0]
        assert answer["kept_away"]
        assert "kept away" in home.moot("node", "peers").out
        assert home.moot("node", "peers", "near", status["peer"]).code == 0
        assert not home.moot("node", "peers", "--json").json["peers"][0]["kept_away"]
        assert home.moot("node", "peers", "forget", status["peer"]).code == 0
        assert home.moot("node", "peers", "forget", "12D3").code == 1


def test_the_halls_node_is_the_teller_of_a_council_founded_elsewhere(here: Running, tmp_path: Path) -> None:
    home = here.home
    home.person("ana")
    nonce = home.moot("council", "nonce").out.strip()
    with running(tmp_path / "hall") as hall:
        offer = hall.home.moot("node", "teller", nonce, "--json").json["offer"]
        other = hall.home.moot("node", "teller", "00" * 32).out.strip()
        found = ("council", "found", "--name", "Mill", "--min", "1", "--reason", "few", "--nonce", nonce)
        done = home.moot(*found, "--teller", other, passphrase="correct horse")
        assert (done.code, "made for another nonce" in done.err) == (1, True)
        council = home.sign(*found, "--teller", offer, "--json").json["council"]
        assert not home.moot("council", "show", "--json").json["tellers"][0]["here"]
        home.sign("absent", *WAIT)
        shown = hall.home.moot("council", "show", "--json").json
        assert (shown["council"], shown["epoch"], shown["tellers"][0]["here"]) == (council, 1, True)
        assert hall.home.moot("council", "roll", "--json").json["members"][0]["name"] == "ana"


def test_a_council_is_joined_from_another_computer(here: Running, tmp_path: Path) -> None:
    here.home.person("ana")
    here.home.sign("council", "found", "--name", "Mill", "--min", "1", "--reason", "few")
    ticket = here.home.sign("invite", "--json").json["ticket"]
    with running(tmp_path / "there") as there:
        there.home.person("ben")
        done = there.home.sign("join", ticket)
        assert "You asked to join Mill; its members decide now." in done.out
        joining = there.home.moot("council", "list", "--json").json["joining"]
        assert [one["state"] for one in joining] in (["waiting"], ["delivered"])
        requests = here.home.moot("admit", "--wait-for", "1", "--seconds", PATIENCE, "--json").json["requests"]
        assert [one["name"] for one in requests] == ["ben"]
        here.home.sign("admit", "ben", *WAIT)
        there.home.moot("council", "list", *WAIT)
        councils = there.home.client().get("/v1/councils", list[CouncilLine])
        assert [(line.name, line.members) for line in councils] == [("Mill", 2)]
        ours = here.home.moot("council", "show", "--json").json
        there.home.sign("propose", "Stove", "--text", "x")
        here.home.moot("show", "Stove", "--wait", "here", "--seconds", PATIENCE)
        assert here.home.moot("show", "Stove", "--json").json["author"]["name"] == "ben"
        assert ours["members"] == 2
        # The ticket is used up, and its holder is told so by the node that it leads to.
        with running(tmp_path / "third") as third:
            third.home.person("cleo")
            done = third.home.moot("join", ticket, *WAIT, passphrase="correct horse")
            assert (done.code, done.out) == (1, "")
            assert "This ticket is used up" in done.err
