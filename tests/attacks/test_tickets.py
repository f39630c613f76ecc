"""A ticket admits as often as its invitation says, whom the members want, and nobody twice."""

from typing import Any

import pytest

from protocol.council.bodies import enrolment_message
from protocol.council.outcomes import Inserted, Known
from protocol.keys import ENROLMENT, POSSESSION, public_key, sign
from protocol.log.operation import Draft, Envelope
from tests.worlds import Invitation, Person, World, refused, seed

from .scenes import again, founded, leave, remove


def ask(world: World, invitation: Invitation, body: dict[str, Any], **changes: Any) -> Envelope:
    """A request with this body, signed with the ticket's key; not inserted."""
    fields: dict[str, Any] = {
        "council": world.council.id,
        "author": public_key(invitation.seed),
        "depth": invitation.depth + 1,
        "deps": (invitation.id,),
        "time": world.clock,
        "kind": "council.request",
        "body": body,
    }
    secret = changes.pop("seed", invitation.seed)
    return Draft(**{**fields, "author": public_key(secret), **changes}).signed(secret)


def asked(world: World, invitation: Invitation, body: dict[str, Any]) -> bytes:
    """The id of a request that entered."""
    envelope = ask(world, invitation, body)
    assert isinstance(world.insert(envelope), Inserted)
    return envelope.operation.id


def admission(world: World, request: bytes) -> dict[str, Any]:
    """The effect of a motion by Ada to admit, which everybody assents to."""
    motion = world.move(world.founder, {"kind": "admit", "request": request}, (request,))
    for person in people(world)[1:]:
        world.assent(person, motion)
    record = world.epoch()
    assert record is not None
    return next(effect for effect in record.effects if effect["reason"] == motion)


def people(world: World) -> list[Person]:
    known = [world.founder, *[Person(name, n) for name in ("Ben", "Cyd", "Dov", "Eva") for n in range(2)]]
    return [person for person in known if person.key in world.council.head.persons()]


def test_a_ticket_is_used_up() -> None:
    world, (ada, *_) = founded()
    invitation = world.invite(ada, uses=2)
    requests = [world.request(invitation, Person(name)) for name in ("Ben", "Cyd", "Dov")]
    assert admission(world, requests[0])["kind"] == "admit"
    assert admission(world, requests[1])["kind"] == "admit"
    third = admission(world, requests[2])
    assert (third["kind"], third["why"]) == ("lapse", "the invitation is used up")
    assert len(world.council.head.members) == 3


def test_two_at_once_on_a_ticket_for_one() -> None:
    world, (ada, *_) = founded()
    invitation = world.invite(ada, uses=1)
    for name in ("Ben", "Cyd"):
        request = world.request(invitation, Person(name))
        world.move(ada, {"kind": "admit", "request": request}, (request,))
    record = world.epoch()
    assert record is not None
    assert [effect["kind"] for effect in record.effects] == ["admit", "lapse"]
    assert len(world.council.head.members) == 2


def test_a_request_that_was_used_is_used() -> None:
    """The same request in a second motion, after she has left."""
    world, (ada, *_) = founded()
    ben = Person("Ben")
    request = world.request(world.invite(ada, uses=5), ben)
    assert admission(world, request)["kind"] == "admit"
    assert isinstance(world.insert(world.said[-3]), Known)
    leave(world, ben)
    assert world.epoch() is not None
    assert admission(world, request) | {"assents": []} == {
        "kind": "lapse",
        "why": "the request was used already, or is not proven",
        "reason": world.said[-2].operation.id,
        "assents": [],
    }


def test_nobody_is_on_the_roll_twice() -> None:
    world, (ada, *_) = founded()
    ben = Person("Ben")
    invitation = world.invite(ada, uses=5)
    first = world.request(invitation, ben)
    body = {**ben.enrolment(invitation.id, 1), **ben.listing(invitation.id)}
    second = asked(world, invitation, body)
    assert admission(world, first)["kind"] == "admit"
    assert admission(world, second)["why"] == "the person is on the roll already"


