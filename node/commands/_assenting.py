"""Moving and assenting: the one thing by which members decide."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import MotionAnswer
    from node.commands._voice import Voice
    from protocol.council.bodies import Effect

__all__ = ["assent", "move", "told", "withdraw_assents"]


def move(voice: "Voice", effect: "Effect", needs: Iterable[str], reason: str | None = None) -> str:
    """Put an effect to the members, which is also the mover's assent; gives the motion's id."""
    from node.commands._voice import Attached
    from protocol.council.bodies import Move

    attached = Attached.none()
    return voice.say("motion.move", Move(effect, attached.maybe(reason)), attached, needs)


def assent(voice: "Voice", motions: Sequence[str], effect: "Effect | None" = None, needs: Iterable[str] = ()) -> str:
    """Assent to all of `motions`, which would do the same, or move `effect` when there are none.

    People who move the same thing at the same time split their assents over two motions; whoever
    assents to both brings them together. Nobody assents to one motion twice. Gives the id of the
    motion that stands best.
    """
    from node.api.answers import MotionAnswer
    from protocol.council.bodies import Assent
    from protocol.ids import parse_operation

    if not motions:
        assert effect is not None, "something to move"
        return move(voice, effect, needs)

    def ask() -> list[MotionAnswer]:
        return [voice.client.get(f"{voice.path}/motions/{motion}", MotionAnswer) for motion in motions]

    for answer in ask():
        mine = any(given.counts and given.member.membership == voice.me.membership for given in answer.assents)
        if answer.state == "open" and not mine:
            voice.say("motion.assent", Assent(parse_operation(answer.motion)), needs=[answer.motion])
    return max(ask(), key=lambda answer: (answer.state == "effective", answer.yes)).motion


def withdraw_assents(voice: "Voice", motions: Sequence[str]) -> str:
    """Take back one's own assents to open motions; gives the id of one that they were to."""
    from node.api.answers import MotionAnswer
    from protocol.council.bodies import Withdraw
    from protocol.ids import parse_operation

    answers = [voice.client.get(f"{voice.path}/motions/{motion}", MotionAnswer) for motion in motions]
    still = [answer for answer in answers if answer.state == "open"]
    if not still:
        settled = answers[-1]
        raise Refused("motion-settled", f"That was settled in epoch {settled.epoch}; assents to it are history now.")
    mine = [
        (answer.motion, given.assent)
        for answer in still
        for given in answer.assents
        if given.counts and given.member.membership == voice.me.membership
    ]
    if not mine:
        raise Refused("no-assent", "You have not assented to that, or took it back already.")
    for _, given in mine:
        voice.say("motion.withdraw", Withdraw(parse_operation(given)), needs=[given])
    return mine[0][0]


def told(answer: "MotionAnswer") -> str:
    """How a motion stands, for the one who has just assented to it."""
    from node.commands._render import clean, count_of, short

    what = clean(answer.words)
    if answer.state == "effective":
        return f"Decided in epoch {answer.epoch}: {what}."
    if answer.state == "lapsed":
        return f"Lapsed in epoch {answer.epoch}: {what}. Why: {answer.why}."
    if answer.met and answer.waits:
        return f"Enough members assent: {what}. It waits: {answer.waits}."
    if answer.met:
        return f"Enough members assent: {what}. It takes effect with the next epoch."
    more = count_of(answer.needed - answer.yes, "more assent is needed", "more assents are needed")
    return f"You assent: {what} ({short(answer.motion)}). {answer.yes} of {answer.of} so far, {more}."
