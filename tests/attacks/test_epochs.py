"""An epoch holds what its basis gives reasons for: nothing invented, nothing left out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from protocol.codec import decode, encode
from protocol.council import charter as charters
from protocol.council.charter import UnknownRules
from protocol.council.council import Council, Heads
from protocol.council.epochs import Record, seal
from protocol.council.outcomes import EpochEntered, Inserted, Refused, Waiting
from protocol.council.roll import Member
from protocol.council.signatures import pack_signatures, sign_epoch
from protocol.ids import Membership
from protocol.log.operation import Content, Draft, Envelope
from tests.delivery import deliver, portrait
from tests.worlds import Person, Teller, World, carry, refused

from .scenes import again, forge, founded, remove, signed


def due(world: World) -> Record:
    """The record that the teller ought to sign now."""
    record = world.council.compose()
    assert isinstance(record, Record)
    return record


def two_reasons() -> tuple[World, list[Person]]:
    """Dov was removed by motion, and Cyd declared herself absent: both are due."""
    world, people = founded("Ben", "Cyd", "Dov")
    world.say(people[2], "member.absent", {})
    remove(world, people[3], *people[:3])
    assert len(due(world).effects) == 2
    return world, people


# --- its reasons ------------------------------------------------------------------------------


def test_an_epoch_without_any_reason() -> None:
    world, _ = founded("Ben")
    before = portrait(world.council)
    assert refused(signed(world, forge(world, []))) == "epoch-reasons"
    assert portrait(world.council) == before


def test_an_admission_that_nobody_asked_for() -> None:
    """The sole teller stuffs the roll: with an invented reason, with a used one, with none."""
    world, _ = founded("Ben")
    head = world.council.head
    eve = Person("Eve")
    member = Member(Membership(bytes(32)), eve.key, head.number + 1, frozenset({eve.device()}))
    stuffed = replace(head, members={**head.members, member.membership: member})
    used = next(effect for effect in world.council.branch.links[1].effects)
    effect = {"kind": "admit", "membership": member.membership, "person": eve.key, "device": eve.device()}
    for reason in ({}, {"reason": bytes(32)}, {"reason": used["reason"], "assents": used["assents"]}):
        assert refused(signed(world, forge(world, [{**effect, **reason}], stuffed))) == "epoch-reasons"
    assert refused(signed(world, forge(world, [], stuffed))) == "epoch-reasons"
    assert world.council.head == head


def test_an_epoch_with_one_reason_left_out() -> None:
    world, _ = two_reasons()
    whole = due(world)
    for place in range(2):
        effects = [dict(effect) for n, effect in enumerate(whole.effects) if n != place]
        assert refused(signed(world, forge(world, effects, whole.state))) == "epoch-reasons"
        assert refused(signed(world, forge(world, effects))) == "epoch-reasons"
    assert isinstance(signed(world, whole), Inserted)


@pytest.mark.parametrize(
    "change",
    [
        lambda effects: effects.reverse(),
        lambda effects: effects.append(effects[0]),
        lambda effects: effects[0].update(why="because"),
        lambda effects: effects[1].update(assents=effects[1]["assents"][:1]),
        lambda effects: effects[1].update(membership=effects[0]["membership"]),
        lambda effects: effects[0].update(kind="return"),
    ],
)
def test_effects_changed_in_any_way(change: Callable[[list[dict[str, Any]]], None]) -> None:
    world, _ = two_reasons()
    whole = due(world)
    effects = [dict(effect) for effect in whole.effects]
    change(effects)
    assert refused(signed(world, forge(world, effects, whole.state))) == "epoch-reasons"


@pytest.mark.parametrize("field", ["roll", "charter", "tellers", "council", "version", "more"])
def test_a_record_changed_in_any_field(field: str) -> None:
    world, _ = two_reasons()
    record = due(world)
    data = decode(record.data, len(record.data))
    data[field] = 2 if field == "version" else bytes(32)
    changed = replace(record, data=encode(data))
    assert refused(signed(world, changed)) in {"epoch-reasons", "epoch-record"}


def test_a_reason_that_the_basis_does_not_hold() -> None:
    """What came too late for the basis waits for the next epoch; a record that takes it anyway is false."""
    world, people = founded("Ben", "Cyd")
    world.say(people[2], "member.absent", {})
    early = due(world)
    world.say(people[1], "member.absent", {})
    whole = due(world)
    effects = [dict(effect) for effect in whole.effects]
    assert refused(signed(world, forge(world, effects, whole.state, basis=early.basis))) == "epoch-reasons"
    assert isinstance(signed(world, early), Inserted)
    assert [effect["kind"] for effect in due(world).effects] == ["absent"]


def test_a_lying_teller_can_delay_but_not_for_ever_leave_out() -> None:
    """It takes old bases as long as they give reasons. What it passes over is due in the first that holds it."""
    world, people = founded("Ben", "Cyd")
    old = tuple(world.council.heads())
    motion = remove(world, people[2], *people[:2])
    aside = world.say(people[1], "member.absent", {}, deps=old)
    delayed = world.council.compose([aside])
    assert isinstance(delayed, Record)
    assert isinstance(signed(world, delayed), Inserted)
    assert motion in world.council.pending().motions
    assert [effect["kind"] for effect in due(world).effects] == ["remove"]


# --- its place --------------------------------------------------------------------------------


def test_an_epoch_that_does_not_follow_the_last() -> None:
    world, _ = two_reasons()
    record = due(world)
    head = world.council.head
    skipped = seal(replace(head, number=head.number + 1), record.basis, list(record.effects), record.state)
    assert refused(signed(world, skipped)) == "epoch-previous"
    other = seal(replace(head, digest=world.council.branch.links[1].digest), record.basis, [], record.state)
    assert refused(signed(world, other)) == "epoch-previous"


def test_a_basis_that_does_not_hold_the_last_epoch() -> None:
    world, (ada, _ben) = founded("Ben")
    aside = world.say(ada, "member.absent", {}, deps=(world.council.id,))
    record = world.council.compose([aside])
    assert isinstance(record, Record)
    assert refused(signed(world, record)) == "epoch-basis"


def test_a_basis_that_is_not_what_the_operation_builds_on() -> None:
    world, people = two_reasons()
    record = due(world)
    more = world.say(people[0], "merge", {}, deps=(world.council.id,))
    signatures = [(world.teller.key, sign_epoch(world.teller.seed, record.digest))]
    for deps in ((*record.basis, more), (world.council.id,)):
        envelope = carry(world.council, record, signatures, world.teller.seed, deps)
        assert refused(world.insert(envelope)) == "epoch-basis"
    doubled = seal(world.council.head, (*record.basis, *record.basis), list(record.effects), record.state)
    envelope = carry(world.council, doubled, signatures, world.teller.seed, record.basis)
    assert refused(world.insert(envelope)) == "epoch-basis"


def test_an_epoch_in_front_of_its_own_past_waits() -> None:
    world, _ = two_reasons()
    said = len(world.said)
    assert isinstance(signed(world, due(world)), Inserted)
    other = again(world, world.said[: said - 1])
    outcome = other.insert(world.said[-1])
    assert isinstance(outcome, Waiting)
    assert outcome.missing == (world.said[said - 1].operation.id,)
    deliver(other, world.said)
    assert portrait(other) == portrait(world.council)


def test_an_epoch_is_judged_with_what_its_basis_brings_back() -> None:
    """The basis names what a removed member wrote: nobody here vouched for it until now."""
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    old = tuple(world.council.heads())
    remove(world, cyd, ada, ben)
    assert world.epoch() is not None
    late = world.draft(
        cyd.device_seed(), "proposal.open", {"title": 0, "text": 0}, deps=old, contents=(Content(b"s" * 16, b"t"),)
    )
    outcome = world.insert(late)
    assert isinstance(outcome, Inserted)
    assert not outcome.kept
    assert late.operation.id not in world.council.talk.proposals
    world.say(ada, "member.absent", {})
    record = world.council.compose([*world.council.heads(), late.operation.id])
    assert isinstance(record, Record)
    false = forge(world, [], basis=record.basis)
    before = portrait(world.council)
    assert refused(signed(world, false)) == "epoch-reasons"
    assert portrait(world.council) == before  # a refused epoch leaves nothing behind
    assert isinstance(signed(world, record), Inserted)
    assert late.operation.id in world.council.talk.proposals


# --- one record, several operations -----------------------------------------------------------

THREE = (Teller("hall"), Teller("barn"), Teller("mill"))


def carriers(world: World, record: Record, *authors: bytes) -> list[Envelope]:
    """The same record in an operation of each of these keys, signed by different quorums."""
    out = []
    for n, author in enumerate(authors):
        by = [THREE[n % 3], THREE[(n + 1) % 3]]
        signatures = [(teller.key, sign_epoch(teller.seed, record.digest)) for teller in by]
        out.append(carry(world.council, record, signatures, author))
    return out


def test_one_record_in_two_operations_is_one_epoch() -> None:
    world, (ada, ben) = founded("Ben", halls=THREE)
    world.say(ben, "member.absent", {})
    record = due(world)
    both = carriers(world, record, THREE[0].seed, THREE[1].seed, ada.device_seed())
    first, *others = [world.insert(envelope) for envelope in both]
    assert isinstance(first, Inserted)
    assert any(isinstance(event, EpochEntered) for event in first.events)
    for other in others:
        assert isinstance(other, Inserted)
        assert not any(isinstance(event, EpochEntered) for event in other.events)
        assert other.epoch == record.number
    assert world.council.head.number == record.number
    assert len(world.council.branch.links) == record.number + 1
    # Who built on the one and who built on the other are in the same epoch.
    for envelope in both:
        word = world.say(ada, "merge", {}, deps=(envelope.operation.id,))
        assert world.council.dag.epoch[world.council.dag.rows[word]] == record.number
    # And whichever came first elsewhere, it is the same council.
    other_way = again(world, [*world.said[:-5], *reversed(world.said[-5:])])
    deliver(other_way, world.said)
    assert portrait(other_way) == portrait(world.council)


def test_a_second_copy_must_be_signed_and_whole_too() -> None:
    world, (ada, ben) = founded("Ben", halls=THREE)
    world.say(ben, "member.absent", {})
    record = due(world)
    good = carriers(world, record, THREE[0].seed)[0]
    assert isinstance(world.insert(good), Inserted)
    one = [(THREE[0].key, sign_epoch(THREE[0].seed, record.digest))]
    assert refused(world.insert(carry(world.council, record, one, THREE[0].seed))) == "epoch-signatures"
    assert refused(world.insert(carry(world.council, record, [], ada.device_seed()))) == "epoch-signatures"


def test_who_once_belonged_carries_old_records_and_brings_in_nothing_by_it() -> None:
    """A removed member writes at length beside the log, and wraps it all in the record of an old epoch."""
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    world.say(ada, "member.absent", {})
    assert world.epoch() is not None
    carrier = world.said[-1]
    old, body = carrier.operation.deps, carrier.operation.body
    contents = tuple(content for content in carrier.contents if content is not None)
    remove(world, cyd, ben, ada)
    assert world.epoch() is not None
    size = len(world.council)
    junk = [world.draft(cyd.device_seed(), "merge", {}, deps=old) for _ in range(10)]
    for envelope in junk:
        assert isinstance(world.insert(envelope), Inserted)
    deps = tuple({*old, *[envelope.operation.id for envelope in junk]})
    wrapped = world.draft(cyd.device_seed(), "council.epoch", body, deps=deps, contents=contents)
    assert refused(world.insert(wrapped)) == "epoch-basis"
    assert len(world.council) == size
    # Exact copies are valid. However many she makes, one is kept at most: that with the lowest id.
    copies = [world.draft(cyd.device_seed(), "council.epoch", body, deps=old, contents=contents) for _ in range(12)]
    for envelope in copies:
        assert isinstance(world.insert(envelope), Inserted)
    lowest = min([carrier, *copies], key=lambda envelope: envelope.operation.id).operation.id
    assert world.council.branch.links[carrier.operation.body["number"]].operation == lowest
    kept = [e for e in copies if world.council.dag.is_kept(world.council.dag.rows[e.operation.id])]
    assert [envelope.operation.id for envelope in kept] == ([] if lowest == carrier.operation.id else [lowest])
    backwards = again(world, [])
    deliver(backwards, reversed([*world.said, *copies]))
    assert portrait(backwards) == portrait(world.council)


def test_the_epoch_that_ends_a_tellers_term_is_kept() -> None:
    """It is by a teller whose standing it ends, and nobody has built on it yet."""
    world, (ada, ben) = founded("Ben")
    barn = Teller("barn")
    effect = {
        "kind": "tellers",
        "profile": "1",
        "tellers": [barn.keys(world.council.id)],
        "replaces": world.council.head.tellers_digest(),
    }
    world.assent(ben, world.move(ada, effect))
    assert world.epoch() is not None
    carrier = world.said[-1].operation.id
    assert world.council.heads() == [carrier]
    heads = world.council.draft()
    assert isinstance(heads, Heads)
    assert heads.epoch == world.council.head.number
    # The member who copies it is in standing; the teller who copies it once more is not.
    operation, contents = world.said[-1].operation, tuple(c for c in world.said[-1].contents if c is not None)
    for seed in (ada.device_seed(), world.teller.seed):
        copy = world.draft(seed, operation.kind, operation.body, deps=operation.deps, contents=contents)
        assert isinstance(world.insert(copy), Inserted)
    kept = {id for id in world.council.heads() if id in {envelope.operation.id for envelope in world.said[-3:]}}
    tellers_own = {carrier, world.said[-1].operation.id}
    assert world.said[-2].operation.id in kept
    assert len(kept & tellers_own) == (1 if min(e.operation.id for e in world.said[-3:]) in tellers_own else 0)
    other = again(world, [*world.said[:-3], *reversed(world.said[-3:])])
    assert portrait(other) == portrait(world.council)


# --- rules that this program does not know ----------------------------------------------------


def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on this is a newer program, which knows one more version of the rules."""
    monkeypatch.setattr(charters, "RULES", charters.RULES | {"folkmoot/9"})


