from hashlib import sha256
from typing import Any

import cbor2
import pytest

from protocol.codec import encode
from protocol.errors import Malformed, Misuse
from protocol.keys import public_key, sign
from protocol.log.operation import (
    ATTACHMENT,
    MAX_ATTACHMENT,
    MAX_DEPS,
    MAX_ENVELOPE,
    MAX_INLINE,
    MAX_PARTS,
    PART,
    Content,
    ContentRef,
    Draft,
    Envelope,
    decode_envelope,
    decode_header,
    open_content,
    recall_envelope,
    split_inline,
)
from tests.worlds import Person, World

SEED = bytes(range(32))
AUTHOR = public_key(SEED)
COUNCIL = sha256(b"council").digest()
DEP = sha256(b"dep").digest()
SALT = b"sixteen of them!"
LETTER = Content(SALT, b"Dear all")
LIST = Content(b"", b"\x80")


def draft(**changes: Any) -> Draft:
    fields: dict[str, Any] = {
        "council": COUNCIL,
        "author": AUTHOR,
        "depth": 3,
        "deps": (DEP,),
        "time": 1_790_000_000_000,
        "kind": "comment.write",
        "body": {"on": DEP, "text": 0},
        "contents": (LETTER, LIST),
    }
    return Draft(**{**fields, **changes})


def header(**changes: Any) -> list[Any]:
    """The fields of a good header, as a list, with some replaced by place."""
    refs = [[ATTACHMENT, LETTER.reference().hash, 8], [PART, LIST.reference().hash, 1]]
    fields = [1, COUNCIL, AUTHOR, 3, [DEP], 1_790_000_000_000, "comment.write", {"on": DEP, "text": 0}, refs]
    for place, value in changes.items():
        fields[int(place[1:])] = value
    return fields


def test_an_operation_comes_back_from_its_bytes() -> None:
    envelope = draft().signed(SEED)
    operation = envelope.operation
    assert operation.id == sha256(operation.header).digest()
    assert operation.header == encode(header())
    assert (operation.council, operation.author, operation.depth, operation.deps) == (COUNCIL, AUTHOR, 3, (DEP,))
    assert (operation.time, operation.kind) == (1_790_000_000_000, "comment.write")
    assert operation.body == {"on": DEP, "text": 0}
    assert operation.contents == (LETTER.reference(), LIST.reference())
    assert operation.signed()
    again = decode_envelope(envelope.encode())
    assert again == envelope
    assert again.encode() == envelope.encode()
    assert again.parts() == (b"\x80",)


def test_a_founding_operation_has_no_council_no_deps_and_depth_0() -> None:
    operation = draft(council=b"", deps=(), depth=0, contents=()).signed(SEED).operation
    assert (operation.council, operation.deps, operation.depth) == (b"", (), 0)


def test_a_draft_sorts_its_deps() -> None:
    deps = tuple(sorted([sha256(bytes([n])).digest() for n in range(5)], reverse=True))
    assert draft(deps=deps).signed(SEED).operation.deps == tuple(sorted(deps))


def test_a_signature_covers_the_header() -> None:
    operation = draft().signed(SEED).operation
    assert not decode_header(operation.header, sign(SEED, b"another domain\n", operation.header)).signed()
    assert not decode_header(operation.header, bytes(64)).signed()
    assert not decode_header(draft(depth=4).header(), operation.signature).signed()


def test_only_the_author_signs() -> None:
    with pytest.raises(Misuse, match="not the author's"):
        draft().signed(bytes(32))


@pytest.mark.parametrize(
    "changes",
    [
        {"council": b""},
        {"deps": ()},
        {"depth": 0},
        {"depth": -1},
        {"deps": (DEP, DEP)},
        {"kind": ""},
        {"kind": "Comment"},
        {"author": AUTHOR[:-1]},
        {"body": {"a": 1.5}},
        {"body": {"a": "x" * 20_000}},
        {"contents": (Content(b"", bytes(MAX_PARTS + 1)),)},
    ],
)
def test_a_draft_that_breaks_the_format_is_our_own_fault(changes: dict[str, Any]) -> None:
    with pytest.raises(Misuse):
        draft(**changes).signed(SEED)


