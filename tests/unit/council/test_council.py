from collections.abc import Callable
from typing import Any

import pytest

from protocol.council.council import Council, Heads
from protocol.council.epochs import Record
from protocol.council.outcomes import Added, Inserted, Known, Refused, Waiting
from protocol.errors import Refusal
from protocol.ids import OperationId
from protocol.keys import public_key, sign
from protocol.log.operation import MAX_DEPS, Content, Draft, Envelope
from tests.attacks.scenes import again, founded, leave, membership
from tests.delivery import portrait
from tests.worlds import Person, Teller, World, attachment, refused, seed, small_charter

ADA = Person("Ada")


def _fields(envelope: Envelope) -> dict[str, Any]:
    operation = envelope.operation
    return {field: getattr(operation, field) for field in operation.__struct_fields__}


# --- the way in -------------------------------------------------------------------------------


def test_operations_enter_once() -> None:
    world = World()
    envelope = world.draft(ADA.device_seed(), "merge", {})
    outcome = world.insert(envelope)
    assert outcome == Inserted(1, 0, True, (Added(envelope.operation.id, "merge", None),))
    assert world.insert(envelope) == Known()


def test_what_does_not_enter() -> None:
    world, (_, ben) = founded("Ben")
    envelope = world.draft(ben.device_seed(), "merge", {})
    fields = _fields(envelope)

    def changed(**changes: Any) -> Envelope:
        return Envelope(type(envelope.operation)(**{**fields, "id": seed("id"), **changes}), ())

    assert refused(world.insert(changed(council=seed("other")))) == "council"
    absent = (OperationId(seed("a")), OperationId(seed("b")))
    assert world.insert(changed(deps=(absent[0], *fields["deps"], absent[1]))) == Waiting(absent)
    assert refused(world.insert(changed(signature=bytes(64)))) == "signature"
    assert refused(world.insert(changed(author=public_key(seed("stranger"))))) == "signature"
    draft = Draft(world.council.id, ben.device(), 9, envelope.operation.deps, 0, "merge", {})
    assert refused(world.insert(draft.signed(ben.device_seed()))) == "depth"
    stranger = world.draft(seed("stranger"), "merge", {})
    outcome = world.insert(stranger)
    assert isinstance(outcome, Refused)
    assert outcome.refusal.rule == "standing"
    assert "epoch 1" in outcome.refusal.message
    early = world.draft(ben.device_seed(), "merge", {}, deps=(world.council.id,))
    assert refused(world.insert(early)) == "standing"  # before she was admitted


def test_a_signature_checked_elsewhere_is_not_checked_again() -> None:
    world = World()
    good = world.draft(ADA.device_seed(), "merge", {})
    fields = {**_fields(good), "signature": sign(seed("x"), b"", b"")}
    unsigned = Envelope(type(good.operation)(**fields), ())
    assert refused(world.insert(unsigned)) == "signature"
    assert isinstance(world.council.insert(unsigned, verified=True), Inserted)


def test_unknown_kinds_are_kept_and_mean_nothing() -> None:
    world = World()
    digest = world.council.digest()
    id = world.say(ADA, "garden.plan", {"beds": [1, 2, {"deep": True}]})
    assert id in world.council
    assert id not in world.council.without_effect
    assert world.council.digest() == digest
    assert world.council.heads() == [id]


def test_bodies_that_break_their_kind_are_kept_without_effect() -> None:
    world = World()
    id = world.say(ADA, "motion.assent", {"motion": 5})
    assert world.council.without_effect[id].rule == "body"


# --- without effect ---------------------------------------------------------------------------

