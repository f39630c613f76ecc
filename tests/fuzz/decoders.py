"""Everything that decodes bytes by itself, without a node."""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import cbor2
import msgspec

from node import archive
from node.ballots.proof import as_json, from_file
from node.bundles import SLIP, Have, slip_bytes, slip_text
from node.elections import read_blt, read_cvotes, read_pabulib, read_preflib
from node.frames import decode_frame, encode_frame
from node.offer import DeviceOffer, Pass, TellerOffer
from node.peers import parse_address
from node.ticket import Ticket, TicketNode, parse_ticket, ticket_text
from protocol.codec import decode, encode
from protocol.council.bodies import TellerKeys, parse_body
from protocol.council.branch import read_claim
from protocol.council.certificate import examine
from protocol.council.charter import UnknownRules, parse_charter
from protocol.council.council import Council
from protocol.council.decision_record import read_decision
from protocol.council.outcomes import Inserted
from protocol.council.seats import unpack_epochs
from protocol.council.signatures import unpack_signatures
from protocol.errors import Malformed, Refusal
from protocol.ids import b58encode, operation_text, parse_operation, parse_peer, parse_person, peer_text, person_text
from protocol.keys import OPERATION, TELLER, public_key, sign
from protocol.log.bundle import Bundle
from protocol.log.items import Items
from protocol.log.operation import Operation, decode_envelope, decode_header
from protocol.log.reconcile import Reconciliation
from protocol.tellers.question import Question, check_choice, check_question, tally
from tests.unit.council.test_count import HOUR, Hall, adoption, certified
from tests.worlds import Person, Teller, World, seed

from . import samples
from .target import Target, Try

__all__ = ["DECODERS"]

Reading = Callable[[bytes], str]


def _target(name: str, share: int, seeds: Callable[[], Iterable[bytes]], read: Reading) -> Target:
    """A target that keeps nothing between inputs. `read` may raise `Malformed`, which says what is wrong."""

    @asynccontextmanager
    async def opened(_: Path) -> AsyncIterator[Try]:
        async def one(data: bytes) -> str:
            try:
                return read(data)
            except Malformed as error:
                return _told(error)

        yield one

    return Target(name, share, lambda: list(seeds()), opened)


def _told(error: Malformed) -> str:
    """The rule; what a person is told must be one sentence that can be shown on a terminal."""
    assert error.rule
    assert error.message
    assert "\n" not in error.message, "more than one line"
    return error.rule


def _codec(data: bytes) -> str:
    value = decode(data, 1 << 18)
    assert encode(value) == data
    return type(value).__name__


def _envelope(data: bytes) -> str:
    envelope = decode_envelope(data)
    assert envelope.encode() == data
    operation = envelope.operation
    assert decode_header(operation.header, operation.signature) == operation
    _body(operation)
    return operation.kind


def _body(operation: Operation) -> None:
    try:
        parse_body(operation)
    except Malformed as error:
        _told(error)


def _header(data: bytes) -> str:
    operation = decode_header(data, bytes(64))
    # The short way and the long way to read a header must be of one mind.
    fields = decode(data, len(data))
    assert fields[:8] == [
        1,
        operation.council,
        operation.author,
        operation.depth,
        list(operation.deps),
        operation.time,
        operation.kind,
        operation.body,
    ], "the short way to read a header is not of one mind with the long one"
    assert fields[8] == [[ref.sort, ref.hash, ref.size] for ref in operation.contents]
    parse_body(operation)
    return operation.kind


def _headers() -> list[bytes]:
    return [decode_envelope(data).operation.header for data in samples.envelopes() if _whole(data)]


def _whole(data: bytes) -> bool:
    try:
        decode_envelope(data)
    except Malformed:
        return False
    return True


def _parts() -> list[bytes]:
    """The parts of epochs and certificates: records and signatures."""
    return [part for data in samples.envelopes() if _whole(data) for part in decode_envelope(data).parts()]


def _part(data: bytes) -> str:
    rules = []
    for read in (unpack_signatures, lambda raw: read_claim(1, raw, 0, []), read_decision, unpack_epochs):
        try:
            read(data)
            rules.append("ok")
        except Malformed as error:
            rules.append(error.rule)
        except UnknownRules:
            rules.append("rules")
    return " ".join(rules)


def _charter(data: bytes) -> str:
    try:
        charter = parse_charter(decode(data, 1 << 16))
    except UnknownRules:
        return "unknown rules"
    assert parse_charter(charter.data()) == charter
    charter.digest()
    return "good"


def _frame(data: bytes) -> str:
    frame = decode_frame(data)
    assert decode_frame(encode_frame(frame)) == frame
    return type(frame).__name__


