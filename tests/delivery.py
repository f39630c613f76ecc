"""Telling councils of operations, in any order, and what must be the same afterwards."""

from collections.abc import Iterable, Sequence
from typing import Any

from protocol.council.council import Council
from protocol.council.outcomes import Known, Outcome, Waiting
from protocol.log.operation import Envelope

__all__ = ["closure", "deliver", "meet", "portrait"]


def deliver(council: Council, envelopes: Iterable[Envelope], *, verified: bool = True) -> dict[bytes, Outcome]:
    """Insert in this order, and again what waited, until nothing moves; the last outcome of each."""
    outcomes: dict[bytes, Outcome] = {}
    todo = list(envelopes)
    moving = True
    while todo and moving:
        rest = []
        for envelope in todo:
            outcome = council.insert(envelope, verified=verified)
            if isinstance(outcome, Waiting):
                rest.append(envelope)
            if not isinstance(outcome, Known):
                outcomes[envelope.operation.id] = outcome
        moving = len(rest) < len(todo)
        todo = rest
    return outcomes


def meet(founding: Envelope, envelopes: Iterable[Envelope] = (), *, verified: bool = True) -> Council:
    """A council new to this founding operation, that was told of these."""
    council = Council.found(founding)
    assert isinstance(council, Council)
    deliver(council, envelopes, verified=verified)
    return council


def closure(envelopes: Sequence[Envelope], tips: Iterable[bytes]) -> list[Envelope]:
    """What among `envelopes` the tips are, and build on."""
    known: dict[bytes, Envelope] = {envelope.operation.id: envelope for envelope in envelopes}
    seen: set[bytes] = set()
    todo = list(tips)
    while todo:
        tip = todo.pop()
        if tip in known and tip not in seen:
            seen.add(tip)
            todo.extend(known[tip].operation.deps)
    return [envelope for envelope in envelopes if envelope.operation.id in seen]


def portrait(council: Council) -> dict[str, Any]:
    """All that must be the same wherever the same operations came together."""
    dag = council.dag
    rows = dag.kept_rows()
    kept = [dag.ids[row] for row in rows]
    return {
        "order": [(dag.depth[row], dag.ids[row]) for row in rows],
        "epochs": [dag.epoch[row] for row in rows],
        "absorbed": [dag.absorbed[row] for row in rows],
        "items": list(council.items),
        "fingerprint": council.items.fingerprint(0, len(council.items)),
        "heads": council.heads(),
        "draft": council.draft(),
        "links": council.branch.links,
        "head": council.head,
        "pending": council.pending(),
        "settled": council.settled,
        "motions": sorted(council.motions),
        "proposals": council.talk.data(),
        "without effect": {id: council.without_effect[id] for id in kept if id in council.without_effect},
        "whose": [council.membership_of(id) for id in kept],
        "erased": [council.erased(id) for id in kept],
        "digest": council.digest(),
    }
