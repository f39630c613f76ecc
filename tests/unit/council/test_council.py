from collections.abc import Callable
from typing import Any

import pytest

from protocol.council.council import MAX_LIMBO, Council, Heads
from protocol.council.epochs import Record
from protocol.council.outcomes import Added, Erased, Forgotten, Inserted, Known, Refused, Waiting
from protocol.errors import Malformed, Refusal
from protocol.ids import OperationId
from protocol.keys import public_key, sign
from protocol.log.operation import MAX_DEPS, Content, Draft, Envelope
from tests.attacks.scenes import again, forge, founded, leave, membership, remove, signed
from tests.delivery import deliver, portrait
from tests.worlds import Person, Teller, World, attachment, refused, seed, small_charter

ADA = Person("Ada")


# --- founding ---------------------------------------------------------------------------------


def founding(**changes: Any) -> Envelope:
    """A founding operation whose body or fields are changed."""
    operation = World().said[0].operation
    fields = {
        "council": b"",
        "author": ADA.device(),
        "depth": 0,
        "deps": (),
        "time": 0,
        "kind": "council.found",
        "body": {**operation.body, **changes.pop("body", {})},
    }
    return Draft(**{**fields, **changes}).signed(ADA.device_seed())


def test_a_council_is_what_its_founding_operation_says() -> None:
    world = World()
    council = world.council
    assert council.id == world.said[0].operation.id
    assert council.head.number == 0
    assert bytes(council.head.digest) == council.id
    assert council.charter == world.charter
    assert membership(world, ADA) == bytes(council.id)
    assert council.head.members[membership(world, ADA)].devices == {ADA.device()}
    assert [teller.key for teller in council.head.tellers] == [world.teller.key]
    assert council.heads() == [council.id]
    assert len(council) == 1
    assert council.id in council
    assert council.founding is world.said[0].operation
    assert list(council.items) == [(0, council.id)]


NONCE = seed("nonce", "Ada")
HALL, BARN = Teller("hall").keys(NONCE), Teller("barn").keys(NONCE)


class AdasDevice(Teller):
    @property
    def seed(self) -> bytes:
        return ADA.device_seed()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kind": "merge"}, "founding"),
        ({"body": {"tellers": [HALL, BARN]}}, "founding-tellers"),
        ({"body": {"charter": small_charter(tellers="3-absence").data()}}, "founding-tellers"),
        (
            {"body": {"charter": small_charter(tellers="3-absence").data(), "tellers": [HALL, HALL, BARN]}},
            "founding-tellers",
        ),
        ({"body": {"tellers": [{**HALL, "possession": BARN["possession"]}]}}, "founding-tellers"),
        ({"body": {"tellers": [{**HALL, "node": BARN["node"]}]}}, "founding-tellers"),
        ({"body": {"tellers": [Teller("hall").keys(seed("another nonce"))]}}, "founding-tellers"),
        ({"body": {"tellers": [AdasDevice("Ada's").keys(NONCE)]}}, "founding-tellers"),
        ({"body": {"grant": bytes(64)}}, "founding-grant"),
        ({"body": {"person": Person("Ben").key}}, "founding-grant"),
        ({"body": {"node_possession": bytes(64)}}, "founding-node"),
        ({"body": {"node": Person("Ben").node}}, "founding-node"),
    ],
)
def test_what_founds_no_council(changes: dict[str, Any], rule: str) -> None:
    assert refused(Council.found(founding(**changes))) == rule


def test_a_founding_operation_that_is_not_signed() -> None:
    envelope = founding()
    council = Council.found(envelope)
    assert isinstance(council, Council)
    forged = Envelope(type(envelope.operation)(**{**_fields(envelope), "signature": bytes(64)}), ())
    assert refused(Council.found(forged)) == "signature"
    assert isinstance(Council.found(forged, verified=True), Council)


def _fields(envelope: Envelope) -> dict[str, Any]:
    operation = envelope.operation
    return {field: getattr(operation, field) for field in operation.__struct_fields__}


