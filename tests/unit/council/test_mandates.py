"""Delegates: who speaks for a council in another, until when, and who steps in."""

from typing import Any

import pytest
from msgspec import to_builtins

from protocol.council.body import LATEST
from protocol.council.seat_bodies import Mandated
from protocol.council.tellership import Tellership
from protocol.federation.link import Link
from protocol.federation.mandate import Mandate, granted, recalled
from protocol.ids import Membership
from tests.attacks.scenes import again, forge, leave
from tests.delivery import portrait
from tests.federations import (
    VALLEY,
    apply,
    begun,
    carry_up,
    commune,
    decide,
    delegate,
    epochs_of,
    mandate,
    parent_of,
    seals,
    seat,
    shown,
)
from tests.vectors.stories import OnTime, cast_in, open_ballot, tell
from tests.worlds import Person, World, refused, seed

NODE = seed("node", "mill 0")
NOTHING = seed("nothing")


def seated() -> tuple[World, World, list[Person], bytes]:
    """A parent, a child that sits in it, the child's people, and the seat."""
    parent = parent_of()
    child, people = commune("mill")
    return parent, child, people, seat(parent, child, people)


def bring(parent: World, child: World, sits: bytes) -> None:
    """A node of the child carries what is new, and the parent takes it in."""
    carry_up(parent, NODE, sits, shown(child, parent.council.head.seats[sits].number + 1))
    assert parent.epoch() is not None


def devices(parent: World, sits: bytes) -> frozenset[bytes]:
    return parent.council.head.members[Membership(sits)].devices


def test_a_delegate_speaks_for_her_council() -> None:
    parent, child, people, sits = seated()
    ben, cyd = people[1], people[2]
    told = decide(child, people, mandate(child, parent, ben, cyd, since=1, until=2_000_000_000_000))
    assert told["kind"] == "mandate"
    assert child.council.data()["mandates"] == [
        [parent.council.id, [[ben.key, ben.device(5)], [cyd.key, cyd.device(5)]], 1, 2_000_000_000_000]
    ]
    bring(parent, child, sits)
    member = parent.council.head.members[Membership(sits)]
    assert member.devices == {ben.device(5)}
    assert member.seat is not None
    assert member.seat.until == 2_000_000_000_000
    said = parent.say(ben, "proposal.open", {"title": 0, "text": 1}, texts=("t", "u"), device=5)
    assert parent.council.membership_of(said) == sits
    motion = parent.move(VALLEY[0], {"kind": "adopt", "proposal": said, "version": said}, (said,))
    parent.assent(ben, motion, device=5)
    standing = parent.council.count(parent.council.pending().motions[motion])
    assert (len(standing.yes), standing.of) == (2, 5)
    assert portrait(again(parent)) == portrait(parent.council)


def test_an_alternate_steps_in_for_who_is_recalled_and_goodwill_is_not_asked() -> None:
    parent, child, people, sits = seated()
    _, ben, cyd = people
    decide(child, people, mandate(child, parent, ben, cyd))
    bring(parent, child, sits)
    recall = {"kind": "recall", "parent": parent.council.id, "person": ben.key}
    assert decide(child, people, recall)["kind"] == "recall"
    bring(parent, child, sits)
    assert devices(parent, sits) == {cyd.device(5)}
    assert refused(parent.council.insert(parent.draft(ben.device_seed(5), "merge", {}))) == "standing"
    assert decide(child, people, recall)["why"] == "the person has no mandate there"
    decide(child, people, {**recall, "person": cyd.key})
    bring(parent, child, sits)
    member = parent.council.head.members[Membership(sits)]
    assert (member.devices, member.seat and member.seat.until) == (frozenset(), None)
    # Elected again she comes with another device: a key that ended does not return.
    decide(child, people, mandate(child, parent, ben))
    bring(parent, child, sits)
    assert devices(parent, sits) == frozenset()
    decide(child, people, mandate(child, parent, ben, device=6))
    bring(parent, child, sits)
    assert devices(parent, sits) == {ben.device(6)}
    # Another term in a row goes on with the same one.
    decide(child, people, mandate(child, parent, ben, device=6, until=9))
    bring(parent, child, sits)
    assert devices(parent, sits) == {ben.device(6)}


def test_who_leaves_her_council_speaks_for_it_no_more() -> None:
    parent, child, people, sits = seated()
    _, ben, cyd = people
    decide(child, people, mandate(child, parent, ben, cyd))
    bring(parent, child, sits)
    leave(child, ben)
    record = child.epoch()
    assert record is not None
    assert [effect["kind"] for effect in record.effects] == ["leave", "recall"]
    assert "reason" not in record.effects[1]
    bring(parent, child, sits)
    assert devices(parent, sits) == {cyd.device(5)}


