"""Events wait in bounded room, and the end state is never lost."""

import pytest
import trio
import trio.testing

from node.host.events import Connected, Disconnected, Discovered, Event, Events, Noticeboard

pytestmark = pytest.mark.trio


async def waiting(events: Events) -> list[Event]:
    events.close()
    return [event async for event in events]


async def test_they_come_in_order() -> None:
    events = Events([Connected(b"a", "here")])
    events.tell(Connected(b"b", "there"))
    assert await waiting(events) == [Connected(b"a", "here"), Connected(b"b", "there")]


async def test_who_came_and_went_unseen_is_not_mentioned() -> None:
    events = Events([])
    for number in range(10_000):
        events.tell(Connected(number.to_bytes(2, "big"), "x"))
        events.tell(Disconnected(number.to_bytes(2, "big")))
    events.tell(Connected(b"stays", "x"))
    assert await waiting(events) == [Connected(b"stays", "x")]


async def test_who_was_seen_and_came_back_is_told_again() -> None:
    events = Events([Connected(b"a", "x")])
    assert await anext(events) == Connected(b"a", "x")
    events.tell(Disconnected(b"a"))
    events.tell(Connected(b"a", "y"))
    assert await anext(events) == Connected(b"a", "y")
    events.tell(Disconnected(b"a"))
    assert await waiting(events) == [Disconnected(b"a")]


async def test_only_so_many_discoveries_wait_and_the_newest_stay() -> None:
    events = Events([Connected(b"a", "x")])
    for number in range(1000):
        events.tell(Discovered(number.to_bytes(2, "big"), ()))
    first, *found = await waiting(events)
    assert first == Connected(b"a", "x"), "they push nothing else out"
    assert [event.peer for event in found] == [number.to_bytes(2, "big") for number in range(744, 1000)]


async def test_who_listens_later_is_told_what_was_discovered() -> None:
    board = Noticeboard()
    for number in range(300):
        board.tell(Discovered(number.to_bytes(2, "big"), ("old",)))
    board.tell(Discovered(bytes(1) + bytes([200]), ("new",)))
    found = await waiting(board.listen([Connected(b"a", "x")]))
    assert found[0] == Connected(b"a", "x")
    assert found[-1] == Discovered(bytes(1) + bytes([200]), ("new",))
    assert len(found) == 257


async def test_a_reader_waits_for_what_comes() -> None:
    board = Noticeboard()
    events = board.listen([])
    async with trio.open_nursery() as nursery:
        got: list[Event] = []

        async def collect() -> None:
            got.extend([event async for event in events])

        nursery.start_soon(collect)
        await trio.testing.wait_all_tasks_blocked()
        board.tell(Connected(b"b", "x"))
        await trio.testing.wait_all_tasks_blocked()
        board.close()
    assert got == [Connected(b"b", "x")]
    assert [event async for event in board.listen([])] == []


async def test_a_reader_that_is_gone_is_forgotten() -> None:
    board = Noticeboard()
    events = board.listen([])
    assert len(board._listeners) == 1
    del events
    board.tell(Disconnected(b"a"))
    assert len(board._listeners) == 0
