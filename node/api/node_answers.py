"""What the API asks and answers about the running node and the nodes that it knows."""

from node.api.answer import Answer

__all__ = [
    "AddPeer",
    "AwayAsked",
    "ContextAsked",
    "CouncilLine",
    "ListedNode",
    "NodeAnswer",
    "OfferAnswer",
    "PeerAnswer",
]


class PeerAnswer(Answer, frozen=True):
    """A node that this one knows."""

    peer: str
    addresses: list[str]
    source: str
    """Who named the addresses: `settings`, `person`, `ticket`, `roll`, `mdns`, or `met`."""
    connected: bool
    seen: int | None
    """When it was last connected."""
    trouble: str | None
    """Why the last try to reach it failed; of a connected one why it cannot be spoken with, if so."""
    kept_away: bool
    """Whether this node keeps away from it."""


class ListedNode(Answer, frozen=True):
    """A node of a council: a teller's, or one on the roll."""

    peer: str
    addresses: list[str]
    teller: bool


class AwayAsked(Answer, frozen=True):
    """Asked: keep away from this peer for so many seconds; null for until it is let near again."""

    seconds: float | None = None


class CouncilLine(Answer, frozen=True):
    """A council in a list."""

    council: str
    name: str
    purpose: str
    epoch: int
    members: int
    forming: bool
    """Fewer members than the charter asks for: it can admit, and do little else."""
    operations: int
    current: bool
    """Whether what is said there comes here: the node is on the roll, or the council is public."""


class NodeAnswer(Answer, frozen=True):
    """The running node."""

    version: str
    protocol: int
    peer: str
    teller: str
    """The key with which this node signs as a teller."""
    addresses: list[str]
    home: str
    pid: int
    port: int
    started: int
    connected: int
    warnings: list[str]
    """Why its teller does not do what it should in a council, in sentences."""
    """How many peers are connected now."""
    storage: int
    """Bytes on disk."""
    councils: list[CouncilLine]


class AddPeer(Answer, frozen=True):
    """Asked: remember this address, `/ip4/.../tcp/.../p2p/12D3KooW...`, and dial it."""

    address: str


class ContextAsked(Answer, frozen=True):
    """Asked: let the node and its teller's key sign for this context, 64 hex digits.

    A context is a founding nonce, an invitation's, membership's or council's id.
    """

    context: str


class OfferAnswer(Answer, frozen=True):
    """The node's proofs for one context, to be named in an operation; keys and signatures in hex."""

    node: str
    node_possession: str
    addresses: list[str]
    teller: str
    teller_possession: str
