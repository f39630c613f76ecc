"""`moot submit`: hand in what was signed elsewhere."""

import click

from node.commands import Caller, json_option, pass_caller

__all__ = ["command"]


@click.command("submit", short_help="Hand in what was signed elsewhere.")
@click.argument("file")
@json_option
@pass_caller
def command(caller: Caller, file: str, as_json: bool) -> None:
    """Hand in what somebody signed on another computer with `--offline FILE`.

    FILE is that file, or the text in its QR code (mootslip1...), or - for stdin. Whoever carries it
    can read it but not change it: it counts as her word who signed it.
    JSON: council, operations, accepted, known, waiting, attachments, refused (list of Outcome).
    """
    from node.commands._bundles import hand_in_and_tell

    hand_in_and_tell(caller, file, as_json)
