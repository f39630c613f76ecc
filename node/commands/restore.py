"""`moot restore`: a home from the file that `moot backup` wrote."""

import click

from node.commands import Caller, json_option, pass_caller

__all__ = ["command"]


@click.command("restore", short_help="Bring a home back from a backup.")
@click.argument("file", type=click.Path(dir_okay=False))
@json_option
@pass_caller
def command(caller: Caller, file: str, as_json: bool) -> None:
    """Bring back the home that `moot backup` kept in FILE; there must be none here yet.

    Do this when the old computer is gone for good. If it still runs, do not: two nodes with the
    same keys contradict each other. The node fetches what it missed from the others; if it
    is a teller, it first asks them what it signed since. JSON: home, made (ms), people,
    councils, operations.
    """
    from pathlib import Path

    from node.backup import restore
    from node.commands._render import clean, say, say_json, when

    config = caller.config()
    done = restore(config, Path(file))
    if as_json:
        return say_json(
            {
                "home": str(config.home),
                "made": done.made,
                "people": list(done.people),
                "councils": done.councils,
                "operations": done.operations,
            }
        )
    say(f"{config.home} is as it was on {when(done.made)}, with {clean(done.words())}.")
    say("Start it with 'moot node start': it fetches what was said since. Do not run the old home any more.")
    return None
