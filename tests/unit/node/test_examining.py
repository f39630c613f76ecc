"""Examiners are real processes here: started, stopped, killed and answered badly."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from node import examining as module
from node.examiner import examine
from node.examining import Examining, default_examiners
from node.outcome import Accepted, Known, Rejected
from node.service import Service
from node.store import Store
from protocol.errors import Malformed
from protocol.log.operation import Envelope, decode_envelope, decode_header
from tests.worlds import Person, World

pytestmark = pytest.mark.trio

NODE = bytes(32)
ADA = Person("Ada")


def talk(count: int) -> list[bytes]:
    """The envelopes of a small council in which so much was said."""
    world = World()
    for n in range(count):
        world.say(ADA, "merge", {"n": n})
    return [envelope.encode() for envelope in world.said]


def forged(data: bytes) -> bytes:
    envelope = decode_envelope(data)
    return Envelope(decode_header(envelope.operation.header, bytes(64)), envelope.contents).encode()


@asynccontextmanager
async def at_hand(most: int = 1, idle: float = 600.0, patience: float = 600.0) -> AsyncIterator[Examining]:
    examining = Examining(most, idle, patience)
    async with trio.open_nursery() as nursery:
        await nursery.start(examining.run)
        yield examining
        nursery.cancel_scope.cancel()


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(60):
        while not holds():
            await trio.lowlevel.checkpoint()


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_is_found_by_place() -> None:
    good, other = talk(1)[:2]
    found = examine([good, b"\x80", forged(other), other])
    assert found.signed == [True, False, False, True]
    assert [None if item is None else item.encode() for item in found.opened] == [good, None, forged(other), other]
    with pytest.raises(Malformed) as caught:
        decode_envelope(b"\x80")
    assert found.faults == {1: (caught.value.rule, caught.value.message)}


async def test_an_examiner_finds_what_this_process_finds() -> None:
    said = talk(600)
    said[7], said[9] = forged(said[7]), b"no operation"
    async with at_hand() as examining:
        jobs = [examining.begin(said[begin : begin + 100]) for begin in range(0, len(said), 100)]
        assert examining.ahead
        # This process leaves all of it to the examiner.
        for job in jobs:
            await job.done.wait()
            assert await examining.finish(job) == examine(job.envelopes)
            assert job.findings == examine(job.envelopes)
        assert len(examining.examiners) == 1


async def test_a_few_operations_start_no_process() -> None:
    async with at_hand() as examining:
        job = examining.begin(talk(20))
        assert not examining.ahead
        assert (await examining.finish(job)).signed == [True] * 21


async def test_without_work_it_ends() -> None:
    async with at_hand(idle=0.0) as examining:
        jobs = [examining.begin(talk(500))]
        await until(lambda: bool(examining.examiners))
        (process,) = examining.examiners
        assert (await examining.finish(jobs[0])).signed == [True] * 501
        await until(lambda: not examining.ahead)
        assert not is_alive(process)


async def test_what_is_dropped_is_not_examined() -> None:
    examining = Examining(1)
    first, second = examining.begin(talk(3)), examining.begin([b"no operation"])
    examining.drop(first)
    await examining.finish(second)
    assert not first.done.is_set()
    examining.drop(second)


async def test_an_examiner_that_is_killed_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    said = talk(1500)
    async with at_hand() as examining:
        first = examining.begin(said[:600])
        await first.done.wait()
        (process,) = examining.examiners
        os.kill(process, signal.SIGSTOP)
        jobs = [examining.begin(said[begin : begin + 100]) for begin in range(0, len(said), 100)]
        await until(lambda: len(examining.waiting) == len(jobs) - 3)  # those are with the examiner
        os.kill(process, signal.SIGKILL)
        assert [await examining.finish(job) for job in jobs] == [examine(job.envelopes) for job in jobs]
        await until(lambda: not is_alive(process))
        assert "An examiner ended" in caplog.text
        # The next bulk has one again.
        await until(lambda: not examining.ahead)
        again = examining.begin(said)
        await again.done.wait()
        assert process not in examining.examiners


@pytest.mark.parametrize(
    "program",
    [
        "sys.stdout.buffer.write(bytes([0, 0, 0, 1, 0xc1]))",
        "sys.stdout.buffer.write(bytes([0, 0, 0, 4, 0x93, 0x90, 0x90, 0x80]))",
        "sys.stdin.close()",
        "pass",
    ],
    ids=["no answer", "an answer to nothing", "no ear", "silent"],
)
async def test_an_examiner_that_makes_no_sense_is_let_go(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(module, "_PROGRAM", f"import sys, time; {program}; sys.stdout.flush(); time.sleep(600)")
    said = talk(800)
    async with at_hand(patience=0.5) as examining:
        jobs = [examining.begin(said[begin : begin + 100]) for begin in range(0, len(said), 100)]
        await until(lambda: bool(examining.examiners))
        (process,) = examining.examiners
        assert [await examining.finish(job) for job in jobs] == [examine(job.envelopes) for job in jobs]
        await until(lambda: not is_alive(process))


async def test_where_no_process_can_be_started_the_node_does_it_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no such program"))
    async with at_hand() as examining:
        job = examining.begin(talk(600))
        await until(lambda: not examining.ahead)
        assert (await examining.finish(job)).signed == [True] * 601
        assert "No examiner could be started" in caplog.text
        examining.begin(talk(600))
        assert not examining.ahead


async def test_the_end_of_a_node_ends_them() -> None:
    async with at_hand() as examining:
        said = talk(900)
        job = examining.begin(said)
        await until(lambda: bool(examining.examiners))
        processes = list(examining.examiners)
    assert (await examining.finish(job)).signed == [True] * 901
    assert not any(map(is_alive, processes))


async def test_a_service_takes_a_bulk_in_the_order_in_which_it_came(tmp_path: Path) -> None:
    said = talk(2500)
    async with at_hand(2) as examining:
        store = Store(tmp_path / "hall.db")
        service = Service(store, lambda: 0, NODE, examining=examining)
        wrong = [*said[:1200], forged(said[1200]), b"no operation", *said[1200:]]
        outcomes = await service.submit(wrong)
        assert [type(outcome) for outcome in outcomes] == [Accepted] * 1200 + [Rejected] * 2 + [Accepted] * 1301
        assert [o.refusal.rule for o in outcomes if isinstance(o, Rejected)] == ["signature", "cbor"]
        assert {type(outcome) for outcome in await service.submit(said)} == {Known}
        (council,) = service.councils.values()
        assert len(council) == len(said)
        assert sum(len(chunk) for chunk in store.replay()) == len(said)
        # In parts, as they come from a peer.
        other = Service(Store(tmp_path / "other.db"), lambda: 0, NODE, examining=examining)
        told = []
        with other.intake() as intake:
            for begin in range(0, len(said), 700):
                told += await intake.put(said[begin : begin + 700])
            told += await intake.finish()
        assert [type(outcome) for outcome in told] == [Accepted] * len(said)
        (copy,) = other.councils.values()
        assert copy.digest() == council.digest()


async def test_what_is_left_when_an_intake_ends_early_is_dropped(tmp_path: Path) -> None:
    said = talk(700)
    async with at_hand() as examining:
        service = Service(Store(tmp_path / "hall.db"), lambda: 0, NODE, examining=examining)
        await service.submit(said[:1])
        with service.intake() as intake:
            await intake.put(said[1:])
        assert not examining.waiting
        assert len(await service.submit(said)) == len(said)


async def test_every_core_but_this_one_has_an_examiner() -> None:
    assert 0 <= default_examiners() <= 4
