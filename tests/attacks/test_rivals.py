"""Two epochs of one number: the one that is held stays, the other is kept as proof."""

from dataclasses import replace

from protocol.council.council import Council
from protocol.council.epochs import Record, seal
from protocol.council.outcomes import Inserted, Rival, Waiting
from protocol.council.signatures import sign_epoch, sign_replacement
from protocol.ids import Digest
from protocol.log.operation import Envelope
from tests.delivery import deliver, portrait
from tests.worlds import Person, Teller, World, carry, refused

from .scenes import again, founded, membership, new_tellers, remove
from .test_assents import second_device


def record(world: World, basis: tuple[bytes, ...] | None = None) -> Record:
    """What follows from a basis."""
    composed = world.council.compose(basis)
    assert isinstance(composed, Record)
    return composed


def two() -> tuple[World, list[Person], Envelope, Envelope]:
    """Two epochs of one number, both true to their basis, both signed: the teller's machine was restored."""
    world, people = founded("Ben", "Cyd", "Dov")
    old = tuple(world.council.heads())
    world.say(people[1], "member.absent", {}, deps=old)
    one = world.teller.seal(world.council, record(world))
    world.say(people[2], "member.absent", {}, deps=old)
    other = world.teller.seal(world.council, record(world))
    assert one.operation.body == other.operation.body
    return world, people, one, other


def test_a_restored_teller_signs_another_epoch_of_the_same_number() -> None:
    world, people, one, other = two()
    elsewhere = again(world)
    assert isinstance(world.insert(one), Inserted)
    held = portrait(world.council)
    outcome = world.insert(other)
    assert isinstance(outcome, Rival)
    assert outcome.number == world.council.head.number
    assert outcome.ours == world.council.head.digest != outcome.digest
    assert portrait(world.council) == held
    # Who heard of the other first holds that one, and keeps this one as proof.
    assert isinstance(elsewhere.insert(other), Inserted)
    assert isinstance(elsewhere.insert(one), Rival)
    # What is built on the branch that is not held is neither inserted nor refused: its deps never come.
    world.council = elsewhere
    word = world.say(people[0], "merge", {})
    assert isinstance(again(world, world.said[:-2]).insert(world.said[-1]), Waiting)
    assert word in elsewhere


def test_the_same_teller_restored_composes_the_same_record_from_the_same_basis() -> None:
    """What it may say twice is the same thing: then no harm is done."""
    world, _, one, _ = two()
    before = again(world, world.said[:-1])
    same = before.compose(one.operation.deps)
    assert isinstance(same, Record)
    assert isinstance(world.insert(one), Inserted)
    assert same.digest == world.council.head.digest


def test_no_number_of_rivals_and_no_growth_of_one_makes_a_node_change() -> None:
    world, people, one, other = two()
    elsewhere = again(world)
    assert isinstance(world.insert(one), Inserted)
    assert isinstance(elsewhere.insert(other), Inserted)
    long = World(charter=world.charter)
    long.council = elsewhere
    for person in people:
        long.say(person, "comment.write", {"on": elsewhere.id, "text": 0}, (elsewhere.id,), texts=("here we are",))
        long.say(person, "member.return" if person in people[1:3] else "merge", {})
        long.epoch()
    assert elsewhere.head.number > world.council.head.number
    held = world.council.head.digest
    deliver(world.council, long.said)
    assert world.council.head.digest == held
    assert isinstance(world.insert(other), Rival)


def test_a_person_chooses_the_branch_by_hand() -> None:
    world, _, one, other = two()
    elsewhere = again(world)
    assert isinstance(elsewhere.insert(other), Inserted)
    number, digest = elsewhere.head.number, elsewhere.head.digest
    chosen = Council.found(world.said[0], choices={number: digest})
    assert isinstance(chosen, Council)
    outcomes = deliver(chosen, [*world.said, one])
    assert outcomes[one.operation.id] == Rival(number, carried(world, one), digest)
    assert chosen.head.number == number - 1
    assert isinstance(chosen.insert(other), Inserted)
    assert chosen.head.digest == digest
    assert isinstance(chosen.insert(one), Rival)
    assert portrait(chosen) == portrait(elsewhere)