MANY = sorted(sha256(bytes([n])).digest() for n in range(MAX_DEPS + 1))
REF = [ATTACHMENT, bytes(32), 8]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"a": 1}, "header"),
        ([], "header"),
        (header()[:8], "header"),
        ([*header(), 1], "header"),
        (header(f0=2), "version"),
        (header(f0=True), "version"),
        (header(f0="1" * 1000), "version"),
        (header(f1=COUNCIL[:-1]), "header"),
        (header(f1=b""), "header"),
        (header(f1="a" * 32), "header"),
        (header(f2=b""), "header"),
        (header(f2=AUTHOR + b"a"), "header"),
        (header(f2=None), "header"),
        (header(f3=-1), "header"),
        (header(f3=True), "header"),
        (header(f3="3"), "header"),
        (header(f3=0), "depth"),
        (header(f4=DEP), "deps"),
        (header(f4=MANY), "deps"),
        (header(f4=[DEP, DEP]), "deps"),
        (header(f4=[MANY[1], MANY[0]]), "deps"),
        (header(f4=[DEP[:-1]]), "deps"),
        (header(f4=["a" * 32]), "deps"),
        (header(f4=[]), "deps"),
        (header(f1=b"", f4=[]), "deps"),
        (header(f1="", f3=0, f4=[]), "deps"),
        (header(f3=0, f4=[]), "deps"),
        (header(f5=-1), "header"),
        (header(f5=1 << 63), "header"),
        (header(f5=None), "header"),
        (header(f6=""), "kind"),
        (header(f6="a" * 65), "kind"),
        (header(f6="Motion.Move"), "kind"),
        (header(f6="motion move"), "kind"),
        (header(f6="möve"), "kind"),
        (header(f6=b"merge"), "kind"),
        (header(f7=None), "body"),
        (header(f7=[]), "body"),
        (header(f7={"a": 1.5}), "type"),
        (header(f7={"a": {1: 2}}), "map-key"),
        (header(f7={"a": -(1 << 64)}), "integer"),
        (header(f8=None), "contents"),
        (header(f8=[REF] * 65), "contents"),
        (header(f8=[{}]), "contents"),
        (header(f8=[REF[:2]]), "contents"),
        (header(f8=[[2, bytes(32), 1]]), "contents"),
        (header(f8=[[True, bytes(32), 1]]), "contents"),
        (header(f8=[[[], bytes(32), 1]]), "contents"),
        (header(f8=[[0, bytes(32), -1]]), "contents"),
        (header(f8=[[0, bytes(32), MAX_ATTACHMENT + 1]]), "contents"),
        (header(f8=[[0, bytes(32), None]]), "contents"),
        (header(f8=[[0, bytes(31), 1]]), "header"),
        (header(f8=[[PART, bytes(32), MAX_PARTS], [PART, bytes(32), 1]]), "parts"),
    ],
)
def test_headers_that_break_the_format(fields: object, rule: str) -> None:
    data = cbor2.dumps(fields, canonical=True)
    with pytest.raises(Malformed) as caught:
        decode_header(data, bytes(64))
    assert caught.value.rule == rule
    assert len(caught.value.message) < 200


def test_headers_at_the_limits_are_fine() -> None:
    fields = header(f4=MANY[1:], f5=(1 << 63) - 1, f6="a" * 64, f8=[[0, bytes(32), MAX_ATTACHMENT]] * 64)
    operation = decode_header(encode(fields), bytes(64))
    assert len(operation.deps) == MAX_DEPS
    assert len(operation.contents) == 64


def test_a_header_is_at_most_16_kib() -> None:
    with pytest.raises(Malformed) as caught:
        decode_header(encode(header(f7={"a": bytes(16 * 1024)})), bytes(64))
    assert caught.value.rule == "size"


# --- envelopes --------------------------------------------------------------------------------


