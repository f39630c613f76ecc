"""`moot leave`: leave a council."""

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option, wait_options

__all__ = ["command"]


@click.command("leave", short_help="Leave a council.")
@council_option
@wait_options("you are no member any more")
@signing_options
@json_option
@pass_caller
def command(
    caller: Caller, council: str | None, wait: bool, seconds: float | None, passphrase_fd: int | None, as_json: bool
) -> None:
    """Leave a council.

    It takes effect with the next epoch. What you wrote stays; to come back you need a new ticket.
    JSON: operation, effective.
    """
    from node.commands._follow_up import wait_for_effect
    from node.commands._render import clean, say, say_json
    from node.commands._voice import speak
    from protocol.council.bodies import Leave
    from protocol.council.compose import leave_message
    from protocol.keys import LEAVE, sign

    voice = speak(caller, council, passphrase_fd)
    grant = sign(voice.secrets.person_seed, LEAVE, leave_message(voice.council_id, voice.membership))
    id_text = voice.say("member.leave", Leave(grant))
    if wait:
        wait_for_effect(voice.client, voice.path, id_text, seconds)
    if as_json:
        say_json({"operation": id_text, "effective": wait})
    elif wait:
        say(f"You are no longer a member of {clean(voice.council.name)}.")
    else:
        say(f"You leave {clean(voice.council.name)}; with its next epoch you are no longer a member.")
