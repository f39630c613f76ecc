"""Who names old deps acts in the past as it was. It changes nothing that was decided since."""

from protocol.council.epochs import Record
from protocol.council.outcomes import Inserted, Rival
from protocol.council.signatures import sign_replacement
from protocol.keys import public_key
from tests.delivery import deliver
from tests.worlds import Invitation, Person, Teller, World, carry, refused, seed

from .scenes import again, forge, founded, membership, new_tellers, remove

NAMES = ("Ben", "Cyd", "Dov", "Eva", "Fay", "Gus", "Hal")


def backdated_invitation(world: World) -> Invitation:
    secret = seed("backdated", world.invited)
    body = {"key": public_key(secret), "uses": 1}
    return Invitation(world.say(world.founder, "council.invite", body, deps=(world.council.id,)), secret, 1)


def puppets(world: World, count: int) -> list[bytes]:
    """The founder names the founding operation alone, and moves to admit her puppets."""
    ada, founding = world.founder, world.council.id
    motions = []
    for n in range(count):
        world.invited += 1
        request = world.request(backdated_invitation(world), Person(f"puppet {n}"))
        effect = {"kind": "admit", "request": request}
        motions.append(world.move(ada, effect, (request,), deps=(request, founding)))
    return motions


def test_the_founder_backdates_and_fills_the_council_with_puppets() -> None:
    world, people = founded(*NAMES)
    roll = set(world.council.head.members)
    motions = puppets(world, 10)
    # All of it is valid: it was written by somebody in standing at epoch 0, where her assent was enough.
    assert all(motion in world.council for motion in motions)
    # But motions are judged by the roll of the epoch before: one of eight is in favour.
    assert world.epoch() is None
    assert set(world.council.head.members) == roll
    for motion in motions:
        count = world.council.count(world.council.pending().motions[motion])
        assert (len(count.yes), count.of, count.met) == (1, len(people), False)


def test_a_founder_who_is_the_teller_too_signs_the_puppets_in_an_epoch_of_the_past() -> None:
    """The sole teller lies: it signs another epoch 1, in which the founder's assent was enough."""
    world, _ = founded(*NAMES)
    early = again(world, world.said[:1])
    before = world.council.digest()
    secret = World(charter=world.charter)  # the founder's own copy, as it was at the start
    puppet = Person("puppet")
    invitation = secret.invite(secret.founder)
    request = secret.request(invitation, puppet)
    secret.move(secret.founder, {"kind": "admit", "request": request}, (request,))
    record = secret.council.compose()
    assert isinstance(record, Record)
    deliver(world.council, secret.said)
    outcome = world.insert(world.teller.seal(world.council, record))
    assert isinstance(outcome, Rival)
    assert (outcome.number, outcome.digest) == (1, record.digest)
    assert outcome.ours == world.council.branch.links[1].digest
    assert puppet.key not in world.council.head.persons()
    assert world.council.digest() != before  # what she said is in the log,
    assert world.epoch() is None  # and brings about nothing
    # Who was at epoch 0 and hears the lie first is on the other branch: hence a sole teller is trusted to order.
    deliver(early, [*secret.said, secret.teller.seal(secret.council, record)])
    assert puppet.key in early.head.persons()


def test_a_backdated_replacement_of_tellers_by_the_founder_alone() -> None:
    """One of one on the roll of epoch 0 signs new tellers: all of two thirds, then."""
    world, _ = founded(*NAMES)
    early = again(world, world.said[:1])
    mine = Teller("mine")
    record = early.compose_replacement(new_tellers(early, mine))
    assert isinstance(record, Record)
    ada = world.founder
    signatures = [(ada.device(), sign_replacement(ada.device_seed(), record.digest))]
    envelope = carry(world.council, record, signatures, ada.device_seed())
    assert isinstance(world.insert(envelope), Rival)
    assert [teller.key for teller in world.council.head.tellers] == [world.teller.key]
    # It would have been good at its time, and for who knows nothing later.
    assert isinstance(early.insert(envelope), Inserted)
    assert [teller.key for teller in early.head.tellers] == [mine.key]


def test_a_rival_does_not_win_by_what_is_written_later() -> None:
    """Whichever epoch stands, late operations of those who signed the other change nothing."""
    world, people = founded(*NAMES)
    at_seven = again(world)
    world.say(people[1], "comment.write", {"on": world.council.id, "text": 0}, (world.council.id,), texts=("on",))
    remove(world, people[7], *people[:6])
    epoch = world.epoch()
    assert epoch is not None
    # Six of eight sign other tellers in its place, from the epoch before.
    record = at_seven.compose_replacement(new_tellers(at_seven, Teller("rival")))
    assert isinstance(record, Record)
    signatures = [(p.device(), sign_replacement(p.device_seed(), record.digest)) for p in people[:6]]
    rival = carry(at_seven, record, signatures, people[0].device_seed())
    assert isinstance(world.insert(rival), Rival)
    for person in people[:7]:
        world.say(person, "merge", {})  # on the epoch, after having signed its rival
        assert isinstance(world.insert(rival), Rival)
        assert world.council.head.digest == epoch.digest
    deliver(at_seven, reversed(world.said))  # in whatever order another node hears of it
    assert at_seven.head.digest == epoch.digest


def test_standing_once_held_is_held_for_ever() -> None:
    """An operation that entered stays, whatever its author did later and whoever was removed."""
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    word = world.say(cyd, "merge", {})
    world.say(ben, "merge", {})  # refers to it
    remove(world, cyd, ada, ben)
    assert world.epoch() is not None
    assert word in world.council
    assert world.council.dag.is_kept(world.council.dag.rows[word])
    assert word in again(world, [*world.said[:1], *sorted(world.said[1:], key=lambda e: e.operation.depth)])


def test_a_removed_member_writes_on_the_past_and_is_not_counted() -> None:
    world, (ada, ben, cyd, dov) = founded("Ben", "Cyd", "Dov")
    old = tuple(world.council.heads())
    gone = membership(world, dov)
    motion = world.move(ada, {"kind": "remove", "membership": membership(world, cyd)})
    remove(world, dov, ada, ben, cyd)
    assert world.epoch() is not None
    assert gone not in world.council.head.members
    # She assents as if she were still there. Her operation is valid, and lies beside the log.
    envelope = world.draft(dov.device_seed(), "motion.assent", {"motion": motion}, deps=(*old, motion))
    outcome = world.insert(envelope)
    assert isinstance(outcome, Inserted)
    assert not outcome.kept
    # Somebody refers to it: it is kept, and still nobody's voice.
    late = world.say(
        ben, "motion.assent", {"motion": motion}, deps=(motion, envelope.operation.id, *world.council.heads())
    )
    assert world.council.dag.is_kept(world.council.dag.rows[envelope.operation.id])
    pending = world.council.pending().motions[motion]
    assert set(pending.assents) == {motion, envelope.operation.id, late}
    assert world.council.count(pending).yes == {membership(world, ada), membership(world, ben)}


def test_a_record_of_the_past_cannot_be_numbered_into_the_present() -> None:
    """Epoch 0's founder and its teller make the next epoch of the present from the state of the past."""
    world, _ = founded(*NAMES)
    past = again(world, world.said[:1]).head
    forged = forge(world, [], past, of=world.council.head)
    outcome = world.insert(world.teller.seal(world.council, forged))
    assert refused(outcome) == "epoch-reasons"
