"""Proof of other branches is kept, once each, and bounded."""

from pathlib import Path
from typing import Any

import pytest

from node.evidence import MOST, MOST_OF_A_NUMBER, Evidence
from node.outcome import Aside
from node.service import Service
from node.store import Store
from protocol.codec import encode
from protocol.council.epochs import Record
from protocol.council.signatures import pack_signatures, sign_epoch
from protocol.keys import public_key
from protocol.log.operation import Content, Draft, Envelope
from tests.worlds import Person, World, seed

ADA = Person("Ada")


def records(world: World, count: int) -> list[Record]:
    """As many epochs of the next number, all true to their basis."""
    old = tuple(world.council.heads())
    out = []
    for _ in range(count):
        absence = world.say(ADA, "member.absent", {}, deps=old)
        record = world.council.compose((absence,))
        assert isinstance(record, Record)
        out.append(record)
    return out


def carried(world: World, record: Record, round: int = 0) -> Envelope:
    """An operation with that record; of every round another one."""
    teller = world.teller
    parts = (
        Content(b"", record.data),
        Content(b"", pack_signatures(round, [(teller.key, sign_epoch(teller.seed, record.digest, round))])),
    )
    depth = 1 + max(world.council.dag.depth[world.council.dag.rows[dep]] for dep in record.basis)
    body = {"number": record.number, "record": 0, "signatures": 1}
    draft = Draft(world.council.id, teller.key, depth, record.basis, 0, "council.epoch", body, parts)
    return draft.signed(teller.seed)


def service_at(path: Path) -> Service:
    service = Service(Store(path), lambda: 0, bytes(32))
    service.load()
    return service


@pytest.mark.trio
async def test_what_a_lying_teller_signs_does_not_fill_the_disk(tmp_path: Path) -> None:
    world = World(founder=ADA)
    first, *others = [carried(world, record) for record in records(world, MOST_OF_A_NUMBER + 5)]
    world.insert(first)
    service = service_at(tmp_path / "store.db")
    await service.submit([envelope.encode() for envelope in world.said])
    stranger = b"s" * 32
    for other in others:
        (outcome,) = await service.submit([other.encode()], stranger)
        assert isinstance(outcome, Aside)
    kept = service.rivals(world.council.id)
    assert len(kept) == MOST_OF_A_NUMBER
    # After a restart there is no room for more of them either, but what somebody here brings has a use.
    service = service_at(tmp_path / "store.db")
    await service.submit([others[-1].encode()], stranger)
    assert service.rivals(world.council.id) == kept
    await service.submit([others[-1].encode()])
    assert len(service.rivals(world.council.id)) == MOST_OF_A_NUMBER + 1


@pytest.mark.trio
async def test_one_rival_in_many_operations_is_kept_once(tmp_path: Path) -> None:
    world = World(founder=ADA)
    mine, theirs = records(world, 2)
    carriers = [carried(world, theirs, round) for round in range(5)]
    assert len({carrier.operation.id for carrier in carriers}) == 5
    world.insert(carried(world, mine))
    service = service_at(tmp_path / "store.db")
    await service.submit([envelope.encode() for envelope in world.said])
    for carrier in carriers:
        (outcome,) = await service.submit([carrier.encode()], b"s" * 32)
        assert isinstance(outcome, Aside)
    assert len(service.rivals(world.council.id)) == 1


def claim(number: int, name: int, effect: dict[str, Any]) -> Envelope:
    """An operation that says it is an epoch; who signed it is looked at elsewhere."""
    fields = {"version": 1, "number": number, "previous": bytes(32), "basis": [bytes([name]) * 32], "effects": [effect]}
    parts = (Content(b"", encode(fields)), Content(b"", b"nothing"))
    body = {"number": number, "record": 0, "signatures": 1}
    author = seed("author")
    return Draft(bytes(32), public_key(author), 1, (bytes(32),), 0, "council.epoch", body, parts).signed(author)


def test_what_tellers_sign_does_not_crowd_out_what_members_sign() -> None:
    evidence = Evidence([])
    lies = [claim(number, name, {"kind": "leave"}) for number in range(1, 20) for name in range(MOST_OF_A_NUMBER)]
    assert [evidence.add(lie) for lie in lies] == [True] * MOST + [False] * (len(lies) - MOST)
    assert evidence.add(claim(1, 9, {"kind": "tellers", "by": "members"}))
    assert not evidence.add(claim(1, 9, {"kind": "tellers", "by": "members"})), "it is here"


def test_what_lies_beside_the_log_for_another_reason_is_no_evidence() -> None:
    author = seed("author")
    word = Draft(bytes(32), public_key(author), 1, (bytes(32),), 0, "merge", {}).signed(author)
    evidence = Evidence([word.encode(), claim(1, 1, {}).encode()])
    assert not evidence.add(word)
    assert not evidence.add(claim(1, 1, {}))
    assert evidence.add(claim(1, 2, {}))
