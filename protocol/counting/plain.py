"""Results as plain data, the same on every node, for certificates and for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import TypeAlias

from ..errors import Misuse

__all__ = ["Plain", "plain"]

Plain: TypeAlias = "bool | int | str | bytes | list[Plain] | dict[str, Plain] | None"


def plain(value: object) -> Plain:
    """``value`` in None, bool, int, str, bytes, lists and dictionaries.

    A fraction is ``"numerator/denominator"`` in lowest terms, and a whole one an integer. A
    record is a dictionary of its fields in their order, a set an ascending list. A float
    is a fault: nothing in a count is one.
    """
    if value is None or isinstance(value, bool | int | str | bytes):
        return value
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return [plain(item) for item in sorted(value)]
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in sorted(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise Misuse(f"{type(value).__name__} has no plain form")
