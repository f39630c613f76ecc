"""What a council told its seat to say in a ballot of another."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Final

import msgspec

from ..codec import encode
from ..errors import Refusal
from .record import Bytes32

__all__ = ["MAX_INSTRUCTIONS", "Instruction", "check_instruction", "instructed"]

MAX_INSTRUCTIONS: Final = 256
"""How many of a council's instructions are remembered; those of the oldest epochs go first."""
MAX_CHOICES: Final = 2048
_Part = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Split = list[tuple[_Part, _Part, Any]]


class _Shown(msgspec.Struct, frozen=True):
    """The effect, as a council's epoch tells it."""

    parent: Bytes32
    ballot: Bytes32
    split: Annotated[Split, msgspec.Meta(max_length=8)] = msgspec.field(default_factory=list)
    allowed: Annotated[list[Any], msgspec.Meta(max_length=16)] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Instruction:
    """split: `(share of the seat's weight, choice)`, which is the seat's cast; else allowed: what its delegate may choose.

    number: of the epoch that gave it.
    """

    number: int
    split: tuple[tuple[Fraction, Any], ...]
    allowed: tuple[Any, ...]

    @property
    def choices(self) -> tuple[Any, ...]:
        """Every choice that it names."""
        return (*(choice for _, choice in self.split), *self.allowed)


def check_instruction(split: Split, allowed: list[Any]) -> Refusal | None:
    """Why this tells a seat nothing, or None."""
    if bool(split) is bool(allowed):
        return Refusal("instruction", "an instruction says how the seat votes, or what its delegate may choose.")
    if sum((Fraction(a, b) for a, b, _ in split), Fraction(0)) > 1:
        return Refusal("instruction", "the instruction gives more than the whole of the seat's weight.")
    if len(encode([[list(part) for part in split], allowed])) > MAX_CHOICES:
        return Refusal("instruction", f"an instruction has at most {MAX_CHOICES} bytes of choices.")
    return None


def instructed(
    before: Mapping[tuple[bytes, bytes], Instruction], number: int, effect: dict[str, Any]
) -> Mapping[tuple[bytes, bytes], Instruction]:
    """`(parent, ballot)` -> the instruction, after this effect of epoch `number`; as before, if it is none."""
    try:
        shown = msgspec.convert(effect, _Shown, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError:
        return before
    if check_instruction(shown.split, shown.allowed) is not None:
        return before
    split = tuple((Fraction(a, b), choice) for a, b, choice in shown.split)
    after = {**before, (shown.parent, shown.ballot): Instruction(number, split, tuple(shown.allowed))}
    if len(after) > MAX_INSTRUCTIONS:
        del after[min(after, key=lambda place: (after[place].number, place))]
    return after
