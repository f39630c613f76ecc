"""Teller profiles: how many tellers there are, how many of them may lie, how many must agree."""

from dataclasses import dataclass
from typing import Final

__all__ = ["PROFILES", "Profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """How many tellers, how many may lie, how many must agree."""

    n: int
    f: int
    q: int


PROFILES: Final = {
    "1": Profile(1, 0, 1),
    "3-absence": Profile(3, 0, 2),
    "3-liar": Profile(3, 1, 3),
    "4": Profile(4, 1, 3),
    "7": Profile(7, 2, 5),
    "10": Profile(10, 3, 7),
}
"""The teller profiles a charter can name."""
