"""`moot remove`: move that a member be removed."""

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option, wait_options

__all__ = ["command"]


@click.command("remove", short_help="Move that a member be removed.")
@click.argument("member")
@click.option("--reason", metavar="TEXT", help="Why; the others read it.")
@council_option
@wait_options("the council has decided")
@signing_options
@json_option
@pass_caller
def command(
    caller: Caller,
    member: str,
    reason: str | None,
    council: str | None,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Move that MEMBER be removed, or assent if somebody moved it already.

    MEMBER is a name or the beginning of an id. The one whom it concerns is not counted. What she
    wrote before stays. JSON: the MotionAnswer.
    """
    from node.api.answers import MotionAnswer
    from node.commands._assenting import assent, move, told
    from node.commands._follow_up import settled
    from node.commands._pick import pick_council, pick_member
    from node.commands._render import say, say_json
    from node.commands._voice import connect, speak
    from node.refused import Refused
    from protocol.council.bodies import Remove
    from protocol.ids import parse_operation

    client = connect(caller)
    line = pick_council(client, council)
    who = pick_member(client, line.council, member)
    voice = speak(caller, line.council, passphrase_fd)
    if who.membership == voice.me.membership:
        raise Refused("remove-self", "To end your own membership, use 'moot leave'.")
    membership = parse_operation(who.membership)
    motions = client.get(f"{voice.path}/motions", list[MotionAnswer])
    there = [
        one.motion
        for one in motions
        if one.state == "open" and one.kind == "remove" and one.effect["membership"] == membership.hex()
    ]
    if there:
        motion = assent(voice, there)
    else:
        motion = move(voice, Remove(membership), [], reason)
    if wait:
        settled(client, voice.path, motion, seconds)
    answer = client.get(f"{voice.path}/motions/{motion}", MotionAnswer)
    if as_json:
        say_json(answer)
    else:
        say(told(answer))
