"""A whole node: its parts, in the order in which they need each other, and its life as a process."""

import contextlib
import fcntl
import json
import logging
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import trio

from node import private
from node.clock import Clock, steady, wall
from node.config import Config
from node.examining import Examining, default_examiners
from node.gossip import Gossip
from node.host import Host, HostSettings, open_host
from node.host.errors import ListenFailed
from node.keystore import NodeKeys
from node.logs import logging_to
from node.neighbours import Neighbours
from node.ports import Ports
from node.refused import Refused
from node.relay import Relay
from node.service import Service
from node.store import Store, StoreFailed
from node.sync import Pace, Syncer
from node.tally import Tally
from node.teller import Teller
from protocol.errors import Malformed
from protocol.keys import public_key

if TYPE_CHECKING:
    from trio_typing import TaskStatus

__all__ = ["RESTORED", "Node", "alone", "now", "open_node", "run", "serve"]

log = logging.getLogger("folkmoot")

_STARTS: Final = "starts"
RESTORED: Final = "file"
"""The fact under which the database notes which file of the disk it is; another value says that it was put there."""
_FAREWELL: Final = 3.0  # seconds for the parts to stop


@dataclass(frozen=True, slots=True)
class Node:
    """The parts of a running node. `started`: ms since 1970."""

    config: Config
    keys: NodeKeys
    store: Store
    service: Service
    host: Host
    neighbours: Neighbours
    syncer: Syncer
    gossip: Gossip
    teller: Teller
    clock: Clock
    tally: Tally
    started: int


now = wall


class _Watcher:
    """Tells the parts of each other's experiences with peers."""

    def __init__(self, neighbours: Neighbours, teller: Teller) -> None:
        self._neighbours = neighbours
        self._teller = teller

    def broke(self, peer: bytes, error: Malformed) -> None:
        self._neighbours.broke(peer, error)

    def differs(self, peer: bytes, why: str) -> None:
        self._neighbours.differs(peer, why)

    def timed(self, peer: bytes, ahead: int) -> None:
        self._teller.timed(peer, ahead)

    def heard(self, council: bytes, peer: bytes) -> None:
        self._teller.heard(council, peer)

    def answered(self, council: bytes, peer: bytes) -> None:
        self._teller.met(council, peer)


@asynccontextmanager
async def open_node(
    config: Config, *, clock: Callable[[], int] = now, chance: random.Random | None = None, pace: Pace | None = None
) -> AsyncIterator[Node]:
    """The node of a home, without its API, running until the block is left.

    Raises `Refused` when it cannot start (a second node on one home, a port that is taken, a
    store that cannot be used) and `StoreFailed` when the disk fails later on.
    """
    chance = chance or random.Random()
    config.prepare()
    with alone(config):
        keys = NodeKeys.load_or_create(config.node_key_path)
        store = Store(config.database_path)
        try:
            restored = _restored(config, store)
            node_key, teller_key = public_key(keys.host_seed), public_key(keys.teller_seed)
            # A clock that somebody put in is as steady as it is.
            watch = Clock(store, clock, steady if clock is now else clock)
            tally = Tally()
            wanted = config.settings.examiners
            examining = Examining(wanted if isinstance(wanted, int) else default_examiners())
            service = Service(store, clock, node_key, teller_key, examining=examining)
            begun = time.monotonic()
            try:
                count = service.load()
            except StoreFailed as failed:
                raise Refused("store", str(failed)) from failed
            log.info("%d operations of %d councils in %.1f s", count, len(service.councils), time.monotonic() - begun)
            teller = Teller(service, store, keys.teller_seed, restored=restored, clock=watch)
            ports = Ports(config.settings, store)
            async with _network(config, keys, ports) as host:
                relay = Relay(host, service, serves=config.settings.relay)
                neighbours = Neighbours(host, service, store, chance.random, config.settings.peers, relay)
                syncer = Syncer(host, service, _Watcher(neighbours, teller), chance, pace)
                gossip = Gossip(host, service, syncer.soon, neighbours.broke)
                node = Node(
                    config, keys, store, service, host, neighbours, syncer, gossip, teller, watch, tally, clock()
                )
                async with trio.open_nursery() as nursery:
                    # First those who answer, then those who speak.
                    await nursery.start(examining.run)
                    await nursery.start(gossip.run)
                    await nursery.start(syncer.run)
                    await nursery.start(relay.run)
                    await nursery.start(neighbours.run)
                    for observer in (teller, gossip, syncer, neighbours, tally):
                        service.observe(observer)
                    nursery.start_soon(teller.run)
                    nursery.start_soon(_fail_with, service)
                    try:
                        yield node
                    finally:
                        watch.note()
                        service.close()
                        nursery.cancel_scope.cancel()
        finally:
            store.close()


async def _fail_with(service: Service) -> None:
    raise await service.failure()


