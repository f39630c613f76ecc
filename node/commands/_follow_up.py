"""Waiting for what was said to take effect."""

import sys
from typing import TYPE_CHECKING

import click

from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import EffectAnswer, MotionAnswer
    from node.client import Client

__all__ = ["settled", "timed_out", "wait_for_effect", "waits_for"]


def waits_for(what: str) -> None:
    """Tell whoever sits at a terminal what the command waits for, and that she need not."""
    if sys.stderr.isatty():
        click.echo(f"{what} Waiting for it; Ctrl-C ends the waiting and nothing else.", err=True)


def timed_out(what: str) -> Refused:
    """The refusal when `--seconds` were over first."""
    return Refused("time", f"The time is over, and {what}; nothing is lost, ask again later.")


def settled(client: "Client", path: str, motion: str, seconds: float | None) -> "MotionAnswer":
    """The motion once it took effect or lapsed."""
    from node.api.answers import MotionAnswer
    from node.commands._assenting import told

    council = path.rpartition("/")[2]

    def look() -> "MotionAnswer | None":
        answer = client.get(f"{path}/motions/{motion}", MotionAnswer)
        return answer if answer.state != "open" else None

    first = client.get(f"{path}/motions/{motion}", MotionAnswer)
    if first.state != "open":
        return first
    waits_for(told(first))
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

    if (at_once := look()) is not None:
        return at_once
    waits_for("It takes effect with the next epoch.")
    try:
        return client.wait(council, look, seconds)
    except TimeoutError as fault:
        raise timed_out("it has not taken effect yet") from fault
