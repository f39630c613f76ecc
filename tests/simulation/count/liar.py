"""Lying tellers. What a liar writes is signed and well formed as often as not, and never honest."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from protocol.codec import encode
from protocol.council.ballot_duty import BallotDuty
from protocol.council.ballots import Ballot
from protocol.council.decision_record import decision_message
from protocol.council.deed import Deed
from protocol.council.instance import Instance
from protocol.council.signatures import sign_epoch
from protocol.keys import DECISION, sign
from protocol.tellers.agreement import NIL, Agreement
from protocol.tellers.close import value_of

from .node import Node

if TYPE_CHECKING:
    from .run import Simulation

__all__ = ["Liar"]

_ENOUGH = 120
"""How many lies a liar tells at most."""


class Liar:
    """One teller that lies.

    silent: counts until the deadline and is mute from then on. hiding: leaves casts out of its
    close, and tellers out of its proposals. yes: prevotes and precommits whatever there is,
    one thing to these and another to those. forking: proposes one value to these and another to
    those, whatever was said before, and keeps to itself that it precommitted one. chaos: yes and
    no, by chance. invalid: breaks the rules. twins: two selves, each honest towards those whom it speaks with.
    """

    def __init__(self, node: Node, lie: str, simulation: Simulation) -> None:
        self.node, self.lie, self.simulation = node, lie, simulation
        self.chance: Random = simulation.chance
        self.left = _ENOUGH
        self._done: set[tuple[Any, ...]] = set()

    @property
    def follows(self) -> bool:
        """Whether it goes through the motions of an honest teller, and twists what it says."""
        return self.lie in ("hiding", "twins")

    def twist(self, node: Node, deed: Deed) -> Deed:
        """What a hiding liar makes of an honest deed."""
        if self.lie != "hiding" or deed.kind not in ("teller.close", "teller.propose"):
            return deed
        if deed.kind == "teller.close":
            ballot = node.council.box.ballots[deed.body["ballot"]]
            if ballot.body.hidden:
                return deed
            some = [cast for cast in sorted(ballot.casts) if self.chance.random() < 0.3]
            body = {**deed.body, "attended": self.chance.random() < 0.8, "at": self._some_time(deed.body["at"])}
            return Deed(deed.kind, body, deed.needs, (encode(some),))
        if deed.body["valid_round"] >= 0 or "record" in deed.body:
            return deed
        instance = node.council.box.ballots[deed.body["of"]].instances[deed.body["instance"]]
        closes = sorted(deed.body["closes"], key=lambda close: (len(instance.closes[close].casts), close))
        fewest = sorted(closes[: instance.agreement.outlook.q])
        needs = tuple(need for need in deed.needs if need not in closes)
        return Deed(deed.kind, {**deed.body, "closes": fewest}, (*fewest, *needs))

    def _some_time(self, at: int) -> int:
        return self.chance.choice((0, at, at + 3_600_000, 1 << 62))

    # --- those who speak for themselves ---------------------------------------------------------------

    def act(self) -> None:
        """Say something, if there is reason to."""
        node = self.node
        assert node.teller is not None
        deeds = node.teller._ballots
        for ballot in list(node.council.box.running.values()):
            if self.node.key not in {teller for teller, _ in ballot.accepts.values()}:
                self._accept(ballot, deeds)
            elif node.clock >= ballot.current.deadline and self.lie != "silent":
                self._close(ballot, ballot.current, deeds)
                self._argue(ballot, ballot.current)
            elif node.clock < ballot.current.deadline:
                self.simulation.stir(node, ballot.current.deadline - node.skew)
        if self.lie != "silent" and node.council.head.profile != "1":
            self._argue_on_epochs()

    def _once(self, *place: Any) -> bool:
        if place in self._done:
            return False
        self._done.add(place)
        return True

    def _tell(
        self, kind: str, body: dict[str, Any], needs: tuple[bytes, ...], parts: tuple[bytes, ...] = (), half: Any = None
    ) -> None:
        """Write it on all heads, or on nothing but what it needs, and send it to some."""
        if self.left <= 0:
            return
        self.left -= 1
        node = self.node
        assert node.seed is not None
        deps = None if not needs or self.chance.random() < 0.5 else tuple(dict.fromkeys(needs))
        envelope = node.draft(node.seed, kind, body, needs, parts, deps)
        if self.lie != "chaos" or self.chance.random() < 0.5:
            node.hear(envelope)
        names = frozenset(self.simulation.nodes)
        audience = half if half is not None else self.chance.choice((names, self._half(), self._half()))
        self.simulation.publish(node, envelope, audience)

    def _half(self) -> frozenset[str]:
        return frozenset(name for name in sorted(self.simulation.nodes) if self.chance.random() < 0.5)

    def _accept(self, ballot: Ballot, duty: BallotDuty) -> None:
        if self._once("accept", ballot.id):
            deed = duty._answer(ballot, self.node.clock)
            self._tell(deed.kind, deed.body, deed.needs, half=frozenset(self.simulation.nodes))

    def _close(self, ballot: Ballot, instance: Instance, duty: BallotDuty) -> None:
        if not self._once("close", ballot.id, instance.number):
            return
        mine = [accept for accept, (teller, _) in sorted(ballot.accepts.items()) if teller == self.node.key]
        if not ballot.accepted() or not mine:
            return
        honest = duty._close(ballot, instance, mine[0], self.node.clock)
        half = self._half()
        for to in (half, frozenset(self.simulation.nodes) - half):
            body = {**honest.body, "attended": self.chance.random() < 0.7, "at": self._some_time(honest.body["at"])}
            parts = honest.parts
            if not ballot.body.hidden:
                some = [cast for cast in sorted(ballot.casts) if self.chance.random() < 0.6]
                parts = (encode(some),)
            self._tell(honest.kind, body, honest.needs, parts, to)

    def _argue(self, ballot: Ballot, instance: Instance) -> None:
        of = {"of": ballot.id, "instance": instance.number}
        if self.lie == "invalid":
            self._nonsense(of, instance)
            return
        several: dict[bytes, list[bytes]] = {}
        for id, close in sorted(instance.closes.items()):
            several.setdefault(close.teller, []).append(id)
        best = {teller: min(ids) for teller, ids in several.items()}
        agreement = instance.agreement

        def proposal(round: int) -> tuple[dict[str, Any], tuple[bytes, ...], tuple[bytes, ...]] | None:
            polka = agreement.polka
            if self.lie != "forking" and polka is not None and polka[0] < round and self.chance.random() < 0.4:
                closes = list(instance.values[polka[1]])
                named = agreement.quorum(agreement.prevotes, *polka)
                return {"valid_round": polka[0], "closes": closes}, (*closes, *named), ()
            if len(best) < agreement.outlook.q:
                return None
            least = len(best) if self.lie == "forking" else agreement.outlook.q
            tellers = self.chance.sample(sorted(best), self.chance.randint(least, len(best)))
            closes = sorted(self.chance.choice(several[teller]) for teller in tellers)
            if polka is not None and value_of(closes) == polka[1]:
                closes = sorted(max(several[teller], key=lambda id: (id not in closes, id)) for teller in tellers)
            return {"valid_round": -1, "closes": closes}, tuple(closes), ()

        def seal(round: int, value: bytes) -> bytes:
            assert self.node.seed is not None
            return sign(self.node.seed, DECISION, decision_message(ballot.record(instance, value), round))

        if best:
            self._vote(of, agreement, proposal, seal, (min(best.values()),))

    def _argue_on_epochs(self) -> None:
        council = self.node.council
        agreed = council.box.epoch(council.head.number)
        of = {"of": agreed.of, "instance": 0}

        def proposal(round: int) -> tuple[dict[str, Any], tuple[bytes, ...], tuple[bytes, ...]] | None:
            due = council.compose()
            if due is None:
                return None
            record = due.data if self.chance.random() < 0.7 else due.data[:-1] + b"\0"
            return {"valid_round": -1, "record": 0}, due.basis, (record,)

        def seal(round: int, value: bytes) -> bytes:
            assert self.node.seed is not None
            return sign_epoch(self.node.seed, value, round)

        if agreed.agreement.valid:
            self._vote(of, agreed.agreement, proposal, seal, ())

    def _vote(
        self, of: dict[str, Any], agreement: Agreement, proposal: Any, seal: Any, anchor: tuple[bytes, ...]
    ) -> None:
        top = max((message.round for message in agreement.valid.values()), default=0)
        for round in sorted({max(0, top - 1), top, top + 1}):
            before = agreement.quorum(agreement.precommits, round - 1) if round else ()
            if round and len(before) < agreement.outlook.q:
                continue
            if agreement.proposer(round) == self.node.key and self._once("propose", *of.values(), round):
                everybody, half = frozenset(self.simulation.nodes), self._half()
                # Where a value may be decided already, a forking liar offers everybody another one.
                late = self.lie == "forking" and agreement.polka is not None
                for to in (everybody,) if late else (half, everybody - half):
                    said = proposal(round)
                    if said is not None:
                        body, needs, parts = said
                        self._tell("teller.propose", {**of, "round": round, **body}, (*needs, *before), parts, to)
            self._say_yes(of, agreement, seal, anchor, round, before)

    def _say_yes(
        self,
        of: dict[str, Any],
        agreement: Agreement,
        seal: Any,
        anchor: tuple[bytes, ...],
        round: int,
        before: tuple[bytes, ...],
    ) -> None:
        """Prevote and precommit every value of a round, and none."""
        for value, makers in [*agreement.proposals.get(round, {}).items(), (NIL, {})]:
            if self.lie == "chaos" and self.chance.random() < 0.5:
                continue
            body = {**of, "round": round, "value": value}
            named = tuple(min(ids) for ids in makers.values())
            everybody = frozenset(self.simulation.nodes) if self.lie == "forking" and value == NIL else None
            if self._once("prevote", *of.values(), round, value):
                self._tell("teller.prevote", body, (*anchor, *named, *before), half=everybody)
            polka = agreement.prevotes.get(round, {}).get(value, {})
            if value != NIL and len(polka) < agreement.outlook.q:
                continue
            if self._once("precommit", *of.values(), round, value):
                quorum = agreement.quorum(agreement.prevotes, round, value) if value else ()
                signed = {"signature": seal(round, value)} if value else {}
                to = frozenset[str]() if value and self.lie == "forking" else everybody
                self._tell("teller.precommit", {**body, **signed}, (*anchor, *quorum, *before), half=to)

    def _nonsense(self, of: dict[str, Any], instance: Instance) -> None:
        if self.chance.random() < 0.7:
            return
        agreement, chance = instance.agreement, self.chance
        known = (*sorted(agreement.valid), *sorted(instance.closes))
        needs = tuple(chance.sample(known, min(len(known), chance.randint(1, 8)))) if known else ()
        round = chance.randint(0, 6)
        value = chance.choice([*sorted(instance.values), bytes(32), NIL])
        kind = chance.choice(("teller.propose", "teller.prevote", "teller.precommit", "teller.close"))
        body: dict[str, Any] = {**of, "round": round, "value": value}
        parts: tuple[bytes, ...] = ()
        if kind == "teller.propose":
            closes = sorted(instance.closes)[: chance.randint(0, 9)]
            body = {**of, "round": round, "valid_round": chance.randint(-1, 5), "closes": closes}
            needs = (*needs, *closes)
        elif kind == "teller.precommit":
            body["signature"] = bytes(64)
        elif kind == "teller.close":
            body = {"ballot": of["of"], "instance": of["instance"], "casts": 0, "nonce": bytes(32), "at": 0}
            body["attended"] = True
            parts = (encode([bytes(32)]),)
        self._tell(kind, body, needs, parts)