def test_the_same_proofs_in_a_new_request() -> None:
    """Who holds the ticket copies what Ben proved into requests of her own, before and after he left."""
    world, (ada, *_) = founded()
    ben = Person("Ben")
    invitation = world.invite(ada, uses=5)
    body = {**ben.enrolment(invitation.id), **ben.listing(invitation.id)}
    first = world.request(invitation, ben)
    copy = asked(world, invitation, {**body, "addresses": ["/ip4/6.6.6.6/tcp/1"]})
    assert admission(world, first)["kind"] == "admit"
    assert admission(world, copy)["why"] == "the person is on the roll already"
    leave(world, ben)
    assert world.epoch() is not None
    late = asked(world, invitation, {**body, "addresses": ["/ip4/6.6.6.7/tcp/1"]})
    assert admission(world, late)["why"] == "the device's key was used before"


@pytest.mark.parametrize(
    "change",
    [
        {"person": Person("Eve").key},
        {"device": Person("Eve").device()},
        {"grant": bytes(64)},
        {"possession": bytes(64)},
        {"node": Person("Eve").node},
        {"node_possession": bytes(64)},
    ],
)
def test_keys_that_did_not_all_sign_for_this_invitation(change: dict[str, bytes]) -> None:
    world, (ada, *_) = founded()
    ben = Person("Ben")
    invitation = world.invite(ada)
    body = {**ben.enrolment(invitation.id), **ben.listing(invitation.id), **change}
    request = asked(world, invitation, body)
    assert world.council.without_effect[request].rule == "request-proof"
    assert admission(world, request)["why"] == "the request was used already, or is not proven"


def test_proofs_for_another_invitation() -> None:
    world, (ada, *_) = founded()
    ben = Person("Ben")
    one, other = world.invite(ada), world.invite(ada, uses=2)
    request = asked(world, other, {**ben.enrolment(one.id), **ben.listing(one.id)})
    assert world.council.without_effect[request].rule == "request-proof"
    half = asked(world, other, {**ben.enrolment(other.id), **ben.listing(one.id)})
    assert world.council.without_effect[half].rule == "request-proof"


def test_a_node_without_its_proof() -> None:
    world, (ada, *_) = founded()
    ben = Person("Ben")
    invitation = world.invite(ada)
    request = asked(world, invitation, {**ben.enrolment(invitation.id), "node": ben.node})
    assert world.council.without_effect[request].rule == "request-proof"
    alone = asked(world, invitation, ben.enrolment(invitation.id))
    assert alone not in world.council.without_effect


def test_who_has_no_ticket_does_not_ask() -> None:
    world, (ada, ben) = founded("Ben")
    eve = Person("Eve")
    invitation = world.invite(ada)
    body = {**eve.enrolment(invitation.id), **eve.listing(invitation.id)}
    head = world.council.heads()[0]
    for envelope in (
        ask(world, invitation, body, seed=seed("guessed")),
        ask(world, invitation, body, seed=ben.device_seed()),
        ask(world, invitation, body, deps=(world.council.id,), depth=1),
        ask(world, invitation, body, deps=tuple({head, world.council.id}), depth=invitation.depth + 1),
    ):
        assert refused(world.insert(envelope)) == "standing"


def test_a_ticket_speaks_for_nothing_but_a_request() -> None:
    world, (ada, *_) = founded()
    invitation = world.invite(ada)
    for kind, body in (("merge", {}), ("motion.assent", {"motion": invitation.id}), ("comment.write", {})):
        assert refused(world.insert(ask(world, invitation, body, kind=kind))) == "standing"


def test_a_ticket_of_a_teller_is_none() -> None:
    """A teller's key has no voice, so its invitation invites nobody."""
    world, _ = founded()
    secret = seed("a teller's")
    envelope = world.draft(world.teller.seed, "council.invite", {"key": public_key(secret), "uses": 9})
    assert isinstance(world.insert(envelope), Inserted)
    operation = envelope.operation
    assert world.council.without_effect[operation.id].rule == "voice"
    invitation = Invitation(operation.id, secret, operation.depth)
    eve = Person("Eve")
    assert refused(world.insert(ask(world, invitation, {**eve.enrolment(operation.id)}))) == "standing"


def test_an_expired_ticket() -> None:
    world, (ada, *_) = founded()
    invitation = world.invite(ada, uses=2, expires=world.clock + 10_000)
    in_time = world.request(invitation, Person("Ben"), time=world.clock + 9_000)
    late = world.request(invitation, Person("Cyd"), time=world.clock + 12_000)
    assert admission(world, in_time)["kind"] == "admit"
    assert admission(world, late)["why"] == "the invitation had expired"


