"""Bundles: what of a council goes into a file, and the two short texts that go with it.

`Have` says what a node holds, so that another writes only what it lacks; a slip is a small bundle
as a text, for a QR code or to be read out. Whoever has a bundle can read what is in it, so a node
writes one for its own people alone, and they decide whom they hand it to.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from node.refused import Refused
from node.service import Service
from protocol.codec import decode, encode
from protocol.council.council import Council
from protocol.errors import Malformed
from protocol.ids import b58decode, b58encode
from protocol.log.bundle import BundleHead, pack_content, pack_envelope, pack_head
from protocol.log.operation import ATTACHMENT

__all__ = ["BATCH", "MAX_SLIP", "SLIP", "Have", "lacking", "pieces", "slip_bytes", "slip_text", "with_own_words"]

_CHECKSUM: Final = 4
_HAVE: Final = "moothave1"
SLIP: Final = "mootslip1"
"""How a slip begins."""
MAX_SLIP: Final = 2000
"""Bytes of a bundle that still go into one QR code as a text."""
BATCH: Final = 512 * 1024
"""Bytes of envelopes after which a batch that is handed in ends; so one is at most that and an envelope longer."""
_MOST_NAMED: Final = 16
_MOST_OWN: Final = 256


@dataclass(frozen=True, slots=True)
class Have:
    """The deepest heads of what a node holds of a council; ids of 32 bytes."""

    council: bytes
    heads: tuple[bytes, ...]

    def text(self) -> str:
        """As a text to copy, `moothave1...`."""
        return _text(_HAVE, encode([self.council, list(self.heads)]))

    @classmethod
    def of(cls, council: Council) -> "Have":
        """What is here. Of very many heads some: then a little more is written than is lacked."""
        dag = council.dag
        heads = sorted(council.heads(), key=lambda id: (-dag.depth[dag.rows[id]], id))
        return cls(council.id, tuple(heads[:_MOST_NAMED]))

    @classmethod
    def parse(cls, text: str) -> "Have":
        """Read the text; `Malformed` when it is none, or was mistyped."""
        value = decode(_data(_HAVE, text, "a text of 'moot bundle have'"), 4096)
        if type(value) is not list or len(value) != 2 or type(value[1]) is not list:
            raise Malformed("have", "The text does not say what a node has; ask for it anew.")
        if any(type(id) is not bytes or len(id) != 32 for id in [value[0], *value[1]]):
            raise Malformed("have", "The text does not say what a node has; ask for it anew.")
        return cls(value[0], tuple(value[1]))


def lacking(council: Council, have: Iterable[bytes]) -> list[bytes]:
    """What somebody who holds `have`, and all that it builds on, lacks; in `(depth, id)` order."""
    dag = council.dag
    todo = [row for row in map(dag.rows.get, have) if row is not None]
    known = set(todo)
    while todo:
        for dep in dag.deps(todo.pop()):
            if dep not in known:
                known.add(dep)
                todo.append(dep)
    return [dag.ids[row] for row in dag.kept_rows() if row not in known]


def with_own_words(
    service: Service, council: Council, operations: Iterable[bytes], *, alone: bool = False
) -> list[bytes]:
    """Operations, and unless `alone` what the same authors said right before them, which others may lack as well."""
    dag = council.dag
    chosen: dict[int, None] = {}
    todo = [dag.rows[id] for id in operations if id in council]
    while todo and len(chosen) < _MOST_OWN:
        row = todo.pop()
        if row in chosen:
            continue
        chosen[row] = None
        envelope = service.envelope(council.id, dag.ids[row])
        assert envelope is not None  # it is in the log
        for dep in () if alone else dag.deps(row):
            said = service.envelope(council.id, dag.ids[dep])
            if said is not None and said.operation.author == envelope.operation.author:
                todo.append(dep)
    return [dag.ids[row] for row in sorted(chosen, key=lambda row: (dag.depth[row], dag.ids[row]))]


def pieces(service: Service, council: Council, operations: list[bytes]) -> Iterator[bytes]:
    """The items of a bundle with these operations, in `(depth, id)` order, one by one."""
    yield pack_head(BundleHead(council.id, len(operations), tuple(council.heads())))
    for id in operations:
        envelope = service.envelope(council.id, id) if id in council else None
        if envelope is None:
            raise Refused("bundle-changed", "The log changed while the bundle was written; write it again.")
        yield pack_envelope(envelope)
        for index, (reference, content) in enumerate(zip(envelope.operation.contents, envelope.contents, strict=True)):
            if reference.sort == ATTACHMENT and content is None:
                larger = service.content(council.id, id, index)
                if larger is not None:
                    yield pack_content(index, larger)


def slip_text(bundle: bytes) -> str:
    """A small bundle as a text, `mootslip1...`."""
    return _text(SLIP, bundle)


def slip_bytes(text: str) -> bytes:
    """The bundle in a slip; `Malformed` when it was mistyped."""
    return _data(SLIP, text, "a slip")


def _text(head: str, data: bytes) -> str:
    return head + b58encode(data + _check(head, data))


def _data(head: str, text: str, what: str) -> bytes:
    compact = "".join(text.split())
    if not compact.startswith(head):
        raise Malformed("slip", f"This is not {what}: that starts with '{head}'.")
    if len(compact) > 2 * MAX_SLIP:
        raise Malformed("slip", f"This is far too long to be {what}.")
    whole = b58decode(compact[len(head) :])
    data, check = whole[:-_CHECKSUM], whole[-_CHECKSUM:]
    if _check(head, data) != check:
        raise Malformed("slip-checksum", "There is a typing error in it; copy it again, whole.")
    return data


def _check(head: str, data: bytes) -> bytes:
    return sha256(head.encode() + data).digest()[:_CHECKSUM]
