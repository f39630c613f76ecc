"""Motions as the API shows them: what they would do, who assented, how they stand."""

from node.api.answers import Assent, MotionAnswer
from node.api.effects import effect_data, motion_words
from node.api.names import Names
from node.api.texts import text
from node.service import Service
from protocol.council.bodies import Effect, Move
from protocol.council.council import Council
from protocol.council.epochs import Fact
from protocol.council.motions import FORMING, MATTER
from protocol.ids import operation_text

__all__ = ["motion", "motions"]


def motions(service: Service, council: Council) -> list[MotionAnswer]:
    """Every motion: open ones first, then by the movers' clocks, the latest first."""
    names = Names(service, council)
    answers = [motion(service, council, names, fact) for fact in council.motions.values()]
    return sorted(answers, key=lambda answer: (answer.state != "open", -answer.time, answer.motion))


def motion(service: Service, council: Council, names: Names, fact: Fact) -> MotionAnswer:
    """One motion."""
    body = fact.body
    assert isinstance(body, Move)
    effect: Effect = body.effect
    pending = council.pending().motions.get(fact.id)
    settled = council.settled.get(fact.id)
    kind = str(effect.data()["kind"])
    if pending is not None:
        count = council.count(pending)
        counted, yes, of, needed, met = set(count.assents), len(count.yes), count.of, count.needed, count.met
        everyone = list(pending.assents)
    else:
        done = () if settled is None else settled[1].get("assents", ())
        everyone = list(done)
        counted, yes, of, needed, met = set(done), len(done), len(done), len(done), bool(done)
    lapsed = settled is not None and settled[1]["kind"] == "lapse"
    before = None if settled is None or lapsed else settled[0] - 1
    charter = council.charter if before is None else council.charters[before]
    threshold = charter.thresholds[MATTER[type(effect)]]
    return MotionAnswer(
        motion=operation_text(fact.id),
        council=operation_text(council.id),
        kind=kind,
        words=motion_words(service, council, names, effect, None if before is None else council.charters[before]),
        effect=effect_data(effect.data()),
        mover=names.person(fact.membership),
        time=fact.time,
        reason=text(service, council, fact.id, body.reason),
        threshold=threshold.words(),
        yes=yes,
        of=of,
        needed=needed,
        met=met,
        waits=_waits(council, effect) if met and settled is None else None,
        state="open" if settled is None else "lapsed" if lapsed else "effective",
        epoch=None if settled is None else settled[0],
        why=str(settled[1]["why"]) if settled is not None and lapsed else None,
        assents=[_assent(service, council, names, id, id in counted) for id in everyone],
    )


def _waits(council: Council, effect: Effect) -> str | None:
    """Why a motion to which enough members assent is not in effect with the next epoch."""
    if council.head.forming and not isinstance(effect, FORMING):
        return f"the council is forming, and decides this from {council.charter.size.min} members on"
    return None


def _assent(service: Service, council: Council, names: Names, id: bytes, counts: bool) -> Assent:
    envelope = service.envelope(council.id, id)
    return Assent(
        assent=operation_text(id),
        member=names.person(council.membership_of(id)),
        time=0 if envelope is None else envelope.operation.time,
        counts=counts,
    )
