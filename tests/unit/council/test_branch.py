from dataclasses import replace
from typing import Any

import pytest

from protocol.codec import decode, encode
from protocol.council.branch import Branch, read_claim
from protocol.council.epochs import Record, seal
from protocol.council.signatures import sign_replacement
from protocol.errors import Malformed, Refusal
from protocol.ids import digest
from tests.attacks.scenes import founded, new_tellers
from tests.worlds import Person, Teller, World, seed

BASIS = [seed("basis")]
GOOD: dict[str, Any] = {"version": 1, "number": 3, "previous": seed("previous"), "basis": BASIS, "effects": []}


def test_a_claim_is_what_the_record_says() -> None:
    data = encode(GOOD)
    claim = read_claim(3, data, 7, [(b"key", b"signature")])
    assert (claim.number, claim.previous, claim.basis, claim.effects) == (3, seed("previous"), tuple(BASIS), [])
    assert (claim.data, claim.digest, claim.round) == (data, digest(data), 7)
    assert claim.signatures == [(b"key", b"signature")]


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {**GOOD, "version": 2},
        {**GOOD, "number": 4},
        {**GOOD, "previous": None},
        {**GOOD, "previous": "a" * 32},
        {**GOOD, "basis": []},
        {**GOOD, "basis": {}},
        {**GOOD, "basis": ["a"]},
        {**GOOD, "effects": None},
        {field: value for field, value in GOOD.items() if field != "effects"},
    ],
)
def test_what_is_no_record(value: Any) -> None:
    with pytest.raises(Malformed) as caught:
        read_claim(3, encode(value), 0, [])
    assert caught.value.rule == "epoch-record"


def test_a_branch_goes_from_epoch_to_epoch() -> None:
    world, _ = founded("Ben", "Cyd")
    links = world.council.branch.links
    assert [link.number for link in links] == [0, 1, 2]
    assert links[0].operation == world.council.id
    assert [len(link.members) for link in links] == [1, 2, 3]
    assert [[effect["kind"] for effect in link.effects] for link in links] == [[], ["admit"], ["admit"]]
    branch = Branch(world.council.head)
    record = seal(world.council.head, BASIS, [], world.council.head)
    branch.enter(record, seed("one"))
    assert (branch.head.number, branch.links[-1].operation) == (3, seed("one"))
    branch.carried(1, seed("another"))
    assert branch.links[1] == replace(branch.links[1], operation=seed("another"))


def test_who_may_sign_what_follows() -> None:
    world, (ada, ben) = founded("Ben")
    branch = world.council.branch
    record = world.council.compose_replacement(new_tellers(world.council, Teller("barn")))
    assert isinstance(record, Record)
    signatures = sorted((p.device(), sign_replacement(p.device_seed(), record.digest)) for p in (ada, ben))
    claim = read_claim(record.number, record.data, 0, signatures)
    assert branch.signed(claim)
    assert branch.replacement(claim) == record
    assert not branch.signed(replace(claim, signatures=signatures[:1]))
    assert not branch.signed(replace(claim, previous=seed("elsewhere")))
    assert not branch.signed(replace(claim, number=claim.number + 1))
    assert branch.replacement(replace(claim, effects=[])) is None


@pytest.mark.parametrize(
    "change", [{"tellers": []}, {"kind": "remove"}, {"more": 1}, {"profile": 1}, {"replaces": b""}]
)
def test_a_replacement_that_is_not_well_formed(change: dict[str, Any]) -> None:
    world, _ = founded("Ben")
    record = world.council.compose_replacement(new_tellers(world.council, Teller("barn")))
    assert isinstance(record, Record)
    data = decode(record.data, len(record.data))
    data["effects"][0] |= change
    outcome = world.council.branch.replacement(read_claim(record.number, encode(data), 0, []))
    assert isinstance(outcome, Refusal)
    assert outcome.rule == "epoch-record"


def test_a_link_knows_the_nodes_of_its_epoch() -> None:
    world = World(founder=Person("Ada"))
    world.admit(Person("Ben"), Person("Ada"))
    founding, after = world.council.branch.links
    assert founding.nodes() == {Person("Ada").node, Teller("hall").node}
    assert after.nodes() == founding.nodes() | {Person("Ben").node} == world.council.head.entitled()
