from collections import Counter
from fractions import Fraction

import pytest

from protocol.counting.sortition import Pool, seats_by_share, sortition
from protocol.errors import Malformed

HALF = Fraction(1, 2)
THIRD = Fraction(1, 3)


def test_the_draw_does_not_depend_on_the_order_of_the_list() -> None:
    people = tuple(f"person {number}" for number in range(20))
    drawn = sortition(Pool(people, 5), seed=b"seed")
    again = sortition(Pool(people[::-1], 5), seed=b"seed")
    assert drawn.rule == "sortition/1"
    assert [people[i] for i in drawn.elected] == [people[::-1][i] for i in again.elected]
    assert sortition(Pool(people, 5), seed=b"another seed").elected != drawn.elected


def test_everyone_is_as_likely_as_anyone() -> None:
    pool = Pool(("Ada", "Ben", "Cleo", "Dov"), 2)
    sets = Counter(tuple(sorted(sortition(pool, seed=number.to_bytes(4, "big")).elected)) for number in range(6_000))
    assert len(sets) == 6
    assert all(900 < count < 1_100 for count in sets.values())


def test_quotas_and_alternates() -> None:
    people = tuple("abcdefgh")
    classes = ("users", "workers") * 4
    result = sortition(Pool(people, 3, classes, (("workers", THIRD), ("users", 2 * THIRD))), seed=b"seed")
    users, workers = result.rounds
    assert (users.name, users.seats, users.share) == ("users", 2, 2 * THIRD)
    assert (workers.name, workers.seats) == ("workers", 1)
    assert sorted(users.order) == [0, 2, 4, 6]
    assert sorted(workers.order) == [1, 3, 5, 7]
    assert result.elected == (*users.order[:2], workers.order[0])


def test_the_seats_left_by_rounding_go_to_the_largest_remainders() -> None:
    shares = [("a", Fraction(5, 10)), ("b", Fraction(3, 10)), ("c", Fraction(2, 10))]
    assert seats_by_share(shares, 4, b"") == [2, 1, 1]
    assert seats_by_share(shares, 7, b"") == [4, 2, 1]
    assert seats_by_share(shares, 10, b"") == [5, 3, 2]


def test_equal_remainders_are_decided_by_lot() -> None:
    shares = [("a", THIRD), ("b", THIRD), ("c", THIRD)]
    outcomes = {tuple(seats_by_share(shares, 2, bytes([byte]))) for byte in range(60)}
    assert outcomes == {(1, 1, 0), (1, 0, 1), (0, 1, 1)}


def test_a_class_with_too_few_people() -> None:
    pool = Pool(("a", "b", "c"), 2, ("x", "y", "y"), (("x", Fraction(1)), ("y", Fraction(0))))
    with pytest.raises(Malformed, match="Class 'x' has 1 people for 2 seats") as fault:
        sortition(pool, seed=b"")
    assert fault.value.rule == "sortition.class"


@pytest.mark.parametrize(
    ("people", "seats", "classes", "shares", "rule"),
    [
        (("a", "a"), 1, (), (), "sortition.twice"),
        (("a", "b"), 3, (), (), "sortition.seats"),
        (("a", "b"), 0, (), (), "sortition.seats"),
        (("a", "b"), 1, ("x", "y"), (), "sortition.shares"),
        (("a", "b"), 1, ("x",), (("x", Fraction(1)),), "sortition.classes"),
        (("a", "b"), 1, ("x", "y"), (("x", Fraction(1)),), "sortition.classes"),
        (("a", "b"), 1, ("x", "x"), (("x", HALF), ("x", HALF)), "sortition.classes"),
        (("a", "b"), 1, ("x", "y"), (("x", HALF), ("y", THIRD)), "sortition.shares"),
        (("a", "b"), 1, ("x", "y"), (("x", Fraction(3, 2)), ("y", -HALF)), "sortition.shares"),
    ],
)
def test_faults_are_named(
    people: tuple[str, ...],
    seats: int,
    classes: tuple[str, ...],
    shares: tuple[tuple[str, Fraction], ...],
    rule: str,
) -> None:
    with pytest.raises(Malformed) as fault:
        Pool(people, seats, classes, shares)
    assert fault.value.rule == rule
