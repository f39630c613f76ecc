"""The test vectors say what the program does, read as another program would read them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from node.bundles import Have, slip_bytes
from node.ticket import parse_ticket, ticket_text
from protocol import keys
from protocol.codec import decode, encode
from protocol.council.charter import Threshold, parse_charter
from protocol.council.council import Council
from protocol.council.outcomes import Inserted, Refused, Waiting
from protocol.errors import Malformed
from protocol.ids import operation_text, parse_operation, parse_peer, parse_person, peer_text, person_text
from protocol.log.bundle import Bundle, Larger
from protocol.log.operation import Envelope, decode_envelope
from tests.vectors.make import FOLDER, files


def vectors(name: str) -> dict[str, Any]:
    loaded = json.loads((FOLDER / f"{name}.json").read_text())
    assert loaded["version"] == 1
    assert isinstance(loaded, dict)
    return loaded


written = cache(files)


def plain(value: Any) -> Any:
    """The CBOR value behind its JSON form."""
    if isinstance(value, dict):
        return bytes.fromhex(value["bytes"]) if list(value) == ["bytes"] else {k: plain(v) for k, v in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", sorted(written()))
def test_the_files_are_what_the_program_writes(name: str) -> None:
    here = (Path(FOLDER) / name).read_text()
    assert here == written()[name], f"{name} is out of date: python -m tests.vectors.make"


def test_codec() -> None:
    data = vectors("codec")
    for case in data["values"]:
        encoded = bytes.fromhex(case["encoded"])
        assert encode(plain(case["value"])) == encoded
        assert decode(encoded, 1000) == plain(case["value"])
    for case in data["refused"]:
        with pytest.raises(Malformed) as caught:
            decode(bytes.fromhex(case["data"]), 1000)
        assert caught.value.rule == case["rule"], case


def test_ids() -> None:
    for case in vectors("ids")["ids"]:
        id = bytes.fromhex(case["id"])
        assert (operation_text(id), person_text(id), peer_text(id)) == (case["operation"], case["person"], case["peer"])
        read: list[bytes] = [parse_operation(case["operation"]), parse_person(case["person"]), parse_peer(case["peer"])]
        assert read == [id, id, id]


def test_signatures() -> None:
    data = vectors("keys")
    key, message = bytes.fromhex(data["key"]), bytes.fromhex(data["message"])
    assert keys.public_key(bytes.fromhex(data["seed"])) == key
    for case in data["cases"]:
        domain = data["domains"][case["domain"]].encode()
        assert keys.verify(key, domain, message, bytes.fromhex(case["signature"])) is case["valid"], case
    for case in data["odd"]:
        domain = data["domains"][case["domain"]].encode()
        assert not keys.verify(bytes.fromhex(case["key"]), domain, message, bytes.fromhex(case["signature"])), case


def test_operations() -> None:
    data = vectors("operations")
    for case in data["accepted"]:
        envelope = decode_envelope(bytes.fromhex(case["envelope"]))
        operation = envelope.operation
        assert operation.signed()
        assert operation.id.hex() == case["id"]
        assert operation.author.hex() == case["author"]
        assert (operation.depth, operation.kind) == (case["depth"], case["kind"])
        assert [dep.hex() for dep in operation.deps] == case["deps"]
        assert operation.body == plain(case["body"])
        assert decode_envelope(bytes.fromhex(case["bare"])).operation == operation
    for case in data["refused"]:
        with pytest.raises(Malformed):
            decode_envelope(bytes.fromhex(case["envelope"]))


def test_charters() -> None:
    data = vectors("charter")
    for case in data["charters"]:
        charter = parse_charter(plain(case["charter"]))
        assert charter.encode().hex() == case["encoded"]
        assert charter.digest().hex() == case["digest"]
    for case in data["refused"]:
        with pytest.raises(Malformed) as caught:
            parse_charter(decode(bytes.fromhex(case["encoded"]), 20_000))
        assert caught.value.rule == case["rule"], case
    for case in data["needed"]:
        assert Threshold(*case["threshold"]).needed(case["of"]) == case["needed"]


@pytest.mark.parametrize(
    "name", sorted(file.stem for file in [*FOLDER.glob("council*.json"), *FOLDER.glob("federation*.json")])
)
def test_a_whole_council(name: str) -> None:
    data = vectors(name)
    first, *steps = data["steps"]
    council = Council.found(decode_envelope(bytes.fromhex(first["envelope"])))
    assert isinstance(council, Council)
    assert council.id.hex() == data["council"]
    for step in steps:
        envelope = decode_envelope(bytes.fromhex(step["envelope"]))
        outcome = council.insert(envelope)
        if step["outcome"] == "inserted":
            assert isinstance(outcome, Inserted)
            assert (outcome.epoch, outcome.kept) == (step["epoch"], step["kept"])
            refusal = council.without_effect.get(envelope.operation.id)
            assert (refusal.rule if refusal else None) == step.get("without_effect")
        elif step["outcome"] == "refused":
            assert isinstance(outcome, Refused)
            assert outcome.refusal.rule == step["rule"]
        else:
            assert isinstance(outcome, Waiting)
    links = council.branch.links
    assert [(link.number, link.digest.hex()) for link in links] == [(e["number"], e["digest"]) for e in data["epochs"]]
    assert sorted(council.dag.ids[row].hex() for row in council.dag.kept_rows()) == data["kept"]
    assert sorted(head.hex() for head in council.heads()) == data["heads"]
    assert encode(plain(data["state"])) == encode(council.data())
    assert council.digest().hex() == data["state_digest"]


def test_tickets() -> None:
    data = vectors("tickets")
    ticket = parse_ticket(data["text"])
    assert ticket.encode().hex() == data["data"]
    assert ticket_text(ticket) == data["text"]
    for text in data["also"]:
        assert parse_ticket(text) == ticket
    for text in data["refused"]:
        with pytest.raises(Malformed):
            parse_ticket(text)


def test_bundles() -> None:
    data = vectors("bundles")
    for case in data["files"]:
        bundle = Bundle()
        found = list(bundle.feed(bytes.fromhex(case["data"])))
        bundle.finish()
        assert bundle.head is not None
        assert bundle.head.council.hex() == case["council"]
        assert [id.hex() for id in bundle.head.heads] == case["heads"]
        assert [one.operation.id.hex() for one in found if isinstance(one, Envelope)] == case["operations"]
        larger = [one for one in found if isinstance(one, Larger)]
        assert [(one.operation.hex(), one.index) for one in larger] == [
            (one["operation"], one["index"]) for one in case["beside"]
        ]
    assert next(iter(Bundle().feed(slip_bytes(data["slip"])))) is not None
    assert Have.parse(data["have"]["text"]).heads == tuple(bytes.fromhex(id) for id in data["have"]["heads"])
    for case in data["refused"]:
        bundle = Bundle()
        with pytest.raises(Malformed) as caught:  # noqa: PT012  # some are refused while they are read, some at their end
            list(bundle.feed(bytes.fromhex(case["data"])))
            bundle.finish()
        assert caught.value.rule == case["rule"], case["why"]
