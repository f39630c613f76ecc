"""Nodes as processes of their own, as people run them: real homes, real keys, the local API over HTTP."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from node.config import load
from node.keystore import NodeKeys
from node.outcome import Accepted
from node.service import Service
from node.store import Store

if TYPE_CHECKING:
    from tests.soak.places import Places

__all__ = ["Broken", "NodeProcess"]

ROOT = Path(__file__).resolve().parents[1]


class Broken(AssertionError):
    """A law did not hold."""


class NodeProcess:
    """One node with these keys: its home, its process while it runs, and how to speak to it.

    It stands at a place of `places`, or on loopback; its clock may go so many seconds `ahead`.
    """

    def __init__(
        self, home: Path, keys: NodeKeys, places: "Places | None" = None, place: int = 0, ahead: int = 0
    ) -> None:
        self._places = places
        self.place = place
        self.home = home
        self.home.mkdir(mode=0o700, parents=True)
        self._ahead = ahead
        seeds = iter((keys.host_seed, keys.teller_seed))
        NodeKeys.load_or_create(load(self.home).node_key_path, entropy=lambda _: next(seeds))
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self._token = ""

    def settle(self, listen: str, peers: Sequence[str] = ()) -> None:
        """Write the settings."""
        lines = [f'listen = ["{listen}"]', f"peers = {json.dumps(list(peers))}"]
        (self.home / "settings.toml").write_text("\n".join([*lines, "mdns = false", "api_port = 0", ""]))

    def begin(self) -> None:
        """Start its process; `ready` waits until it answers."""
        words = [sys.executable, "-m", "cli", "node", "run"]
        environment = {**os.environ, "MOOT_HOME": str(self.home), "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}
        if self._ahead:
            # The wall clock alone: what measures spans goes on as it must on any computer.
            words = ["faketime", "-m", "-f", f"{self._ahead:+d}s", *words]
            environment["FAKETIME_DONT_FAKE_MONOTONIC"] = environment["DONT_FAKE_MONOTONIC"] = "1"
        with (self.home / "stderr.txt").open("a") as complaints:
            self._process = subprocess.Popen(
                words if self._places is None else self._places.command(self.place, words),
                env=environment,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                start_new_session=True,
            )

    def ready(self) -> None:
        """Wait until it runs."""
        assert self._process is not None
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise Broken(f"node {self.place} does not start: {(self.home / 'stderr.txt').read_text()[-2000:]}")
        config = load(self.home)
        self._port = json.loads(config.run_path.read_bytes())["port"]
        self._token = config.token_path.read_text().strip()

    def end(self, number: signal.Signals) -> None:
        """End its process, and those that lead to it."""
        if self._process is not None:
            os.killpg(self._process.pid, number)
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def ask(self, method: str, path: str, body: bytes | None = None, sort: str = "application/json") -> Any:
        """One request to its API; `OSError` or `HTTPException` when it does not answer."""
        headers = {"authorization": f"Bearer {self._token}", "content-type": sort}

        def speak() -> Any:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            with contextlib.closing(connection):
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                data = answer.read()
                if answer.status >= 500:
                    raise Broken(f"node {self.place} answered {answer.status}: {data.decode()}")
                return json.loads(data)

        return speak() if self._places is None else self._places.at(self.place, speak)

    def died(self) -> str | None:
        """How its process ended by itself, if it did."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            return None
        words = (self.home / "stderr.txt").read_text()[-3000:]
        return f"node {self.place} ended by itself with {code}: {words}"

    def hold(self, envelopes: Sequence[bytes]) -> None:
        """Put operations on its disk before it runs."""
        with contextlib.closing(Store(load(self.home).database_path)) as store:
            outcomes = trio.run(Service(store, lambda: 0, bytes(32)).submit, envelopes)
        if not all(isinstance(outcome, Accepted) for outcome in outcomes):
            raise Broken(f"the council does not begin at node {self.place}: {outcomes}")

    def memory(self) -> int:
        """Bytes of memory that its process has now."""
        assert self._process is not None
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Broken("the process is not there")
