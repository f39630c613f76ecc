"""What a node does with peers that break the protocol, speak another version, or ask what they may not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from node.frames import (
    All,
    AskContent,
    Bring,
    Compare,
    End,
    Frame,
    Hello,
    Join,
    News,
    No,
    Operations,
    Taken,
    Want,
    decode_frame,
    encode_frame,
)
from node.gossip import PUSH
from node.host import Host, HostSettings, Stream, StreamError, StreamReset, open_host
from node.invitation import JOIN
from node.run import Node
from node.session import SYNC
from node.testing import connected, settled
from protocol.codec import encode
from protocol.ids import peer_text
from protocol.log.items import Items
from protocol.log.operation import decode_header
from protocol.log.reconcile import Reconciliation
from tests.worlds import Person, World

from .councils import GUARD, council_at, everything, home, people, say, submit
from .test_sync import request_of

pytestmark = pytest.mark.trio

ADA, BEN, CLEO = people(3)
LIMIT = 1 << 20


class Stage:
    """Ada's real node, and a bare host with the key of Ben's node, whom the council lists."""

    def __init__(self, world: World, ada: Node, ben: Host) -> None:
        self.world = world
        self.id = world.council.id
        self.ada = ada
        self.ben = ben
        self.hello = Hello(self.id, 1, 0, (self.id,))

    async def open(self, protocol: str) -> Stream:
        return await self.ben.open(self.ada.host.peer, protocol)

    async def push_for_ever(self, envelope: bytes) -> None:
        async with await self.open(PUSH) as stream:
            while True:
                await stream.send(encode_frame(News(self.id, (envelope,))))

    async def talk(self, stream: Stream, *frames: Frame | bytes) -> Frame | None:
        """Send frames, give the next answer."""
        for frame in frames:
            await stream.send(frame if isinstance(frame, bytes) else encode_frame(frame))
        data = await stream.receive(LIMIT)
        return None if data is None else decode_frame(data)


@asynccontextmanager
async def stage(folder: Path, visitor: Person = BEN) -> AsyncIterator[Stage]:
    world = World(founder=ADA)
    world.admit(BEN, ADA)
    world.proposal(ADA)
    with trio.fail_after(GUARD):
        async with home(folder, ADA) as ada, open_host(HostSettings(visitor.node_seed)) as host:
            await submit(ada, everything(world))
            await host.dial(ada.host.addresses[0])
            await connected(ada, host.peer)
            yield Stage(world, ada, host)


async def test_a_polite_peer_is_served(tmp_path: Path) -> None:
    async with stage(tmp_path) as on, await on.open(SYNC) as stream:
        answer = await on.talk(stream, on.hello)
        assert isinstance(answer, Hello)
        assert answer.operations == len(on.world.said)
        answer = await on.talk(stream, All(0, b""))
        assert isinstance(answer, Operations)
        assert list(answer.envelopes) == [envelope.encode() for envelope in on.ada.service.saved_envelopes(on.id)]
        data = await stream.receive(LIMIT)
        assert data is not None
        assert decode_frame(data) == End()


@pytest.mark.parametrize(
    ("frames", "rule"),
    [
        ((b"garbage",), "cbor"),
        ((encode(["dance"]),), "frame"),
        ((Want(()),), "sync-hello"),
        (("hello", "hello"), "sync-question"),
        (("hello", Bring(0)), "sync-question"),
        (("hello", Taken(1)), "sync-question"),
        (("hello", Compare(b"")), "negentropy-short"),
        (("hello", Compare(b"\x61\x00\x00\x07")), "negentropy-mode"),
        (("hello", Operations((b"garbage",))), "cbor"),
        (("hello", "forged"), "signature"),
    ],
)
async def test_who_breaks_the_protocol_is_told_which_rule_and_kept_away(
    tmp_path: Path, frames: tuple[Frame | bytes | str, ...], rule: str
) -> None:
    async with stage(tmp_path) as on, await on.open(SYNC) as stream:
        answer: Frame | None = None
        for frame in frames:
            if frame == "hello":
                frame = on.hello
            elif frame == "forged":
                comment = on.world.draft(BEN.device_seed(), "merge", {})
                header = decode_header(comment.operation.header, bytes(64))
                frame = Operations((type(comment)(header, ()).encode(),))
            assert not isinstance(frame, str)
            answer = await on.talk(stream, frame)
        assert isinstance(answer, No)
        assert answer.rule == rule
        await connected(on.ada)
        assert on.ada.host.banned(on.ben.peer)
        assert on.ada.service.councils[on.id].digest() == on.world.council.digest()


async def test_a_peer_of_another_version_is_shown_as_such(tmp_path: Path) -> None:
    async def newer(stream: Stream) -> None:
        await stream.receive(LIMIT)
        await stream.send(encode(["hello", {"version": 2, "news": "everything changed"}]))

    async with stage(tmp_path) as on:
        on.ben.handle(SYNC, newer)
        await on.ada.syncer.ask(on.ben.peer, on.id)
        (trouble,) = [peer.trouble for peer in on.ada.neighbours.known() if peer.peer == on.ben.peer]
        assert trouble is not None
        assert f"{peer_text(on.ben.peer)} version 2: update the first." in trouble
        assert on.ben.peer in on.ada.host.connected()


async def test_a_peer_of_another_version_is_told_so_and_not_kept_away(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        async with await on.open(SYNC) as stream:
            answer = await on.talk(stream, encode(["hello", {"version": 2, "news": "everything changed"}]))
        assert isinstance(answer, No)
        assert answer.rule == "version"
        mine, theirs = peer_text(on.ada.host.peer), peer_text(on.ben.peer)
        # The same words are read on both sides, so they name both nodes.
        assert answer.message == (
            f"{mine} speaks version 1 of Folkmoot's protocol and {theirs} version 2: update the first."
        )
        async with await on.open(JOIN) as stream:
            answer = await on.talk(stream, Join(b"", version=0))
        assert isinstance(answer, No)
        assert answer.message == (
            f"{theirs} speaks version 0 of Folkmoot's protocol and {mine} version 1: update the first."
        )
        assert not on.ada.host.banned(on.ben.peer)


async def test_a_later_program_of_the_same_version_may_say_more(tmp_path: Path) -> None:
    """What this one does not know in a hello is passed over, and both go on."""
    async with stage(tmp_path) as on, await on.open(SYNC) as stream:
        hello = {"version": 1, "council": on.id, "operations": 0, "first": 0, "epochs": []}
        answer = await on.talk(stream, encode(["hello", {**hello, "features": ["songs"], "motto": "onwards"}]))
        assert isinstance(answer, Hello)
        assert answer.council == on.id


async def test_a_stranger_cannot_tell_a_council_that_is_here_from_one_that_is_not(tmp_path: Path) -> None:
    async with stage(tmp_path, visitor=CLEO) as on:
        answers = []
        for council in (on.id, b"x" * 32):
            async with await on.open(SYNC) as stream:
                answers.append(await on.talk(stream, Hello(council, 0, 0, ())))
            async with await on.open(JOIN) as stream:
                foreign = (
                    on.world.draft(CLEO.device_seed(), "council.request", {}, deps=(council,))
                    if council == on.id
                    else None
                )
                envelope = foreign.encode() if foreign is not None else World(founder=CLEO).said[0].encode()
                answers.append(await on.talk(stream, Join(envelope)))
        closed = answers[0]
        assert isinstance(closed, No)
        assert closed.rule == "closed"
        assert answers[2] == closed
        # A founding that nobody here asked for looks the same.
        assert answers[3] == closed


async def test_a_stranger_leaves_nothing_waiting(tmp_path: Path) -> None:
    """A request for an invitation that is not here is not kept: strangers could be any number."""
    async with stage(tmp_path, visitor=CLEO) as on:
        elsewhere = World(founder=ADA)
        elsewhere.admit(BEN, ADA)
        request = request_of(CLEO, elsewhere, elsewhere.invite(BEN))
        assert elsewhere.council.id == on.id
        async with await on.open(JOIN) as stream:
            answer = await on.talk(stream, Join(request.encode()))
        assert isinstance(answer, No)
        assert answer.rule == "closed"
        assert len(on.ada.service._waiting) == 0


async def test_a_peer_holds_four_conversations_at_once_and_is_asked_to_wait_with_the_fifth(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        streams = [await on.open(SYNC) for _ in range(5)]
        answers = [await on.talk(stream, on.hello) for stream in streams]
        assert [type(answer) for answer in answers[:4]] == [Hello] * 4
        assert isinstance(answers[4], No)
        assert answers[4].rule == "later"
        await streams[0].finish()
        assert await streams[0].receive(LIMIT) is None
        async with await on.open(SYNC) as stream:
            assert isinstance(await on.talk(stream, on.hello), Hello)


async def test_what_a_peer_left_waiting_goes_with_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        first = on.world.draft(BEN.device_seed(), "merge", {})
        on.world.insert(first)
        second = on.world.draft(BEN.device_seed(), "merge", {})
        async with await on.open(PUSH) as stream:
            await stream.send(encode_frame(News(on.id, (second.encode(),))))
            await settled(on.ada, lambda: len(on.ada.service._waiting) == 1)
        await on.ben.disconnect(on.ada.host.peer)
        await connected(on.ada)
        await on.ada.service.submit([first.encode()])
        assert second.operation.id not in council_at(on.ada, on.id)


async def test_what_a_stranger_pushes_is_not_even_looked_at(tmp_path: Path) -> None:
    async with stage(tmp_path, visitor=CLEO) as on:
        comment = on.world.draft(BEN.device_seed(), "merge", {})
        with pytest.raises(StreamReset):
            await on.push_for_ever(comment.encode())
        assert comment.operation.id not in council_at(on.ada, on.id)
        # The same from a member's node comes in.
        await on.ada.service.submit([comment.encode()], BEN.node)
        assert comment.operation.id in council_at(on.ada, on.id)


async def test_a_member_pushes(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        comment = on.world.draft(BEN.device_seed(), "merge", {})
        async with await on.open(PUSH) as stream:
            await stream.send(encode_frame(News(on.id, (comment.encode(),))))
            await settled(on.ada, lambda: comment.operation.id in council_at(on.ada, on.id))


@pytest.mark.parametrize("frame", [b"garbage", encode_frame(End()), encode(["news", b"", []])])
async def test_who_pushes_nonsense_is_kept_away(tmp_path: Path, frame: bytes) -> None:
    async with stage(tmp_path) as on, await on.open(PUSH) as stream:
        await stream.send(frame)
        await connected(on.ada)
        assert on.ada.host.banned(on.ben.peer)


async def test_a_removed_member_is_stopped_in_the_middle(tmp_path: Path) -> None:
    """Entitlement is looked at again with every question, not only at the greeting."""
    async with stage(tmp_path) as on, await on.open(SYNC) as stream:
        assert isinstance(await on.talk(stream, on.hello), Hello)
        membership = council_at(on.ada, on.id).head.persons()[BEN.key]
        motion = on.world.move(ADA, {"kind": "remove", "membership": membership})
        assert on.world.epoch() is not None
        assert motion
        await submit(on.ada, everything(on.world))
        answer = await on.talk(stream, All(0, b""))
        assert isinstance(answer, No)
        assert answer.rule == "closed"


async def test_an_attachment_that_is_not_here_is_no_mistake(tmp_path: Path) -> None:
    async with stage(tmp_path) as on, await on.open(SYNC) as stream:
        await on.talk(stream, on.hello)
        for question in (AskContent(b"x" * 32, 0), AskContent(on.id, 0), AskContent(on.world.said[-1].operation.id, 9)):
            answer = await on.talk(stream, question)
            assert isinstance(answer, No)
            assert answer.rule == "no-content"


async def test_a_node_without_our_protocols_is_left_in_peace(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Ben's host speaks nothing of ours: Ada's node says so once and goes on."""
    async with stage(tmp_path) as on:
        for _ in range(2):
            assert await on.ada.syncer.ask(on.ben.peer, on.id) is None
        (words,) = [record.getMessage() for record in caplog.records if "another version" in record.getMessage()]
        assert "does not speak /folkmoot/sync/1" in words
        assert "update the older of the two" in words
        said = await say(on.ada, ADA, on.id, "merge", {})
        assert said in council_at(on.ada, on.id)
        assert not on.ada.host.banned(on.ben.peer)
        assert on.ada.host.connected() == {on.ben.peer}


