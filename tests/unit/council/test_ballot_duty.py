"""What a teller says about ballots and epochs, when it says nothing, and what it does not agree to."""

from typing import Any

import pytest

from protocol.codec import decode, encode
from protocol.council.ballot_duty import ATTENDANCE
from protocol.council.compose import revocation_message
from protocol.council.tellership import MANY_HEADS, Deed, Tellership
from protocol.keys import REVOCATION, sign
from protocol.log.operation import MAX_PARTS
from protocol.tellers.agreement import NIL
from tests.worlds import Person

from .test_ballot_refusals import ada, by_teller, closed, opened, opening
from .test_count import ADA, BEN, CYD, HOUR, Hall

SECOND = 1_000


def four(**charter: Any) -> Hall:
    """Four tellers; Ada, Ben and Cyd."""
    hall = Hall("4", 4, **charter)
    hall.admit(BEN, ADA)
    hall.admit(CYD, ADA, BEN)
    return hall


@pytest.fixture
def hall() -> Hall:
    return four()


def polled(hall: Hall, number: int) -> Deed | None:
    """What a teller would say now."""
    return hall.tellers[number][1].poll(hall.now)


def number_of(hall: Hall, key: bytes) -> int:
    """Which of the tellers has this key."""
    return next(n for n, (teller, _) in enumerate(hall.tellers) if teller.key == key)


# --- accept or decline --------------------------------------------------------------------------


def answer(hall: Hall, **more: Any) -> Deed:
    """What the first teller answers to a ballot."""
    hall.now = max(hall.now, hall.world.clock)
    needs = (more["proposal"],) if "proposal" in more else ()
    ballot = hall.world.say(ADA, "ballot.open", opening(hall, **more), needs, texts=("A stove?",))
    assert ballot not in hall.world.council.without_effect
    hall.note()
    deed = polled(hall, 0)
    assert deed is not None
    assert deed.body["ballot"] == ballot
    return deed


def test_a_ballot_is_accepted_with_a_commitment_of_the_tellers_own(hall: Hall) -> None:
    deed = answer(hall)
    assert deed.kind == "teller.accept"
    assert by_teller(hall, 0, deed.kind, deed.body, deed.needs) is None
    other = polled(hall, 1)
    assert other is not None
    assert (other.kind, other.body["ballot"]) == ("teller.accept", deed.body["ballot"])
    assert other.body["commitment"] != deed.body["commitment"]
    # Until enough have accepted it has nothing more to say, the deadline over or not.
    hall.now += 2 * HOUR
    assert polled(hall, 0) is None


def test_a_ballot_is_declined_that_gives_too_short_notice() -> None:
    hall = four(durations={"notice": 3_600, "discussion": 0})
    assert answer(hall, deadline=hall.world.clock + 10 * HOUR).kind == "teller.accept"
    declined = answer(hall, deadline=hall.world.clock + HOUR - SECOND)
    assert (declined.kind, declined.body["rule"]) == ("teller.decline", "notice")
    assert by_teller(hall, 0, declined.kind, declined.body, declined.needs) is None
    deed = polled(hall, 0)  # it says so once
    assert deed is not None
    assert deed.kind == "teller.accept"


def test_a_ballot_is_declined_on_what_was_not_discussed_long_enough() -> None:
    hall = four(durations={"notice": 0, "discussion": 3_600})
    proposal = hall.world.proposal(BEN)
    hall.note()
    begun = hall.seen[proposal]
    hall.now = begun + HOUR - SECOND
    declined = answer(hall, proposal=proposal, deadline=begun + 10 * HOUR)
    assert (declined.kind, declined.body["rule"]) == ("teller.decline", "discussion")
    assert by_teller(hall, 0, declined.kind, declined.body, declined.needs) is None
    hall.now = begun + HOUR
    assert answer(hall, proposal=proposal, deadline=begun + 20 * HOUR).kind == "teller.accept"


def test_a_ballot_is_declined_that_was_opened_on_an_earlier_epoch(hall: Hall) -> None:
    late = Tellership(hall.world.council, hall.tellers[3][0].seed, hall)
    tip = hall.world.council.branch.links[-1].operation
    body = opening(hall)
    hall.now += HOUR
    hall.world.move(ADA, {"kind": "remove", "membership": hall.world.council.head.persons()[CYD.key]})
    hall.world.assent(BEN, hall.world.council.heads()[0])
    before = hall.world.council.head.number
    hall.until(hall.now + HOUR)
    assert hall.world.council.head.number == before + 1
    ballot = hall.world.say(ADA, "ballot.open", {**body, "deadline": hall.now + HOUR}, deps=(tip,), texts=("Stove?",))
    assert ballot not in hall.world.council.without_effect
    deed = late.poll(hall.now)
    assert deed is not None
    assert (deed.kind, deed.body) == ("teller.decline", {"ballot": ballot, "rule": "epoch"})


