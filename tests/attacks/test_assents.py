"""Assents count once, for one motion, by who is there now: not reused, not hoarded, not by a lost device."""

from typing import Any

from protocol.council.bodies import enrolment_message
from protocol.council.compose import MAX_LAPSES
from protocol.council.outcomes import Inserted
from protocol.keys import ENROLMENT, POSSESSION, sign
from tests.worlds import Person, World

from .scenes import founded, leave, membership, remove, revoke

CHARTER = {"purpose": "something else"}


def amend(world: World, who: Person, **changes: Any) -> bytes:
    """A motion to change the charter that is in force now."""
    effect = {
        "kind": "charter",
        "charter": {**world.council.charter.data(), **changes},
        "replaces": world.council.charter.digest(),
    }
    return world.move(who, effect)


def voices(world: World, motion: bytes) -> set[bytes]:
    """Whose voices a pending motion has, on the present roll."""
    return set(world.council.count(world.council.pending().motions[motion]).yes)


def second_device(world: World, who: Person) -> None:
    """A second device, enrolled with the next epoch."""
    message = enrolment_message(membership(world, who), who.key, who.device(1))
    body = {
        "membership": membership(world, who),
        "device": who.device(1),
        "grant": sign(who.seed, ENROLMENT, message),
        "possession": sign(who.device_seed(1), POSSESSION, message),
    }
    world.say(who, "device.enrol", body)


# --- reused -----------------------------------------------------------------------------------


def test_a_motion_takes_effect_once() -> None:
    """Removed by five assents, admitted again: the same assents do not remove her again."""
    world, (ada, ben, cyd, dov) = founded("Ben", "Cyd", "Dov")
    motion = remove(world, dov, ada, ben, cyd)
    first = world.epoch()
    assert first is not None
    assert world.council.settled[motion][0] == first.number
    back = world.admit(Person("Dov", 1), ada, ben)
    world.assent(ada, motion)
    world.assent(ben, motion)
    assert motion not in world.council.pending().motions
    assert world.epoch() is None
    assert back in world.council.head.members


def test_the_same_assents_do_not_serve_a_second_motion() -> None:
    world, (ada, ben, cyd, _dov) = founded("Ben", "Cyd", "Dov")
    one = amend(world, ada, purpose="one")
    two = amend(world, ben, purpose="two")
    for person in (ben, cyd):
        world.assent(person, one)
    assert voices(world, two) == {membership(world, ben)}
    record = world.epoch()
    assert record is not None
    assert [effect["kind"] for effect in record.effects] == ["charter"]
    assert world.council.charter.purpose == "one"


def test_a_removal_names_a_membership_not_a_person() -> None:
    """A second motion to remove her, kept back, finds that this membership has ended."""
    world, (ada, ben, cyd, dov) = founded("Ben", "Cyd", "Dov")
    kept_back = world.move(ben, {"kind": "remove", "membership": membership(world, dov)})
    remove(world, dov, ada, ben, cyd)
    assert world.epoch() is not None
    world.admit(Person("Dov", 1), ada, ben)
    world.assent(ada, kept_back)
    world.assent(cyd, kept_back)
    record = world.epoch()
    assert record is not None
    assert record.effects[0]["kind"] == "lapse"
    assert record.effects[0]["why"] == "the membership had ended already"
    assert len(world.council.head.members) == 4


def test_an_assent_counts_for_the_membership_it_was_given_under() -> None:
    """She assented, was removed, and is back: the old assent is not the new member's."""
    world, (ada, ben, cyd, dov) = founded("Ben", "Cyd", "Dov")
    motion = amend(world, ada, **CHARTER)
    world.assent(dov, motion)
    remove(world, dov, ada, ben, cyd)
    assert world.epoch() is not None
    world.admit(Person("Dov", 1), ada, ben)
    assert voices(world, motion) == {membership(world, ada)}


def test_two_devices_are_one_voice() -> None:
    world, (ada, ben, _cyd) = founded("Ben", "Cyd")
    second_device(world, ada)
    assert world.epoch() is not None
    motion = amend(world, ada, **CHARTER)
    world.assent(ada, motion, device=1)
    world.assent(ada, motion)
    world.assent(ada, motion, device=1)
    assert voices(world, motion) == {membership(world, ada)}
    assert world.epoch() is None
    world.assent(ben, motion)
    record = world.epoch()
    assert record is not None
    assert len(record.effects[0]["assents"]) == 2


# --- hoarded ----------------------------------------------------------------------------------


def test_assents_kept_back_until_the_roll_has_shrunk() -> None:
    """Two of five want a new charter. They keep motion and assents to themselves until three have left."""
    world, (ada, ben, *others) = founded("Ben", "Cyd", "Dov", "Eva", durations={"motion_epochs": 3})
    old = tuple(world.council.heads())
    effect = {"kind": "charter", "charter": world.council.charter.data(), "replaces": world.council.charter.digest()}
    motion = world.draft(ada.device_seed(), "motion.move", {"effect": effect}, deps=old)
    for person in others:
        leave(world, person)
        assert world.epoch() is not None
    assert len(world.council.head.members) == 2
    # 2 of 2: in time, it would be enough.
    assert isinstance(world.insert(motion), Inserted)
    hoarded = motion.operation.id
    world.assent(ben, hoarded)
    count = world.council.count(world.council.pending().motions[hoarded])
    assert count.met
    assert world.epoch() is None  # more than three epochs have passed since what it was moved on
    world.say(ada, "member.absent", {})
    record = world.epoch()
    assert record is not None
    assert [effect["kind"] for effect in record.effects] == ["absent", "lapse"]
    assert record.effects[1] == {"kind": "lapse", "why": "too old", "reason": hoarded}
    assert hoarded not in world.council.pending().motions


