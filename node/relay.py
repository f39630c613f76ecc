"""Members whose nodes nobody can dial reach each other through a node that both can: their commune's, in the hall.

    one node                      the relay                        the other
    through [other's key]   ->    both on one roll, and there?
                                  from [one's key]           ->    on a roll with both?
                            <-    taken                      <-    taken
    bytes [...]             <->   passed on as they are      <->   bytes [...]

What is passed on is a connection like any other, handshake included: the relay sees how much is
said and between whom, and nothing else. It relays for members of its own councils only, a few at
once, and never over a connection that is relayed itself.
"""

import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from math import inf
from typing import TYPE_CHECKING, Final

import trio

from node.frames import No, Taken, decode_frame, encode_frame
from node.host import Host, Stream
from node.host.errors import HostError
from node.service import Service
from node.session import CLOSED
from protocol.codec import decode, encode
from protocol.errors import Malformed
from protocol.ids import peer_text

if TYPE_CHECKING:
    from trio_typing import TaskStatus

__all__ = ["RELAY", "Relay"]

log = logging.getLogger("folkmoot.relay")

RELAY: Final = "/folkmoot/relay/1"
_PIECE: Final = 64 * 1024
_ASKED: Final = 1024  # bytes of a question, or of its answer
_PATIENCE: Final = 20.0  # seconds for each of them
_EACH: Final = 8
"""Connections that are relayed for one node at once."""
_ALL: Final = 64
ABSENT: Final = No("absent", "That node is not connected here, or cannot be reached through this one.")


class Relay:
    """Reaches peers through others, and is such another where `serves` says so."""

    def __init__(self, host: Host, service: Service, *, serves: bool = True) -> None:
        self._host = host
        self._service = service
        self._serves = serves
        self._carried: Counter[bytes] = Counter()
        self._nursery: trio.Nursery

    async def run(self, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._host.handle(RELAY, self._serve)
            task_status.started()
            await trio.sleep_forever()

    def ways(self, peer: bytes) -> list[bytes]:
        """The connected nodes through which a peer might be reached: on a roll with it and with us."""
        return sorted(relay for relay in self._host.direct() if relay != peer and self._share(relay, peer))

    async def reach(self, peer: bytes, relay: bytes) -> None:
        """Connect to a peer through a connected relay. Raises `HostError`, `Malformed` when that cannot be."""
        stream = await self._host.open(relay, RELAY)
        try:
            await stream.send(encode(["through", peer]))
            data = await stream.receive(_ASKED, timeout=_PATIENCE)
            answer = No("end", "The relay ended the stream.") if data is None else decode_frame(data)
            if not isinstance(answer, Taken):
                log.debug("%s does not relay to %s: %s", peer_text(relay), peer_text(peer), answer)
                await stream.reset()
                return
        except BaseException:
            await stream.reset()
            raise
        near, far = _pair()
        self._nursery.start_soon(_carry, stream, near)
        await self._host.adopt(far, peer, relay)
        log.info("%s is reached through %s.", peer_text(peer), peer_text(relay))

    def _share(self, one: bytes, other: bytes) -> bool:
        """Whether some council here, which lists this node, lists both."""
        return any(
            {one, other, self._host.peer} <= council.head.entitled() for council in self._service.councils.values()
        )

    async def _serve(self, stream: Stream) -> None:
        data = await stream.receive(_ASKED, timeout=_PATIENCE)
        if data is None:
            return
        try:
            word, peer = _question(data)
        except Malformed as error:
            await stream.send(encode_frame(No(error.rule, error.message)))
            return
        if not self._share(stream.peer, peer):
            await stream.send(encode_frame(CLOSED))
        elif word == "through":
            await self._pass_on(stream, peer)
        else:
            await self._take(stream, peer)

    async def _pass_on(self, stream: Stream, peer: bytes) -> None:
        """Be the relay between who asks and a peer."""
        one = stream.peer
        full = self._carried.total() >= _ALL or max(self._carried[one], self._carried[peer]) >= _EACH
        if full or not self._serves or not {one, peer} <= self._host.direct():
            await stream.send(encode_frame(ABSENT))
            return
        self._carried.update((one, peer))
        try:
            async with await self._host.open(peer, RELAY) as onward:
                await onward.send(encode(["from", one]))
                answer = await onward.receive(_ASKED, timeout=_PATIENCE)
                await stream.send(encode_frame(ABSENT) if answer is None else answer)
                if answer == encode_frame(Taken(1)):
                    await _both(stream, onward)
        except HostError as error:
            log.debug("A relay from %s to %s ended: %s", peer_text(one), peer_text(peer), error)
        finally:
            self._carried.subtract((one, peer))
            self._carried += Counter[bytes]()  # drops those at 0

    async def _take(self, stream: Stream, peer: bytes) -> None:
        """Somebody who cannot dial us comes through a relay."""
        await stream.send(encode_frame(Taken(1)))
        near, far = _pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._host.answer, far, stream.peer)
            await _carry(stream, near)
            nursery.cancel_scope.cancel()


def _question(data: bytes) -> tuple[str, bytes]:
    value = decode(data, _ASKED)
    if type(value) is not list or len(value) != 2 or value[0] not in ("through", "from"):
        raise Malformed("relay-frame", "the peer sent something else than whom it wants to reach.")
    if type(value[1]) is not bytes or len(value[1]) != 32:
        raise Malformed("relay-frame", "the peer sent something else than whom it wants to reach.")
    return value[0], value[1]


def _pair() -> tuple[trio.SocketStream, trio.SocketStream]:
    """Two ends of one connection within this program."""
    near, far = socket.socketpair()
    return trio.SocketStream(trio.socket.from_stdlib_socket(near)), trio.SocketStream(
        trio.socket.from_stdlib_socket(far)
    )


async def _both(one: Stream, other: Stream) -> None:
    """Carry both ways until one of them ends."""
    async with trio.open_nursery() as nursery:

        async def way(source: Stream, target: Stream) -> None:
            try:
                while (piece := await source.receive(_PIECE, timeout=inf)) is not None:
                    await target.send(piece)
            except HostError as error:
                log.debug("A relayed connection ended: %s", error)
            nursery.cancel_scope.cancel()

        nursery.start_soon(way, one, other)
        nursery.start_soon(way, other, one)


async def _carry(stream: Stream, near: trio.SocketStream) -> None:
    """Carry between a stream and our own end of a relayed connection until one of them ends."""

    async def inward() -> None:
        while (piece := await stream.receive(_PIECE, timeout=inf)) is not None:
            await near.send_all(piece)

    async def outward() -> None:
        while piece := await near.receive_some(_PIECE):
            await stream.send(bytes(piece))

    async with near, trio.open_nursery() as nursery:

        async def way(carry: Callable[[], Awaitable[None]]) -> None:
            try:
                await carry()
            except (HostError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
                log.debug("A relayed connection ended: %s", error)
            nursery.cancel_scope.cancel()

        nursery.start_soon(way, inward)
        nursery.start_soon(way, outward)
    await stream.reset()
