"""`moot absent`: say that you will be away, or are back."""

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option, wait_options

__all__ = ["command"]


@click.command("absent", short_help="Say that you will be away, or are back.")
@click.option("--back", is_flag=True, help="Say that you are back.")
@council_option
@wait_options("it has taken effect")
@signing_options
@json_option
@pass_caller
def command(
    caller: Caller,
    back: bool,
    council: str | None,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Say that you will be away, or are back.

    While you are away the council can decide without you: you are not counted among those whose
    assent is needed. If you assent all the same, you count. JSON: operation, effective.
    """
    from node.commands._follow_up import wait_for_effect
    from node.commands._render import clean, say, say_json
    from node.commands._voice import speak
    from node.refused import Refused
    from protocol.council.bodies import Absent, Return

    voice = speak(caller, council, passphrase_fd)
    if back and not voice.me.absent:
        raise Refused("not-absent", f"You are not absent from {clean(voice.council.name)}; there is nothing to end.")
    if not back and voice.me.absent:
        raise Refused("absent", f"You are absent from {clean(voice.council.name)} already; come back with --back.")
    if wait and voice.council.forming:
        raise Refused(
            "forming",
            f"{clean(voice.council.name)} is forming, and absences wait until it decides: say it without --wait.",
        )
    id_text = voice.say("member.return", Return()) if back else voice.say("member.absent", Absent())
    if wait:
        wait_for_effect(voice.client, voice.path, id_text, seconds)
    if as_json:
        say_json({"operation": id_text, "effective": wait})
    else:
        what = "back in" if back else "absent from"
        soon = "as soon as it has members enough to decide" if voice.council.forming else "from the next epoch on"
        since = "now" if wait else soon
        say(f"You are {what} {clean(voice.council.name)} {since}.")
