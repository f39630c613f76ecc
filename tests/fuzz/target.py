"""What is tried: something that reads bytes from elsewhere, and what it may do with them."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Target", "Try"]

Try = Callable[[bytes], Awaitable[str]]
"""Read one input. Gives in a word what became of it (such as the rule that it broke); raises for a fault."""


@dataclass(frozen=True, slots=True)
class Target:
    """`share`: how many of ten thousand inputs it gets. `open` prepares it, with a folder of its own to work in."""

    name: str
    share: int
    seeds: Callable[[], list[bytes]]
    open: Callable[[Path], AbstractAsyncContextManager[Try]]