def test_a_founding_operation_that_is_malformed() -> None:
    with pytest.raises(Malformed, match="does not fit its kind"):
        Council.found(founding(body={"more": 1}))
    with pytest.raises(Malformed, match="needs a name"):
        Council.found(founding(body={"charter": {**small_charter().data(), "name": " "}}))


def test_a_council_is_founded_once() -> None:
    world, _ = founded("Ben")
    assert refused(world.insert(founding(time=7))) == "council"
    again_ = world.draft(ADA.device_seed(), "council.found", world.said[0].operation.body)
    assert isinstance(world.insert(again_), Inserted)
    assert world.council.without_effect[again_.operation.id].rule == "founding"


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


# --- erasure ----------------------------------------------------------------------------------


def erased(outcome: object) -> list[Erased]:
    assert isinstance(outcome, Inserted), outcome
    return [event for event in outcome.events if isinstance(event, Erased)]


def test_people_erase_their_own_words() -> None:
    world, (_ada, ben) = founded("Ben")
    proposal = world.proposal(ben)
    body = {"operation": proposal, "attachments": [1]}
    outcome = world.insert(world.draft(ben.device_seed(), "talk.erase", body, (proposal,)))
    assert erased(outcome) == [Erased(proposal, frozenset({1}))]
    assert world.council.erased(proposal) == {1}
    more = world.insert(world.draft(ben.device_seed(), "talk.erase", {**body, "attachments": [0]}, (proposal,)))
    assert erased(more) == [Erased(proposal, frozenset({0, 1}))]


def test_the_council_erases_what_it_decides_to() -> None:
    world, (ada, ben) = founded("Ben")
    picture = world.draft(
        world.teller.seed, "comment.write", {"on": NOTHING, "text": 0}, contents=(attachment("ugly"),)
    )
    assert isinstance(world.insert(picture), Inserted)
    target = picture.operation.id
    world.assent(ben, world.move(ada, {"kind": "erase", "operation": target, "attachment": 0}, (target,)))
    record = world.council.compose()
    assert isinstance(record, Record)
    outcome = world.insert(world.teller.seal(world.council, record))
    assert erased(outcome) == [Erased(target, frozenset({0}))]
    assert world.council.erased(target) == {0}
    world.assent(ben, world.move(ada, {"kind": "erase", "operation": target, "attachment": 0}, (target,)))
    again_ = world.epoch()
    assert again_ is not None
    assert again_.effects[0]["why"] == "it was erased already"


def adopt(world: World, version: bytes, proposal: bytes, replaces: bytes | None = None) -> object:
    """Ada and Ben adopt a version; gives the outcome of the epoch."""
    effect = {"kind": "adopt", "proposal": proposal, "version": version}
    motion = world.move(ADA, effect | ({} if replaces is None else {"replaces": replaces}), (version,))
    world.assent(Person("Ben"), motion)
    record = world.council.compose()
    assert isinstance(record, Record)
    return world.insert(world.teller.seal(world.council, record))


def test_what_the_council_adopted_its_author_cannot_erase() -> None:
    world, (_ada, ben) = founded("Ben")
    proposal = world.proposal(ben)
    assert erased(adopt(world, proposal, proposal)) == []
    body = {"operation": proposal, "attachments": [0, 1]}
    assert erased(world.insert(world.draft(ben.device_seed(), "talk.erase", body, (proposal,)))) == []
    assert world.council.erased(proposal) == frozenset()
    # Until another version stands in its place.
    amendment = {"proposal": proposal, "replaces": proposal, "text": 0}
    second = world.say(ben, "proposal.amend", amendment, (proposal,), texts=("better",))
    outcome = adopt(world, second, proposal, proposal)
    assert erased(outcome) == [Erased(proposal, frozenset({0, 1}))]
    assert world.council.erased(proposal) == {0, 1}
    assert world.council.erased(second) == frozenset()


