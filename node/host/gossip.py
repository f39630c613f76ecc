"""GossipSub made safe for strangers: best-effort news on a topic, for public councils.

Offers /meshsub/1.1.0 only (1.2 of this library is slow), with the default message id, since
IHAVE and IWANT break with another one. Losing messages is allowed here: sync is the truth.
"""

import logging
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

import libp2p.pubsub.pubsub
import trio
from google.protobuf.message import DecodeError
from libp2p.abc import IHost, INetStream
from libp2p.custom_types import TProtocol
from libp2p.exceptions import BaseLibp2pError, ValidationError
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.rpc_queue import RpcQueue
from libp2p.pubsub.validators import PUBSUB_SIGNING_PREFIX
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

from ..peers import PeerKey
from .errors import MessageTooLarge
from .swarm import GuardedManager, Network, key_of, peer_of

if TYPE_CHECKING:
    from trio_typing import TaskStatus

__all__ = ["MAX_MESSAGE", "Gossip", "Subscription", "Validator"]

log = logging.getLogger("folkmoot.host")

MAX_MESSAGE = 256 * 1024
"""The longest message, in bytes."""

Validator = Callable[[PeerKey, bytes], Awaitable[bool]]
"""Given the publishing node's key and the bytes: may it be delivered and passed on?"""

_MAX_RPC = 1024 * 1024  # several messages may come together
_STREAMS = 4  # of one peer, which has one, or a few while connections change
_QUEUE = 1024  # messages that wait for a slow peer ...
_QUEUE_BYTES = 8 * 1024 * 1024  # ... or so many bytes of them
_UNREAD = 4096  # messages that wait for our own reader
_VALIDATION = 10.0  # seconds
_BACK_OFF = 3600  # seconds, at most, that a peer can tell us to stay away from a mesh


class Subscription:
    """An async iterator over `(publisher's key, data)`. What nobody reads in time is dropped."""

    def __init__(self, receive: trio.MemoryReceiveChannel[tuple[PeerKey, bytes]]) -> None:
        self._receive = receive

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> tuple[PeerKey, bytes]:
        return await self._receive.__anext__()


class _Topic:
    def __init__(self, validator: Validator) -> None:
        self.validator = validator
        self.send, receive = trio.open_memory_channel[tuple[PeerKey, bytes]](_UNREAD)
        self.subscription = Subscription(receive)
        self.dropped = 0


