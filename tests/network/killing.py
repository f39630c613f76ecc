"""Nodes that are killed while they write: `python -m tests.network.killing --kills 100 --seed 1`.

A real node is killed with SIGKILL at random moments while somebody speaks through it, and another
member's node hears what it passes on. After every kill its disk is read: everything that was
acknowledged is there, and everything that the other node has heard.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from node.archive import check
from node.commands import Caller
from node.commands._pick import mine, pick_council
from node.commands._voice import Attached, Voice, connect
from node.keystore import Keystore
from node.refused import Refused
from node.store import Store
from protocol.council.bodies import Comment
from protocol.ids import operation_text, parse_operation
from tests.homes import CHEAP, PASSPHRASE, PATIENCE, Home, Running, running

__all__ = ["Killing", "main", "said_until_it_ends", "started", "voice_of"]

ROOT = Path(__file__).parents[2]
_LONGEST = 0.4  # seconds until a kill


@dataclass
class Killing:
    """What was seen in some rounds."""

    kills: int = 0
    acknowledged: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@contextmanager
def started(home: Home) -> Iterator[subprocess.Popen[str]]:
    """The home's node as a process of its own; it is gone at the end."""
    node = subprocess.Popen(
        [sys.executable, "-c", "import cli; cli.main(['node', 'run'])"],
        env={**os.environ, "MOOT_HOME": str(home.path), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert node.stdout is not None
    assert node.stderr is not None
    try:
        assert node.stdout.readline().startswith("The node runs"), node.stderr.read()
        yield node
    finally:
        node.kill()
        node.communicate()


def voice_of(home: Home, name: str) -> Voice:
    """Somebody of the home, unlocked, in the only council there is."""
    os.environ["MOOT_HOME"] = str(home.path)
    caller = Caller(name)
    client = connect(caller)
    line = pick_council(client, None)
    secrets = Keystore(home.config.keys_dir, cost=CHEAP).unlock(name, PASSPHRASE.encode())
    return Voice(client, line, mine(client, caller, line), name, secrets)


def said_until_it_ends(voice: Voice) -> list[str]:
    """Speak until the node does not answer any more; the ids of what it acknowledged."""
    out: list[str] = []
    council = parse_operation(voice.council.council)
    try:
        while True:
            attached = Attached.none()
            body = Comment(council, attached.add(f"word {len(out)} " * 20))
            out.append(voice.say("comment.write", body, attached, [voice.council.council]))
    except Refused as refused:
        if refused.rule not in ("node-stopped", "no-node", "store"):
            raise
        return out


def kept(home: Home) -> set[str]:
    """What is on the disk of a node that was killed."""
    store = Store(home.config.database_path)
    try:
        return {operation_text(saved.id) for chunk in store.replay() for saved in chunk}
    finally:
        store.close()


def heard(other: Running) -> set[str]:
    """What the other node has."""
    return {operation_text(id) for council in other.node.service.councils.values() for id in council.dag.ids}


def rounds(folder: Path, kills: int, seed: int) -> Killing:
    """Kill a node so many times, and look after each."""
    chance = random.Random(seed)
    found = Killing()
    home = Home(folder / "ana")
    home.person("ana")
    with running(folder / "ben") as other:
        ben = other.home
        ben.person("ben")
        with started(home):
            home.sign("council", "found", "--name", "Mill", "--min", "1", "--reason", "few")
            ben.sign("join", home.sign("invite", "--json").json["ticket"])
            home.moot("admit", "--wait-for", "1", "--seconds", PATIENCE)
            home.sign("admit", "ben", "--wait", "--seconds", PATIENCE)
            assert ben.moot("council", "list", "--wait", "--seconds", PATIENCE).code == 0
        for _ in range(kills):
            with started(home) as node:
                voice = voice_of(home, "ana")
                killer = threading.Timer(_LONGEST * chance.random(), node.send_signal, (signal.SIGKILL,))
                killer.start()
                found.acknowledged += said_until_it_ends(voice)
                killer.join()
                node.wait()
            found.kills += 1
            there = kept(home)
            for what, ids in (("acknowledged", set(found.acknowledged)), ("passed on", heard(other))):
                if ids - there:
                    found.faults.append(f"kill {found.kills}: {len(ids - there)} operations were {what} and are lost")
        with started(home):
            log = folder / "log"
            home.moot("export", str(log))
    with log.open("rb") as file:
        found.faults += check(file).faults
    return found


def main() -> int:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = rounds(Path(folder), asked.kills, asked.seed)
    print(f"{found.kills} kills, {len(found.acknowledged)} operations acknowledged, {len(found.faults)} faults")  # noqa: T201  # a command
    for fault in found.faults:
        print(fault)  # noqa: T201  # a command
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
