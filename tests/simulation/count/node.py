"""One simulated node: a durable log, and the real council and teller that are read off it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from protocol.codec import decode
from protocol.council.council import Council, Heads
from protocol.council.deed import Deed
from protocol.council.outcomes import Inserted, Known, Refused, Rival, Waiting
from protocol.council.recovery import recovered
from protocol.council.tellership import Tellership
from protocol.errors import Refusal
from protocol.keys import public_key
from protocol.log.operation import MAX_PARTS, Content, Draft, Envelope
from tests.worlds import Teller, attachment

from .setting import MINUTE, PATIENCE, SECOND, Setting

__all__ = ["Close", "Node"]

CONTACT = 10 * MINUTE
"""How long after a sync another teller counts as in contact."""


@dataclass(frozen=True)
class Close:
    """What an honest teller knew when it closed: the casts it had on time, and whether it attended in truth."""

    casts: frozenset[bytes]
    attended: bool


@dataclass
class Node:
    """A node. seed: of the teller that runs on it, None for a member's node. skew: its clock's error, ms.

    Operations after the first `flushed` of its log may be lost in a crash.
    """

    setting: Setting
    name: str
    seed: bytes | None
    now: Callable[[], int]
    skew: int = 0
    astray: bool = False
    up: bool = True
    honest: bool = True
    audience: frozenset[str] | None = None
    """Of a liar with two selves: whom this one speaks with."""
    log: list[tuple[Envelope, int]] = field(default_factory=list)
    flushed: int = 0
    lives: int = 0
    heard: set[bytes] | None = None
    """After an old copy of its disk was put back: the nodes that it heard from, until its teller speaks again."""
    contacts: dict[str, int] = field(default_factory=dict)
    closes: dict[bytes, Close] = field(default_factory=dict)
    """Close -> what this teller knew; beyond any crash, for it is the simulator's own memory."""
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        long_ago = self.setting.begins - MINUTE
        self.log = [(envelope, long_ago) for envelope in self.setting.said]
        self.flushed = len(self.log)
        self.start()

    @property
    def clock(self) -> int:
        """Its own time, ms."""
        return self.now() + self.skew

    @property
    def key(self) -> bytes:
        """The teller's key."""
        assert self.seed is not None
        return public_key(self.seed)

    # --- life ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read everything off the durable log."""
        self.up = True
        council = Council.found(self.log[0][0], verified=True)
        assert isinstance(council, Council)
        self.council = council
        self.receipts: dict[bytes, int] = {envelope.operation.id: at for envelope, at in self.log}
        self.waiting: dict[bytes, list[Envelope]] = {}
        for envelope, _ in self.log[1:]:
            council.insert(envelope, verified=True)
        self.flushed = len(self.log)
        self.teller = None if self.seed is None else Tellership(council, self.seed, self, PATIENCE)
        if self.teller is not None:
            self.teller.astray = self.astray

    def crash(self, chance: Random) -> None:
        """Lose what is in memory, and of the durable log what was not flushed."""
        self.up = False
        self.lives += 1
        del self.log[chance.randint(self.flushed, len(self.log)) :]
        self.contacts = {}

    def restore(self, chance: Random) -> list[bytes]:
        """Put an old copy of the disk back; gives the ids of its own that are lost here."""
        kept = chance.randint(len(self.setting.said), len(self.log))
        lost = [envelope.operation for envelope, _ in self.log[kept:]]
        del self.log[kept:]
        self.heard = set()
        return [operation.id for operation in lost if self.seed is not None and operation.author == self.key]

    def listen(self, other: str) -> bool:
        """Another node told all that it holds; whether that lets this one's teller speak again."""
        if self.heard is None:
            return False
        members = {person.node for person in self.setting.members}
        self.heard |= members if other == "hall" else {Teller(other.rstrip("'")).node}
        if recovered(self.council.head, Teller(self.name).node, self.heard):
            self.heard = None
        return self.heard is None

    # --- surroundings -------------------------------------------------------------------------------

    def received(self, operation: bytes) -> int | None:
        """When an operation was first durable here."""
        return self.receipts.get(operation)

    def in_contact(self) -> int:
        """With how many other tellers it synced lately."""
        since = self.clock - CONTACT
        return sum(1 for at in self.contacts.values() if at > since)

    # --- hearing ------------------------------------------------------------------------------------

    def hear(self, envelope: Envelope) -> bool:
        """Take an operation in, and what waited for it; whether anything was new."""
        todo, news = [envelope], False
        while todo:
            envelope = todo.pop()
            outcome = self.council.insert(envelope)
            if isinstance(outcome, Waiting):
                waiting = self.waiting.setdefault(outcome.missing[0], [])
                if envelope not in waiting:
                    waiting.append(envelope)
            elif isinstance(outcome, Inserted):
                news = True
                self._keep(envelope)
                todo += self.waiting.pop(envelope.operation.id, ())
            elif isinstance(outcome, Rival):
                self.faults.append(f"{self.name} saw a rival of epoch {outcome.number}")
            else:
                assert isinstance(outcome, Known | Refused), outcome
        return news

    def holds(self, operation: bytes) -> bool:
        """Whether it has an operation, if only to wait for what comes before."""
        waiting = [envelope for held in self.waiting.values() for envelope in held]
        return operation in self.receipts or any(envelope.operation.id == operation for envelope in waiting)

    def _keep(self, envelope: Envelope) -> None:
        self.log.append((envelope, self.clock))
        self.receipts[envelope.operation.id] = self.clock

    # --- speaking -----------------------------------------------------------------------------------

    def draft(
        self,
        author: bytes,
        kind: str,
        body: dict[str, Any],
        needs: Sequence[bytes] = (),
        parts: Sequence[bytes] = (),
        deps: Sequence[bytes] | None = None,
        text: str = "",
    ) -> Envelope:
        """An operation signed with the seed `author`, on all heads here or on `deps` alone."""
        council = self.council
        if deps is None:
            heads = council.draft(needs)
            assert isinstance(heads, Heads), heads
            deps, depth = heads.deps, heads.depth
        else:
            depth = 1 + max(council.dag.depth[council.dag.rows[dep]] for dep in deps)
        contents = (*([attachment(text)] if text else []), *(Content(b"", part) for part in parts))
        draft = Draft(council.id, public_key(author), depth, tuple(sorted(deps)), self.clock, kind, body, contents)
        return draft.signed(author)

    def next_deed(self) -> Deed | None:
        """What its teller would say now."""
        return None if self.teller is None or self.heard is not None else self.teller.poll(self.clock)

    def say(self, deed: Deed) -> Envelope:
        """Make a teller's deed durable and take it in. It may be sent from now on."""
        assert self.seed is not None
        envelope = self.draft(
            self.seed, deed.kind, deed.body, deed.needs, deed.parts, deed.needs if deed.alone else None
        )
        outcome = self.council.insert(envelope)
        self._keep(envelope)
        self.flushed = len(self.log)
        if self.honest:
            self._note(deed, envelope, outcome)
        return envelope

    def _note(self, deed: Deed, envelope: Envelope, outcome: object) -> None:
        refusal: Refusal | None = self.council.without_effect.get(envelope.operation.id)
        if not isinstance(outcome, Inserted) or refusal is not None:
            self.faults.append(f"{self.name} said {deed.kind} without effect: {refusal or outcome}")
        if deed.kind == "teller.close":
            ballot = self.council.box.ballots[deed.body["ballot"]]
            instance = ballot.instances[deed.body["instance"]]
            promised = {id for id in ballot.casts if self.key in ballot.seen.get(id, ())}
            casts = frozenset(id for id in ballot.casts if self.receipts[id] < instance.deadline) | promised
            revoked = {(body.membership, body.device) for body in self.council.box.revocations.values()}
            broken = promised - set(decode(deed.parts[0], MAX_PARTS))
            if any((ballot.casts[id].voter, ballot.casts[id].device) not in revoked for id in broken):
                self.faults.append(f"{self.name} left out a cast that it had confirmed")
            met = self.in_contact() >= min(ballot.profile.f + 1, ballot.profile.n - 1)
            attended = met and self.clock < instance.deadline + 60 * SECOND
            self.closes[envelope.operation.id] = Close(casts, attended)
