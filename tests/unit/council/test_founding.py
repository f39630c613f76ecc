from typing import Any

import pytest

from protocol.council.council import Council
from protocol.council.outcomes import Inserted
from protocol.errors import Malformed
from protocol.log.operation import Draft, Envelope
from tests.attacks.scenes import founded, membership
from tests.worlds import Person, Teller, World, refused, seed, small_charter

ADA = Person("Ada")


def founding(**changes: Any) -> Envelope:
    """A founding operation whose body or fields are changed."""
    operation = World().said[0].operation
    fields = {
        "council": b"",
        "author": ADA.device(),
        "depth": 0,
        "deps": (),
        "time": 0,
        "kind": "council.found",
        "body": {**operation.body, **changes.pop("body", {})},
    }
    return Draft(**{**fields, **changes}).signed(ADA.device_seed())


def test_a_council_is_what_its_founding_operation_says() -> None:
    world = World()
    council = world.council
    assert council.id == world.said[0].operation.id
    assert council.head.number == 0
    assert bytes(council.head.digest) == council.id
    assert council.charter == world.charter
    assert membership(world, ADA) == bytes(council.id)
    assert council.head.members[membership(world, ADA)].devices == {ADA.device()}
    assert [teller.key for teller in council.head.tellers] == [world.teller.key]
    assert council.heads() == [council.id]
    assert len(council) == 1
    assert council.id in council
    assert council.founding is world.said[0].operation
    assert list(council.items) == [(0, council.id)]


NONCE = seed("nonce", "Ada")
HALL, BARN = Teller("hall").keys(NONCE), Teller("barn").keys(NONCE)


class AdasDevice(Teller):
    @property
    def seed(self) -> bytes:
        return ADA.device_seed()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kind": "merge"}, "founding"),
        ({"body": {"tellers": [HALL, BARN]}}, "founding-tellers"),
        ({"body": {"charter": small_charter(tellers="3-absence").data()}}, "founding-tellers"),
        (
            {"body": {"charter": small_charter(tellers="3-absence").data(), "tellers": [HALL, HALL, BARN]}},
            "founding-tellers",
        ),
        ({"body": {"tellers": [{**HALL, "possession": BARN["possession"]}]}}, "founding-tellers"),
        ({"body": {"tellers": [{**HALL, "node": BARN["node"]}]}}, "founding-tellers"),
        ({"body": {"tellers": [Teller("hall").keys(seed("another nonce"))]}}, "founding-tellers"),
        ({"body": {"tellers": [AdasDevice("Ada's").keys(NONCE)]}}, "founding-tellers"),
        ({"body": {"grant": bytes(64)}}, "founding-grant"),
        ({"body": {"person": Person("Ben").key}}, "founding-grant"),
        ({"body": {"node_possession": bytes(64)}}, "founding-node"),
        ({"body": {"node": Person("Ben").node}}, "founding-node"),
    ],
)
def test_what_founds_no_council(changes: dict[str, Any], rule: str) -> None:
    assert refused(Council.found(founding(**changes))) == rule


def test_a_founding_operation_that_is_not_signed() -> None:
    envelope = founding()
    council = Council.found(envelope)
    assert isinstance(council, Council)
    forged = Envelope(type(envelope.operation)(**{**_fields(envelope), "signature": bytes(64)}), ())
    assert refused(Council.found(forged)) == "signature"
    assert isinstance(Council.found(forged, verified=True), Council)


def _fields(envelope: Envelope) -> dict[str, Any]:
    operation = envelope.operation
    return {field: getattr(operation, field) for field in operation.__struct_fields__}


def test_a_founding_operation_that_is_malformed() -> None:
    with pytest.raises(Malformed, match="does not fit its kind"):
        Council.found(founding(body={"more": 1}))
    with pytest.raises(Malformed, match="needs a name"):
        Council.found(founding(body={"charter": {**small_charter().data(), "name": " "}}))


def test_a_council_is_founded_once() -> None:
    world, _ = founded("Ben")
    assert refused(world.insert(founding(time=7))) == "council"
    again_ = world.draft(ADA.device_seed(), "council.found", world.said[0].operation.body)
    assert isinstance(world.insert(again_), Inserted)
    assert world.council.without_effect[again_.operation.id].rule == "founding"