class Gossip:
    """Publish and subscribe over a network. `run` it before anything else."""

    def __init__(self, network: Network) -> None:
        # The name is looked up in that module for each new peer; a queue of 32 drops a small burst.
        vars(libp2p.pubsub.pubsub)["RpcQueue"] = _Queue
        self._network = network
        self._topics: dict[str, _Topic] = {}
        self._router = _Router()
        self._pubsub = _Pubsub(network.host, self._router, self._deliver)

    async def run(self, *, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled; peers that are connected already are told."""
        pubsub_manager, router_manager = GuardedManager(self._pubsub), GuardedManager(self._router)
        self._pubsub._manager, self._router._manager = pubsub_manager, router_manager
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pubsub_manager.run)
                nursery.start_soon(router_manager.run)
                await pubsub_manager.wait_started()
                await router_manager.wait_started()
                await self._pubsub.wait_until_ready()
                for peer in list(self._network.swarm.connections):
                    nursery.start_soon(self._pubsub._handle_new_peer_with_retry, peer)
                task_status.started()
        finally:
            self._pubsub.seen_messages.stop()

    async def publish(self, topic: str, data: bytes) -> None:
        """Send to whoever is subscribed; our own subscription does not get it back."""
        if len(data) > MAX_MESSAGE:
            raise MessageTooLarge(len(data), MAX_MESSAGE)
        await self._pubsub.publish(topic, data)

    async def subscribe(self, topic: str, validator: Validator) -> Subscription:
        """Subscribe; a second call for the same topic replaces the validator."""
        known = self._topics.get(topic)
        if known is not None:
            known.validator = validator
            return known.subscription
        entry = self._topics[topic] = _Topic(validator)
        await self._pubsub.subscribe(topic)
        return entry.subscription

    async def unsubscribe(self, topic: str) -> None:
        """Leave the topic; its subscription ends."""
        entry = self._topics.pop(topic, None)
        if entry is not None:
            entry.send.close()
            await self._pubsub.unsubscribe(topic)

    def peers_of(self, topic: str) -> set[PeerKey]:
        """The connected peers that say they are subscribed."""
        return {key_of(peer) for peer in self._pubsub.peer_topics.get(topic, ()) if peer in self._pubsub.peers}

    async def wait_for(self, topic: str, peer: PeerKey) -> None:
        """Wait until `peer` is subscribed and what we publish on the topic goes straight to it."""
        await self._pubsub.wait_for_subscription(peer_of(peer), topic, timeout=math.inf)
        await self._router.wait_for_mesh(peer_of(peer), topic, timeout=math.inf)

    def dropped(self, topic: str) -> int:
        """How many messages nobody read in time."""
        return self._topics[topic].dropped

    async def _deliver(self, message: rpc_pb2.Message) -> bool:
        """Validate and hand over; False when the message must not be passed on. Never raises."""
        try:
            publisher = key_of(ID(message.from_id))
        except ValueError:
            return False
        topics = [self._topics[name] for name in message.topicIDs if name in self._topics]
        if publisher == self._network.peer or not topics or len(message.data) > MAX_MESSAGE:
            return False
        for topic in topics:
            verdict = False
            try:
                with trio.move_on_after(_VALIDATION):
                    verdict = await topic.validator(publisher, message.data)
            except Exception:  # a fault of ours met by a stranger's bytes must not end the host
                log.exception("The check of gossip failed.")
            if not verdict:
                return False
        for topic in topics:
            try:
                topic.send.send_nowait((publisher, message.data))
            except trio.WouldBlock:
                topic.dropped += 1
            except trio.ClosedResourceError:
                pass  # unsubscribed while the message was being checked
        return True


class _Pubsub(Pubsub):
    BROKEN: ClassVar = (BaseLibp2pError, DecodeError, ValueError, UnicodeError)
    """What nonsense from a peer raises, which ends its stream and nothing else."""

    def __init__(self, host: IHost, router: GossipSub, deliver: Callable[[rpc_pb2.Message], Awaitable[bool]]) -> None:
        super().__init__(host, router, max_inbound_rpc_size=_MAX_RPC, seen_ttl=300)
        # Whole seconds, as shipped, repeat after a restart, and what repeats counts as seen.
        self.counter = time.time_ns()
        self._deliver = deliver
        self._checking: set[bytes] = set()
        self._opening: set[ID] = set()
        self._listening: Counter[ID] = Counter()

    async def _handle_new_peer(self, peer_id: ID) -> None:
        """As shipped, two that find the peer missing at once open two streams, and what is sent is split over both."""
        if peer_id not in self._opening:
            self._opening.add(peer_id)
            try:
                await super()._handle_new_peer(peer_id)
            finally:
                self._opening.discard(peer_id)

    async def stream_handler(self, stream: INetStream) -> None:
        """Read one peer's messages until it stops or sends nonsense."""
        peer = stream.muxed_conn.peer_id
        if peer not in self.peers:
            # It found out before us that both speak gossip.
            self._schedule_peer_stream_retry(peer)
        if self._listening[peer] >= _STREAMS:
            await stream.reset()
            return
        self._listening[peer] += 1
        try:
            while True:
                data = await read_varint_prefixed_bytes_limited(stream, _MAX_RPC)
                rpc = rpc_pb2.RPC()
                rpc.ParseFromString(data)
                await self._take(peer, rpc)
        except self.BROKEN as error:
            log.debug("Gossip from %s ended: %r", peer, error)
        finally:
            self._listening[peer] -= 1
            if not self._listening[peer]:
                del self._listening[peer]
                self._forget_all_subscriptions(peer)

    async def handle_dead_peer_queue(self) -> None:
        """A connection ended. As shipped, a peer that has another one keeps the dead stream."""
        async with self.dead_peer_receive_channel as ended:
            self.event_handle_dead_peer_queue_started.set()
            async for peer in ended:
                stream = self.peers.get(peer)
                if stream is None or stream.muxed_conn.is_closed or not self._peer_is_connected(peer):
                    self._handle_dead_peer(peer)

    def _handle_dead_peer(self, peer_id: ID) -> None:
        """Our stream to the peer is lost: open another, if it is still there.

        As shipped this also forgets what the peer is subscribed to, though it may have said so on
        a newer connection, and will not say it again.
        """
        self._clear_pending_announce_retries_for_peer(peer_id)
        if self.peers.pop(peer_id, None) is not None:
            self.peer_queues.pop(peer_id).close()
            self.router.remove_peer(peer_id)
        if self._peer_is_connected(peer_id):
            self._schedule_peer_stream_retry(peer_id)

    async def _take(self, peer: ID, rpc: rpc_pb2.RPC) -> None:
        """One message at a time: a peer that sends faster than we check waits, and no memory fills."""
        for message in rpc.publish:
            if self._is_subscribed_to_msg(message):
                await self.push_msg(peer, message)
        if len(rpc.subscriptions) <= self.max_subscriptions_per_rpc:
            for subscription in rpc.subscriptions:
                self.handle_subscription(peer, subscription)
        if rpc.HasField("control"):
            await self.router.handle_rpc(rpc, peer)

    async def publish(self, topic_id: str | list[str], data: bytes) -> None:
        """Sign and send. As shipped our own message is checked as if a stranger had sent it: a second signature."""
        topics = [topic_id] if isinstance(topic_id, str) else topic_id
        message = rpc_pb2.Message(data=data, topicIDs=topics, from_id=self.my_id.to_bytes(), seqno=self._next_seqno())
        key = self.host.get_private_key()
        message.signature = key.sign(PUBSUB_SIGNING_PREFIX.encode() + message.SerializeToString())
        message.key = key.get_public_key().serialize()
        self._mark_msg_seen(message)
        await self.router.publish(self.my_id, message)

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """As shipped, bad key bytes raise here, out of a task of the service, and end the host."""
        try:
            await super().push_msg(msg_forwarder, msg)
        except Exception as error:  # noqa: BLE001  # the library raises what it likes at malformed bytes
            log.info("Malformed gossip from %s: %r", msg_forwarder, error)

    async def validate_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """As shipped, verdicts are cached by id, and a validator that raises ends the host.

        The signature holds when this is called. A copy from another peer that comes while the
        first is being checked is dropped, else it would be delivered twice.
        """
        name = self.get_message_id(msg)
        if name in self._checking:
            raise ValidationError("It is being checked.")
        self._checking.add(name)
        try:
            if not await self._deliver(msg):
                raise ValidationError("Refused.")
        finally:
            self._checking.discard(name)

    def notify_subscriptions(self, publish_message: rpc_pb2.Message) -> None:
        """Delivery happens where the message is checked."""


class _Router(GossipSub):
    def __init__(self) -> None:
        super().__init__(
            protocols=[TProtocol(PROTOCOL_ID_V11)],
            degree=6,
            degree_low=4,
            degree_high=12,
            gossip_window=3,
            gossip_history=5,
            heartbeat_interval=1,  # as shipped two minutes
            spam_protection_enabled=False,  # ten messages a second for each forwarder
            adaptive_gossip_enabled=False,  # slows the heartbeat
            eclipse_protection_enabled=False,
            max_pending_messages_per_peer=8,
        )

    async def _do_px(self, px_peers: list[rpc_pb2.PeerInfo]) -> None:
        """A peer cannot make us dial others."""

    def _check_equivocation(self, msg: rpc_pb2.Message) -> bool:
        """The id already says that; as shipped a thousand whole messages are kept for it."""
        return True

    def _add_back_off(self, peer: ID, topic: str, is_unsubscribe: bool, backoff_duration: int = 0) -> None:
        super()._add_back_off(peer, topic, is_unsubscribe, min(backoff_duration, _BACK_OFF))

    async def handle_prune(self, prune_msg: rpc_pb2.ControlPrune, sender_peer_id: ID) -> None:
        """Topics that we do not have leave no trace: peers could invent any number of them."""
        if prune_msg.topicID in self.mesh:
            await super().handle_prune(prune_msg, sender_peer_id)

    async def handle_ihave(self, ihave_msg: rpc_pb2.ControlIHave, sender_peer_id: ID) -> None:
        if ihave_msg.topicID in self.mesh:
            await super().handle_ihave(ihave_msg, sender_peer_id)

    def _periodic_security_cleanup(self) -> None:
        """Also forget what is only gathered for the adaptive mode, which is off."""
        super()._periodic_security_cleanup()
        self.recent_message_deliveries.clear()
        self.recent_peer_connections.clear()
        self.recent_peer_disconnections.clear()
        for topic in [name for name in self.back_off if name not in self.mesh]:
            now = math.floor(time.time())
            self.back_off[topic] = {peer: until for peer, until in self.back_off[topic].items() if until > now}
            if not self.back_off[topic]:
                del self.back_off[topic]


class _Queue(RpcQueue):
    """Bounded in bytes as well as in number, and long enough for a burst."""

    def __init__(self) -> None:
        super().__init__(max_size=_QUEUE)
        self._bytes = 0

    def push(self, rpc: rpc_pb2.RPC, priority: bool = False) -> bool:
        size = rpc.ByteSize()
        if self._bytes + size > _QUEUE_BYTES or not super().push(rpc, priority):
            return False
        self._bytes += size
        return True

    async def pop(self) -> rpc_pb2.RPC | None:
        rpc = await super().pop()
        if rpc is not None:
            self._bytes -= rpc.ByteSize()
        return rpc
