"""Councils that sit in another: how they come to sit there, what is believed of them, and how they go."""

from collections.abc import Callable
from typing import Any

import pytest

from protocol.codec import encode
from protocol.council.epochs import Record
from protocol.council.outcomes import Refused
from protocol.council.roll import SeatShown
from protocol.council.signatures import pack_signatures, sign_replacement
from protocol.ids import Membership
from protocol.log.operation import Content
from tests.attacks.scenes import again, forge, new_tellers
from tests.delivery import portrait
from tests.federations import (
    VALLEY,
    application,
    apply,
    carry_up,
    commune,
    decide,
    epochs_of,
    pack,
    parent_of,
    roll_bytes,
    seals,
    seat,
    shown,
)
from tests.worlds import Person, Teller, World, refused, seed

NOTHING = seed("nothing")


def why(world: World, operation: bytes) -> str:
    """The rule by which an operation has no effect."""
    return world.council.without_effect[operation].rule


def due(world: World) -> list[str]:
    """The kinds of effects that are due."""
    record = world.council.compose()
    return [] if record is None else [effect["kind"] for effect in record.effects]


def seated(*, halls: int = 1, visibility: str = "seats") -> tuple[World, World, list[Person], bytes]:
    """A parent, a child that sits in it, the child's people, and the seat."""
    parent = parent_of(visibility=visibility)
    child, people = commune("mill", halls=halls)
    return parent, child, people, seat(parent, child, people)


def test_a_council_joins_by_decisions_on_both_sides() -> None:
    parent, child, people, application = seated()
    member = parent.council.head.members[Membership(application)]
    head = child.council.head
    assert (member.person, member.devices, member.absent) == (child.council.id, frozenset(), False)
    assert member.seat == SeatShown(head.number, head.digest, 3)
    assert list(member.nodes) == [Teller("mill 0").node]
    assert child.council.head.parents == {parent.council.id}
    assert parent.council.head.seats[application].sole
    data = parent.council.data()
    assert data["seats"] == [[application, head.number, head.digest]]
    assert child.council.data()["parents"] == [parent.council.id]
    assert not {"parents", "believed", "carried"} & data.keys()
    assert portrait(again(parent)) == portrait(parent.council)
    assert people


def test_a_council_that_did_not_decide_gets_no_seat() -> None:
    parent = parent_of()
    child, people = commune("mill")
    asked = apply(parent, parent.founder, child)
    lapse = decide(parent, VALLEY, {"kind": "seat", "application": asked}, asked)
    assert lapse["why"] == "the council has not decided to belong to this one"
    decide(child, people, {"kind": "join", "parent": parent.council.id})
    # What came later is carried to the application, and it is asked for again.
    carried = carry_up(parent, parent.founder.device_seed(), asked, shown(child, 3), after=asked)
    assert parent.council.data()["carried"][0][0] == asked
    assert carried not in parent.council.without_effect
    granted = decide(parent, VALLEY, {"kind": "seat", "application": asked}, asked)
    assert (granted["kind"], granted["number"]) == ("seat", 3)
    assert "carried" not in parent.council.data()


def test_why_seats_are_not_given() -> None:
    parent, child, people, application = seated()
    ada = parent.founder

    def lapse(effect: dict[str, Any], *needs: bytes) -> str:
        return str(decide(parent, VALLEY, effect, *needs)["why"])

    assert lapse({"kind": "seat", "application": application}, application) == (
        "there is no such application, or it was granted"
    )
    twin = apply(parent, ada, child)
    assert lapse({"kind": "seat", "application": twin}, twin) == "the council sits here already"
    assert lapse({"kind": "suspend", "seat": parent.council.id, "suspended": True}) == "no such council sits here"
    assert lapse({"kind": "suspend", "seat": NOTHING, "suspended": True}) == "no such council sits here"
    assert lapse({"kind": "suspend", "seat": application, "suspended": False}) == "the seat is not suspended"
    assert lapse({"kind": "believe", "seat": NOTHING, "epoch": NOTHING}) == "no such council sits here"
    assert lapse({"kind": "believe", "seat": application, "epoch": NOTHING}) == (
        "that council's members replaced no tellers by this epoch"
    )
    assert lapse({"kind": "join", "parent": parent.council.id}) == "a council does not belong to itself"
    assert lapse({"kind": "part", "parent": NOTHING}) == "the council does not belong to that one"
    again = decide(child, people, {"kind": "join", "parent": parent.council.id})
    assert again["why"] == "the council belongs to that one already"
    full = {**parent.charter.data(), "size": {"min": 1, "max": 5, "reason": "a test"}}
    decide(parent, VALLEY, {"kind": "charter", "charter": full, "replaces": parent.council.charter.digest()})
    third, others = commune("barn")
    decide(third, others, {"kind": "join", "parent": parent.council.id})
    asked = apply(parent, ada, third)
    assert lapse({"kind": "seat", "application": asked}, asked) == "the council is full"


