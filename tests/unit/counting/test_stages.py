from protocol.counting.stages import narrow, told_apart

STAGES = ((5, 5, 4, 9), (6, 6, 6, 0), (7, 7, 7, 0))


def test_the_most_recent_difference_decides() -> None:
    assert narrow([0, 2], STAGES, highest=True) == [0]
    assert narrow([0, 2], STAGES, highest=False) == [2]


def test_who_is_still_equal_is_compared_further_back() -> None:
    assert narrow([2, 1, 0], STAGES, highest=True) == [0, 1]
    assert narrow([0, 1, 3], STAGES, highest=True) == [0, 1]
    assert narrow([0, 1], (), highest=True) == [0, 1]


def test_repetitions_tell_nothing() -> None:
    assert told_apart(STAGES, [2, 0]) == ((5, 4), (6, 6), (7, 7))
    assert told_apart(STAGES + STAGES[2:], {0, 2}) == told_apart(STAGES, [0, 2])
