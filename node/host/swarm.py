"""The libp2p parts that we use, put together: TCP, Noise and Yamux only, guarded tasks."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import trio
from libp2p.abc import INetStream
from libp2p.crypto.ed25519 import create_new_key_pair as create_identity
from libp2p.crypto.x25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.exceptions import BaseLibp2pError
from libp2p.host.basic_host import BasicHost
from libp2p.host.ping import ID as PING
from libp2p.host.ping import PingService
from libp2p.identity.identify.identify import ID as IDENTIFY
from libp2p.identity.identify.identify import identify_handler_for
from libp2p.io.trio import TrioTCPStream
from libp2p.network.config import ConnectionConfig
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.security.security_multistream import SecurityMultistream
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.tools.anyio_service.trio_manager import TrioManager
from libp2p.transport.upgrader import TransportUpgrader
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from ..peers import PeerKey
from .muxer import Muxer, Pace
from .taming import tame

if TYPE_CHECKING:
    from trio_typing import TaskStatus

__all__ = ["Dismissed", "GuardedManager", "Network", "OtherKey", "key_of", "peer_of"]

log = logging.getLogger("folkmoot.host")

_ED25519_HEAD = b"\x00\x24\x08\x01\x12\x20"
_HUGE = 1_000_000  # limits are kept in `admission`, before libp2p comes to see them


class OtherKey(Exception):
    """The node that answered has another key than the expected one."""


class Dismissed(Exception):
    """The other node knows who we are now, and ended the connection."""


class GuardedManager(TrioManager):
    """Runs a libp2p service; a task that fails is logged, where as shipped it ends the service.

    A daemon that fails starts again after a second. Nothing starts once the service is stopping:
    as shipped that raises "Nursery is closed to new arrivals" out of whatever was going on.
    """

    def run_task(
        self,
        async_fn: Callable[..., Awaitable[Any]],
        *args: Any,
        daemon: bool = False,
        name: str | None = None,
        _internal: bool = False,
    ) -> None:
        if _internal:
            super().run_task(async_fn, *args, daemon=daemon, name=name, _internal=True)
            return
        nursery = self._task_nursery
        if nursery is None or self.is_finished or nursery.cancel_scope.cancel_called:
            return
        with suppress(RuntimeError):  # the nursery closed in between
            nursery.start_soon(_guarded, async_fn, args, daemon)


async def _guarded(async_fn: Callable[..., Awaitable[Any]], args: tuple[Any, ...], daemon: bool) -> None:
    while True:
        try:
            await async_fn(*args)
        except Exception as error:  # whatever a peer's bytes provoke in there must not end the host
            if _is_end(error):
                log.debug("%s ended: %r", async_fn, error)
            else:
                log.error("A fault in libp2p, from %s", async_fn, exc_info=error)
        if not daemon:
            return
        await trio.sleep(1)


def _is_end(error: BaseException) -> bool:
    """Whether it says no more than that a connection ended, by whichever of its tasks noticed."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_end, error.exceptions))
    return isinstance(error, BaseLibp2pError | OSError | trio.ClosedResourceError | trio.BrokenResourceError)


class _Swarm(Swarm):
    """The swarm as a register of connections; it neither dials nor prunes of its own accord."""

    async def run(self) -> None:
        await self.manager.wait_finished()

    def _schedule_auto_connect(self) -> None:
        pass

    def _schedule_prune(self) -> None:
        pass


class Network:
    """A swarm and a host of libp2p for one key, without sockets of their own.

    Sockets are opened, limited and closed by `Host`, which hands them in here. `on_stream` gets
    every stream that a peer opens, before anything was said on it.
    """

    def __init__(self, seed: bytes, pace: Pace, addresses: Callable[[], Sequence[str]]) -> None:
        tame()
        pair = create_identity(seed)
        me = ID.from_pubkey(pair.public_key)
        # A Noise key of its own for each start; the node's key signs it in the handshake.
        noise = Noise(pair, noise_privkey=create_new_key_pair().private_key)
        self._security = SecurityMultistream(OrderedDict({NOISE: noise}))
        self._muxers = MuxerMultistream(OrderedDict({TProtocol(YAMUX): Yamux}))
        self._pace = pace
        self._open: WeakSet[Muxer] = WeakSet()
        peerstore = PeerStore()
        peerstore.add_key_pair(me, pair)
        self.swarm = _Swarm(
            me,
            peerstore,
            TransportUpgrader({}, {}),
            connection_config=ConnectionConfig(
                max_connections=_HUGE,
                min_connections=0,
                low_watermark=0,
                high_watermark=_HUGE,
                max_connections_per_peer=_HUGE,
            ),
        )
        self.host = BasicHost(
            self.swarm,
            addrs_factory=lambda _: [Multiaddr(text) for text in addresses()],
            disable_identify_address_discovery=True,
        )
        # Our own identify of others would only fill an address book; theirs of us is answered.
        self.swarm.notifees.clear()
        self.host.multiselect.handlers.clear()
        self.host.set_stream_handler(IDENTIFY, identify_handler_for(self.host, use_varint_format=True))
        self.host.set_stream_handler(PING, PingService(self.host).handle_ping)
        self.peer: PeerKey = key_of(me)

    async def run(self, *, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Run the swarm until cancelled."""
        manager = GuardedManager(self.swarm)
        self.swarm._manager = manager
        async with trio.open_nursery() as nursery:
            nursery.start_soon(manager.run)
            await manager.wait_started()
            task_status.started()

    def on_stream(self, handler: Callable[[INetStream], Awaitable[None]]) -> None:
        """Hand every incoming stream to `handler`, which must not raise."""
        self.swarm.set_stream_handler(handler)

    async def handshake(
        self, stream: trio.SocketStream, expected: PeerKey | None, admit: Callable[[PeerKey], None]
    ) -> Muxer:
        """Noise and Yamux over a connected socket; `expected` is whom we dialled, None if we were dialled.

        `admit` is called with the peer's key once it is proved, and may raise to refuse the peer:
        early enough for the peer to notice. Raises what libp2p raises; `OtherKey` if another node
        answers, `Dismissed` if the peer refuses us, `ValueError` for a key that is not Ed25519.
        The caller sets the time limit and closes the socket.
        """
        raw = RawConnection(TrioTCPStream(stream), expected is not None)
        if expected is None:
            secured = await self._security.secure_inbound(raw)
        else:
            try:
                secured = await self._security.secure_outbound(raw, peer_of(expected))
            except PeerIDMismatchesPubkey as error:
                raise OtherKey(str(error)) from error
        peer = secured.get_remote_peer()
        if expected is not None and peer != peer_of(expected):
            raise OtherKey(str(peer))
        admit(key_of(peer))
        try:
            await self._muxers.select_transport(secured)
        except BaseLibp2pError as error:
            raise Dismissed from error
        return Muxer(secured, peer, self._pace, stream.socket.close, self._open)


def key_of(peer: ID) -> PeerKey:
    """The Ed25519 key in a PeerId; `ValueError` for one of another kind."""
    raw = peer.to_bytes()
    if len(raw) != 38 or not raw.startswith(_ED25519_HEAD):
        raise ValueError(f"{peer} is not the PeerId of an Ed25519 key")
    return raw[6:]


def peer_of(key: PeerKey) -> ID:
    """The PeerId of an Ed25519 key."""
    return ID(_ED25519_HEAD + key)
