from typing import Any

from protocol.council.council import MAX_LIMBO
from protocol.council.epochs import Record
from protocol.council.outcomes import Added, Forgotten, Inserted, Waiting
from protocol.keys import public_key
from protocol.log.operation import Draft, Envelope
from tests.attacks.scenes import again, forge, founded, membership, remove, signed
from tests.delivery import deliver, portrait
from tests.worlds import Person, World, attachment, refused, seed

from .test_erasure import erased


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


def test_a_record_on_what_nobody_vouches_for_does_not_follow() -> None:
    world, ben, cyd, (_, motion) = removed()
    late = world.draft(cyd.device_seed(), "merge", {}, deps=(motion,))
    assert isinstance(world.insert(late), Inserted)
    world.say(ben, "member.absent", {})
    record = world.council.compose([*world.council.heads(), late.operation.id])
    assert isinstance(record, Record)
    assert world.council.follows(record.data) is None
