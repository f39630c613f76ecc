"""The `moot` command: parse, call, print. No rules in it.

`moot --help` must start at once, so nothing but click is imported here; a command's module is
loaded when the command is used, and what `--help` says of it stands in `COMMANDS`.

Exit codes: 0 done, 1 refused (the reason on stderr), 2 wrong usage.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["COMMANDS", "main", "moot"]

# Heading -> command -> short help. A test compares each line with the command's own.
COMMANDS: dict[str, dict[str, str]] = {
    "Begin": {
        "demo": "Show five nodes found a council, talk and decide.",
        "key": "Make and keep the keys that you sign with.",
        "node": "Run this home's node and see how it fares.",
        "completion": "Print the shell's completion script.",
    },
    "A council and its people": {
        "council": "Found a council, list yours, look at one.",
        "invite": "Make a ticket that lets people ask to join.",
        "join": "Ask to join a council with a ticket.",
        "admit": "Support or see requests to join.",
        "absent": "Say that you will be away, or are back.",
        "leave": "Leave a council.",
        "remove": "Move that a member be removed.",
        "device": "Enrol and revoke the computers that you sign on.",
    },
    "Talk and decide": {
        "propose": "Put a text before the council.",
        "amend": "Offer a new version of a proposal's text.",
        "comment": "Say something about a proposal.",
        "erase": "Erase what you wrote.",
        "motion": "Move that the council decide something.",
        "assent": "Sign that you agree to a motion.",
        "ballot": "Ask everybody by a deadline, and vote.",
        "remind": "See who has not voted yet, and remind them.",
        "count": "Count ballots from a file.",
    },
    "Look and check": {
        "show": "Show a proposal, a motion or an operation.",
        "watch": "Follow what happens in a council.",
        "verify": "Check every hash, signature and rule again.",
        "certificate": "Show or check the proof of a decision.",
        "minutes": "Print a decision for the notice board.",
        "export": "Write a council's log to a file.",
    },
    "Without a line": {
        "submit": "Hand in what was signed elsewhere.",
        "bundle": "Carry a council's news in a file.",
    },
    "Keep it going": {
        "doctor": "Find what is wrong, and say what to do.",
        "backup": "Keep this home in one file.",
        "restore": "Bring a home back from a backup.",
        "repair": "Mend a damaged database.",
        "service": "Start the node with the computer.",
    },
}

_MODULES = Path(__file__).parent / "node" / "commands"


class _Moot(click.Group):
    """A group whose commands are modules of `node.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for names in COMMANDS.values() for name in names if (_MODULES / f"{name}.py").exists()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        from importlib import import_module

        command = import_module(f"node.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, there = args[0], self.list_commands(ctx)
        if name not in there and not name.startswith("-") and not ctx.resilient_parsing:
            # click's own suggestions come from commands that are loaded already.
            raise click.exceptions.NoSuchCommand(name, possibilities=there, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        there = set(self.list_commands(ctx))
        for heading, lines in COMMANDS.items():
            rows = [(name, line) for name, line in lines.items() if name in there]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows, col_max=14)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        # click's own would load every command's module to read its short help.
        from click.shell_completion import CompletionItem

        there = set(self.list_commands(ctx))
        items = [
            CompletionItem(name, help=line)
            for lines in COMMANDS.values()
            for name, line in lines.items()
            if name in there and name.startswith(incomplete)
        ]
        return items or super(click.Group, self).shell_complete(ctx, incomplete)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"moot {version('folkmoot')}")
        ctx.exit()


@click.group(cls=_Moot, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--as", "name", metavar="NAME", help="Who speaks, when several people share this home.")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
@click.pass_context
def moot(ctx: click.Context, name: str | None) -> None:
    """Deliberate and decide together, without a central server.

    Start with `moot demo`, or with `moot key new NAME` and `moot council found`.
    """
    from node.commands import Caller

    ctx.obj = Caller(name)


def main(args: Sequence[str] | None = None) -> None:
    """Run `moot` with `args` (the process's own when None) and exit."""
    try:
        moot(args=args, prog_name="moot")
    except Exception as fault:
        refusals = _refusals(fault)
        if not refusals:
            raise
        for refusal in refusals:
            click.echo(f"moot: {refusal}", err=True)
        sys.exit(1)


def _refusals(fault: Exception) -> list[Exception]:
    """The refusals that `fault` consists of (nurseries wrap them in groups); none if it holds anything else."""
    from node.refused import Refused
    from protocol.errors import Malformed

    if isinstance(fault, ExceptionGroup):
        parts = [_refusals(part) for part in fault.exceptions]
        return [leaf for part in parts for leaf in part] if all(parts) else []
    return [fault] if isinstance(fault, Refused | Malformed) else []


if __name__ == "__main__":
    main()
