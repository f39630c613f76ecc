from dataclasses import replace
from typing import Any

from protocol.codec import encode
from protocol.council.bodies import Admit, Effect, Remove, enrolment_message, node_message
from protocol.council.charter import MAX_CHARTER
from protocol.council.compose import MAX_ACTS, MAX_DECISIONS, compose
from protocol.council.epochs import Decision, EpochState, Record
from protocol.council.motions import MAX_MOTIONS
from protocol.council.outcomes import Inserted
from protocol.keys import ENROLMENT, NODE, POSSESSION, public_key, sign
from tests.attacks.scenes import founded, leave, membership, new_tellers, remove, revoke
from tests.attacks.test_roll import enrol, kinds, why
from tests.worlds import Person, Teller, World, refused, seed, small_charter


def list_node(world: World, who: Person, n: int, *addresses: str, **more: Any) -> bytes:
    """Somebody lists a node of hers; gives its key."""
    secret = seed("a node", who.name, n)
    possession = sign(secret, NODE, node_message(membership(world, who), public_key(secret)))
    body = {"node": public_key(secret), "possession": possession, "addresses": list(addresses)}
    world.say(who, "node.enrol", body, **more)
    return public_key(secret)


def nodes(world: World, who: Person) -> dict[bytes, tuple[str, ...]]:
    """Somebody's nodes on the roll, with their addresses."""
    return {key: listing.addresses for key, listing in world.council.head.members[membership(world, who)].nodes.items()}


# --- acts -------------------------------------------------------------------------------------


def test_nodes_are_enrolled_moved_and_revoked() -> None:
    world, (ada, _ben) = founded("Ben")
    home = ada.node
    node = list_node(world, ada, 1, "/ip4/10.0.0.1/tcp/1")
    assert kinds(world) == ["enrol-node"]
    assert nodes(world, ada) == {home: (), node: ("/ip4/10.0.0.1/tcp/1",)}
    list_node(world, ada, 1, "/ip4/10.0.0.2/tcp/1")
    assert kinds(world) == ["enrol-node"]
    assert nodes(world, ada)[node] == ("/ip4/10.0.0.2/tcp/1",)
    world.say(ada, "node.revoke", {"node": node})
    world.say(ada, "node.revoke", {"node": node})
    assert kinds(world) == ["revoke-node"]
    assert nodes(world, ada) == {home: ()}


def test_a_node_without_proof_is_not_listed() -> None:
    world, (ada, _ben) = founded("Ben")
    world.say(ada, "node.enrol", {"node": seed("node"), "possession": bytes(64), "addresses": []})
    assert kinds(world) == []


def test_what_somebody_says_of_her_nodes_holds_in_the_order_in_which_she_said_it() -> None:
    """All in one epoch: enrolled, then revoked, is revoked; the last addresses are those that count."""
    for n in range(8):  # whichever ids these operations happen to have
        world, (ada, _ben) = founded("Ben")
        world.clock += n
        gone = list_node(world, ada, 1)
        world.say(ada, "node.revoke", {"node": gone})
        moved = list_node(world, ada, 2, "/ip4/10.0.0.1/tcp/1")
        list_node(world, ada, 2, "/ip4/10.0.0.2/tcp/1")
        assert kinds(world) == ["enrol-node", "revoke-node", "enrol-node", "enrol-node"]
        assert nodes(world, ada) == {ada.node: (), moved: ("/ip4/10.0.0.2/tcp/1",)}


def test_absence_and_return_hold_in_the_order_in_which_they_were_said() -> None:
    for n in range(8):
        world, (ada, _ben) = founded("Ben")
        world.clock += n
        world.say(ada, "member.absent", {})
        world.say(ada, "member.return", {})
        assert kinds(world) == ["absent", "return"]
        world.say(ada, "member.absent", {})
        world.say(ada, "member.absent", {})
        assert kinds(world) == ["absent"]
        world.say(ada, "member.return", {})
        world.say(ada, "member.absent", {})
        assert kinds(world) == ["return", "absent"]
        assert world.council.head.members[membership(world, ada)].absent


def test_what_a_revoked_device_asked_for_in_the_same_epoch_has_no_effect() -> None:
    world, (_ada, ben) = founded("Ben")
    world.say(ben, "member.absent", {})
    list_node(world, ben, 1)
    revoke(world, ben)
    assert kinds(world) == ["revoke-device"]
    assert not world.council.head.members[membership(world, ben)].absent