def test_whose_clock_is_astray_says_nothing_that_depends_on_it(hall: Hall) -> None:
    office = hall.tellers[0][1]
    office.astray = True
    ballot = hall.world.say(ADA, "ballot.open", opening(hall), texts=("A stove?",))
    assert office.poll(hall.now) is None
    office.astray = False
    hall.until(hall.now + SECOND)
    hall.cast(ADA, ballot, "yes")
    office.astray = True
    hall.now = hall.world.council.box.ballots[ballot].body.deadline - SECOND
    assert office.poll(hall.now) is None
    hall.now += 2 * SECOND
    assert office.poll(hall.now) is None
    # The others count without it, and in what does not depend on the time it takes part.
    hall.until(hall.now + HOUR)
    held = hall.world.council.box.ballots[ballot]
    assert held.certified[0].round == 0
    assert {close.teller for close in held.instances[0].closes.values()} == {t.key for t, _ in hall.tellers[1:]}


def test_who_is_no_teller_of_a_ballot_says_nothing_about_it(hall: Hall) -> None:
    opened(hall)
    stranger = Tellership(hall.world.council, BEN.device_seed(), hall)
    assert stranger.poll(hall.now + 2 * HOUR) is None


# --- which casts were on time -------------------------------------------------------------------


def listed(hall: Hall, ballot: bytes, number: int = 0) -> set[bytes]:
    """The casts in the close that a teller would write at the deadline."""
    hall.now = hall.world.council.box.ballots[ballot].body.deadline
    deed = polled(hall, number)
    assert deed is not None
    assert deed.kind == "teller.close"
    return set(decode(deed.parts[0], MAX_PARTS))


def test_casts_of_a_device_that_its_person_revoked_before_are_not_listed(hall: Hall) -> None:
    world, council = hall.world, hall.world.council.id
    ballot = opened(hall)
    for who in (ADA, BEN, CYD):
        hall.cast(who, ballot, "yes")
    casts = hall.world.council.box.ballots[ballot].casts
    by_device = {cast.device: id for id, cast in casts.items()}
    persons = world.council.head.persons()

    def revoke(whose: bytes, device: bytes, grant: bytes) -> None:
        body = {"membership": whose, "device": device, "grant": grant}
        world.say(ADA, "device.revoke", body)
        hall.note()

    bens, cyds = persons[BEN.key], persons[CYD.key]
    message = revocation_message(council, bens, BEN.device())
    # Ada cannot end Ben's device, nor anybody that of a stranger.
    revoke(bens, BEN.device(), sign(ADA.seed, REVOCATION, message))
    revoke(bytes(32), CYD.device(), sign(CYD.seed, REVOCATION, revocation_message(council, bytes(32), CYD.device())))
    assert listed(hall, ballot) == set(casts)
    hall.now -= SECOND
    revoke(bens, BEN.device(), sign(BEN.seed, REVOCATION, message))
    hall.now += 2 * SECOND
    late = revocation_message(council, cyds, CYD.device())
    revoke(cyds, CYD.device(), sign(CYD.seed, REVOCATION, late))
    assert listed(hall, ballot) == set(casts) - {by_device[BEN.device()]}
    assert listed(hall, ballot, 1) == set(casts) - {by_device[BEN.device()]}


def test_a_revocation_is_judged_by_the_roll_of_each_ballot(hall: Hall) -> None:
    """Dov is not on the first ballot's roll: that says nothing about the second, in which he votes."""

    dov = Person("Dov")
    first = opened(hall, deadline=hall.now + 10 * HOUR)
    hall.admit(dov, ADA, BEN)
    second = opened(hall, deadline=hall.now + 20 * HOUR)
    hall.cast(dov, second, "yes")
    who = hall.world.council.head.persons()[dov.key]
    message = revocation_message(hall.world.council.id, who, dov.device())
    body = {"membership": who, "device": dov.device(), "grant": sign(dov.seed, REVOCATION, message)}
    hall.world.say(dov, "device.revoke", body)
    hall.note()
    assert listed(hall, first) == set()
    assert listed(hall, second) == set()


