"""`moot service`: start the node with the computer."""

from typing import TYPE_CHECKING

import click

from node.commands import Caller, json_option, pass_caller

if TYPE_CHECKING:
    from node import unit as units

__all__ = ["command"]


@click.group("service", short_help="Start the node with the computer.")
def command() -> None:
    """Start the node with the computer, by systemd."""


def _options(function: "click.decorators.FC") -> "click.decorators.FC":
    function = click.option(
        "--user", metavar="NAME", default="folkmoot", show_default=True, help="With --system: as which user it runs."
    )(function)
    return click.option(
        "--system",
        is_flag=True,
        help="A unit of the system, for a hall's computer; needs root. Without it, one of your own.",
    )(function)


@command.command("install")
@_options
@click.option("--print", "only_print", is_flag=True, help="Print the unit, and install nothing.")
@json_option
@pass_caller
def install(caller: Caller, system: bool, user: str, only_print: bool, as_json: bool) -> None:
    """Install a systemd unit that runs this home's node, and start it.

    The node may write to its home and nowhere else. Where there is no systemd, this says what to
    do instead. JSON: unit (its file, or null), text, started (true or false), todo (commands that are left to you).
    """
    import os
    from pathlib import Path

    from node import unit as units
    from node.commands._render import say, say_json

    config = caller.config()
    home = Path("/var/lib/folkmoot") if system and "MOOT_HOME" not in os.environ else config.home
    unit = units.Unit(home, units.command_line(), user if system else None)
    if only_print:
        if as_json:
            return say_json({"unit": None, "text": unit.text(), "started": False, "todo": []})
        return say(unit.text().rstrip())
    config.prepare() if home == config.home else None
    path = units.install(unit)
    todo = _todo(unit)
    started, said = False, None
    if units.systemd_runs():
        for words in (("daemon-reload",), ("enable", "--now", units.NAME)):
            said = units.call(unit.systemctl(*words))
            if said is not None:
                break
        started = said is None
    if as_json:
        return say_json({"unit": str(path), "text": unit.text(), "started": started, "todo": [] if started else todo})
    say(f"The unit is in {path}.")
    if started:
        say("The node runs, and starts with the computer. See it with: moot node status")
        if not system:
            say("So that it runs while you are not logged in: loginctl enable-linger")
        return None
    if said is not None:
        say(f"systemd did not start it: {said}")
    else:
        say("This computer was not started by systemd, so nothing reads it here.")
    say("To do on a computer with systemd:")
    for line in todo:
        say(f"  {line}")
    say("Without systemd, have the computer run at its start, as the user whose home it is:")
    say(f"  MOOT_HOME={home} {' '.join(unit.command)}")
    return None


def _todo(unit: "units.Unit") -> list[str]:
    from node import unit as units

    first = []
    if unit.user is not None:
        first = [
            f"adduser --system --group {unit.user}",
            f"install -d -m 700 -o {unit.user} -g {unit.user} {unit.home}",
        ]
    last = [] if unit.user is not None else ["loginctl enable-linger"]
    return [
        *first,
        " ".join(unit.systemctl("daemon-reload")),
        " ".join(unit.systemctl("enable", "--now", units.NAME)),
        *last,
    ]


@command.command("remove")
@_options
@json_option
@pass_caller
def remove(caller: Caller, system: bool, user: str, as_json: bool) -> None:
    """Stop the node that systemd runs, and take its unit away. The home stays as it is.

    JSON: removed (true or false).
    """
    from node import unit as units
    from node.commands._render import say, say_json

    unit = units.Unit(caller.config().home, (), user if system else None)
    if unit.path.exists() and units.systemd_runs():
        units.call(unit.systemctl("disable", "--now", units.NAME))
    removed = units.remove(unit)
    if removed and units.systemd_runs():
        units.call(unit.systemctl("daemon-reload"))
    if as_json:
        return say_json({"removed": removed})
    say("The unit is gone. Nothing that the node kept is." if removed else f"There is no unit in {unit.path}.")
    return None
