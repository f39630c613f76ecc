"""What happens in one simulated count, drawn from a seed: the network's faults, the liars, the voters."""

from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

from .setting import HOUR, MINUTE, SECOND, Setting

__all__ = ["LIES", "Cut", "Outage", "Plan", "Scene"]

Scene = Literal["any", "good", "attack", "torn", "stall", "slow"]
"""any: whatever; good: no faults; attack: forked liars, the network cut along their lines; torn: every
message comes at once or very late, and liars say yes to everything; stall: a quorum never comes back; slow: messages take half an hour."""

How = Literal["crashed", "asleep", "restored"]

LIES: Final = ("silent", "hiding", "yes", "forking", "forking", "chaos", "invalid", "twins", "twins")
DEADLINE: Final = 10 * MINUTE


@dataclass(frozen=True)
class Cut:
    """From `begin` to `end` (ms into the story) the nodes in `side` and the others do not hear each other."""

    begin: int
    end: int
    side: frozenset[str]


@dataclass(frozen=True)
class Outage:
    """A node is away. end: None when it never comes back.

    crashed: it starts again from its disk; asleep: it keeps its memory meanwhile; restored: an
    old copy of its disk is put back, and it does not know what it said since.
    """

    node: str
    begin: int
    end: int | None
    how: How


