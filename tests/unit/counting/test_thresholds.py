from fractions import Fraction

import pytest

from protocol.counting.thresholds import HALF, Threshold, at_least, more_than
from protocol.errors import Malformed


def test_at_least_is_reached_and_more_than_must_be_passed() -> None:
    assert at_least(2, 3).met(2, 3)
    assert not more_than(2, 3).met(2, 3)
    assert more_than(2, 3).met(67, 100)
    assert not at_least(2, 3).met(66, 100)
    assert at_least(1, 1).met(5, 5)


def test_a_third_is_a_third_exactly() -> None:
    assert at_least(1, 3).met(Fraction(1, 3), 1)
    assert not at_least(1, 3).met(Fraction(333_333_333, 1_000_000_000), 1)


def test_nothing_is_never_enough() -> None:
    assert not at_least(1, 10).met(0, 0)
    assert not HALF.met(0, 0)


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 3), (-1, 3), (4, 3), (1, 0), (1, -2)])
def test_a_share_outside_the_whole_is_refused(numerator: int, denominator: int) -> None:
    with pytest.raises(Malformed) as fault:
        at_least(numerator, denominator)
    assert fault.value.rule == "threshold.share"


def test_more_than_everybody_is_impossible() -> None:
    with pytest.raises(Malformed) as fault:
        more_than(3, 3)
    assert fault.value.rule == "threshold.impossible"


def test_in_words() -> None:
    assert str(at_least(4, 6)) == "at least 2/3"
    assert str(more_than(1, 2)) == "more than 1/2"
    assert Threshold(Fraction(1, 2), strict=True) == HALF