def test_acts_that_are_not_proven_or_come_too_late_have_no_effect() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    world.say(ben, "member.leave", {"grant": bytes(64)})
    who = membership(world, ben)
    world.say(ben, "device.revoke", {"membership": who, "device": ben.device(), "grant": bytes(64)})
    body = {"membership": who, "device": ben.device(1), "grant": bytes(64), "possession": bytes(64)}
    world.say(ben, "device.enrol", body)
    world.say(ben, "device.enrol", {**body, "membership": seed("nobody")})
    assert kinds(world) == []
    enrol(world, ben, ben.device_seed(1))
    assert kinds(world) == ["enrol-device"]
    # Possession by another key than the one that is enrolled.
    message = enrolment_message(who, ben.key, ben.device(2))
    grant = sign(ben.seed, ENROLMENT, message)
    possession = sign(cyd.device_seed(), POSSESSION, message)
    world.say(ben, "device.enrol", {**body, "device": ben.device(2), "grant": grant, "possession": possession})
    assert kinds(world) == []
    leave(world, cyd)
    world.say(cyd, "member.absent", {})
    assert kinds(world) == ["leave"]
    assert ada.key in world.council.head.persons()


def test_more_acts_than_one_epoch_holds_wait_for_the_next() -> None:
    world, (ada, ben) = founded("Ben")
    for n in range(MAX_ACTS + 4):
        list_node(world, ada, 1, f"/ip4/10.0.0.{n}/tcp/1")
    world.say(ben, "member.absent", {})
    assert kinds(world) == ["enrol-node"] * MAX_ACTS
    assert kinds(world) == ["enrol-node"] * 4 + ["absent"]
    assert kinds(world) == []
    assert f"/ip4/10.0.0.{MAX_ACTS + 3}/tcp/1" in str(nodes(world, ada))


# --- motions ----------------------------------------------------------------------------------


def test_motions_take_effect_by_class_then_by_assents_then_by_id() -> None:
    world, (ada, ben, cyd, dov) = founded("Ben", "Cyd", "Dov")
    proposals = [world.proposal(ada, str(n)) for n in range(3)]
    motions = [world.move(ada, {"kind": "adopt", "proposal": p, "version": p}, (p,)) for p in proposals]
    for person in (ben, cyd, dov):
        world.assent(person, motions[0])
    for motion in motions[1:]:
        world.assent(ben, motion)
        world.assent(cyd, motion)
    removal = remove(world, dov, ada, ben, cyd)
    record = world.epoch()
    assert record is not None
    reasons = [effect["reason"] for effect in record.effects]
    assert reasons == [removal, motions[0], *sorted(motions[1:])]
    assert record.effects[1]["assents"] == sorted(record.effects[1]["assents"])


def test_more_motions_than_one_epoch_holds_wait_for_the_next() -> None:
    world, (ada, ben) = founded("Ben")
    proposals = [world.proposal(ada, str(n)) for n in range(MAX_MOTIONS + 2)]
    for proposal in proposals:
        motion = world.move(ada, {"kind": "adopt", "proposal": proposal, "version": proposal}, (proposal,))
        world.assent(ben, motion)
    assert kinds(world) == ["adopt"] * MAX_MOTIONS
    assert kinds(world) == ["adopt"] * 2
    assert len(world.council.head.adopted) == MAX_MOTIONS + 2


def decide(world: World, effect: dict[str, Any]) -> None:
    """Ada moves it, Ben assents."""
    world.assent(Person("Ben"), world.move(world.founder, effect))


def charter_change(world: World, **changes: Any) -> dict[str, Any]:
    charter = {**world.council.charter.data(), **changes}
    return {"kind": "charter", "charter": charter, "replaces": world.council.charter.digest()}


def test_a_charter_that_does_not_fit_lapses() -> None:
    world, _ = founded("Ben")
    size = {"min": 1, "max": 1, "reason": "alone"}
    for change, reason in (
        ({"name": " "}, "the new charter is not valid: charter-name"),
        ({"more": 1}, "the new charter is not valid: charter"),
        ({"tellers": "3-absence"}, "the tellers' profile changes with the tellers, not with the charter"),
        ({"size": size}, "the council has more members than the new charter allows"),
        ({"size": {**size, "min": 3, "max": 9}}, "the council has fewer members than the new charter asks for"),
    ):
        decide(world, charter_change(world, **change))
        assert why(world) == reason


def test_tellers_are_replaced_with_their_profile() -> None:
    world, (ada, _ben) = founded("Ben")
    three = (Teller("barn"), Teller("mill"), Teller("forge"))
    effect = new_tellers(world.council, *three, profile="3-absence").data() | {"kind": "tellers"}
    decide(world, effect)
    decide(world, {**new_tellers(world.council, Teller("other")).data(), "kind": "tellers"})
    record = world.epoch()
    assert record is not None
    assert [e["kind"] for e in record.effects] == ["tellers", "lapse"]
    assert record.effects[1]["why"] == "the tellers were changed meanwhile"
    assert world.council.charter.tellers == "3-absence"
    assert world.council.charter == small_charter(tellers="3-absence")
    assert {teller.key for teller in world.council.head.tellers} <= {teller.key for teller in (*three, Teller("other"))}
    assert world.council.entitled(world.council.head.tellers[0].node)
    assert ada.node in world.council.head.entitled()