def test_a_motion_gives_seats_to_those_who_asked() -> None:
    parent, child, _, _ = seated()
    comment = parent.say(parent.founder, "merge", {})
    for needs in ((), (comment,)):
        motion = parent.move(parent.founder, {"kind": "seat", "application": comment}, needs)
        assert why(parent, motion) == "motion-seat"
    made = application(child)
    envelope = parent.draft(parent.teller.seed, "seat.apply", made["body"], contents=made["contents"])
    parent.insert(envelope)
    assert why(parent, envelope.operation.id) == "voice"


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"founding": b"\xff"}, None),
        ({"epochs": encode(None)}, "carry-epochs"),
        ({"epochs": encode([[b"", b"", None]] * 65)}, "carry-epochs"),
        ({"epochs": encode([[b"", b""]])}, "carry-epochs"),
        ({"epochs": encode([[b"", None, None]])}, "carry-epochs"),
        ({"epochs": encode([[b"", b"", "roll"]])}, "carry-epochs"),
        ({"epochs": encode([[b"", b"", encode(None)]])}, "seat-roll"),
        ({"epochs": encode([[encode({}), b"", None]])}, "seat-record"),
    ],
)
def test_an_application_that_proves_nothing(changed: dict[str, bytes], rule: str | None) -> None:
    parent = parent_of()
    child, _ = commune("mill")
    asked = apply(parent, parent.founder, child, **changed)
    assert rule is None or why(parent, asked) == rule
    assert asked in parent.council.without_effect
    assert not parent.council.fold.seats.is_application(asked)


def test_an_application_whose_founding_is_none() -> None:
    parent = parent_of()
    child, _ = commune("mill")
    asked = apply(parent, parent.founder, child, founding=child.said[1].encode())
    assert why(parent, asked) == "seat-founding"


# --- carrying -------------------------------------------------------------------------------------


def test_a_listed_node_carries_and_it_needs_nobody_else() -> None:
    parent, child, people, application = seated()
    node = seed("node", "mill 0")
    barn = Teller("barn")
    decide(child, people, {"kind": "tellers", **new_tellers(child.council, barn).data()})
    carried = carry_up(parent, node, application, shown(child, 4))
    assert carried not in parent.council.without_effect
    assert due(parent) == ["carried"]  # other tellers are a reason for an epoch by themselves
    record = parent.epoch()
    assert record is not None
    (effect,) = record.effects
    head = child.council.head
    assert effect == {
        "kind": "carried", "seat": application, "child": child.council.id, "number": 4, "epoch": head.digest,
        "left": False, "reason": carried,
    }  # fmt: skip
    assert list(parent.council.head.members[Membership(application)].nodes) == [barn.node]
    # The node that is not listed any more may carry no more; the new one may.
    child.tellers = (barn,)
    decide(child, people, {"kind": "join", "parent": NOTHING})
    stranger = parent.draft(node, "seat.carry", {"seat": application, "epochs": 0}, contents=(Content(b"", pack([])),))
    assert isinstance(parent.council.insert(stranger), Refused)
    carry_up(parent, seed("node", "barn"), application, shown(child, 5))
    assert portrait(again(parent)) == portrait(parent.council)


def test_nodes_carry_and_say_nothing_else() -> None:
    parent, _, _, _ = seated()
    node = seed("node", "mill 0")
    merge = parent.draft(node, "merge", {})
    assert refused(parent.council.insert(merge)) == "standing"
    assert parent.council.standings.carrier(Teller("mill 0").node, 0) is None


def test_news_that_presses_nobody_goes_along() -> None:
    """An admission in a commune makes no epoch in the councils above, until one is made there anyway."""
    parent, child, people, application = seated(visibility="members")
    decide(child, people, {"kind": "join", "parent": NOTHING})
    carry_up(parent, parent.founder.device_seed(), application, shown(child, 4))
    assert due(parent) == []
    parent.say(parent.founder, "member.absent", {})
    assert due(parent) == ["absent", "carried"]
    parent.epoch()
    assert parent.council.head.seats[application].number == 4


