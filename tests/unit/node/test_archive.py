"""Exported logs: what is whole passes, what is cut, changed or reordered is found out."""

import io

import pytest

from node.archive import Head, check, pack, pack_content, pack_envelope, pack_head, pack_log
from protocol.codec import encode
from protocol.errors import Malformed
from protocol.log.operation import Content, Envelope
from tests.worlds import Person, World

ADA, BEN = Person("Ada"), Person("Ben")


def council() -> World:
    world = World()
    world.admit(BEN, ADA)
    world.proposal(ADA)
    return world


def head(world: World, **changes: object) -> bytes:
    said = {
        "format": "folkmoot log",
        "version": 1,
        "council": world.council.id,
        "operations": len(world.said),
        "state_digest": world.council.digest(),
    }
    return pack({**said, **changes})


def file(world: World, *, first: bytes | None = None) -> bytes:
    return (first or head(world)) + b"".join(pack_envelope(envelope) for envelope in world.said)


def test_a_whole_log_passes() -> None:
    world = council()
    found = check(io.BytesIO(file(world)))
    assert found.faults == []
    assert (found.council, found.operations, found.epochs) == (world.council.id, len(world.said), 1)
    assert found.state_digest == world.council.digest()
    made = Head(world.council.id, len(world.said), world.council.digest())
    assert pack_head(made) == head(world)
    assert b"".join(pack_log(made, ((envelope, ()) for envelope in world.said))) == file(world)


def test_attachments_may_be_missing_or_lie_beside() -> None:
    world = council()
    last = world.said[-1]
    bare = Envelope(last.operation, (None, last.contents[1]))
    before = b"".join(pack_envelope(envelope) for envelope in world.said[:-1])
    found = check(io.BytesIO(head(world) + before + pack_envelope(bare)))
    assert (found.faults, found.absent) == ([], 1)
    content = last.contents[0]
    assert content is not None
    beside = head(world) + before + pack_envelope(bare) + pack_content(0, content)
    found = check(io.BytesIO(beside))
    assert (found.faults, found.absent) == ([], 0)
    for wrong in (
        pack_content(0, Content(content.salt, content.data + b"!")),
        pack_content(1, content),
        pack_content(9, content),
        pack([0, 1, 2]),
        b"\x44\x83\x00\x18\x01",
    ):
        found = check(io.BytesIO(head(world) + before + pack_envelope(bare) + wrong))
        assert len(found.faults) == 1
    orphan = head(world) + pack_content(0, content) + before + pack_envelope(last)
    assert check(io.BytesIO(orphan)).faults == ["An attachment belongs to no operation."]


def test_every_cut_is_found() -> None:
    whole = file(council())
    for at in {0, 1, 2, 40, len(head(council())), len(whole) // 2, len(whole) - 1}:
        with pytest.raises(Malformed):
            check(io.BytesIO(whole[:at]))


def test_what_was_changed_is_found() -> None:
    world = council()
    parts = [pack_envelope(envelope) for envelope in world.said]
    for changed in (
        # A text, a signature, an order, another council's state, somebody else's operation.
        file(world).replace(b"Buy a stove.", b"Buy a stove!"),
        file(world).replace(world.said[-1].operation.signature, bytes(64)),
        head(world) + parts[0] + b"".join(reversed(parts[1:])),
        file(world, first=head(world, state_digest=bytes(32))),
        file(world, first=head(world, council=bytes(32))),
        head(world) + b"".join([*parts[:-1], pack_envelope(World(BEN).said[0])]),
    ):
        assert check(io.BytesIO(changed)).faults


def test_what_founds_nothing_is_said() -> None:
    world = council()
    later = world.said[1:]
    found = check(io.BytesIO(head(world, operations=len(later)) + b"".join(pack_envelope(one) for one in later)))
    assert "founds no council" in found.faults[0]
    assert found.state_digest == b""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "The file is empty"),
        (b"\xa0", "is no byte string"),
        (b"\x5f", "is no byte string"),
        (b"\x5a\xff\xff\xff\xff", "an item is too long"),
        (pack([1]), "This is not an exported log"),
        (pack({"format": "other"}), "This is not an exported log"),
        (pack({"format": "folkmoot log", "version": 2}), "another version"),
        (pack({"format": "folkmoot log", "version": 1, "council": 3}), "head of the exported log is damaged"),
        (b"\x41\xff", "its head is damaged"),
    ],
)
def test_other_files_are_told_apart(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        check(io.BytesIO(data))


def test_garbage_between_operations_is_a_fault() -> None:
    world = council()
    parts = [pack_envelope(envelope) for envelope in world.said]
    found = check(io.BytesIO(head(world, operations=len(parts) + 1) + parts[0] + encode(b"\x01") + b"".join(parts[1:])))
    assert found.faults == ["Operation 2 is damaged: the envelope is not a header, a signature and contents."]
    with pytest.raises(Malformed, match="an envelope is too long"):
        check(io.BytesIO(head(world) + encode(b"\x84" + bytes(300_000))))
