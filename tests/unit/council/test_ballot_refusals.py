"""What members and tellers say about a ballot without effect, each with the rule that it breaks."""

from typing import Any

import msgspec
import pytest

from protocol.codec import encode
from protocol.council.ballot_bodies import OpenBallot
from protocol.council.ballots import unwound
from protocol.council.decision_record import decision_record, read_decision
from protocol.council.outcomes import Inserted
from protocol.council.signatures import pack_signatures
from protocol.council.terms import check_opening
from protocol.ids import Membership
from protocol.log.operation import Content
from protocol.tellers.agreement import NIL
from protocol.tellers.box import BOX, commitment, seal_boxes
from protocol.tellers.close import Cast, Counted
from tests.worlds import Person, attachment

from .test_count import ADA, BEN, CYD, HOUR, Hall, adoption

DOV = Person("Dov")
SECRET = bytes(16)


@pytest.fixture
def hall() -> Hall:
    """Four tellers; Ada, Ben and Cyd."""
    hall = Hall("4", 4)
    hall.admit(BEN, ADA)
    hall.admit(CYD, ADA, BEN)
    return hall


def rule(
    hall: Hall,
    author: bytes,
    kind: str,
    body: dict[str, Any],
    needs: tuple[bytes, ...] = (),
    parts: tuple[bytes, ...] = (),
    *,
    title: str = "",
    deps: tuple[bytes, ...] | None = None,
) -> str | None:
    """Somebody says something; gives the rule by which it has no effect, or None."""
    contents = (*([attachment(title)] if title else []), *(Content(b"", part) for part in parts))
    said = hall.world.draft(author, kind, body, needs, contents=contents, deps=deps)
    assert isinstance(hall.world.insert(said), Inserted)
    hall.note()
    refusal = hall.world.council.without_effect.get(said.operation.id)
    return None if refusal is None else refusal.rule


def ada(hall: Hall, kind: str, body: dict[str, Any], needs: tuple[bytes, ...] = (), **more: Any) -> str | None:
    """Ada says something."""
    return rule(hall, ADA.device_seed(), kind, body, needs, **more)


def opening(hall: Hall, **more: Any) -> dict[str, Any]:
    """The body of a ballot that can be opened."""
    body = {"epoch": hall.world.council.head.digest, "question": {"rule": "majority-simple/1"}, "title": 0}
    return {**body, "deadline": hall.now + HOUR, **more}


def opened(hall: Hall, **more: Any) -> bytes:
    """A ballot, open and accepted."""
    ballot = hall.world.say(ADA, "ballot.open", opening(hall, **more), texts=("A stove?",))
    assert ballot not in hall.world.council.without_effect
    hall.now = max(hall.now, hall.world.clock)
    hall.until(hall.now + 1000)
    return ballot


def closed(hall: Hall) -> bytes:
    """A ballot whose closes are all there, and nothing more."""
    ballot = opened(hall)
    hall.cast(ADA, ballot, "yes")
    hall.now = hall.world.council.box.ballots[ballot].body.deadline
    for pair in hall.tellers:
        assert hall._act(*pair)
    assert len(hall.world.council.box.ballots[ballot].instances[0].closes) == 4
    return ballot


# --- opening ------------------------------------------------------------------------------------


def test_a_ballot_opened_on_an_old_roll(hall: Hall) -> None:
    old = hall.world.council.branch.links[1].digest
    assert ada(hall, "ballot.open", opening(hall, epoch=old), title="A stove?") == "ballot-epoch"


def test_a_ballot_with_an_impossible_quorum(hall: Hall) -> None:
    question = {"rule": "majority-simple/1", "settings": {"quorum": ["at_least", 5, 4]}}
    assert ada(hall, "ballot.open", opening(hall, question=question), title="A stove?") is not None