def packed(*contents: object, signature: object = bytes(64), head: object = None) -> bytes:
    return encode([encode(header()) if head is None else head, signature, list(contents)])


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (encode({}), "envelope"),
        (encode([b"", b""]), "envelope"),
        (packed(None, [b"", b"\x80"], signature=bytes(63)), "envelope"),
        (packed(None, [b"", b"\x80"], signature="a" * 64), "envelope"),
        (packed(None, [b"", b"\x80"], head=header()), "envelope"),
        (encode([encode(header()), bytes(64), {}]), "envelope"),
        (packed(None), "envelope"),
        (packed(None, [b"", b"\x80"], None), "envelope"),
        (packed(None, None), "parts"),
        (packed("text", [b"", b"\x80"]), "envelope"),
        (packed([SALT], [b"", b"\x80"]), "envelope"),
        (packed([SALT, "Dear all"], [b"", b"\x80"]), "envelope"),
        (packed(["a" * 16, b"Dear all"], [b"", b"\x80"]), "envelope"),
        (packed([SALT, b"Dear Ada"], [b"", b"\x80"]), "content-hash"),
        (packed([SALT[:-1], b"!Dear all"], [b"", b"\x80"]), "content-hash"),
        (packed([b"", SALT + b"Dear all"], [b"", b"\x80"]), "content-hash"),
        (packed(None, [SALT, b"\x80"]), "content-hash"),
        (packed(None, [b"", b"\x81\x00"]), "content-hash"),
        (packed(None, [b"", b"\x80"], head=b"\x80"), "header"),
    ],
)
def test_envelopes_that_break_the_format(data: bytes, rule: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_envelope(data)
    assert caught.value.rule == rule


def test_an_attachment_may_be_absent_a_part_may_not() -> None:
    envelope = decode_envelope(packed(None, [b"", b"\x80"]))
    assert envelope.contents == (None, LIST)
    assert envelope.parts() == (b"\x80",)


def test_an_operation_without_contents() -> None:
    envelope = decode_envelope(encode([encode(header(f8=[])), bytes(64), []]))
    assert envelope.contents == ()


def test_a_part_cannot_pose_as_an_attachment() -> None:
    """The same bytes, hashed with the salt in front, are no part: a part has none."""
    assert Content(SALT, b"x").reference().sort == ATTACHMENT
    assert Content(b"", SALT + b"x").reference() == ContentRef(PART, Content(SALT, b"x").reference().hash, 17)


def large(*sizes: int) -> tuple[Content, ...]:
    return tuple(Content(SALT, bytes([n]) * size) for n, size in enumerate(sizes))


def test_attachments_travel_inline_to_64_kib() -> None:
    fits = draft(contents=large(MAX_INLINE - 10, 10)).signed(SEED)
    assert decode_envelope(fits.encode()) == fits
    with pytest.raises(Malformed) as caught:
        decode_envelope(draft(contents=large(MAX_INLINE - 10, 11)).signed(SEED).encode())
    assert caught.value.rule == "inline"


def test_the_largest_envelope_fits() -> None:
    """A full header, all that may travel inline, and all parts."""
    deps = tuple(MANY[1:])
    sizes = [MAX_INLINE // 32] * 32
    parts = tuple(Content(b"", bytes([n]) * (MAX_PARTS // 32)) for n in range(32))
    body = {"a": bytes(16 * 1024 - 5120)}
    envelope = draft(deps=deps, body=body, contents=(*large(*sizes), *parts)).signed(SEED)
    assert len(envelope.operation.header) > 15 * 1024
    assert len(envelope.encode()) <= MAX_ENVELOPE
    assert decode_envelope(envelope.encode()) == envelope


def test_split_inline_keeps_parts_and_what_fits() -> None:
    big, small, other = large(MAX_INLINE, 100, MAX_INLINE - 100)
    assert split_inline((big, small, LIST)) == (big, None, LIST)
    assert split_inline((small, big, LIST, other, None)) == (small, None, LIST, other, None)
    assert split_inline(()) == ()


@pytest.mark.parametrize("content", [LETTER, Content(b"", b"Dear all")])
def test_a_content_that_comes_by_itself(content: Content) -> None:
    salt, data, ref = content.salt, content.data, content.reference()
    assert open_content(data, salt, ref) == content
    for bad_salt, bad_data in ((salt, data + b"!"), (salt + b"x", data), (SALT[::-1], data), (salt, b"dear all")):
        with pytest.raises(Malformed) as caught:
            open_content(bad_data, bad_salt, ref)
        assert caught.value.rule == "content-hash"


def test_envelopes_are_values() -> None:
    envelope = draft().signed(SEED)
    assert envelope == Envelope(envelope.operation, envelope.contents)
    with pytest.raises(AttributeError):
        envelope.operation.depth = 9  # type: ignore[misc]  # that it cannot be set is the point


def test_an_envelope_from_disk_is_the_one_that_was_accepted() -> None:
    world = World()
    world.proposal(world.founder)
    world.admit(Person("Ben"), world.founder)
    world.say(world.founder, "an.unknown-kind", {"words": "x" * 300})
    for envelope in world.said:
        bare = Envelope(envelope.operation, tuple(None if c is None or c.salt else c for c in envelope.contents))
        assert recall_envelope(bare.encode()) == decode_envelope(bare.encode()) == bare


def test_a_short_header_is_read_by_the_book() -> None:
    """No operation has so short a header: the quick way hands it to the strict one."""
    for header in (b"", b"\x80", bytes(23)):
        data = encode([header, bytes(64), []])
        with pytest.raises(Malformed):
            decode_envelope(data)
        with pytest.raises(Malformed):
            recall_envelope(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x83\x58",
        b"\x83\x58\x17" + bytes(23) + b"\x58\x40" + bytes(64) + b"\x80",
        b"\x83\x59\x00\xff" + bytes(255) + b"\x58\x40" + bytes(64) + b"\x80",
        b"\x83\x58\x20" + bytes(32) + b"\x58\x41" + bytes(65) + b"\x80",
        b"\x83\x58\x20" + bytes(32) + b"\x58\x40" + bytes(60),
        b"\x83\x58\x20" + bytes(32) + b"\x58\x40" + bytes(64) + b"\x80\x00",
        b"\x83\x58\x20" + bytes(32) + b"\x58\x40" + bytes(64),
    ],
)
def test_an_envelope_has_one_form(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode_envelope(data)