def test_who_carries_first_or_twice_or_in_parts_makes_no_difference() -> None:
    parent, child, people, application = seated()
    start = parent.council.heads()
    ada, node = parent.founder.device_seed(), seed("node", "mill 0")
    for name in ("barn", "forge", "inn"):
        decide(child, people, {"kind": "tellers", **new_tellers(child.council, Teller(name)).data()})
        child.tellers = (Teller(name),)
    epochs = [(record, signatures, None) for record, signatures in epochs_of(child.council, child.said)[3:]]
    bare = len(parent.said)
    first = carry_up(parent, ada, application, epochs[:2], deps=tuple(start))
    second = carry_up(parent, node, application, epochs[2:], after=first)
    whole = carry_up(parent, node, application, epochs, deps=tuple(start))
    assert not {first, second, whole} & parent.council.without_effect.keys()
    record = parent.council.compose()
    assert record is not None
    assert [(effect["number"], effect["reason"]) for effect in record.effects] == [(6, min(second, whole))]
    for extra, number in (([parent.said[bare]], 5), ([parent.said[-1]], 6)):
        other = again(parent, [*parent.said[:bare], *extra]).compose()
        assert other is not None
        assert [effect["number"] for effect in other.effects] == [number]


def test_what_was_taken_in_is_not_carried_again() -> None:
    parent, child, people, application = seated()
    ada = parent.founder.device_seed()
    decide(child, people, {"kind": "tellers", **new_tellers(child.council, Teller("barn")).data()})
    for _ in range(2):
        carry_up(parent, ada, application, shown(child, 4))
    parent.epoch()
    assert "carried" not in parent.council.data()
    late = carry_up(parent, ada, application, shown(child, 4))
    assert why(parent, late) == "seat-known"
    assert due(parent) == []


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (lambda p, c, s: carry_up(p, p.founder.device_seed(), NOTHING, shown(c)), "carry-seat"),
        (lambda p, c, s: carry_up(p, p.founder.device_seed(), s, shown(c, 1)), "seat-stale"),
        (lambda p, c, s: carry_up(p, p.founder.device_seed(), s, [], after=p.council.heads()[0]), "carry-after"),
        (lambda p, c, s: carry_up(p, p.founder.device_seed(), NOTHING, [], after=s), "carry-after"),
        (lambda p, c, s: carry_up(p, p.founder.device_seed(), s, [(b"", b"", None)]), "seat-record"),
        (lambda p, c, s: carry_up(p, p.founder.device_seed(), s, []), "carry-epochs"),
    ],
)
def test_what_is_carried_without_effect(made: Callable[[World, World, bytes], bytes], rule: str) -> None:
    parent, child, _, application = seated()
    assert why(parent, made(parent, child, application)) == rule


def test_what_names_what_is_no_dep_has_no_effect() -> None:
    parent, child, _, application = seated()
    body = {"seat": application, "epochs": 0, "after": application}
    head = parent.council.heads()[0]
    part = Content(b"", pack(shown(child)))
    envelope = parent.draft(parent.founder.device_seed(), "seat.carry", body, contents=(part,), deps=(head,))
    parent.insert(envelope)
    assert why(parent, envelope.operation.id) == "carry-after"


def test_two_epochs_of_one_number_are_shown_and_stop_nothing() -> None:
    parent, child, people, application = seated()
    ada = parent.founder.device_seed()
    lies = [forge(child, [{"kind": "part", "parent": seed("a parent", n)}]).data for n in range(2)]
    start = tuple(parent.council.heads())
    for lie in lies:
        carry_up(parent, ada, application, [(lie, seals(lie, *child.tellers), None)], deps=start)
    (pair,) = parent.council.fold.seats.rivals(application)
    assert {link.number for link in pair} == {4}
    assert len(pair) == 2
    parent.say(parent.founder, "member.absent", {})
    parent.epoch()
    # Two at once: everybody goes on with the same one.
    assert parent.council.head.seats[application].digest == pair[0].digest
    assert parent.council.fold.seats.rivals(NOTHING) == []
    assert people


