"""`moot export`: a council's log in a file."""

import click

from node.commands import Caller, json_option, pass_caller
from node.commands._pick import council_option

__all__ = ["command"]


@click.command("export", short_help="Write a council's log to a file.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@council_option
@json_option
@pass_caller
def command(caller: Caller, file: str, council: str | None, as_json: bool) -> None:
    """Write a council's whole log to FILE, or to stdout for -.

    The file holds everything that was said and decided, with the signatures. `moot verify FILE`
    checks it on any computer, without a node. JSON: council, file, bytes.
    """
    import sys
    from pathlib import Path

    from node.commands._pick import pick_council
    from node.commands._render import clean, say, say_json
    from node.commands._voice import connect
    from node.refused import Refused

    client = connect(caller)
    line = pick_council(client, council)
    pieces = client.read(f"/v1/councils/{line.council}/export")
    size = 0
    if file == "-":
        if as_json:
            raise click.UsageError("--json and the log cannot both go to stdout; name a FILE.")
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return None
    part = Path(file + ".part")
    try:
        with part.open("wb") as out:
            for piece in pieces:
                size += out.write(piece)
        part.replace(file)
    except OSError as fault:
        raise Refused("file", f"{file} cannot be written ({fault.strerror}).") from fault
    finally:
        part.unlink(missing_ok=True)
    if as_json:
        return say_json({"council": line.council, "file": file, "bytes": size})
    say(f"The log of {clean(line.name)} is in {file} ({size} bytes). Check it with: moot verify {file}")
    return None