def test_of_one_voters_casts_a_close_lists_as_many_as_her_share(hall: Hall) -> None:
    ballot = opened(hall)
    held = hall.world.council.box.ballots[ballot]
    casts = []
    for n in range(held.share + 2):  # all of the first revision: a voter that lies
        body = {"ballot": ballot, "revision": 0, "choice": "yes" if n % 2 else "no"}
        casts.append(hall.world.say(ADA, "ballot.cast", body, deps=(ballot,)))
        hall.now += 1
        hall.note()
    hall.cast(BEN, ballot, "yes")
    found = listed(hall, ballot)
    assert set(casts) & found == set(casts[: held.share])
    assert len(found) == held.share + 1


def test_a_teller_keeps_its_word_on_what_it_had_seen(hall: Hall) -> None:
    """An old copy of its disk was put back: when the cast came it does not know any more, but it had said so."""
    ballot = opened(hall)
    hall.cast(ADA, ballot, "yes")
    hall.cast(BEN, ballot, "yes")
    first, second = hall.world.council.box.ballots[ballot].casts
    assert (
        by_teller(hall, 0, "teller.seen", {"ballot": ballot, "casts": 0}, (ballot,), parts=(encode([first]),)) is None
    )
    deadline = hall.world.council.box.ballots[ballot].body.deadline
    hall.seen |= {first: deadline + SECOND, second: deadline + SECOND}
    assert listed(hall, ballot) == {first}
    assert listed(hall, ballot, 1) == set()


# --- closing and agreeing -----------------------------------------------------------------------


def test_who_was_not_there_at_the_deadline_did_not_attend(hall: Hall) -> None:
    ballot = opened(hall)
    for late, attended in ((ATTENDANCE - 1, True), (ATTENDANCE, False)):
        hall.now = hall.world.council.box.ballots[ballot].body.deadline + late
        deed = polled(hall, 0)
        assert deed is not None
        assert deed.body["attended"] is attended


def test_with_too_few_closes_nothing_is_proposed(hall: Hall) -> None:
    ballot = opened(hall)
    hall.now = hall.world.council.box.ballots[ballot].body.deadline
    for number in (0, 1):
        assert hall._act(*hall.tellers[number])
    hall.now += HOUR
    assert polled(hall, 0) is None
    assert polled(hall, 1) is None
    assert hall.tellers[0][1].wake is None


def offered(hall: Hall, ballot: bytes, closes: list[bytes]) -> list[Deed]:
    """The first proposer offers these closes; what the other tellers whose closes there are say to it."""
    instance = hall.world.council.box.ballots[ballot].instances[0]
    maker = number_of(hall, instance.agreement.proposer(0))
    body = {"of": ballot, "instance": 0, "round": 0, "valid_round": -1, "closes": sorted(closes)}
    assert by_teller(hall, maker, "teller.propose", body, tuple(sorted(closes))) is None
    deeds = [polled(hall, n) for n in range(4) if n != maker]
    return [deed for deed in deeds if deed is not None and deed.kind == "teller.prevote"]


def test_a_proposal_that_leaves_out_a_close_known_for_long_gets_no_vote(hall: Hall) -> None:
    ballot = closed(hall)
    grace = hall.world.council.charter.durations.grace * 1000
    hall.now += grace
    few = sorted(hall.world.council.box.ballots[ballot].instances[0].closes)[:3]
    hall.now += 1
    said = offered(hall, ballot, few)
    assert [deed.body["value"] for deed in said] == [NIL] * 3


def test_a_proposal_that_leaves_out_a_close_known_for_a_moment_is_voted_for(hall: Hall) -> None:
    ballot = closed(hall)
    few = sorted(hall.world.council.box.ballots[ballot].instances[0].closes)[:3]
    said = offered(hall, ballot, few)
    assert NIL not in [deed.body["value"] for deed in said]
    assert len(said) == 3