def test_unknown_rules_make_an_epoch_and_its_descendants_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    world, (ada, ben) = founded("Ben")
    said = len(world.said)
    before = again(world)
    effect = {
        "kind": "charter",
        "charter": {**world.council.charter.data(), "rules": ["folkmoot/9"]},
        "replaces": world.council.charter.digest(),
    }
    world.assent(ben, world.move(ada, effect))
    with pytest.raises(UnknownRules, match="folkmoot/9"):
        world.council.compose()
    newer(monkeypatch)
    assert world.epoch() is not None
    after = world.say(ada, "member.absent", {})
    assert world.epoch() is not None
    monkeypatch.undo()
    # The older program takes in what was said, and waits with what was decided.
    outcomes = deliver(before, world.said[said:])
    first, *later = [outcomes[envelope.operation.id] for envelope in world.said[said + 2 :]]
    assert first == Waiting((), "folkmoot/9")
    assert all(isinstance(outcome, Waiting) and outcome.missing for outcome in later)
    assert after not in before
    assert before.head.number == world.council.head.number - 2
    held = portrait_of(before)
    # Asked again and again, it keeps on waiting and nothing piles up.
    for _ in range(3):
        assert before.insert(world.said[said + 2]) == Waiting((), "folkmoot/9")
    assert portrait_of(before) == held
    # Once it is a newer program, it goes on where it stopped.
    newer(monkeypatch)
    deliver(before, world.said)
    assert portrait(before) == portrait(world.council)


