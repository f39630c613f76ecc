"""Good inputs to begin with: from the test vectors, and from a small council with real keys."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from protocol.log.operation import Envelope, split_inline
from tests.worlds import Person, World

__all__ = ["ADA", "BEN", "CLEO", "VECTORS", "council", "envelopes", "found", "said"]

VECTORS = Path(__file__).parents[1] / "vectors"
ADA, BEN, CLEO = Person("Ada"), Person("Ben"), Person("Cleo")


def found(name: str, *fields: str) -> list[bytes]:
    """Every byte string that stands in a file of vectors under one of these names."""
    out: dict[bytes, None] = {}
    todo: list[Any] = [json.loads((VECTORS / f"{name}.json").read_text())]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        elif isinstance(value, dict):
            todo += value.values()
            for field in fields:
                if isinstance(value.get(field), str):
                    out[bytes.fromhex(value[field])] = None
    return sorted(out, key=len)


@cache
def envelopes() -> list[bytes]:
    """Envelopes of every kind that there are vectors of."""
    out: dict[bytes, None] = {}
    for name in (
        "operations",
        *sorted(path.stem for sort in ("council*", "federation*") for path in VECTORS.glob(f"{sort}.json")),
    ):
        out |= dict.fromkeys(found(name, "envelope")[::4])
    return list(out)


def council() -> World:
    """Ada's council with Ben, in which something was said and is to be decided."""
    world = World(founder=ADA)
    world.admit(BEN, ADA)
    proposal = world.proposal(ADA)
    world.say(BEN, "comment.write", {"on": proposal, "text": 0}, (proposal,), texts=("Which stove?",))
    motion = world.move(ADA, {"kind": "adopt", "proposal": proposal, "version": proposal}, (proposal,))
    world.assent(BEN, motion)
    return world


def said(world: World) -> list[bytes]:
    """All of it, as it travels."""
    return [Envelope(one.operation, split_inline(one.contents)).encode() for one in world.said]