def second_close(hall: Hall, ballot: bytes, number: int) -> bytes:
    """A liar's other close, by which it did not attend."""
    held = hall.world.council.box.ballots[ballot]
    key = hall.tellers[number][0].key
    own = next(id for id, (who, _) in held.accepts.items() if who == key)
    before = set(held.instances[0].closes)
    nonce = hall.tellers[number][1]._ballots._nonce(held, 0)
    body = {"ballot": ballot, "instance": 0, "casts": 0, "nonce": nonce, "at": hall.now, "attended": False}
    assert by_teller(hall, number, "teller.close", body, (own,), parts=(encode([]),)) is None
    (close,) = held.instances[0].closes.keys() - before
    return close


def test_a_proposal_that_extends_what_enough_tellers_attended_gets_no_vote(hall: Hall) -> None:
    ballot = closed(hall)
    instance = hall.world.council.box.ballots[ballot].instances[0]
    liar = number_of(hall, instance.agreement.proposer(0))
    mine = {id for id, close in instance.closes.items() if close.teller == hall.tellers[liar][0].key}
    others = sorted(set(instance.closes) - mine)
    said = offered(hall, ballot, [second_close(hall, ballot, liar), *others[:2]])
    assert [deed.body["value"] for deed in said] == [NIL] * 3


def test_an_extension_waits_for_closes_that_may_still_come(hall: Hall) -> None:
    ballot = opened(hall)
    held = hall.world.council.box.ballots[ballot]
    instance = held.instances[0]
    liar = number_of(hall, instance.agreement.proposer(0))
    away = next(n for n in range(4) if n != liar)
    hall.now = held.body.deadline
    for number in range(4):
        if number not in (liar, away):
            assert hall._act(*hall.tellers[number])
    second_close(hall, ballot, liar)
    said = [deed for deed in offered(hall, ballot, list(instance.closes)) if deed.body["value"]]
    assert said == []
    # Who looks only when nobody can be expected any more agrees.
    other = next(n for n in range(4) if n not in (liar, away))
    office = Tellership(hall.world.council, hall.tellers[other][0].seed, hall)
    hall.now += ATTENDANCE + hall.world.council.charter.durations.grace * 1000
    deed = office.poll(hall.now)
    assert deed is not None
    assert (deed.kind, len(deed.body["value"])) == ("teller.prevote", 32)


def test_tellers_publish_the_certificate_one_after_the_other(hall: Hall) -> None:
    ballot = closed(hall)
    held = hall.world.council.box.ballots[ballot]
    agreement = held.instances[0].agreement
    while agreement.decided is None:
        hall.note()
        next(pair for pair in hall.tellers if hall._act(*pair))
    order = list(agreement.outlook.tellers)
    first = order.index(agreement.proposer(agreement.decided[0]))
    for rank in (2, 1):
        office = hall.tellers[number_of(hall, order[(first + rank) % 4])][1]
        assert office.poll(hall.now) is None
        assert office.wake == hall.now + rank * 1_500
        assert office.poll(hall.now + rank * 1_500 - 1) is None
        deed = office.poll(hall.now + rank * 1_500)
        assert deed is not None
        assert deed.kind == "teller.certify"


def test_precommits_of_different_rounds_extend_nothing(hall: Hall) -> None:
    ballot = closed(hall)
    instance = hall.world.council.box.ballots[ballot].instances[0]
    assert not instance.extended_in(frozenset(instance.closes))
    hall.until(hall.now + HOUR)
    assert instance.agreement.decided is not None
    counted = instance.agreement.quorum(instance.agreement.precommits, *instance.agreement.decided)
    assert not instance.extended_in(frozenset(counted))
    assert not instance.extended_in(frozenset(counted[:2]))


# --- tellership ---------------------------------------------------------------------------------


def test_what_was_said_without_effect_is_not_said_again(hall: Hall) -> None:
    ballot = hall.world.say(ADA, "ballot.open", opening(hall), texts=("A stove?",))
    office = hall.tellers[0][1]
    deed = office.poll(hall.now)
    assert deed is not None
    link = hall.world.council.branch.links[-1].operation
    assert by_teller(hall, 0, deed.kind, deed.body, (), deps=(link,)) == "ballot"
    assert office.poll(hall.now) is None
    assert office.stuck == {deed.place}
    assert deed.place[1] == ballot


def test_many_heads_are_gathered_before_anything_is_said(hall: Hall) -> None:
    link = hall.world.council.branch.links[-1].operation
    for n in range(MANY_HEADS + 1):
        hall.world.say(BEN, "proposal.open", {"title": 0, "text": 1}, deps=(link,), texts=(f"Idea {n}", "Why not?"))
    hall.world.say(ADA, "ballot.open", opening(hall), texts=("A stove?",), deps=(link,))
    deed = polled(hall, 0)
    assert deed is not None
    assert (deed.kind, deed.body) == ("merge", {})
    assert by_teller(hall, 0, deed.kind, deed.body, ()) is None
    deed = polled(hall, 0)
    assert deed is not None
    assert deed.kind == "teller.accept"


