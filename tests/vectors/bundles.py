"""Test vectors of bundles: files, what is read from them, and files that must be refused."""

from typing import Any

from node.bundles import Have, slip_text
from protocol.codec import encode
from protocol.errors import Malformed
from protocol.log.bundle import Bundle, BundleHead, Larger, pack_content, pack_envelope, pack_head
from protocol.log.operation import Content, Envelope
from tests.worlds import Person, World, seed

__all__ = ["bundles"]


def bundles() -> dict[str, Any]:
    """A small council's log as a bundle, and one with an attachment beside its envelope."""
    ada = Person("Ada")
    world = World()
    text = Content(seed("salt")[:16], b"Buy a stove.")
    envelope = world.draft(
        ada.device_seed(), "comment.write", {"on": world.council.id, "text": 0}, (world.council.id,), contents=(text,)
    )
    world.insert(envelope)
    items = [pack_head(BundleHead(world.council.id, 2, tuple(world.council.heads())))]
    for said in world.said:
        # An attachment that could travel in its envelope may lie beside it too; larger ones must.
        items.append(pack_envelope(Envelope(said.operation, (None,) * len(said.contents))))
    large = [*items, pack_content(0, text)]
    head = {"format": "folkmoot bundle", "version": 1, "council": world.council.id, "operations": 2, "heads": world.council.heads()}  # fmt: skip
    refused = [
        ("another version", [_item({**head, "version": 2}), *items[1:]]),
        ("a field too many", [_item({**head, "more": 1}), *items[1:]]),
        ("a head that is no id", [_item({**head, "heads": [b"x"]}), *items[1:]]),
        ("another council", [_item({**head, "council": bytes(32)}), *items[1:]]),
        ("out of order", [items[0], items[2], items[1]]),
        ("an operation twice", [*items[:2], items[1]]),
        ("cut off", items[:2]),
        ("an operation too many", [_item({**head, "operations": 1}), *items[1:]]),
        ("an attachment of nothing", [items[0], pack_content(0, text)]),
        ("another attachment", [*items, pack_content(0, Content(text.salt, b"Buy two."))]),
        ("an attachment twice", [*items, pack_content(0, text), pack_content(0, text)]),
        ("an index that its operation does not have", [*items, pack_content(1, text)]),
        ("a length that is not in its shortest form", [*items, b"\x58\x01\x80"]),
        ("no byte string", [*items, b"\x80"]),
    ]
    return {
        "what": "Bundles (chapter 12): files and the ids of the operations read from them, the index and hash of each attachment beside "
        "its envelope, a slip, what a node has; and files that must be refused, with this program's name for why.",
        "files": [_read(b"".join(items)), _read(b"".join(large))],
        "slip": slip_text(b"".join(items[:2])),
        "have": {
            "council": world.council.id.hex(),
            "heads": [id.hex() for id in world.council.heads()],
            "text": Have.of(world.council).text(),
        },
        "refused": [
            {"why": why, "data": b"".join(given).hex(), "rule": _rule(b"".join(given))} for why, given in refused
        ],
    }


def _item(value: dict[str, Any]) -> bytes:
    return encode(encode(value))


def _read(data: bytes) -> dict[str, Any]:
    bundle = Bundle()
    found = list(bundle.feed(data))
    bundle.finish()
    assert bundle.head is not None
    return {
        "data": data.hex(),
        "council": bundle.head.council.hex(),
        "heads": [id.hex() for id in bundle.head.heads],
        "operations": [one.operation.id.hex() for one in found if isinstance(one, Envelope)],
        "beside": [
            {"operation": one.operation.hex(), "index": one.index, "hash": one.content.reference().hash.hex()}
            for one in found
            if isinstance(one, Larger)
        ],
    }


def _rule(data: bytes) -> str:
    try:
        bundle = Bundle()
        for _ in bundle.feed(data):
            pass
        bundle.finish()
    except Malformed as error:
        return error.rule
    raise AssertionError("a bundle that must be refused was read")
