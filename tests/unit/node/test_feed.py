import pytest
import trio
import trio.testing

from node.feed import Feed, Missed, News
from protocol.council.outcomes import Added
from protocol.ids import OperationId

pytestmark = pytest.mark.trio


def event(n: int) -> Added:
    return Added(OperationId(b"%032d" % n), "merge", None)


async def test_everybody_hears_what_is_for_them() -> None:
    feed = Feed()
    with feed.subscribe(None) as everything, feed.subscribe(b"a") as one:
        feed.tell([(b"a", [event(1)])])
        feed.tell([(b"b", [event(2)])])
        assert everything.drain() == [News(b"a", event(1)), News(b"b", event(2))]
        assert one.drain() == [News(b"a", event(1))]


async def test_a_reader_waits_for_news() -> None:
    feed = Feed()
    with feed.subscribe(None) as news:
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                assert await anext(news) == News(b"a", event(1))
                nursery.cancel_scope.cancel()

            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            feed.tell([(b"a", [event(1)])])
            await trio.sleep_forever()


async def test_a_slow_reader_is_told_how_much_it_missed() -> None:
    feed = Feed()
    with feed.subscribe(None) as first, feed.subscribe(None) as second:
        feed.tell([(b"a", [event(n) for n in range(5000)])])
        assert await anext(first) == Missed(904)
        assert await anext(first) == News(b"a", event(904))
        missed, *rest = second.drain()
        assert missed == Missed(904)
        assert rest[-1] == News(b"a", event(4999))
        feed.tell([(b"a", [event(1)])])
        assert second.drain() == [News(b"a", event(1))]


async def test_who_left_hears_nothing_more() -> None:
    feed = Feed()
    with feed.subscribe(None) as news:
        feed.tell([(b"a", [event(1)])])
    assert [item async for item in news] == []


async def test_the_end_comes_after_what_was_told() -> None:
    feed = Feed()
    news, later = feed.subscribe(None), None
    feed.tell([(b"a", [event(1)])])
    feed.close()
    later = feed.subscribe(None)
    assert [item async for item in news] == [News(b"a", event(1))]
    assert [item async for item in later] == []
