"""One person, one voice: keys are not shared, removal is fair, and a council that forms decides little."""

import pytest

from protocol.council.bodies import enrolment_message, node_message
from protocol.council.compose import revocation_message
from protocol.council.outcomes import Inserted
from protocol.keys import ENROLMENT, NODE, POSSESSION, REVOCATION, public_key, sign
from tests.worlds import Person, Teller, World, attachment, refused, seed

from .scenes import founded, leave, membership, new_tellers, remove, revoke


def enrol(world: World, who: Person, secret: bytes, *, carrier: Person | None = None) -> bytes:
    """A device with this seed, enrolled by the person's key."""
    message = enrolment_message(membership(world, who), who.key, public_key(secret))
    body = {
        "membership": membership(world, who),
        "device": public_key(secret),
        "grant": sign(who.seed, ENROLMENT, message),
        "possession": sign(secret, POSSESSION, message),
    }
    return world.say(carrier or who, "device.enrol", body)


def rekey(world: World, who: Person, fresh: Person) -> dict[str, object]:
    """The effect of a new key for somebody."""
    member = membership(world, who)
    return {"kind": "rekey", "membership": member, "replaces": who.key, **fresh.enrolment(member)}


def kinds(world: World) -> list[str]:
    """The effects of the epoch that is due, which is taken."""
    record = world.epoch()
    return [] if record is None else [effect["kind"] for effect in record.effects]


def why(world: World) -> str:
    """Why what was decided lapses, in the epoch that is taken."""
    record = world.epoch()
    assert record is not None
    (effect,) = record.effects
    assert effect["kind"] == "lapse"
    text: str = effect["why"]
    return text


# --- keys -------------------------------------------------------------------------------------


def test_a_device_is_enrolled_under_one_membership_only() -> None:
    world, (_ada, ben, cyd) = founded("Ben", "Cyd")
    enrol(world, ben, cyd.device_seed())
    assert kinds(world) == []
    leave(world, cyd)
    assert kinds(world) == ["leave"]
    enrol(world, ben, cyd.device_seed())  # not after she left, either
    enrol(world, ben, world.teller.seed)  # nor a teller's key
    assert kinds(world) == []


def test_a_new_key_brings_keys_that_nobody_used() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    message = enrolment_message(membership(world, cyd), ben.key, Person("Cyd", 1).device())
    bens = {
        **rekey(world, cyd, Person("Cyd", 1)),
        "person": ben.key,
        "grant": sign(ben.seed, ENROLMENT, message),
        "possession": sign(Person("Cyd", 1).device_seed(), POSSESSION, message),
    }
    world.assent(ben, world.move(ada, bens))
    assert why(world) == "the new keys are in use already, or were"
    unproven = {**rekey(world, cyd, Person("Cyd", 1)), "possession": bytes(64)}
    world.assent(ben, world.move(ada, unproven))
    assert why(world) == "the new keys are not proven"
    stale = {**rekey(world, cyd, Person("Cyd", 1)), "replaces": ben.key}
    world.assent(ben, world.move(ada, stale))
    assert why(world) == "the membership does not have the key that was to be replaced"


def test_a_new_key_ends_all_devices_of_the_old_one_and_keeps_the_membership() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    enrol(world, cyd, cyd.device_seed(1))
    assert kinds(world) == ["enrol-device"]
    who = membership(world, cyd)
    fresh = Person("Cyd", 1)
    motion = world.move(ada, rekey(world, cyd, fresh))
    world.assent(cyd, motion)  # the thief: she is not counted in what concerns her
    assert world.council.count(world.council.pending().motions[motion]).of == 2
    world.assent(ben, motion)
    assert kinds(world) == ["rekey"]
    member = world.council.head.members[who]
    assert (member.person, member.devices) == (fresh.key, frozenset({fresh.device()}))
    for n in range(2):
        assert refused(world.insert(world.draft(cyd.device_seed(n), "merge", {}))) == "standing"
    assert world.say(fresh, "merge", {}) in world.council
    # What the old person key signs is nothing any more.
    enrol(world, ben, ben.device_seed(1))
    body_grant = sign(cyd.seed, ENROLMENT, enrolment_message(who, cyd.key, cyd.device(2)))
    body = {"membership": who, "device": cyd.device(2), "grant": body_grant}
    possession = sign(cyd.device_seed(2), POSSESSION, enrolment_message(who, cyd.key, cyd.device(2)))
    world.say(ben, "device.enrol", {**body, "possession": possession})
    assert kinds(world) == ["enrol-device"]