NOTHING = seed("nothing")
Maker = Callable[[World, bytes, bytes], tuple[str, dict[str, Any], tuple[bytes, ...]]]


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda w, p, m: ("motion.assent", {"motion": NOTHING}, ()), "deps"),
        (lambda w, p, m: ("motion.assent", {"motion": p}, (p,)), "assent"),
        (lambda w, p, m: ("motion.withdraw", {"assent": NOTHING}, ()), "deps"),
        (lambda w, p, m: ("council.uninvite", {"invitation": NOTHING}, ()), "deps"),
        (lambda w, p, m: ("replacement.sign", {"offer": NOTHING, "signature": bytes(64)}, ()), "deps"),
        (lambda w, p, m: ("motion.move", {"effect": {"kind": "admit", "request": NOTHING}}, ()), "motion-request"),
        (lambda w, p, m: ("motion.move", {"effect": {"kind": "admit", "request": m}}, (m,)), "motion-request"),
        (
            lambda w, p, m: ("motion.move", {"effect": {"kind": "erase", "operation": NOTHING, "attachment": 0}}, ()),
            "motion-erase",
        ),
        (
            lambda w, p, m: ("motion.move", {"effect": {"kind": "adopt", "proposal": p, "version": NOTHING}}, ()),
            "motion-version",
        ),
        (
            lambda w, p, m: ("motion.move", {"effect": {"kind": "adopt", "proposal": m, "version": p}}, (p,)),
            "motion-version",
        ),
        (lambda w, p, m: ("proposal.amend", {"proposal": p, "replaces": NOTHING, "text": 0}, (p,)), "amend"),
        (lambda w, p, m: ("proposal.amend", {"proposal": m, "replaces": p, "text": 0}, (p,)), "amend"),
        (lambda w, p, m: ("proposal.amend", {"proposal": p, "replaces": m, "text": 0}, (m,)), "amend"),
        (lambda w, p, m: ("proposal.withdraw", {"proposal": p}, (p,)), "withdraw"),
        (lambda w, p, m: ("proposal.withdraw", {"proposal": NOTHING}, ()), "withdraw"),
        (lambda w, p, m: ("comment.write", {"on": NOTHING, "text": 0}, ()), "comment"),
        (lambda w, p, m: ("talk.erase", {"operation": p, "attachments": [0]}, (p,)), "erase"),
        (lambda w, p, m: ("talk.erase", {"operation": NOTHING, "attachments": [0]}, ()), "erase"),
    ],
)
def test_what_has_no_effect_says_why(make: Maker, rule: str) -> None:
    world, (ada, ben) = founded("Ben")
    proposal = world.proposal(ada)
    motion = world.move(ada, {"kind": "remove", "membership": membership(world, ben)})
    kind, body, needs = make(world, proposal, motion)
    digest = world.council.digest()
    heads = world.council.heads()
    # On nothing but what it needs: what it does not name is not among its deps.
    envelope = world.draft(
        ben.device_seed(),
        kind,
        body,
        deps=needs or (world.council.branch.links[-1].operation,),
        contents=(attachment("x"),),
    )
    outcome = world.insert(envelope)
    assert isinstance(outcome, Inserted)
    refusal = world.council.without_effect[envelope.operation.id]
    assert refusal.rule == rule
    assert outcome.events == (Added(envelope.operation.id, kind, refusal),)
    assert world.council.digest() == digest
    assert set(heads) <= {*world.council.heads(), *needs}


# --- drafts -----------------------------------------------------------------------------------


def test_a_draft_builds_on_all_heads() -> None:
    world, (ada, ben) = founded("Ben")
    epoch = world.council.heads()[0]
    one = world.say(ada, "merge", {}, deps=(epoch,))
    two = world.say(ben, "merge", {}, deps=(epoch,))
    heads = world.council.draft()
    assert isinstance(heads, Heads)
    assert heads.deps == tuple(sorted([one, two]))
    assert heads.depth == 1 + max(world.council.dag.depth[world.council.dag.rows[dep]] for dep in heads.deps)
    assert heads.epoch == 1
    needing = world.council.draft((world.council.id,))
    assert isinstance(needing, Heads)
    assert set(needing.deps) == {one, two, world.council.id}


def test_a_draft_cannot_need_what_is_not_here() -> None:
    assert refused(World().council.draft((NOTHING,))) == "unknown-operation"


def test_a_flood_of_deep_heads_does_not_hold_the_council_back() -> None:
    """A member writes seventy long branches on the past. Drafts and epochs are of the present all the same."""
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    early = world.council.branch.links[1].operation  # Ben is a member, Cyd is not
    for _ in range(MAX_DEPS + 6):
        tip = early
        for _ in range(10):
            tip = world.say(ben, "merge", {}, deps=(tip,))
    deepest = world.council.heads()[:MAX_DEPS]
    assert all(world.council.dag.epoch[world.council.dag.rows[head]] == 1 for head in deepest)
    heads = world.council.draft()
    assert isinstance(heads, Heads)
    assert heads.epoch == 2
    assert world.say(cyd, "member.absent", {}) in world.council
    record = world.epoch()
    assert isinstance(record, Record)
    assert [effect["kind"] for effect in record.effects] == ["absent"]
    # Merges gather them, so that they become fewer than fit.
    for _ in range(3):
        world.say(ada, "merge", {})
    assert len(world.council.heads()) == 1


# --- who may read -----------------------------------------------------------------------------


