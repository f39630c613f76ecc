"""One simulated count: events in the order of their times, all drawn from one seed."""

import heapq
from random import Random
from typing import Any, Final

from protocol.council.compose import revocation_message
from protocol.keys import REVOCATION, sign
from protocol.log.operation import Envelope
from protocol.tellers.box import commitment, seal_boxes

from .liar import Liar
from .node import Node
from .plan import DEADLINE, Plan
from .setting import HOUR, MINUTE, SECOND, Setting, salt

__all__ = ["LAST", "Simulation"]

LAST: Final = 30 * 24 * HOUR
"""The story ends here at the latest, ms after its beginning."""
OPENED: Final = 2 * SECOND
MEETINGS: Final = 2_000
"""After so many meetings in which not all heard the same, something is at fault."""
CALM: Final = MINUTE
"""Until then messages arrive, so that most ballots are accepted."""


class Simulation:
    """A council, its nodes, and one plan."""

    def __init__(self, setting: Setting, plan: Plan, chance: Random) -> None:
        self.setting, self.plan, self.chance = setting, plan, chance
        self.time = setting.begins
        self.said: dict[bytes, Envelope] = {}
        """Everything that anybody ever wrote, whoever heard of it."""
        self.written: list[tuple[int, str, str]] = []
        """(when, by which node, kind) of what honest tellers wrote."""
        self.lost: set[bytes] = set()
        """What was written on a disk that is no more, before anybody else had it."""
        self.ballots: list[bytes] = []
        self.still = False
        """Whether nothing was left to happen."""
        self._meetings = 0
        self._events: list[tuple[int, int, str, Any]] = []
        self._count = 0
        self._pulled: dict[tuple[str, str], tuple[int, int]] = {}
        self._stirred: dict[str, int] = {}
        self._casts: dict[tuple[int, int], tuple[bytes, int]] = {}
        self.nodes: dict[str, Node] = {}
        self.liars: dict[str, Liar] = {}
        for teller in setting.tellers:
            self._place(teller.name, teller.seed)
        self.hall = self._place("hall", None)
        for name, lie in plan.liars.items():
            self._corrupt(name, lie)
        self.all = list(self.nodes.values())
        self._schedule()

    def _place(self, name: str, seed: bytes | None, of: str = "") -> Node:
        skew = self.plan.skews.get(of or name, 0)
        node = Node(self.setting, name, seed, lambda: self.time, skew, (of or name) in self.plan.astray)
        self.nodes[name] = node
        return node

    def _corrupt(self, name: str, lie: str) -> None:
        node = self.nodes[name]
        node.honest = False
        if lie == "twins":
            half = self.plan.halves[name]
            other = self._place(f"{name}'", node.seed, name)
            other.honest = False
            node.audience = half
            other.audience = frozenset(self.nodes) - half
        self.liars[name] = Liar(node, lie, self)

    # --- what is going to happen --------------------------------------------------------------------

    def at(self, time: int, what: str, whom: Any) -> None:
        """Something happens at `time`, ms."""
        self._count += 1
        heapq.heappush(self._events, (time, self._count, what, whom))

    def _schedule(self) -> None:
        begin, plan = self.time, self.plan
        for ballot in range(plan.ballots):
            self.at(begin + SECOND, "open", ballot)
        for when, member, ballot, copies in plan.voters:
            self.at(begin + when, "cast", (member, ballot, copies))
        if plan.motion:
            self.at(begin + 2 * MINUTE, "motion", None)
        if plan.revocation:
            self.at(begin + self.chance.randint(MINUTE, DEADLINE), "revoke", None)
        for outage in plan.outages:
            self.at(begin + outage.begin, "away", outage)
            if outage.end is not None:
                self.at(begin + outage.end, "back", outage.node)
        self.at(begin + OPENED + 20 * SECOND, "meet", None)

    def run(self) -> None:
        """Until all is decided, nothing is left to happen, or the time is over."""
        begin = self.time
        while self._events:
            self.time, _, what, whom = heapq.heappop(self._events)
            if self.time > begin + LAST:
                return
            getattr(self, f"_on_{what}")(whom)
            if what == "meet" and (self.over() or self._meetings > MEETINGS):
                return
        self.still = True

    def over(self) -> bool:
        """Whether all ballots are certified and known to be on every honest node that is up."""
        if self.time < self.setting.begins + self.plan.calm:
            return False
        present = [node for node in self.all if node.honest and node.up]
        return all(ballot in node.council.head.decided for ballot in self.ballots for node in present) and all(
            node.council.compose() is None for node in present
        )

    def tellers(self) -> list[Node]:
        """The nodes of honest tellers."""
        return [node for node in self.all if node.honest and node.seed is not None]

    # --- members ------------------------------------------------------------------------------------

    def _member(self, member: int, kind: str, body: dict[str, Any], needs: tuple[bytes, ...], *more: Any) -> bytes:
        person = self.setting.members[member]
        device = more[1] if len(more) > 1 else 0
        envelope = self.hall.draft(person.device_seed(device), kind, body, needs, more[0] if more else ())
        self.hall.hear(envelope)
        self.publish(self.hall, envelope)
        return envelope.operation.id

    def _on_open(self, ballot: int) -> None:
        proposal = self.setting.proposal
        body: dict[str, Any] = {
            "epoch": self.hall.council.head.digest,
            "question": {"rule": "majority-simple/1"},
            "title": 0,
            "deadline": self.setting.begins + DEADLINE + ballot * 7 * SECOND,
            "hidden": self.plan.hidden,
        }
        if not self.plan.hidden:
            del body["hidden"]
        if ballot == 0:
            body |= {"proposal": proposal, "pins": [proposal]}
            body["effect"] = {"kind": "adopt", "proposal": proposal, "version": proposal}
        person = self.setting.members[0]
        envelope = self.hall.draft(person.device_seed(), "ballot.open", body, (proposal,), text="A stove?")
        self.hall.hear(envelope)
        assert envelope.operation.id not in self.hall.council.without_effect
        self.ballots.append(envelope.operation.id)
        self.publish(self.hall, envelope)

    def _on_cast(self, what: tuple[int, int, int]) -> None:
        member, place, copies = what
        ballot = self.ballots[place]
        earlier = self._casts.get((member, place))
        revision = 0 if earlier is None else earlier[1] + 1
        said = []
        for copy in range(copies):
            choice = self.chance.choice(("yes", "yes", "no", "abstain"))
            body: dict[str, Any] = {"ballot": ballot, "revision": revision}
            needs: tuple[bytes, ...] = (ballot,)
            if earlier is not None:
                body["replaces"] = earlier[0]
                needs = (ballot, earlier[0])
            parts: tuple[bytes, ...] = ()
            if self.plan.hidden:
                secret = salt(ballot, member, revision, copy)
                body |= {"commitment": commitment(secret, choice), "boxes": 0}
                parts = (seal_boxes(tuple(teller.key for teller in self.setting.tellers), secret, choice),)
            else:
                body["choice"] = choice
            device = copy if member == 0 else 0
            said.append(self._member(member, "ballot.cast", body, needs, parts, device))
        self._casts[member, place] = (said[0], revision)

    def _on_motion(self, _: None) -> None:
        """The members adopt a text, and the tellers have to agree on an epoch amid the voting."""
        proposal = self.setting.proposal
        effect = {"kind": "adopt", "proposal": proposal, "version": proposal}
        motion = self._member(1, "motion.move", {"effect": effect}, (proposal,))
        for member in (2, 3):
            self._member(member, "motion.assent", {"motion": motion}, (motion,))

    def _on_revoke(self, _: None) -> None:
        """Ada's second device is lost; she says so from her first."""
        ada, council = self.setting.members[0], self.setting.council
        grant = sign(ada.seed, REVOCATION, revocation_message(council, council, ada.device(1)))
        self._member(0, "device.revoke", {"membership": council, "device": ada.device(1), "grant": grant}, ())

    # --- nodes --------------------------------------------------------------------------------------

    def _on_away(self, outage: Any) -> None:
        node = self.nodes[outage.node]
        if node.up and outage.how == "asleep":
            node.up = False
        elif node.up:
            node.crash(self.chance)
            if outage.how == "restored":
                self._restore(node)

    def _restore(self, node: Node) -> None:
        """What it said and nobody has is gone: messages that are under way end with the disk."""
        mine = node.restore(self.chance)
        for operation in mine:
            if not any(other.holds(operation) for other in self.all if other is not node):
                del self.said[operation]
                node.closes.pop(operation, None)
                self.lost.add(operation)

    def _on_back(self, name: str) -> None:
        node = self.nodes[name]
        if node.up or any(
            away.node == name and away.end is None and self.time >= self.setting.begins + away.begin
            for away in self.plan.outages
        ):
            return
        if node.lives:
            node.start()
        node.up = True
        self.stir(node)

    def stir(self, node: Node, at: int | None = None) -> None:
        """The node looks, at `at` or in a moment, at what there is to do."""
        when = self.time + self.chance.randint(0, 200) if at is None else at
        planned = self._stirred.get(node.name)
        if planned is None or when < planned or planned <= self.time:
            self._stirred[node.name] = when
            self.at(when, "act", (node, node.lives))

    def _on_act(self, whom: tuple[Node, int]) -> None:
        node, life = whom
        if not node.up or node.lives != life:
            return
        liar = self.liars.get(node.name.rstrip("'"))
        if liar is not None and not liar.follows:
            liar.act()
            return
        while (deed := node.next_deed()) is not None:
            if liar is not None:
                deed = liar.twist(node, deed)
            envelope = node.say(deed)
            if node.honest:
                self.written.append((self.time, node.name, deed.kind))
            if node.honest and self.time < self.setting.begins + self.plan.calm and self._falls():
                self.said[envelope.operation.id] = envelope
                node.crash(self.chance)
                self.at(self.time + self.chance.randint(1, 300) * SECOND, "back", node.name)
                return
            self.publish(node, envelope)
        wake = None if node.teller is None else node.teller.wake
        if wake is not None:
            self.stir(node, max(wake - node.skew, self.time + 1))

    def _falls(self) -> bool:
        return self.chance.random() < self.plan.crashes

    # --- the network --------------------------------------------------------------------------------

    def linked(self, a: str, b: str) -> bool:
        """Whether two nodes hear each other now."""
        a, b, now = a.rstrip("'"), b.rstrip("'"), self.time - self.setting.begins
        return all((a in cut.side) == (b in cut.side) for cut in self.plan.cuts if cut.begin <= now < cut.end)

    def publish(self, source: Node, envelope: Envelope, audience: frozenset[str] | None = None) -> None:
        """Send an operation to everybody who hears it."""
        self.said[envelope.operation.id] = envelope
        audience = source.audience if audience is None else audience
        calm = self.time < self.setting.begins + CALM
        for node in self.all:
            if node is source or (audience is not None and node.name not in audience):
                continue
            if calm or (self.chance.random() >= self.plan.loss and self.linked(source.name, node.name)):
                late = self.chance.expovariate(1 / (500 if calm else self.plan.delay))
                if not calm and self.chance.random() < self.plan.late:
                    late = self.chance.uniform(10 * SECOND, 5 * MINUTE)
                self.at(self.time + int(late), "hear", (node, envelope))

    def _on_hear(self, what: tuple[Node, Envelope]) -> None:
        node, envelope = what
        if node.up and envelope.operation.id not in self.lost and node.hear(envelope):
            self.stir(node)

    def _on_meet(self, _: None) -> None:
        """Every node that is up syncs with one other, and then again after a while."""
        present = [node for node in self.all if node.up]
        for node in present:
            peers = [peer for peer in present if peer is not node and self.linked(node.name, peer.name)]
            if peers:
                peer = self.chance.choice(peers)
                self._sync(node, peer)
        calm = self.time >= self.setting.begins + self.plan.calm
        pending = self._events[0][0] if self._events else None
        if calm and self._settled(present):
            if pending is not None:
                self.at(max(pending, self.time) + self.plan.meeting, "meet", None)
        else:
            self._meetings += calm
            self.at(self.time + self.plan.meeting, "meet", None)

    def _settled(self, present: list[Node]) -> bool:
        """Whether those who hear each other have heard the same."""
        honest = [node for node in present if node.honest]
        return all(node.receipts.keys() == honest[0].receipts.keys() for node in honest)

    def _sync(self, a: Node, b: Node) -> None:
        for giver, taker in ((a, b), (b, a)):
            if giver.audience is not None and taker.name not in giver.audience:
                continue
            life, done = self._pulled.get((giver.name, taker.name), (-1, 0))
            if life != giver.lives + taker.lives:
                done = 0
            news = [taker.hear(e) for e, _ in giver.log[done:] if e.operation.id not in taker.receipts]
            self._pulled[giver.name, taker.name] = (giver.lives + taker.lives, len(giver.log))
            if taker.seed is not None and giver.seed is not None:
                taker.contacts[giver.name] = taker.clock
            again = taker.listen(giver.name)
            if any(news) or again:
                self.stir(taker)

    def gather(self) -> None:
        """In the end every honest node is up, and hears all that was ever said, in an order of its own."""
        everything = list(self.said.values())
        for node in self.all:
            if not node.honest:
                continue
            if not node.up:
                node.start()
            self.chance.shuffle(everything)
            for envelope in everything:
                if envelope.operation.id not in node.receipts:
                    node.hear(envelope)
