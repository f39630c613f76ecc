"""The node's place in the network: who is connected, streams to and from them, gossip.

Other modules see this class and its values. libp2p stays behind `swarm`, `link`, `muxer` and
`gossip`, which are imported when a host is opened and not before.
"""

import logging
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from ..peers import Address, PeerKey, parse_address, peer_id_text
from .admission import Admission
from .errors import HostError, KeptAway, NotConnected, StreamError, Unreachable, WrongPeer
from .events import Connected, Disconnected, Discovered, Events, Noticeboard
from .listening import advertised, listen, remote_address
from .stream import Stream

if TYPE_CHECKING:
    from libp2p.abc import INetStream
    from libp2p.network.connection.swarm_connection import SwarmConn
    from trio_typing import TaskStatus

    from .gossip import Gossip, Subscription, Validator
    from .link import Link
    from .muxer import Muxer
    from .swarm import Network

__all__ = ["Host", "HostSettings", "StreamHandler", "open_host"]

log = logging.getLogger("folkmoot.host")

StreamHandler = Callable[[Stream], Awaitable[None]]
"""Serves one stream. What it raises is logged and resets the stream; it never ends the host."""

_LINGER = 5.0  # seconds that a peer has to finish after our handler did
_LINGER_BYTES = 1024 * 1024
_FAREWELL = 2.0  # seconds in which a banned peer may still read why


@dataclass(frozen=True, slots=True)
class HostSettings:
    """How a host behaves. Times in seconds.

    `key_seed` is the 32-byte seed of the node's Ed25519 key; `listen` holds multiaddrs
    (`/ip4/0.0.0.0/tcp/4001`, port 0 for any); `announce` further ones under which others reach us.
    """

    key_seed: bytes
    listen: tuple[str, ...] = ()
    announce: tuple[str, ...] = ()
    max_connections: int = 200
    max_connections_per_address: int = 50
    max_connections_per_peer: int = 2
    max_handshakes: int = 64
    max_streams_per_peer: int = 64
    handshake_timeout: float = 10.0
    negotiation_timeout: float = 10.0
    ping_interval: float = 15.0
    ping_timeout: float = 20.0
    write_timeout: float = 20.0
    gossip: bool = False
    mdns: bool = False
    mdns_interfaces: tuple[str, ...] = ()


@asynccontextmanager
async def open_host(settings: HostSettings) -> AsyncIterator["Host"]:
    """A running host; on leaving, every socket, task and thread of it is gone.

    `ListenFailed` when an address cannot be listened on; `Malformed` when it is none.
    """
    from .muxer import Pace
    from .swarm import Network

    listeners = await listen(settings.listen)
    host = Host(settings, advertised(listeners, settings.announce))
    failure: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            pace = Pace(settings.ping_interval, settings.ping_timeout, settings.write_timeout)
            network = Network(settings.key_seed, pace, lambda: host._plain_addresses)
            await nursery.start(network.run)
            await host._start(network, nursery)
            nursery.start_soon(trio.serve_listeners, host._answer, listeners)
            try:
                yield host
            except BaseException as error:  # noqa: BLE001  # raised again below, so as not to come out wrapped in a group
                failure = error
            host._close()
            nursery.cancel_scope.cancel()
    finally:
        for listener in listeners:
            listener.socket.close()
    if failure is not None:
        raise failure