@dataclass
class Plan:
    """All times in ms from the beginning of the story. delay: mean delay of a message; loss: how many get lost."""

    scene: Scene
    delay: float = 500.0
    loss: float = 0.0
    meeting: int = 20 * SECOND
    """How often nodes sync."""
    late: float = 0.0
    """How likely a message comes only minutes later."""
    crashes: float = 0.0
    """How likely a teller crashes after it said something."""
    skews: dict[str, int] = field(default_factory=dict)
    astray: frozenset[str] = frozenset()
    cuts: list[Cut] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    liars: dict[str, str] = field(default_factory=dict)
    """Teller -> how it lies."""
    halves: dict[str, frozenset[str]] = field(default_factory=dict)
    """Of a teller with two selves: whom the first speaks with; the second speaks with the others."""
    ballots: int = 1
    hidden: bool = False
    motion: bool = False
    revocation: bool = False
    voters: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(when, member, ballot, how many casts of one revision at once)."""

    @property
    def calm(self) -> int:
        """From when on nothing new goes wrong."""
        if self.scene == "torn":
            return DEADLINE + HOUR // 2
        ends = [cut.end for cut in self.cuts] + [outage.end for outage in self.outages if outage.end is not None]
        return max([*ends, DEADLINE + 2 * MINUTE])

    @property
    def gone(self) -> set[str]:
        """The nodes that never come back."""
        return {outage.node for outage in self.outages if outage.end is None}

    @property
    def restored(self) -> set[str]:
        """The nodes that an old copy is put back on."""
        return {outage.node for outage in self.outages if outage.how == "restored"}

    @classmethod
    def drawn(cls, setting: Setting, scene: Scene, chance: Random) -> "Plan":
        """A plan for this council."""
        plan = cls(scene)
        names = [teller.name for teller in setting.tellers]
        plan.ballots = chance.choice((2, 3, 4, 5))
        plan.hidden = chance.random() < 0.1
        plan.motion = chance.random() < 0.3
        plan._draw_voters(setting, chance)
        if scene == "good":
            return plan
        plan.delay = 1000 * 10 ** chance.uniform(-1, 1.5)
        plan.loss = chance.choice((0, 0.1, 0.4, 0.8))
        plan.meeting = chance.choice((10, 30, 90)) * SECOND
        plan.crashes = chance.choice((0, 0, 0.02, 0.1))
        plan.revocation = chance.random() < 0.15
        plan.skews = {name: chance.randint(-30, 30) * SECOND for name in names}
        plan._draw_liars(setting, names, chance)
        honest = [name for name in names if name not in plan.liars]
        if scene == "attack":
            plan._draw_attack(names, honest, chance)
            return plan
        if scene == "torn":
            plan._draw_torn(chance)
            return plan
        plan._draw_outages(setting, names, honest, chance)
        for _ in range(chance.choice((0, 0, 1, 2, 4))):
            begin = chance.randint(0, 25 * MINUTE)
            plan.cuts.append(Cut(begin, begin + chance.randint(20, 1500) * SECOND, _half([*names, "hall"], chance)))
        if chance.random() < 0.05 and len(honest) > setting.profile.q:
            plan.astray = frozenset(chance.sample(honest, 1))
            plan.skews |= dict.fromkeys(plan.astray, chance.choice((-1, 1)) * 5 * MINUTE)
        if scene == "slow":
            plan.delay, plan.loss, plan.meeting = HOUR / 2, 0.5, HOUR
        return plan

    def _draw_voters(self, setting: Setting, chance: Random) -> None:
        for ballot in range(self.ballots):
            for member in chance.sample(range(len(setting.members)), chance.randint(3, len(setting.members))):
                for _ in range(chance.choice((1, 1, 2)) if self.scene != "good" else 1):
                    when = chance.randint(10 * SECOND, DEADLINE + (MINUTE if self.scene != "good" else -MINUTE))
                    copies = 2 if self.scene != "good" and chance.random() < 0.1 else 1
                    self.voters.append((when, member, ballot, copies))

    def _draw_liars(self, setting: Setting, names: list[str], chance: Random) -> None:
        f = setting.profile.f
        for name in chance.sample(names, chance.randint(0, f) if chance.random() < 0.3 else f):
            self.liars[name] = chance.choice(LIES)
            self.halves[name] = _half([*names, "hall"], chance)

    def _draw_outages(self, setting: Setting, names: list[str], honest: list[str], chance: Random) -> None:
        gone: list[str] = []
        if self.scene == "stall":
            gone = chance.sample(honest, min(len(honest), setting.profile.n - setting.profile.q + 1))
        elif chance.random() < 0.3 and len(honest) > setting.profile.q:
            gone = chance.sample(honest, chance.randint(1, len(honest) - setting.profile.q))
        for name in names:
            if name in gone:
                self.outages.append(Outage(name, chance.randint(MINUTE, 15 * MINUTE), None, "crashed"))
            elif name in honest and chance.random() < 0.35:
                begin = chance.randint(0, 20 * MINUTE)
                end = begin + int(1000 * 10 ** chance.uniform(1, 4))
                how: How = "asleep" if chance.random() < 0.3 else "crashed"
                # Who forgot what she said is one of those whose word may be wrong.
                if len(self.liars) + len(self.restored) < max(1, setting.profile.f) and chance.random() < 0.5:
                    how = "restored"
                self.outages.append(Outage(name, begin, end, how))

    def _draw_attack(self, names: list[str], honest: list[str], chance: Random) -> None:
        """Forked liars, and cuts mostly along the line between those whom their two selves speak with."""
        line = _half([*names, "hall"], chance)
        for name in self.liars:
            self.liars[name] = chance.choice(("yes", "chaos", "twins", "twins", "twins"))
            self.halves[name] = line if chance.random() < 0.8 else _half([*names, "hall"], chance)
        self.loss, self.delay = chance.choice((0, 0.3)), chance.uniform(200, 10_000)
        begin = DEADLINE - 50 * SECOND
        for _ in range(chance.randint(1, 7)):
            end = begin + chance.randint(20, 200) * SECOND
            self.cuts.append(Cut(begin, end, line if chance.random() < 0.6 else _half([*names, "hall"], chance)))
            begin = end + chance.randint(0, 60) * SECOND

    def _draw_torn(self, chance: Random) -> None:
        for name in self.liars:
            self.liars[name] = "forking"
        self.loss, self.delay, self.meeting = 0, 300, 5 * MINUTE
        self.late, self.crashes = chance.choice((0.3, 0.5, 0.7)), chance.choice((0, 0.1, 0.3))
        self.skews = {}


def _half(names: list[str], chance: Random) -> frozenset[str]:
    return frozenset(name for name in names if chance.random() < 0.5)
