from protocol.ids import OperationId
from protocol.log.waiting import Waiting

ANN, BEN = b"ann", b"ben"


def op(n: int) -> OperationId:
    return OperationId(bytes([n]) * 32)


def test_what_waits_comes_out_when_the_last_dep_is_here() -> None:
    waiting = Waiting()
    assert waiting.add(op(9), b"nine", [op(1), op(2)], ANN) == []
    assert op(9) in waiting
    assert len(waiting) == 1
    assert waiting.missing() == {op(1), op(2)}
    assert waiting.arrived(op(1)) == []
    assert waiting.missing() == {op(2)}
    assert waiting.arrived(op(2)) == [(ANN, b"nine")]
    assert len(waiting) == 0
    assert op(9) not in waiting
    assert waiting.missing() == set()


def test_what_nobody_waits_for_wakes_nobody() -> None:
    waiting = Waiting()
    waiting.add(op(9), b"nine", [op(1)], ANN)
    assert waiting.arrived(op(7)) == []
    assert len(waiting) == 1


def test_several_wait_for_one_and_come_in_order_of_id() -> None:
    waiting = Waiting()
    for n in (7, 5, 6):
        waiting.add(op(n), bytes([n]), [op(1)], ANN if n == 5 else BEN)
    assert waiting.arrived(op(1)) == [(ANN, b"\5"), (BEN, b"\6"), (BEN, b"\7")]


def test_what_waits_itself_is_not_missing() -> None:
    waiting = Waiting()
    waiting.add(op(2), b"two", [op(1)], ANN)
    waiting.add(op(3), b"three", [op(2)], ANN)
    assert waiting.missing() == {op(1)}


def test_a_second_copy_changes_nothing() -> None:
    waiting = Waiting(count=1)
    waiting.add(op(2), b"two", [op(1)], ANN)
    assert waiting.add(op(2), b"two", [op(1)], BEN) == []
    assert waiting.arrived(op(1)) == [(ANN, b"two")]


def test_a_source_with_too_many_loses_its_own_oldest() -> None:
    waiting = Waiting(count=2)
    waiting.add(op(2), b"two", [op(1)], BEN)
    assert [waiting.add(op(n), bytes([n]), [op(1)], ANN) for n in (3, 4, 5, 6)] == [[], [], [op(3)], [op(4)]]
    assert waiting.arrived(op(1)) == [(BEN, b"two"), (ANN, b"\5"), (ANN, b"\6")]


def test_a_source_with_too_much_loses_its_own_oldest() -> None:
    waiting = Waiting(size=100)
    waiting.add(op(2), bytes(100), [op(1)], BEN)
    waiting.add(op(3), bytes(60), [op(1)], ANN)
    waiting.add(op(4), bytes(40), [op(1)], ANN)
    assert waiting.add(op(5), bytes(41), [op(1)], ANN) == [op(3)]
    assert waiting.add(op(6), bytes(101), [op(9)], ANN) == [op(4), op(5), op(6)]
    assert waiting.missing() == {op(1)}
    # Nothing of it is left behind to count against what comes later.
    assert waiting.add(op(7), bytes(100), [op(1)], ANN) == []


def test_a_source_that_is_let_go_takes_its_own_along() -> None:
    waiting = Waiting()
    waiting.add(op(2), b"two", [op(1)], ANN)
    waiting.add(op(3), b"three", [op(1), op(8)], BEN)
    waiting.add(op(4), b"four", [op(1)], BEN)
    waiting.drop_source(BEN)
    waiting.drop_source(b"nobody")
    assert len(waiting) == 1
    assert waiting.missing() == {op(1)}
    assert waiting.arrived(op(1)) == [(ANN, b"two")]


def test_all_together_are_bounded_and_the_largest_crowd_makes_room() -> None:
    """A stranger may have any number of keys."""
    waiting = Waiting(10, 100, 4, 50)
    for n in range(4):
        assert waiting.add(op(n), bytes(10), [op(99)], bytes([n]) if n < 2 else BEN) == []
    assert waiting.add(op(4), bytes(1), [op(99)], ANN) == [op(2)], "the oldest of who has most"
    assert op(0) in waiting
    assert waiting.add(op(5), bytes(40), [op(99)], ANN) == [op(4), op(5)]
    assert [n for n in range(6) if op(n) in waiting] == [0, 1, 3]
    waiting.drop_source(BEN)
    assert waiting.add(op(6), bytes(25), [op(99)], ANN) == [], "what was dropped is counted no more"
