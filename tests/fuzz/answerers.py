"""Everything that answers a peer or a program, on real nodes: streams, gossip, raw connections, the local API.

What a handler says of an input in its log at level ERROR is a fault, as if it had raised.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cbor2
import trio
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.network.connection.exceptions import RawConnError
from libp2p.pubsub.pb import rpc_pb2

from node.answering import Answering
from node.api.access import Application
from node.api.app import application
from node.api.local import Local
from node.asking import Asking
from node.frames import All, AskContent, Compare, End, Hello, Join, News, Operations, Piece, Taken, Want, encode_frame
from node.gossip import PUSH, topic
from node.host import Stream, StreamError
from node.host.swarm import peer_of
from node.invitation import JOIN
from node.invitation import receive as receive_request
from node.relay import RELAY
from node.run import Node
from node.session import SYNC
from node.testing import node_at
from protocol.codec import encode
from protocol.errors import Malformed
from protocol.ids import operation_text, peer_text, person_text
from protocol.log.items import Items
from protocol.log.reconcile import Reconciliation
from tests.network.around import ECHO, ask, echo, hosts, intruder, line, raw, settings
from tests.network.councils import keys_of
from tests.worlds import World, seed, small_charter

from . import samples
from .target import Target, Try

__all__ = ["ANSWERERS"]

STRANGER = seed("stranger")
_TOKEN = "fuzz"


class Faults(logging.Handler):
    """Collects what is logged as a fault."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))

    def check(self) -> None:
        """Raise if there was one."""
        if self.seen:
            raise AssertionError("logged as a fault: " + "\n".join(self.seen))


@asynccontextmanager
async def _watched() -> AsyncIterator[Faults]:
    faults, log = Faults(), logging.getLogger("folkmoot")
    log.addHandler(faults)
    try:
        yield faults
    finally:
        log.removeHandler(faults)


class Paper:
    """A peer that said everything beforehand: what it sends is `data`, and it reads without an end."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, most: int) -> bytes:
        data, self._data = self._data[:most], self._data[most:]
        return data

    async def write(self, data: bytes) -> None: ...

    async def finish(self) -> None: ...

    async def reset(self) -> None: ...


def _sent(data: bytes) -> bytes:
    """What goes over the stream: a list of frames one by one, each with its length; other bytes as they are."""
    try:
        frames = cbor2.loads(data)
    except Exception:  # noqa: BLE001  # whatever a CBOR library raises: then it is no list of frames
        return data
    if not isinstance(frames, list) or not all(isinstance(frame, bytes) for frame in frames):
        return data
    return b"".join(len(frame).to_bytes(4, "big") + frame for frame in frames)


# A node with a council, and what peers say to it


class Village:
    """Ada's node with a council, whose like is at hand to write what peers would say."""

    def __init__(self, node: Node, world: World) -> None:
        self.node = node
        self.world = world
        self.id = world.council.id


@asynccontextmanager
async def _village(folder: Path) -> AsyncIterator[Village]:
    world = _world()
    async with node_at(folder, keys=keys_of(samples.ADA)) as node:
        await node.service.submit(samples.said(world))
        yield Village(node, world)


def _world() -> World:
    world = World(founder=samples.ADA, charter=small_charter(visibility="public"))
    world.admit(samples.BEN, samples.ADA)
    world.proposal(samples.BEN)
    return world


def _talks() -> list[bytes]:
    """What somebody says who asks well, frame by frame."""
    world, said = _world(), samples.said(_world())
    hello = encode_frame(Hello(world.council.id, 1, 0, (world.council.id,)))
    items = Items(list(world.council.items)[:5])
    word = samples.said(world)[-1]
    comment = world.draft(samples.BEN.device_seed(), "merge", {}).encode()
    talks: list[list[bytes]] = [
        [hello, encode_frame(All(0, b"")), encode_frame(AskContent(world.council.heads()[0], 0))],
        [hello, encode_frame(Compare(Reconciliation(items, True).initiate())), encode_frame(Want(tuple(world.council.heads())))],
        [hello, encode_frame(Operations((word, comment))), encode_frame(Want((seed("nothing"),)))],
        [encode_frame(Hello(seed("another council"), 0, 0, ()))],
    ]  # fmt: skip
    assert said
    return [encode(list(talk)) for talk in talks]


