"""Small councils with real keys, for tests: persons, tellers, and operations in few words.

Everything derives from a seed, so that a failing test fails the same way again.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from protocol.council.bodies import enrolment_message, node_message, teller_message
from protocol.council.charter import Charter, template
from protocol.council.council import Council, Heads
from protocol.council.epochs import Record
from protocol.council.outcomes import Inserted, Outcome
from protocol.council.signatures import pack_signatures, sign_epoch
from protocol.errors import Refusal
from protocol.keys import ENROLMENT, NODE, POSSESSION, TELLER, public_key, sign
from protocol.log.operation import Content, Draft, Envelope

__all__ = ["Invitation", "Person", "Teller", "World", "small_charter"]


def seed(*names: object) -> bytes:
    """32 bytes that depend on the names alone."""
    return sha256(repr(names).encode()).digest()


def attachment(text: str) -> Content:
    """An attachment whose salt follows from its text."""
    return Content(seed("salt", text)[:16], text.encode())


def small_charter(**changes: Any) -> Charter:
    """A working group of 1 to 24, unless changed."""
    size = {"min": 1, "max": 24, "reason": "a test"}
    return template("working-group", "Mill Lane", "to test", **{"size": size, **changes})


@dataclass
class Teller:
    """A teller with its node."""

    name: str

    @property
    def seed(self) -> bytes:
        return seed("teller", self.name)

    @property
    def key(self) -> bytes:
        return public_key(self.seed)

    @property
    def node(self) -> bytes:
        return public_key(seed("node", self.name))

    def keys(self, context: bytes) -> dict[str, bytes]:
        """The teller as it stands in a body."""
        possession = sign(self.seed, TELLER, teller_message(context, self.key, self.node))
        return {"key": self.key, "node": self.node, "possession": possession}

    def seal(self, council: Council, record: Record, deps: tuple[bytes, ...] | None = None) -> Envelope:
        """The epoch's operation, signed by this teller alone."""
        signatures = [(self.key, sign_epoch(self.seed, record.digest))]
        return carry(council, record, signatures, self.seed, deps)


def carry(
    council: Council,
    record: Record,
    signatures: list[tuple[bytes, bytes]],
    author: bytes,
    deps: tuple[bytes, ...] | None = None,
) -> Envelope:
    """An epoch's operation with these signatures, authored with the seed `author`."""
    named = tuple(record.basis if deps is None else deps)
    depth = 1 + max(council.dag.depth[council.dag.rows[dep]] for dep in named)
    body = {"number": record.number, "record": 0, "signatures": 1}
    parts = (Content(b"", record.data), Content(b"", pack_signatures(0, signatures)))
    draft = Draft(council.id, public_key(author), depth, named, 0, "council.epoch", body, parts)
    return draft.signed(author)


@dataclass
class Person:
    """A person with one device (more by `device(n)`) and perhaps a node."""

    name: str
    number: int = 0

    @property
    def seed(self) -> bytes:
        return seed("person", self.name, self.number)

    @property
    def key(self) -> bytes:
        return public_key(self.seed)

    def device_seed(self, n: int = 0) -> bytes:
        return seed("device", self.name, self.number, n)

    def device(self, n: int = 0) -> bytes:
        return public_key(self.device_seed(n))

    @property
    def node_seed(self) -> bytes:
        return seed("node", self.name)

    @property
    def node(self) -> bytes:
        return public_key(self.node_seed)

    def enrolment(self, context: bytes, n: int = 0) -> dict[str, bytes]:
        """Person, device, grant and possession for a context."""
        message = enrolment_message(context, self.key, self.device(n))
        return {
            "person": self.key,
            "device": self.device(n),
            "grant": sign(self.seed, ENROLMENT, message),
            "possession": sign(self.device_seed(n), POSSESSION, message),
        }

    def listing(self, context: bytes) -> dict[str, Any]:
        """The person's node for a context."""
        return {"node": self.node, "node_possession": sign(self.node_seed, NODE, node_message(context, self.node))}


@dataclass
class Invitation:
    """An invitation and the secret that its ticket carries."""

    id: bytes
    seed: bytes
    depth: int


