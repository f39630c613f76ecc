"""A ballot on real processes: four tellers and eight voters, one teller killed at the close, one forked and lying."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from node.api.answers import Accepted, AddPeer, AwayAsked, DraftAnswer, DraftAsked, EpochAnswer, NodeAnswer, Outcome
from node.api.ballot_answers import BallotAnswer, CastAsked, CastDraft
from node.commands._voice import now
from node.demo.village import Home
from node.keystore import NodeKeys
from protocol.council.certificate import examine, read_certificate
from protocol.council.epochs import Record
from protocol.council.outcomes import Inserted
from protocol.council.signatures import sign_epoch
from protocol.ids import operation_text, parse_operation, peer_text, person_text
from protocol.keys import public_key
from protocol.log.operation import Content, Draft, Envelope
from protocol.tellers.agreement import rotation
from tests.worlds import Person, Teller, World, attachment, carry, seed, small_charter

ROOT = Path(__file__).resolve().parents[2]
GUARD = 60.0
"""Seconds after which a test is stuck; nothing depends on it otherwise."""

TELLERS = tuple(Teller(name) for name in ("north", "east", "south", "west"))
LIAR = TELLERS[3]
PEOPLE = tuple(Person(name) for name in ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gita", "Hal"))
OPEN_FOR = 9_000
"""How long people can vote, ms: time for the votes, the cut, and what is said behind it."""


class Street(World):
    """A council of these people, whose four tellers agree on every epoch."""

    def epoch(self) -> Record | None:
        record = self.council.compose()
        assert record is not None
        signatures = [(teller.key, sign_epoch(teller.seed, record.digest)) for teller in self.tellers[:3]]
        outcome = self.insert(carry(self.council, record, signatures, self.teller.seed))
        assert isinstance(outcome, Inserted), outcome
        return record


def street() -> Street:
    durations = {"notice": 0, "discussion": 0, "grace": 1, "extension": 2}
    world = Street(PEOPLE[0], small_charter(tellers="4", durations=durations), TELLERS)
    for place, person in enumerate(PEOPLE[1:], start=1):
        world.admit(person, *PEOPLE[: place // 2 + 1])
    return world


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Hall:
    """Homes with a node in a process each, all of which hold the council."""

    folder: Path
    world: Street
    homes: dict[str, Home] = field(default_factory=dict)

    @property
    def council(self) -> str:
        return operation_text(self.world.council.id)

    @property
    def path(self) -> str:
        return f"/v1/councils/{self.council}"

    def start(self, name: str, keys: NodeKeys) -> None:
        home = self.homes[name] = Home(name, self.folder / name, None)
        home.prepare(free_port())
        seeds = iter((keys.host_seed, keys.teller_seed))
        NodeKeys.load_or_create(home.folder / "node.key", entropy=lambda _: next(seeds))
        home.begin()

    def take_in(self, home: Home) -> None:
        """Hand a node everything that made the council what it is."""
        for envelope in self.world.said:
            came = home.client().send("/v1/operations", envelope.encode(), Outcome)
            assert came.state == "accepted", came

    def introduce(self) -> None:
        """Tell every node where the others are."""
        for home in self.homes.values():
            for other in self.homes.values():
                if other is not home:
                    where = other.client().get("/v1/node", NodeAnswer).addresses[0]
                    home.client().post("/v1/peers", AddPeer(address=f"{where}/p2p/{other.peer}"), Accepted)
        for name in self.homes:
            while self.connected(name) < len(self.homes) - 1:
                pass  # who connects also syncs at once, and has been in contact

    def say(self, at: str, who: Person, kind: str, body: dict[str, Any], needs: list[str], *texts: str) -> str:
        """Somebody says something at a node, as her own program would; gives its id."""
        client = self.homes[at].client()
        draft = client.post(f"{self.path}/draft", DraftAsked(needs=needs), DraftAnswer)
        if kind == "ballot.open":
            body = {**body, "epoch": bytes.fromhex(draft.epoch_digest)}
        deps = tuple(parse_operation(dep) for dep in draft.deps)
        contents: tuple[Content, ...] = tuple(attachment(text) for text in texts)
        operation = Draft(self.world.council.id, who.device(), draft.depth, deps, now(), kind, body, contents)
        envelope: Envelope = operation.signed(who.device_seed())
        came = client.send("/v1/operations", envelope.encode(), Outcome)
        assert (came.state, came.without_effect) == ("accepted", None), came
        return operation_text(envelope.operation.id)

    def cast(self, at: str, who: Person, ballot: str, choice: str) -> str:
        membership = operation_text(self.world.council.head.persons()[who.key])
        asked = CastAsked(membership=membership, choice=choice)
        draft = self.homes[at].client().post(f"{self.path}/ballots/{ballot}/draft", asked, CastDraft)
        body: dict[str, Any] = {"ballot": parse_operation(ballot), "revision": draft.revision, "choice": choice}
        if draft.replaces is not None:
            body["replaces"] = parse_operation(draft.replaces)
        return self.say(at, who, "ballot.cast", body, draft.needs)

    def ballot(self, at: str, ballot: str) -> BallotAnswer:
        return self.homes[at].client().get(f"{self.path}/ballots/{ballot}", BallotAnswer)

    def until(self, at: str, true: Callable[[], bool]) -> None:
        """Wait until something is true that changes with what comes to a node."""
        self.homes[at].client().wait(self.council, lambda: true() or None, GUARD)

    def cut(self, name: str) -> None:
        """One node hears nobody and is heard by nobody."""
        for other in self.homes.values():
            if other.name != name:
                self.homes[name].client().put(f"/v1/peers/{other.peer}/away", AwayAsked(), Accepted)
        while self.connected(name):
            pass

    def connected(self, name: str) -> int:
        """With how many a node is connected. Nothing tells of connections, so it is asked until it is as it should be."""
        return self.homes[name].client().get("/v1/node", NodeAnswer).connected

    def mend(self, name: str) -> None:
        for other in self.homes.values():
            if other.name != name:
                self.homes[name].client().delete(f"/v1/peers/{other.peer}/away", Accepted)

    def certificate(self, at: str, ballot: str, casts: str) -> bytes:
        return b"".join(self.homes[at].client().read(f"{self.path}/ballots/{ballot}/certificate", casts=casts))

    def alike(self, *names: str) -> None:
        """Wait until these nodes hold the same."""
        while len(digests := self._digests(names)) > 1:
            behind = min(names, key=lambda name: self.homes[name].council(self.council).operations)
            self.until(behind, partial(self._moved, names, digests))

    def _digests(self, names: Sequence[str]) -> set[str]:
        return {self.homes[name].council(self.council).state_digest for name in names}

    def _moved(self, names: Sequence[str], before: set[str]) -> bool:
        return self._digests(names) != before


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path, street())
    try:
        for teller in TELLERS:
            hall.start(teller.name, NodeKeys(seed("node", teller.name), teller.seed))
        # Hal's node has a copy of the liar's key, and so speaks as that teller too.
        hall.start("twin", NodeKeys(PEOPLE[7].node_seed, LIAR.seed))
        for home in hall.homes.values():
            home.ready()
        for home in hall.homes.values():
            hall.take_in(home)
        hall.introduce()
        yield hall
    finally:
        for home in hall.homes.values():
            home.stop()


@pytest.mark.slow
def test_one_teller_dies_at_the_close_and_one_lies_and_still_there_is_one_result(hall: Hall) -> None:
    assert hall.homes["twin"].peer == peer_text(public_key(PEOPLE[7].node_seed))
    opening = {"question": {"rule": "majority-simple/1"}, "title": 0, "deadline": now() + OPEN_FOR}
    ballot = hall.say("north", PEOPLE[0], "ballot.open", opening, [], "Heat the hall?")
    for name in hall.homes:
        hall.until(name, partial(ballot_has_come, hall, name, ballot))
    where = ["north", "north", "east", "east", "south", "south", "west"]
    for at, who in zip(where, PEOPLE, strict=False):
        hall.cast(at, who, ballot, "no" if who.name in ("Ben", "Gita") else "yes")
    hall.until("twin", lambda: hall.ballot("twin", ballot).voted == 7)

    # The lie: cut off, the twin hears only Hal's vote, and the others only that Gita changed hers.
    hall.cut("twin")
    alone = hall.cast("twin", PEOPLE[7], ballot, "no")
    changed = hall.cast("west", PEOPLE[6], ballot, "yes")
    for name in ("north", "east", "south"):
        hall.until(name, partial(shows, hall, name, ballot, changed))

    # Whoever would propose first dies, unless that is the liar: the others wait for her for seconds, and go on.
    order, first = rotation(sha256(parse_operation(ballot) + bytes(8)).digest(), [teller.key for teller in TELLERS])
    victim = next((teller.name for teller in TELLERS[:3] if teller.key == order[first]), TELLERS[0].name)
    alive = [name for name in (*(teller.name for teller in TELLERS), "twin") if name != victim]
    hall.until("west", lambda: hall.ballot("west", ballot).instances[0].closes > 0)
    hall.homes[victim].kill()
    hall.until("twin", lambda: hall.ballot("twin", ballot).instances[0].closes > 0)
    hall.mend("twin")

    for name in alive:
        hall.until(name, partial(beyond_recall, hall, name, ballot))
    hall.alike(*alive)
    # Who was killed comes back, and learns what the others decided meanwhile.
    hall.homes[victim].begin()
    hall.homes[victim].ready()
    hall.until(victim, partial(beyond_recall, hall, victim, ballot))
    everybody = (victim, *alive)
    hall.alike(*everybody)

    answers = [hall.ballot(name, ballot) for name in everybody]
    results = [answer.result for answer in answers]
    assert all(result == results[0] for result in results)
    result = results[0]
    assert result is not None
    assert (result.outcome, result.figures, result.voted, result.people) == ("decided", "6-1", 7, 8)
    votes = {vote.voter.person: vote for vote in answers[0].votes}
    lied = votes[person_text(PEOPLE[7].key)].cast
    assert lied is not None
    assert (lied.cast, lied.counted) == (alone, False)
    assert gita(hall, "north", ballot) == changed

    # Certified once: the same bytes at every node, which prove themselves.
    for casts in ("true", "false"):
        (data,) = {hall.certificate(name, ballot, casts) for name in everybody}
        findings = examine(read_certificate(data), frozenset(teller.key for teller in TELLERS))
        assert findings.refusal is None
    decided = [
        effect
        for epoch in hall.homes["north"].client().get(f"{hall.path}/epochs", list[EpochAnswer])
        for effect in epoch.effects
        if effect.kind == "decision"
    ]
    assert [effect.details["ballot"] for effect in decided] == [parse_operation(ballot).hex()]

    # The fork shows itself, and everybody keeps the proof.
    liar = person_text(LIAR.key)
    for answer in answers:
        closes = [one for one in answer.equivocations if one.what == "close"]
        assert [one.key for one in closes] == [liar]
        assert len(closes[0].operations) == 2
        assert [teller.key for teller in answer.tellers if teller.two_faced] == [liar]
    verified(hall, ballot)


def ballot_has_come(hall: Hall, at: str, ballot: str) -> bool:
    lines = hall.homes[at].client().get(f"{hall.path}/ballots", list[dict[str, Any]])
    return any(line["ballot"] == ballot and line["state"] == "open" for line in lines)


def gita(hall: Hall, at: str, ballot: str) -> str | None:
    """The cast of Gita's that a node shows."""
    votes = {vote.voter.person: vote.cast for vote in hall.ballot(at, ballot).votes}
    cast = votes[person_text(PEOPLE[6].key)]
    return None if cast is None else cast.cast


def shows(hall: Hall, at: str, ballot: str, cast: str) -> bool:
    return gita(hall, at, ballot) == cast


def beyond_recall(hall: Hall, at: str, ballot: str) -> bool:
    result = hall.ballot(at, ballot).result
    return result is not None and result.beyond_recall


def verified(hall: Hall, ballot: str) -> None:
    """The certificate, checked by the command in a home without a node."""
    file = hall.folder / "heat.certificate"
    file.write_bytes(hall.certificate("south", ballot, "true"))
    keys = ",".join(person_text(teller.key) for teller in TELLERS)
    environment = {**os.environ, "MOOT_HOME": str(hall.folder / "elsewhere"), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "cli", "certificate", "verify", str(file), "--tellers", keys]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Heat the hall?\n  Adopted. 6-1; 7 of 8 voted.\n")
