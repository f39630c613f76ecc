"""`moot doctor` on homes and nodes with something wrong, each for real; health and metrics of a node."""

import json
import os
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from node.api.access import read_token
from node.api.answers import TellerAnswer
from node.doctor import examine, of_teller
from node.store import StoreFailed
from tests.homes import SETTINGS, Home, Running, running

ROOT = Path(__file__).parents[3]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "home") as node:
        node.home.person("ana")
        node.home.sign("council", "found", "--name", "Mill", "--min", "1", "--reason", "few")
        yield node


def found(home: Home) -> dict[str, list[tuple[str, str]]]:
    """Check -> its findings: state, and message with advice."""
    out: dict[str, list[tuple[str, str]]] = {}
    for one in examine(home.path):
        out.setdefault(one.check, []).append((one.state, f"{one.message} {one.advice or ''}"))
    return out


def bad(home: Home) -> list[str]:
    return [check for check, findings in found(home).items() if any(state == "bad" for state, _ in findings)]


def test_all_is_well(here: Running) -> None:
    done = here.home.moot("doctor")
    assert done.code == 0, done.err
    assert done.out.endswith("All is well.\n")
    assert "Mill: epoch 0, 1 operations." in done.out
    said = here.home.moot("doctor", "--json").json
    assert said["ok"]
    assert {"settings", "home", "keys", "disk", "clock", "database", "node", "council"} <= {
        one["check"] for one in said["findings"]
    }


def test_a_home_that_is_not_there(tmp_path: Path) -> None:
    first, second = examine(tmp_path / "none")
    assert (first.state, second.state, second.advice) == ("ok", "note", "Begin with: moot key new NAME")


def test_settings_that_are_wrong(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (home.path / "settings.toml").write_text("api_prot = 1\n")
    (only,) = examine(home.path)
    assert (only.state, only.check) == ("bad", "settings")
    assert "'api_prot', which is no setting" in only.message


def test_no_node_runs(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.person("ana")
    done = home.moot("doctor")
    assert (done.code, done.err) == (1, "moot: 1 thing has to be mended; node first.\n")
    assert "! node: No node runs on this home.\n    moot node start\n" in done.out
    (home.path / "run.json").write_text(json.dumps({"pid": 1, "port": 1}))
    assert "though one did not stop by itself" in found(home)["node"][0][1]


def test_a_node_that_does_not_answer(here: Running) -> None:
    """Its run file leads elsewhere."""
    here.home.config.run_path.write_text(json.dumps({"pid": 1, "port": 1}))
    assert "does not answer" in found(here.home)["node"][0][1]


def test_keys_that_others_could_read(here: Running) -> None:
    here.home.config.node_key_path.chmod(0o644)
    (here.home.config.keys_dir / "ana.key").chmod(0o640)
    told = " ".join(message for _, message in found(here.home)["keys"])
    assert f"chmod 600 {here.home.config.node_key_path}" in told
    assert f"chmod 600 {here.home.config.keys_dir / 'ana.key'}" in told


def test_a_damaged_database(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with running(home.path):
        home.person("ana")
        home.sign("council", "found", "--name", "Mill", "--min", "1", "--reason", "few")
    with home.config.database_path.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(os.urandom(4096 * 3))
    ((state, words), *_) = found(home)["database"]
    assert state == "bad"
    assert "moot repair" in words
    assert home.moot("repair").code == 0
    assert [state for state, _ in found(home)["database"]] == ["ok", "note"]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (home.path / "settings.toml").write_text(SETTINGS.replace("tcp/0", f"tcp/{port}"))
        assert f"Port {port}, for peers, is taken" in found(home)["ports"][0][1]


def test_nobody_can_be_reached(here: Running, tmp_path: Path) -> None:
    with running(tmp_path / "other") as other:
        peer = other.home.moot("node", "status", "--json").json
        here.home.moot("node", "peers", "add", f"{peer['addresses'][0]}/p2p/{peer['peer']}")
        while here.node.host.connected() != {other.node.host.peer}:
            assert "peers" in found(here.home)
        assert found(here.home)["peers"][0][0] == "ok"
    while here.node.host.connected():
        assert "peers" in found(here.home)
    assert "None of 1 known peers can be reached" in found(here.home)["peers"][0][1]


def test_a_teller_that_waits(here: Running) -> None:
    (council,) = here.node.service.councils
    here.node.store.note(f"teller-silent:{council.hex()}", b"restored")
    assert bad(here.home) == ["teller"]
    assert "moot node resume" in found(here.home)["teller"][0][1]


def test_health_needs_no_token_and_tells_of_a_failed_disk(here: Running) -> None:
    url = f"http://127.0.0.1:{here.port}"
    answer = httpx.get(f"{url}/health")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "rule": None, "message": None})
    assert here.home.moot("node", "health").out == "The node works.\n"
    assert httpx.get(f"{url}/metrics").status_code == 401


def test_a_failed_disk_ends_the_node_wherever_it_shows(tmp_path: Path) -> None:
    """What is read over the API fails as what is written does: one sentence, and the node stops."""
    with pytest.raises(BaseExceptionGroup) as ended:
        read_what_is_gone(tmp_path / "home")
    assert ended.group_contains(StoreFailed)


def read_what_is_gone(path: Path) -> None:
    """Ask a running node for an operation that somebody took out of its database."""
    with running(path) as here:
        here.home.person("ana")
        done = here.home.sign("council", "found", "--name", "Mill", "--min", "1", "--reason", "few", "--json")
        with closing(sqlite3.connect(here.home.config.database_path)) as db:
            db.execute("delete from operations")
            db.commit()
        broken = here.home.moot("show", done.json["council"], "--raw", "--json")
        assert (broken.code, broken.out) == (1, "")
        assert "lacks an operation that it held" in broken.err
        while here.home.config.run_path.exists():
            here.home.moot("node", "health")


def test_every_metric_is_documented_and_the_other_way_round(here: Running) -> None:
    token = read_token(here.home.config.token_path)
    answer = httpx.get(f"http://127.0.0.1:{here.port}/metrics", headers={"authorization": f"Bearer {token}"})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    told = {
        sample.name for name, family in families.items() if name.startswith("folkmoot") for sample in family.samples
    }
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    assert told == set(re.findall(r"(?m)^\| `(folkmoot_\w+)`", page))
    (sample,) = families["folkmoot_council_operations"].samples
    (council,) = here.node.service.councils.values()
    assert sample.value == len(council)
    assert families["process_resident_memory_bytes"].samples[0].value > 1e6


def test_a_teller_whose_clock_is_far_from_the_others_is_named() -> None:
    teller = TellerAnswer(
        "did:key:z", "12D3", here=True, connected=True, silent=None, astray="the clock is 90 seconds ahead"
    )
    (found,) = of_teller("Mill", teller, False)
    assert (found.check, found.state, found.message) == ("teller", "bad", "Mill: the clock is 90 seconds ahead.")
