"""The node's place in the network: who is connected, streams to and from them, gossip.

Other modules see this class and its values. libp2p stays behind `connections`, `serving` and
`gossip`, which are imported when a host is opened and not before.
"""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from ..peers import PeerKey, peer_id_text
from .errors import ListenFailed
from .events import Discovered, Events, Noticeboard
from .listening import advertised, listen
from .settings import HostSettings
from .stream import Stream, StreamHandler

if TYPE_CHECKING:
    from .connections import Connections
    from .gossip import Gossip, Subscription, Validator
    from .serving import Serving
    from .swarm import Network

__all__ = ["Host", "open_host"]


@asynccontextmanager
async def open_host(settings: HostSettings) -> AsyncIterator["Host"]:
    """A running host; on leaving, every socket, task and thread of it is gone.

    `ListenFailed` when neither set of addresses can be listened on; `Malformed` when one is none.
    """
    from .connections import Connections
    from .muxer import Pace
    from .serving import Serving
    from .swarm import Network

    try:
        listeners = await listen(settings.listen)
    except ListenFailed:
        if not settings.otherwise:
            raise
        listeners = await listen(settings.otherwise)
    failure: BaseException | None = None
    try:
        addresses = advertised(listeners, settings.announce)
        pace = Pace(settings.ping_interval, settings.ping_timeout, settings.write_timeout)
        network = Network(settings.key_seed, pace, lambda: addresses)
        notices = Noticeboard()
        async with trio.open_nursery() as nursery:
            await nursery.start(network.run)
            connections = Connections(settings, network, notices, nursery)
            serving = Serving(settings, network, connections)
            host = Host(addresses, network, connections, serving, nursery)
            if settings.gossip:
                await host._gossiping()
            if settings.mdns:
                nursery.start_soon(_search, host, settings, notices)
            if listeners:
                nursery.start_soon(trio.serve_listeners, connections.answer, listeners)
            try:
                yield host
            except BaseException as error:  # noqa: BLE001  # raised again below, not to come out wrapped in a group
                failure = error
            notices.close()
            nursery.cancel_scope.cancel()
    finally:
        for listener in listeners:
            listener.socket.close()
    if failure is not None:
        raise failure


class Host:
    """One node in the network. Made by `open_host`."""

    def __init__(
        self,
        addresses: list[str],
        network: "Network",
        connections: "Connections",
        serving: "Serving",
        nursery: trio.Nursery,
    ) -> None:
        self.peer: PeerKey = network.peer
        """This node's own key, 32 bytes."""
        self.addresses = [f"{address}/p2p/{peer_id_text(network.peer)}" for address in addresses]
        """Where others can dial us, as multiaddrs that end in our PeerId."""
        self._network = network
        self._connections = connections
        self._serving = serving
        self._nursery = nursery
        self._gossip: Gossip | None = None
        self._gossip_start = trio.Lock()

    def connected(self) -> set[PeerKey]:
        """The peers to which there is a connection now."""
        return self._connections.peers()

    @property
    def changed(self) -> trio.Event:
        """Set when a peer comes or goes next: for who looks at `connected` and waits for it to be another."""
        return self._connections.changed

    def direct(self) -> set[PeerKey]:
        """The peers to which there is a connection that no other node relays."""
        return self._connections.direct()

    async def adopt(self, stream: trio.SocketStream, peer: PeerKey, relay: PeerKey) -> None:
        """Connect to `peer` over a stream that leads to it through `relay`; `Unreachable` when that fails."""
        await self._connections.adopt(stream, peer, relay)

    async def answer(self, stream: trio.SocketStream, relay: PeerKey) -> None:
        """Take a connection that comes through `relay`, until it ends. Raises nothing."""
        await self._connections.answer(stream, relay)

    def favour(self, ours: Callable[[PeerKey], bool]) -> None:
        """Keep places for the peers of which `ours` says yes; it is asked when one connects."""
        self._connections.favours = ours

    def events(self) -> Events:
        """What happens from now on, after a `Connected` for each peer that is there."""
        return self._connections.events()

    def handle(self, protocol: str, handler: StreamHandler, *, timeout: float = math.inf) -> None:
        """Serve `protocol`: `handler` runs for each stream that a peer opens.

        It is cancelled when the peer goes, or after `timeout` seconds. When it returns, what it
        sent is finished and the peer has a few seconds to finish too.
        """
        self._serving.handle(protocol, handler, timeout)

    def refuse(self, protocol: str) -> None:
        """Stop serving `protocol`; streams that are open go on."""
        self._serving.refuse(protocol)

    async def dial(self, address: str, *, timeout: float = 15.0) -> PeerKey:
        """Connect to a node by its multiaddr with PeerId; returns its key, at once if connected already.

        `Unreachable` says why not: `WrongPeer` if another node answers there, `KeptAway` if the
        peer is banned or all places are taken. `Malformed` if the text is no such address.
        """
        return await self._connections.dial(address, timeout)

    async def open(self, peer: PeerKey, protocol: str, *, timeout: float = 10.0) -> Stream:
        """A new stream to a connected peer. The caller finishes or resets it (`async with` does).

        `NotConnected`, `ProtocolUnsupported`, `StreamStalled` when the peer does not answer, or
        `StreamReset` when it refuses the stream, for one because it has too many already.
        """
        return await self._connections.open(peer, protocol, timeout)

    async def disconnect(self, peer: PeerKey) -> None:
        """End every connection to `peer`; returns when they are gone."""
        await self._connections.disconnect(peer)

    def ban(self, peer: PeerKey, seconds: float) -> None:
        """Let `peer` go and keep it away for so long, `math.inf` for good; 0 seconds lifts a ban.

        It has two seconds to read what it was told.
        """
        self._connections.ban(peer, seconds)

    def banned(self, peer: PeerKey) -> bool:
        """True while `peer` is kept away."""
        return self._connections.banned(peer)

    async def publish(self, topic: str, data: bytes) -> None:
        """Tell everybody subscribed to `topic`, at best effort; `MessageTooLarge` over 256 KiB."""
        await (await self._gossiping()).publish(topic, data)

    async def subscribe(self, topic: str, validator: "Validator") -> "Subscription":
        """Iterate over `(publishing node, data)`; what `validator` refuses is not passed on either."""
        return await (await self._gossiping()).subscribe(topic, validator)

    async def unsubscribe(self, topic: str) -> None:
        """Leave `topic`; iterating over it ends."""
        if self._gossip is not None:
            await self._gossip.unsubscribe(topic)

    async def wait_for_subscriber(self, topic: str, peer: PeerKey) -> None:
        """Wait until `peer` is subscribed to `topic` and our messages go straight to it; we must be subscribed too."""
        await (await self._gossiping()).wait_for(topic, peer)

    def peers_of(self, topic: str) -> set[PeerKey]:
        """The connected peers that say they are subscribed to `topic`."""
        return self._gossip.peers_of(topic) if self._gossip is not None else set()

    async def _gossiping(self) -> "Gossip":
        from .gossip import Gossip

        async with self._gossip_start:
            if self._gossip is None:
                gossip = Gossip(self._network)
                await self._nursery.start(gossip.run)
                self._gossip = gossip
        return self._gossip


async def _search(host: Host, settings: HostSettings, notices: Noticeboard) -> None:
    from .mdns import announce_and_listen

    def found(peer: PeerKey, addresses: tuple[str, ...]) -> None:
        if peer != host.peer:
            notices.tell(Discovered(peer, addresses))

    await announce_and_listen(host.addresses, settings.mdns_interfaces, found)
