"""Who gets a place among the connections."""

from node.host.admission import Admission


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def admission(**changes: int) -> Admission:
    limits = {"most": 3, "most_strangers": 3, "most_per_address": 2, "most_at_door": 4, **changes}
    return Admission(**limits, clock=Clock())


def test_places_are_counted_for_all_and_for_each_address() -> None:
    places = admission()
    assert places.enter("a")
    assert places.enter("a")
    assert not places.enter("a"), "the address has its two"
    assert places.enter("b")
    assert not places.enter("c"), "all three are taken"
    places.leave("a")
    assert places.enter("c")
    assert not places.enter("a")


def test_strangers_leave_places_for_the_favoured() -> None:
    places = admission(most_strangers=2)
    assert places.enter("a")
    assert places.enter("b")
    assert not places.enter("c"), "the third place is not for strangers"
    assert places.enter("a", favoured=True)
    assert not places.enter("a", favoured=True), "now all are taken"
    places.leave("a", favoured=True)
    assert not places.enter("c"), "it is not for strangers still"
    assert places.enter("c", favoured=True)


def test_a_hall_full_of_the_favoured_is_no_crowd() -> None:
    places = admission(most=5, most_per_address=1)
    assert places.enter("a")
    assert not places.enter("a")
    for _ in range(3):
        assert places.enter("a", favoured=True)
    assert places.enter("b")


def test_at_a_full_door_the_longest_waiting_of_the_largest_crowd_goes() -> None:
    places = admission()
    out: list[str] = []
    for name, address in (("b1", "b"), ("a1", "a"), ("a2", "a"), ("b2", "b"), ("a3", "a")):
        places.knock(name, address, lambda name=name: out.append(name))  # type: ignore[misc]  # a loop's variable
    assert out == ["a1"], "not b1, though it waits longer: a crowd from one address does not push others out"
    places.leave_door("a2")
    places.leave_door("never there")
    places.knock("c1", "c", lambda: out.append("c1"))
    assert out == ["a1"], "there was room again"
    places.knock("b3", "b", lambda: out.append("b3"))
    assert out == ["a1", "b1"]


def test_a_ban_ends_by_itself_and_the_later_one_counts() -> None:
    clock = Clock()
    places = Admission(most=1, most_strangers=1, most_per_address=1, most_at_door=1, clock=clock)
    places.ban(b"peer", 10)
    assert places.banned(b"peer")
    assert not places.banned(b"other")
    places.ban(b"peer", 5)
    clock.now = 5
    assert not places.banned(b"peer")
    places.ban(b"peer", 0)
    assert not places.banned(b"peer")


def test_the_list_of_bans_is_bounded() -> None:
    places = admission()
    for number in range(10_001):
        places.ban(number.to_bytes(32, "big"), 60)
    assert not places.banned(bytes(32)), "the oldest is forgotten"
    assert places.banned((10_000).to_bytes(32, "big"))
