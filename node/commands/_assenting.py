"""Moving and assenting: the one thing by which members decide."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import MotionAnswer
    from node.commands._voice import Voice
    from protocol.council.bodies import Effect

__all__ = ["assent", "move", "told", "withdraw_assent"]


def move(voice: "Voice", effect: "Effect", needs: Iterable[str], reason: str | None = None) -> str:
    """Put an effect to the members, which is also the mover's assent; gives the motion's id."""
    from node.commands._voice import Attached
    from protocol.council.bodies import Move

    attached = Attached.none()
    return voice.say("motion.move", Move(effect, attached.maybe(reason)), attached, needs)


def assent(voice: "Voice", motion: str | None, effect: "Effect | None" = None, needs: Iterable[str] = ()) -> str:
    """Assent to a motion, or move `effect` when there is none; gives the motion's id.

    Whoever assented already has done all she can, and nothing is said twice.
    """
    from node.api.answers import MotionAnswer
    from protocol.council.bodies import Assent
    from protocol.ids import parse_operation

    if motion is None:
        assert effect is not None, "something to move"
        return move(voice, effect, needs)
    answer = voice.client.get(f"{voice.path}/motions/{motion}", MotionAnswer)
    if answer.state == "lapsed":
        raise Refused("motion-lapsed", f"That motion lapsed in epoch {answer.epoch}: {answer.why}. Move it anew.")
    mine = any(given.counts and given.member.membership == voice.me.membership for given in answer.assents)
    if answer.state == "open" and not mine:
        voice.say("motion.assent", Assent(parse_operation(motion)), needs=[motion])
    return motion


def withdraw_assent(voice: "Voice", motion: str) -> str:
    """Take back one's own assents to an open motion; gives the motion's id."""
    from node.api.answers import MotionAnswer
    from protocol.council.bodies import Withdraw
    from protocol.ids import parse_operation

    answer = voice.client.get(f"{voice.path}/motions/{motion}", MotionAnswer)
    if answer.state != "open":
        raise Refused(
            "motion-settled", f"That motion was settled in epoch {answer.epoch}; assents to it are history now."
        )
    mine = [one for one in answer.assents if one.counts and one.member.membership == voice.me.membership]
    if not mine:
        raise Refused("no-assent", "You have not assented to that motion, or took it back already.")
    for given in mine:
        voice.say("motion.withdraw", Withdraw(parse_operation(given.assent)), needs=[given.assent])
    return motion


def told(answer: "MotionAnswer") -> str:
    """How a motion stands, for the one who has just assented to it."""
    from node.commands._render import clean, count_of, short

    what = clean(answer.words)
    if answer.state == "effective":
        return f"Decided in epoch {answer.epoch}: {what}."
    if answer.state == "lapsed":
        return f"Lapsed in epoch {answer.epoch}: {what}. Why: {answer.why}."
    if answer.met:
        return f"Enough members assent: {what}. It takes effect with the next epoch."
    more = count_of(answer.needed - answer.yes, "more assent is needed", "more assents are needed")
    return f"You assent: {what} ({short(answer.motion)}). {answer.yes} of {answer.of} so far, {more}."