def _frames() -> list[bytes]:
    id, blob = seed("id"), samples.envelopes()[0]
    fields = {"version": 1, "council": id, "operations": 3, "first": 0, "epochs": [id]}
    values: list[list[Any]] = [
        ["hello", fields], ["join", 1, blob], ["no", "closed", "no"], ["bring", 3], ["compare", b"\x61\0\0\2\0"],
        ["want", id * 2], ["all", 7, id], ["operations", [blob]], ["news", id, [blob, blob]], ["taken", 1], ["end"],
        ["content", id, 0], ["content-is", bytes(16), 5], ["piece", b"12345"],
    ]  # fmt: skip
    return [encode(value) for value in values]


_ITEMS = Items([(depth, seed("item", depth, n)) for depth in range(200) for n in range(3)])


def _reconcile(data: bytes) -> str:
    asking = Reconciliation(_ITEMS, True, 1 << 14)
    asking.initiate()
    rules = []
    for side in (asking, Reconciliation(_ITEMS, False, 1 << 14)):
        try:
            found = side.receive(data)
            assert found.reply is None or len(found.reply) <= 1 << 14
            rules.append(f"{found.reply is None} {bool(found.have)} {bool(found.need)}")
        except Malformed as error:
            rules.append(error.rule)
    return " ".join(rules)