def test_a_mandate_ends_on_time_without_anyone_acting() -> None:
    parent, child, people, sits = seated()
    ben = people[1]
    decide(child, people, mandate(child, parent, ben, until=parent.clock + 60_000))
    bring(parent, child, sits)
    counted = []
    for _ in range(2):
        said = parent.proposal(VALLEY[0])
        motion = parent.move(VALLEY[0], {"kind": "adopt", "proposal": said, "version": said}, (said,))
        parent.assent(ben, motion, device=5)
        standing = parent.council.count(parent.council.pending().motions[motion])
        counted.append((len(standing.yes), standing.of))
        parent.clock += 120_000
    assert counted == [(2, 5), (1, 5)]


def test_a_delegate_casts_in_ballots_that_end_before_her_mandate() -> None:
    parent, child, people, sits = seated()
    ben = people[1]
    decide(child, people, mandate(child, parent, ben, until=parent.clock + 60_000))
    bring(parent, child, sits)
    for late in (False, True):
        body = {
            "epoch": parent.council.head.digest,
            "question": {"rule": "majority-simple/1"},
            "title": 0,
            "deadline": parent.clock + (90_000 if late else 20_000),
        }
        ballot = parent.say(VALLEY[0], "ballot.open", body, texts=("Shall we?",))
        cast = parent.say(ben, "ballot.cast", {"ballot": ballot, "revision": 0, "choice": "yes"}, (ballot,), device=5)
        assert (parent.council.box.ballots[ballot].casts.keys() == {cast}) is not late
        if late:
            assert parent.council.without_effect[cast].rule == "cast-mandate"
            assert parent.council.without_effect.keys() == {cast}


def test_a_suspended_seat_speaks_and_does_not_decide() -> None:
    parent, child, people, sits = seated()
    ben = people[1]
    decide(child, people, mandate(child, parent, ben))
    bring(parent, child, sits)
    decide(parent, VALLEY, {"kind": "suspend", "seat": sits, "suspended": True})
    said = parent.say(ben, "proposal.open", {"title": 0, "text": 1}, texts=("t", "u"), device=5)
    motion = parent.move(VALLEY[0], {"kind": "adopt", "proposal": said, "version": said}, (said,))
    parent.assent(ben, motion, device=5)
    standing = parent.council.count(parent.council.pending().motions[motion])
    assert (len(standing.yes), standing.of) == (1, 4)
    decide(parent, VALLEY, {"kind": "suspend", "seat": sits, "suspended": False})
    assert devices(parent, sits) == {ben.device(5)}
    standing = parent.council.count(parent.council.pending().motions[motion])
    assert (len(standing.yes), standing.of) == (2, 5)


def test_a_key_that_stands_for_somebody_else_here_is_nobodys_delegate() -> None:
    parent, child, people, sits = seated()
    # Ben of the valley sits there himself; he takes the same device for both.
    ben = people[1]
    eva = Person("Eva")
    parent.admit(eva, *VALLEY)
    child.admit(eva, *people)
    decide(child, people, mandate(child, parent, eva, ben, device=0))
    bring(parent, child, sits)
    assert devices(parent, sits) == frozenset()


def test_a_delegate_before_the_seat_is_there_with_it() -> None:
    parent = parent_of()
    child, people = commune("mill")
    decide(child, people, {"kind": "join", "parent": parent.council.id})
    decide(child, people, mandate(child, parent, people[0]))
    sits = seat_again(parent, child)
    assert devices(parent, sits) == {people[0].device(5)}


def seat_again(parent: World, child: World) -> bytes:
    asked = apply(parent, parent.founder, child)
    decide(parent, VALLEY, {"kind": "seat", "application": asked}, asked)
    return asked


def chosen(
    child: World, people: list[Person], candidates: list[Any], votes: list[Any], **more: Any
) -> list[dict[str, Any]]:
    """What an epoch made of an election of two delegates."""
    tellers = [Tellership(child.council, child.teller.seed, OnTime())]
    options = [f"option {number}" for number in range(len(candidates))]
    question = {"rule": more.pop("rule", "approval/1"), "options": options, "seats": 2}
    plain = [None if one is None else to_builtins(one, builtin_types=(bytes,)) for one in candidates]
    effect = {"kind": "elect-delegates", "parent": more.pop("parent"), "candidates": plain, "since": 0, "until": LATEST}
    before = child.council.head.number
    ballot = open_ballot(child, tellers, question, effect=effect, **more)
    for who, vote in zip(people, votes, strict=True):
        cast_in(child, ballot, who, vote)
    tell(child, tellers, 1000)
    links = child.council.branch.links[before + 1 :]
    return [effect for link in links for effect in link.effects]


