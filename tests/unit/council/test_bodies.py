from typing import Any

import pytest

from protocol.council.ballot_bodies import BALLOT_KINDS
from protocol.council.bodies import KINDS, Erasure, Move, Remove, Request, TellerKeys, node_proven, parse_body
from protocol.council.body import Body
from protocol.errors import Malformed
from protocol.log.operation import Content, Draft
from tests.worlds import Person, Teller, World, attachment, seed, small_charter

ID = seed("an id")
SEAL = bytes(64)
ADA = Person("Ada")
TEXT, PART = attachment("text"), Content(b"", b"\x80")
HALL = Teller("hall").keys(ID)
WORLD = World()
FOUND = WORLD.said[0].operation.body

BODIES: list[tuple[str, dict[str, Any]]] = [
    ("council.found", FOUND),
    ("council.invite", {"key": ID, "uses": 50}),
    ("council.invite", {"key": ID, "uses": 1, "expires": 0}),
    ("council.uninvite", {"invitation": ID}),
    (
        "council.request",
        {**ADA.enrolment(ID), **ADA.listing(ID), "addresses": ["/dns4/a/tcp/1"], "name": 0, "letter": 0},
    ),
    ("council.request", ADA.enrolment(ID)),
    ("council.epoch", {"number": 1, "record": 1, "signatures": 1}),
    ("motion.move", {"effect": {"kind": "admit", "request": ID}}),
    ("motion.move", {"effect": {"kind": "remove", "membership": ID}, "reason": 0}),
    ("motion.move", {"effect": {"kind": "charter", "charter": small_charter().data(), "replaces": ID}}),
    ("motion.move", {"effect": {"kind": "tellers", "profile": "1", "tellers": [HALL], "replaces": ID}}),
    ("motion.move", {"effect": {"kind": "rekey", "membership": ID, "replaces": ID, **ADA.enrolment(ID)}}),
    ("motion.move", {"effect": {"kind": "adopt", "proposal": ID, "version": ID}}),
    ("motion.move", {"effect": {"kind": "adopt", "proposal": ID, "version": ID, "replaces": ID}}),
    ("motion.move", {"effect": {"kind": "erase", "operation": ID, "attachment": 63}}),
    ("motion.assent", {"motion": ID}),
    ("motion.withdraw", {"assent": ID}),
    ("member.leave", {"grant": SEAL}),
    ("member.absent", {}),
    ("member.return", {}),
    ("device.enrol", {"membership": ID, "device": ID, "grant": SEAL, "possession": SEAL}),
    ("device.revoke", {"membership": ID, "device": ID, "grant": SEAL}),
    ("node.enrol", {"node": ID, "possession": SEAL, "addresses": []}),
    ("node.revoke", {"node": ID}),
    ("proposal.open", {"title": 0, "text": 0, "files": [0, 0]}),
    ("proposal.amend", {"proposal": ID, "replaces": ID, "text": 0, "title": 0, "note": 0, "files": []}),
    ("proposal.withdraw", {"proposal": ID}),
    ("comment.write", {"on": ID, "text": 0}),
    ("talk.erase", {"operation": ID, "attachments": [0, 7]}),
    ("merge", {}),
    ("replacement.offer", {"record": 1}),
    ("replacement.sign", {"offer": ID, "signature": SEAL}),
    ("motion.move", {"effect": {"kind": "join", "parent": ID}}),
    ("motion.move", {"effect": {"kind": "part", "parent": ID}}),
    ("motion.move", {"effect": {"kind": "seat", "application": ID}}),
    ("motion.move", {"effect": {"kind": "suspend", "seat": ID, "suspended": True}}),
    ("motion.move", {"effect": {"kind": "believe", "seat": ID, "epoch": ID}}),
    ("motion.move", {"effect": {"kind": "recall", "parent": ID, "person": ID}}),
    (
        "motion.move",
        {"effect": {"kind": "instruct", "parent": ID, "ballot": ID, "split": [[1, 2, "yes"], [1, 3, [[0]]]]}},
    ),
    ("motion.move", {"effect": {"kind": "instruct", "parent": ID, "ballot": ID, "allowed": ["yes", None]}}),
    ("seat.tell", {"ballot": ID, "seat": ID}),
    (
        "motion.move",
        {
            "effect": {
                "kind": "mandate",
                "parent": ID,
                "delegates": [{"person": ID, "device": ID, "grant": SEAL, "possession": SEAL}],
                "since": 0,
                "until": 1,
            }
        },
    ),
    ("seat.apply", {"founding": 1, "epochs": 1, "letter": 0}),
    ("seat.carry", {"seat": ID, "epochs": 1}),
    ("seat.carry", {"seat": ID, "epochs": 1, "after": ID}),
]


def parse(kind: str, body: dict[str, Any]) -> Body | None:
    """The body in an operation with an attachment at 0 and a part at 1."""
    draft = Draft(WORLD.council.id, ADA.device(), 1, (WORLD.council.id,), 0, kind, body, (TEXT, PART))
    return parse_body(draft.signed(ADA.device_seed()).operation)


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_bodies_come_back(kind: str, body: dict[str, Any]) -> None:
    parsed = parse(kind, body)
    assert type(parsed) is KINDS[kind]
    assert parsed.data() == body


def test_every_kind_is_here() -> None:
    assert {kind for kind, _ in BODIES} == KINDS.keys() - BALLOT_KINDS.keys()


