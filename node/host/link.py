"""One connection to one peer, and the streams on it."""

import logging

import trio
from libp2p.abc import INetStream
from libp2p.custom_types import TProtocol
from libp2p.exceptions import BaseLibp2pError
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.stream.net_stream import NetStream
from libp2p.protocol_muxer.exceptions import ProtocolNotSupportedError
from libp2p.protocol_muxer.multiselect_client import MultiselectClient
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.stream_muxer.exceptions import MuxedStreamEOF
from libp2p.stream_muxer.yamux.yamux import HEADER_SIZE, MAX_MESSAGE_SIZE, YamuxStream

from ..peers import PeerKey
from .errors import NotConnected, ProtocolUnsupported, StreamReset, StreamStalled
from .muxer import Muxer
from .pacing import Turnstile
from .stream import Stream

__all__ = ["Link", "StreamChannel"]

log = logging.getLogger("folkmoot.host")

_PIECE = MAX_MESSAGE_SIZE - HEADER_SIZE
_WINDOW_POLL = 0.01  # seconds; the library has no event for a window that opens


class Link:
    """A connection that is being set up, in use, or over. `abandon` cuts it at once."""

    def __init__(
        self, peer: PeerKey, address: str, muxer: Muxer, streams: Turnstile, relay: PeerKey | None = None
    ) -> None:
        self.peer = peer
        self.address = address
        self.muxer = muxer
        self.relay = relay
        """Through whom the connection goes, if not straight to the peer."""
        self.conn: SwarmConn | None = None
        self.ready = trio.Event()
        self.gone = trio.Event()
        self.streams = 0
        """Streams that the peer opened and that are not over."""
        self.turnstile = streams
        self._idle = trio.Event()
        self._scopes: set[trio.CancelScope] = set()

    def abandon(self) -> None:
        """Close the socket; everything on the connection ends."""
        self.muxer.abandon()

    def take_stream(self) -> None:
        """The peer opened a stream."""
        self.streams += 1

    def leave_stream(self) -> None:
        """A stream that the peer opened is over."""
        self.streams -= 1
        if not self.streams:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until the peer has no stream open, or is gone."""
        while self.streams and not self.gone.is_set():
            self._idle = trio.Event()
            await self._idle.wait()

    def scope(self) -> trio.CancelScope:
        """A scope that is cancelled when the connection ends; as shipped, handlers then stay for ever."""
        scope = trio.CancelScope()
        if self.gone.is_set():
            scope.cancel()
        self._scopes = {old for old in self._scopes if not old.cancel_called} | {scope}
        return scope

    def forget(self, scope: trio.CancelScope) -> None:
        """The work within the scope is done."""
        self._scopes.discard(scope)

    def end(self) -> None:
        """The connection is over: end what depends on it."""
        self.gone.set()
        for scope in self._scopes:
            scope.cancel()
        self._scopes.clear()
        self._idle.set()

    async def open(self, protocol: str, timeout: float) -> Stream:
        """A new stream; as shipped this waits for ever for a frozen peer."""
        if self.conn is None or self.gone.is_set():
            raise NotConnected(self.peer)
        stream: NetStream | None = None
        client = MultiselectClient()
        try:
            with trio.fail_after(timeout):
                stream = await self.conn.new_stream()
                communicator = MultiselectCommunicator(stream)
                await client.handshake(communicator)
                stream.set_protocol(await client.try_select(communicator, TProtocol(protocol)))
                channel, stream = StreamChannel(stream), None
                return Stream(self.peer, protocol, channel)
        except ProtocolNotSupportedError:
            raise ProtocolUnsupported(self.peer, protocol) from None
        except trio.TooSlowError:
            raise StreamStalled(f"The peer did not open {protocol} in {timeout:g} s.") from None
        except (BaseLibp2pError, UnicodeError, trio.ClosedResourceError, trio.BrokenResourceError) as error:
            if self.gone.is_set() or self.muxer.event_shutting_down.is_set():
                raise NotConnected(self.peer) from error
            raise StreamReset("The peer broke off.") from error
        finally:
            if stream is not None:
                await StreamChannel(stream).reset()


class StreamChannel:
    """The bytes of a stream of libp2p, with its ends told apart."""

    def __init__(self, stream: INetStream) -> None:
        assert isinstance(stream, NetStream)
        assert isinstance(stream.muxed_stream, YamuxStream)
        self._stream = stream
        self._muxed = stream.muxed_stream
        self._removed = False

    async def read(self, most: int) -> bytes:
        try:
            return await self._muxed.read(most)
        except MuxedStreamEOF:
            # A reset, and the end of the connection, look like an end of the stream here.
            clean = self._muxed.recv_closed and not self._muxed.reset_received
            if not clean or self._muxed.conn.event_shutting_down.is_set():
                raise StreamReset("The peer broke off.") from None
            await self._remove_if_over()
            return b""
        except BaseLibp2pError as error:
            raise StreamReset("The peer broke off.") from error

    async def write(self, data: bytes) -> None:
        sent = 0
        while sent < len(data):
            # As shipped a reader who pauses for 5 s loses the stream: wait for the window here.
            while self._muxed.send_window <= 0 and not self._muxed.send_closed:  # noqa: ASYNC110
                await trio.sleep(_WINDOW_POLL)
            piece = data[sent : sent + min(_PIECE, max(1, self._muxed.send_window))]
            try:
                await self._muxed.write(piece)
            except BaseLibp2pError as error:
                raise StreamReset("The peer broke off.") from error
            sent += len(piece)

    async def finish(self) -> None:
        try:
            await self._muxed.close()
        except BaseLibp2pError as error:
            raise StreamReset("The peer broke off.") from error
        await self._remove_if_over()

    async def reset(self) -> None:
        self._removed = True
        with trio.CancelScope(shield=True):
            await self._stream.reset()

    async def _remove_if_over(self) -> None:
        if self._muxed.send_closed and self._muxed.recv_closed and not self._removed:
            self._removed = True
            with trio.CancelScope(shield=True):
                await self._stream.remove()
