from dataclasses import replace

import pytest

from protocol.council.bodies import Absent, Assent, Invite, Move, Remove, Request, Uninvite, Withdraw
from protocol.council.epochs import Acceptance, Decision, Fact, absorb
from protocol.errors import Misuse
from protocol.ids import Membership
from tests.worlds import World, seed

ANN, BEN = Membership(seed("ann")), Membership(seed("ben"))
DEVICE = seed("device")


def fact(name: str, body: object, who: Membership | None = ANN, epoch: int = 0) -> Fact:
    return Fact(seed(name), epoch, 0, DEVICE, who, body)  # type: ignore[arg-type]  # bodies of all kinds


STATE = World().council.head
MOVE = fact("move", Move(Remove(seed("member"))), epoch=3)


def test_taking_in_changes_what_is_pending_alone() -> None:
    after = absorb(STATE, [MOVE, fact("absent", Absent())])
    assert (after.members, after.number, after.charter) == (STATE.members, STATE.number, STATE.charter)
    assert STATE.motions == {}
    assert after.motions[MOVE.id].moved == 3
    assert after.motions[MOVE.id].assents == {MOVE.id: (ANN, DEVICE)}
    assert [act.id for act in after.acts] == [seed("absent")]


def test_in_one_go_or_in_several_is_the_same() -> None:
    facts = [
        MOVE,
        fact("assent", Assent(MOVE.id), BEN),
        fact("again", Assent(MOVE.id), BEN),
        fact("back", Withdraw(seed("assent")), BEN),
        fact("invite", Invite(seed("key"), 1)),
        fact("uninvite", Uninvite(seed("invite"))),
    ]
    whole = absorb(STATE, facts)
    for cut in range(len(facts) + 1):
        assert absorb(absorb(STATE, facts[:cut]), facts[cut:]) == whole
    motion = whole.motions[MOVE.id]
    assert motion.assents.keys() == {MOVE.id, seed("assent"), seed("again")}
    assert motion.withdrawn == {seed("assent")}
    assert whole.invitations[seed("invite")].withdrawn


def test_what_names_nothing_that_is_pending_changes_nothing() -> None:
    facts = [
        fact("assent", Assent(MOVE.id), BEN),
        fact("back", Withdraw(seed("assent")), BEN),
        fact("uninvite", Uninvite(seed("invite"))),
    ]
    assert absorb(STATE, facts) == STATE


def test_nobody_withdraws_for_another() -> None:
    after = absorb(STATE, [MOVE, fact("back", Withdraw(MOVE.id), BEN)])
    assert after.motions[MOVE.id].withdrawn == frozenset()


def certified(name: str, ballot: str = "ballot") -> Fact:
    return fact(name, Decision(seed(ballot), 0, seed("record")), None)


def test_of_several_certificates_of_a_ballot_that_with_the_lowest_id_stands() -> None:
    low, high = sorted([certified("one"), certified("other")], key=lambda fact: fact.id)
    for order in ([low, high], [high, low]):
        after = absorb(STATE, order)
        assert after.decisions == {seed("ballot"): (low.id, low.body)}
    assert absorb(replace(STATE, decided=frozenset({seed("ballot")})), [low]).decisions == {}


def test_who_will_count_a_ballot_until_it_is_decided() -> None:
    ann, ben = (replace(fact(name, Acceptance(seed("ballot"), 0, 2), None), author=seed(name)) for name in ("a", "b"))
    assert absorb(STATE, [ann, ben]).accepted == {seed("ballot"): (0, 2, frozenset({seed("a"), seed("b")}))}
    assert absorb(replace(STATE, decided=frozenset({seed("ballot")})), [ann]).accepted == {}


def test_a_request_that_is_not_proven_is_not_pending() -> None:
    body = Request(seed("person"), DEVICE, bytes(64), bytes(64))
    assert absorb(STATE, [fact("request", body, None)]).requests == {}
    proven = replace(fact("request", body, None), subject=Membership(seed("invitation")))
    assert absorb(STATE, [proven]).requests == {seed("request"): (seed("invitation"), 0, body)}


def test_a_tellers_key_never_comes_so_far() -> None:
    with pytest.raises(Misuse, match="no voice"):
        absorb(STATE, [fact("absent", Absent(), None)])
