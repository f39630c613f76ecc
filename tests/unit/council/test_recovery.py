"""From whom a teller has to hear before it speaks again with an old memory."""

from itertools import combinations

import pytest

from protocol.council.charter import PROFILES
from protocol.council.recovery import recovered
from tests.attacks.scenes import founded
from tests.worlds import Person, Teller, World, small_charter


def test_the_only_teller_asks_half_of_the_other_nodes() -> None:
    world, people = founded("Ben", "Cyd", "Dov")
    head, (ada, ben, cyd, dov) = world.council.head, people
    hall = world.teller.node
    assert not recovered(head, hall, [ada.node])
    assert not recovered(head, hall, [ada.node, hall, bytes(32)])
    assert recovered(head, hall, [ada.node, ben.node])
    assert recovered(head, hall, [cyd.node, dov.node])


def test_where_there_is_no_other_node_nothing_is_missing() -> None:
    world = World(founder=Person("hall"))
    assert recovered(world.council.head, world.teller.node, [])


@pytest.mark.parametrize(("profile", "enough"), [("3-absence", 2), ("3-liar", 2), ("4", 3), ("7", 5), ("10", 7)])
def test_one_of_several_asks_so_many_that_one_honest_one_built_on_it(profile: str, enough: int) -> None:
    n = PROFILES[profile].n
    tellers = tuple(Teller(f"t{place}") for place in range(n))
    head = World(charter=small_charter(tellers=profile), tellers=tellers).council.head
    others = [teller.node for teller in tellers[1:]]
    members = head.entitled() - {teller.node for teller in tellers}
    own = tellers[0].node
    for heard in combinations(others, enough):
        assert recovered(head, own, [*heard, *members])
    for heard in combinations(others, enough - 1):
        assert not recovered(head, own, [*heard, *members])
    # Of any quorum that this teller was in, more than f of the others are among those whom it heard.
    q, f = PROFILES[profile].q, PROFILES[profile].f
    assert enough + (q - 1) - (n - 1) > f or enough == n - 1
