"""`moot verify`: check every hash, signature and rule again."""

from typing import TYPE_CHECKING

import click

from node.commands import Caller, json_option, pass_caller
from node.commands._pick import council_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node.archive import Checked

__all__ = ["command"]


@click.command("verify", short_help="Check every hash, signature and rule again.")
@click.argument("file", required=False, type=click.Path(dir_okay=False, allow_dash=True))
@council_option
@json_option
@pass_caller
def command(caller: Caller, file: str | None, council: str | None, as_json: bool) -> None:
    """Check a whole log from nothing: every hash, signature, epoch and rule.

    FILE is an exported log, and no node is needed; without it, the log that this node keeps is
    read and checked in this process. Exit code 1 if anything is wrong.
    JSON: council, operations, epochs, contents, absent, state_digest, ok, faults.
    """
    import sys

    from node.archive import check
    from node.commands._render import clean, count_of, say, say_json
    from node.refused import Refused
    from protocol.ids import operation_text

    if file is None:
        checked = _kept(caller, council)
    elif file == "-":
        checked = check(sys.stdin.buffer)
    else:
        try:
            with open(file, "rb") as opened:
                checked = check(opened)
        except OSError as fault:
            raise Refused("file", f"{file} cannot be read ({fault.strerror}).") from fault
    if as_json:
        say_json(
            {
                "council": operation_text(checked.council),
                "operations": checked.operations,
                "epochs": checked.epochs,
                "contents": checked.contents,
                "absent": checked.absent,
                "state_digest": checked.state_digest.hex(),
                "ok": not checked.faults,
                "faults": checked.faults,
            }
        )
    if checked.faults:
        for sentence in checked.faults[:10]:
            click.echo(clean(sentence), err=True)
        raise Refused("verify", f"{count_of(len(checked.faults), 'fault')} found: this log must not be relied on.")
    if not as_json:
        say(
            f"{count_of(checked.operations, 'operation')} up to epoch {checked.epochs}: "
            "every hash, signature and rule holds."
        )
        say(f"{count_of(checked.contents, 'attachment')} checked, {checked.absent} erased or not here.")
        say(f"State: {checked.state_digest.hex()}")


def _kept(caller: Caller, council: str | None) -> "Checked":
    from node.archive import check
    from node.commands._pick import pick_council
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    return check(_Pieces(client.read(f"/v1/councils/{line.council}/export")))


class _Pieces:
    """Pieces of bytes, read like a file."""

    def __init__(self, pieces: "Iterator[bytes]") -> None:
        self._pieces = pieces
        self._left = bytearray()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer only at the end."""
        while len(self._left) < size and (piece := next(self._pieces, b"")):
            self._left += piece
        taken = bytes(self._left[:size])
        del self._left[:size]
        return taken
