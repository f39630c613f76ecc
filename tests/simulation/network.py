"""The lines between simulated nodes: they delay, lose, break and fall into parts."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from .timeline import Timeline

__all__ = ["Network", "Weather"]


@dataclass(frozen=True, slots=True)
class Weather:
    """How good lines are. delay: ms, from and to; loss: of pushes; breaks: of conversations, at each message."""

    delay: tuple[int, int] = (5, 400)
    loss: float = 0.1
    breaks: float = 0.01


CALM: Final = Weather((5, 50), 0.0, 0.0)


@dataclass(slots=True)
class Network:
    """Who reaches whom now, and what it cost."""

    timeline: Timeline
    chance: random.Random
    weather: Weather
    up: set[bytes] = field(default_factory=set)
    """The nodes that run."""
    sides: dict[bytes, int] = field(default_factory=dict)
    """While the network is cut: on which side each node is."""
    _parted: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def reaches(self, one: bytes, other: bytes) -> bool:
        """Whether a message would pass between two nodes now."""
        return one in self.up and other in self.up and self.sides.get(one, 0) == self.sides.get(other, 0)

    def push(self, source: bytes, target: bytes, size: int, arrived: Callable[[], None]) -> None:
        """Send something that nobody misses when it is lost on the way."""
        self._send("push", source, target, size, self.weather.loss, arrived, lambda: None)

    def say(
        self,
        sort: str,
        source: bytes,
        target: bytes,
        size: int,
        arrived: Callable[[], None],
        broken: Callable[[], None],
    ) -> None:
        """Send part of a conversation: when it does not arrive, both sides notice that the line is broken."""
        self._send(sort, source, target, size, self.weather.breaks, arrived, broken)

    def _send(
        self,
        sort: str,
        source: bytes,
        target: bytes,
        size: int,
        risk: float,
        arrived: Callable[[], None],
        broken: Callable[[], None],
    ) -> None:
        self.messages[sort] += 1
        self.sizes[sort] += size
        unlucky = self.chance.random() < risk

        def end() -> None:
            if unlucky or not self.reaches(source, target):
                self.lost[sort] += 1
                broken()
            else:
                arrived()

        self.timeline.after(self.chance.uniform(*self.weather.delay), end)

    def cut(self, parts: int) -> None:
        """Let the network fall into so many parts, one of them the largest."""
        for node in sorted(self.up):
            self.sides[node] = 0 if self.chance.random() < 0.5 else self.chance.randrange(parts)

    def part(self, nodes: Sequence[bytes]) -> None:
        """Cut some nodes off from all others."""
        self._parted += 1
        for node in nodes:
            self.sides[node] = -self._parted

    def join(self, nodes: Sequence[bytes]) -> None:
        """Bring some nodes back to where most are."""
        for node in nodes:
            self.sides.pop(node, None)

    def heal(self) -> None:
        """Join all parts again."""
        self.sides.clear()