def test_a_ballot_in_a_council_that_is_forming() -> None:
    for least, found in ((2, "ballot-forming"), (1, None)):
        hall = Hall("1", 1, size={"min": least, "max": 24, "reason": "a test"})
        assert ada(hall, "ballot.open", opening(hall), title="A stove?") == found


def test_a_ballot_on_what_is_no_text_or_not_among_its_deps(hall: Hall) -> None:
    proposal = hall.world.proposal(BEN)
    (tip,) = hall.world.council.heads()
    comment = hall.world.say(BEN, "comment.write", {"on": proposal, "text": 0}, (proposal,), texts=("Why?",))
    body = opening(hall, pins=[comment])
    assert ada(hall, "ballot.open", body, (comment,), title="A stove?") == "ballot-pins"
    body = opening(hall, pins=[proposal])
    link = hall.world.council.branch.links[-1].operation
    assert ada(hall, "ballot.open", body, title="A stove?", deps=(link,)) == "ballot-pins"
    assert ada(hall, "ballot.open", body, (proposal,), title="A stove?") is None
    assert tip == proposal


def test_a_ballot_needs_the_supporters_that_the_charter_asks_for() -> None:
    hall = Hall("1", 1, ballots={"supporters": 2})
    hall.admit(BEN, ADA)
    world = hall.world
    proposal, other = world.proposal(BEN), world.proposal(BEN, "Another")
    mine = world.say(ADA, "ballot.support", {"proposal": proposal}, (proposal,))
    elsewhere = world.say(BEN, "ballot.support", {"proposal": other}, (other,))
    support = world.say(BEN, "ballot.support", {"proposal": proposal}, (proposal,))
    for supports, found in (
        ([], "ballot-supporters"),
        ([mine], "ballot-supporters"),
        ([elsewhere], "ballot-supporters"),
        ([support], None),
    ):
        body = opening(hall, proposal=proposal, supports=supports)
        assert ada(hall, "ballot.open", body, (proposal, *supports), title="A stove?") == found


def test_a_support_of_what_is_no_proposal(hall: Hall) -> None:
    proposal = hall.world.proposal(BEN)
    link = hall.world.council.branch.links[-1].operation
    assert ada(hall, "ballot.support", {"proposal": proposal}, deps=(link,)) == "support"
    assert ada(hall, "ballot.support", {"proposal": link}, (link,)) == "support"
    assert ada(hall, "ballot.support", {"proposal": proposal}, (proposal,)) is None


def test_terms_that_cannot_be(hall: Hall) -> None:
    (who, *_) = hall.world.council.head.members
    stranger = Membership(bytes(32))
    low = {"rule": "majority-qualified/1", "settings": {"threshold": ["at_least", 1, 3]}}
    half = {"rule": "majority-qualified/1", "settings": {"threshold": ["at_least", 1, 2]}}
    effect = {"kind": "remove", "membership": who}
    for more, found in (
        ({"weights": [[who, 1, 1], [who, 2, 1]]}, "ballot-weights"),
        ({"weights": [[stranger, 1, 1]]}, "ballot-weights"),
        ({"effect": {"kind": "dance"}}, "ballot-effect"),
        ({"effect": effect, "question": {"rule": "irv/1", "options": ["Stove", "Pump"]}}, "ballot-effect"),
        ({"effect": effect, "question": low}, "ballot-effect"),
        ({"effect": effect, "question": half}, "ballot-effect"),
        ({"effect": {"kind": "adopt", "proposal": bytes(32), "version": bytes(32)}}, "motion-version"),
        ({"effect": effect}, None),
    ):
        assert ada(hall, "ballot.open", opening(hall, **more), title="A stove?") == found, more


def test_hidden_casts_of_more_people_than_tellers_could_open_them_of(hall: Hall) -> None:
    head = hall.world.council.head
    (member, *_) = head.members.values()
    roll = {Membership(n.to_bytes(32, "big")): member for n in range(300)}
    body = msgspec.convert(opening(hall, hidden=True), OpenBallot, builtin_types=(bytes,))
    refusal = check_opening(body, roll, head.charter)
    assert refusal is not None
    assert refusal.rule == "ballot-hidden"
    assert check_opening(body, head.members, head.charter) is None