def test_a_kind_unknown_here_has_no_body() -> None:
    assert parse("garden.plan", {"beds": 3}) is None


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_nothing_unknown_and_nothing_left_out(kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="does not fit its kind") as caught:
        parse(kind, {**body, "more": 1})
    assert caught.value.rule == "body"
    required = [field for field in KINDS[kind].__struct_fields__ if _required(kind, field)]
    for field in required:
        with pytest.raises(Malformed):
            parse(kind, {name: value for name, value in body.items() if name != field})


def _required(kind: str, field: str) -> bool:
    sort = KINDS[kind]
    defaults = sort.__struct_defaults__
    return sort.__struct_fields__.index(field) < len(sort.__struct_fields__) - len(defaults)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("council.invite", {"key": ID[:-1], "uses": 1}),
        ("council.invite", {"key": ID + b"a", "uses": 1}),
        ("council.invite", {"key": "a" * 32, "uses": 1}),
        ("council.invite", {"key": ID, "uses": 0}),
        ("council.invite", {"key": ID, "uses": 51}),
        ("council.invite", {"key": ID, "uses": True}),
        ("council.invite", {"key": ID, "uses": "1"}),
        ("council.invite", {"key": ID, "uses": 1, "expires": -1}),
        ("council.invite", {"key": ID, "uses": 1, "expires": 1 << 63}),
        ("council.request", {**ADA.enrolment(ID), "grant": bytes(63)}),
        ("council.request", {**ADA.enrolment(ID), "addresses": [""]}),
        ("council.request", {**ADA.enrolment(ID), "addresses": ["a" * 257]}),
        ("council.request", {**ADA.enrolment(ID), "addresses": ["a"] * 17}),
        ("council.request", {**ADA.enrolment(ID), "addresses": [b"a"]}),
        ("council.epoch", {"number": 0, "record": 1, "signatures": 1}),
        ("council.epoch", {"number": 1 << 32, "record": 1, "signatures": 1}),
        ("motion.move", {"effect": None}),
        ("motion.move", {"effect": {}}),
        ("motion.move", {"effect": {"kind": "crown", "king": ID}}),
        ("motion.move", {"effect": {"kind": "admit"}}),
        ("motion.move", {"effect": {"kind": "admit", "request": ID, "membership": ID}}),
        ("motion.move", {"effect": {"kind": "charter", "charter": [], "replaces": ID}}),
        ("motion.move", {"effect": {"kind": "tellers", "profile": "1", "tellers": [], "replaces": ID}}),
        ("motion.move", {"effect": {"kind": "tellers", "profile": "1", "tellers": [HALL] * 11, "replaces": ID}}),
        ("motion.move", {"effect": {"kind": "erase", "operation": ID, "attachment": 64}}),
        ("node.enrol", {"node": ID, "possession": SEAL, "addresses": None}),
        ("proposal.open", {"title": 0, "text": 0, "files": [0] * 17}),
        ("talk.erase", {"operation": ID, "attachments": []}),
        ("talk.erase", {"operation": ID, "attachments": [-1]}),
        ("merge", {"a": 1}),
    ],
)
def test_bodies_that_break_their_kind(kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as caught:
        parse(kind, body)
    assert caught.value.rule == "body"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("comment.write", {"on": ID, "text": 1}),  # a part
        ("comment.write", {"on": ID, "text": 2}),  # not there
        ("proposal.open", {"title": 0, "text": 0, "files": [0, 1]}),
        ("proposal.amend", {"proposal": ID, "replaces": ID, "text": 0, "note": 5}),
        ("motion.move", {"effect": {"kind": "remove", "membership": ID}, "reason": 1}),
        ("council.epoch", {"number": 1, "record": 0, "signatures": 1}),  # an attachment
        ("council.epoch", {"number": 1, "record": 1, "signatures": 2}),
        ("replacement.offer", {"record": 0}),
    ],
)
def test_indices_name_contents_of_their_sort(kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="names no such attachment") as caught:
        parse(kind, body)
    assert caught.value.rule == "body"


def test_an_erasure_names_contents_of_another_operation() -> None:
    body = parse("talk.erase", {"operation": ID, "attachments": [40]})
    assert isinstance(body, Erasure)
    assert body.attachments == [40]


def test_effects_are_told_apart_by_their_kind() -> None:
    body = parse("motion.move", {"effect": {"kind": "remove", "membership": ID}})
    assert isinstance(body, Move)
    assert body.effect == Remove(ID)


def test_keys_prove_themselves_for_one_context() -> None:
    body = parse("council.request", {**ADA.enrolment(ID), **ADA.listing(ID)})
    assert isinstance(body, Request)
    assert body.proven(ID)
    assert not body.proven(seed("another id"))
    keys = TellerKeys(HALL["key"], HALL["node"], HALL["possession"])
    assert keys.proven(ID)
    assert not keys.proven(seed("another id"))


def test_a_node_is_named_with_its_proof_or_not_at_all() -> None:
    proof = ADA.listing(ID)["node_possession"]
    assert node_proven(ID, None, None)
    assert node_proven(ID, ADA.node, proof)
    assert not node_proven(ID, ADA.node, None)
    assert not node_proven(ID, None, proof)
    assert not node_proven(ID, Person("Ben").node, proof)