def _answers() -> list[bytes]:
    """What somebody answers who is asked by a node with this council, lies included."""
    world = _world()
    hello = encode_frame(Hello(world.council.id, 9, 0, (world.council.id,)))
    more = Items([*list(world.council.items), (90, seed("nobody has it"))])
    compared = Reconciliation(more, False).receive(Reconciliation(world.council.items.snapshot(), True).initiate())
    assert compared.reply is not None
    comment = world.draft(samples.BEN.device_seed(), "merge", {}).encode()
    talks: list[list[bytes]] = [
        [hello, encode_frame(Compare(compared.reply)), encode_frame(Operations((comment,))), encode_frame(End()), encode_frame(Taken(1))],
        [encode(["bring", 0]), hello, encode_frame(Compare(b"\x61"))],
        [hello, encode_frame(Compare(b"\x61")), encode(["no", "no-content", "no"]), encode(["content-is", bytes(16), 3]), encode_frame(Piece(b"abc"))],
    ]  # fmt: skip
    return [encode(list(talk)) for talk in talks]


def _news() -> list[bytes]:
    world = _world()
    comment = world.draft(samples.BEN.device_seed(), "merge", {}).encode()
    return [
        encode(
            [encode_frame(News(world.council.id, (comment,))), encode_frame(News(world.council.id, (comment, comment)))]
        )
    ]


def _relayed() -> list[bytes]:
    words = ("through", "from")
    return [encode([encode([word, key]), bytes(100)]) for word in words for key in (samples.BEN.node, seed("nobody"))]


def _requests() -> list[bytes]:
    world = _world()
    invitation = world.invite(samples.ADA)
    world.request(invitation, samples.CLEO)
    return [encode([encode_frame(Join(world.said[-1].encode()))]), encode([encode_frame(Join(world.said[0].encode()))])]


Conversing = Callable[[Village, Stream], Awaitable[Any]]


def _streamed(name: str, share: int, protocol: str, seeds: Callable[[], list[bytes]], converse: Conversing) -> Target:
    """A target that reads a stream; every other input comes from a stranger."""

    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Try]:
        async with _village(folder) as village, _watched() as faults:
            peers = [samples.BEN.node, STRANGER]
            turn = 0

            async def one(data: bytes) -> str:
                nonlocal turn
                turn += 1
                stream = Stream(peers[turn % 2], protocol, Paper(_sent(data)))
                word = "well"
                try:
                    await converse(village, stream)
                except Malformed as error:
                    word = error.rule
                except StreamError as error:
                    word = type(error).__name__
                faults.check()
                return word

            yield one
            assert village.node.service.council(village.id).digest()

    return Target(name, share, seeds, opened)


async def _answer(village: Village, stream: Stream) -> str:
    return str((await Answering(village.node.service, stream).run()).refused)


async def _ask(village: Village, stream: Stream) -> str:
    return str((await Asking(village.node.service, stream).run(village.id)).refused)


async def _hear_news(village: Village, stream: Stream) -> None:
    await village.node.gossip._listen(stream)


async def _hear_relay(village: Village, stream: Stream) -> None:
    relay = village.node.neighbours._relay
    assert relay is not None
    await relay._serve(stream)


async def _hear_request(village: Village, stream: Stream) -> None:
    await receive_request(village.node.service, stream)


@asynccontextmanager
async def _topic(folder: Path) -> AsyncIterator[Try]:
    """What comes over GossipSub from a publisher whose signature holds."""
    async with _village(folder) as village, _watched() as faults:
        while village.id not in village.node.gossip._public:
            await trio.lowlevel.checkpoint()

        async def one(data: bytes) -> str:
            frames = _sent(data)
            good = await village.node.gossip._check(STRANGER, frames[4:])
            faults.check()
            return str(good)

        yield one


# Below the streams: real connections


def _knocks() -> list[bytes]:
    hello = line("/multistream/1.0.0")
    return [hello + line("/noise") + b"\0\x20" + bytes(32), hello + line("na"), hello + line("ls"), hello * 3]


@asynccontextmanager
async def _door(_: Path) -> AsyncIterator[Try]:
    """Connections of strangers, from the first byte on."""
    async with (
        hosts(settings(1, handshake_rate=1e9), settings(2), limit=float("inf")) as (server, client),
        _watched() as faults,
    ):
        server.handle(ECHO, echo)
        await client.dial(server.addresses[0])

        async def one(data: bytes) -> str:
            async with await raw(server) as stream:
                with suppress(trio.BrokenResourceError):
                    await stream.send_all(data)
                    await stream.send_eof()
                    while await stream.receive_some():
                        pass
            faults.check()
            return ""

        yield one
        assert await ask(client, server.peer) == b"are you there?"


