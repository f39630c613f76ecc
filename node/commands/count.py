"""`moot count`: count ballots from a file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.commands import json_option, print_json

if TYPE_CHECKING:
    from node.elections.counted import Counted
    from node.elections.file import ElectionFile
    from protocol.counting.rules import Rule

__all__ = ["command"]

_SHOWN = 12
"""How many ties and outcomes are told to a person; --json has them all."""


@click.command("count", short_help="Count ballots from a file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rule", "name", required=True, metavar="RULE", help="How to count, such as stv-scottish/1.")
@click.option("--seats", type=click.IntRange(min=1), metavar="N", help="How many to elect, if not as the file says.")
@click.option("--all-ties", is_flag=True, help="Find everyone who could be elected, however ties are decided.")
@click.option("--plot", is_flag=True, help="Draw the count in the terminal.")
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PICTURE",
    help="Write a picture of the count to this file.",
)
@json_option
def command(
    file: Path, name: str, seats: int | None, all_ties: bool, plot: bool, svg: Path | None, as_json: bool
) -> None:
    """Count the ballots in FILE by a rule.

    FILE is an election from elsewhere; the end of its name says its form: .blt (BLT), .soc .soi
    .toc .toi .cat (PrefLib), .cvotes (Condorcet Election Format), .pb (Pabulib). RULE is a rule's
    name; its version may be left out where there is only one. Ties that the rule leaves open go to
    whoever the file lists first, and are reported.

    JSON: rule, elected (candidate numbers from 0 in order of election, or project ids), ranking
    (lists of names, ties together), rounds (by stv-scottish/1 every candidate's votes at each
    stage), ties (null, or outcomes, complete, decided).
    """
    if plot and as_json:
        raise click.UsageError("--plot draws for people and --json prints for programs; choose one.")
    from node.elections.counted import count_file, find_rule

    rule = find_rule(name)
    election = _read(file)
    for note in election.notes:
        click.echo(f"moot: {note}", err=True)
    counted = count_file(election, rule, name=file.stem, seats=seats, all_ties=all_ties)
    if svg is not None:
        _write(svg, counted)
    if as_json:
        print_json(counted.as_json())
        return
    _tell(counted, rule)
    if plot:
        from shutil import get_terminal_size

        from node.pictures import plotted

        click.echo()
        click.echo(plotted(counted, get_terminal_size().columns))
    if svg is not None:
        click.echo(f"\nThe picture is in {svg}.")


def _read(file: Path) -> "ElectionFile":
    from node.elections import read
    from node.refused import Refused
    from protocol.errors import Malformed

    try:
        return read(file)
    except Malformed as fault:
        raise Refused(fault.rule, f"{file.name}: {fault.message}") from None
    except OSError as fault:
        raise Refused("file.read", f"{file} cannot be read: {fault.strerror}.") from None


def _write(target: Path, counted: "Counted") -> None:
    from node.pictures import svg
    from node.refused import Refused

    try:
        target.write_text(svg(counted), encoding="utf-8")
    except OSError as fault:
        raise Refused("file.write", f"The picture cannot be written to {target}: {fault.strerror}.") from None


def _tell(counted: "Counted", rule: "Rule") -> None:
    """The result for a person: who is elected, the ranking where there is one, and the ties."""
    result = counted.result
    click.echo(counted.title)
    things = "projects" if counted.is_budget else "candidates"
    click.echo(
        f"{float(counted.cast):.12g} ballots, {len(counted.names)} {things}, counted by {rule.name} ({rule.title})."
    )
    click.echo("\nBought:" if counted.is_budget else "\nElected:")
    for place, number in enumerate(result.elected, 1):
        click.echo(f"{place:>4}. {counted.label(number)}")
    if not result.elected:
        click.echo("      nothing" if counted.is_budget else "      nobody")
    if len(result.ranking) > 1:
        click.echo("\nRanking:")
        place = 1
        for tier in result.ranking:
            click.echo(f"{place:>4}. {' = '.join(counted.label(number) for number in tier)}")
            place += len(tier)
    _tell_ties(counted)


def _tell_ties(counted: "Counted") -> None:
    ties = counted.result.ties
    if ties is None:
        return
    click.echo("\nTies, decided here by the order of the list:")
    if len(ties.lots) > _SHOWN:
        click.echo(f"      (the last {_SHOWN} of {len(ties.lots)})")
    for lot in ties.lots[-_SHOWN:]:
        among = ", ".join(counted.label(number) for number in lot.among)
        click.echo(f"      round {lot.round + 1}, {lot.purpose}: {counted.label(lot.chosen)} (among {among})")
    if not counted.all_ties:
        click.echo("      Every way they could have ended: --all-ties.")
        return
    if len(ties.outcomes) == 1:
        click.echo("      However they are decided, the same are chosen.")
        return
    click.echo("\nOutcomes, according to how ties are decided:")
    for outcome in ties.outcomes[:_SHOWN]:
        # Projects have long names, and ids to be short with.
        chosen = [str(counted.id(number)) if counted.is_budget else counted.label(number) for number in outcome]
        click.echo(f"      {', '.join(chosen) or 'nothing'}")
    if len(ties.outcomes) > _SHOWN:
        click.echo(f"      and {len(ties.outcomes) - _SHOWN} others: --json has them.")
    if not ties.complete:
        click.echo("      There are more than can be listed.")