@dataclass
class World:
    """One council, seen by one node, with everything that was ever said in it."""

    founder: Person = field(default_factory=lambda: Person("Ada"))
    charter: Charter = field(default_factory=small_charter)
    tellers: tuple[Teller, ...] = (Teller("hall"),)
    clock: int = 1_790_000_000_000

    def __post_init__(self) -> None:
        nonce = seed("nonce", self.founder.name)
        who = self.founder.enrolment(nonce)
        body = {
            "nonce": nonce,
            "charter": self.charter.data(),
            "person": who["person"],
            "grant": who["grant"],
            "tellers": [teller.keys(nonce) for teller in self.tellers],
            **self.founder.listing(nonce),
        }
        draft = Draft(b"", self.founder.device(), 0, (), self.clock, "council.found", body)
        envelope = draft.signed(self.founder.device_seed())
        council = Council.found(envelope)
        assert isinstance(council, Council), council
        self.council = council
        self.said: list[Envelope] = [envelope]
        self.invited = 0

    @property
    def teller(self) -> Teller:
        return self.tellers[0]

    def draft(
        self,
        author: bytes,
        kind: str,
        body: dict[str, Any],
        needs: tuple[bytes, ...] = (),
        *,
        contents: tuple[Content, ...] = (),
        deps: tuple[bytes, ...] | None = None,
    ) -> Envelope:
        """An operation signed with the seed `author`, on all heads or on `deps` alone; not inserted."""
        self.clock += 1000
        if deps is None:
            heads = self.council.draft(needs)
            assert isinstance(heads, Heads), heads
            deps, depth = heads.deps, heads.depth
        else:
            depth = 1 + max(self.council.dag.depth[self.council.dag.rows[dep]] for dep in deps)
        draft = Draft(self.council.id, public_key(author), depth, deps, self.clock, kind, body, contents)
        return draft.signed(author)

    def insert(self, envelope: Envelope) -> Outcome:
        """Insert into this world's council."""
        outcome = self.council.insert(envelope)
        if isinstance(outcome, Inserted):
            self.said.append(envelope)
        return outcome

    def say(
        self,
        who: Person,
        kind: str,
        body: dict[str, Any],
        needs: tuple[bytes, ...] = (),
        *,
        texts: tuple[str, ...] = (),
        deps: tuple[bytes, ...] | None = None,
        device: int = 0,
    ) -> bytes:
        """`who` says something; gives the operation's id. It must enter the log."""
        contents = tuple(attachment(text) for text in texts)
        envelope = self.draft(who.device_seed(device), kind, body, needs, contents=contents, deps=deps)
        outcome = self.insert(envelope)
        assert isinstance(outcome, Inserted), outcome
        return envelope.operation.id

    def epoch(self) -> Record | None:
        """The teller takes the step that is due, if one is; gives its record."""
        record = self.council.compose()
        if record is not None:
            outcome = self.insert(self.teller.seal(self.council, record))
            assert isinstance(outcome, Inserted), outcome
        return record

    def invite(self, who: Person, uses: int = 1, expires: int | None = None) -> Invitation:
        """`who` invites."""
        self.invited += 1
        secret = seed("invitation", self.invited)
        body: dict[str, Any] = {"key": public_key(secret), "uses": uses}
        if expires is not None:
            body["expires"] = expires
        invitation = self.say(who, "council.invite", body)
        return Invitation(invitation, secret, self.council.dag.depth[self.council.dag.rows[invitation]])

    def request(self, invitation: Invitation, who: Person, time: int | None = None) -> bytes:
        """`who` asks to be admitted."""
        body = {**who.enrolment(invitation.id), **who.listing(invitation.id)}
        draft = Draft(
            self.council.id,
            public_key(invitation.seed),
            invitation.depth + 1,
            (invitation.id,),
            self.clock if time is None else time,
            "council.request",
            body,
        )
        envelope = draft.signed(invitation.seed)
        outcome = self.insert(envelope)
        assert isinstance(outcome, Inserted), outcome
        return envelope.operation.id

    def move(self, who: Person, effect: dict[str, Any], needs: tuple[bytes, ...] = (), **more: Any) -> bytes:
        """`who` moves that something take effect."""
        return self.say(who, "motion.move", {"effect": effect}, needs, **more)

    def assent(self, who: Person, motion: bytes, **more: Any) -> bytes:
        """`who` assents."""
        return self.say(who, "motion.assent", {"motion": motion}, (motion,), **more)

    def admit(self, who: Person, *by: Person) -> bytes:
        """`who` becomes a member by the assents of `by`, in an epoch of her own; gives the membership."""
        request = self.request(self.invite(by[0]), who)
        motion = self.move(by[0], {"kind": "admit", "request": request}, (request,))
        for other in by[1:]:
            self.assent(other, motion)
        record = self.epoch()
        assert record is not None
        assert request in self.council.head.members
        return request

    def proposal(self, who: Person, title: str = "Heat the hall", text: str = "Buy a stove.") -> bytes:
        """`who` opens a proposal."""
        return self.say(who, "proposal.open", {"title": 0, "text": 1}, texts=(title, text))


def refused(outcome: object) -> str:
    """The rule that a refused outcome names."""
    refusal = getattr(outcome, "refusal", outcome)
    assert isinstance(refusal, Refusal), outcome
    return refusal.rule
