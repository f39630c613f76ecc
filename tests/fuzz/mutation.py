"""Inputs made from others: bytes changed blindly, and canonical CBOR changed as the tree that it is.

A decoder that re-encodes and compares refuses nearly every blind change at once. So a value is
also taken apart, changed somewhere and encoded well again: then the checks behind the codec are
what is tried. A byte string that holds CBOR itself, as an envelope's header does, is part of the
tree.
"""

from collections.abc import Sequence
from random import Random
from typing import Any, Final

import cbor2

from protocol.codec import encode
from protocol.errors import Misuse

__all__ = ["Mutation"]

_NUMBERS: Final = (0, 1, 2, 23, 24, 255, 256, 65535, 65536, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -1)
_TEXTS: Final = ("", "\0", "a", "ä", "\u202e", "\ud7ff", "𝔸", "x" * 300, "council.found", "teller.propose", "null")
_PLAIN: Final[tuple[Any, ...]] = (None, True, False, 0, -1, "", b"", [], {}, b"\0" * 32, [[]], {"a": {}})
_LONGEST: Final = 1 << 18
_DEEPEST: Final = 12


class Mutation:
    """Changes inputs at random; the same `chance` and the same calls give the same inputs."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def make(self, pool: Sequence[bytes]) -> bytes:
        """An input made from those in the pool."""
        chance = self._chance
        data = chance.choice(pool)
        for _ in range(1 + (chance.random() < 0.3) * chance.randrange(4)):
            tree = self._opened(data) if chance.random() < 0.6 else None
            changed = None if tree is None else self._encoded(self._changed(tree[0], 0))
            data = self._blind(data, pool) if changed is None else changed
        return data[:_LONGEST]

    # Blindly

    def _blind(self, data: bytes, pool: Sequence[bytes]) -> bytes:
        chance, out = self._chance, bytearray(data)
        at = chance.randrange(len(out) + 1)
        end = min(len(out), at + chance.choice((1, 1, 2, 4, 8, 32, 500)))
        match chance.randrange(9):
            case 0 if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(out):
                out[at] = chance.choice((0, 1, 0x1F, 0x40, 0x5B, 0x7F, 0x80, 0x9F, 0xBF, 0xC0, 0xF6, 0xFB, 0xFF))
            case 2:
                out[at:at] = chance.randbytes(end - at or 1)
            case 3:
                del out[at:end]
            case 4:
                out[at:at] = out[at:end] * chance.choice((1, 2, 50))
            case 5:
                other = chance.choice(pool)
                begin = chance.randrange(len(other) + 1)
                out[at:] = other[begin:]
            case 6:
                del out[at:]
            case 7:
                width = chance.choice((1, 2, 4, 8))
                number = chance.choice(_NUMBERS) % (1 << 8 * width)
                out[at : at + width] = number.to_bytes(width, chance.choice(("big", "little")))
            case _:
                out[at:end] = chance.randbytes(end - at)
        return bytes(out)

    # As a tree

    def _opened(self, data: bytes) -> tuple[Any] | None:
        """The value in `data`, in a tuple of its own; None when it holds none worth changing."""
        if not data or data[0] >> 5 not in (4, 5):
            return None
        try:
            return (cbor2.loads(data),)
        except Exception:  # noqa: BLE001  # what a CBOR library raises at nonsense is not what is tried here
            return None

    def _encoded(self, value: Any) -> bytes | None:
        try:
            return encode(value)
        except (Misuse, RecursionError):
            pass
        try:
            return cbor2.dumps(value)
        except Exception:  # noqa: BLE001  # such as text that no UTF-8 can hold: the blind change takes over
            return None

    def _changed(self, value: Any, depth: int) -> Any:
        """The value with a change somewhere within."""
        chance = self._chance
        if depth > _DEEPEST or chance.random() < 0.12:
            return self._other(value)
        if isinstance(value, list) and value:
            return self._changed_list(list(value), depth)
        if isinstance(value, dict) and value:
            return self._changed_map(dict(value), depth)
        if isinstance(value, bytes):
            inner = self._opened(value) if chance.random() < 0.8 else None
            changed = None if inner is None else self._encoded(self._changed(inner[0], depth + 1))
            if changed is not None:
                return changed
        return self._other(value)

    def _changed_list(self, items: list[Any], depth: int) -> list[Any]:
        chance = self._chance
        at = chance.randrange(len(items))
        match chance.randrange(8):
            case 0:
                del items[at]
            case 1:
                items.insert(at, items[chance.randrange(len(items))])
            case 2:
                chance.shuffle(items)
            case 3:
                items.append(chance.choice(_PLAIN))
            case 4 if chance.random() < 0.1:
                items = items * chance.choice((3, 40, 300))
            case _:
                items[at] = self._changed(items[at], depth + 1)
        return items

    def _changed_map(self, fields: dict[Any, Any], depth: int) -> dict[Any, Any]:
        chance = self._chance
        key = chance.choice(list(fields))
        match chance.randrange(8):
            case 0:
                del fields[key]
            case 1:
                fields[chance.choice(_TEXTS)] = chance.choice(_PLAIN)
            case 2:
                fields[key] = fields[chance.choice(list(fields))]
            case _:
                fields[key] = self._changed(fields[key], depth + 1)
        return fields

    def _other(self, value: Any) -> Any:
        """Something else in its place, mostly of the same sort."""
        chance = self._chance
        if chance.random() < 0.2:
            return chance.choice(_PLAIN)
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return chance.choice((value + 1, value - 1, -value, chance.choice(_NUMBERS)))
        if isinstance(value, str):
            return chance.choice((chance.choice(_TEXTS), value[:-1], value + "x", value * 2))
        if isinstance(value, bytes):
            return self._blind(value, (value,)) if value and chance.random() < 0.7 else chance.randbytes(len(value))
        return chance.choice(_PLAIN)
