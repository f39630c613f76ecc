"""What py-libp2p 0.8.1 does badly for everybody in the process, mended once, at import.

Each mending touches a private or module-level name of that exact version; each has a
regression test in `tests/network`. What can be mended by subclassing is in `muxer` and `swarm`.
"""

import functools
import logging
from typing import Any

import libp2p.io.msgio
import libp2p.network.connection.swarm_connection
import libp2p.protocol_muxer.multiselect_communicator
import libp2p.pubsub.gossipsub
import libp2p.pubsub.pubsub
import libp2p.stream_muxer.yamux.yamux
from libp2p.exceptions import ParseError
from libp2p.io.abc import Reader
from libp2p.io.exceptions import IncompleteReadError
from libp2p.utils.varint import decode_uvarint_from_stream

__all__ = ["MAX_WINDOW", "tame"]

MAX_WINDOW = 1024 * 1024
"""What a peer may have sent on one stream and we not yet read, in bytes; as shipped 16 MiB."""

_LONGEST_LINE = 1024  # of the negotiation: names of protocols, and the list of ours


async def _read_exactly(reader: Reader, n: int, retry_count: int = 0) -> bytes:
    """As shipped it gives up after 101 pieces: 64 KiB over a line with small packets has more."""
    data = bytearray()
    while len(data) < n:
        piece = await reader.read(n - len(data))
        if not piece:
            raise IncompleteReadError(
                "The connection ended within a message.", expected_bytes=n, received_bytes=len(data)
            )
        data += piece
    return bytes(data)


async def _read_line(reader: Reader) -> bytes:
    """As shipped a stranger announces any length and it is read into memory, before any handshake."""
    length = await decode_uvarint_from_stream(reader)
    if not 0 < length <= _LONGEST_LINE:
        raise ParseError(f"A line of {length} bytes in the negotiation.")
    line = await _read_exactly(reader, length)
    if not line.endswith(b"\n") or not line.isascii():
        raise ParseError("Not a line of the negotiation.")
    return line[:-1]


def _ignore_record(*_: Any) -> bool:
    """Peers' signed address records would pile up in an address book that nobody reads."""
    return True


@functools.cache
def tame() -> None:
    """Apply the process-wide mendings; the second call does nothing."""
    # `logging.debug(...)` there installs a handler on the root logger; a logger has the same methods.
    quiet = logging.getLogger("libp2p.network.swarm_connection")
    vars(libp2p.network.connection.swarm_connection)["logging"] = quiet
    # What strangers provoke is no news for the terminal: without a handler, warnings go to stderr.
    logging.getLogger("libp2p").addHandler(logging.NullHandler())

    vars(libp2p.io.msgio)["read_exactly"] = _read_exactly
    yamux = vars(libp2p.stream_muxer.yamux.yamux)
    yamux["read_exactly"] = _read_exactly
    yamux["MAX_WINDOW_SIZE"] = MAX_WINDOW
    vars(libp2p.protocol_muxer.multiselect_communicator)["read_delim"] = _read_line
    vars(libp2p.pubsub.pubsub)["maybe_consume_signed_record"] = _ignore_record
    vars(libp2p.pubsub.gossipsub)["maybe_consume_signed_record"] = _ignore_record
