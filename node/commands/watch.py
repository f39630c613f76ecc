"""`moot watch`: follow what happens in a council."""

import click

from node.commands import Caller, json_option, pass_caller
from node.commands._pick import council_option

__all__ = ["command"]

_QUIET = {
    "council.epoch",
    "merge",
    *(f"teller.{what}" for what in ("seen", "propose", "prevote", "precommit", "certify")),
}
"""What is said for the machines' sake, and told only with --all."""


@click.command("watch", short_help="Follow what happens in a council.")
@click.option(
    "--until",
    metavar="KIND",
    help="End after the first event of this kind: epoch, ballot, erased, or an operation's kind such as comment.write.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="End after N seconds; with --until that is exit code 1.",
)
@click.option("--all", "everything", is_flag=True, help="What nodes and tellers say among themselves too.")
@council_option
@json_option
@pass_caller
def command(
    caller: Caller, until: str | None, seconds: float | None, everything: bool, council: str | None, as_json: bool
) -> None:
    """Follow what happens in a council, a line for each event, until Ctrl-C.

    JSON: one object a line: event, and the keys of OperationEvent, EpochEvent or another event (docs/reference/api.md).
    """
    from contextlib import closing

    from node.commands._follow_up import timed_out
    from node.commands._pick import pick_council
    from node.commands._render import clean, say, say_json, short
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    try:
        with closing(client.events(line.council, seconds)) as events:
            for event in events:
                if event.name == "alive":
                    continue
                kind = event.data.get("kind", event.name)
                if as_json:
                    say_json({"event": event.name, **event.data})
                elif event.name == "ballot":
                    if event.data["what"] == "result":
                        say(clean(f"Result: {event.data['words']}"))
                elif event.name == "operation" and (everything or kind not in _QUIET):
                    without = (
                        f"  (without effect: {event.data['without_effect']})" if event.data["without_effect"] else ""
                    )
                    say(clean(f"{event.data['words']}  {short(event.data['operation'])}{without}"))
                elif event.name == "epoch":
                    for effect in event.data["effects"]:
                        say(clean(f"Epoch {event.data['number']}: {effect['words']}"))
                elif event.name == "erased":
                    say(f"Attachments of {short(event.data['operation'])} were erased")
                elif event.name == "missed":
                    say(f"({event.data['count']} events went by too fast)")
                if until is not None and until in (event.name, kind):
                    return
    except TimeoutError as fault:
        if until is not None:
            raise timed_out(f"no {until} came") from fault
