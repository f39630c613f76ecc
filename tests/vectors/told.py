"""A council as a vector: every operation with its fate, and what the council is in the end."""

from collections.abc import Iterable
from typing import Any

from protocol.council.council import Council
from protocol.council.outcomes import Inserted, Known, Refused, Rival, Waiting
from protocol.log.operation import Envelope

__all__ = ["jsonable", "told"]


def jsonable(value: Any) -> Any:
    """A CBOR value as JSON: byte strings as `{"bytes": hex}`."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return value


def told(what: str, founding: Envelope, envelopes: Iterable[Envelope]) -> dict[str, Any]:
    """The vector of a council that is told of `envelopes` in this order. what: a sentence on it."""
    council = Council.found(founding)
    assert isinstance(council, Council)
    steps: list[dict[str, Any]] = [{"envelope": founding.encode().hex(), "outcome": "inserted", "epoch": 0}]
    steps += [_step(council, envelope) for envelope in envelopes]
    return {
        "what": what,
        "council": council.id.hex(),
        "steps": steps,
        "epochs": [
            {"number": link.number, "digest": link.digest.hex(), "effects": jsonable(list(link.effects))}
            for link in council.branch.links
        ],
        "kept": sorted(council.dag.ids[row].hex() for row in council.dag.kept_rows()),
        "heads": sorted(head.hex() for head in council.heads()),
        "state": jsonable(council.data()),
        "state_digest": council.digest().hex(),
    }


def _step(council: Council, envelope: Envelope) -> dict[str, Any]:
    outcome = council.insert(envelope)
    step: dict[str, Any] = {"envelope": envelope.encode().hex()}
    if isinstance(outcome, Inserted):
        step |= {"outcome": "inserted", "epoch": outcome.epoch, "kept": outcome.kept}
        why = council.without_effect.get(envelope.operation.id)
        if why is not None:
            step["without_effect"] = why.rule
    elif isinstance(outcome, Refused):
        step |= {"outcome": "refused", "rule": outcome.refusal.rule}
    else:
        names: dict[type, str] = {Waiting: "waiting", Known: "known", Rival: "rival"}
        step["outcome"] = names[type(outcome)]
    return step