def test_delegates_are_elected_by_any_rule_and_who_comes_second_is_the_alternate() -> None:
    parent, child, people, _ = seated()
    here, there = child.council.id, parent.council.id
    one, two, three = (delegate(who, here, there) for who in people)
    votes = [[0, 2], [2], [0, 1, 2]]
    (effect,) = chosen(child, people, [one, two, three], votes, parent=there)
    assert (effect["kind"], [who["person"] for who in effect["delegates"]]) == ("mandate", [three.person, one.person])
    mandated = child.council.head.mandates[there]
    assert [person for person, _ in mandated.delegates] == [three.person, one.person]
    # Nobody was chosen who is somebody; and weights do not change who comes first.
    (effect,) = chosen(child, people, [None, two, None], [[0, 2]] * 3, parent=there)
    assert effect["kind"] == "decision"
    weights = [[membership, 9, 1] for membership in [child.council.id]]
    (effect,) = chosen(child, people, [one, two], [[0], [1], [1]], parent=there, weights=weights)
    assert effect["kind"] == "decision"


@pytest.mark.parametrize("fault", ["rule", "number", "twice", "nobody"])
def test_elections_of_delegates_that_cannot_be(fault: str) -> None:
    parent, child, people, _ = seated()
    one = delegate(people[0], child.council.id, parent.council.id)
    several: dict[str, list[Any]] = {"twice": [one, one], "nobody": [None, None]}
    candidates = several.get(fault, [one])
    plain = [None if each is None else to_builtins(each, builtin_types=(bytes,)) for each in candidates]
    effect = {"kind": "elect-delegates", "parent": parent.council.id, "candidates": plain, "since": 0, "until": 1}
    question: dict[str, Any] = {"rule": "approval/1", "options": ["a"] if fault == "number" else ["a", "b"]}
    if fault == "rule":
        question = {"rule": "majority-simple/1"}
    if fault == "number":
        effect["candidates"] = plain * 2
    body = {"epoch": child.council.head.digest, "question": question, "title": 0, "deadline": child.clock + 60_000}
    ballot = child.say(people[0], "ballot.open", {**body, "effect": effect}, texts=("Who?",))
    assert child.council.without_effect[ballot].rule == "ballot-election"


def test_why_mandates_lapse() -> None:
    parent, child, people, _ = seated()
    ben, stranger = people[1], Person("a stranger")

    def why(effect: dict[str, Any]) -> str:
        return str(decide(child, people, effect)["why"])

    assert why({**mandate(child, parent, ben), "parent": NOTHING}) == "the council does not belong to that one"
    assert why(mandate(child, parent, ben, since=5, until=5)) == "the mandate would end before it begins"
    nobody = "nobody of the delegates is a member and proven, or one is named twice"
    assert why(mandate(child, parent, stranger)) == nobody
    assert why(mandate(child, parent, ben, ben)) == nobody
    elsewhere = delegate(ben, child.council.id, NOTHING)
    assert why(Mandated(parent.council.id, [elsewhere], 0, 1).data()) == nobody
    recall = {"kind": "recall", "parent": parent.council.id, "person": ben.key}
    assert why(recall) == "the person has no mandate there"
    told = decide(child, people, mandate(child, parent, stranger, ben))
    assert [one["person"] for one in told["delegates"]] == [ben.key]
    assert why({**recall, "person": stranger.key}) == "the person has no mandate there"
    # A council that leaves takes its mandates along.
    decide(child, people, {"kind": "part", "parent": parent.council.id})
    assert "mandates" not in child.council.data()
    chain = begun(child.said[0])
    for epoch in epochs_of(child.council, child.said):
        assert isinstance(chain.take(*epoch), Link)
    assert chain.tip.mandates == {}
    assert chain.links[-2].mandates != {}


@pytest.mark.parametrize("effect", [{}, {"parent": NOTHING, "delegates": [], "since": 0, "until": 1}])
def test_what_gives_no_mandate(effect: dict[str, Any]) -> None:
    assert granted(NOTHING, effect) is None


def test_what_tellers_sign_of_mandates_that_is_none_changes_nothing() -> None:
    _, child, people, _ = seated()
    chain = begun(child.said[0])
    for epoch in epochs_of(child.council, child.said):
        chain.take(*epoch)
    effects: list[dict[str, Any]] = [
        {"kind": "mandate", "parent": NOTHING},
        {"kind": "recall", "parent": NOTHING},
        {"kind": "join", "parent": "a council"},
        {"kind": "part", "parent": 7},
    ]
    record = forge(child, effects).data
    taken = chain.take(record, seals(record, *child.tellers))
    assert isinstance(taken, Link)
    assert (taken.mandates, taken.parents) == ({}, chain.links[-2].parents)
    assert people


def test_nobody_is_recalled_who_has_no_mandate() -> None:
    mandates = {NOTHING: Mandate(((NOTHING, NOTHING),), 0, 1)}
    for parent, person in ((None, NOTHING), (NOTHING, None), (seed("other"), NOTHING)):
        recalled(mandates, parent, person)
    assert mandates
