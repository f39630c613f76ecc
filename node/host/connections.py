"""The connections that there are: set up, counted, told about, ended."""

import logging
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

import trio
from libp2p.exceptions import BaseLibp2pError
from libp2p.network.connection.swarm_connection import SwarmConn

from ..peers import Address, PeerKey, parse_address, peer_id_text
from .admission import Admission
from .errors import HostError, KeptAway, NotConnected, Unreachable, WrongPeer
from .events import Connected, Disconnected, Events, Noticeboard
from .link import Link
from .listening import reason, remote_address
from .muxer import Muxer
from .pacing import Pacing, Turnstile
from .settings import HostSettings
from .stream import Stream
from .swarm import Dismissed, Network, OtherKey, key_of

if TYPE_CHECKING:
    from trio_typing import TaskStatus

__all__ = ["Connections"]

log = logging.getLogger("folkmoot.host")

_FAREWELL = 2.0  # seconds in which a banned peer may still read why


class Connections:
    """Every connection of one host. `nursery` is where they run."""

    def __init__(self, settings: HostSettings, network: Network, notices: Noticeboard, nursery: trio.Nursery) -> None:
        self._settings = settings
        self._network = network
        self._notices = notices
        self._nursery = nursery
        self._admission = Admission(
            most=settings.max_connections,
            most_strangers=settings.max_strangers,
            most_per_address=settings.max_connections_per_address,
            most_at_door=settings.max_handshakes,
            clock=trio.current_time,
        )
        self._links: dict[PeerKey, list[Link]] = {}
        self._by_muxer: dict[object, Link] = {}
        self._handshakes = Pacing(settings.handshake_burst, settings.handshake_rate, trio.current_time)
        self.favours: Callable[[PeerKey], bool] = lambda _: False
        """Whether a peer is one of ours, for whom places are kept."""
        self._dialling: defaultdict[PeerKey, trio.Lock] = defaultdict(trio.Lock)

    def peers(self) -> set[PeerKey]:
        """The peers to which there is a connection now."""
        return set(self._links)

    def events(self) -> Events:
        """What happens from now on, after a `Connected` for each peer that is there."""
        return self._notices.listen(Connected(peer, links[0].address) for peer, links in self._links.items())

    @property
    def changed(self) -> trio.Event:
        """Set when a peer comes or goes next."""
        return self._notices.changed

    def of(self, muxer: object) -> Link | None:
        """The connection that a stream belongs to."""
        return self._by_muxer.get(muxer)

    async def open(self, peer: PeerKey, protocol: str, timeout: float) -> Stream:
        """A new stream on the newest connection to `peer`."""
        links = self._links.get(peer)
        if not links:
            raise NotConnected(peer)
        return await links[-1].open(protocol, timeout)

    async def dial(self, address: str, timeout: float) -> PeerKey:
        """Connect, or find that there is a connection; see `Host.dial`.

        Not by way of the library: it waits 250 ms for each dial, tries four times, takes two of
        the addresses that it knows, and after a failure refuses the peer for a minute.
        """
        where = parse_address(address)
        if where.peer is None:
            raise Unreachable(address, "the address lacks the PeerId of the node, /p2p/12D3KooW...")
        if where.peer == self._network.peer:
            raise Unreachable(address, "it is this node's own address")
        lock = self._dialling[where.peer]
        try:
            with trio.fail_after(timeout):
                async with lock:
                    if where.peer not in self._links:
                        await self._dial(where, where.peer)
        except trio.TooSlowError:
            raise Unreachable(address, f"no answer within {timeout:g} seconds") from None
        finally:
            if not lock.locked():
                self._dialling.pop(where.peer, None)
        return where.peer

    def direct(self) -> set[PeerKey]:
        """The peers to which there is a connection that no other node relays."""
        return {peer for peer, links in self._links.items() if any(link.relay is None for link in links)}

    async def adopt(self, stream: trio.SocketStream, peer: PeerKey, relay: PeerKey) -> None:
        """Connect to `peer` over a stream that leads to it through `relay`."""
        if self._admission.banned(peer):
            stream.socket.close()
            raise KeptAway(peer, "it broke the rules and is kept away for a while")
        await self._nursery.start(self._run, stream, peer, relay)

    async def answer(self, stream: trio.SocketStream, relay: PeerKey | None = None) -> None:
        """Somebody dialled us, perhaps through `relay`. Whatever they do, nothing is raised."""
        try:
            host, _ = _where(stream, relay)
            with trio.CancelScope() as scope:
                self._admission.knock(stream, host, scope.cancel)
                await self._wait_turn(stream, host)
                await self._run(stream, None, relay)
        except HostError as error:
            log.info("A connection was not taken: %s", error)
        except OSError as error:
            log.debug("A connection was gone before it began: %s", error)

    async def _wait_turn(self, stream: trio.SocketStream, host: str) -> None:
        """Handshakes cost work: from one address they are begun one after the other."""
        try:
            wait = self._handshakes.wait(host, self._settings.handshake_timeout / 2)
            if wait is None:
                raise Unreachable(host, "too many connections come from there")
            await trio.sleep(wait)
        except BaseException:
            self._admission.leave_door(stream)
            stream.socket.close()
            raise

    async def disconnect(self, peer: PeerKey) -> None:
        """End every connection to `peer`; returns when they are gone."""
        for link in list(self._links.get(peer, ())):
            link.abandon()
            await link.gone.wait()

    def ban(self, peer: PeerKey, seconds: float) -> None:
        """Let `peer` go, and keep it away for so long; 0 seconds lifts a ban."""
        self._admission.ban(peer, seconds)
        if self.banned(peer):
            self._nursery.start_soon(self._let_go, peer)

    def banned(self, peer: PeerKey) -> bool:
        """True while `peer` is kept away."""
        return self._admission.banned(peer)

    async def _let_go(self, peer: PeerKey) -> None:
        with trio.move_on_after(_FAREWELL):
            for link in list(self._links.get(peer, ())):
                await link.idle()
        if self.banned(peer):
            await self.disconnect(peer)

    async def _dial(self, where: Address, peer: PeerKey) -> None:
        if self._admission.banned(peer):
            raise KeptAway(peer, "it broke the rules and is kept away for a while")
        try:
            stream = await trio.open_tcp_stream(where.host, where.port)
        except OSError as error:
            raise Unreachable(str(where), reason(error)) from error
        await self._nursery.start(self._run, stream, peer)

    async def _run(
        self,
        stream: trio.SocketStream,
        expected: PeerKey | None,
        relay: PeerKey | None = None,
        *,
        task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Set up one connection and stay until it is over."""
        host, address = "", ""
        inside = favoured = False

        def admit(peer: PeerKey) -> None:
            nonlocal inside, favoured
            self._welcome(peer)
            # Whom we dial is no stranger: nobody makes us dial.
            favoured = expected is not None or self.favours(peer)
            inside = self._admission.enter(host, favoured=favoured)
            if not inside:
                raise KeptAway(peer, "all places are taken")
            self._replace(peer)

        try:
            host, address = _where(stream, relay)
            try:
                with trio.fail_after(self._settings.handshake_timeout):
                    muxer = await self._network.handshake(stream, expected, admit)
            finally:
                self._admission.leave_door(stream)
            pace = Turnstile(self._settings.stream_burst, self._settings.stream_rate, trio.current_time)
            link = Link(key_of(muxer.peer_id), address, muxer, pace, relay)
            self._by_muxer[muxer] = link
            try:
                conn = link.conn = await self._register(muxer, expected)
                self._join(link)
                task_status.started()
                await conn.event_closed.wait()
            finally:
                del self._by_muxer[muxer]
                self._leave(link)
        except HostError:
            raise
        except OtherKey:
            assert expected is not None
            raise WrongPeer(address, expected) from None
        except Dismissed:
            raise Unreachable(address, "the node there does not take us: it is full, or keeps us away") from None
        except trio.TooSlowError:
            raise Unreachable(address, "the handshake takes too long") from None
        except Exception as error:  # the library raises what it likes at a stranger's bytes
            raise Unreachable(address, f"it does not answer as a node does ({type(error).__name__})") from error
        finally:
            if inside:
                self._admission.leave(host, favoured=favoured)
            stream.socket.close()

    async def _register(self, muxer: Muxer, expected: PeerKey | None) -> SwarmConn:
        try:
            return await self._network.swarm.add_conn(muxer, "inbound" if expected is None else "outbound")
        except BaseLibp2pError as error:
            raise Dismissed from error

    def _welcome(self, peer: PeerKey) -> None:
        if self._admission.banned(peer):
            raise KeptAway(peer, "it broke the rules and is kept away for a while")
        if peer == self._network.peer:
            raise KeptAway(peer, "it is this node itself")

    def _replace(self, peer: PeerKey) -> None:
        """Make room: a peer that comes back knows better than we that its old connection is dead."""
        links = self._links.get(peer, [])
        for old in links[: len(links) + 1 - self._settings.max_connections_per_peer]:
            old.abandon()

    def _join(self, link: Link) -> None:
        links = self._links.setdefault(link.peer, [])
        links.append(link)
        link.ready.set()
        if len(links) == 1:
            self._notices.tell(Connected(link.peer, link.address))

    def _leave(self, link: Link) -> None:
        link.end()
        links = self._links.get(link.peer, [])
        if link in links:
            links.remove(link)
            if not links:
                del self._links[link.peer]
                self._notices.tell(Disconnected(link.peer))


def _where(stream: trio.SocketStream, relay: PeerKey | None) -> tuple[str, str]:
    """Where the other side is: what its places are counted by, and its multiaddr."""
    if relay is None:
        return remote_address(stream)
    return (f"through {peer_id_text(relay)}", f"/p2p/{peer_id_text(relay)}/p2p-circuit")