# --- epochs -------------------------------------------------------------------------------------


def due(hall: Hall) -> dict[str, Any]:
    """Something that the tellers have to agree on; the beginning of what they say about it."""
    hall.world.move(ADA, {"kind": "remove", "membership": hall.world.council.head.persons()[CYD.key]})
    hall.world.assent(BEN, hall.world.council.heads()[0])
    hall.note()
    return {"of": hall.world.council.head.digest, "instance": 0, "round": 0}


def test_messages_about_an_epoch_keep_to_its_form(hall: Hall) -> None:
    body = due(hall)
    agreement = hall.world.council.box.epoch(hall.world.council.head.number).agreement
    maker = number_of(hall, agreement.proposer(0))
    record = hall.world.council.compose()
    assert record is not None

    def said(number: int, kind: str, *parts: bytes, **more: Any) -> str | None:
        return by_teller(hall, number, kind, {**body, **more}, (), parts=parts)

    assert said(maker, "teller.prevote", value=NIL, instance=1) == "epoch-instance"
    assert said(maker, "teller.propose", valid_round=-1) == "propose-record"
    assert said(maker, "teller.propose", record.data, valid_round=-1, record=0, closes=[bytes(32)]) == "propose-record"
    assert said((maker + 1) % 4, "teller.propose", record.data, valid_round=-1, record=0) == "V2"
    assert said(maker, "teller.precommit", value=record.digest, signature=bytes(64)) == "V4"
    assert ada(hall, "teller.prevote", {**body, "value": NIL}) == "teller"
    assert said(maker, "teller.propose", record.data, valid_round=-1, record=0) is None


def test_a_record_that_does_not_follow_gets_no_vote(hall: Hall) -> None:
    body = due(hall)
    agreement = hall.world.council.box.epoch(hall.world.council.head.number).agreement
    maker = number_of(hall, agreement.proposer(0))
    wrong = {**body, "valid_round": -1, "record": 0}
    assert by_teller(hall, maker, "teller.propose", wrong, (), parts=(b"no record",)) is None
    deed = polled(hall, (maker + 1) % 4)
    assert deed is not None
    assert (deed.kind, deed.body["value"]) == ("teller.prevote", NIL)


def test_a_record_that_had_a_quorum_of_prevotes_is_proposed_again_and_entered(hall: Hall) -> None:
    body = due(hall)
    council = hall.world.council
    agreement = council.box.epoch(council.head.number).agreement
    record = council.compose()
    assert record is not None
    maker = number_of(hall, agreement.proposer(0))
    first = {**body, "valid_round": -1, "record": 0}
    assert by_teller(hall, maker, "teller.propose", first, (), parts=(record.data,)) is None
    (proposal,) = agreement.valid
    next_maker = number_of(hall, agreement.proposer(1))
    three = [next_maker, (next_maker + 1) % 4, (next_maker + 2) % 4]
    for number in three:
        vote = {**body, "value": record.digest}
        assert by_teller(hall, number, "teller.prevote", vote, (proposal,)) is None
    for number in three:
        assert by_teller(hall, number, "teller.precommit", {**body, "value": NIL}, ()) is None
    deed = polled(hall, next_maker)
    assert deed is not None
    assert (deed.kind, deed.body["round"], deed.body["valid_round"]) == ("teller.propose", 1, 0)
    assert deed.parts == (record.data,)
    number = council.head.number
    while agreement.decided is None:
        next(pair for pair in hall.tellers if hall._act(*pair))
    # Whose turn to publish it comes later waits for the others.
    order = list(agreement.outlook.tellers)
    later = hall.tellers[number_of(hall, order[(order.index(agreement.proposer(agreement.decided[0])) + 2) % 4])][1]
    assert later.poll(hall.now) is None
    assert later.poll(hall.now + 2_999) is None
    turn = later.poll(hall.now + 3_000)
    assert turn is not None
    assert turn.kind == "council.epoch"
    hall.until(hall.now + HOUR)
    assert council.head.number == number + 1
    assert council.branch.links[-1].digest == record.digest
