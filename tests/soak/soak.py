"""One soak: a council on seven nodes, through rounds of bad weather, cuts and kills; and what must hold at its end."""

import contextlib
import http.client
import json
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from node.config import load
from node.service import Service
from node.store import Store
from protocol.ids import operation_text, parse_operation, peer_text
from protocol.log.operation import Draft
from tests.network.councils import HALL, everything, keys_of
from tests.processes import Broken, NodeProcess
from tests.soak.places import Places
from tests.worlds import Person, Teller, World, attachment

__all__ = ["Broken", "Report", "Soak"]

NODES = 7
_PEOPLE = [Person(name) for name in ("Ada", "Ben", "Cyd", "Dov", "Eva", "Fay")]


@dataclass
class Report:
    """What happened. `healed`: for each time that all lines came back, the seconds until all nodes held the same."""

    places: str
    clocks: bool
    rounds: int = 0
    accepted: int = 0
    refused: int = 0
    kills: int = 0
    cuts: int = 0
    epochs: int = 0
    healed: list[float] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "places": self.places,
            "clocks_apart": self.clocks,
            "rounds": self.rounds,
            "accepted": self.accepted,
            "cut_off": self.refused,
            "kills": self.kills,
            "cuts": self.cuts,
            "epochs": self.epochs,
            "slowest_healing_seconds": round(max(self.healed, default=0.0), 1),
        }


