"""Whom this node wants to be connected to, where they are, and the patience to get there.

Wanted are the peers of the settings, those that a person named, the nodes of tickets on their
way, and every node on the roll of a council that is here. Their addresses come from there, from
what they said to the local network, and from where they were met before. Each is dialled until
it is connected, with a back-off that grows and a jitter, so that a hall whose line comes back
is not met by everybody in the same second.
"""

import logging
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import trio

from node.feed import Missed
from node.host import Host
from node.host.errors import HostError
from node.host.events import Connected, Disconnected, Discovered
from node.peers import Address, parse_address
from node.refused import Refused
from node.relay import Relay
from node.service import Arrival, Service
from node.store import Pending, Store
from protocol.council.outcomes import EpochEntered
from protocol.errors import Malformed
from protocol.ids import peer_text

if TYPE_CHECKING:
    from trio_typing import TaskStatus

__all__ = ["KeptAway", "Neighbour", "Neighbours"]

log = logging.getLogger("folkmoot.peers")

_FIRST: Final = 0.5  # seconds until the second try ...
_LONGEST: Final = 8.0  # ... and at most between later ones, ...
_EACH: Final = 0.25  # ... or so many for each peer that is dialled, if that is more
_PENALTY: Final = 120.0  # seconds that who broke the protocol is kept away, doubled each time ...
_LONGEST_PENALTY: Final = 3600.0  # ... up to this
_MOST_OFFENDERS: Final = 1024
_MOST: Final = 512  # peers that are dialled at once
_MOST_ADDRESSES: Final = 16
SOURCES: Final = ("settings", "person", "ticket", "roll", "mdns", "met")
"""Who can name an address, the most trusted first."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node that this one knows. `seen`: when it was last connected, ms.

    `trouble`: why the last try failed; of a connected one why it cannot be spoken with, if so.
    """

    peer: bytes
    addresses: tuple[str, ...]
    source: str
    connected: bool
    seen: int | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class KeptAway:
    """A node that this one keeps away from: until when (ms; None until somebody says otherwise), and why."""

    peer: bytes
    until: int | None
    reason: str


