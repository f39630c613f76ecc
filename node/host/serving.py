"""Streams that peers open: negotiated, counted, bounded in time, and never the end of the host."""

import logging
import math

import trio
from libp2p.abc import INetStream
from libp2p.custom_types import TProtocol
from libp2p.exceptions import BaseLibp2pError
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator

from ..peers import peer_id_text
from .connections import Connections
from .errors import StreamError
from .link import StreamChannel
from .settings import HostSettings
from .stream import Stream, StreamHandler
from .swarm import Network, key_of

__all__ = ["Serving"]

log = logging.getLogger("folkmoot.host")

_LINGER_BYTES = 1024 * 1024
_FOR_EVER = 10**6  # seconds; the library wants a whole number, and we set the limit around it


class Serving:
    """What we offer to peers: a handler for each protocol."""

    def __init__(self, settings: HostSettings, network: Network, connections: Connections) -> None:
        self._settings = settings
        self._network = network
        self._connections = connections
        network.on_stream(self._take)

    def handle(self, protocol: str, handler: StreamHandler, timeout: float) -> None:
        """Serve `protocol` from now on."""

        async def serve(raw: INetStream) -> None:
            await self._serve(protocol, handler, timeout, raw)

        self._network.host.set_stream_handler(TProtocol(protocol), serve)

    def refuse(self, protocol: str) -> None:
        """Stop serving `protocol`; streams that are open go on."""
        self._network.host.remove_stream_handler(TProtocol(protocol))

    async def _take(self, raw: INetStream) -> None:
        """A peer opened a stream. As shipped, whatever is raised from here ends the host."""
        link = self._connections.of(raw.muxed_conn)
        if link is None or link.streams >= self._settings.max_streams_per_peer or self._connections.banned(link.peer):
            await StreamChannel(raw).reset()
            return
        link.take_stream()
        scope = link.scope()
        served = False
        try:
            with scope:
                await link.ready.wait()
                await trio.sleep(link.turnstile.wait(math.inf) or 0)
                with trio.fail_after(self._settings.negotiation_timeout):
                    communicator = MultiselectCommunicator(raw)
                    protocol, serve = await self._network.host.multiselect.negotiate(communicator, _FOR_EVER)
                if protocol is not None and serve is not None:
                    raw.set_protocol(protocol)
                    await serve(raw)
                    served = True
        except (BaseLibp2pError, trio.TooSlowError, UnicodeError) as error:
            log.debug("A stream from %s ended: %r", peer_id_text(link.peer), error)
        except Exception:  # a stranger's bytes must not end the host, whatever they provoke
            log.exception("A fault while serving a stream of %s", peer_id_text(link.peer))
        finally:
            link.leave_stream()
            link.forget(scope)
            if not served:
                await StreamChannel(raw).reset()

    async def _serve(self, protocol: str, handler: StreamHandler, timeout: float, raw: INetStream) -> None:
        stream = Stream(key_of(raw.muxed_conn.peer_id), protocol, StreamChannel(raw))
        try:
            with trio.move_on_after(timeout) as limit:
                await handler(stream)
            if limit.cancelled_caught:
                log.info("%s of %s took too long.", protocol, peer_id_text(stream.peer))
            elif not stream.over:
                await stream.finish()
                await stream.drain(_LINGER_BYTES, self._settings.linger_timeout)
        except StreamError as error:
            log.info("%s of %s: %s", protocol, peer_id_text(stream.peer), error)
        except Exception:  # a fault in one handler ends one stream
            log.exception("A fault while serving %s to %s", protocol, peer_id_text(stream.peer))
        finally:
            if not stream.over:
                await stream.reset()