# --- casts --------------------------------------------------------------------------------------


def cast(hall: Hall, ballot: bytes, choice: object = "yes", **more: Any) -> str | None:
    """Ada casts; gives the rule by which it has no effect, or None."""
    needs = tuple(dict.fromkeys((ballot, *([more["replaces"]] if "replaces" in more else []))))
    deps, parts = more.pop("deps", None), more.pop("parts", ())
    body = {"ballot": ballot, "revision": 0, "choice": choice, **more}
    return ada(hall, "ballot.cast", body, needs, deps=deps, parts=parts)


def test_a_cast_in_no_ballot_or_without_its_ballot_among_its_deps(hall: Hall) -> None:
    ballot = opened(hall)
    link = hall.world.council.branch.links[-1].operation
    assert cast(hall, ballot, deps=(link,)) == "ballot"
    assert ada(hall, "ballot.cast", {"ballot": link, "revision": 0, "choice": "yes"}, (link,)) == "ballot"
    assert ada(hall, "teller.certify", certify(link), (link,), parts=(b"", b"")) == "ballot"


def test_a_cast_by_who_is_not_on_the_roll(hall: Hall) -> None:
    ballot = opened(hall)
    hall.admit(DOV, ADA, BEN)
    body = {"ballot": ballot, "revision": 0, "choice": "yes"}
    assert rule(hall, DOV.device_seed(), "ballot.cast", body, (ballot,)) == "cast-roll"


def test_a_cast_by_a_teller(hall: Hall) -> None:
    ballot = opened(hall)
    body = {"ballot": ballot, "revision": 0, "choice": "yes"}
    assert rule(hall, hall.tellers[0][0].seed, "ballot.cast", body, (ballot,)) == "voice"


def test_a_choice_that_the_rule_does_not_know(hall: Hall) -> None:
    ballot = opened(hall)
    assert cast(hall, ballot, "perhaps") == "ballot.answer"
    assert cast(hall, ballot, [0]) == "choice"


def test_a_revision_revises_the_voters_own_last_cast(hall: Hall) -> None:
    world, ballot = hall.world, opened(hall)

    def said(who: Person, revision: int, *replaces: bytes) -> bytes:
        body: dict[str, Any] = {"ballot": ballot, "revision": revision, "choice": "yes"}
        if replaces:
            body["replaces"] = replaces[0]
        return world.say(who, "ballot.cast", body, (ballot, *replaces))

    first, bens = said(ADA, 0), said(BEN, 0)
    assert cast(hall, ballot, replaces=first) == "cast-revision"
    assert cast(hall, ballot, revision=1) == "cast-revision"
    assert cast(hall, ballot, revision=1, replaces=bens) == "cast-revision"
    assert cast(hall, ballot, revision=2, replaces=first) == "cast-revision"
    assert cast(hall, ballot, revision=1, replaces=first, deps=(ballot,)) == "cast-revision"
    assert cast(hall, ballot) == "cast-revision"  # its first one is in the past of this
    assert cast(hall, ballot, revision=64, replaces=first) == "cast-revision"
    assert cast(hall, ballot, "no", revision=1, replaces=first) is None
    held = world.council.box.ballots[ballot]
    assert [one.choice for one in held.latest(Membership(held.opener))] == ["no"]


def test_two_casts_of_one_device_and_revision_are_shown(hall: Hall) -> None:
    ballot = opened(hall)
    twice = []
    for choice in ("yes", "no"):
        body = {"ballot": ballot, "revision": 0, "choice": choice}
        twice.append(hall.world.say(ADA, "ballot.cast", body, deps=(ballot,)))
    hall.cast(BEN, ballot, "yes")
    held = hall.world.council.box.ballots[ballot]
    assert held.equivocations() == {(ADA.device(), 0): tuple(sorted(twice))}
    assert [one.id for one in held.latest(held.opener)] == sorted(twice)
    assert len(held.latest(Membership(bytes(32)))) == 0


