"""What came of a ballot: the canonical record that the tellers sign, and what follows from it."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, Final, Literal

import msgspec

from ..codec import decode, encode
from ..counting.plain import Plain
from ..counting.ties import lot_seed
from ..errors import Malformed, Refusal
from ..ids import Membership, digest
from ..log.operation import MAX_PARTS
from ..tellers.close import Cast, Close, Counted, Extended, Lapsed
from ..tellers.question import adopted, tally
from .bodies import Effect, Elect, Office
from .body import Bytes32, Time
from .charter import MAJORITY
from .motions import MATTER
from .roll import roll_digest
from .seat_bodies import MAX_DELEGATES, ElectDelegates, Mandated
from .standpoints import votes_of
from .terms import Terms, keys_digest, read_effect

__all__ = ["carried", "decision_message", "decision_record", "due_effect", "read_decision"]

Number = Annotated[int, msgspec.Meta(ge=0)]
_IN_FAVOUR: Final = ("yes", "agree")


def decision_message(record: bytes, round: int) -> bytes:
    """What a teller signs (DECISION): the digest of a decision's record, and the round."""
    return encode([digest(record), round])


class _Result(msgspec.Struct, frozen=True):
    """As much of a result as its readers count on; the rest is the rule's own."""

    elected: list[int]


class _InClass(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A class: its name, its people, how many of them voted, and its own result."""

    name: str
    people: Number
    voted: Number
    result: _Result


class _Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    version: Literal[1]
    council: Bytes32
    epoch: Number
    epoch_digest: Bytes32
    charter: Bytes32
    tellers: Bytes32
    roll: Bytes32
    people: Number
    ballot: Bytes32
    instance: Number
    value: Bytes32
    counted: Bytes32
    voted: Number
    outcome: Literal["decided", "no quorum", "lapsed", "extended"]
    deadline: Time | None = None
    result: _Result | None = None
    equal: _Result | None = None
    classes: list[_InClass] | None = None


def read_decision(record: bytes) -> dict[str, Any]:
    """The fields of a decision's record; `Malformed` when it is none."""
    value = decode(record, MAX_PARTS)
    try:
        fields = msgspec.convert(value, _Fields, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise Malformed("decision-record", f"this is not the record of a decision: {error}.") from error
    if (fields.outcome == "decided") is (fields.result is None):
        raise Malformed("decision-record", "the record of a decision has a result if, and only if, it is decided.")
    assert isinstance(value, dict)
    return value


def decision_record(
    terms: Terms,
    instance: int,
    value: bytes,
    closes: Sequence[Close],
    what: Extended | Lapsed | Counted,
    casts: list[Cast],
) -> bytes:
    """The canonical record: the same bytes wherever the same value is counted.

    closes: those that the value stands for. casts: the one that counts for each voter.
    """
    fields: dict[str, Any] = {
        "version": 1,
        "council": terms.council,
        "epoch": terms.epoch,
        "epoch_digest": terms.body.epoch,
        "charter": terms.charter.digest(),
        "tellers": keys_digest(terms.charter.tellers, terms.tellers),
        "roll": roll_digest(terms.roll),
        "people": len(terms.roll),
        "ballot": terms.id,
        "instance": instance,
        "value": value,
        "counted": digest(encode([[cast.id, cast.voter, cast.revision] for cast in casts])),
        "voted": len(casts),
    }
    if isinstance(what, Extended):
        return encode({**fields, "outcome": "extended", "deadline": what.deadline})
    if isinstance(what, Lapsed):
        return encode({**fields, "outcome": "lapsed"})
    if not terms.drawn and not terms.charter.ballots.quorum.met(len(casts), len(terms.roll)):
        return encode({**fields, "outcome": "no quorum"})
    seed = lot_seed(terms.id, instance, [close.nonce for close in closes])
    return encode({**fields, "outcome": "decided", **_results(terms, casts, seed)})


def _results(terms: Terms, casts: list[Cast], seed: bytes) -> dict[str, Any]:
    """The result; beside it for weighted votes the equal one, and where each class has a say its own."""
    question, people = terms.body.question, len(terms.roll)
    even = [vote for cast in casts for vote in votes_of(cast, 1)]
    equal = tally(question, even, people, max(people, len(even)), seed)
    if terms.each:
        return {"result": _or_refusal(equal), "classes": _in_classes(terms, casts, seed)}
    if not terms.weights or terms.drawn:
        return {"result": _or_refusal(equal)}
    roll = sum((terms.weight(voter) for voter in terms.roll), Fraction(0))
    votes = [vote for cast in casts for vote in votes_of(cast, terms.weight(Membership(cast.voter)))]
    people = max(people, len(votes))  # a split seat votes more than once, with one weight
    return {"result": _or_refusal(tally(question, votes, roll, people, seed)), "equal": _or_refusal(equal)}


def _in_classes(terms: Terms, casts: list[Cast], seed: bytes) -> list[Any]:
    out: list[Any] = []
    for name, members in terms.division.items():
        mine = [cast for cast in casts if cast.voter in members]
        votes = [vote for cast in mine for vote in votes_of(cast, 1)]
        result = tally(terms.body.question, votes, len(members), max(len(members), len(votes)), seed)
        out.append([name, len(members), len(mine), _or_refusal(result)])
    return out


def carried(record: dict[str, Any]) -> bool:
    """Whether a decision's record (its fields) elects anything, or adopts: in every class, where each has a say."""
    if "result" not in record:
        return False
    return adopted(record["result"]) and all(adopted(result) for *_, result in record.get("classes", ()))


def _or_refusal(result: dict[str, Plain] | Refusal) -> dict[str, Any]:
    if isinstance(result, Refusal):
        return {"elected": [], "refused": result.rule}
    return result


def due_effect(terms: Terms, record: dict[str, Any], casts: list[Cast]) -> Effect | None:
    """What a decision makes due, or None. record: its fields; casts: those that count.

    It must be adopted, with equal votes too where the opener says what votes weigh: else she
    would decide. What changes charter, tellers or whose membership goes on needs the charter's
    threshold over the whole pinned roll, however few voted; admissions too where one teller
    could lie. Who is elected holds the office.
    """
    effect = None if terms.body.effect is None else read_effect(terms.body.effect)
    if effect is None or not carried(record):
        return None
    beside = record["equal"] if terms.stated else record["result"]
    if isinstance(effect, ElectDelegates):
        # Their order is who speaks and who steps in: with one vote a person it has to be the same.
        if beside["elected"] != record["result"]["elected"]:
            return None
        elected = [effect.candidates[option] for option in record["result"]["elected"]]
        delegates = [one for one in elected if one is not None][:MAX_DELEGATES]
        return Mandated(effect.parent, delegates, effect.since, effect.until) if delegates else None
    if isinstance(effect, Elect):
        if sorted(beside["elected"]) != sorted(record["result"]["elected"]):
            return None
        named = [effect.candidates[option] for option in record["result"]["elected"]]
        chosen = [membership for membership in named if membership is not None]
        return Office(effect.office, chosen) if chosen else None
    if not adopted(beside):
        return None
    matter = MATTER[type(effect)]
    if matter in MAJORITY or (matter == "admission" and terms.profile.f == 0):
        yes = sum(1 for cast in casts if cast.choice in _IN_FAVOUR)
        if not terms.charter.thresholds[matter].met(yes, len(terms.roll)):
            return None
    return effect
