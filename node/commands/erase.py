"""`moot erase`: erase what you wrote."""

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option

__all__ = ["command"]


@click.command("erase", short_help="Erase what you wrote.")
@click.argument("operation")
@click.option(
    "--attachment",
    "attachments",
    type=click.IntRange(min=0),
    multiple=True,
    metavar="NUMBER",
    help="Only this one, as 'moot show OPERATION --raw' counts them; may be repeated.",
)
@council_option
@signing_options
@json_option
@pass_caller
def command(
    caller: Caller,
    operation: str,
    attachments: tuple[int, ...],
    council: str | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Erase what you wrote: a proposal's text, a comment, a file.

    OPERATION is a proposal's title or the beginning of an id. The nodes of the council delete the
    words; that you said something stays in the log. A text that the council has adopted is erased
    only by the council (`moot motion erase`). JSON: operation, erased.
    """
    from node.api.answers import OperationAnswer, ProposalAnswer
    from node.commands._pick import VERSIONS, pick_operation
    from node.commands._render import count_of, say, say_json
    from node.commands._voice import speak
    from node.refused import Refused
    from protocol.council.bodies import Erasure
    from protocol.ids import parse_operation

    voice = speak(caller, council, passphrase_fd)
    picked = pick_operation(voice.client, operation, voice.council.council)
    answer = voice.client.get(f"{voice.path}/operations/{picked.id}", OperationAnswer)
    if answer.author.membership != voice.me.membership:
        raise Refused(
            "erase-others", "You did not write that: what others wrote, the council erases: moot motion erase"
        )
    there = {content.index: content.state for content in answer.contents if content.sort == "attachment"}
    wanted = set(attachments) or set(there)
    if not wanted or wanted - set(there):
        raise Refused("erase-nothing", "It has no such attachment; 'moot show OPERATION --raw' lists what it has.")
    if all(there[index] == "erased" for index in wanted):
        raise Refused("erased", "That is erased already.")
    if picked.kind in VERSIONS:
        proposal = voice.client.get(f"{voice.path}/proposals/{picked.id}", ProposalAnswer)
        if proposal.adopted is not None and proposal.adopted.version == picked.id:
            raise Refused(
                "erase-adopted", "The council adopted that text, so only the council erases it: moot motion erase"
            )
    erasure = voice.say("talk.erase", Erasure(parse_operation(picked.id), sorted(wanted)), needs=[picked.id])
    if as_json:
        say_json({"operation": erasure, "erased": sorted(wanted)})
    else:
        say(f"{count_of(len(wanted), 'attachment')} erased here, and on the other nodes as they hear of it.")
