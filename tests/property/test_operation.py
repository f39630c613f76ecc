"""Operations are read piece by piece, without a decoder for what all of them begin with: as strictly as with one."""

from hashlib import sha256
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import decode, encode
from protocol.errors import Malformed
from protocol.keys import public_key
from protocol.log.operation import (
    ATTACHMENT,
    MAX_CONTENTS,
    MAX_DEPS,
    MAX_ENVELOPE,
    MAX_HEADER,
    PART,
    VERSION,
    Content,
    Draft,
    decode_envelope,
    decode_header,
    recall_envelope,
    recall_operation,
)

SEED = bytes(range(32))
IDS = st.integers(0, 1 << 20).map(lambda number: sha256(b"%d" % number).digest())
NUMBERS = st.one_of(*(st.integers(1, 1 << bits) for bits in (4, 8, 16, 31)))
BODIES = st.dictionaries(st.text(max_size=12), st.none() | st.booleans() | st.integers(0, 1 << 40) | IDS, max_size=4)
CONTENTS = st.builds(
    Content, st.sampled_from([b"", b"sixteen of them!"]), st.sampled_from([0, 1, 24, 256, 65536]).map(bytes)
)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Operations that keep to the format, of all sizes of their numbers and lists."""
    contents = draw(st.lists(CONTENTS, max_size=3))
    if sum(len(content.data) for content in contents) > 65536:
        contents = contents[:1]
    return Draft(
        draw(IDS),
        public_key(SEED),
        draw(NUMBERS),
        tuple(sorted(draw(st.sets(IDS, min_size=1, max_size=30)))),
        draw(st.integers(0, 1 << 40)),
        draw(st.text("abcdefghijklmnopqrstuvwxyz0123456789.-", min_size=1, max_size=40)),
        draw(BODIES),
        tuple(contents),
    )


def by_the_rules(header: bytes) -> dict[str, Any]:
    """What a header says, with a decoder for the whole of it; `Malformed` when it breaks a rule."""
    fields = decode(header, MAX_HEADER)
    names = ("version", "council", "author", "depth", "deps", "time", "kind", "body", "contents")
    if type(fields) is not list or len(fields) != len(names):
        raise Malformed("header", "fields")
    said = dict(zip(names, fields, strict=True))

    def good(rule: str, holds: bool) -> None:
        if not holds:
            raise Malformed(rule, "no")

    def number(value: Any, low: int, high: int) -> bool:
        return type(value) is int and low <= value < high

    def id(value: Any) -> bool:
        return type(value) is bytes and len(value) == 32

    good("version", number(said["version"], VERSION, VERSION + 1))
    good("header", id(said["author"]) and number(said["depth"], 0, 1 << 64) and number(said["time"], 0, 1 << 63))
    deps = said["deps"]
    good("deps", type(deps) is list and len(deps) <= MAX_DEPS and all(map(id, deps)) and sorted(set(deps)) == deps)
    if deps:
        good("council", id(said["council"]) and said["depth"] > 0)
    else:
        good("deps", said["council"] == b"" and said["depth"] == 0)
    kind = said["kind"]
    letters = set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    good("kind", type(kind) is str and 1 <= len(kind) <= 64 and letters.issuperset(kind))
    good("body", type(said["body"]) is dict)
    contents = said["contents"]
    good("contents", type(contents) is list and len(contents) <= MAX_CONTENTS)
    for content in contents:
        good("contents", type(content) is list and len(content) == 3 and number(content[0], ATTACHMENT, PART + 1))
        good("contents", id(content[1]) and number(content[2], 0, 16 * 1024 * 1024 + 1))
    good("parts", sum(content[2] for content in contents if content[0] == PART) <= 128 * 1024)
    return said


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes changed, put in, left out or cut off, near the beginning of fields more often than not."""
    out = bytearray(data)
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(out) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                out[at] ^= 1 << draw(st.integers(0, 7))
            case 1:
                out[at] = draw(st.sampled_from([0, 0x18, 0x19, 0x58, 0x59, 0x78, 0x7F, 0x80, 0x82, 0xA0, 0xC1, 0xF6]))
            case 2:
                del out[at]
            case 3:
                out.insert(at, draw(st.integers(0, 255)))
            case _:
                out += draw(st.binary(min_size=1, max_size=3))
    return bytes(out)


@given(st.data(), drafts())
def test_a_header_is_read_as_a_decoder_of_the_whole_would(data: st.DataObject, draft: Draft) -> None:
    header = draft.header()
    if data.draw(st.booleans()):
        header = data.draw(damaged(header))
    try:
        said = by_the_rules(header)
    except Malformed:
        said = {}
    try:
        operation = decode_header(header, b"")
    except Malformed:
        assert not said
        return
    assert said
    assert recall_operation(header, b"") == operation
    assert operation.id == sha256(header).digest()
    assert operation.header == header
    assert said == {
        "version": VERSION,
        "council": operation.council,
        "author": operation.author,
        "depth": operation.depth,
        "deps": list(operation.deps),
        "time": operation.time,
        "kind": operation.kind,
        "body": operation.body,
        "contents": [[ref.sort, ref.hash, ref.size] for ref in operation.contents],
    }


@given(st.data(), drafts())
def test_an_envelope_has_one_form(data: st.DataObject, draft: Draft) -> None:
    whole = draft.signed(SEED).encode()
    assert decode_envelope(whole) == recall_envelope(whole)
    given = data.draw(damaged(whole))
    try:
        envelope = decode_envelope(given)
    except Malformed:
        return
    # What is accepted is canonical to the byte, as a whole and in its header.
    assert envelope.encode() == given
    header, signature, _ = decode(given, MAX_ENVELOPE)
    assert (envelope.operation.header, envelope.operation.signature) == (header, signature)
    assert encode(decode(header, MAX_HEADER)) == header
