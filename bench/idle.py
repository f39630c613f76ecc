"""A node with five councils in which nothing happens, connected to another member's: what it costs.

Two real processes on loopback. CPU is what the kernel counted for the process and its children
over the time, as a share of one core; memory is what lies in RAM at the end.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from node.api.answers import JoinAnswer, NodeAnswer
from node.client import Client
from node.config import load
from node.keystore import Cost, Keystore

__all__ = ["run", "table"]

COUNCILS = 5
_PASSPHRASE = "not a secret"
_SETTINGS = 'listen = ["/ip4/127.0.0.1/tcp/0"]\nmdns = false\napi_port = 0\n'
_MOOT = (sys.executable, "-c", "import cli; cli.main()")
_ROOT = Path(__file__).parents[1]


def run(quick: bool) -> dict[str, Any]:
    """`cpu`: share of one core; `memory`: bytes; `seconds`: how long was measured."""
    with TemporaryDirectory() as folder, _node(Path(folder) / "ana") as ana, _node(Path(folder) / "ben") as ben:
        for number in range(COUNCILS):
            name = f"Council {number}"
            ana.moot("council", "found", "--name", name, "--min", "1", "--reason", "a benchmark")
            ticket = ana.moot("invite", "-c", name).split()[0]
            ben.moot("join", ticket)
            ana.moot("admit", "-c", name, "--wait-for", "1", signs=False)
            ana.moot("admit", "ben", "-c", name, "--wait")
        ben.moot("council", "list", "--wait", signs=False)
        client = Client(load(ana.home))
        assert client.get("/v1/node", NodeAnswer).connected == 1
        assert client.get("/v1/joining", list[JoinAnswer]) == []
        time.sleep(5 if quick else 15)  # what the last act stirred up is over
        before, begun = ana.cpu(), time.monotonic()
        time.sleep(10 if quick else 60)
        seconds = time.monotonic() - begun
        return {
            "councils": COUNCILS,
            "seconds": round(seconds, 1),
            "cpu": round((ana.cpu() - before) / seconds, 5),
            "memory": ana.memory(),
        }


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    return (
        f"{result['councils']} councils, {result['seconds']:.0f} s: {result['cpu']:.2%} of one core, "
        f"{result['memory'] / 1e6:.0f} MB"
    )


class _Home:
    def __init__(self, home: Path, node: "subprocess.Popen[str]") -> None:
        self.home = home
        self._node = node

    def moot(self, *words: str, signs: bool = True) -> str:
        """Run a command here; gives what it printed."""
        reader, writer = os.pipe()
        os.write(writer, f"{_PASSPHRASE}\n".encode())
        os.close(writer)
        given = ("--passphrase-fd", str(reader)) if signs else ()
        try:
            done = subprocess.run(
                [*_MOOT, *words, *given],
                env=_environment(self.home),
                pass_fds=[reader],
                capture_output=True,
                text=True,
                check=True,
            )
        finally:
            os.close(reader)
        return done.stdout

    def _processes(self) -> Iterator[Path]:
        todo = [self._node.pid]
        while todo:
            place = Path("/proc", str(todo.pop()))
            yield place
            todo += [int(child) for task in place.glob("task/*/children") for child in task.read_text().split()]

    def cpu(self) -> float:
        """Seconds that the node has used so far, in user and system mode, with its children."""
        ticks = 0
        for place in self._processes():
            fields = (place / "stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes in RAM, with its children."""
        pages = sum(int((place / "statm").read_text().split()[1]) for place in self._processes())
        return pages * os.sysconf("SC_PAGE_SIZE")


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "MOOT_HOME": str(home), "PYTHONPATH": str(_ROOT)}


@contextmanager
def _node(home: Path) -> Iterator[_Home]:
    """A home with one person, named like it, whose node runs."""
    home.mkdir(mode=0o700)
    (home / "settings.toml").write_text(_SETTINGS)
    Keystore(home / "people", cost=Cost(1, 8192)).create(home.name, _PASSPHRASE.encode())
    node = subprocess.Popen([*_MOOT, "node", "run"], env=_environment(home), stdout=subprocess.PIPE, text=True)
    assert node.stdout is not None
    try:
        assert node.stdout.readline().startswith("The node runs")
        yield _Home(home, node)
    finally:
        node.terminate()
        node.communicate()
