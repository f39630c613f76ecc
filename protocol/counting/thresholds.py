"""How much of what is enough: exact fractions, ``at least`` or ``more than``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..errors import Malformed
from .ballots import Weight

__all__ = ["HALF", "Threshold", "at_least", "more_than"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A share above 0 and up to 1, and whether it must be passed or only reached."""

    share: Fraction
    strict: bool

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise Malformed(
                "threshold.share", f"A threshold of {self.share} makes no sense; it must be above 0 and at most 1."
            )
        if self.strict and self.share == 1:
            raise Malformed("threshold.impossible", "More than everybody can never agree; say `at least 1/1`.")

    def met(self, part: Weight, whole: Weight) -> bool:
        """Whether ``part`` is enough of ``whole``. Nothing is never enough, not even of nothing."""
        needed = self.share * whole
        return part > 0 and (part > needed if self.strict else part >= needed)

    def __str__(self) -> str:
        words = "more than" if self.strict else "at least"
        return f"{words} {self.share.numerator}/{self.share.denominator}"


def at_least(numerator: int, denominator: int) -> Threshold:
    """The threshold that exactly ``numerator/denominator`` reaches."""
    return Threshold(_share(numerator, denominator), strict=False)


def more_than(numerator: int, denominator: int) -> Threshold:
    """The threshold that exactly ``numerator/denominator`` does not yet pass."""
    return Threshold(_share(numerator, denominator), strict=True)


def _share(numerator: int, denominator: int) -> Fraction:
    if denominator < 1:
        raise Malformed("threshold.share", f"A fraction cannot have the denominator {denominator}; use 1 or more.")
    return Fraction(numerator, denominator)


HALF = more_than(1, 2)
"""The plain majority."""
