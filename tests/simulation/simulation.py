"""One council on many nodes, from one seed: people write, lines break, nodes crash; in the end all is one again.

Everything that decides is the real thing: operations and their signatures, the fold, waiting,
Negentropy, the frames of sync and push, the teller. Simulated are the clock, the lines and the
disks. `Simulation(setting, seed).run()` gives a `Report`, and raises `Broken` when a law of the
log does not hold.
"""

import random
from collections import Counter
from dataclasses import asdict, dataclass, field
from statistics import mean
from typing import Any, Final

from protocol.council.bodies import node_message
from protocol.council.charter import template
from protocol.council.council import Council
from protocol.ids import OperationId, operation_text
from protocol.keys import NODE, sign
from protocol.log.operation import Envelope
from tests.delivery import portrait
from tests.worlds import Person, Teller, World

from .conversation import Conversation
from .network import CALM, Network, Weather
from .node import COMMIT, Node
from .people import People, Villager, enrolled
from .remembered import Reader, checked_once
from .timeline import Timeline

__all__ = ["Broken", "Report", "Setting", "Simulation"]

MINUTE: Final = 60_000
HALLS: Final = ("hall", "barn", "mill")
"""Tellers can sit at each; all three are nodes of the founder, who stays."""
_FEW: Final = ["at_least", 1, 50]
PATIENCE: Final = 60 * MINUTE
"""How long after the last trouble all may take to be one, in simulated ms."""


