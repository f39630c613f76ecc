"""What the API answers about keeping a node, and about bundles."""

from typing import Literal

from node.api.answers import Answer, Outcome

__all__ = ["BundleTaken", "Finding", "HeadsAnswer", "HealthAnswer"]


class HeadsAnswer(Answer, frozen=True):
    """What a node holds of a council."""

    council: str
    operations: int
    heads: list[str]
    """The operations that nothing else builds on."""
    have: str
    """The same as a short text, for `moot bundle write --for`."""


class BundleTaken(Answer, frozen=True):
    """What became of the operations of a bundle, or of a part of one."""

    accepted: int
    known: int
    waiting: int
    """They build on operations that are not here."""
    refused: list[Outcome]
    """At most 20."""


class HealthAnswer(Answer, frozen=True):
    """Whether the node works."""

    ok: bool
    rule: str | None
    message: str | None
    """Why it does not."""


class Finding(Answer, frozen=True):
    """One thing that `moot doctor` looked at."""

    check: str
    """What was looked at, a stable short name."""
    state: Literal["ok", "note", "bad"]
    """`note` is worth knowing; `bad` has to be mended."""
    message: str
    advice: str | None
    """What to do."""
