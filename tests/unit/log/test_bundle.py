"""Bundles: what is written is read, and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import encode
from protocol.errors import Malformed
from protocol.log.bundle import MAX_HEADS, Bundle, BundleHead, Larger, pack_content, pack_envelope, pack_head
from protocol.log.operation import Content, Envelope, split_inline
from tests.worlds import Person, World

ADA = Person("Ada")


def made() -> tuple[World, list[bytes]]:
    """A council, and the items of a bundle of it: large and small attachments, and parts."""
    world = World()
    admitted = world.admit(Person("Ben"), ADA)
    assert admitted in world.council.head.members
    for text in ("short", "long " * 20_000, ""):
        world.say(ADA, "comment.write", {"on": world.council.id, "text": 0}, (world.council.id,), texts=(text,))
    two = ("much " * 20_000, "more " * 30_000)
    world.say(ADA, "proposal.open", {"title": 0, "text": 1}, texts=two)
    return world, list(items(world))


def items(world: World) -> Iterator[bytes]:
    dag = world.council.dag
    by_id = {envelope.operation.id: envelope for envelope in world.said}
    rows = dag.kept_rows()
    yield pack_head(BundleHead(world.council.id, len(rows), tuple(world.council.heads())))
    for row in rows:
        envelope = by_id[dag.ids[row]]
        inline = split_inline(envelope.contents)
        yield pack_envelope(Envelope(envelope.operation, inline))
        for index, (content, travels) in enumerate(zip(envelope.contents, inline, strict=True)):
            if content is not None and travels is None:
                yield pack_content(index, content)


WORLD, ITEMS = made()
WHOLE = b"".join(ITEMS)


def read(data: bytes, size: int = 1 << 20) -> list[BundleHead | Envelope | Larger]:
    bundle = Bundle()
    out: list[BundleHead | Envelope | Larger] = []
    for at in range(0, len(data), size):
        out += bundle.feed(data[at : at + size])
    bundle.finish()
    return out


def test_what_is_written_is_read() -> None:
    head, *rest = read(WHOLE)
    dag = WORLD.council.dag
    assert head == BundleHead(WORLD.council.id, len(WORLD.said), tuple(sorted(WORLD.council.heads())))
    assert [one.operation.id for one in rest if isinstance(one, Envelope)] == [dag.ids[row] for row in dag.kept_rows()]
    larger = [one for one in rest if isinstance(one, Larger)]
    assert [(one.index, len(one.content.data)) for one in larger] == [(0, 100_000), (0, 100_000), (1, 150_000)]


@given(st.integers(1, 3000))
def test_in_pieces_of_any_size(size: int) -> None:
    small = b"".join(item for item in ITEMS[:4])
    bundle, whole = Bundle(), Bundle()
    found = [one for at in range(0, len(small), size) for one in bundle.feed(small[at : at + size])]
    assert found == list(whole.feed(small))


def test_items_of_every_length_of_length() -> None:
    """Byte strings of up to 23, of 24 to 255, to 65535 and more bytes have lengths of different sizes."""
    heads = {item[0] for item in ITEMS}
    assert {0x58, 0x59, 0x5A} <= heads


@pytest.mark.parametrize("size", [0, 1, 2, 40, len(ITEMS[0]), len(WHOLE) // 2, len(WHOLE) - 1])
def test_a_file_that_was_cut_off_is_refused(size: int) -> None:
    with pytest.raises(Malformed) as refused:
        read(WHOLE[:size])
    assert refused.value.rule == "bundle-cut"


def rule_of(data: bytes) -> str:
    with pytest.raises(Malformed) as refused:
        read(data)
    return refused.value.rule


HEAD = {
    "format": "folkmoot bundle",
    "version": 1,
    "council": WORLD.council.id,
    "operations": len(WORLD.said),
    "heads": sorted(WORLD.council.heads()),
}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"format": "folkmoot log"}, "bundle"),
        ({"version": 2}, "bundle-version"),
        ({"version": True}, "bundle-version"),
        ({"council": b"short"}, "bundle-damaged"),
        ({"council": "text"}, "bundle-damaged"),
        ({"operations": -1}, "bundle-damaged"),
        ({"operations": 1 << 33}, "bundle-damaged"),
        ({"operations": True}, "bundle-damaged"),
        ({"heads": None}, "bundle-damaged"),
        ({"heads": [b"short"]}, "bundle-damaged"),
        ({"heads": [bytes(32), bytes(32)]}, "bundle-damaged"),
        ({"heads": [n.to_bytes(32, "big") for n in range(MAX_HEADS + 1)]}, "bundle-damaged"),
        ({"more": 1}, "bundle-damaged"),
        ({"operations": len(WORLD.said) - 1}, "bundle-damaged"),
        ({"operations": len(WORLD.said) + 1}, "bundle-cut"),
        ({"council": bytes(32)}, "bundle-council"),
    ],
)
def test_another_head_is_refused(change: dict[str, Any], rule: str) -> None:
    head = encode(encode({**HEAD, **change}))
    assert rule_of(head + b"".join(ITEMS[1:])) == rule


@pytest.mark.parametrize(
    "data",
    [
        b"hello, this is a letter",
        encode(b"\xa0\xa0"),
        encode(encode([1, 2])),
        b"\x5b" + (1 << 20).to_bytes(8, "big"),
        b"\x58\x05hello",
        b"\x59\x00\x05hello",
        b"\x5a\x00\x00\x00\x05hello",
        encode(bytes(70_000)),
    ],
)
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    assert rule_of(data) in ("bundle", "bundle-damaged")


def at_large() -> int:
    """The place of the first attachment that lies beside its envelope."""
    return next(place for place, item in enumerate(ITEMS) if len(item) > 90_000)


def without_last() -> list[bytes]:
    return ITEMS[:-2]


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ([ITEMS[0], ITEMS[2], ITEMS[1], *ITEMS[3:]], "bundle-damaged"),
        ([*ITEMS[:2], ITEMS[1], *ITEMS[2:]], "bundle-damaged"),
        ([ITEMS[0], ITEMS[at_large()], *ITEMS[1:]], "bundle-damaged"),
        ([*ITEMS, ITEMS[-1]], "bundle-damaged"),
        ([*ITEMS[:-2], ITEMS[-1], ITEMS[-2]], "bundle-damaged"),
        ([*ITEMS, encode(encode([5, bytes(16), b""]))], "bundle-damaged"),
        ([*ITEMS[:2], encode(encode([0, bytes(16), b""])), *ITEMS[2:]], "bundle-damaged"),
        ([*without_last(), encode(encode([0, "salt", b""]))], "bundle-damaged"),
        ([*without_last(), encode(encode([0, bytes(16), "text"]))], "bundle-damaged"),
        ([*without_last(), encode(encode([0, bytes(16), b"other"]))], "content-hash"),
        ([*without_last(), encode(b"\x83")], "cbor"),
        ([*ITEMS, encode(b"\x83" + b"\x58\x20" + bytes(230_000))], "bundle-damaged"),
        ([*ITEMS, b"\x80"], "bundle-damaged"),
        ([*ITEMS, b"\x5a" + ((1 << 24) + 65).to_bytes(4, "big")], "bundle-damaged"),
    ],
)
def test_what_does_not_belong_there_is_refused(changed: list[bytes], rule: str) -> None:
    assert rule_of(b"".join(changed)) == rule


def test_a_flipped_byte_in_an_attachment_is_found() -> None:
    place = at_large()
    item = ITEMS[place]
    wrong = item[:-1] + bytes((item[-1] ^ 1,))
    assert rule_of(b"".join([*ITEMS[:place], wrong, *ITEMS[place + 1 :]])) == "content-hash"


def test_a_part_never_lies_beside_its_operation() -> None:
    """A part always travels in the envelope; given once more it is refused."""
    epoch = next(e for e in WORLD.said if e.operation.kind == "council.epoch")
    place = next(n for n, item in enumerate(ITEMS) if item == pack_envelope(epoch))
    part = epoch.parts()[0]
    assert rule_of(b"".join([*ITEMS[: place + 1], pack_content(0, Content(b"", part)), *ITEMS[place + 1 :]])) == (
        "bundle-damaged"
    )


def test_of_very_many_heads_some_are_named() -> None:
    ids = tuple(n.to_bytes(32, "big") for n in range(MAX_HEADS + 5))
    (head,) = Bundle().feed(pack_head(BundleHead(bytes(32), 0, ids)))
    assert isinstance(head, BundleHead)
    assert head.heads == ids[:MAX_HEADS]
