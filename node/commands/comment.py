"""`moot comment`: say something about a proposal."""

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option
from node.commands._writing import text_options

__all__ = ["command"]


@click.command("comment", short_help="Say something about a proposal.")
@click.argument("on")
@text_options
@council_option
@signing_options
@json_option
@pass_caller
def command(
    caller: Caller,
    on: str,
    text: str | None,
    file: str | None,
    council: str | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Say something about a proposal, a version of it, a motion, or another comment.

    ON is a proposal's title, or the beginning of an id. JSON: comment, on.
    """
    from node.commands._pick import pick_operation
    from node.commands._render import say, say_json
    from node.commands._voice import Attached, speak
    from node.commands._writing import text_of
    from protocol.council.bodies import Comment
    from protocol.ids import parse_operation

    written = text_of(text, file)
    voice = speak(caller, council, passphrase_fd)
    kinds = ("proposal.open", "proposal.amend", "motion.move", "comment.write")
    picked = pick_operation(voice.client, on, voice.council.council, kinds)
    attached = Attached.none()
    comment = voice.say(
        "comment.write", Comment(parse_operation(picked.id), attached.add(written)), attached, [picked.id]
    )
    if as_json:
        say_json({"comment": comment, "on": picked.id})
    else:
        say(f"Your comment is there: {comment}")