class Broken(AssertionError):
    """A law does not hold."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How large and how bad. minutes: for how long people write; acts: what they try in that time."""

    nodes: int = 40
    minutes: int = 20
    acts: int = 300
    cuts: int = 3
    crashes: int = 20
    restores: int = 2
    expulsions: int = 3
    friends: int = 4
    """To how many others a node pushes."""
    weather: Weather = field(default_factory=Weather)

    @classmethod
    def of(cls, nodes: int, minutes: int | None = None) -> "Setting":
        """As bad as usual, for so many nodes."""
        return cls(nodes, minutes or max(20, nodes // 5), nodes * 7, 4, nodes // 2, 2 + nodes // 40, 3 + nodes // 10)


@dataclass(slots=True)
class Report:
    """What happened. Times in simulated seconds; bytes as frames have them on the line."""

    seed: int
    nodes: int = 0
    listed: int = 0
    members: int = 0
    operations: int = 0
    epochs: int = 0
    effects: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    cuts: int = 0
    crashes: int = 0
    restores: int = 0
    tail_lost: int = 0
    together_after: float = 0.0
    conversations: int = 0
    broken: int = 0
    rounds_mean: float = 0.0
    rounds_most: int = 0
    messages: dict[str, int] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    log_bytes: int = 0
    digest: str = ""

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    def words(self) -> str:
        """For people."""
        return (
            f"seed {self.seed}: {self.nodes} nodes, {self.listed} on the roll of {self.members} members; "
            f"{self.operations} operations ({self.log_bytes:,} bytes), {self.epochs} epochs; "
            f"{self.crashes} crashes, {self.restores} restored disks, {self.cuts} cuts; "
            f"together {self.together_after:.0f} s after the last trouble; "
            f"{self.conversations} conversations, {self.broken} broken off, "
            f"{self.rounds_mean} rounds on average and {self.rounds_most} at most; "
            + ", ".join(f"{self.bytes[sort]:,} bytes of {sort}" for sort in self.bytes)
        )


class Simulation:
    """One run. `sort`: of which class the nodes are, to plant a fault in them."""

    def __init__(self, setting: Setting, seed: int, sort: type[Node] = Node) -> None:
        self.setting, self.seed, self._sort = setting, seed, sort
        self.chance = random.Random(seed)
        self.timeline = Timeline(1_790_000_000_000)
        self.network = Network(self.timeline, self.chance, setting.weather)
        self.read = Reader()
        self.report = Report(seed)
        self.nodes: dict[bytes, Node] = {}
        self.conversations: list[Conversation] = []
        self.acknowledged: dict[bytes, tuple[Node, bytes]] = {}
        """What was said and is on disk -> where, and by which device."""
        self.halls = HALLS
        self.wrong: list[str] = []
        self._doom = 0
        self._rounds: list[int] = []
        self._skews: dict[bytes, int] = {}

    # --- what the parts call ----------------------------------------------------------------

    def saying(self, node: Node) -> None:
        """Somebody has just said something at a node."""
        if self._doom and node is not self.hall:
            self._doom -= 1
            self.timeline.after(self.chance.uniform(*COMMIT) / 2, lambda: self._crash(node))

    def complain(self, what: str) -> None:
        """Something happened that must not happen among honest nodes."""
        self.wrong.append(what)

    def conversed(self, conversation: Conversation, broken: bool) -> None:
        """A conversation is over."""
        self.conversations.remove(conversation)
        self.report.conversations += 1
        self.report.broken += broken
        if conversation.report.complete and conversation.report.rounds:
            self._rounds.append(conversation.report.rounds)

    def skew(self, node: Node) -> int:
        """How wrong a node's clock is, ms."""
        return self._skews[node.key]

    def add_node(self, name: str, key: bytes, teller: Teller | None = None) -> Node:
        """A new node, which holds nothing and does not run yet."""
        node = self.nodes[key] = self._sort(self, name, key, teller)
        self._skews[key] = self.chance.choice((0, 0, 2_000, -3_600_000, 7_200_000))
        return node

    def bring(self, node: Node, envelope: Envelope) -> None:
        """Somebody brings an operation to a node by hand, again until it runs."""

        def bring() -> None:
            if node.up and node.council is not None and envelope.operation.deps[0] in node.council:
                node.do(lambda: node.take([envelope.encode()], None))
            else:
                self.timeline.after(5_000, bring)

        bring()

    # --- a run ------------------------------------------------------------------------------

    def run(self) -> Report:
        """Let it all happen, and check the laws. Raises `Broken`."""
        with checked_once():
            self._found()
            self._plan()
            self.timeline.run(self.timeline.now + self.setting.minutes * MINUTE)
            self._calm()
            begin = self.timeline.now
            while not self._together():
                if self.timeline.now - begin > PATIENCE:
                    raise Broken(f"seed {self.seed}: {self._parted()}")
                self.timeline.run(self.timeline.now + 1_000)
            self.report.together_after = (self.timeline.now - begin) / 1000
            self._check()
            self._fill_in()
        return self.report

    def _found(self) -> None:
        founder = Person("hall")
        charter = template(
            "commune",
            "Mill Lane",
            "to be simulated",
            size={"min": 1, "max": 500, "reason": "a simulation"},
            thresholds={"admission": _FEW, "adoption": _FEW, "erasure": _FEW, "charter": ["more_than", 1, 2],
                        "removal": ["more_than", 1, 2]},
            durations={"motion_epochs": 60},
        )  # fmt: skip
        world = World(founder, charter, (Teller("hall"),), self.timeline.now)
        self.council = world.council.id
        for hall in HALLS[1:]:
            possession = sign(Person(hall).node_seed, NODE, node_message(self.council, Teller(hall).node))
            world.say(founder, "node.enrol", {"node": Teller(hall).node, "possession": possession, "addresses": []})
        world.epoch()
        for hall in HALLS:
            node = self.add_node(hall, Teller(hall).node, Teller(hall))
            node.disk.write([(e.operation.id, e.encode()) for e in world.said], self.timeline.now)
            node.start()
        self.hall = self.nodes[Teller("hall").node]
        self.people = People(self)
        self.people.add(Villager("hall", self.hall))

    def _plan(self) -> None:
        """Draw when what is to happen."""
        setting, chance = self.setting, self.chance
        whole = setting.minutes * MINUTE
        for number in range(setting.nodes - len(HALLS)):
            # The first come while the hall is nearly alone, some when much has been said.
            at = whole * min(chance.random(), 0.2 + chance.random() * 0.7)
            name, shared = f"person {number}", number % 9 == 8
            self.timeline.after(at, lambda name=name, shared=shared: self.people.come(name, shared))  # type: ignore[misc]  # a loop's variables
        for _ in range(setting.acts):
            self.timeline.after(whole * max(chance.random(), chance.random()), self.people.act)
        for number in range(setting.cuts):
            # The last one is healed when all trouble ends.
            at = whole * (number + 0.2 + 0.3 * chance.random()) / setting.cuts
            self.timeline.after(at, lambda: self._cut(chance.randrange(2, 4)))
            if number + 1 < setting.cuts:
                self.timeline.after(at + whole * (0.2 + 0.4 * chance.random()) / setting.cuts, self.network.heal)
        for _ in range(setting.crashes):
            self.timeline.after(whole * (0.02 + 0.98 * chance.random()), self._strike)
        for _ in range(setting.expulsions):
            self.timeline.after(whole * (0.25 + 0.7 * chance.random()), self.people.expel)
        for _ in range(setting.restores):
            self.timeline.after(whole * (0.3 + 0.6 * chance.random()), self._restore)

    def _cut(self, parts: int) -> None:
        self.report.cuts += 1
        self.network.cut(parts)

    def _strike(self) -> None:
        """A node stops: one that is writing if there is any, or the next one at which somebody says something."""
        if self.chance.random() < 0.5:
            self._doom += 1
            return
        running = [node for _, node in sorted(self.nodes.items()) if node.up]
        if running:
            self._crash(self.chance.choice([node for node in running if node.writing] or running))

    def _crash(self, node: Node) -> None:
        """A node stops, and comes back after a while."""
        if node.up:
            self.report.crashes += 1
            self.report.tail_lost += node.crash()
            self.timeline.after(MINUTE * self.chance.uniform(0.05, 3), lambda: None if node.up else node.start())

    def _restore(self) -> None:
        """An older copy of a node's disk is put back. What nobody else had is gone, and was not promised to stay."""
        running = [n for _, n in sorted(self.nodes.items()) if n.up and n.teller is None and len(n.disk.saved) > 10]
        if not running:
            return
        node = self.chance.choice(running)
        self.report.restores += 1
        self.report.tail_lost += node.crash()
        kept = node.disk.saved[: self.chance.randrange(5, len(node.disk.saved))]
        gone = {self.read(data)[1].operation.id for data in node.disk.saved[len(kept) :]}
        node.disk.saved = kept
        for other in self.nodes.values():
            gone -= other.disk.received.keys() if other is not node else set()
        for operation in gone:
            self.acknowledged.pop(operation, None)
        self.timeline.after(MINUTE * self.chance.uniform(0.05, 1), lambda: None if node.up else node.start())

    def _calm(self) -> None:
        """The end of all trouble: everybody is silent, every node runs, every line holds."""
        self.people.silent = True
        self.network.weather = CALM
        self.network.heal()
        for _, node in sorted(self.nodes.items()):
            if not node.up and node.life:
                node.start()

    # --- the laws ---------------------------------------------------------------------------

    def _newest(self) -> Council:
        """The council as a node shows it that knows the latest epoch."""
        held = [node.council for _, node in sorted(self.nodes.items()) if node.council is not None]
        return max(held, key=lambda council: council.head.number)

    def _listed(self) -> list[Node]:
        """The nodes on the final roll."""
        return [self.nodes[key] for key in sorted(self._newest().head.entitled())]

    def _together(self) -> bool:
        """Whether every listed node keeps the same, nothing is being written, and the teller has nothing to do."""
        listed = self._listed()
        first = self._newest()
        mine = len(first), first.items.fingerprint(0, len(first))
        for node in listed:
            council = node.council
            if council is None or node.writing or len(council) != mine[0]:
                return False
            if council.items.fingerprint(0, len(council)) != mine[1]:
                return False
        return first.compose() is None

    def _parted(self) -> str:
        newest = self._newest()
        lines = [f"not together {PATIENCE // MINUTE} minutes after the last trouble."]
        for node in self._listed():
            here = node.council
            same = here is not None and list(here.items) == list(newest.items)
            kept = "nothing" if here is None else f"{len(here)} operations, epoch {here.head.number}"
            lines.append(f"{node.name}: {kept}{'' if same else ' (differs)'}, {len(node.waiting)} waiting")
        return "\n".join(lines)

    def _check(self) -> None:
        listed, newest = self._listed(), self._newest()
        wrong = self.wrong[:5]
        want = portrait(newest)
        fresh = Council.found(self.read(self.hall.envelopes[self.council])[1])
        assert isinstance(fresh, Council)
        for _, id in newest.items:
            fresh.insert(self.read(self.hall.envelopes[id])[1])
        for name, council in [("a fresh replica", fresh), *[(node.name, node.council) for node in listed]]:
            assert council is not None
            have = portrait(council)
            wrong += [f"{name} differs in {what}" for what in want if have[what] != want[what]]
        wrong += self._missing(newest)
        wrong += self._leaked(newest)
        if wrong:
            raise Broken(f"seed {self.seed}: " + "\n".join(wrong))

    def _missing(self, newest: Council) -> list[str]:
        """What somebody in standing was told is safe, on a node that is still listed, and is not kept."""
        entitled = newest.head.entitled()
        return [
            f"{operation_text(OperationId(operation))}, acknowledged by {node.name}, is lost"
            for operation, (node, author) in self.acknowledged.items()
            if node.key in entitled and enrolled(newest, author) and operation not in newest
        ]

    def _leaked(self, newest: Council) -> list[str]:
        """Nodes that were struck off the roll, or never on it, and know of a later epoch."""
        listed: dict[bytes, int] = {}  # node -> the latest epoch that lists it
        for link in newest.branch.links:
            members = link.members.values()
            for key in [
                *(teller.node for teller in link.tellers),
                *(key for member in members for key in member.nodes),
            ]:
                listed[key] = link.number
        return [
            f"{node.name} read on after it was struck off the roll"
            for key, node in sorted(self.nodes.items())
            if node.council is not None and node.council.head.number > listed.get(key, -1)
        ]

    def _fill_in(self) -> None:
        report, newest = self.report, self._newest()
        report.nodes = sum(1 for node in self.nodes.values() if node.life)
        report.listed = len(self._listed())
        report.members = len(newest.head.members)
        report.operations = len(newest)
        report.epochs = newest.head.number
        report.effects = dict(sorted(Counter(effect["kind"] for _, effect in newest.settled.values()).items()))
        report.acknowledged = len(self.acknowledged)
        report.rounds_mean = round(mean(self._rounds), 2)
        report.rounds_most = max(self._rounds)
        report.messages = dict(sorted(self.network.messages.items()))
        report.bytes = dict(sorted(self.network.sizes.items()))
        report.lost = dict(sorted(self.network.lost.items()))
        report.log_bytes = sum(len(self.hall.envelopes[id]) for _, id in newest.items)
        report.digest = newest.digest().hex()
