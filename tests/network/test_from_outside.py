"""Who may read, tried from outside on nodes that run as processes of their own: what comes over the wire is all there is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL

import trio

from node.frames import All as Everything
from node.frames import AskContent, Compare, Frame, Hello, Join, News, No, Operations, Want, decode_frame, encode_frame
from node.gossip import PUSH
from node.host import Host, HostSettings, ProtocolUnsupported, Stream, StreamReset, open_host
from node.invitation import JOIN
from node.session import SYNC
from protocol.ids import operation_text, parse_operation
from protocol.log.operation import Draft, Envelope, split_inline
from protocol.log.reconcile import Reconciliation
from tests.processes import NodeProcess
from tests.worlds import Teller, World, seed

from .councils import GUARD, HALL, everything, keys_of, people

ADA, BEN, CLEO = people(3)
LIMIT = 1 << 20


@contextmanager
def node_of(folder: Path, world: World) -> Iterator[NodeProcess]:
    """The hall's node with that council, running."""
    node = NodeProcess(folder / "hall", keys_of(HALL))
    node.settle("/ip4/127.0.0.1/tcp/0")
    node.hold(everything(world))
    node.begin()
    try:
        node.ready()
        yield node
    finally:
        node.end(SIGKILL)


def address(node: NodeProcess) -> str:
    answer = node.ask("GET", "/v1/node")
    return f"{answer['addresses'][0]}/p2p/{answer['peer']}"


async def told(host: Host, peer: bytes, protocol: str, *frames: Frame) -> list[bytes] | str:
    """Everything that comes back when these frames are sent one after the other, as bytes; or how it ended."""
    out: list[bytes] = []
    try:
        async with await host.open(peer, protocol) as stream:
            for frame in frames:
                await stream.send(encode_frame(frame))
                data = await stream.receive(LIMIT)
                if data is None:
                    break
                out.append(data)
    except StreamReset:
        return "reset"
    except ProtocolUnsupported:
        return "unsupported"
    return out


def test_a_stranger_learns_that_a_node_is_there_and_nothing_else(tmp_path: Path) -> None:
    """Whatever is asked about a council that is here, by who knows its id and its founding, is answered as for any other."""
    world, elsewhere = World(founder=ADA), World(founder=CLEO, tellers=(Teller("barn"),))
    world.admit(
        BEN, ADA
    )  # the digest of the epoch that the founding makes is the council's id: from here on, one must know more
    elsewhere.admit(BEN, CLEO)
    with node_of(tmp_path, world) as node:
        trio.run(_ask_as_stranger, node, world, elsewhere)
        assert [known["council"] for known in node.ask("GET", "/v1/councils")] == [operation_text(world.council.id)]


async def _ask_as_stranger(node: NodeProcess, world: World, elsewhere: World) -> None:
    with trio.fail_after(GUARD):
        async with open_host(HostSettings(seed("stranger"))) as stranger:
            peer = await stranger.dial(address(node))

            async def answers(about: World) -> list[list[bytes] | str]:
                id = about.council.id
                hellos = [Hello(id, 0, 0, ()), Hello(id, 9, 0, (id,)), Hello(id, 9, 0, (id, seed("an epoch")))]
                comparison = Compare(Reconciliation(about.council.items.snapshot(), True).initiate())
                more: list[Frame] = [comparison, Want((id,)), Everything(0, b""), AskContent(id, 0)]
                word = about.draft(CLEO.device_seed(), "merge", {}).encode()
                invented = Draft(id, CLEO.device(), 3, (seed("a dep"),), 0, "council.request", {}).signed(
                    CLEO.device_seed()
                )
                return [
                    *[await told(stranger, peer, SYNC, hello, *more) for hello in hellos],
                    await told(stranger, peer, PUSH, News(id, (word,))),
                    await told(stranger, peer, JOIN, Join(about.said[0].encode())),
                    await told(stranger, peer, JOIN, Join(invented.encode())),
                    await told(stranger, peer, "/meshsub/1.1.0", News(id, (word,))),
                ]

            here, there = await answers(world), await answers(elsewhere)
            assert here == there
            closed = encode_frame(No("closed", "This node does not speak with you about that council."))
            assert here[:3] == [[closed]] * 3
            assert here[3] == "reset"
            assert here[6] == "unsupported"


