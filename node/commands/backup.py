"""`moot backup`: this home in one file."""

import click

from node.commands import Caller, json_option, pass_caller

__all__ = ["command"]


@click.command("backup", short_help="Keep this home in one file.")
@click.argument("file", type=click.Path(dir_okay=False))
@json_option
@pass_caller
def command(caller: Caller, file: str, as_json: bool) -> None:
    """Write everything that this home keeps to FILE; the node may go on running.

    Its councils' logs, the node's own keys, and everybody's keys, which stay sealed with their
    passphrases. Keep the file as you keep a key: whoever has it can read what your councils say.
    `moot restore FILE` brings it back. JSON: file, bytes, made (ms), people, councils, operations.
    """
    from pathlib import Path

    from node.backup import make
    from node.commands._render import clean, say, say_json
    from node.commands._voice import now

    done = make(caller.config(), Path(file), now())
    if as_json:
        return say_json(
            {
                "file": file,
                "bytes": done.bytes,
                "made": done.made,
                "people": list(done.people),
                "councils": done.councils,
                "operations": done.operations,
            }
        )
    say(f"{file} holds {clean(done.words())} ({done.bytes / 1_000_000:.1f} MB).")
    say("Keep it like a key, on another computer or a stick. It comes back with: moot restore FILE")
    return None
