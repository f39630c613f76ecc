"""What came of a ballot: the canonical record that the tellers sign, and what follows from it."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from ..codec import encode
from ..counting.plain import Plain
from ..counting.ties import lot_seed
from ..errors import Refusal
from ..ids import Membership, digest
from ..tellers.close import Cast, Close, Counted, Extended, Lapsed
from ..tellers.question import adopted, tally
from .bodies import Effect
from .charter import MAJORITY
from .motions import MATTER
from .roll import roll_digest
from .terms import Terms, keys_digest, read_effect

__all__ = ["decision_message", "decision_record", "due_effect"]

_IN_FAVOUR: Final = ("yes", "agree")


def decision_message(record: bytes, round: int) -> bytes:
    """What a teller signs (DECISION): the digest of a decision's record, and the round."""
    return encode([digest(record), round])


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
    if not terms.charter.ballots.quorum.met(len(casts), len(terms.roll)):
        return encode({**fields, "outcome": "no quorum"})
    seed = lot_seed(terms.id, instance, [close.nonce for close in closes])
    return encode({**fields, "outcome": "decided", **_results(terms, casts, seed)})


def _results(terms: Terms, casts: list[Cast], seed: bytes) -> dict[str, Any]:
    """The result, and for weighted votes the equal one beside it."""
    question, people = terms.body.question, len(terms.roll)
    equal = tally(question, [(1, cast.choice) for cast in casts], people, people, seed)
    if not terms.weights:
        return {"result": _or_refusal(equal)}
    roll = sum((terms.weight(voter) for voter in terms.roll), Fraction(0))
    votes = [(terms.weight(Membership(cast.voter)), cast.choice) for cast in casts]
    return {"result": _or_refusal(tally(question, votes, roll, people, seed)), "equal": _or_refusal(equal)}


def _or_refusal(result: dict[str, Plain] | Refusal) -> dict[str, Any]:
    if isinstance(result, Refusal):
        return {"elected": [], "refused": result.rule}
    return result


def due_effect(terms: Terms, record: dict[str, Any], casts: list[Cast]) -> Effect | None:
    """What a decision makes due, or None. record: its fields; casts: those that count.

    It must be adopted, and with equal votes too if they weigh differently: weights are the
    opener's to state. What changes charter, tellers or whose membership goes on needs the
    charter's threshold over the whole pinned roll, however few voted; admissions too where
    one teller could lie.
    """
    results = [record[name] for name in ("result", "equal") if name in record]
    if terms.body.effect is None or not results or not all(adopted(result) for result in results):
        return None
    effect = read_effect(terms.body.effect)
    matter = MATTER[type(effect)]
    if matter in MAJORITY or (matter == "admission" and terms.profile.f == 0):
        yes = sum(1 for cast in casts if cast.choice in _IN_FAVOUR)
        if not terms.charter.thresholds[matter].met(yes, len(terms.roll)):
            return None
    return effect