def test_open_casts_in_an_open_ballot_and_hidden_ones_in_a_hidden_one(hall: Hall) -> None:
    plain, hidden = opened(hall), opened(hall, hidden=True)
    keys = tuple(teller.key for teller, _ in hall.tellers)
    boxes = seal_boxes(keys, SECRET, "yes")
    sealed = {"commitment": commitment(SECRET, "yes"), "boxes": 0}
    assert cast(hall, plain, None, **sealed, parts=(boxes,)) == "cast-open"
    assert cast(hall, hidden, "yes") == "cast-hidden"
    assert cast(hall, hidden, "yes", **sealed, parts=(boxes,)) == "cast-hidden"
    assert cast(hall, hidden, None, commitment=sealed["commitment"]) == "cast-hidden"
    stranger = encode([[bytes(32), bytes(BOX)]])
    assert cast(hall, hidden, None, **sealed, parts=(stranger,)) == "cast-boxes"
    assert cast(hall, hidden, None, **sealed, parts=(encode([[keys[0], b"short"]]),)) == "cast-boxes"
    assert cast(hall, hidden, None, **sealed, parts=(b"\xff",)) is not None
    assert cast(hall, hidden, None, **sealed, parts=(boxes,)) is None


# --- tellers ------------------------------------------------------------------------------------


def certify(ballot: bytes, **more: Any) -> dict[str, Any]:
    """The body of a certificate."""
    return {"ballot": ballot, "instance": 0, "round": 0, "record": 0, "signatures": 1, **more}


def by_teller(
    hall: Hall, number: int, kind: str, body: dict[str, Any], needs: tuple[bytes, ...], **more: Any
) -> str | None:
    """A teller says something; gives the rule by which it has no effect, or None."""
    return rule(hall, hall.tellers[number][0].seed, kind, body, needs, **more)


def test_only_tellers_of_the_ballot_count_it(hall: Hall) -> None:
    ballot = opened(hall)
    body = {"ballot": ballot, "commitment": bytes(32)}
    assert ada(hall, "teller.accept", body, (ballot,)) == "teller"
    vote = {"of": ballot, "instance": 0, "round": 0, "value": NIL}
    assert ada(hall, "teller.prevote", vote, (ballot,)) == "teller"
    assert by_teller(hall, 0, "teller.prevote", {**vote, "of": bytes(32)}, (ballot,)) == "ballot"


def test_what_tellers_say_of_a_ballot_names_it(hall: Hall) -> None:
    ballot = opened(hall)
    link = hall.world.council.branch.links[-1].operation
    body = {"ballot": ballot, "rule": "notice"}
    assert by_teller(hall, 0, "teller.decline", body, (), deps=(link,)) == "ballot"
    assert by_teller(hall, 0, "teller.decline", body, (ballot,)) is None
    held = hall.world.council.box.ballots[ballot]
    assert held.declines == {hall.tellers[0][0].key: "notice"}
    assert not held.refused()  # it had accepted before


def test_a_ballot_that_too_many_tellers_decline_is_refused(hall: Hall) -> None:
    ballot = hall.world.say(ADA, "ballot.open", opening(hall), texts=("A stove?",))
    held = hall.world.council.box.ballots[ballot]
    for number, refused in ((0, False), (1, True)):
        body = {"ballot": ballot, "rule": "notice"}
        assert by_teller(hall, number, "teller.decline", body, (ballot,)) is None
        assert held.refused() is refused
    assert not held.accepted()