def test_a_rival_that_comes_after_the_epoch_is_only_shown() -> None:
    parent, child, people, application = seated()
    lie = forge(child, [{"kind": "part", "parent": parent.council.id}]).data
    old = tuple(parent.council.heads())
    decide(child, people, {"kind": "tellers", **new_tellers(child.council, Teller("barn")).data()})
    carry_up(parent, parent.founder.device_seed(), application, shown(child, 4))
    parent.epoch()
    late = carry_up(
        parent, parent.founder.device_seed(), application, [(lie, seals(lie, Teller("mill 0")), None)], deps=old
    )
    assert late not in parent.council.without_effect
    assert due(parent) == []
    assert len(parent.council.fold.seats.rivals(application)) == 1
    assert Membership(application) in parent.council.head.members
    parent.say(parent.founder, "member.absent", {})
    parent.epoch()
    assert parent.council.head.seats[application].number == 4


# --- going, and being sent ------------------------------------------------------------------------


def test_a_child_leaves_by_its_own_decision() -> None:
    parent, child, people, application = seated()
    decide(child, people, {"kind": "part", "parent": parent.council.id})
    carry_up(parent, seed("node", "mill 0"), application, shown(child, 4))
    record = parent.epoch()
    assert record is not None
    assert record.effects[0]["left"] is True
    head = parent.council.head
    assert (dict(head.seats), dict(head.carried), len(head.members)) == ({}, {}, 4)
    assert parent.council.standings.carrier(Teller("mill 0").node, head.number) is None
    # It comes back with a new application, and a new membership.
    decide(child, people, {"kind": "join", "parent": parent.council.id})
    asked = apply(parent, parent.founder, child)
    assert decide(parent, VALLEY, {"kind": "seat", "application": asked}, asked)["kind"] == "seat"


def test_a_parent_sends_a_child_away_and_its_old_application_is_spent() -> None:
    parent, _, _, application = seated()
    removed = decide(parent, VALLEY, {"kind": "remove", "membership": application})
    assert (removed["kind"], dict(parent.council.head.seats)) == ("remove", {})
    lapse = decide(parent, VALLEY, {"kind": "seat", "application": application}, application)
    assert lapse["why"] == "there is no such application, or it was granted"


def test_a_seat_is_suspended_and_comes_back() -> None:
    parent, child, people, application = seated()
    ada = parent.founder
    assert decide(parent, VALLEY, {"kind": "suspend", "seat": application, "suspended": True})["kind"] == "suspend"
    member = parent.council.head.members[Membership(application)]
    assert (member.absent, member.seat and member.seat.suspended) == (True, True)
    decide(child, people, {"kind": "tellers", **new_tellers(child.council, Teller("barn")).data()})
    carry_up(parent, ada.device_seed(), application, shown(child, 4))
    parent.epoch()
    member = parent.council.head.members[Membership(application)]
    assert (member.absent, member.seat and member.seat.suspended) == (True, True)
    assert decide(parent, VALLEY, {"kind": "suspend", "seat": application, "suspended": True})["why"] == (
        "the seat is suspended already"
    )
    decide(parent, VALLEY, {"kind": "suspend", "seat": application, "suspended": False})
    assert not parent.council.head.members[Membership(application)].absent


def test_a_seat_counts_in_what_is_decided_and_nobody_takes_its_place() -> None:
    parent, _, _, application = seated()
    ben = Person("Eva")
    request = parent.request(parent.invite(parent.founder), ben)
    motion = parent.move(parent.founder, {"kind": "admit", "request": request}, (request,))
    standing = parent.council.count(parent.council.pending().motions[motion])
    assert (len(standing.yes), standing.of) == (1, 5)
    rekey = {
        "kind": "rekey",
        "membership": application,
        "replaces": parent.council.head.members[Membership(application)].person,
    }
    lapse = decide(parent, VALLEY, {**rekey, **ben.enrolment(application, 1)})
    assert lapse["why"] == "the membership does not have the key that was to be replaced"


def test_who_may_read() -> None:
    listed = Person("mill Ben").node
    for visibility, reads in (("seats", True), ("members", False)):
        parent, _, _, _ = seated(visibility=visibility)
        assert parent.council.entitled(Teller("mill 0").node)
        assert parent.council.entitled(listed) is reads


# --- members that replaced the tellers ---------------------------------------------------------------