def test_adoption_names_what_it_replaces_and_no_text_that_is_gone() -> None:
    world, (_ada, ben) = founded("Ben")
    proposal = world.proposal(ben)
    other = world.proposal(ben, "Roof")
    gone = world.proposal(ben, "Gone")
    world.say(ben, "talk.erase", {"operation": gone, "attachments": [1]}, (gone,))
    world.say(ben, "proposal.withdraw", {"proposal": other}, (other,))
    for version, why in ((other, "the proposal was withdrawn"), (gone, "the text was erased")):
        adopt(world, version, version)
        assert world.council.branch.links[-1].effects[0]["why"] == why
    adopt(world, proposal, proposal)
    assert world.council.head.adopted[proposal].version == proposal
    adopt(world, proposal, proposal)
    assert world.council.branch.links[-1].effects[0]["why"] == "another version was adopted meanwhile"


# --- limbo ------------------------------------------------------------------------------------


def removed() -> tuple[World, Person, Person, tuple[bytes, ...]]:
    """Cyd is removed; gives Ben, Cyd, and what was there when she still belonged."""
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    proposal = world.proposal(cyd)
    motion = remove(world, cyd, ada, ben)
    assert world.epoch() is not None
    return world, ben, cyd, (proposal, motion)


def test_limbo_comes_back_as_if_it_had_never_been_away() -> None:
    """All sorts of things that a removed member wrote aside, brought back by one who refers to them."""
    world, ben, cyd, (proposal, motion) = removed()
    old = (motion,)
    size, digest = len(world.council), world.council.digest()

    def aside(kind: str, body: dict[str, Any], *needs: bytes, texts: tuple[str, ...] = ()) -> bytes:
        contents = tuple(attachment(text) for text in texts)
        envelope = world.draft(cyd.device_seed(), kind, body, deps=tuple({*old, *needs}), contents=contents)
        outcome = world.insert(envelope)
        assert isinstance(outcome, Inserted)
        assert not outcome.kept
        return envelope.operation.id

    opened = aside("proposal.open", {"title": 0, "text": 1}, texts=("t", "u"))
    amendment = {"proposal": opened, "replaces": opened, "text": 0}
    amended = aside("proposal.amend", amendment, opened, texts=("v",))
    remark = aside("comment.write", {"on": proposal, "text": 0}, proposal, texts=("w",))
    answer = aside("comment.write", {"on": proposal, "text": 0}, proposal, texts=("x",))
    erasing = aside("talk.erase", {"operation": proposal, "attachments": [0]}, proposal)
    again_erasing = aside("talk.erase", {"operation": proposal, "attachments": [1]}, proposal)
    dropping = aside("proposal.withdraw", {"proposal": proposal}, proposal)
    moved = aside("motion.move", {"effect": {"kind": "remove", "membership": world.council.id}})
    assented = aside("motion.assent", {"motion": moved}, moved)
    odd = aside("garden.plan", {})
    bad = aside("motion.assent", {"motion": proposal}, proposal)
    empty = aside("merge", {})
    assert (len(world.council), world.council.digest()) == (size, digest)
    everything = (amended, remark, answer, erasing, again_erasing, dropping, assented, odd, bad, empty)
    outcome = world.insert(world.draft(ben.device_seed(), "merge", {}, everything))
    told = erased(outcome)
    assert [event.operation for event in told] == [proposal, proposal]
    assert told[-1].indices == {0, 1}
    talk = world.council.talk
    assert {version.id for version in talk.proposals[opened].ordered()} == {opened, amended}
    assert {remark, answer} <= talk.remarks.keys()
    assert set(talk.thread[proposal]) == {remark, answer}
    assert talk.proposals[proposal].withdrawn == {dropping}
    assert talk.erased(proposal) == {0, 1}
    assert set(world.council.pending().motions[moved].assents) == {moved, assented}
    assert world.council.without_effect[bad].rule == "assent"
    assert portrait(again(world)) == portrait(world.council)
    # The one who brought it back is removed too: all of it goes again, in whatever order another node hears it.
    ada = world.founder
    early = world.council.branch.links[-1].operation
    effect = {"kind": "remove", "membership": membership(world, ben)}
    going = world.say(ada, "motion.move", {"effect": effect}, deps=(early,))
    record = world.council.compose([going])
    assert isinstance(record, Record)
    assert isinstance(world.insert(world.teller.seal(world.council, record)), Inserted)
    assert len(world.council) == size + 2
    assert not talk.remarks
    assert not talk.thread
    assert not talk.erasures
    assert opened not in talk.proposals
    assert talk.proposals[proposal].withdrawn == set()
    assert moved not in world.council.motions
    backwards = again(world, [])
    deliver(backwards, reversed(world.said))
    assert portrait(backwards) == portrait(world.council)
    # And comes back once more with the next who refers to it.
    world.say(ada, "merge", {}, everything)
    assert set(talk.thread[proposal]) == {remark, answer}
    assert moved in world.council.motions
    assert portrait(again(world)) == portrait(world.council)