def test_a_receipt_lists_casts_of_this_ballot_in_its_past(hall: Hall) -> None:
    ballot, other = opened(hall), opened(hall)
    hall.cast(ADA, ballot, "yes")
    (mine,) = hall.world.council.box.ballots[ballot].casts
    for wrong, found in (
        (encode([other]), "seen-casts"),
        (encode(b"no list"), "casts"),
        (encode([b"short"]), "casts"),
        (encode([mine, mine]), "casts"),
        (encode([mine]), None),
    ):
        body = {"ballot": ballot, "casts": 0}
        assert by_teller(hall, 0, "teller.seen", body, (ballot, mine), parts=(wrong,)) == found
    beside = {"ballot": ballot, "casts": 0}
    assert by_teller(hall, 1, "teller.seen", beside, (), parts=(encode([mine]),), deps=(ballot,)) == "seen-casts"


def test_a_close_keeps_to_its_accept_its_instance_and_its_past(hall: Hall) -> None:
    ballot = opened(hall)
    hall.cast(ADA, ballot, "yes")
    held = hall.world.council.box.ballots[ballot]
    (mine,) = held.casts
    teller, office = hall.tellers[0]
    nonce = office._ballots._nonce(held, 0)
    accepts = {who: id for id, (who, _) in held.accepts.items()}
    body = {"ballot": ballot, "instance": 0, "casts": 0, "nonce": nonce, "at": hall.now, "attended": True}
    own = accepts[teller.key]
    theirs = accepts[hall.tellers[1][0].key]
    assert unwound(nonce, 1) == held.accepts[own][1]

    def close(needs: tuple[bytes, ...], casts: list[bytes], **more: Any) -> str | None:
        deps = more.pop("deps", None)
        return by_teller(hall, 0, "teller.close", {**body, **more}, needs, parts=(encode(casts),), deps=deps)

    assert close((own,), [mine], nonce=bytes(32)) == "close-nonce"
    assert close((theirs,), [mine], deps=(theirs, mine)) == "close-nonce"
    later = office._ballots._nonce(held, 1)
    assert close((own,), [mine], instance=1, nonce=later) == "close-instance"
    assert close((own,), [own]) == "close-casts"
    assert close((own,), [mine], deps=(own,)) == "close-casts"
    assert close((own,), [mine]) is None


def test_openings_that_are_none(hall: Hall) -> None:
    ballot = opened(hall, hidden=True)
    held = hall.world.council.box.ballots[ballot]
    keys = tuple(teller.key for teller, _ in hall.tellers)
    sealed = {"commitment": commitment(SECRET, "yes"), "boxes": 0}
    assert cast(hall, ballot, None, **sealed, parts=(seal_boxes(keys, SECRET, "yes"),)) is None
    (mine,) = held.casts
    teller, office = hall.tellers[0]
    own = next(id for id, (who, _) in held.accepts.items() if who == teller.key)
    nonce = office._ballots._nonce(held, 0)
    body = {
        "ballot": ballot,
        "instance": 0,
        "casts": 0,
        "nonce": nonce,
        "at": hall.now,
        "attended": True,
        "openings": 1,
    }
    for openings in (
        "no list",
        [[mine, SECRET]],
        [[1, SECRET, "yes"]],
        [[mine, "salt", "yes"]],
        [[mine, b"short", "yes"]],
        [[mine, SECRET, "yes"], [mine, SECRET, "yes"]],
    ):
        parts = (encode([mine]), encode(openings))
        assert by_teller(hall, 0, "teller.close", body, (own,), parts=parts) == "openings"
    # An opening that does not fit, or of what is not listed, opens nothing.
    for openings, listed in (
        ([[mine, SECRET, "no"]], frozenset[bytes]()),
        ([[bytes(32), SECRET, "yes"]], frozenset[bytes]()),
        ([[mine, SECRET, "yes"]], frozenset({mine})),
    ):
        before = set(held.instances[0].closes)
        parts = (encode([mine]), encode(openings))
        assert by_teller(hall, 0, "teller.close", body, (own,), parts=parts) is None
        (close,) = held.instances[0].closes.keys() - before
        assert held.instances[0].closes[close].casts == listed