def test_a_member_who_is_removed_gets_nothing_from_then_on(tmp_path: Path) -> None:
    world = World(founder=ADA)
    world.admit(BEN, ADA)
    with node_of(tmp_path, world) as node:
        trio.run(_ask_as_removed, node, world)


async def _ask_as_removed(node: NodeProcess, world: World) -> None:
    id = world.council.id
    path = f"/v1/councils/{operation_text(id)}"
    with trio.fail_after(GUARD):

        def say(envelope: Envelope) -> None:
            data = Envelope(envelope.operation, split_inline(envelope.contents)).encode()
            assert node.ask("POST", "/v1/operations", data, "application/cbor")["state"] == "accepted"

        async with open_host(HostSettings(BEN.node_seed)) as ben:
            peer = await ben.dial(address(node))
            pushed: list[bytes] = []

            async def hear(stream: Stream) -> None:
                while (data := await stream.receive(LIMIT)) is not None:
                    frame = decode_frame(data)
                    assert isinstance(frame, News)
                    pushed.extend(frame.envelopes)
                    heard.set()

            heard = trio.Event()
            ben.handle(PUSH, hear)
            open_before = await ben.open(peer, SYNC)
            await open_before.send(encode_frame(Hello(id, 0, 0, ())))
            first = await open_before.receive(LIMIT)
            assert first is not None
            assert isinstance(decode_frame(first), Hello), "as long as she is a member she may read"

            membership = world.council.head.persons()[BEN.key]
            world.move(ADA, {"kind": "remove", "membership": membership})
            say(world.said[-1])
            while node.ask("GET", path)["epoch"] == 1:
                await trio.lowlevel.checkpoint()
            epoch = node.ask("GET", path)["epoch_digest"]
            # In the middle of a conversation, on a stream that was opened before: nothing.
            await open_before.send(encode_frame(Everything(0, b"")))
            data = await open_before.receive(LIMIT)
            assert data is not None
            assert decode_frame(data) == No("closed", "This node does not speak with you about that council.")
            # Said after she was removed: neither pushed nor given.
            while not any(b"council.epoch" in envelope for envelope in pushed):
                heard = trio.Event()
                await heard.wait()
            before = len(pushed)
            after = _after(world, node, path)
            say(after)
            again = await told(ben, peer, SYNC, Hello(id, 9, 0, (id,)))
            for hello in (Hello(id, 9, 0, ()), Hello(id, 9, 0, (id, bytes.fromhex("00" * 32)))):
                answer = await told(ben, peer, SYNC, hello)
                assert answer == [encode_frame(No("closed", "This node does not speak with you about that council."))]
            # Who names the founding is told of the epoch that took her off, and of nothing that came later.
            assert isinstance(again, list)
            given = [
                envelope
                for data in again
                if isinstance(frame := decode_frame(data), Operations)
                for envelope in frame.envelopes
            ]
            assert after.encode() not in given
            assert after.encode() not in pushed
            assert len(pushed) == before
            assert node.ask("GET", path)["epoch_digest"] == epoch


def _after(world: World, node: NodeProcess, path: str) -> Envelope:
    """What Ada says next, on what the node holds."""
    draft = node.ask("POST", f"{path}/draft", json.dumps({"needs": []}).encode())
    deps = tuple(sorted(parse_operation(dep) for dep in draft["deps"]))
    return Draft(world.council.id, ADA.device(), draft["depth"], deps, 5, "merge", {}).signed(ADA.device_seed())
