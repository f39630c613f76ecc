"""What can go wrong between this node and another.

HostError
├── ListenFailed         this machine does not let us listen there (port in use, ...)
├── Unreachable          nobody answered as a node at that address
│   ├── WrongPeer        somebody answered, but with another key
│   └── KeptAway         we let this peer go for a while, or have no room for it
├── NotConnected         there is no connection to that peer (any more)
├── ProtocolUnsupported  the peer does not speak that protocol
├── MessageTooLarge      we tried to publish or send more than the limit (our own fault)
└── StreamError          a stream failed; it is already reset
    ├── StreamReset      the other side broke it off, or the connection ended
    ├── StreamStalled    the other side was too slow
    └── FrameRejected    the other side sent a frame that is too long, or only part of one

Bytes that are not an address at all are `protocol.errors.Malformed`.
"""

from protocol.errors import FolkmootError

from ..peers import PeerKey, peer_id_text

__all__ = [
    "FrameRejected",
    "HostError",
    "KeptAway",
    "ListenFailed",
    "MessageTooLarge",
    "NotConnected",
    "ProtocolUnsupported",
    "StreamError",
    "StreamReset",
    "StreamStalled",
    "Unreachable",
    "WrongPeer",
]


class HostError(FolkmootError):
    """Root of what the host raises on purpose."""


class ListenFailed(HostError):
    """The operating system refused an address to listen on."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"Cannot listen on {address}: {reason}.")
        self.address = address


class Unreachable(HostError):
    """No node could be reached at `address`; the sentence says why."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"Cannot reach {address}: {reason}.")
        self.address = address
        self.reason = reason


class WrongPeer(Unreachable):
    """Another node than the expected one holds that address."""

    def __init__(self, address: str, expected: PeerKey) -> None:
        super().__init__(address, f"the node there is not {peer_id_text(expected)}")
        self.expected = expected


class KeptAway(Unreachable):
    """We do not talk to this peer now."""

    def __init__(self, peer: PeerKey, reason: str) -> None:
        super().__init__(peer_id_text(peer), reason)
        self.peer = peer


class NotConnected(HostError):
    """There is no connection to `peer`."""

    def __init__(self, peer: PeerKey) -> None:
        super().__init__(f"There is no connection to {peer_id_text(peer)}.")
        self.peer = peer


class ProtocolUnsupported(HostError):
    """`peer` does not speak `protocol`: a program of another version, or another program."""

    def __init__(self, peer: PeerKey, protocol: str) -> None:
        super().__init__(f"{peer_id_text(peer)} does not speak {protocol}.")
        self.peer = peer
        self.protocol = protocol


class MessageTooLarge(HostError, ValueError):
    """Our own message is over the limit; nothing was sent."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"A message of {size} bytes is over the limit of {limit} bytes.")


class StreamError(HostError):
    """A stream failed; both directions are over."""


class StreamReset(StreamError):
    """The other side broke off, or the connection ended."""


class StreamStalled(StreamError):
    """The other side sent or took too little in the time it had."""


class FrameRejected(StreamError):
    """A frame over the limit, or a stream that ended within a frame."""