def _muxed() -> list[bytes]:
    from tests.network.test_hostile import header

    streams = [
        header(1, 1, 1, 0) + header(0, 0, 1, 20) + line("/multistream/1.0.0"),
        header(2, 1, 0, 7),
        header(3, 0, 0, 1),
    ]
    return [*streams, header(0, 5, 3, 4) + b"abcd", header(1, 0, 1, 1 << 31)]


@asynccontextmanager
async def _mux(_: Path) -> AsyncIterator[Try]:
    """What a peer can send below the streams, once it has proved its key."""
    async with (
        hosts(settings(1, handshake_rate=1e9), settings(2), limit=float("inf")) as (server, client),
        _watched() as faults,
    ):
        server.handle(ECHO, echo)
        await client.dial(server.addresses[0])

        async def one(data: bytes) -> str:
            async with intruder(server) as muxer:
                with suppress(RawConnError, ConnectionClosedError):
                    for begin in range(0, len(data), 60_000):
                        await muxer.secured_conn.write(data[begin : begin + 60_000])
            faults.check()
            return ""

        yield one
        assert await ask(client, server.peer) == b"are you there?"


def _rpcs() -> list[bytes]:
    id = topic(_world().council.id)
    message = rpc_pb2.Message(data=b"x", topicIDs=[id], from_id=b"\x00\x24\x08\x01\x12\x20" + STRANGER, seqno=bytes(8))
    control = rpc_pb2.ControlMessage(
        ihave=[rpc_pb2.ControlIHave(topicID=id, messageIDs=[b"aa"])],
        iwant=[rpc_pb2.ControlIWant(messageIDs=[b"aa"])],
        graft=[rpc_pb2.ControlGraft(topicID=id)],
        prune=[rpc_pb2.ControlPrune(topicID=id, backoff=60)],
    )
    subscriptions = [rpc_pb2.RPC.SubOpts(subscribe=True, topicid=id)]
    rpcs = [rpc_pb2.RPC(subscriptions=subscriptions), rpc_pb2.RPC(publish=[message]), rpc_pb2.RPC(control=control)]
    return [rpc.SerializeToString() for rpc in rpcs]


@asynccontextmanager
async def _gossip(_: Path) -> AsyncIterator[Try]:
    """What a peer sends as GossipSub."""

    async def never(publisher: bytes, data: bytes) -> bool:
        return False

    async with (
        hosts(settings(1, gossip=True), settings(2, gossip=True), limit=float("inf")) as (server, client),
        _watched() as faults,
    ):
        server.handle(ECHO, echo)
        name = topic(_world().council.id)
        await server.subscribe(name, never)
        await client.subscribe(name, never)
        await client.dial(server.addresses[0])
        assert server._gossip is not None
        await server.wait_for_subscriber(name, client.peer)
        pubsub = server._gossip._pubsub

        async def one(data: bytes) -> str:
            rpc, word = rpc_pb2.RPC(), "taken"
            try:
                rpc.ParseFromString(data)
                await pubsub._take(peer_of(client.peer), rpc)
            except pubsub.BROKEN as error:
                word = type(error).__name__
            faults.check()
            return word

        yield one
        assert await ask(client, server.peer) == b"are you there?"


# The local API


