"""The network, wrapped: this package is the only place that imports libp2p, and only when a host opens."""

from .errors import (
    FrameRejected,
    HostError,
    KeptAway,
    ListenFailed,
    MessageTooLarge,
    NotConnected,
    ProtocolUnsupported,
    StreamError,
    StreamReset,
    StreamStalled,
    Unreachable,
    WrongPeer,
)
from .events import Connected, Disconnected, Discovered, Event, Events
from .host import Host, open_host
from .settings import HostSettings
from .stream import MAX_FRAME, Stream, StreamHandler

__all__ = [
    "MAX_FRAME",
    "Connected",
    "Disconnected",
    "Discovered",
    "Event",
    "Events",
    "FrameRejected",
    "Host",
    "HostError",
    "HostSettings",
    "KeptAway",
    "ListenFailed",
    "MessageTooLarge",
    "NotConnected",
    "ProtocolUnsupported",
    "Stream",
    "StreamError",
    "StreamHandler",
    "StreamReset",
    "StreamStalled",
    "Unreachable",
    "WrongPeer",
    "open_host",
]
