"""Which branch of a council this node follows, where a person has chosen one by hand.

A node never leaves a branch by itself. A choice is noted at once and takes effect when the node
starts next, so that no part of it ever sees a council change under its hands. What belongs to
the branch that was left is put beside the log, with its texts; nothing is thrown away.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from node.refused import Refused
from node.shelf import Shelf
from node.store import Batch, SavedOperation, Store
from protocol.council import outcomes
from protocol.council.branch import read_claim
from protocol.errors import Malformed
from protocol.log.operation import Envelope, decode_envelope

__all__ = ["choices", "choose", "set_aside", "take_up"]

_FACT: Final = "branches "


def choices(store: Store, council: bytes) -> dict[int, bytes]:
    """Epoch number -> digest of the record that a person chose for it."""
    noted = store.fact(_FACT + council.hex())
    return {} if noted is None else msgspec.msgpack.decode(noted, type=dict[int, bytes])


def choose(store: Store, council: bytes, rivals: Iterable[tuple[bytes, bytes]], digest: bytes) -> int:
    """Note that the branch with this rival epoch is to be followed; gives the epoch's number.

    rivals: `(id, envelope)` of what was put beside the log. `Refused` when no such epoch is among it.
    """
    for _, raw in rivals:
        envelope = decode_envelope(raw)
        if envelope.operation.kind != "council.epoch":
            continue
        number = int(envelope.operation.body["number"])
        if read_claim(number, envelope.parts()[0], 0, []).digest == digest:
            # What was chosen for later numbers belongs to the branch that is left.
            earlier = {n: kept for n, kept in choices(store, council).items() if n < number}
            store.note(_FACT + council.hex(), msgspec.msgpack.encode({**earlier, number: digest}))
            return number
    raise Refused("unknown-branch", "No such epoch was seen here; 'moot council branch' shows those that were.")


def set_aside(shelf: Shelf, others: Iterable[SavedOperation], store: Store) -> None:
    """Move saved operations that do not belong to the chosen branch beside the log."""
    batch = Batch()
    for saved in others:
        bare = decode_envelope(saved.raw)
        small = store.small_contents_of([saved.row]).get(saved.row, {})
        whole = Envelope(bare.operation, tuple(small.get(at, content) for at, content in enumerate(bare.contents)))
        batch.rivals.append((shelf.number, saved.id, whole.encode()))
        batch.dropped.append(saved.row)
    if batch:
        store.save(batch)


def take_up(shelf: Shelf, store: Store) -> None:
    """Bring in what lies beside the log and belongs to the chosen branch; a sync brings the rest of it."""
    batch = Batch()
    beside: Mapping[bytes, Envelope] = {id: decode_envelope(raw) for id, raw in store.rivals(shelf.number)}
    for envelope in sorted(beside.values(), key=lambda one: (one.operation.depth, one.operation.id)):
        try:
            outcome = shelf.council.insert(envelope)
        except Malformed:
            continue  # it stays what it was: evidence
        if isinstance(outcome, outcomes.Inserted):
            shelf.keep(envelope, envelope.encode(), outcome.row, batch)
            shelf.obey(outcome.events, batch)
    if batch:
        store.save(batch)
