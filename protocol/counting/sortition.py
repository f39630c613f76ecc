"""Sortition: seats by lot, with a share of them for every class where the charter says so.

``sortition/1``. Within a class every person is exactly as likely as any other, and so is
every set of them. The draw depends on the seed (`ties.lot_seed`), the people's names and
the classes, never on the order in which they are listed. Whoever has the seed repeats it.

The seats of a class are its share of them, rounded down; the seats still free go one each
to the classes with the largest remainders, equal ones by lot.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from ..errors import Malformed
from .ballots import Result
from .ties import Stream

__all__ = ["ClassDraw", "Pool", "seats_by_share", "sortition"]

_DRAW: Final = b"folkmoot/sortition/1/draw/"
_ROUNDING: Final = b"folkmoot/sortition/1/rounding"


@dataclass(frozen=True, slots=True)
class Pool:
    """People by distinct names or ids, and the seats to draw.

    ``classes`` gives the class of each person, in the order of ``people``, and ``shares``
    the share of each class, adding up to 1; both are empty where there are no quotas.
    """

    people: tuple[str, ...]
    seats: int
    classes: tuple[str, ...] = ()
    shares: tuple[tuple[str, Fraction], ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.people)) != len(self.people):
            raise Malformed("sortition.twice", "Somebody is in the pool twice; list everyone once.")
        if not 1 <= self.seats <= len(self.people):
            raise Malformed(
                "sortition.seats", f"From {len(self.people)} people {self.seats} cannot be drawn; name more."
            )
        if not self.shares:
            if self.classes:
                raise Malformed("sortition.shares", "The people have classes, but no class has a share; state both.")
            return
        if len(self.classes) != len(self.people):
            raise Malformed("sortition.classes", "Not everyone in the pool has a class; give each exactly one.")
        names = [name for name, _ in self.shares]
        if len(set(names)) != len(names) or not set(self.classes) <= set(names):
            raise Malformed("sortition.classes", "Every class that people are in must have exactly one share.")
        if any(share < 0 for _, share in self.shares) or sum(share for _, share in self.shares) != 1:
            raise Malformed("sortition.shares", "The shares of the classes must be 0 or more and add up to exactly 1.")


@dataclass(frozen=True, slots=True)
class ClassDraw:
    """The draw of one class: its name (empty without quotas), its share and seats, and its
    people in the order drawn. The first ``seats`` of them sit; the others are alternates,
    in this order.
    """

    name: str
    share: Fraction
    seats: int
    order: tuple[int, ...]


def sortition(pool: Pool, *, seed: bytes) -> Result[ClassDraw]:
    """``sortition/1``: the seats of each class, drawn class by class in ascending order of name.

    Raises `Malformed` when a class has fewer people than seats.
    """
    shares = sorted(pool.shares) or [("", Fraction(1))]
    classes = pool.classes or ("",) * len(pool.people)
    draws: list[ClassDraw] = []
    for (name, share), seats in zip(shares, seats_by_share(shares, pool.seats, seed), strict=True):
        people = [person for person, theirs in enumerate(classes) if theirs == name]
        if len(people) < seats:
            raise Malformed(
                "sortition.class", f"Class {name!r} has {len(people)} people for {seats} seats; change its share."
            )
        left = sorted(people, key=pool.people.__getitem__)
        stream = Stream(seed, _DRAW + name.encode())
        order: list[int] = []
        while left:
            drawn = stream.below(len(left))
            left[drawn], left[-1] = left[-1], left[drawn]
            order.append(left.pop())
        draws.append(ClassDraw(name, share, seats, tuple(order)))
    elected = tuple(person for draw in draws for person in draw.order[: draw.seats])
    return Result("sortition/1", elected, (), tuple(draws))


def seats_by_share(shares: list[tuple[str, Fraction]], seats: int, seed: bytes) -> list[int]:
    """Whole seats for each class in the order of ``shares``, by largest remainders."""
    exact = [share * seats for _, share in shares]
    whole = [int(claim // 1) for claim in exact]
    stream = Stream(seed, _ROUNDING)
    waiting = list(range(len(shares)))
    for _ in range(seats - sum(whole)):
        most = max(exact[i] - whole[i] for i in waiting)
        equal = [i for i in waiting if exact[i] - whole[i] == most]
        lucky = equal[stream.below(len(equal))] if len(equal) > 1 else equal[0]
        waiting.remove(lucky)
        whole[lucky] += 1
    return whole
