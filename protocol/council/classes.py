"""Classes of the roll: in each a majority, or a share of the whole for each.

A charter or a ballot's opening names them. One class has no members named: everybody else is
in it, newcomers too.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

import msgspec

from ..counting.weights import class_weights
from ..errors import Malformed
from ..ids import Membership, operation_text

__all__ = ["Class", "Classes", "Division", "check_classes", "class_shares", "divide"]

Part = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Class(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One class. members: memberships as text, ascending. share: of the whole, `[a, b]` for a/b."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    members: Annotated[list[Annotated[str, msgspec.Meta(max_length=80)]], msgspec.Meta(max_length=500)] = msgspec.field(
        default_factory=list
    )
    share: Annotated[list[Part], msgspec.Meta(min_length=2, max_length=2)] | None = None


class Classes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the roll is divided. by: `each` asks for a majority in every class too; `shares` weighs.

    of: the classes, ascending by name.
    """

    by: Literal["each", "shares"]
    of: Annotated[list[Class], msgspec.Meta(min_length=2, max_length=12)]


Division = Mapping[str, frozenset[Membership]]
"""Class -> who of a roll is in it."""


def check_classes(classes: Classes) -> None:
    """Raises `Malformed` (`charter-classes`) when no roll could be divided like that."""
    names = [one.name for one in classes.of]
    if names != sorted(set(names)) or any(not name.strip() for name in names):
        raise Malformed("charter-classes", "classes have names, each its own, in alphabetical order.")
    if sum(1 for one in classes.of if not one.members) != 1:
        raise Malformed("charter-classes", "exactly one class names no members: everybody else is in it.")
    named = [member for one in classes.of for member in one.members]
    if len(set(named)) != len(named) or any(one.members != sorted(one.members) for one in classes.of):
        raise Malformed("charter-classes", "somebody is in two classes, or the members of a class are out of order.")
    shares = [Fraction(*one.share) for one in classes.of if one.share is not None]
    if classes.by == "each" and shares:
        raise Malformed("charter-classes", "with a majority in each class the classes have no shares.")
    if classes.by == "shares" and (len(shares) != len(names) or sum(shares) != 1):
        raise Malformed("charter-classes", "every class has a share, and the shares add up to exactly 1.")


def divide(classes: Classes, roll: Mapping[Membership, Any]) -> Division:
    """Who of the roll is in which class, every class in order of name; one may be empty."""
    place = {member: one.name for one in classes.of for member in one.members}
    rest = next(one.name for one in classes.of if not one.members)
    out: dict[str, set[Membership]] = {one.name: set() for one in classes.of}
    for membership in roll:
        out[place.get(operation_text(membership), rest)].add(membership)
    return {name: frozenset(members) for name, members in out.items()}


def class_shares(classes: Classes, division: Division) -> dict[Membership, Fraction]:
    """What everybody's vote weighs by the classes' shares; none of them may be empty."""
    shares = {one.name: Fraction(*one.share) for one in classes.of if one.share is not None}
    each = class_weights({name: len(members) for name, members in division.items()}, shares)
    return {membership: each[name] for name, members in division.items() for membership in members}
