"""Errors and refusals.

Malformed   bytes, a file or a value from elsewhere that breaks a rule of its format
Refusal     not an error: the value that says which rule an expected refusal rests on
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Malformed", "Refusal"]


class Malformed(ValueError):
    """Something from elsewhere breaks the rule named ``rule``; ``message`` tells a person what to do."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal that was to be expected: the rule it rests on, and one sentence for a person."""

    rule: str
    message: str
