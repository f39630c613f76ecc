"""Yamux with the holes stopped: cancelled writes, dead peers, windows that are not kept."""

import logging
import struct
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakSet

import trio
from libp2p.abc import ISecureConn
from libp2p.network.connection.exceptions import RawConnError
from libp2p.peer.id import ID
from libp2p.stream_muxer.yamux.yamux import FLAG_SYN, TYPE_PING, YAMUX_HEADER_FORMAT, Yamux

__all__ = ["MAX_UNREAD", "MAX_UNREAD_IN_ALL", "Muxer", "Pace"]

log = logging.getLogger("folkmoot.host")

MAX_UNREAD = 8 * 1024 * 1024
"""What may wait unread on all the streams of one connection together, in bytes."""

MAX_UNREAD_IN_ALL = 64 * 1024 * 1024
"""What may wait unread on all connections together, in bytes; over it, who has most goes."""
_LITTLE = 256 * 1024  # bytes unread on one connection that are not worth asking the others


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between pings, that an answer may take, that the line may refuse to take a frame."""

    ping_interval: float
    ping_patience: float
    write_patience: float


class Muxer(Yamux):
    """One connection's streams. `abandon` cuts the line at once, which ends everything on it."""

    def __init__(
        self,
        conn: ISecureConn,
        peer_id: ID,
        pace: Pace,
        abandon: Callable[[], None],
        siblings: "WeakSet[Muxer] | None" = None,
    ) -> None:
        super().__init__(conn, peer_id, is_initiator=conn.is_initiator, on_close=_nothing)
        self.stream_buffers = _Buffers(self)
        self.abandon = abandon
        self._pace = pace
        self._heard = trio.current_time()
        self._siblings = WeakSet[Muxer]() if siblings is None else siblings
        self._siblings.add(self)

    def unread(self) -> int:
        """Bytes that wait unread on this connection."""
        return sum(map(len, self.stream_buffers.values()))

    def make_room(self, more: int) -> bool:
        """Whether `more` bytes may wait here too; of all connections, the one with most waiting may have to go."""
        mine = self.unread() + more
        if mine > MAX_UNREAD:
            return False
        if mine > _LITTLE:
            unread = {muxer: muxer.unread() for muxer in self._siblings if muxer is not self and not muxer.is_closed}
            if sum(unread.values()) + mine > MAX_UNREAD_IN_ALL:
                worst = max(unread, key=lambda muxer: unread[muxer], default=self)
                if unread.get(worst, 0) <= mine:
                    return False
                log.info("Too much waits unread: connection to %s dropped.", worst.peer_id)
                worst.abandon()
        return True

    async def _write_frame(self, data: bytes) -> None:
        """Write one frame whole, or end the connection.

        Noise counts its messages: a write that is cancelled after encryption, or half way through
        the socket, leaves both sides with different counts and every stream of the connection is
        lost. So a frame is not interrupted; a line that takes nothing for long is given up.
        """
        patience = trio.CancelScope(deadline=trio.current_time() + self._pace.write_patience, shield=True)
        with patience:
            async with self._write_lock:
                await self.secured_conn.write(data)
        if patience.cancelled_caught:
            log.info("The line takes nothing: connection to %s dropped.", self.peer_id)
            self.abandon()
            raise RawConnError("The line takes nothing.")
        await trio.lowlevel.checkpoint()

    async def _measure_rtt_loop(self) -> None:
        """Ping, and drop the connection when nothing at all comes back.

        As shipped a missing answer is not noticed, so a peer that lost its power stays connected.
        """
        await trio.sleep(min(0.5, self._pace.ping_interval))
        while True:
            self._ping_id = (self._ping_id + 1) & 0xFFFFFFFF
            self._ping_event = trio.Event()
            asked = trio.current_time()
            await self._write_frame(struct.pack(YAMUX_HEADER_FORMAT, 0, TYPE_PING, FLAG_SYN, 0, self._ping_id))
            self._ping_sent_time = trio.current_time()
            # Twice half the time: when this program was held up itself, the first half is over at
            # once, and in the second it reads what has come meanwhile.
            for _ in range(2):
                with trio.move_on_after(self._pace.ping_patience / 2):
                    await self._ping_event.wait()
            # An answer can be stuck behind a long transfer on a slow line; data is as good a sign.
            if not self._ping_event.is_set() and self._heard < asked:
                log.info("%s does not answer: connection dropped.", self.peer_id)
                self.abandon()
                return
            await trio.sleep(self._pace.ping_interval)

    async def _read_data_body(self, length: int) -> bytes:
        self._heard = trio.current_time()
        return await super()._read_data_body(length)

    async def start(self) -> None:
        """Run the connection; a fault in it ends this connection, not the host."""
        try:
            await super().start()
        finally:
            self.abandon()


class _Buffer(bytearray):
    """What arrived on a stream and is not yet read; a peer that sends too much is dropped.

    As shipped the window is only advice to the sender, and each of any number of streams has its
    own: one peer could fill the memory.
    """

    def __init__(self, muxer: Muxer, stream_id: int) -> None:
        super().__init__()
        self._muxer = muxer
        self._stream_id = stream_id

    def extend(self, data: bytes) -> None:  # type: ignore[override]  # only ever called with bytes
        overrun = len(data) > self._muxer.streams[self._stream_id].recv_window
        if overrun or not self._muxer.make_room(len(data)):
            log.info("%s sends more than is read: connection dropped.", self._muxer.peer_id)
            self._muxer.abandon()
            raise RawConnError("The peer sends more than is read.")
        super().extend(data)


class _Buffers(dict[int, bytearray]):
    def __init__(self, muxer: Muxer) -> None:
        super().__init__()
        self._muxer = muxer

    def __setitem__(self, stream_id: int, buffer: bytearray) -> None:
        super().__setitem__(stream_id, _Buffer(self._muxer, stream_id))


async def _nothing() -> None:
    """The swarm puts its own hook here."""