def test_a_replacement_by_the_childs_members_acts_once_the_parent_decided_so() -> None:
    parent, child, people, application = seated()
    ada = parent.founder
    record = child.council.compose_replacement(new_tellers(child.council, Teller("barn")))
    assert isinstance(record, Record)
    by = [(who.device(), sign_replacement(who.device_seed(), record.digest)) for who in people]
    signatures = pack_signatures(0, by)
    refused_without = carry_up(parent, ada.device_seed(), application, [(record.data, signatures, None)])
    assert why(parent, refused_without) == "seat-roll"
    carry_up(parent, ada.device_seed(), application, [(record.data, signatures, roll_bytes(child.council))])
    assert due(parent) == []
    assert decide(parent, VALLEY, {"kind": "believe", "seat": application, "epoch": record.digest})["kind"] == "believe"
    assert parent.council.data()["believed"] == [[application, record.digest]]
    assert due(parent) == ["carried"]
    parent.epoch()
    tip = parent.council.head.seats[application]
    assert (tip.number, tip.tellers, tip.by_members) == (4, ((Teller("barn").key, Teller("barn").node),), True)


def test_what_its_tellers_signed_is_taken_in_and_the_replacement_after_it_waits_for_the_decision() -> None:
    parent, child, people, application = seated()
    ada = parent.founder.device_seed()
    decide(child, people, {"kind": "tellers", **new_tellers(child.council, Teller("inn")).data()})
    record = child.council.compose_replacement(new_tellers(child.council, Teller("barn")))
    assert isinstance(record, Record)
    by = [(who.device(), sign_replacement(who.device_seed(), record.digest)) for who in people]
    signed = (record.data, pack_signatures(0, by), roll_bytes(child.council))
    carry_up(parent, ada, application, [*shown(child, 4), signed])
    parent.epoch()
    assert parent.council.head.seats[application].number == 4
    assert parent.council.data()["carried"] == [[application, [record.digest]]]
    # An application is spent, whatever is still carried to it.
    lapse = decide(parent, VALLEY, {"kind": "seat", "application": application}, application)
    assert lapse["why"] == "there is no such application, or it was granted"
    decide(parent, VALLEY, {"kind": "believe", "seat": application, "epoch": record.digest})
    parent.epoch()
    assert parent.council.head.seats[application].number == 5
    assert portrait(again(parent)) == portrait(parent.council)


def test_what_a_node_carried_aside_after_its_time_comes_back_with_who_refers_to_it() -> None:
    parent, child, people, application = seated()
    node, old = seed("node", "mill 0"), tuple(parent.council.heads())
    decide(child, people, {"kind": "tellers", **new_tellers(child.council, Teller("barn")).data()})
    child.tellers = (Teller("barn"),)
    carry_up(parent, parent.founder.device_seed(), application, shown(child, 4))
    parent.epoch()
    lie = forge(child, [], of=child.council.head).data
    digest = parent.council.digest()
    # On the past, where it could still carry: first kept away, then referred to, then away again.
    late = carry_up(parent, node, application, [(lie, seals(lie, Teller("barn")), None)], deps=old)
    assert (parent.council.digest(), parent.council.fold.seats.rivals(application)) == (digest, [])
    assert late not in parent.council.without_effect
    parent.say(parent.founder, "merge", {}, (late,))
    assert why(parent, late) == "seat-order"
    carried = carry_up(parent, node, application, shown(child, 4), deps=old)
    assert carried not in parent.council.fold.seats.carried
    parent.say(parent.founder, "merge", {}, (carried,))
    assert carried in parent.council.fold.seats.carried
    assert portrait(again(parent)) == portrait(parent.council)


def test_what_was_carried_is_forgotten_with_who_carried_it() -> None:
    parent, child, people, application = seated()
    node = seed("node", "mill 0")
    decide(child, people, {"kind": "tellers", **new_tellers(child.council, Teller("barn")).data()})
    aside = tuple(parent.council.heads())
    carried = carry_up(parent, node, application, shown(child, 4), deps=aside)
    assert carried in parent.council.fold.seats.carried
    motion = parent.move(VALLEY[0], {"kind": "remove", "membership": application}, deps=aside)
    tips = [parent.assent(who, motion, deps=(motion,)) for who in VALLEY[1:]]
    record = parent.council.compose(tips)
    assert record is not None
    parent.insert(parent.teller.seal(parent.council, record))
    assert carried not in parent.council.fold.seats.carried
    assert "carried" not in parent.council.data()
    assert portrait(again(parent)) == portrait(parent.council)
