"""Negentropy V1: the vectors, the frame limits, and what a peer must not send."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from protocol.errors import Malformed, Misuse
from protocol.log.items import Items
from protocol.log.reconcile import LEAST_FRAME, Reconciliation, Round

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "negentropy.json").read_text())
END = b"\0\0"
NOTHING = Items().fingerprint(0, 0)


def made(described: list[dict[str, Any]]) -> list[tuple[int, bytes]]:
    """The items that a vector describes."""
    pairs = []
    for part in described:
        if "number" not in part:
            pairs.append((part["timestamp"], bytes.fromhex(part["id"])))
            continue
        begin, end = part["number"]
        numbers = set(range(begin, end, part.get("step", 1))) - set(part.get("without", []))
        pairs += [(n // part["per_timestamp"], sha256(n.to_bytes(8, "big")).digest()) for n in sorted(numbers)]
    return pairs


def named(vector: dict[str, Any]) -> str:
    return str(vector["about"])


def some(begin: int, end: int) -> list[tuple[int, bytes]]:
    return [(number // 3, sha256(b"%d" % number).digest()) for number in range(begin, end)]


def exchange(initiator: Reconciliation, responder: Reconciliation) -> tuple[list[bytes], set[bytes], set[bytes]]:
    """All messages in turn, and the ids that the initiator found to have and to need."""
    messages: list[bytes] = []
    have: set[bytes] = set()
    need: set[bytes] = set()
    message: bytes | None = initiator.initiate()
    while message is not None:
        answer = responder.receive(message)
        assert answer.reply is not None
        assert answer.have == answer.need == []
        messages += message, answer.reply
        found = initiator.receive(answer.reply)
        have.update(found.have)
        need.update(found.need)
        message = found.reply
    return messages, have, need


@pytest.mark.parametrize("vector", VECTORS["fingerprints"], ids=named)
def test_fingerprints(vector: dict[str, Any]) -> None:
    items = Items(made(vector["items"]))
    assert items.fingerprint(0, len(items)).hex() == vector["fingerprint"]


@pytest.mark.parametrize("vector", VECTORS["exchanges"], ids=named)
def test_exchanges(vector: dict[str, Any]) -> None:
    one, other = vector["initiator"], vector["responder"]
    messages, have, need = exchange(
        Reconciliation(Items(made(one["items"])), True, one["frame_limit"]),
        Reconciliation(Items(made(other["items"])), False, other["frame_limit"]),
    )
    if "messages" in vector:
        assert [message.hex() for message in messages] == vector["messages"]
    else:
        hashes = [{"bytes": len(message), "sha256": sha256(message).hexdigest()} for message in messages]
        assert hashes == vector["hashes"]
    for name, ids in (("have", have), ("need", need)):
        if name in vector:
            assert sorted(id.hex() for id in ids) == vector[name]
        else:
            together = sha256(b"".join(sorted(ids))).hexdigest()
            assert vector[f"{name}_digest"] == {"number": len(ids), "sha256": together}


@pytest.mark.parametrize("vector", VECTORS["answers"], ids=named)
def test_answers(vector: dict[str, Any]) -> None:
    side = Reconciliation(Items(made(vector["items"])), vector["initiator"], vector["frame_limit"])
    found = side.receive(bytes.fromhex(vector["message"]))
    assert (found.reply and found.reply.hex()) == vector["reply"]
    assert [id.hex() for id in found.have] == vector["have"]
    assert [id.hex() for id in found.need] == vector["need"]


@pytest.mark.parametrize("vector", VECTORS["malformed"], ids=named)
def test_malformed_messages_are_refused_by_name(vector: dict[str, Any]) -> None:
    side = Reconciliation(Items([(12345, b"\xee" * 32)]), vector["initiator"])
    with pytest.raises(Malformed) as refused:
        side.receive(bytes.fromhex(vector["message"]))
    assert refused.value.rule == vector["rule"]
    assert refused.value.message.endswith(".")


def test_a_message_may_be_so_long_and_no_longer() -> None:
    side = Reconciliation(Items(), False, message_limit=23)
    assert side.receive(b"a" + END + b"\1" + NOTHING) == Round(b"a", [], [])
    with pytest.raises(Malformed) as refused:
        side.receive(b"a" + END + b"\1" + NOTHING + b"\0" * 4)
    assert refused.value.rule == "negentropy-size"


def test_only_the_initiator_speaks_first_and_once() -> None:
    with pytest.raises(Misuse):
        Reconciliation(Items(), False).initiate()
    side = Reconciliation(Items(), True)
    assert side.initiate() == b"a" + END + b"\2\0"
    with pytest.raises(Misuse):
        side.initiate()


@pytest.mark.parametrize("limit", [-1, 1, LEAST_FRAME - 1])
def test_a_frame_limit_that_no_answer_fits_is_a_fault_of_the_caller(limit: int) -> None:
    with pytest.raises(Misuse):
        Reconciliation(Items(), True, limit)


def test_frames_stay_within_their_limits() -> None:
    one, other = some(0, 3000), some(1500, 6000)
    messages, have, need = exchange(
        Reconciliation(Items(one), True, 5000), Reconciliation(Items(other), False, LEAST_FRAME)
    )
    assert max(map(len, messages[::2])) <= 5000
    assert max(map(len, messages[1::2])) <= LEAST_FRAME
    assert have == {id for _, id in some(0, 1500)}
    assert need == {id for _, id in some(3000, 6000)}


def test_the_items_may_change_during_an_exchange() -> None:
    one, other = Items(some(0, 2000)), Items(some(1000, 3000))
    initiator = Reconciliation(one.snapshot(), True, LEAST_FRAME)
    responder = Reconciliation(other, False, LEAST_FRAME)
    have: set[bytes] = set()
    need: set[bytes] = set()
    message: bytes | None = initiator.initiate()
    number = 5000
    while message is not None:
        reply = responder.receive(message).reply
        assert reply is not None
        found = initiator.receive(reply)
        have.update(found.have)
        need.update(found.need)
        one.discard_many(some(0, 10))
        one.add_many(some(number, number + 20))
        if number < 5200:
            other.add_many(some(number, number + 20))
        number += 20
        message = found.reply
    assert have == {id for _, id in some(0, 1000)}
    assert {id for _, id in some(2000, 3000)} <= need <= {id for _, id in [*some(2000, 3000), *some(5000, 5200)]}


def full_frame() -> tuple[Items, Items, bytes, int]:
    """Our items, the responder's, its message, and the frame limit at which our last answer just does not fit."""
    ours = [(number, sha256(b"%d" % number).digest()) for number in range(14 * 32)]
    theirs = Items((timestamp, id[::-1]) for timestamp, id in ours[: 13 * 32])
    # Thirteen ranges of 32 timestamps in which all differs, and a last one in which the responder has nothing.
    prints = [b"\x21\0\1" + theirs.fingerprint(lo, lo + 32) for lo in range(0, 13 * 32, 32)]
    question = b"a" + b"".join(prints) + END + b"\1" + NOTHING
    unlimited = Reconciliation(items := Items(ours), True).receive(question).reply
    assert unlimited is not None
    return items, theirs, question, len(unlimited) + 199


def test_a_full_frame_does_not_hide_items_where_the_other_side_has_none() -> None:
    items, theirs, question, limit = full_frame()
    initiator, responder = Reconciliation(items, True, limit), Reconciliation(theirs, False)
    reply = initiator.receive(question).reply
    assert reply is not None
    assert reply.endswith(END + b"\1" + items.fingerprint(13 * 32, 14 * 32))
    # The reference would close with the fingerprint of nothing, and the responder find that it agrees.
    told = reply[: -len(END + b"\1" + NOTHING)]
    assert responder.receive(told).reply == responder.receive(told + END + b"\1" + NOTHING).reply
    have: set[bytes] = set()
    need: set[bytes] = set()
    while reply is not None:
        answer = responder.receive(reply).reply
        assert answer is not None
        found = initiator.receive(answer)
        have.update(found.have)
        need.update(found.need)
        reply = found.reply
    assert have == {id for _, id in items}
    assert need == {id for _, id in theirs}