def carried(world: World, envelope: Envelope) -> Digest:
    """The digest of the epoch that an operation carries."""
    council = again(world)
    assert isinstance(council.insert(envelope), Inserted)
    return council.head.digest


def test_a_choice_does_not_let_in_what_is_not_signed() -> None:
    world, people, one, _ = two()
    chosen = Council.found(world.said[0], choices={world.council.head.number + 1: bytes(32)})
    assert isinstance(chosen, Council)
    deliver(chosen, world.said)
    forged = carry(world.council, record(world), [], people[0].device_seed())
    assert refused(chosen.insert(forged)) == "epoch-signatures"
    assert isinstance(chosen.insert(one), Rival)


def test_what_nobody_signed_is_no_evidence() -> None:
    """A rival must be signed by those who could sign it: else anybody could make a node show an alarm."""
    world, people, one, other = two()
    assert isinstance(world.insert(one), Inserted)
    rival = record(again_world(world), other.operation.deps)
    mine = Teller("mine")
    for signatures in ([], [(mine.key, bytes(64))], [(world.teller.key, bytes(64))]):
        forged = carry(world.council, rival, signatures, people[0].device_seed(), other.operation.deps)
        assert refused(world.insert(forged)) == "epoch-signatures"


def again_world(world: World) -> World:
    """The world as it was before its last epoch, on a council of its own."""
    copy = World(charter=world.charter)
    copy.council = again(world, world.said[:-1])
    return copy


def test_a_rival_further_back_than_one_epoch() -> None:
    """Of a branch that parted long ago the first epoch is proof; those that follow it lead nowhere."""
    world, people, one, other = two()
    elsewhere = again(world)
    assert isinstance(world.insert(one), Inserted)
    assert isinstance(elsewhere.insert(other), Inserted)
    world.say(people[0], "member.absent", {})
    assert world.epoch() is not None
    assert isinstance(world.insert(other), Rival)
    far = World(charter=world.charter)
    far.council = elsewhere
    far.say(people[3], "member.absent", {})
    second = far.teller.seal(elsewhere, record(far))
    assert isinstance(world.insert(second), Waiting)


# --- replacement by the members ---------------------------------------------------------------


def replacement(world: World, people: list[Person]) -> Envelope:
    """The operation by which these members replace the tellers."""
    composed = world.council.compose_replacement(new_tellers(world.council, Teller("barn")))
    assert isinstance(composed, Record)
    signatures = [(person.device(), sign_replacement(person.device_seed(), composed.digest)) for person in people]
    return carry(world.council, composed, signatures, people[0].device_seed())


def test_two_thirds_of_the_whole_roll_replace_tellers_who_are_gone() -> None:
    world, people = founded("Ben", "Cyd", "Dov", "Eva", "Fay")
    world.say(people[5], "member.absent", {})
    assert world.epoch() is not None
    # Three of six, though of five who are there it would be more than half.
    assert refused(world.insert(replacement(world, people[:3]))) == "epoch-signatures"
    outcome = world.insert(replacement(world, people[:4]))
    assert isinstance(outcome, Inserted)
    assert [teller.key for teller in world.council.head.tellers] == [Teller("barn").key]
    # From here on the new one signs, and the old one does not.
    motion = remove(world, people[5], *people[:4])
    composed = record(world)
    assert refused(world.insert(world.teller.seal(world.council, composed))) == "standing"
    old = [(world.teller.key, sign_by(world.teller, composed))]
    assert refused(world.insert(carry(world.council, composed, old, people[0].device_seed()))) == "epoch-signatures"
    assert isinstance(world.insert(Teller("barn").seal(world.council, composed)), Inserted)
    assert motion in world.council.settled


def sign_by(teller: Teller, composed: Record) -> bytes:
    return sign_epoch(teller.seed, composed.digest)


def test_a_replacement_takes_in_nothing_of_what_is_pending() -> None:
    world, people = founded("Ben", "Cyd")
    motion = remove(world, people[2], *people[:2])
    assert isinstance(world.insert(replacement(world, people)), Inserted)
    assert len(world.council.head.members) == 3
    assert motion in world.council.pending().motions
    composed = record(world)
    assert [effect["kind"] for effect in composed.effects] == ["remove"]
    assert isinstance(world.insert(Teller("barn").seal(world.council, composed)), Inserted)