async def test_a_peer_that_lies_about_what_it_was_asked_is_let_go(tmp_path: Path) -> None:
    """Ben answers Ada's questions with answers to others."""
    async with stage(tmp_path) as on:
        told: list[Frame] = []

        async def lie(stream: Stream) -> None:
            data = await stream.receive(LIMIT)
            assert data is not None
            await stream.send(encode_frame(on.hello))
            data = await stream.receive(LIMIT)
            assert data is not None
            assert isinstance(decode_frame(data), Compare)
            await stream.send(encode_frame(Taken(3)))
            data = await stream.receive(LIMIT)
            if data is not None:
                told.append(decode_frame(data))

        on.ben.handle(SYNC, lie)
        await connected(on.ada)
        assert on.ada.host.banned(on.ben.peer)
        assert [frame.rule for frame in told if isinstance(frame, No)] == ["sync-answer"]


async def test_more_than_was_asked_for_is_not_taken(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        comment = on.world.draft(BEN.device_seed(), "merge", {}).encode()

        async def flood(stream: Stream) -> None:
            try:
                await stream.receive(LIMIT)
                await stream.send(encode_frame(on.hello))
                data = await stream.receive(LIMIT)
                assert data is not None
                items = Items([*council_at(on.ada, on.id).items, (100, b"z" * 32)])
                frame = decode_frame(data)
                while isinstance(frame, Compare):
                    reply = Reconciliation(items, False).receive(frame.message).reply
                    assert reply is not None
                    await stream.send(encode_frame(Compare(reply)))
                    data = await stream.receive(LIMIT)
                    assert data is not None
                    frame = decode_frame(data)
                assert frame == Want((b"z" * 32,))
                await stream.send(encode_frame(Operations((comment, comment))))
                await stream.receive(LIMIT)
            except StreamError:
                pass

        on.ben.handle(SYNC, flood)
        await connected(on.ada)
        assert on.ada.host.banned(on.ben.peer)