def _comparisons() -> list[bytes]:
    first = Reconciliation(_ITEMS, True).initiate()
    others = Items([*list(_ITEMS)[100:], (500, seed("more"))])
    reply = Reconciliation(others, False).receive(first).reply
    assert reply is not None
    return [first, reply, *samples.found("negentropy", "message")]


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def _ticket(data: bytes) -> str:
    """A text as it is, or the data of one, with the checksum that it must have."""
    if data[:4].lower() == b"moot":
        text = data.decode("utf-8", "replace")
    else:
        data = data[:1000]
        whole = data + sha256(b"moot1" + data).digest()[:5]
        letters = -(-len(whole) * 8 // 5)
        number = int.from_bytes(whole, "big") << (letters * 5 - len(whole) * 8)
        body = "".join([_ALPHABET[number >> 5 * (letters - 1 - n) & 31] for n in range(letters)])
        text = "moot1" + "".join([_ALPHABET[letters >> 5 * n & 31] for n in range(3, -1, -1)]) + body
    ticket = parse_ticket(text)
    assert parse_ticket(ticket_text(ticket)) == ticket
    return "ticket"


def _tickets() -> list[bytes]:
    nodes = (TicketNode(seed("node"), ("/ip4/192.0.2.7/tcp/4747", "/dns/hall.example/tcp/1")),)
    ticket = Ticket(seed("c"), "Mill", seed("i"), seed("s"), 3, 1, nodes)
    return [ticket.encode(), ticket_text(ticket).encode(), *samples.found("tickets", "data")]


def _offer(data: bytes) -> str:
    """A text as it is, or the value of one, for each sort of offer, with its checksum."""
    data = data[:1000]
    texts = [data.decode("utf-8", "replace")] * 3
    heads = ("mootdevice1", "mootteller1", "mootpass1")
    if not data.startswith(b"moot"):
        texts = [head + b58encode(data + sha256(head.encode() + data).digest()[:4]) for head in heads]
    outcomes = []
    for text, parse in zip(texts, (DeviceOffer.parse, TellerOffer.parse, Pass.parse), strict=True):
        try:
            outcomes.append(type(parse(text)).__name__)
        except Malformed as error:
            outcomes.append(error.rule)
    return " ".join(outcomes)


def _offers() -> list[bytes]:
    ada, context = Person("Ada"), seed("membership")
    device = DeviceOffer(context, **ada.enrolment(context), **ada.listing(context), addresses=("/ip4/192.0.2.7/tcp/1",))
    node, key = seed("node"), public_key(seed("teller"))
    possession = sign(seed("teller"), TELLER, encode([context, key, node]))
    teller = TellerOffer(context, TellerKeys(key=key, node=node, possession=possession, addresses=[]))
    given = Pass(context, "Mill", context, key, context, 3, ((node, ("/ip4/192.0.2.7/tcp/1",)),))
    values = [
        [context, *ada.enrolment(context).values(), node, bytes(64), []],
        [context, key, node, possession, []],
        [context, "Mill", context, key, context, 3, [[node, ["/ip4/192.0.2.7/tcp/1"]]]],
    ]
    return [*(offer.text().encode() for offer in (device, teller, given)), *map(encode, values)]


def _name(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    outcomes = []
    readers: list[tuple[Callable[[str], Any], Callable[[Any], str] | None]] = [
        (parse_operation, operation_text),
        (parse_person, person_text),
        (parse_peer, peer_text),
        (parse_address, str),
    ]
    for parse, write in readers:
        try:
            value = parse(text)
            if write is not None:
                assert parse(write(value)) == value
            outcomes.append("ok")
        except Malformed as error:
            outcomes.append(_told(error))
    return " ".join(outcomes)


def _names() -> list[bytes]:
    key = seed("key")
    addresses = ["/ip4/192.0.2.7/tcp/4747", "/ip6/2001:db8::1/tcp/1", "/dns4/hall.example.org/tcp/65535"]
    whole = [f"{address}/p2p/{peer_text(key)}" for address in addresses]
    return [text.encode() for text in (operation_text(key), person_text(key), peer_text(key), *addresses, *whole)]


def _certificate(data: bytes) -> str:
    certificate = from_file(data)
    findings = examine(certificate)
    if findings.refusal is None:
        as_json(certificate)
    return "good" if findings.refusal is None else findings.refusal.rule


def _certificates() -> list[bytes]:
    hall = Hall("1", 1)
    hall.admit(samples.BEN, samples.ADA)
    _, ballot = adoption(hall)
    hall.cast(samples.ADA, ballot, "yes")
    hall.until(hall.now + 3 * HOUR)
    made = [certified(hall, casts=casts) for casts in (False, True)]
    return [data for one in made for data in (one.encode(), json.dumps(as_json(one)).encode())]


def _archive(data: bytes) -> str:
    found = archive.check(BytesIO(data))
    return f"{bool(found.faults)} {bool(found.operations)}"


def _archives() -> list[bytes]:
    world = samples.council()
    head = archive.Head(world.council.id, len(world.said), world.council.digest())
    log = b"".join([archive.pack_head(head), *(archive.pack_envelope(envelope) for envelope in world.said)])
    return [log, log[:400]]


def _bundle(data: bytes) -> str:
    """In two pieces, as in one, the same comes out."""
    halves, whole = Bundle(), Bundle()
    found = [*halves.feed(data[: len(data) // 2]), *halves.feed(data[len(data) // 2 :])]
    assert found == list(whole.feed(data))
    whole.finish()
    return f"bundle {min(len(found), 3)}"


def _carried(data: bytes) -> str:
    """A text that comes with bundles: a slip, or what a node has."""
    text = data.decode("latin-1")
    if text.startswith(SLIP):
        assert slip_bytes(slip_text(slip_bytes(text))) == slip_bytes(text)
        return "slip"
    have = Have.parse(text)
    assert Have.parse(have.text()) == have
    return "have"


def _texts() -> list[bytes]:
    (small, *_) = samples.found("bundles", "data")
    return [slip_text(small).encode(), Have(seed("c"), (seed("h"), seed("i"))).text().encode()]


def _question(data: bytes) -> str:
    """A question and choices, as a ballot's opening and its casts would bring them."""
    value = decode(data, 1 << 18)
    if not isinstance(value, list) or not value:
        return "no list"
    try:
        question = msgspec.convert(value[0], Question, strict=True)
    except msgspec.ValidationError:
        return "no question"
    refusal = check_question(question, 11)
    if refusal is not None:
        return refusal.rule
    good = [choice for choice in value[1:12] if check_choice(question, choice) is None]
    result = tally(question, [(1, choice) for choice in good], 11, 11, bytes(32))
    assert not isinstance(result, Refusal), result
    encode(result)
    return question.rule


def _questions() -> list[bytes]:
    counts = json.loads((samples.VECTORS / "counting.json").read_text())["counts"]
    return [encode([one["question"], *(choice for _, choice in one["votes"][:10])]) for one in counts]


def _elections() -> list[bytes]:
    return [
        b"3 1\n-2\n3 1 2 0\n2 2=3 0\n1 0\n0\n\"Ann\"\n\"Bo\"\n\"Cyd\"\n\"Board\"\n",
        b"#/Candidates: Ann ; Bo;Cyd\n#/number of seats: 2\nAnn > Bo = Cyd * 42\njulien || Ann>Bo # a * 3\n /EMPTY_RANKING/\n",
        b"META\nkey;value\ndescription;Old Town\nnum_projects;2\nnum_votes;2\nbudget;1000\nvote_type;approval\n"
        b"PROJECTS\nproject_id;cost;name\n7;500;Oven\n9;1.5;Bench\nVOTES\nvoter_id;vote\n1;7,9\n2;\n",
        b"META\nkey;value\nnum_projects;1\nnum_votes;1\nbudget;10\nvote_type;cumulative\nPROJECTS\nproject_id;cost\n7;5\n"
        b"VOTES\nvoter_id;vote;points\n1;7;3\n",
        b"# FILE NAME: x.toc\n# TITLE: Board\n# NUMBER ALTERNATIVES: 3\n# NUMBER VOTERS: 5\n# NUMBER UNIQUE ORDERS: 2\n"
        b"# ALTERNATIVE NAME 1: Ann\n# ALTERNATIVE NAME 2: Bo\n# ALTERNATIVE NAME 3: Cyd\n3: 1,{2,3}\n2: 2,1\n",
    ]  # fmt: skip


def _election(data: bytes) -> str:
    lines = data.decode("utf-8", "replace").split("\n")
    outcomes = []
    for read in (read_blt, read_cvotes, read_pabulib, read_preflib):
        try:
            read(list(lines))
            outcomes.append("ok")
        except Malformed as error:
            outcomes.append(_told(error))
    return " ".join(outcomes)


# Operations that somebody in standing signed, whatever is in them


class _Signed:
    """A council, and a member who signs anything. Renewed now and then, so that it stays small."""

    EVERY = 400

    def __init__(self) -> None:
        self.fresh()

    def fresh(self) -> None:
        self.world: World = samples.council()
        self.count = 0
        self.authors = [samples.ADA.device_seed(), samples.BEN.device_seed(), Teller("hall").seed]

    def take(self, data: bytes) -> str:
        """The fields of a header from a kind on, made an operation of, signed and inserted."""
        self.count += 1
        if self.count % self.EVERY == 0:
            digest = self.world.council.digest()
            assert len(digest) == 32
            self.fresh()
        value = cbor2.loads(data)
        if not isinstance(value, list) or len(value) < 4:
            return "no list"
        who, kind, body, attached, *needs = value
        contents = _contents(attached)
        council = self.world.council
        author = self.authors[who % 3 if isinstance(who, int) else 0]
        known = [need for need in needs if isinstance(need, bytes) and need in council]
        heads = council.draft(tuple(known[:8]))
        assert not isinstance(heads, Refusal)
        refs = [[one[0], sha256(b"" if one[0] else bytes(16) + one[1]).digest(), len(one[1])] for one in contents]
        header = [1, council.id, public_key(author), heads.depth, list(heads.deps), 5, kind, body, refs]
        given = [[b"" if one[0] else bytes(16), one[1]] for one in contents]
        raw = encode(header)
        outcome = council.insert(decode_envelope(encode([raw, sign(author, OPERATION, raw), given])))
        if isinstance(outcome, Inserted) and outcome.events:
            refusal = getattr(outcome.events[0], "without_effect", None)
            return "effect" if refusal is None else str(refusal.rule)
        refusal = getattr(outcome, "refusal", None)
        return type(outcome).__name__ + (f" {refusal.rule}" if refusal is not None else "")


def _contents(value: Any) -> list[list[Any]]:
    """Contents as `[[sort, bytes], ...]`, what is none left out."""
    found = value if isinstance(value, list) else []
    return [one for one in found if isinstance(one, list) and len(one) == 2 and isinstance(one[1], bytes)]


def _signed() -> list[bytes]:
    out = []
    for data in samples.envelopes():
        if _whole(data):
            envelope = decode_envelope(data)
            if envelope.operation.deps:
                contents = [
                    [1 if not content.salt else 0, content.data] for content in envelope.contents if content is not None
                ]
                operation = envelope.operation
                out.append(encode([0, operation.kind, operation.body, contents, *operation.deps]))
    world = samples.council()
    here = [one.operation for one in world.said]
    for operation in here[1:]:
        contents = [[0, b"text"] for _ in operation.contents if operation.kind != "council.epoch"]
        out.append(encode([1, operation.kind, operation.body, contents, *operation.deps]))
    return out


@asynccontextmanager
async def _council(_: Path) -> AsyncIterator[Try]:
    signed = _Signed()

    async def one(data: bytes) -> str:
        try:
            return signed.take(data)
        except Malformed as error:
            return error.rule
        except (cbor2.CBORError, ValueError):
            return "no value"

    yield one


def _founding(data: bytes) -> str:
    try:
        council = Council.found(decode_envelope(data))
    except UnknownRules:
        return "unknown rules"
    return "founded" if isinstance(council, Council) else council.rule


DECODERS = (
    _target("codec", 1500, lambda: [*samples.found("codec", "encoded", "data"), *samples.envelopes()], _codec),
    _target("envelope", 1200, samples.envelopes, _envelope),
    _target("header", 1200, _headers, _header),
    _target("part", 900, _parts, _part),
    _target("charter", 500, lambda: samples.found("charter", "encoded"), _charter),
    _target("founding", 100, lambda: samples.envelopes()[:3], _founding),
    _target("frame", 900, _frames, _frame),
    _target("reconcile", 600, _comparisons, _reconcile),
    _target("ticket", 200, _tickets, _ticket),
    _target("offer", 300, _offers, _offer),
    _target("name", 500, _names, _name),
    _target("certificate", 100, _certificates, _certificate),
    _target("archive", 100, _archives, _archive),
    _target("bundle", 300, lambda: samples.found("bundles", "data"), _bundle),
    _target("carried", 200, _texts, _carried),
    _target("election", 400, _elections, _election),
    _target("question", 300, _questions, _question),
    Target("council", 400, _signed, _council),
)