def test_what_a_refused_epoch_brought_back_for_a_moment_is_not_told() -> None:
    world, ben, cyd, (proposal, motion) = removed()
    body = {"operation": proposal, "attachments": [0]}
    erasing = world.draft(cyd.device_seed(), "talk.erase", body, deps=tuple({proposal, motion}))
    assert isinstance(world.insert(erasing), Inserted)
    false = forge(world, [], basis=(*world.council.heads(), erasing.operation.id))
    assert refused(signed(world, false)) == "epoch-reasons"
    outcome = world.insert(world.draft(ben.device_seed(), "merge", {}))
    assert isinstance(outcome, Inserted)
    assert [type(event) for event in outcome.events] == [Added]
    assert world.council.erased(proposal) == frozenset()


def test_limbo_is_bounded_and_what_is_forgotten_can_be_told_again() -> None:
    world, ben, cyd, (_, motion) = removed()
    council = world.council
    secret = seed("aside")
    invite = world.draft(cyd.device_seed(), "council.invite", {"key": public_key(secret), "uses": 2}, deps=(motion,))
    council.insert(invite)
    who = Person("Eve")
    body = who.enrolment(invite.operation.id)
    draft = Draft(
        council.id, public_key(secret), invite.operation.depth + 1, (invite.operation.id,), 0, "council.request", body
    )
    asked = draft.signed(secret)
    assert isinstance(council.insert(asked), Inserted)
    bad = world.draft(cyd.device_seed(), "merge", {"odd": 1}, deps=(motion,))
    council.insert(bad)
    before = portrait(council)
    forgotten: list[bytes] = []
    first: Envelope | None = None
    for n in range(MAX_LIMBO):
        draft = Draft(
            council.id, cyd.device(), 1 + council.dag.depth[council.dag.rows[motion]], (motion,), n, "merge", {}
        )
        envelope = draft.signed(cyd.device_seed())
        first = first or envelope
        outcome = council.insert(envelope, verified=True)
        assert isinstance(outcome, Inserted)
        for event in outcome.events:
            if isinstance(event, Forgotten):
                forgotten += event.operations
    assert len(forgotten) == MAX_LIMBO + 1
    assert {asked.operation.id, invite.operation.id, bad.operation.id} <= set(forgotten)
    assert bad.operation.id not in council.without_effect
    assert len(council.dag.limbo) == 2
    assert portrait(council) == before
    assert isinstance(council.insert(asked), Waiting)
    assert first is not None
    for envelope in (invite, asked, bad, first):
        assert isinstance(council.insert(envelope), Inserted)
    world.say(ben, "merge", {}, (asked.operation.id, bad.operation.id, first.operation.id))
    assert asked.operation.id in council.pending().requests
    assert council.without_effect[bad.operation.id].rule == "body"


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


def test_a_record_on_what_nobody_vouches_for_does_not_follow() -> None:
    world, ben, cyd, (_, motion) = removed()
    late = world.draft(cyd.device_seed(), "merge", {}, deps=(motion,))
    assert isinstance(world.insert(late), Inserted)
    world.say(ben, "member.absent", {})
    record = world.council.compose([*world.council.heads(), late.operation.id])
    assert isinstance(record, Record)
    assert world.council.follows(record.data) is None


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