def test_a_proposal_names_one_close_each_from_a_quorum(hall: Hall) -> None:
    ballot = closed(hall)
    held = hall.world.council.box.ballots[ballot]
    instance = held.instances[0]
    closes = sorted(instance.closes)
    number = next(n for n, (teller, _) in enumerate(hall.tellers) if teller.key == instance.agreement.proposer(0))
    body = {"of": ballot, "instance": 0, "round": 0, "valid_round": -1}

    def propose(named: list[bytes], **more: Any) -> str | None:
        deps = more.pop("deps", tuple(sorted(set(closes))))
        return by_teller(hall, number, "teller.propose", {**body, "closes": named, **more}, (), deps=deps)

    assert propose(closes, instance=1) == "propose-closes"
    assert propose(closes[::-1]) == "propose-closes"
    assert propose(closes, deps=tuple(closes[:3])) == "propose-closes"
    assert propose(closes[:2]) == "propose-closes"
    assert propose([*closes[:2], ballot], deps=tuple(sorted((*closes, ballot)))) == "propose-closes"
    assert propose(closes, valid_round=0) == "V2"
    assert instance.values == {}
    assert propose(closes) is None
    assert list(instance.values.values()) == [tuple(closes)]


def test_two_closes_of_one_teller_are_not_those_of_two(hall: Hall) -> None:
    ballot = closed(hall)
    held = hall.world.council.box.ballots[ballot]
    instance = held.instances[0]
    first = min(instance.closes)
    liar = next(n for n, (teller, _) in enumerate(hall.tellers) if teller.key == instance.closes[first].teller)
    own = next(id for id, (who, _) in held.accepts.items() if who == instance.closes[first].teller)
    nonce = instance.closes[first].nonce
    body = {"ballot": ballot, "instance": 0, "casts": 0, "nonce": nonce, "at": 1, "attended": True}
    assert by_teller(hall, liar, "teller.close", body, (own,), parts=(encode([]),)) is None
    (second,) = {id for id, close in instance.closes.items() if close.teller == instance.closes[first].teller} - {first}
    honest = next(id for id in instance.closes if id not in (first, second))
    number = next(n for n, (teller, _) in enumerate(hall.tellers) if teller.key == instance.agreement.proposer(0))
    named = sorted((first, second, honest))
    proposal = {"of": ballot, "instance": 0, "round": 0, "valid_round": -1, "closes": named}
    assert by_teller(hall, number, "teller.propose", proposal, tuple(named)) == "propose-closes"


def test_a_vote_names_a_close_of_its_instance(hall: Hall) -> None:
    ballot = closed(hall)
    vote = {"of": ballot, "instance": 0, "round": 0, "value": NIL}
    assert by_teller(hall, 0, "teller.prevote", vote, (), deps=(ballot,)) == "vote-close"
    assert by_teller(hall, 0, "teller.prevote", {**vote, "instance": 1}, ()) == "vote-close"
    assert by_teller(hall, 0, "teller.prevote", {**vote, "value": bytes(32)}, (min(closes(hall, ballot)),)) == "V3"
    assert by_teller(hall, 0, "teller.prevote", vote, (min(closes(hall, ballot)),)) is None


def closes(hall: Hall, ballot: bytes) -> set[bytes]:
    """The closes of a ballot's first instance."""
    return set(hall.world.council.box.ballots[ballot].instances[0].closes)


# --- certificates -------------------------------------------------------------------------------