def test_one_person_with_many_devices_is_not_two_thirds() -> None:
    world, people = founded("Ben", "Cyd")
    second_device(world, people[0])
    assert world.epoch() is not None
    composed = world.council.compose_replacement(new_tellers(world.council, Teller("mine")))
    assert isinstance(composed, Record)
    ada = people[0]
    signatures = [(ada.device(n), sign_replacement(ada.device_seed(n), composed.digest)) for n in range(2)]
    envelope = carry(world.council, composed, signatures, ada.device_seed())
    assert refused(world.insert(envelope)) == "epoch-signatures"


def test_members_cannot_sign_anything_but_a_replacement() -> None:
    """All of them together: a record with another effect is the tellers' to sign, whatever it says of itself."""
    world, people = founded("Ben", "Cyd")
    remove(world, people[2], *people[:2])
    composed = record(world)
    signatures = [(person.device(), sign_replacement(person.device_seed(), composed.digest)) for person in people]
    envelope = carry(world.council, composed, signatures, people[0].device_seed())
    assert refused(world.insert(envelope)) == "epoch-signatures"


def test_members_cannot_pass_anything_off_as_a_replacement() -> None:
    """All of them sign a record that calls itself theirs, and does something else, or more."""
    world, people = founded("Ben", "Cyd")
    composed = world.council.compose_replacement(new_tellers(world.council, Teller("barn")))
    assert isinstance(composed, Record)
    (effect,) = composed.effects
    away = replace(composed.state, members={})
    removal = {"kind": "remove", "membership": membership(world, people[2]), "by": "members"}
    for effects, after, rule in (
        ([removal], away, "epoch-record"),
        ([effect], away, "epoch-reasons"),
        ([effect | {"replaces": bytes(32)}], composed.state, "replaces"),
        ([effect | {"profile": "4"}], composed.state, "tellers"),
        ([effect, {**removal}], away, "epoch-signatures"),
    ):
        false = seal(world.council.head, composed.basis, effects, after)
        signatures = [(person.device(), sign_replacement(person.device_seed(), false.digest)) for person in people]
        assert refused(world.insert(carry(world.council, false, signatures, people[0].device_seed()))) == rule


def test_tellers_cannot_sign_a_replacement_as_the_members() -> None:
    world, _ = founded("Ben", "Cyd")
    composed = world.council.compose_replacement(new_tellers(world.council, Teller("mine")))
    assert isinstance(composed, Record)
    assert refused(world.insert(world.teller.seal(world.council, composed))) == "epoch-signatures"


def test_new_tellers_prove_possession_and_are_as_many_as_the_profile_says() -> None:
    world, people = founded("Ben")
    council = world.council
    barn, mill = Teller("barn"), Teller("mill")
    stolen = new_tellers(council, barn)
    stolen.tellers[0] = type(stolen.tellers[0])(mill.key, barn.node, stolen.tellers[0].possession)
    for effect, rule in (
        (stolen, "tellers"),
        (new_tellers(council, barn, mill), "tellers"),
        (new_tellers(council, barn, barn, mill, profile="3-absence"), "tellers"),
        (new_tellers(council, barn, profile="5"), "tellers"),
    ):
        assert refused(council.compose_replacement(effect)) == rule
    wrong = type(stolen)("1", new_tellers(council, barn).tellers, bytes(32))
    assert refused(council.compose_replacement(wrong)) == "replaces"
    assert isinstance(world.insert(replacement(world, people)), Inserted)
    assert membership(world, people[1]) in council.head.members


def test_a_replacement_signed_for_another_epoch_is_spent() -> None:
    """Signatures name the epoch that they follow: they cannot be kept for later."""
    world, people = founded("Ben", "Cyd")
    early = replacement(world, people)
    world.say(people[1], "member.absent", {})
    assert world.epoch() is not None
    assert isinstance(world.insert(early), Rival)
    # Not even with the later epoch in its past.
    contents = tuple(content for content in early.contents if content is not None)
    late = world.draft(people[0].device_seed(), "council.epoch", early.operation.body, contents=contents)
    assert refused(world.insert(late)) == "epoch-basis"