class Soak:
    """`clocks`: whether some clocks go an hour before and behind the others. `seed` decides everything but the machine."""

    def __init__(self, places: Places, folder: Path, seed: int, *, clocks: bool) -> None:
        self.report = Report(places.sort, clocks)
        self._places = places
        self._chance = random.Random(seed)
        self._world = World(founder=_PEOPLE[0])
        for number, person in enumerate(_PEOPLE[1:], 1):
            self._world.admit(person, *_PEOPLE[:number])
        self._id = self._world.council.id
        self._acknowledged: set[bytes] = set()
        self._lock = threading.Lock()
        hours = (0, 3600, -3600, 0, 0, 3600, 0) if clocks else (0,) * NODES
        owners: list[Person | Teller] = [HALL, *_PEOPLE]
        self._nodes = [NodeProcess(folder / f"node-{n}", keys_of(owners[n]), places, n, hours[n]) for n in range(NODES)]
        for one in self._nodes:
            others = [other.place for other in self._nodes if other is not one]
            one.settle(
                places.listens(one.place),
                [f"{places.reaches(one.place, n)}/p2p/{peer_text(owners[n].node)}" for n in others],
            )

    def run(
        self, minutes: float, kills: int, patience: float, tell: Callable[[Report], None] = lambda _: None
    ) -> Report:
        """Rounds for so long, and until so many nodes were killed; after each, all must hold the same in `patience` seconds.

        Raises `Broken` when a law does not hold.
        """
        try:
            self._found()
            for node in self._nodes:
                node.begin()
            for node in self._nodes:
                node.ready()
            self._heal(patience)
            ends = time.monotonic() + minutes * 60
            while time.monotonic() < ends or self.report.kills < kills:
                self._round(long=minutes >= 3)
                self._heal(patience)
                self.report.rounds += 1
                tell(self.report)
            for node in self._nodes:
                node.end(signal.SIGTERM)
            self._look_at_the_disks()
        finally:
            for node in self._nodes:
                node.end(signal.SIGKILL)
        return self.report

    def _found(self) -> None:
        """Everybody begins with the same council, on disk before any node runs."""
        for node in self._nodes:
            node.hold(everything(self._world))

    def _round(self, *, long: bool) -> None:
        """Bad weather, perhaps a cut, people who write everywhere, and some nodes killed meanwhile."""
        chance = self._chance
        self._places.weather(chance)
        if chance.random() < 0.8:
            self._cut()
        quiet = threading.Event()
        killed = chance.sample(self._nodes, chance.choice((0, 1, 1, 2)))
        writers = [
            threading.Thread(target=self._write, args=(node, quiet, random.Random(chance.random())))
            for node in self._nodes
        ]
        for writer in writers:
            writer.start()
        for node in killed:
            quiet.wait(chance.uniform(0.3, 2.0))
            node.end(signal.SIGKILL)
            self.report.kills += 1
        # Now and then long enough for connections to be given up, and for back-offs to grow.
        quiet.wait(chance.uniform(20, 60) if long and chance.random() < 0.15 else chance.uniform(0.5, 3.0))
        quiet.set()
        for writer in writers:
            writer.join()
        for node in killed:
            node.begin()
        for node in killed:
            node.ready()

    def _cut(self) -> None:
        places = list(range(NODES))
        self._chance.shuffle(places)
        parts = self._chance.choice(((3,), (1,), (2, 4), (1, 2, 3)))
        ends = [0, *parts, NODES]
        self._places.cut([places[begin:end] for begin, end in pairwise(ends)])
        self.report.cuts += 1

    def _write(self, node: NodeProcess, quiet: threading.Event, chance: random.Random) -> None:
        """Somebody writes at one node until it is quiet; what the node said it accepted is noted."""
        who = _PEOPLE[max(0, node.place - 1)]
        away = False
        while not quiet.wait(chance.uniform(0, 0.1)):
            act = chance.random() < 0.05
            try:
                if act:
                    away = not away
                    self._say(node, who, "member.absent" if away else "member.return", {}, ())
                else:
                    self._say(node, who, "comment.write", {"on": self._id, "text": 0}, (f"{chance.random()}",))
            except (OSError, http.client.HTTPException):
                with self._lock:
                    self.report.refused += 1
                return  # it was killed

    def _say(self, node: NodeProcess, who: Person, kind: str, body: dict[str, Any], texts: tuple[str, ...]) -> None:
        asked = json.dumps({"needs": [operation_text(self._id)] if texts else []}).encode()
        draft = node.ask("POST", f"/v1/councils/{operation_text(self._id)}/draft", asked)
        deps = tuple(sorted(parse_operation(dep) for dep in draft["deps"]))
        contents = tuple(attachment(text) for text in texts)
        operation = Draft(
            self._id, who.device(), draft["depth"], deps, time.time_ns() // 1_000_000, kind, body, contents
        )
        signed = operation.signed(who.device_seed())
        outcome = node.ask("POST", "/v1/operations", signed.encode(), "application/cbor")
        if outcome["state"] != "accepted":
            raise Broken(f"node {node.place} did not take what it drafted itself: {outcome}")
        with self._lock:
            self._acknowledged.add(signed.operation.id)
            self.report.accepted += 1

    def _heal(self, patience: float) -> None:
        """All lines come back; wait until every node holds the same, and everything that was accepted."""
        self._places.cut([list(range(NODES))])
        began = time.monotonic()
        least = len(self._world.said) + len(self._acknowledged)
        look = threading.Event()
        while True:
            try:
                found = [node.ask("GET", f"/v1/councils/{operation_text(self._id)}") for node in self._nodes]
            except (OSError, http.client.HTTPException) as error:
                died = [words for node in self._nodes if (words := node.died()) is not None]
                raise Broken("\n".join(died) or f"a node does not answer: {error}") from error
            took = time.monotonic() - began
            if len({one["state_digest"] for one in found}) == 1 and all(one["operations"] >= least for one in found):
                break
            if took > patience:
                states = [(n, one["operations"], one["epoch"]) for n, one in enumerate(found)]
                raise Broken(
                    f"after {took:.0f} s the nodes differ (node, operations, epoch): {states}; accepted: {least}"
                )
            look.wait(0.1)
        self.report.healed.append(took)
        self.report.epochs = found[0]["epoch"]

    def _look_at_the_disks(self) -> None:
        """From the files alone: nothing that was accepted is missing, and all are equal."""
        digests = set()
        for node in self._nodes:
            with contextlib.closing(Store(load(node.home).database_path)) as store:
                service = Service(store, lambda: 0, bytes(32))
                service.load()
                council = service.council(self._id)
                missing = [id for id in self._acknowledged if id not in council]
                if missing:
                    raise Broken(f"{len(missing)} accepted operations are not on the disk of node {node.place}")
                digests.add(council.digest())
        if len(digests) != 1:
            raise Broken(f"the disks hold {len(digests)} different states")


def clocks_can_differ() -> bool:
    """Whether this machine can give a program a clock of its own."""
    return shutil.which("faketime") is not None
