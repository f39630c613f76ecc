"""What the API asks and answers about joining a council."""

from node.api.answer import Answer

__all__ = [
    "FollowAsked",
    "JoinAnswer",
    "JoinAsked",
    "JoinNode",
]


class JoinNode(Answer, frozen=True):
    """A node named by the ticket: its PeerId and addresses."""

    peer: str
    addresses: list[str]


class JoinAsked(Answer, frozen=True):
    """Asked: bring this request (envelope, base64) to the ticket's nodes."""

    council: str
    nodes: list[JoinNode]
    envelope: bytes


class FollowAsked(Answer, frozen=True):
    """Asked: fetch this council from these nodes."""

    council: str
    nodes: list[JoinNode]


class JoinAnswer(Answer, frozen=True):
    """A request of somebody here, or a council to be fetched, on its way."""

    request: str
    council: str
    state: str
    """`waiting` (no node has been reached yet), `delivered`, `fetching`, `refused` or `admitted`."""
    message: str