def portrait_of(council: Council) -> dict[str, Any]:
    """A portrait without what would need to know the rules."""
    return {"kept": council.dag.kept_rows(), "limbo": set(council.dag.limbo), "heads": council.heads()}


def test_a_lying_teller_cannot_stop_a_council_by_rules_that_nobody_chose() -> None:
    world, (ada, _ben) = founded("Ben")
    effect = {
        "kind": "charter",
        "charter": {**world.council.charter.data(), "rules": ["folkmoot/9"]},
        "replaces": world.council.charter.digest(),
    }
    world.move(ada, effect)  # one of two: not due
    assert world.council.compose() is None
    world.say(ada, "member.absent", {})
    assert world.epoch() is not None


def test_a_founding_charter_with_unknown_rules() -> None:
    world, _ = founded()
    operation = world.said[0].operation
    body = {**operation.body, "charter": {**operation.body["charter"], "rules": ["folkmoot/1", "folkmoot/9"]}}
    draft = Draft(b"", operation.author, 0, (), 0, "council.found", body)
    with pytest.raises(UnknownRules, match="folkmoot/9"):
        Council.found(draft.signed(world.founder.device_seed()))


# --- malformed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "body", "rule"),
    [
        ((b"", b""), {}, "epoch-record"),
        ((b"\x80", None), {}, "epoch-record"),
        ((None, b"\x80"), {}, "epoch-signatures"),
        ((None, None), {"number": 9}, "epoch-record"),
        ((None, None), {"number": 0}, "body"),
        ((None, None), {"record": 2}, "body"),
        ((None, None), {"more": 1}, "body"),
    ],
)
def test_malformed_epochs_are_refused(parts: tuple[bytes | None, ...], body: dict[str, Any], rule: str) -> None:
    world, _ = two_reasons()
    record = due(world)
    signatures = [(world.teller.key, sign_epoch(world.teller.seed, record.digest))]
    good = (record.data, pack_signatures(0, signatures))
    contents = tuple(Content(b"", own if own is not None else usual) for own, usual in zip(parts, good, strict=True))
    fields = {"number": record.number, "record": 0, "signatures": 1, **body}
    envelope = world.draft(world.teller.seed, "council.epoch", fields, deps=record.basis, contents=contents)
    outcome = world.insert(envelope)
    assert isinstance(outcome, Refused)
    assert outcome.refusal.rule == rule or (rule == "epoch-record" and outcome.refusal.rule == "cbor")


def test_an_epoch_without_its_parts() -> None:
    world, _ = two_reasons()
    record = due(world)
    envelope = world.teller.seal(world.council, record)
    bare = Envelope(envelope.operation, (None, None))
    assert refused(world.insert(bare)) == "epoch-parts"
    half = Envelope(envelope.operation, (envelope.contents[0], None))
    assert refused(world.insert(half)) == "epoch-parts"
    assert isinstance(world.insert(envelope), Inserted)
