"""What the API answers about keeping a node, and about bundles."""

from node.api.answers import Answer, Outcome

__all__ = ["BundleTaken", "HeadsAnswer"]


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