def test_a_motion_lives_for_the_charters_number_of_epochs_and_no_longer() -> None:
    for epochs, met in ((2, True), (3, False)):
        world, (ada, ben) = founded("Ben", durations={"motion_epochs": 3})
        motion = amend(world, ada, **CHARTER)
        for n in range(epochs):
            world.say(ada, "member.return" if n % 2 else "member.absent", {})
            assert world.epoch() is not None
        world.assent(ben, motion)
        assert (world.epoch() is not None) is met


def test_a_thousand_old_motions_do_not_make_a_record_that_cannot_be_carried() -> None:
    """One member moves more than a record could let lapse at once: the rest lapses with later epochs."""
    world, (ada, ben, _cyd) = founded("Ben", "Cyd", durations={"motion_epochs": 1})
    for _ in range(MAX_LAPSES + 50):
        amend(world, ben, **CHARTER)
    lapsed = []
    for n in range(4):
        world.say(ada, "member.return" if n % 2 else "member.absent", {})
        record = world.epoch()
        assert record is not None
        lapsed.append(len(record.effects) - 1)
    assert lapsed == [0, MAX_LAPSES, 50, 0]


# --- by a lost device -------------------------------------------------------------------------


def test_an_assent_by_a_device_that_was_revoked_does_not_count() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    second_device(world, ben)
    assert world.epoch() is not None
    motion = amend(world, ada, **CHARTER)
    world.assent(ben, motion, device=1)
    assert voices(world, motion) == {membership(world, ada), membership(world, ben)}
    revoke(world, ben, 1)
    # The epoch that ends the device is judged by the roll before it, on which it still is.
    record = world.epoch()
    assert record is not None
    assert [effect["kind"] for effect in record.effects] == ["revoke-device", "charter"]
    # Once it is gone, it counts no more, and another of hers does.
    motion = amend(world, ada, purpose="third")
    gone = world.draft(ben.device_seed(1), "motion.assent", {"motion": motion})
    assert not isinstance(world.insert(gone), Inserted)
    assert voices(world, motion) == {membership(world, ada)}
    world.assent(cyd, motion)
    assert len(voices(world, motion)) == 2


def test_a_thief_assents_on_the_past_with_a_device_that_was_revoked_since() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    second_device(world, ben)
    assert world.epoch() is not None
    old = tuple(world.council.heads())
    revoke(world, ben, 1)
    assert world.epoch() is not None
    motion = amend(world, ada, **CHARTER)
    stolen = world.draft(
        ben.device_seed(1),
        "motion.move",
        {"effect": {"kind": "remove", "membership": membership(world, cyd)}},
        deps=old,
    )
    outcome = world.insert(stolen)
    assert isinstance(outcome, Inserted)
    assert not outcome.kept  # valid on its past, and nobody in standing vouches for it
    world.assent(ada, stolen.operation.id)  # now somebody does
    world.assent(cyd, motion)
    assert voices(world, stolen.operation.id) == {membership(world, ada)}
    record = world.epoch()
    assert record is not None
    assert [effect["kind"] for effect in record.effects] == ["charter"]


def test_a_withdrawn_assent_does_not_count_and_only_ones_own_can_be_withdrawn() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    motion = amend(world, ada, **CHARTER)
    assent = world.assent(ben, motion)
    world.say(cyd, "motion.withdraw", {"assent": assent}, (assent,))
    assert voices(world, motion) == {membership(world, ada), membership(world, ben)}
    world.say(ben, "motion.withdraw", {"assent": assent}, (assent,))
    assert voices(world, motion) == {membership(world, ada)}
    world.say(ada, "motion.withdraw", {"assent": motion}, (motion,))
    assert voices(world, motion) == set()
    assert world.epoch() is None
    world.assent(ben, motion)  # who withdrew may assent again
    assert voices(world, motion) == {membership(world, ben)}


# --- there and back ---------------------------------------------------------------------------


def test_a_charter_changed_from_a_to_b_and_back_to_a() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    a = world.council.charter
    to_b = amend(world, ada, purpose="B")
    waiting = amend(world, ada, purpose="C")
    lapsing = amend(world, cyd, purpose="D")
    world.assent(ben, to_b)
    assert world.epoch() is not None
    assert world.council.charter.purpose == "B"
    # Moved when A stood, met while B stands: it lapses, and the lapse is final.
    world.assent(ada, lapsing)
    record = world.epoch()
    assert record is not None
    assert record.effects[0] == {
        "kind": "lapse",
        "why": "the charter was changed meanwhile",
        "reason": lapsing,
        "assents": sorted(record.effects[0]["assents"]),
    }
    back = amend(world, ada, purpose=a.purpose)
    world.assent(ben, back)
    assert world.epoch() is not None
    assert world.council.charter == a
    # The first change was used, and the one that lapsed has lapsed: A's return revives neither.
    world.assent(cyd, to_b)
    world.assent(ben, lapsing)
    assert world.epoch() is None
    # One that never was met is still what its assents say: from A to C.
    assert voices(world, waiting) == {membership(world, ada)}
    world.assent(cyd, waiting)
    assert world.epoch() is not None
    assert world.council.charter.purpose == "C"
