"""The tellers of one ballot against an adversary that decides everything that can be decided.

It delivers messages to whom and when it likes, makes clocks run, lets honest tellers crash and
start again, and speaks with the voice of f of them. What it cannot do is sign for the others.
Nothing needs to come to an end here: the question is whether two outcomes can be had.
"""

from collections.abc import Iterable
from hashlib import sha256
from random import Random
from typing import Any, Final

from protocol.codec import encode
from protocol.council.ballots import Ballot
from protocol.council.decision_record import decision_message
from protocol.council.instance import Instance
from protocol.keys import DECISION, sign
from protocol.log.operation import Envelope
from protocol.tellers.agreement import NIL, rotation
from protocol.tellers.close import value_of

from .findings import decisions
from .node import Node
from .setting import SECOND, Setting

__all__ = ["Duel"]

STEPS: Final = 400
VOTING: Final = 60 * SECOND


class Duel:
    """One game. crashes: whether honest tellers crash."""

    def __init__(self, setting: Setting, chance: Random, *, crashes: bool = False) -> None:
        self.setting, self.chance, self.crashes = setting, chance, crashes
        self.clocks = dict.fromkeys([teller.name for teller in setting.tellers] + ["all"], setting.begins)
        self.pool = self._node("all", None)
        self.envelopes: dict[bytes, Envelope] = {e.operation.id: e for e in setting.said}
        opening = self._opening()
        self.id = opening.operation.id
        # The adversary chooses whom it speaks for: best whose turn to propose comes second.
        order, first = rotation(sha256(self.id + bytes(8)).digest(), [teller.key for teller in setting.tellers])
        turn = chance.choice((0, 1, 1, 1))
        false = {order[(first + turn + place) % len(order)] for place in range(setting.profile.f)}
        nodes = [self._node(teller.name, teller.seed) for teller in setting.tellers]
        self.liars = [node for node in nodes if node.key in false]
        self.honest = [node for node in nodes if node.key not in false]
        self.told: set[tuple[Any, ...]] = set()
        self.fresh: list[bytes] = []
        """What was written since the closes: the adversary delivers it as it likes."""
        self.side: list[Node] = []
        """The network is cut: these hear each other, and so do the others."""
        self._move_cut()
        self._spread(opening)
        self._prepare()

    def _node(self, name: str, seed: bytes | None) -> Node:
        return Node(self.setting, name, seed, lambda: self.clocks[name])

    # --- until the closes ---------------------------------------------------------------------------

    def _opening(self) -> Envelope:
        body = {
            "epoch": self.pool.council.head.digest,
            "question": {"rule": "majority-simple/1"},
            "title": 0,
            "deadline": self.setting.begins + VOTING,
        }
        ada = self.setting.members[0].device_seed()
        return self.pool.draft(ada, "ballot.open", body, text=str(self.chance.random()))

    def _prepare(self) -> None:
        deadline = self.setting.begins + VOTING
        for node in (*self.honest, *self.liars):
            deed = node.next_deed()
            assert deed is not None
            self._spread(node.say(deed))
        casts = []
        body: dict[str, Any]
        for member, choice in ((0, "yes"), (1, "no")):
            seed = self.setting.members[member].device_seed()
            body = {"ballot": self.id, "revision": 0, "choice": choice}
            cast = self.pool.draft(seed, "ballot.cast", body, (self.id,))
            self._spread(cast)
            casts.append(cast.operation.id)
        for name in self.clocks:
            self.clocks[name] = deadline
        for node in (*self.honest, *self.liars):
            node.contacts = dict.fromkeys(self.clocks, deadline)
            deed = node.next_deed()
            assert deed is not None
            assert deed.kind == "teller.close"
            self._spread(node.say(deed))
            if node in self.liars:
                assert node.seed is not None
                other = node.draft(node.seed, deed.kind, deed.body, deed.needs, (encode([min(casts)]),))
                self._write(other)

    def _spread(self, envelope: Envelope) -> None:
        """Everybody hears it at once."""
        self.envelopes[envelope.operation.id] = envelope
        for node in (*self.honest, *self.liars, self.pool):
            node.hear(envelope)

    def _write(self, envelope: Envelope, audience: Iterable[Node] = ()) -> None:
        """It exists, and some hear it at once."""
        self.envelopes[envelope.operation.id] = envelope
        self.fresh.append(envelope.operation.id)
        self.pool.hear(envelope)
        for node in audience:
            self.tell(node, envelope.operation.id)

    def _beside(self, node: Node) -> list[Node]:
        """Those on a node's side of the line, mostly; a few of the others."""
        here = node in self.side
        return [
            other for other in self.honest if self.chance.random() < (0.8 if (other in self.side) is here else 0.05)
        ]

    def tell(self, node: Node, operation: bytes) -> None:
        """Let a node hear an operation and all of its past."""
        todo = [operation]
        while todo:
            missing = [dep for dep in self.envelopes[todo[-1]].operation.deps if dep not in node.receipts]
            if missing:
                todo += missing
            else:
                node.hear(self.envelopes[todo.pop()])

    # --- the game -----------------------------------------------------------------------------------

    @property
    def ballot(self) -> Ballot:
        """The ballot as one sees it who hears everything."""
        return self.pool.council.box.ballots[self.id]

    def play(self) -> None:
        """So many moves."""
        moves = (
            [self._move_cut]
            + [self._move_deliver] * 2
            + [self._move_act] * 8
            + [self._move_wait] * 4
            + [self._move_lie] * 6
        )
        if self.crashes:
            moves += [self._move_crash] * 2
        for _ in range(STEPS):
            self.chance.choice(moves)()
        self._help_through()

    def _move_cut(self) -> None:
        """The line goes elsewhere."""
        self.side = self.chance.sample(self.honest, self.setting.profile.q - self.setting.profile.f)

    def _move_deliver(self) -> None:
        if self.fresh:
            node = self.chance.choice(self.honest)
            news = [id for id in self.fresh[-24:] if id not in node.receipts]
            if news:
                self.tell(node, self.chance.choice(news))

    def _move_act(self) -> None:
        node = self.chance.choice(self.honest)
        deed = node.next_deed()
        if deed is not None and deed.kind in ("teller.propose", "teller.prevote", "teller.precommit"):
            self._write(node.say(deed), self._beside(node))

    def _move_wait(self) -> None:
        node = self.chance.choice(self.honest)
        if node.next_deed() is None and node.teller is not None and node.teller.wake is not None:
            self.clocks[node.name] = max(self.clocks[node.name], node.teller.wake)

    def _move_crash(self) -> None:
        node = self.chance.choice(self.honest)
        node.flushed = len(node.log)
        node.crash(self.chance)
        node.start()

    def _move_lie(self) -> None:
        """Something that counts, and that an honest teller might not have said."""
        if not self.liars:
            return
        ballot, instance = self.ballot, self.ballot.instances[0]
        agreement = instance.agreement
        liar = self.chance.choice(self.liars)
        top = max((message.round for message in agreement.valid.values()), default=0)
        round = self.chance.choice((max(0, top - 1), top, top, top + 1))
        before = agreement.quorum(agreement.precommits, round - 1) if round else ()
        if round and len(before) < ballot.profile.q:
            return
        assert liar.seed is not None
        body: dict[str, Any] = {"of": self.id, "instance": 0, "round": round}
        needs: tuple[bytes, ...]
        if agreement.proposer(round) == liar.key and self.chance.random() < 0.5:
            body["valid_round"], body["closes"], needs = self._value(instance, round)
            kind = "teller.propose"
        else:
            kind = self.chance.choice(("teller.prevote", "teller.precommit"))
            value = self.chance.choice([*sorted(agreement.proposals.get(round, {})), NIL])
            body["value"], needs = value, (min(instance.closes),)
            if kind == "teller.prevote" and value != NIL:
                needs += (
                    self.chance.choice(sorted(i for ids in agreement.proposals[round][value].values() for i in ids)),
                )
            elif value != NIL:
                return  # they help a value through when it is too late for others to hear of it
        place = (liar.name, kind, round, body.get("value"), *body.get("closes", ()))
        if place not in self.told:
            self.told.add(place)
            named = tuple(dict.fromkeys((*needs, *before)))
            self._write(self.pool.draft(liar.seed, kind, body, named, deps=named), self._audience(kind, body))

    def _help_through(self) -> None:
        """In the end the liars precommit whatever becomes a decision by that: nobody can stop them."""
        agreement, liars = self.ballot.instances[0].agreement, {node.key for node in self.liars}
        for round, votes in sorted(agreement.precommits.items()):
            for value, voters in sorted(votes.items()):
                if value != NIL and len(voters.keys() | liars) >= agreement.outlook.q:
                    for node in self.liars:
                        self._precommit(node, round, value)

    def _precommit(self, liar: Node, round: int, value: bytes) -> None:
        """A precommit for a value that has a quorum of prevotes, told to nobody."""
        ballot, instance = self.ballot, self.ballot.instances[0]
        agreement = instance.agreement
        assert liar.seed is not None
        signature = sign(liar.seed, DECISION, decision_message(ballot.record(instance, value), round))
        body = {"of": self.id, "instance": 0, "round": round, "value": value, "signature": signature}
        before = agreement.quorum(agreement.precommits, round - 1) if round else ()
        named = {min(instance.closes), *agreement.quorum(agreement.prevotes, round, value), *before}
        self._write(self.pool.draft(liar.seed, "teller.precommit", body, sorted(named), deps=sorted(named)))

    def _audience(self, kind: str, body: dict[str, Any]) -> list[Node]:
        """Whom a liar tells: of a value those on one side, of none everybody."""
        if kind == "teller.prevote" and body["value"] != NIL:
            return [node for node in self.honest if node in self.side]
        return self.honest

    def _value(self, instance: Instance, round: int) -> tuple[int, list[bytes], tuple[bytes, ...]]:
        agreement = instance.agreement
        polkas = [
            (r, value)
            for r, votes in sorted(agreement.prevotes.items())
            for value, voters in sorted(votes.items())
            if r < round and value != NIL and len(voters) >= agreement.outlook.q
        ]
        if polkas and self.chance.random() < 0.2:
            valid_round, value = self.chance.choice(polkas)
            closes = list(instance.values[value])
            return valid_round, closes, (*closes, *agreement.quorum(agreement.prevotes, valid_round, value))
        by_teller: dict[bytes, list[bytes]] = {}
        for id, close in sorted(instance.closes.items()):
            by_teller.setdefault(close.teller, []).append(id)
        known, closes = {value for _, value in polkas}, [b""]
        for _ in range(3):
            if closes == [b""] or value_of(closes) in known:
                closes = sorted(self.chance.choice(ids) for ids in by_teller.values())
        return -1, closes, tuple(closes)

    # --- the question -------------------------------------------------------------------------------

    def winners(self) -> set[bytes]:
        """The values that are decided: by a quorum of precommits of one round, or in some teller's eyes."""
        out = decisions(self.ballot.instances[0].agreement)
        for node in self.honest:
            decided = node.council.box.ballots[self.id].instances[0].agreement.decided
            if decided is not None:
                out.add(decided[1])
        return out