def test_a_device_revoked_together_with_its_enrolment_is_not_enrolled() -> None:
    """Enrolled, lost and revoked while the teller slept: the revocation stands."""
    world, (ada, ben) = founded("Ben")
    enrol(world, ben, ben.device_seed(1))
    revoke(world, ben, 1)
    assert kinds(world) == []
    world.say(ada, "member.absent", {})
    assert kinds(world) == ["absent"]
    # Neither now nor later, when the enrolment is carried once more.
    enrol(world, ben, ben.device_seed(1))
    assert kinds(world) == []
    enrol(world, ben, ben.device_seed(2))
    assert kinds(world) == ["enrol-device"]


def test_nobody_revokes_for_another() -> None:
    world, (ada, ben) = founded("Ben")
    device = ben.device(1)
    body = {"membership": membership(world, ben), "device": device, "grant": bytes(64)}
    world.say(ada, "device.revoke", body)
    # Ada signs for herself, with Ben's next device: it bars that device from her own membership alone.
    grant = sign(ada.seed, REVOCATION, revocation_message(world.council.id, membership(world, ada), device))
    world.say(ada, "device.revoke", {**body, "membership": membership(world, ada), "grant": grant})
    enrol(world, ben, ben.device_seed(1))
    assert kinds(world) == ["enrol-device"]


def test_who_leaves_and_revokes_her_device_at_once_has_left() -> None:
    world, (_ada, ben) = founded("Ben")
    leave(world, ben)
    revoke(world, ben)
    assert kinds(world) == ["revoke-device", "leave"]
    assert len(world.council.head.members) == 1


def test_a_teller_key_is_no_device_and_a_device_no_teller_key() -> None:
    world, (ada, ben) = founded("Ben")

    class Twin(Teller):
        @property
        def seed(self) -> bytes:
            return ben.device_seed()

    effect = new_tellers(world.council, Twin("twin"))
    assert refused(world.council.compose_replacement(effect)) == "tellers"
    world.assent(ben, world.move(ada, effect.data() | {"kind": "tellers"}))
    assert why(world) == "a teller's key is a member's device"


def test_a_member_has_as_many_devices_and_nodes_as_the_charter_allows() -> None:
    world, (ada, _ben) = founded("Ben", limits={"devices": 2, "nodes": 2})
    for n in range(1, 4):
        enrol(world, ada, ada.device_seed(n))
    who = membership(world, ada)
    for n in range(4):
        secret = seed("node of Ada", n)
        possession = sign(secret, NODE, node_message(who, public_key(secret)))
        world.say(ada, "node.enrol", {"node": public_key(secret), "possession": possession, "addresses": []})
    record = world.epoch()
    assert record is not None
    assert [effect["kind"] for effect in record.effects] == ["enrol-device", "enrol-node"]
    member = world.council.head.members[who]
    assert (len(member.devices), len(member.nodes)) == (2, 2)


def test_a_tellers_key_has_no_voice() -> None:
    world, (ada, ben) = founded("Ben")
    motion = remove(world, ben, ada)
    for kind, body in (
        ("motion.assent", {"motion": motion}),
        ("motion.move", {"effect": {"kind": "remove", "membership": membership(world, ada)}}),
        ("proposal.open", {"title": 0, "text": 0}),
        ("member.leave", {"grant": bytes(64)}),
    ):
        envelope = world.draft(world.teller.seed, kind, body, (motion,), contents=(attachment("x"),))
        assert isinstance(world.insert(envelope), Inserted)
        assert world.council.without_effect[envelope.operation.id].rule == "voice"


# --- removal ----------------------------------------------------------------------------------


def test_the_person_concerned_is_not_counted_in_her_own_removal() -> None:
    world, (ada, ben, cyd, dov) = founded("Ben", "Cyd", "Dov")
    motion = remove(world, dov, ada)
    world.assent(dov, motion)  # even if she agrees
    count = world.council.count(world.council.pending().motions[motion])
    assert (set(count.yes), count.of, count.needed, count.met) == ({membership(world, ada)}, 3, 2, False)
    world.assent(ben, motion)
    assert kinds(world) == ["remove"]
    assert membership(world, cyd) in world.council.head.members


def test_a_motion_removes_one() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    both = [membership(world, ben), membership(world, cyd)]
    for effect in (
        {"kind": "remove", "membership": both},
        {"kind": "remove", "memberships": both},
        {"kind": "remove", "membership": both[0], "and": {"kind": "remove", "membership": both[1]}},
        [{"kind": "remove", "membership": one} for one in both],
    ):
        envelope = world.draft(ada.device_seed(), "motion.move", {"effect": effect})
        assert isinstance(world.insert(envelope), Inserted)
        assert world.council.without_effect[envelope.operation.id].rule == "body"
        assert envelope.operation.id not in world.council.motions


