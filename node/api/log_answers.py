"""What the API asks and answers about the log: drafts, operations and what they carry."""

from typing import Any, Literal

import msgspec

from node.api.answer import Answer
from node.api.people_answers import PersonAnswer

__all__ = [
    "Accepted",
    "ContentAnswer",
    "DraftAnswer",
    "DraftAsked",
    "OperationAnswer",
    "Outcome",
    "Resolved",
]


class DraftAsked(Answer, frozen=True):
    """Asked: what a new operation must name. `needs` are the operations that its body names."""

    needs: list[str] = msgspec.field(default_factory=list)


class DraftAnswer(Answer, frozen=True):
    """What a new operation must name."""

    council: str
    deps: list[str]
    depth: int
    epoch: int
    epoch_digest: str
    """The digest of that epoch, which a ballot has to name."""


class Outcome(Answer, frozen=True):
    """What became of one envelope."""

    id: str | None
    """Null when the bytes were no operation."""
    state: Literal["accepted", "known", "waiting", "refused", "aside"]
    rule: str | None
    """The rule that was broken, when it was refused."""
    message: str | None
    without_effect: str | None
    """For an accepted one that has no effect: why."""


class ContentAnswer(Answer, frozen=True):
    """One content of an operation."""

    index: int
    sort: Literal["attachment", "part"]
    hash: str
    size: int
    state: Literal["here", "fetching", "erased"]
    text: str | None
    """The content, when it is here, short, and text."""


class OperationAnswer(Answer, frozen=True):
    """An operation as it stands in the log."""

    id: str
    council: str
    kind: str
    author: PersonAnswer
    device: str
    depth: int
    deps: list[str]
    time: int
    epoch: int
    kept: bool
    """False for one that nobody in standing refers to."""
    without_effect: str | None
    """Why it has no effect, if it has none."""
    body: dict[str, Any]
    """The body; ids and keys in hex."""
    contents: list[ContentAnswer]


class Resolved(Answer, frozen=True):
    """An operation whose id begins as asked."""

    id: str
    council: str
    kind: str


class Accepted(Answer, frozen=True):
    """Done."""

    done: bool = True