def test_a_certificate_in_the_log_that_proves_nothing(hall: Hall) -> None:
    _, ballot = adoption(hall)
    for who in (ADA, BEN, CYD):
        hall.cast(who, ballot, "yes")
    hall.until(hall.now + 2 * HOUR)
    held = hall.world.council.box.ballots[ballot]
    proof, agreement = held.certified[0], held.instances[0].agreement
    needs = agreement.quorum(agreement.precommits, *agreement.decided or (0, b""))
    good = list(proof.signatures)
    round = proof.round

    def certificate(record: bytes, signatures: bytes, **more: Any) -> str | None:
        deps = more.pop("deps", None)
        body = certify(ballot, **{"round": round, **more})
        return ada(hall, "teller.certify", body, () if deps else needs, parts=(record, signatures), deps=deps)

    seals = pack_signatures(round, good)
    assert certificate(proof.record, seals, round=round + 1) == "certify-round"
    assert certificate(proof.record[:-1] + b"\0", seals) == "certify-record"
    assert certificate(proof.record, seals, instance=1) == "certify-record"
    assert certificate(proof.record, seals, deps=needs[:2]) == "certify-deps"
    assert certificate(proof.record, pack_signatures(round + 1, good), round=round + 1) == "certify-deps"
    assert certificate(proof.record, pack_signatures(round, good[:2])) == "certify-signatures"
    changed = good[0][1][:-1] + bytes([good[0][1][-1] ^ 1])
    assert certificate(proof.record, pack_signatures(round, [(good[0][0], changed), *good[1:]])) == "certify-signatures"
    stranger = sorted([(ADA.device(), good[0][1]), *good[1:]])
    assert certificate(proof.record, pack_signatures(round, stranger)) == "certify-signatures"
    assert certificate(proof.record, pack_signatures(round, [good[0], *good])) is not None
    assert certificate(proof.record, seals) is None
    assert len(held.certificates) == 2
    assert held.certified[0].operation == min(held.certificates)


def test_an_extension_is_not_certified(hall: Hall) -> None:
    ballot = opened(hall)
    hall.now += 3 * HOUR
    hall.until(hall.now + 60_000)
    held = hall.world.council.box.ballots[ballot]
    instance = held.instances[0]
    assert instance.agreement.decided is not None
    round, value = instance.agreement.decided
    assert len(held.instances) == 2
    needs = instance.agreement.quorum(instance.agreement.precommits, round, value)
    parts = (held.record(instance, value), pack_signatures(round, instance.agreement.signatures(round, value)))
    assert ada(hall, "teller.certify", certify(ballot, round=round), needs, parts=parts) == "certify-extended"


def test_a_certificate_of_an_instance_that_there_is_not(hall: Hall) -> None:
    ballot = closed(hall)
    parts = (b"\0", pack_signatures(0, []))
    assert ada(hall, "teller.certify", certify(ballot, instance=5), (ballot,), parts=parts) == "certify-record"


def test_a_choice_that_slipped_in_makes_a_result_that_says_so(hall: Hall) -> None:
    """No close can list such a cast; whoever counts a forged certificate again may meet one."""
    held = hall.world.council.box.ballots[opened(hall)]
    casts = [Cast(bytes([n]), who, bytes(32), 0, "perhaps") for n, who in enumerate(sorted(held.roll))]
    record = decision_record(held, 0, bytes(32), [], Counted(frozenset()), casts)
    assert read_decision(record)["result"] == {"elected": [], "refused": "ballot.answer"}


def test_what_is_let_go_ends_no_other_ballot(hall: Hall) -> None:
    certified, running = opened(hall), opened(hall, deadline=hall.now + 20 * HOUR)
    hall.cast(ADA, running, "yes")
    hall.until(hall.now + 2 * HOUR)
    box = hall.world.council.box
    (mine,) = box.ballots[running].casts
    box.discard(mine)
    assert box.running.keys() == {running}
    assert box.ballots.keys() == {certified, running}
    assert not box.ballots[running].casts
    # Without its certificate it runs again.
    box.discard(min(box.ballots[certified].certificates))
    assert box.running.keys() == {certified, running}