def test_who_may_read() -> None:
    world, (ada, ben) = founded("Ben")
    for node in (ada.node, ben.node, world.teller.node):
        assert world.council.entitled(node)
    assert not world.council.entitled(Person("Eve").node)
    leave(world, ben)
    assert world.council.entitled(ben.node)
    assert world.epoch() is not None
    assert not world.council.entitled(ben.node)


def test_anybody_may_read_a_public_council() -> None:
    assert World(charter=small_charter(visibility="public")).council.entitled(Person("Eve").node)


def test_a_founder_without_a_node() -> None:
    body = World().said[0].operation.body
    plain = {field: value for field, value in body.items() if not field.startswith("node")}
    draft = Draft(b"", ADA.device(), 0, (), 0, "council.found", plain)
    council = Council.found(draft.signed(ADA.device_seed()))
    assert isinstance(council, Council)
    assert council.head.entitled() == {Teller("hall").node}


# --- whose words ------------------------------------------------------------------------------


def test_whose_words() -> None:
    world, (ada, ben) = founded("Ben")
    word = world.say(ben, "merge", {})
    request = world.request(world.invite(ada), Person("Cyd"))
    said = world.draft(world.teller.seed, "merge", {})
    world.insert(said)
    assert world.council.membership_of(world.council.id) == membership(world, ada)
    assert world.council.membership_of(word) == membership(world, ben)
    assert world.council.membership_of(request) == request  # hers, once she is a member
    assert world.council.membership_of(said.operation.id) is None
    assert world.council.membership_of(NOTHING) is None


# --- what tellers agree on --------------------------------------------------------------------


def test_a_record_follows_or_does_not() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    aside = world.say(ada, "member.absent", {}, deps=(world.council.id,))
    world.say(cyd, "member.absent", {})
    record = world.council.compose()
    assert isinstance(record, Record)
    assert world.council.follows(record.data) == record
    assert world.council.read_record(record.data).basis == record.basis
    assert world.council.follows(b"\x80") is None
    elsewhere = again(world, world.said[:-1])
    assert elsewhere.follows(record.data) is None  # it lacks what the basis names
    stale = world.council.compose([aside])
    assert isinstance(stale, Record)
    assert world.council.follows(stale.data) is None  # a basis without the last epoch
    assert isinstance(world.insert(world.teller.seal(world.council, record)), Inserted)
    assert world.council.follows(record.data) is None  # of another number now
    world.say(ben, "member.absent", {})
    following = world.council.compose()
    assert isinstance(following, Record)
    for false in (following.data.replace(b"absent", b"return"), following.data.replace(world.council.id, NOTHING)):
        assert false != following.data
        assert world.council.follows(false) is None


# --- the state --------------------------------------------------------------------------------


def test_the_digest_covers_what_the_council_is_and_what_was_said() -> None:
    world, (ada, ben) = founded("Ben")
    seen = {world.council.digest()}

    def changed() -> None:
        assert world.council.digest() not in seen
        seen.add(world.council.digest())

    proposal = world.proposal(ada)
    changed()
    world.say(ben, "comment.write", {"on": proposal, "text": 0}, (proposal,), texts=("yes",))
    changed()
    motion = world.move(ada, {"kind": "adopt", "proposal": proposal, "version": proposal}, (proposal,))
    changed()
    assent = world.assent(ben, motion)
    changed()
    world.say(ben, "motion.withdraw", {"assent": assent}, (assent,))
    changed()
    world.assent(ben, motion)
    changed()
    assert world.epoch() is not None
    changed()
    invitation = world.invite(ada)
    changed()
    world.request(invitation, Person("Cyd"))
    changed()
    world.say(ada, "council.uninvite", {"invitation": invitation.id}, (invitation.id,))
    changed()
    world.say(ben, "member.absent", {})
    changed()
    world.say(ada, "talk.erase", {"operation": proposal, "attachments": [0]}, (proposal,))
    changed()
    world.say(ada, "proposal.withdraw", {"proposal": proposal}, (proposal,))
    changed()
    held = world.council.digest()
    world.say(ada, "merge", {})
    assert world.council.digest() == held


def test_contents_may_be_absent_and_nothing_depends_on_it() -> None:
    world, (ada, _ben) = founded("Ben")
    world.proposal(ada)
    bare = [Envelope(e.operation, tuple(_part(content) for content in e.contents)) for e in world.said]
    assert portrait(again(world, bare)) == portrait(world.council)


def _part(content: Content | None) -> Content | None:
    return content if content is not None and not content.salt else None


def test_a_refusal_is_for_people() -> None:
    outcome = World().council.draft((NOTHING,))
    assert isinstance(outcome, Refusal)
    assert str(outcome).endswith(".")