def _calls() -> list[bytes]:
    """Requests as `[method, path, query, sort, body]`."""
    import json

    world = _world()
    id, said = operation_text(world.council.id), samples.said(world)
    heads = operation_text(world.council.heads()[0])
    base = f"/v1/councils/{id}"
    reads = [
        "/v1/node", "/v1/peers", "/v1/councils", "/v1/joining", base, *(
            f"{base}/{part}"
            for part in ("roll", "nodes", "charter", "epochs", "rivals", "replacements", "invitations", "requests", "motions", "proposals", "ballots", "export")
        ), f"{base}/motions/{heads}", f"{base}/proposals/{heads}", f"{base}/ballots/{heads}", f"{base}/ballots/{heads}/certificate",
        f"{base}/operations/{heads}", f"{base}/operations/{heads}/envelope", f"{base}/operations/{heads}/contents/0", f"{base}/proposals/{heads}/supports",
    ]  # fmt: skip
    peer = peer_text(seed("peer"))
    writes = [
        ["POST", f"{base}/draft", "", "application/json", json.dumps({"needs": [heads]}).encode()],
        ["POST", "/v1/operations", "", "application/cbor", said[-1]],
        ["PUT", f"{base}/operations/{heads}/contents/0", "", "application/cbor", encode([bytes(16), b"text"])],
        ["POST", "/v1/peers", "", "application/json", json.dumps({"address": f"/ip4/127.0.0.1/tcp/1/p2p/{peer}"}).encode()],
        ["PUT", f"/v1/peers/{peer}/away", "", "application/json", json.dumps({"seconds": 5, "reason": "a test"}).encode()],
        ["DELETE", f"/v1/peers/{peer}/away", "", "", b""],
        ["DELETE", f"/v1/peers/{peer}", "", "", b""],
        ["POST", "/v1/node/proofs", "", "application/json", json.dumps({"context": id, "sort": "teller"}).encode()],
        ["PUT", f"/v1/petnames/{person_text(samples.BEN.key)}", "", "application/json", json.dumps({"name": "Ben"}).encode()],
        ["POST", "/v1/joining", "", "application/cbor", encode([said[-1], [[seed("node"), ["/ip4/127.0.0.1/tcp/1"]]]])],
        ["POST", "/v1/following", "", "application/json", json.dumps({"council": id, "nodes": []}).encode()],
        ["POST", f"{base}/branch", "", "application/json", json.dumps({"epoch": heads}).encode()],
        ["POST", f"{base}/replacements", "", "application/json", json.dumps({"tellers": []}).encode()],
        ["POST", f"{base}/ballots/{heads}/draft", "", "application/json", json.dumps({"choice": "yes"}).encode()],
        ["GET", "/v1/resolve", "what=Heat", "", b""],
    ]  # fmt: skip
    return [encode(call) for call in [*(["GET", path, "", "", b""] for path in reads), *writes]]


async def _call(app: Application, call: Sequence[Any]) -> int:
    """One request over ASGI; gives the status."""
    method, path, query, sort, body = call
    status: list[int] = []
    given = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return given.pop() if given else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    headers = [(b"host", b"127.0.0.1:1"), (b"authorization", b"Bearer " + _TOKEN.encode())]
    headers += [(b"content-type", sort.encode("utf-8", "replace"))] if sort else []
    headers.append((b"content-length", b"%d" % len(body)))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "raw_path": quote(path).encode(), "query_string": query.encode("utf-8", "replace"), "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "extensions": {}, "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    return status[0]


@asynccontextmanager
async def _api(folder: Path) -> AsyncIterator[Try]:
    """Requests of a program that holds the token."""
    async with _village(folder) as village, _watched() as faults:
        node = village.node
        local = Local(
            node.service, node.neighbours, node.teller, node.keys, node.config, 1, node.started, node.clock, node.tally
        )
        app = application(local, _TOKEN)
        served = logging.getLogger("node.api")
        served.addHandler(faults)

        async def one(data: bytes) -> str:
            try:
                call = cbor2.loads(data)
            except Exception:  # noqa: BLE001  # whatever a CBOR library raises: then it is no request
                return "no request"
            texts = isinstance(call, list) and len(call) == 5 and all(isinstance(part, str) for part in call[:4])
            if not texts or not isinstance(call[4], bytes) or not call[1].startswith("/") or "events" in call[1]:
                return "no request"
            if not call[0].isalpha() or not call[0].isascii():
                return "no request"
            status = await _call(app, call)
            faults.check()
            assert status < 500, f"status {status} to {call[0]} {call[1]}"
            return f"{status} {call[0][:6]}"

        try:
            yield one
        finally:
            served.removeHandler(faults)


ANSWERERS = (
    _streamed("sync-asked", 150, SYNC, _talks, _answer),
    _streamed("sync-answered", 150, SYNC, _answers, _ask),
    _streamed("push", 100, PUSH, _news, _hear_news),
    _streamed("join", 100, JOIN, _requests, _hear_request),
    _streamed("relay", 50, RELAY, _relayed, _hear_relay),
    Target("topic", 50, _news, _topic),
    Target("api", 100, _calls, _api),
    Target("gossip", 20, _rpcs, _gossip),
    Target("door", 10, _knocks, _door),
    Target("mux", 10, _muxed, _mux),
)