def test_two_who_remove_each_other_leave_one() -> None:
    world, (ada, ben) = founded("Ben")
    remove(world, ben, ada)
    remove(world, ada, ben)
    record = world.epoch()
    assert record is not None
    assert [effect["kind"] for effect in record.effects] == ["remove", "lapse"]
    assert record.effects[1]["why"] == "nobody would be left"
    assert len(world.council.head.members) == 1


def test_what_a_removed_member_writes_afterwards_is_let_go() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    before = world.say(cyd, "proposal.open", {"title": 0, "text": 1}, texts=("a", "b"))
    old = tuple(world.council.heads())
    remove(world, cyd, ada, ben)
    assert world.epoch() is not None
    size, digest = len(world.council), world.council.digest()
    for _ in range(10):
        outcome = world.insert(world.draft(cyd.device_seed(), "merge", {}, deps=old))
        assert isinstance(outcome, Inserted)
        assert not outcome.kept
    assert (len(world.council), world.council.digest()) == (size, digest)
    assert before in world.council.talk.proposals  # what she wrote while she belonged stays
    assert refused(world.insert(world.draft(cyd.device_seed(), "merge", {}))) == "standing"


def test_who_comes_back_is_a_new_member() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    first = membership(world, cyd)
    remove(world, cyd, ada, ben)
    assert kinds(world) == ["remove"]
    back = Person("Cyd", 1)  # another device; the person's key may be the same
    second = world.admit(back, ada, ben)
    assert second != first
    assert refused(world.insert(world.draft(cyd.device_seed(), "merge", {}))) == "standing"
    assert world.say(back, "merge", {}) in world.council


# --- forming ----------------------------------------------------------------------------------


def test_a_council_that_is_forming_admits_and_little_else() -> None:
    world, (ada, ben) = founded("Ben", size={"min": 3})
    assert world.council.head.forming
    proposal = world.proposal(ada)
    charter = {"kind": "charter", "charter": world.council.charter.data(), "replaces": world.council.charter.digest()}
    waiting = [
        world.move(ada, charter),
        world.move(ada, {"kind": "adopt", "proposal": proposal, "version": proposal}, (proposal,)),
        world.move(ada, {"kind": "erase", "operation": proposal, "attachment": 0}, (proposal,)),
        world.move(ada, {"kind": "remove", "membership": membership(world, ben)}),
        world.move(ada, rekey(world, ben, Person("Ben", 1))),
    ]
    for motion in waiting:
        world.assent(ben, motion)
    world.say(ben, "member.absent", {})
    assert kinds(world) == []
    # What belongs to each of them alone, new tellers, and admission.
    enrol(world, ben, ben.device_seed(1))
    assert kinds(world) == ["enrol-device"]
    revoke(world, ben, 1)
    assert kinds(world) == ["revoke-device"]
    tellers = new_tellers(world.council, Teller("barn")).data() | {"kind": "tellers"}
    world.assent(ben, world.move(ada, tellers))
    assert kinds(world) == ["tellers"]
    world.tellers = (Teller("barn"),)
    cyd = Person("Cyd")
    world.admit(cyd, ada, ben)
    # Three: now what two of three agreed on meanwhile takes effect, and Ben's absence with it.
    record = world.epoch()
    assert record is not None
    assert [effect["kind"] for effect in record.effects] == ["absent", "erase", "lapse", "charter"]
    assert not world.council.head.forming


def test_a_council_that_shrinks_is_forming_again() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd", size={"min": 3})
    leave(world, cyd)
    assert kinds(world) == ["leave"]
    assert world.council.head.forming
    remove(world, ben, ada)
    assert kinds(world) == []
    leave(world, ben)
    assert kinds(world) == ["leave"]
    assert len(world.council.head.members) == 1


@pytest.mark.parametrize("who", ["Ben", "Cyd"])
def test_the_absent_count_again_when_they_act(who: str) -> None:
    world, people = founded("Ben", "Cyd", "Dov", "Eva")
    ada, _ben, cyd, dov, eva = people
    for person in (cyd, dov, eva):
        world.say(person, "member.absent", {})
    assert kinds(world) == ["absent"] * 3
    effect = {"kind": "charter", "charter": world.council.charter.data(), "replaces": world.council.charter.digest()}
    motion = world.move(ada, effect)
    count = world.council.count(world.council.pending().motions[motion])
    assert (len(count.yes), count.of, count.needed) == (1, 2, 2)
    world.assent(Person(who), motion)
    count = world.council.count(world.council.pending().motions[motion])
    assert (len(count.yes), count.of, count.needed) == ((2, 2, 2) if who == "Ben" else (2, 3, 2))
    assert count.met
    world.say(dov, "member.return", {})
    assert kinds(world) == ["return", "charter"]