@asynccontextmanager
async def _network(config: Config, keys: NodeKeys, ports: Ports) -> AsyncIterator[Host]:
    settings = config.settings
    try:
        async with open_host(
            HostSettings(
                key_seed=keys.host_seed,
                listen=ports.listen(),
                otherwise=ports.otherwise(),
                announce=settings.announce,
                mdns=settings.mdns,
            )
        ) as host:
            ports.listened(host.addresses)
            yield host
    except ListenFailed as error:
        raise Refused(
            "port-busy",
            f"{str(error).removesuffix('.')}; set another address under 'listen' in settings.toml, or free this one.",
        ) from error


@contextmanager
def alone(config: Config) -> Iterator[None]:
    """Hold the home for one node; `Refused` when another process holds it.

    The lock goes with the process, however it ends, and leaves nothing to clean up.
    """
    descriptor = os.open(config.home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(
                "second-node",
                f"A node is running on {config.home} already{_who(config)}: use that one, "
                "or set MOOT_HOME to another folder for a second node.",
            ) from None
        yield
    finally:
        os.close(descriptor)


def _who(config: Config) -> str:
    try:
        return f" (process {int(json.loads(config.run_path.read_bytes())['pid'])})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _restored(config: Config, store: Store) -> bool:
    """Whether the database may lack what this node has said: somebody put a copy in its place.

    The home and the database both count the starts; so a database that is older than the home is
    found out. A whole home that was put back, or moved, is known by its database not lying in
    the same file of the disk as before.
    """
    file = b"%d" % config.database_path.stat().st_ino
    before = store.fact(RESTORED)
    store.note(RESTORED, file)
    counter = config.home / _STARTS
    in_store = int(store.fact(_STARTS) or b"0")
    try:
        beside = int(counter.read_bytes())
    except (FileNotFoundError, ValueError):
        beside = 0
    starts = max(in_store, beside) + 1
    # The store first: stopped between the two, the database is the younger one, which means nothing.
    store.note(_STARTS, b"%d" % starts)
    private.write(counter, b"%d" % starts)
    return beside > in_store or before not in (None, file)


async def serve(
    config: Config,
    *,
    pace: Pace | None = None,
    task_status: "TaskStatus[tuple[Node, int]]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a node with its API until cancelled; starts with the node and the API's port.

    Raises what `open_node` raises, and `Refused` when the API's port is taken.
    """
    from node.api.access import make_token
    from node.api.app import application
    from node.api.local import Local
    from node.api.server import serve as serve_api

    config.prepare()
    listener: socket.socket | None = None
    with contextlib.ExitStack() as stack:
        async with open_node(config, pace=pace) as node:
            listener = stack.enter_context(contextlib.closing(Ports(config.settings, node.store).api()))
            port: int = listener.getsockname()[1]
            local = Local(
                node.service,
                node.neighbours,
                node.teller,
                node.keys,
                config,
                port,
                node.started,
                node.clock,
                node.tally,
            )
            app = application(local, make_token(config.token_path))
            async with trio.open_nursery() as nursery:
                await nursery.start(serve_api, app, listener)
                private.write(config.run_path, json.dumps({"pid": os.getpid(), "port": port}).encode())
                stack.callback(config.run_path.unlink, missing_ok=True)
                task_status.started((node, port))


def run(config: Config, ready: Callable[[Node, int], None] | None = None) -> None:
    """Run the node of a home until SIGINT or SIGTERM; `ready` is told the node and the API's port.

    Raises `Refused` with one sentence when it cannot start or cannot go on.
    """
    config.prepare()
    with logging_to(config):
        try:
            trio.run(_until_signal, config, ready)
        except Exception as error:
            leaves = _leaves(error)
            for leaf in leaves:
                if isinstance(leaf, StoreFailed):
                    log.critical("%s The node stops; what was accepted before is safe.", leaf)
                    raise Refused("store", f"{leaf} The node stopped; what was accepted before is safe.") from error
            if all(isinstance(leaf, Refused) for leaf in leaves):
                raise leaves[0] from error
            log.exception("The node ends by a fault of its own.")
            raise


def _leaves(error: Exception) -> list[Exception]:
    """The exceptions in a group of groups."""
    if isinstance(error, ExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]


async def _until_signal(config: Config, ready: Callable[[Node, int], None] | None) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            node, port = await nursery.start(serve, config)
            log.info("The node runs: API on port %d, reached at %s", port, ", ".join(node.host.addresses))
            _tell_supervisor(b"READY=1")
            if ready is not None:
                ready(node, port)
            async for number in signals:
                log.info("Stopping: %s", signal.Signals(number).name)
                _tell_supervisor(b"STOPPING=1")
                break
            nursery.cancel_scope.cancel()


def _tell_supervisor(state: bytes) -> None:
    """Tell systemd, if it started this, as sd_notify(3) does."""
    place = os.environ.get("NOTIFY_SOCKET")
    if place:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            try:
                out.sendto(state, f"\0{place[1:]}" if place.startswith("@") else place)
            except OSError as fault:
                log.warning("systemd could not be told %s: %s", state.decode(), fault)
