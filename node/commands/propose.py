"""`moot propose`: put a text before the council."""

from typing import TYPE_CHECKING

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option
from node.commands._writing import text_options

if TYPE_CHECKING:
    from node.client import Client

__all__ = ["command"]


@click.command("propose", short_help="Put a text before the council.")
@click.argument("title")
@text_options
@click.option(
    "--attach", "files", multiple=True, metavar="FILE", type=click.Path(), help="Attach a file; may be repeated."
)
@click.option("--move", "move_it", is_flag=True, help="Move its adoption at once, which is also your assent.")
@council_option
@signing_options
@json_option
@pass_caller
def command(
    caller: Caller,
    title: str,
    text: str | None,
    file: str | None,
    files: tuple[str, ...],
    move_it: bool,
    council: str | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Put a text before the council.

    TITLE says what it is about; the text follows with --text, --file or as - on stdin. Everybody
    can comment and offer other versions until a version is adopted.
    JSON: proposal, title, motion.
    """
    from node.api.answers import CharterAnswer
    from node.commands._assenting import move
    from node.commands._render import one_line, say, say_json, short
    from node.commands._voice import Attached, read_file, speak
    from node.commands._writing import text_of
    from node.refused import Refused
    from protocol.council.bodies import Adopt, Open
    from protocol.ids import parse_operation

    written = text_of(text, file)
    attachments = [read_file(path) for path in files]
    if not title.strip():
        raise Refused("title", "A proposal needs a title.")
    voice = speak(caller, council, passphrase_fd)
    attached = Attached.none()
    body = Open(
        title=attached.add(" ".join(title.split())),
        text=attached.add(written),
        files=[attached.add(data) for data in attachments] or None,
    )
    proposal = voice.say("proposal.open", body, attached)
    motion = None
    if move_it:
        raw = parse_operation(proposal)
        motion = move(voice, Adopt(raw, raw), [proposal])
    if as_json:
        return say_json({"proposal": proposal, "title": title, "motion": motion})
    say(f"Your proposal '{one_line(title)}' is open: {proposal}")
    rule = voice.client.get(f"{voice.path}/charter", CharterAnswer).words["adoption"]
    if motion is None:
        say(f"Once it is talked over: moot assent {short(proposal)}  (adoption takes {rule} of the members)")
    else:
        say(_counted(voice.client, voice.path, motion))


def _counted(client: "Client", path: str, motion: str) -> str:
    from node.api.answers import MotionAnswer
    from node.commands._render import count_of

    answer = client.get(f"{path}/motions/{motion}", MotionAnswer)
    if answer.met and answer.waits:
        return f"Your assent is enough; it waits: {answer.waits}."
    if answer.met:
        return "Your assent is enough; it is adopted with the next epoch."
    return f"You assent to it; {count_of(answer.needed - answer.yes, 'more assent adopts', 'more assents adopt')} it."
