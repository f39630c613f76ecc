from dataclasses import replace

from protocol.council.bodies import Remove
from protocol.council.epochs import Motion
from protocol.council.motions import MAX_ASSENTS, MAX_MOTIONS, Count, fitting, stale
from protocol.ids import Membership
from tests.worlds import World, seed


def motion(n: int, moved: int = 0) -> Motion:
    return Motion(seed("motion", n), moved, Remove(seed("member")), {})


def counted(assents: int) -> Count:
    ids = tuple(sorted(seed("assent", n) for n in range(assents)))
    return Count(frozenset(Membership(id) for id in ids), ids, assents, 1, True)


def test_a_record_holds_so_many_motions() -> None:
    some = [(motion(n), counted(1)) for n in range(MAX_MOTIONS + 5)]
    assert fitting(some) == some[:MAX_MOTIONS]
    assert fitting(some[:3]) == some[:3]
    assert fitting([]) == []


def test_a_record_holds_so_many_assents() -> None:
    third = MAX_ASSENTS // 3
    some = [(motion(n), counted(third)) for n in range(5)]
    assert fitting(some) == some[:3]
    wide = [(motion(0), counted(third)), (motion(1), counted(MAX_ASSENTS)), (motion(2), counted(1))]
    assert fitting(wide) == wide[:1]


def test_a_motion_is_stale_after_the_charters_number_of_epochs() -> None:
    state = replace(World().council.head, number=60)
    age = state.charter.durations.motion_epochs
    assert not stale(state, motion(0, moved=61 - age))
    assert stale(state, motion(0, moved=60 - age))
