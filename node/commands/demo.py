"""`moot demo`: five nodes found a council, talk, are cut in two, decide, and vote."""

from pathlib import Path
from typing import Any

import click

from node.commands import json_option

__all__ = ["command"]


@click.command("demo", short_help="Show five nodes found a council, talk and decide.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Keep the five homes in FOLDER, a new one, to look around in afterwards.",
)
@json_option
def command(keep: Path | None, as_json: bool) -> None:
    """Show five nodes found a council, talk and decide.

    Real nodes, each a process of its own on loopback: four people's and a hall's, which is the
    teller and holds nobody's key. Nothing of your own home is touched. JSON: nodes (name,
    council, operations, state_digest), decided, seconds, and more (docs/reference/json.md).
    """
    import tempfile

    from node.commands import print_json
    from node.demo.story import Story
    from node.demo.village import Village
    from node.refused import Refused

    with tempfile.TemporaryDirectory(prefix="folkmoot-demo-") as temporary:
        if keep is not None and keep.exists() and any(keep.iterdir()):
            raise Refused("demo-folder", f"{keep} is not empty: name a new folder.")
        folder = (keep or Path(temporary)).absolute()
        village = Village(folder)
        try:
            facts = Story(village, (lambda line: None) if as_json else click.echo).play()
        finally:
            village.close()
    if as_json:
        print_json(facts)
    else:
        _account(facts, folder if keep is not None else None)
    if not facts["decided"]:
        raise Refused("demo", "The nodes did not come to one decision: please report this, with the lines above.")


def _account(facts: dict[str, Any], folder: Path | None) -> None:
    nodes = facts["nodes"]
    click.echo()
    for node in nodes:
        click.echo(f"  {node['name']:<5} {node['operations']:>4} operations   state {node['state_digest'][:16]}...")
    click.echo()
    click.echo(
        f"'Heat the hall', version {facts['adopted']['number']}, was adopted in epoch {facts['adopted']['epoch']} by "
        f"{facts['members']} people on {len(nodes)} nodes, in {facts['seconds']:.0f} seconds. Every signature and rule "
        "was checked again."
    )
    ballot = facts["ballot"]
    click.echo(
        f"'{ballot['title']}' {ballot['words']} {ballot['voted']} voted; {ballot['signatures']} of {ballot['tellers']} "
        f"tellers signed the result (round {ballot['round']}), and its certificate proves it to anybody."
    )
    if folder is None:
        click.echo("The homes are deleted now; 'moot demo --keep FOLDER' keeps them, to look around in.")
    else:
        click.echo(
            f"Look around: export MOOT_HOME={folder / 'ana'}; moot node start; moot show; moot ballot list --all"
        )
    click.echo("Next: found a council of your own, docs/tutorial.md.")