@dataclass(slots=True)
class _Way:
    """What is known of the way to one peer."""

    addresses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Source -> multiaddrs without PeerId."""
    seen: int | None = None
    trouble: str | None = None
    differs: str | None = None
    """Why the two cannot talk though they are connected."""
    dialling: bool = False
    changed: trio.Event = field(default_factory=trio.Event)

    def stir(self) -> None:
        self.changed.set()
        self.changed = trio.Event()

    def all(self) -> tuple[str, ...]:
        found = dict.fromkeys(address for source in SOURCES for address in self.addresses.get(source, ()))
        return tuple(found)[:_MOST_ADDRESSES]


class Neighbours:
    """Keeps this node connected. `jitter` gives numbers from 0 to 1; `settings` are addresses with PeerIds."""

    def __init__(
        self,
        host: Host,
        service: Service,
        store: Store,
        jitter: Callable[[], float],
        settings: Sequence[str] = (),
        relay: Relay | None = None,
    ) -> None:
        self._host = host
        self._service = service
        self._store = store
        self._jitter = jitter
        self._relay = relay
        self._ways: dict[bytes, _Way] = {}
        self._named: set[bytes] = set()
        self._broke: OrderedDict[bytes, tuple[int, KeptAway]] = OrderedDict()
        """Who broke the protocol since this node runs: how often, and until when it is kept away for it."""
        self._nursery: trio.Nursery
        for saved in store.peers():
            way = self._way(saved.node)
            way.seen = saved.seen
            way.addresses[saved.source] = saved.addresses
            if saved.source == "person":
                self._named.add(saved.node)
        for text in settings:
            address = parse_address(text)
            if address.peer is None:
                raise Refused("settings", f"The peer {text} lacks its PeerId: write /p2p/12D3KooW... behind it.")
            self._learn(address.peer, "settings", [text])
            self._named.add(address.peer)

    async def run(self, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Connect and stay connected until cancelled."""
        self._host.favour(self._is_ours)
        now = self._service.clock()
        for peer, (until, _) in self._store.kept_away().items():
            if until is None or until > now:
                self._host.ban(peer, math.inf if until is None else (until - now) / 1000)
            else:
                self._store.let_near(peer)
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._hear)
            nursery.start_soon(self._follow_rolls)
            self.refresh()
            task_status.started()

    # What the local API shows and changes

    def addresses(self) -> Sequence[str]:
        """Where others reach this node: multiaddrs without PeerId."""
        return [_plain(text) for text in self._host.addresses]

    def connected(self) -> set[bytes]:
        """The peers that are connected now."""
        return self._host.connected()

    def known(self) -> list[Neighbour]:
        """Every node that this one knows, the connected first."""
        there = self._host.connected()
        out = [
            Neighbour(
                peer,
                way.all(),
                next((source for source in SOURCES if source in way.addresses), "met"),
                peer in there,
                way.seen,
                way.differs if peer in there else way.trouble,
            )
            for peer, way in sorted(self._ways.items())
        ]
        return sorted(out, key=lambda neighbour: not neighbour.connected)

    async def add_peer(self, address: Address) -> None:
        """Remember an address that names its peer, and dial it soon. `Refused` without a PeerId."""
        await trio.lowlevel.checkpoint()
        if address.peer is None:
            raise Refused("peer", f"{address} lacks the node's PeerId: write /p2p/12D3KooW... behind it.")
        if address.peer == self._host.peer:
            raise Refused("peer", f"{address} is this node itself.")
        self._store.remember_peer(address.peer, [_plain(str(address))], "person")
        self._named.add(address.peer)
        self._learn(address.peer, "person", [str(address)])
        self.refresh()

    def forget_peer(self, peer: bytes) -> None:
        """Forget the addresses that a person gave; a peer that a roll lists stays wanted."""
        self._store.forget_peer(peer)
        self._named.discard(peer)
        way = self._ways.get(peer)
        if way is not None:
            way.addresses.pop("person", None)
            way.stir()

    def kept_away(self) -> list[KeptAway]:
        """The nodes that this one keeps away from."""
        now = self._service.clock()
        kept = {peer: away for peer, (_, away) in self._broke.items() if self._host.banned(peer)}
        kept |= {
            peer: KeptAway(peer, until, reason)
            for peer, (until, reason) in self._store.kept_away().items()
            if until is None or until > now
        }
        return [kept[peer] for peer in sorted(kept)]

    def keep_away(self, peer: bytes, seconds: float | None, reason: str) -> None:
        """Let a peer go and neither dial nor answer it, for so long or (None) until `let_near`.

        Survives a restart. It is also how the demo and the tests cut a network in two.
        """
        until = None if seconds is None else self._service.clock() + round(seconds * 1000)
        self._store.keep_away(peer, until, reason)
        self._host.ban(peer, math.inf if seconds is None else seconds)

    def let_near(self, peer: bytes) -> None:
        """Talk to a peer again, and dial it at once if it is wanted."""
        self._store.let_near(peer)
        self._broke.pop(peer, None)
        self._host.ban(peer, 0)
        if peer in self._ways:
            self._ways[peer].stir()

    def differs(self, peer: bytes, why: str) -> None:
        """A connected peer runs another version, so nothing can be asked of it."""
        log.warning("%s", why)
        self._way(peer).differs = why

    def broke(self, peer: bytes, error: Malformed) -> None:
        """A peer broke the protocol (it was told how): let it go, and keep it away for a while."""
        log.warning("%s broke the rule %r and is kept away for a while: %s", peer_text(peer), error.rule, error.message)
        if self._host.banned(peer):
            return  # what it had sent before it was let go; a person may have said for how long
        before, _ = self._broke.pop(peer, (0, None))
        seconds = min(_LONGEST_PENALTY, _PENALTY * 2**before)
        until = self._service.clock() + round(seconds * 1000)
        self._broke[peer] = (before + 1, KeptAway(peer, until, f"it broke the rule {error.rule}: {error.message}"))
        while len(self._broke) > _MOST_OFFENDERS:
            self._broke.popitem(last=False)
        self._host.ban(peer, seconds)

    # Inside

    def _way(self, peer: bytes) -> _Way:
        return self._ways.setdefault(peer, _Way())

    def _learn(self, peer: bytes, source: str, texts: Sequence[str]) -> None:
        """Addresses for a peer, replacing what that source said before."""
        found = []
        for text in texts[:_MOST_ADDRESSES]:
            try:
                address = parse_address(text)
            except Malformed:
                continue  # a member's mistake in an enrolment harms only herself
            if address.peer in (None, peer):
                found.append(_plain(text))
        way = self._way(peer)
        if way.addresses.get(source) != tuple(found):
            way.addresses[source] = tuple(found)
            way.stir()

    def _wanted(self) -> Mapping[bytes, None]:
        """The peers to be connected to."""
        wanted = dict.fromkeys(sorted(self._named))
        asked = {pending.request for pending in self._service.asked()}
        for pending in self._service.pending():
            # Who follows a public council stays with those from whom it came: no roll lists either.
            if not pending.raw or pending.request in asked:
                wanted.update(dict.fromkeys(node for node, _ in pending.nodes))
        for _, council in sorted(self._service.councils.items()):
            if council.entitled(self._host.peer):
                wanted.update(dict.fromkeys(sorted(council.head.entitled())))
        wanted.pop(self._host.peer, None)
        return wanted

    def _is_ours(self, peer: bytes) -> bool:
        """Whether a peer is no stranger: on a roll, of a ticket of ours, or named by a person here."""
        return (
            peer in self._named
            or any(peer in council.head.entitled() for council in self._service.councils.values())
            or any(peer == node for pending in self._service.pending() for node, _ in pending.nodes)
        )

    def refresh(self) -> None:
        """Look at the rolls and tickets anew."""
        for pending in self._service.pending():
            for node, addresses in pending.nodes:
                if node != self._host.peer:
                    self._learn(node, "ticket", addresses)
        listed: dict[bytes, list[str]] = {}
        for _, council in sorted(self._service.councils.items()):
            for teller in council.head.tellers:
                listed.setdefault(teller.node, []).extend(teller.addresses)
            for member in council.head.members.values():
                for listing in member.nodes.values():
                    listed.setdefault(listing.key, []).extend(listing.addresses)
        listed.pop(self._host.peer, None)
        for node, texts in listed.items():
            self._learn(node, "roll", list(dict.fromkeys(texts)))
        for peer in list(self._wanted())[:_MOST]:
            way = self._way(peer)
            if not way.dialling:
                way.dialling = True
                self._nursery.start_soon(self._reach, peer, way)

    async def _follow_rolls(self) -> None:
        with self._service.subscribe() as feed:
            async for first in feed:
                news = [first, *feed.drain()]
                if any(isinstance(item, Missed) or isinstance(item.event, EpochEntered) for item in news):
                    self.refresh()

    def saved(self, arrivals: Sequence[Arrival]) -> None:
        """Nothing to do: rolls are followed by their epochs."""

    def lacking(self, council: bytes, source: bytes | None) -> None:
        """Nothing to do: a sync gets it from whoever is connected."""

    def following(self, pending: Pending) -> None:
        """A ticket's nodes are wanted from now on."""
        self.refresh()

    async def _hear(self) -> None:
        async for event in self._host.events():
            match event:
                case Connected(peer, _):
                    if self._host.connected() == {peer}:
                        # The first after none: the line is back, so others may be there again too.
                        for other in self._ways.values():
                            other.stir()
                    way = self._way(peer)
                    way.trouble, way.differs, way.seen = None, None, self._service.clock()
                    # Strangers can have any number of keys: they are shown while they are here, and leave no trace.
                    if self._is_ours(peer):
                        self._store.saw_peer(peer, way.seen)
                    way.stir()
                case Disconnected(peer):
                    way = self._way(peer)
                    way.seen = self._service.clock()
                    way.stir()
                    if not (way.dialling or way.addresses or self._is_ours(peer)):
                        del self._ways[peer]
                case Discovered(peer, addresses):
                    # A stranger's word on the local network is worth a dial only for who is wanted.
                    if peer in self._wanted():
                        self._learn(peer, "mdns", addresses)

    async def _reach(self, peer: bytes, way: _Way) -> None:
        """Dial one peer until it is connected, again when it is not any more, as long as it is wanted."""
        try:
            wait = _FIRST
            while peer in self._wanted():
                changed = way.changed
                if not self._host.banned(peer) and peer not in self._host.connected():
                    await self._dial(peer, way)
                connected = peer in self._host.connected()
                # A connection may come and go without a word; so even a connected peer is looked at now and then.
                longest = max(_LONGEST, _EACH * len(self._ways))
                with trio.move_on_after(longest if connected else wait * (0.5 + self._jitter())) as pause:
                    await changed.wait()
                wait = min(longest, wait * 2) if pause.cancelled_caught and not connected else _FIRST
        finally:
            way.dialling = False

    async def _dial(self, peer: bytes, way: _Way) -> None:
        for address in way.all():
            try:
                await self._host.dial(f"{address}/p2p/{peer_text(peer)}")
            except HostError as error:
                way.trouble = str(error)
                log.debug("%s", error)
            else:
                self._store.saw_peer(peer, self._service.clock(), address)
                return
        await self._dial_through(peer)

    async def _dial_through(self, peer: bytes) -> None:
        """Nobody answers where the peer should be: ask one of those who may be connected with it to relay."""
        relays = self._relay.ways(peer) if self._relay is not None and peer not in self._host.connected() else []
        if self._relay is None or not relays:
            return
        relay = relays[min(len(relays) - 1, int(self._jitter() * len(relays)))]
        try:
            await self._relay.reach(peer, relay)
        except (HostError, Malformed) as error:
            log.debug("%s", error)


def _plain(text: str) -> str:
    return text.partition("/p2p/")[0]
