"""A council of real members with real keys, and real signed operations in it, for the benchmarks.

Everything derives from a seed: two runs measure the same bytes.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter
from typing import Any, Final

from nacl.bindings import crypto_sign_open

from protocol.council.bodies import enrolment_message, node_message, teller_message
from protocol.council.charter import template
from protocol.council.council import Council, Heads
from protocol.council.outcomes import Inserted
from protocol.council.signatures import pack_signatures, sign_epoch
from protocol.keys import ENROLMENT, NODE, OPERATION, POSSESSION, TELLER, public_key, sign
from protocol.log.operation import Content, Draft, Envelope

__all__ = ["Village", "seed", "verify_seconds"]

_TIME: Final = 1_790_000_000_000


def seed(*names: object) -> bytes:
    """32 bytes that depend on the names alone."""
    return sha256(repr(names).encode()).digest()


@dataclass
class Village:
    """A council of `members`, each with a device and a node; the first nodes run the `tellers` (1 or 4).

    With four tellers the charter leaves no time for talk before a ballot, and `grace` is 1 s.
    """

    members: int = 10
    tellers: int = 1

    def __post_init__(self) -> None:
        nonce = seed("nonce")
        size = {"min": 1, "max": 50, "reason": "a benchmark"}
        quick = {"durations": {"notice": 0, "discussion": 0, "grace": 1}, "tellers": "4"} if self.tellers > 1 else {}
        charter = template("working-group", "Village", "to measure", size=size, **quick)
        body = {
            "nonce": nonce,
            "charter": charter.data(),
            "person": public_key(seed("person", 0)),
            "grant": self._enrolment(nonce, 0)["grant"],
            "tellers": [self._teller(nonce, number) for number in range(self.tellers)],
            **self._listing(nonce, 0),
        }
        founding = Draft(b"", self.device(0), 0, (), _TIME, "council.found", body).signed(seed("device", 0))
        council = Council.found(founding)
        assert isinstance(council, Council), council
        self.council = council
        self.id = council.id
        self.envelopes = [founding]
        for member in range(1, self.members):
            self._admit(member)

    @property
    def teller(self) -> bytes:
        """The first teller's public key."""
        return public_key(self.teller_seed(0))

    def teller_seed(self, number: int) -> bytes:
        """The seed of a teller, which runs on the node of the member of that number."""
        return seed("teller", number) if number else seed("teller")

    def _teller(self, nonce: bytes, number: int) -> dict[str, bytes]:
        key, node = public_key(self.teller_seed(number)), self.node(number)
        possession = sign(self.teller_seed(number), TELLER, teller_message(nonce, key, node))
        return {"key": key, "node": node, "possession": possession}

    def node_seed(self, member: int) -> bytes:
        """The seed of a member's node."""
        return seed("node", member)

    def node(self, member: int) -> bytes:
        """The key of a member's node."""
        return public_key(self.node_seed(member))

    def device(self, member: int) -> bytes:
        """The key of a member's device."""
        return public_key(seed("device", member))

    def _enrolment(self, context: bytes, member: int) -> dict[str, bytes]:
        person = public_key(seed("person", member))
        message = enrolment_message(context, person, self.device(member))
        return {
            "person": person,
            "device": self.device(member),
            "grant": sign(seed("person", member), ENROLMENT, message),
            "possession": sign(seed("device", member), POSSESSION, message),
        }

    def _listing(self, context: bytes, member: int) -> dict[str, bytes]:
        node = self.node(member)
        return {"node": node, "node_possession": sign(self.node_seed(member), NODE, node_message(context, node))}

    def _enter(self, envelope: Envelope) -> bytes:
        outcome = self.council.insert(envelope, verified=True)
        assert isinstance(outcome, Inserted), outcome
        self.envelopes.append(envelope)
        return envelope.operation.id

    def say(
        self, author: bytes, kind: str, body: dict[str, Any], needs: tuple[bytes, ...] = (), text: str = ""
    ) -> bytes:
        """An operation signed with the seed `author`, on the heads; gives its id."""
        heads = self.council.draft(needs)
        assert isinstance(heads, Heads), heads
        contents = (Content(seed("salt", text)[:16], text.encode()),) if text else ()
        draft = Draft(self.id, public_key(author), heads.depth, heads.deps, _TIME, kind, body, contents)
        return self._enter(draft.signed(author))

    def _admit(self, member: int) -> None:
        ticket = seed("ticket", member)
        invitation = self.say(seed("device", 0), "council.invite", {"key": public_key(ticket), "uses": 1})
        depth = self.council.dag.depth[self.council.dag.rows[invitation]]
        body: dict[str, Any] = {**self._enrolment(invitation, member), **self._listing(invitation, member)}
        asked = Draft(self.id, public_key(ticket), depth + 1, (invitation,), _TIME, "council.request", body).signed(
            ticket
        )
        request = self._enter(asked)
        effect = {"kind": "admit", "request": request}
        motion = self.say(seed("device", 0), "motion.move", {"effect": effect}, (request,))
        for other in range(1, member // 2 + 1):
            self.say(seed("device", other), "motion.assent", {"motion": motion}, (motion,))
        record = self.council.compose()
        assert record is not None
        depth = 1 + max(self.council.dag.depth[self.council.dag.rows[dep]] for dep in record.basis)
        seeds = [self.teller_seed(number) for number in range(self.council.charter.profile().q)]
        signatures = [(public_key(key), sign_epoch(key, record.digest)) for key in seeds]
        parts = (Content(b"", record.data), Content(b"", pack_signatures(0, signatures)))
        body = {"number": record.number, "record": 0, "signatures": 1}
        epoch = Draft(self.id, self.teller, depth, record.basis, _TIME, "council.epoch", body, parts)
        self._enter(epoch.signed(seed("teller")))

    def founding(self) -> list[bytes]:
        """What made the council what it is, as it travels."""
        return [envelope.encode() for envelope in self.envelopes]

    def talk(self, count: int, *, texts: bool = False, chance: int = 1) -> Iterator[bytes]:
        """So many operations of the members, as they travel, each on one or two recent ones.

        Without `texts`: of a kind that the rules do not know, with an answer of 32 bytes and a
        number. With: comments, each with a text of some 80 letters as an attachment.
        """
        dice = random.Random(chance)
        depths = {bytes(id): self.council.dag.depth[self.council.dag.rows[id]] for id in self.council.heads()}
        heads = list(depths)
        base = heads[0]
        floor = depths[base]
        for number in range(count):
            member = dice.randrange(self.members)
            deps = set(dice.sample(heads, min(len(heads), 2)))
            if texts:
                deps.add(base)
                text = f"{number}: {dice.randbytes(30).hex()} and so on."
                body: dict[str, Any] = {"on": base, "text": 0}
                contents: tuple[Content, ...] = (Content(dice.randbytes(16), text.encode()),)
                kind = "comment.write"
            else:
                body = {"answer": dice.randbytes(32), "value": dice.randrange(5)}
                contents, kind = (), "poll.answer"
            depth = 1 + max(depths.get(dep, floor) for dep in deps)
            author = seed("device", member)
            draft = Draft(self.id, public_key(author), depth, tuple(deps), _TIME + number, kind, body, contents)
            envelope = draft.signed(author)
            heads.append(envelope.operation.id)
            depths[envelope.operation.id] = depth
            if len(heads) > 3:
                gone = heads.pop(dice.randrange(len(heads)))
                if gone != base:
                    del depths[gone]
            yield envelope.encode()


def verify_seconds(envelopes: list[Envelope]) -> float:
    """How long PyNaCl alone takes to verify their signatures, on one core: the raw reference."""
    messages = [(e.operation.signature + OPERATION + e.operation.header, e.operation.author) for e in envelopes]
    begun = perf_counter()
    for message, key in messages:
        crypto_sign_open(message, key)
    return perf_counter() - begun
