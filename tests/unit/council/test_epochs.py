from dataclasses import replace

import pytest

from protocol.council.bodies import Absent, Assent, Invite, Move, Remove, Request, Uninvite, Withdraw
from protocol.council.epochs import Fact, absorb
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


def test_a_request_that_is_not_proven_is_not_pending() -> None:
    body = Request(seed("person"), DEVICE, bytes(64), bytes(64))
    assert absorb(STATE, [fact("request", body, None)]).requests == {}
    proven = replace(fact("request", body, None), subject=Membership(seed("invitation")))
    assert absorb(STATE, [proven]).requests == {seed("request"): (seed("invitation"), 0, body)}


def test_a_tellers_key_never_comes_so_far() -> None:
    with pytest.raises(Misuse, match="no voice"):
        absorb(STATE, [fact("absent", Absent(), None)])
