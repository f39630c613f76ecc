"""A village on one machine: homes with a node each, and people who use the command there.

Everything is real: each node is a process of its own with a home of its own, nodes reach each
other over libp2p on loopback, and people act through `moot`, as they would at home.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from node.api.answers import Accepted, AwayAsked, CouncilAnswer, NodeAnswer, PeerAnswer
from node.client import Client
from node.config import load
from node.refused import Refused

__all__ = ["Home", "Village"]

_SOURCE = Path(__file__).resolve().parent.parent.parent
_PASSPHRASE = "a passphrase for the demonstration"
_PATIENCE = 60.0  # seconds for anything that the network has to do


def _free_ports(count: int) -> list[int]:
    """Ports of loopback that nothing listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


@dataclass(slots=True)
class Home:
    """One home: its folder, its node's process while it runs, and who lives there (None: the hall)."""

    name: str
    folder: Path
    person: str | None
    peer: str = ""
    process: "subprocess.Popen[str] | None" = None

    def prepare(self, port: int) -> None:
        """Make the folder, with settings that keep the node on loopback."""
        self.folder.mkdir(parents=True, mode=0o700)
        lines = [f'listen = ["/ip4/127.0.0.1/tcp/{port}"]', "mdns = false", "api_port = 0"]
        (self.folder / "settings.toml").write_text("\n".join(lines) + "\n")

    def _environment(self) -> Mapping[str, str]:
        paths = [str(_SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {**os.environ, "MOOT_HOME": str(self.folder), "PYTHONPATH": os.pathsep.join(paths)}

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "cli", *words]

    def begin(self) -> None:
        """Start the node's process; `ready` waits until it answers."""
        with (self.folder / "stderr.txt").open("a") as complaints:
            self.process = subprocess.Popen(
                self._command("node", "run"),
                env=self._environment(),
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                start_new_session=True,  # Ctrl-C is for the demonstration, which then stops its nodes itself
            )

    def ready(self) -> None:
        """Wait until the node says that it runs; `Refused` with its own reason when it does not."""
        assert self.process is not None
        assert self.process.stdout is not None
        if not self.process.stdout.readline():
            self.process.wait()
            raise Refused("demo-node", f"The node of {self.name} did not start: {self.complaint()}")
        self.peer = self.client().get("/v1/node", NodeAnswer).peer

    def complaint(self) -> str:
        """The last thing that the node's process said on standard error."""
        lines = (self.folder / "stderr.txt").read_text().strip().splitlines()
        return lines[-1] if lines else "it said nothing."

    def client(self) -> Client:
        """A client of the node's API."""
        return Client(load(self.folder))

    def kill(self) -> None:
        """SIGKILL: as if somebody pulled the plug."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the node to end, and wait until it has."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(number)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def moot(self, *words: str) -> Any:
        """What `moot WORDS --json` prints, run in this home; `Refused` with its reason when it says no."""
        read, write = os.pipe()
        with os.fdopen(write, "w") as pipe:
            pipe.write(_PASSPHRASE + "\n")
        signing = ["--passphrase-fd", str(read)] if self._signs(words) else []
        try:
            done = subprocess.run(
                self._command(*words, "--json", *signing),
                env=self._environment(),
                pass_fds=[read],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        finally:
            os.close(read)
        if done.returncode:
            raise Refused("demo-command", f"{self.name}: moot {' '.join(words[:3])}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    @staticmethod
    def _signs(words: Sequence[str]) -> bool:
        looks = [("council", "nonce"), ("ballot", "show")]
        return words[0] not in ("certificate", "node", "remind", "show", "verify") and tuple(words[:2]) not in looks

    def holds(self, council: str) -> bool:
        """Whether the node holds a council."""
        return any(line.council == council for line in self.client().get("/v1/node", NodeAnswer).councils)

    def council(self, council: str) -> CouncilAnswer:
        """What the node says of a council."""
        return self.client().get(f"/v1/councils/{council}", CouncilAnswer)


@dataclass(slots=True)
class Village:
    """All homes. Leaves no process behind."""

    folder: Path
    homes: dict[str, Home] = field(default_factory=dict)

    def settle(self, people: Sequence[str], hall: str) -> None:
        """Make the homes of `people` and the hall's, and start their nodes."""
        names = [hall, *people]
        for name, port in zip(names, _free_ports(len(names)), strict=True):
            self.homes[name] = Home(name, self.folder / name.lower(), None if name == hall else name)
            self.homes[name].prepare(port)
        for home in self.homes.values():
            home.begin()
        for home in self.homes.values():
            home.ready()
        for name in people:
            self.homes[name].moot("key", "new", name.lower())

    def __getitem__(self, name: str) -> Home:
        return self.homes[name]

    @contextlib.contextmanager
    def cut(self, *sides: Sequence[str]) -> Iterator[None]:
        """The network between these groups of homes is cut while the block runs."""
        pairs = [(a, b) for side in sides for a in side for other in sides if other is not side for b in other]
        for a, b in pairs:
            self._away(a, b)
        while any(self._linked(a, b) for a, b in pairs):
            pass  # nothing tells when a connection is gone, so it is asked until it is
        yield
        for a, b in pairs:
            self.homes[a].client().delete(f"/v1/peers/{self.homes[b].peer}/away", Accepted)

    def _away(self, a: str, b: str) -> None:
        self.homes[a].client().put(f"/v1/peers/{self.homes[b].peer}/away", AwayAsked(), Accepted)

    def _linked(self, a: str, b: str) -> bool:
        known = self.homes[a].client().get("/v1/peers", list[PeerAnswer])
        return any(peer.connected for peer in known if peer.peer == self.homes[b].peer)

    def alike(self, council: str, names: Sequence[str] | None = None) -> str:
        """Wait until these homes (or all) have the same state of a council; gives its digest."""
        homes = [self.homes[name] for name in names or self.homes]
        for home in homes:
            self.until(home, None, partial(home.holds, council))
        while True:
            digests = {home.council(council).state_digest for home in homes}
            if len(digests) == 1:
                return digests.pop()
            # Whoever holds least is waited for; should it have caught up meanwhile, the loop asks again.
            behind = min(homes, key=lambda home: home.council(council).operations)
            seen = behind.council(council).state_digest
            if seen in digests:
                self.until(behind, council, partial(self._moved, behind, council, seen, homes))

    @staticmethod
    def _moved(home: Home, council: str, seen: str, homes: Sequence[Home]) -> bool:
        """Whether a home's state is another than it was seen to be, or the same as everybody's."""
        digests = {each.council(council).state_digest for each in homes}
        return digests == {seen} or home.council(council).state_digest != seen

    def until(self, home: Home, council: str | None, true: Callable[[], bool]) -> None:
        """Wait until something is true that changes with what comes to `home`'s node."""
        try:
            home.client().wait(council, lambda: true() or None, _PATIENCE)
        except TimeoutError as fault:
            raise Refused("demo-time", f"The node of {home.name} did not catch up within {_PATIENCE:.0f} s.") from fault

    def close(self) -> None:
        """Stop all nodes that still run."""
        for home in self.homes.values():
            if home.process is not None:
                home.process.terminate()
        for home in self.homes.values():
            home.stop()
