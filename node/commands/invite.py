"""`moot invite`: a ticket that lets people ask to join."""

from typing import TYPE_CHECKING

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option

if TYPE_CHECKING:
    from node.ticket import Ticket

__all__ = ["command"]


@click.group("invite", short_help="Make a ticket that lets people ask to join.", invoke_without_command=True)
@click.option("--uses", type=click.IntRange(1, 50), default=1, show_default=True, help="How many people it can let in.")
@click.option("--days", type=click.IntRange(min=1), help="Requests made later than that are not admitted.")
@click.option(
    "--qr",
    "picture",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the ticket as a picture, .svg or .png.",
)
@click.option("--no-picture", is_flag=True, help="Do not draw the ticket in the terminal.")
@council_option
@signing_options
@json_option
@pass_caller
@click.pass_context
def command(
    ctx: click.Context,
    caller: Caller,
    uses: int,
    days: int | None,
    picture: str | None,
    no_picture: bool,
    council: str | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Make a ticket that lets people ask to join.

    Send the ticket to whom you want to invite, or show the picture. Whoever has it can ask; your
    council decides whom it admits. JSON: invitation, ticket, uses, expires.
    """
    if ctx.invoked_subcommand is not None:
        return
    import sys

    from node import ticket as tickets
    from node.commands._passing import ticket_for
    from node.commands._render import count_of, say, say_json
    from node.commands._voice import now, speak

    if picture is not None and not picture.lower().endswith((".svg", ".png")):
        raise click.BadParameter("the picture's name must end in .svg or .png.", param_hint="--qr")
    voice = speak(caller, council, passphrase_fd)
    expires = None if days is None else now() + days * 86_400_000
    invitation, made = ticket_for(voice, uses, expires)
    text = tickets.ticket_text(made)
    if as_json:
        say_json({"invitation": invitation, "ticket": text, "uses": uses, "expires": expires})
    else:
        say(text)
    # Into a file or a pipe goes the ticket alone; and it is out before anything can go wrong with a picture.
    shown = sys.stdout.isatty()
    if picture is not None:
        _draw(made, picture)
        click.echo(f"The same as a picture: {picture}", err=not shown or as_json)
    elif shown and not no_picture and not as_json:
        say(tickets.qr_text(made))
    if as_json:
        return
    who = "One person" if uses == 1 else count_of(uses, "person", "people")
    next_step = f"{who} can ask to join with it: moot join TICKET. You then see the request with 'moot admit'."
    click.echo(next_step, err=not shown)


def _draw(made: "Ticket", picture: str) -> None:
    from pathlib import Path

    from node import ticket as tickets
    from node.refused import Refused

    data = tickets.qr_png(made) if picture.lower().endswith(".png") else tickets.qr_svg(made).encode()
    try:
        Path(picture).write_bytes(data)
    except OSError as fault:
        raise Refused("file", f"{picture} cannot be written ({fault.strerror}).") from fault


@command.command("list")
@council_option
@json_option
@pass_caller
def list_(caller: Caller, council: str | None, as_json: bool) -> None:
    """List the tickets that were made, without their secrets.

    JSON: invitations (list of InvitationAnswer).
    """
    from node.api.answers import InvitationAnswer
    from node.commands._pick import pick_council
    from node.commands._render import clean, columns, say, say_json, short, when
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    made = client.get(f"/v1/councils/{line.council}/invitations", list[InvitationAnswer])
    if as_json:
        return say_json({"invitations": made})
    if not made:
        say("Nobody has made a ticket yet.")
    columns(
        [
            [
                short(one.invitation),
                f"by {clean(one.inviter.name)}",
                f"{one.used} of {one.uses} used",
                "withdrawn" if one.withdrawn else f"until {when(one.expires)}" if one.expires is not None else "",
            ]
            for one in made
        ]
    )
    return None


@command.command("withdraw")
@click.argument("invitation")
@council_option
@signing_options
@json_option
@pass_caller
def withdraw(caller: Caller, invitation: str, council: str | None, passphrase_fd: int | None, as_json: bool) -> None:
    """Withdraw a ticket (the beginning of its INVITATION's id): one that was lost, or sent to the wrong person.

    Nobody is admitted on it any more. Any member can do this. JSON: invitation, operation.
    """
    from node.commands._pick import pick_operation
    from node.commands._render import say, say_json
    from node.commands._voice import speak
    from protocol.council.bodies import Uninvite
    from protocol.ids import parse_operation

    voice = speak(caller, council, passphrase_fd)
    picked = pick_operation(voice.client, invitation, voice.council.council, ("council.invite",))
    operation = voice.say("council.uninvite", Uninvite(parse_operation(picked.id)), needs=[picked.id])
    if as_json:
        return say_json({"invitation": picked.id, "operation": operation})
    say("The ticket is withdrawn: nobody is admitted on it any more.")
    return None
