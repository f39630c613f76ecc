"""What a teller has to say, and what it must know for it beyond the log."""

from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Deed", "Surroundings"]


class Surroundings(Protocol):
    """What a teller's node knows beyond the log."""

    def received(self, operation: bytes) -> int | None:
        """When an operation was first durable here, ms by the teller's clock; None: it is not.

        None too for what came while the clock was astray: its time is not known.
        """

    def in_contact(self) -> int:
        """With how many other tellers of the council the node synced within the last sync intervals."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a teller has to say. parts: the operation's contents, in order.

    alone: the operation's deps are `needs` and nothing else (an epoch builds on its basis).
    """

    kind: str
    body: dict[str, Any]
    needs: tuple[bytes, ...] = ()
    parts: tuple[bytes, ...] = ()
    alone: bool = False

    @property
    def place(self) -> tuple[Any, ...]:
        """What tells one thing that is said once from every other."""
        named = [self.body.get(name) for name in ("ballot", "of", "number", "instance", "round")]
        return (self.kind, *named, self.parts if self.kind == "teller.seen" else ())