def test_tellers_that_cannot_serve_lapse() -> None:
    world, _ = founded("Ben")
    barn = new_tellers(world.council, Teller("barn")).data() | {"kind": "tellers"}
    for change, reason in (
        ({"profile": "3-absence"}, "the profile does not fit the number of tellers"),
        ({"profile": "2"}, "the profile does not fit the number of tellers"),
        (
            {"tellers": [{**barn["tellers"][0], "possession": bytes(64)}]},
            "a teller did not prove possession of its key",
        ),
    ):
        decide(world, {**barn, **change})
        assert why(world) == reason


def test_a_charter_too_long_for_the_name_of_a_longer_profile() -> None:
    """It fits to the last byte: the new profile's name would not. The motion lapses, and nothing breaks."""
    long = small_charter(template="t" * 40, size={"min": 1, "reason": "r" * 500}).data()
    room = MAX_CHARTER - len(encode(long))
    wide = {**long, "purpose": "\U0001f600" * ((room - 4) // 4)}
    wide["purpose"] += "x" * (MAX_CHARTER - len(encode(wide)))
    world, _ = founded("Ben")
    decide(world, charter_change(world, **wide))
    assert kinds(world) == ["charter"]
    assert len(world.council.charter.encode()) == MAX_CHARTER
    three = (Teller("barn"), Teller("mill"), Teller("forge"))
    effect = new_tellers(world.council, *three, profile="3-absence")
    decide(world, effect.data() | {"kind": "tellers"})
    assert why(world) == "the charter would not be valid: charter"
    assert refused(world.council.compose_replacement(effect)) == "tellers"


# --- certified ballots ------------------------------------------------------------------------


def decided(world: World, *effects: Effect | None, **changes: Any) -> tuple[EpochState, list[dict[str, Any]]]:
    """The state and the effects of the epoch that takes certified ballots with these effects, ballot by ballot."""
    head = replace(world.council.head, **changes)
    ballots = {
        seed("ballot", n): (seed("certificate", n), Decision(seed("ballot", n), 1, seed("record", n), effect))
        for n, effect in enumerate(effects)
    }
    record = compose(head, replace(head, decisions=ballots), world.council.heads())
    assert isinstance(record, Record)
    assert [effect["ballot"] for effect in record.effects] == sorted(ballots)[:MAX_DECISIONS]
    assert record.state.decided == set(sorted(ballots)[:MAX_DECISIONS])
    assert record.state.decisions.keys() == set(sorted(ballots)[MAX_DECISIONS:])
    return record.state, [dict(effect) for effect in record.effects]


def test_a_ballots_decision_takes_effect_like_a_motion() -> None:
    world, (_ada, ben) = founded("Ben")
    state, (effect,) = decided(world, Remove(membership(world, ben)))
    assert effect == {
        "kind": "remove",
        "membership": membership(world, ben),
        "ballot": seed("ballot", 0),
        "record": seed("record", 0),
        "reason": seed("certificate", 0),
    }
    assert len(state.members) == 1


def test_a_decision_without_effect_is_noted() -> None:
    world, _ = founded("Ben")
    state, (effect,) = decided(world, None)
    assert effect["kind"] == "decision"
    assert state.members == world.council.head.members


def test_a_decision_that_does_not_fit_lapses() -> None:
    world, (_ada, ben) = founded("Ben")
    _, (effect,) = decided(world, Remove(seed("nobody")))
    assert (effect["kind"], effect["why"]) == ("lapse", "the membership had ended already")
    _, (effect,) = decided(world, None, replaced=2)
    assert effect["why"] == "the members replaced the tellers after it was opened"
    forming = small_charter(size={"min": 9, "max": 24, "reason": "a test"})
    _, (effect,) = decided(world, Remove(membership(world, ben)), charter=forming)
    assert effect["why"] == "the council is forming"
    _, (effect,) = decided(world, Admit(seed("nobody")), charter=forming)
    assert effect["why"] == "the request was used already, or is not proven"


def test_more_decisions_than_one_epoch_holds_wait_for_the_next() -> None:
    world, _ = founded("Ben")
    _, effects = decided(world, *[None] * (MAX_DECISIONS + 2))
    assert len(effects) == MAX_DECISIONS


def test_nothing_due_is_no_epoch() -> None:
    world, (ada, _ben) = founded("Ben")
    assert world.council.compose() is None
    world.say(ada, "merge", {})
    world.move(ada, charter_change(world, purpose="x"))
    assert world.council.compose() is None
    assert world.epoch() is None


def test_composing_changes_nothing() -> None:
    world, (ada, _ben) = founded("Ben")
    world.say(ada, "member.absent", {})
    before = world.council.digest()
    one, other = world.council.compose(), world.council.compose()
    assert isinstance(one, Record)
    assert one == other
    assert world.council.digest() == before
    assert isinstance(world.insert(world.teller.seal(world.council, one)), Inserted)
