"""Waiting for what was said to take effect."""

from typing import TYPE_CHECKING

from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import EffectAnswer, MotionAnswer
    from node.client import Client

__all__ = ["settled", "timed_out", "wait_for_effect"]


def timed_out(what: str) -> Refused:
    """The refusal when `--seconds` were over first."""
    return Refused("time", f"The time is over, and {what}; nothing is lost, ask again later.")


def settled(client: "Client", path: str, motion: str, seconds: float | None) -> "MotionAnswer":
    """The motion once it took effect or lapsed."""
    from node.api.answers import MotionAnswer

    council = path.rpartition("/")[2]

    def look() -> "MotionAnswer | None":
        answer = client.get(f"{path}/motions/{motion}", MotionAnswer)
        return answer if answer.state != "open" else None

    try:
        return client.wait(council, look, seconds)
    except TimeoutError as fault:
        raise timed_out("the motion is still open") from fault


def wait_for_effect(client: "Client", path: str, reason: str, seconds: float | None) -> "EffectAnswer":
    """The effect of an epoch whose reason is this operation, once there is one."""
    from node.api.answers import EpochAnswer

    council = path.rpartition("/")[2]

    def look() -> "EffectAnswer | None":
        for epoch in reversed(client.get(f"{path}/epochs", list[EpochAnswer])):
            for effect in epoch.effects:
                if effect.reason == reason:
                    return effect
        return None

    try:
        return client.wait(council, look, seconds)
    except TimeoutError as fault:
        raise timed_out("it has not taken effect yet") from fault