class Host:
    """One node in the network. Made by `open_host`."""

    peer: PeerKey
    """This node's own key."""

    def __init__(self, settings: HostSettings, addresses: Sequence[str]) -> None:
        self._settings = settings
        self._plain_addresses = list(addresses)
        self._admission = Admission(
            most=settings.max_connections,
            most_per_address=settings.max_connections_per_address,
            most_at_door=settings.max_handshakes,
            clock=trio.current_time,
        )
        self._links: defaultdict[PeerKey, list[Link]] = defaultdict(list)
        self._by_muxer: dict[object, Link] = {}
        self._dialling: defaultdict[PeerKey, trio.Lock] = defaultdict(trio.Lock)
        self._notices = Noticeboard()
        self._gossip: Gossip | None = None
        self._gossip_start = trio.Lock()
        self._network: Network
        self._nursery: trio.Nursery

    @property
    def addresses(self) -> list[str]:
        """Where others can dial us, as multiaddrs that end in our PeerId."""
        return [f"{address}/p2p/{peer_id_text(self.peer)}" for address in self._plain_addresses]

    def connected(self) -> set[PeerKey]:
        """The peers to which there is a connection now."""
        return {peer for peer, links in self._links.items() if links}

    def events(self) -> Events:
        """What happens from now on, after a `Connected` for each peer that is there."""
        return self._notices.listen(Connected(peer, links[0].address) for peer, links in self._links.items() if links)

    def handle(self, protocol: str, handler: StreamHandler, *, timeout: float = math.inf) -> None:
        """Serve `protocol`: `handler` runs for each stream that a peer opens.

        It is cancelled when the peer goes, or after `timeout` seconds. When it returns, what it
        sent is finished and the peer has a few seconds to finish too.
        """
        from libp2p.custom_types import TProtocol

        async def serve(raw: "INetStream") -> None:
            await self._serve(protocol, handler, timeout, raw)

        self._network.host.set_stream_handler(TProtocol(protocol), serve)

    def refuse(self, protocol: str) -> None:
        """Stop serving `protocol`; streams that are open go on."""
        from libp2p.custom_types import TProtocol

        self._network.host.remove_stream_handler(TProtocol(protocol))

    async def dial(self, address: str, *, timeout: float = 15.0) -> PeerKey:
        """Connect to a node by its multiaddr with PeerId; returns its key, at once if connected already.

        `Unreachable` says why not: `WrongPeer` if another node answers there, `KeptAway` if the
        peer is banned or all places are taken. `Malformed` if the text is no such address.
        """
        where = parse_address(address)
        if where.peer is None:
            raise Unreachable(address, "the address lacks the PeerId of the node, /p2p/12D3KooW...")
        if where.peer == self.peer:
            raise Unreachable(address, "it is this node's own address")
        try:
            with trio.fail_after(timeout):
                async with self._dialling[where.peer]:
                    if not self._links[where.peer]:
                        await self._dial(where, where.peer)
        except trio.TooSlowError:
            raise Unreachable(address, f"no answer within {timeout:g} seconds") from None
        finally:
            if not self._dialling[where.peer].statistics().tasks_waiting:
                self._dialling.pop(where.peer, None)
        return where.peer

    async def open(self, peer: PeerKey, protocol: str, *, timeout: float = 10.0) -> Stream:
        """A new stream to a connected peer. The caller finishes or resets it (`async with` does).

        `NotConnected`, `ProtocolUnsupported`, or `StreamStalled` when the peer does not answer.
        """
        links = self._links.get(peer)
        if not links:
            raise NotConnected(peer)
        return await links[-1].open(protocol, timeout)

    async def disconnect(self, peer: PeerKey) -> None:
        """End every connection to `peer`; returns when they are gone."""
        for link in list(self._links.get(peer, ())):
            link.abandon()
            await link.gone.wait()

    def ban(self, peer: PeerKey, seconds: float) -> None:
        """Let `peer` go and keep it away for so long. It has two seconds to read what it was told."""
        self._admission.ban(peer, seconds)
        self._nursery.start_soon(self._let_go, peer)

    def banned(self, peer: PeerKey) -> bool:
        """True while `peer` is kept away."""
        return self._admission.banned(peer)

    async def publish(self, topic: str, data: bytes) -> None:
        """Tell everybody subscribed to `topic`, at best effort; `MessageTooLarge` over 256 KiB."""
        await (await self._gossiping()).publish(topic, data)

    async def subscribe(self, topic: str, validator: "Validator") -> "Subscription":
        """Iterate over `(publishing node, data)`; what `validator` refuses is not passed on either."""
        return await (await self._gossiping()).subscribe(topic, validator)

    async def unsubscribe(self, topic: str) -> None:
        """Leave `topic`."""
        if self._gossip is not None:
            await self._gossip.unsubscribe(topic)

    def peers_of(self, topic: str) -> set[PeerKey]:
        """The connected peers that say they are subscribed to `topic`."""
        return self._gossip.peers_of(topic) if self._gossip is not None else set()

    async def _start(self, network: "Network", nursery: trio.Nursery) -> None:
        self._network, self._nursery, self.peer = network, nursery, network.peer
        network.on_stream(self._take)
        if self._settings.gossip:
            await self._gossiping()
        if self._settings.mdns:
            from .mdns import announce_and_listen

            await nursery.start(announce_and_listen, self.addresses, self._settings.mdns_interfaces, self._found)

    def _close(self) -> None:
        self._notices.close()
        for link in list(self._by_muxer.values()):
            link.abandon()

    def _found(self, peer: PeerKey, addresses: tuple[str, ...]) -> None:
        if peer != self.peer:
            self._notices.tell(Discovered(peer, addresses))

    async def _gossiping(self) -> "Gossip":
        from .gossip import Gossip

        async with self._gossip_start:
            if self._gossip is None:
                gossip = Gossip(self._network)
                await self._nursery.start(gossip.run)
                self._gossip = gossip
        return self._gossip

    async def _let_go(self, peer: PeerKey) -> None:
        with trio.move_on_after(_FAREWELL):
            for link in list(self._links.get(peer, ())):
                await link.idle()
        await self.disconnect(peer)

    async def _dial(self, where: Address, peer: PeerKey) -> None:
        if self._admission.banned(peer):
            raise KeptAway(peer, "it broke the rules and is kept away for a while")
        try:
            stream = await trio.open_tcp_stream(where.host, where.port)
        except OSError as error:
            raise Unreachable(str(where), _reason(error)) from error
        await self._nursery.start(self._run_link, stream, peer)

    async def _answer(self, stream: trio.SocketStream) -> None:
        """Somebody dialled us. Whatever they do, nothing is raised."""
        try:
            host, _ = remote_address(stream)
            with trio.CancelScope() as scope:
                if self._admission.knock(stream, host, scope.cancel):
                    await self._run_link(stream, None)
        except HostError as error:
            log.info("A connection was not taken: %s", error)
        except OSError as error:
            log.debug("A connection was gone before it began: %s", error)

    async def _run_link(
        self,
        stream: trio.SocketStream,
        expected: PeerKey | None,
        *,
        task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Set up a connection and stay until it is over."""
        from .link import Link
        from .swarm import key_of

        try:
            host, address = remote_address(stream)
            muxer = await self._handshake(stream, expected, address)
            link = Link(key_of(muxer.peer_id), address, muxer)
            self._admit(link, host)
            self._by_muxer[muxer] = link
            try:
                conn = link.conn = await self._register(link, "inbound" if expected is None else "outbound")
                self._join(link)
                task_status.started()
                await conn.event_closed.wait()
            finally:
                del self._by_muxer[muxer]
                self._leave(link)
                self._admission.leave(host)
        finally:
            self._admission.leave_door(stream)
            stream.socket.close()

    async def _handshake(self, stream: trio.SocketStream, expected: PeerKey | None, address: str) -> "Muxer":
        from .swarm import OtherKey

        try:
            with trio.fail_after(self._settings.handshake_timeout):
                return await self._network.handshake(stream, expected)
        except OtherKey:
            assert expected is not None
            raise WrongPeer(address, expected) from None
        except trio.TooSlowError:
            raise Unreachable(address, "the handshake takes too long") from None
        except Exception as error:  # the library raises what it likes at a stranger's bytes
            raise Unreachable(address, f"it does not answer as a node does ({type(error).__name__})") from error

    async def _register(self, link: "Link", direction: str) -> "SwarmConn":
        from libp2p.exceptions import BaseLibp2pError

        try:
            return await self._network.swarm.add_conn(link.muxer, direction)
        except BaseLibp2pError as error:
            raise Unreachable(link.address, "the connection ended as soon as it began") from error

    def _admit(self, link: "Link", host: str) -> None:
        if self._admission.banned(link.peer):
            raise KeptAway(link.peer, "it broke the rules and is kept away for a while")
        if link.peer == self.peer:
            raise KeptAway(link.peer, "it is this node itself")
        if not self._admission.enter(host):
            raise KeptAway(link.peer, "all places are taken")
        # A peer that comes back may not have noticed that its old connection is dead; nor have we.
        for old in self._links[link.peer][: 1 - self._settings.max_connections_per_peer or None]:
            if len(self._links[link.peer]) >= self._settings.max_connections_per_peer:
                old.abandon()

    def _join(self, link: "Link") -> None:
        links = self._links[link.peer]
        links.append(link)
        link.ready.set()
        if len(links) == 1:
            self._notices.tell(Connected(link.peer, link.address))

    def _leave(self, link: "Link") -> None:
        link.end()
        links = self._links[link.peer]
        if link in links:
            links.remove(link)
            if not links:
                self._notices.tell(Disconnected(link.peer))
        if not links:
            del self._links[link.peer]

    async def _take(self, raw: "INetStream") -> None:
        """A peer opened a stream. As shipped, whatever is raised from here ends the host."""
        from libp2p.exceptions import BaseLibp2pError
        from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator

        from .link import StreamChannel

        link = self._by_muxer.get(raw.muxed_conn)
        if link is None or link.streams >= self._settings.max_streams_per_peer or self.banned(link.peer):
            await StreamChannel(raw).reset()
            return
        link.take_stream()
        scope = link.scope()
        done = False
        try:
            with scope:
                await link.ready.wait()
                with trio.fail_after(self._settings.negotiation_timeout):
                    protocol, serve = await self._network.host.multiselect.negotiate(MultiselectCommunicator(raw), 3600)
                if protocol is not None and serve is not None:
                    raw.set_protocol(protocol)
                    await serve(raw)
                    done = True
        except (BaseLibp2pError, trio.TooSlowError, UnicodeError) as error:
            log.debug("A stream from %s ended: %r", peer_id_text(link.peer), error)
        except Exception:  # a stranger's bytes must not end the host, whatever they provoke
            log.exception("A fault while serving a stream of %s", peer_id_text(link.peer))
        finally:
            link.leave_stream()
            link.forget(scope)
            if not done:
                await StreamChannel(raw).reset()

    async def _serve(self, protocol: str, handler: StreamHandler, timeout: float, raw: "INetStream") -> None:
        from .link import StreamChannel
        from .swarm import key_of

        stream = Stream(key_of(raw.muxed_conn.peer_id), protocol, StreamChannel(raw))
        try:
            with trio.move_on_after(timeout) as limit:
                await handler(stream)
            if limit.cancelled_caught:
                log.info("%s of %s took too long.", protocol, peer_id_text(stream.peer))
            elif not stream.over:
                await stream.finish()
                await stream.drain(_LINGER_BYTES, _LINGER)
        except StreamError as error:
            log.info("%s of %s: %s", protocol, peer_id_text(stream.peer), error)
        except Exception:  # a fault in one handler ends one stream
            log.exception("A fault while serving %s to %s", protocol, peer_id_text(stream.peer))
        finally:
            if not stream.over:
                await stream.reset()


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    return (error.strerror or str(error) or type(error).__name__).lower().rstrip(".")
