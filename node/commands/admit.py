"""`moot admit`: see who asks to join, and support a request."""

from typing import TYPE_CHECKING

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option, wait_options

if TYPE_CHECKING:
    from node.api.answers import RequestAnswer
    from node.client import Client

__all__ = ["command"]


@click.command("admit", short_help="Support or see requests to join.")
@click.argument("who", nargs=-1)
@click.option("--wait-for", type=click.IntRange(min=1), metavar="N", help="When listing: wait until so many ask.")
@council_option
@wait_options("they are members")
@signing_options
@json_option
@pass_caller
def command(
    caller: Caller,
    who: tuple[str, ...],
    wait_for: int | None,
    council: str | None,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Support requests to join, or see them.

    WHO is an applicant's name or the beginning of her request's or person's id; without it, the
    requests are listed. You move the admission, or assent if somebody moved it already.
    JSON: requests (list of RequestAnswer) when listing, else motions (of MotionAnswer).
    """
    from node.api.answers import MotionAnswer
    from node.commands._assenting import assent, told
    from node.commands._follow_up import settled
    from node.commands._pick import pick_council, pick_request
    from node.commands._render import indent, one_line, say, say_json, short, when
    from node.commands._voice import connect, speak
    from protocol.council.bodies import Admit
    from protocol.ids import parse_operation

    client = connect(caller)
    line = pick_council(client, council)
    if not who:
        requests = _requests(client, line.council, wait_for or 0, seconds)
        if as_json:
            return say_json({"requests": requests})
        if not requests:
            say("Nobody asks to join.")
        for request in requests:
            moved = "moved" if request.motions else "not moved yet"
            say(f"{one_line(request.name)}  {short(request.request)}  {when(request.time)}  {request.person}  {moved}")
            if request.letter:
                say(indent(request.letter))
        return None
    picked = [pick_request(client, line.council, given) for given in who]
    voice = speak(caller, line.council, passphrase_fd)
    motions = []
    for request in picked:
        motion = assent(voice, request.motions, Admit(parse_operation(request.request)), [request.request])
        if wait:
            settled(client, voice.path, motion, seconds)
        answer = client.get(f"{voice.path}/motions/{motion}", MotionAnswer)
        motions.append(answer)
        if not as_json:
            say(told(answer))
    if as_json:
        say_json({"motions": motions})
    return None


def _requests(client: "Client", council: str, at_least: int, seconds: float | None) -> "list[RequestAnswer]":
    from node.api.answers import RequestAnswer
    from node.commands._follow_up import timed_out

    def look() -> "list[RequestAnswer] | None":
        requests = client.get(f"/v1/councils/{council}/requests", list[RequestAnswer])
        return requests if len(requests) >= at_least else None

    if (at_once := look()) is not None:
        return at_once
    try:
        return client.wait(council, look, seconds)
    except TimeoutError as fault:
        raise timed_out(f"fewer than {at_least} ask to join") from fault
