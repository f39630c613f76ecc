"""What can go wrong, and whose fault it is.

FolkmootError
├── Misuse       our own caller broke the contract (a fault in this program)
└── Malformed    bytes from elsewhere break the format (a peer, a file, a ticket)

An *expected* refusal is no exception: it is a `Refusal`, a value that names the rule.
"""

from dataclasses import dataclass

__all__ = ["FolkmootError", "Malformed", "Misuse", "Refusal"]


class FolkmootError(Exception):
    """Root of every error that Folkmoot raises on purpose."""


class Misuse(FolkmootError, ValueError):
    """The caller, in this program, asked for something that cannot be."""


class Malformed(FolkmootError):
    """Data from elsewhere breaks the format.

    `rule` is a stable short name for machines, `message` one sentence for a person. It may quote
    what is malformed, which is somebody else's: what a terminal would obey does not get into it.
    """

    def __init__(self, rule: str, message: str) -> None:
        if not message.isprintable():
            message = "".join([letter if letter.isprintable() else "\ufffd" for letter in message])
        super().__init__(rule, message)
        self.rule = rule
        self.message = message

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Refusal:
    """An expected no: `rule` names the rule that was broken, `message` says it to a person."""

    rule: str
    message: str

    def __str__(self) -> str:
        return self.message
