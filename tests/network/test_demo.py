"""The demonstration as a newcomer runs it: real processes, real commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def moot(*words: str, home: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "MOOT_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "cli", *words], env=environment, capture_output=True, text=True, check=False
    )


def test_five_nodes_are_cut_in_two_lose_one_meet_again_and_decide(tmp_path: Path) -> None:
    done = moot("demo", "--json", "--keep", str(tmp_path / "homes"), home=tmp_path / "own")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    facts = json.loads(line)
    assert [node["name"] for node in facts["nodes"]] == ["Hall", "Ana", "Ben", "Cleo", "Dan"]
    assert all(sorted(node) == ["council", "name", "operations", "state_digest"] for node in facts["nodes"])
    assert len({node["state_digest"] for node in facts["nodes"]}) == 1
    assert len({node["operations"] for node in facts["nodes"]}) == 1
    assert facts["decided"] is True
    assert facts["verified"] is True
    assert facts["adopted"]["number"] == 2
    assert len(set(facts["digests_while_cut"])) == 2
    assert facts["killed"]["kept"] is True
    ballot = facts["ballot"]
    assert (ballot["voted"], ballot["revision"], ballot["signatures"], ballot["tellers"]) == (4, 1, 1, 1)
    assert ballot["elected"] == ["Cleo"]
    assert ballot["beyond_recall"] is True
    assert ballot["verified"] is True
    assert not (tmp_path / "own").exists(), "the demonstration leaves one's own home alone"
    # The hall's node holds nobody's key, and every node has ended.
    assert not list((tmp_path / "homes" / "hall" / "people").glob("*.key"))
    assert not list((tmp_path / "homes").glob("*/run.json"))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = moot("demo", "--keep", str(tmp_path), home=tmp_path / "own")
    assert done.returncode == 1
    assert done.stderr == f"moot: {tmp_path} is not empty: name a new folder.\n"
    assert (tmp_path / "mine.txt").read_text() == "mine"
