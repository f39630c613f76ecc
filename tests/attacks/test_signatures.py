"""A certificate is q distinct tellers of the right epoch, over one record, in one round."""

from typing import Any

import pytest

from protocol.codec import encode
from protocol.council.epochs import Record
from protocol.council.outcomes import Inserted
from protocol.council.signatures import epoch_message, pack_signatures, sign_epoch, unpack_signatures
from protocol.errors import Malformed
from protocol.keys import OPERATION, REPLACEMENT, sign
from protocol.log.operation import Content
from tests.worlds import Person, Teller, World, carry, refused

from .scenes import founded

FOUR = (Teller("hall"), Teller("barn"), Teller("mill"), Teller("forge"))


def due(world: World) -> Record:
    composed = world.council.compose()
    assert isinstance(composed, Record)
    return composed


def four() -> tuple[World, list[Person], Record]:
    """A council of four tellers, of whom one may lie and three must sign, and what they ought to sign now."""
    world, people = founded("Ben", halls=FOUR)
    world.say(people[1], "member.absent", {})
    return world, people, due(world)


def bring(world: World, record: Record, signatures: list[tuple[bytes, bytes]], *, round: int = 0) -> Any:
    """What becomes of a record with these signatures of this round."""
    parts = (Content(b"", record.data), Content(b"", pack_signatures(round, signatures)))
    body = {"number": record.number, "record": 0, "signatures": 1}
    return world.insert(world.draft(FOUR[0].seed, "council.epoch", body, deps=record.basis, contents=parts))


def seals(record: Record, *tellers: Teller, round: int = 0) -> list[tuple[bytes, bytes]]:
    return [(teller.key, sign_epoch(teller.seed, record.digest, round)) for teller in tellers]


def test_a_quorum_of_one_round() -> None:
    world, _, record = four()
    assert refused(bring(world, record, seals(record, *FOUR[:2]))) == "epoch-signatures"
    assert isinstance(bring(world, record, seals(record, *FOUR[:3], round=7), round=7), Inserted)


def test_signatures_of_mixed_rounds_are_no_quorum() -> None:
    """In four rounds each of three signed once: never a quorum in any of them."""
    world, _, record = four()
    mixed = [pair for n, teller in enumerate(FOUR[:3]) for pair in seals(record, teller, round=n)]
    for round in range(4):
        assert refused(bring(world, record, mixed, round=round)) == "epoch-signatures"
    two = [*seals(record, *FOUR[:2], round=1), *seals(record, *FOUR[2:], round=2)]
    for round in (1, 2):
        assert refused(bring(world, record, two, round=round)) == "epoch-signatures"


def test_one_teller_twice() -> None:
    world, _, record = four()
    once = seals(record, *FOUR[:2])
    twice = encode({"round": 0, "signatures": [list(pair) for pair in sorted([*once, once[0]])]})
    parts = (Content(b"", record.data), Content(b"", twice))
    body = {"number": record.number, "record": 0, "signatures": 1}
    envelope = world.draft(FOUR[0].seed, "council.epoch", body, deps=record.basis, contents=parts)
    assert refused(world.insert(envelope)) == "epoch-signatures"


def test_strangers_and_members_are_no_tellers() -> None:
    world, people, record = four()
    strangers = seals(record, Teller("stranger"), Teller("passer-by"))
    members = [(person.device(), sign_epoch(person.device_seed(), record.digest)) for person in people]
    assert refused(bring(world, record, [*seals(record, *FOUR[:2]), *strangers, *members])) == "epoch-signatures"
    # Beside a quorum they do no harm.
    assert isinstance(bring(world, record, [*seals(record, *FOUR[:3]), *strangers]), Inserted)


def test_signatures_over_something_else() -> None:
    world, people, record = four()
    world.say(people[0], "member.absent", {})
    other = due(world)
    good = seals(record, *FOUR[:2])
    message = epoch_message(record.digest, 0)
    for last in (
        seals(other, FOUR[2])[0][1],
        sign(FOUR[2].seed, OPERATION, message),
        sign(FOUR[2].seed, REPLACEMENT, record.digest),
        sign(FOUR[3].seed, b"folkmoot epoch 1\n", message),
        bytes(64),
        b"",
    ):
        assert refused(bring(world, record, [*good, (FOUR[2].key, last)])) == "epoch-signatures"


def test_signatures_of_an_old_epochs_teller() -> None:
    """The council has replaced its teller. The old one signs on, with what it was signing before."""
    world, (ada, ben) = founded("Ben")
    barn = Teller("barn")
    effect = {
        "kind": "tellers",
        "profile": "1",
        "tellers": [barn.keys(world.council.id)],
        "replaces": world.council.head.tellers_digest(),
    }
    world.assent(ben, world.move(ada, effect))
    assert world.epoch() is not None
    world.say(ben, "member.absent", {})
    record = due(world)
    hall = seals(record, world.teller)
    for author in (ada.device_seed(), barn.seed):
        assert refused(world.insert(carry(world.council, record, hall, author))) == "epoch-signatures"
    assert refused(world.insert(carry(world.council, record, hall, world.teller.seed))) == "standing"
    assert isinstance(world.insert(barn.seal(world.council, record)), Inserted)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode([]),
        encode({"round": 0}),
        encode({"round": 0, "signatures": [], "more": 1}),
        encode({"round": -1, "signatures": []}),
        encode({"round": 1 << 32, "signatures": []}),
        encode({"round": True, "signatures": []}),
        encode({"round": None, "signatures": []}),
        encode({"round": 0, "signatures": {}}),
        encode({"round": 0, "signatures": [b"a"]}),
        encode({"round": 0, "signatures": [[b"a"]]}),
        encode({"round": 0, "signatures": [[b"a", "b"]]}),
        encode({"round": 0, "signatures": [[b"b", b""], [b"a", b""]]}),
        encode({"round": 0, "signatures": [[b"a", b"x"], [b"a", b"y"]]}),
    ],
)
def test_malformed_signatures(data: bytes) -> None:
    with pytest.raises(Malformed):
        unpack_signatures(data)


def test_signatures_come_back_sorted() -> None:
    assert unpack_signatures(pack_signatures(3, [(b"b", b"2"), (b"a", b"1")])) == (3, [(b"a", b"1"), (b"b", b"2")])
    assert unpack_signatures(pack_signatures(0, [])) == (0, [])