def test_a_withdrawn_invitation() -> None:
    world, (ada, *_) = founded()
    invitation = world.invite(ada)
    request = world.request(invitation, Person("Ben"))
    world.say(ada, "council.uninvite", {"invitation": invitation.id}, (invitation.id,))
    assert admission(world, request)["why"] == "the invitation was withdrawn"
    world.say(ada, "council.uninvite", {"invitation": request}, (request,))  # names no invitation: nothing happens
    assert world.epoch() is None


def test_a_full_council() -> None:
    world, (ada, *_) = founded("Ben", size={"max": 3})
    invitation = world.invite(ada, uses=5)
    one, two = world.request(invitation, Person("Cyd")), world.request(invitation, Person("Dov"))
    assert admission(world, one)["kind"] == "admit"
    assert admission(world, two)["why"] == "the council is full"


def test_a_device_key_serves_one_membership_ever() -> None:
    """Not of another member, not of one who left, not one that was revoked, not a teller's."""
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    invitation = world.invite(ada, uses=9)
    leave(world, cyd)
    assert world.epoch() is not None
    eve = Person("Eve")
    for secret in (ben.device_seed(), cyd.device_seed(), world.teller.seed):
        message = enrolment_message(invitation.id, eve.key, public_key(secret))
        body = {
            "person": eve.key,
            "device": public_key(secret),
            "grant": sign(eve.seed, ENROLMENT, message),
            "possession": sign(secret, POSSESSION, message),
        }
        assert admission(world, asked(world, invitation, body))["why"] == "the device's key was used before"
    assert eve.key not in world.council.head.persons()


def test_of_too_many_requests_those_with_the_lowest_ids_are_kept() -> None:
    """A ticket for two is asked upon twenty times: the log keeps two, the same ones in every order."""
    world, (ada, *_) = founded("Ben")
    invitation = world.invite(ada, uses=2)
    requests = [world.request(invitation, Person("Eve", n)) for n in range(20)]
    kept = [request for request in requests if world.council.dag.is_kept(world.council.dag.rows[request])]
    assert sorted(kept) == sorted(requests)[:2]
    other = again(world, [*world.said[:-20], *reversed(world.said[-20:])])
    assert other.digest() == world.council.digest()
    # One that a member refers to is kept for that.
    wanted = max(requests)
    motion = world.move(ada, {"kind": "admit", "request": wanted}, (wanted,))
    assert world.council.dag.is_kept(world.council.dag.rows[wanted])
    assert motion in world.council.motions


def test_tickets_of_a_removed_member_flood_nothing() -> None:
    """She is removed, and brings out backdated invitations with fifty requests on each."""
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    old = tuple(world.council.heads())
    honest = world.invite(cyd, uses=2)
    remove(world, cyd, ada, ben)
    assert world.epoch() is not None
    size = len(world.council)
    for n in range(3):
        secret = seed("flood", n)
        envelope = world.draft(cyd.device_seed(), "council.invite", {"key": public_key(secret), "uses": 50}, deps=old)
        assert isinstance(world.insert(envelope), Inserted)
        flood = Invitation(envelope.operation.id, secret, envelope.operation.depth)
        for number in range(5):
            world.request(flood, Person(f"puppet {n}", number))
    assert len(world.council) == size
    # The one she gave out while she belonged still works: an epoch took it in.
    request = world.request(honest, Person("Dov"))
    assert len(world.council) == size + 1
    assert admission(world, request)["kind"] == "admit"


def test_requests_go_when_the_one_who_invited_goes_without_an_epoch_having_seen_it() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    old = tuple(world.council.heads())
    remove(world, cyd, ada, ben)
    record = world.council.compose()
    assert record is not None
    secret = seed("unseen")
    envelope = world.draft(cyd.device_seed(), "council.invite", {"key": public_key(secret), "uses": 3}, deps=old)
    assert isinstance(world.insert(envelope), Inserted)
    invitation = Invitation(envelope.operation.id, secret, envelope.operation.depth)
    requests = [world.request(invitation, Person("Eve", n)) for n in range(2)]
    assert all(world.council.dag.is_kept(world.council.dag.rows[request]) for request in requests)
    assert isinstance(world.insert(world.teller.seal(world.council, record)), Inserted)
    assert not any(world.council.dag.is_kept(world.council.dag.rows[request]) for request in requests)
    assert not world.council.dag.is_kept(world.council.dag.rows[invitation.id])
