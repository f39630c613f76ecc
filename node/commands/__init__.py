"""One module a command, loaded when it is used; each has the click command as `command`.

`Caller` is what `moot` knows before a command runs: whose home this is, and who of the people
in it speaks. A command receives it with `@pass_caller`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from node.config import Config
    from node.keystore import Keystore

__all__ = ["OFFLINE", "Caller", "json_option", "pass_caller", "passphrase_option", "print_json", "signing_options"]

OFFLINE = "folkmoot.offline"
"""Where click's context keeps the file that `--offline` named."""
_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who called `moot`: `name` is what `--as` gave, or None."""

    name: str | None = None

    def config(self) -> "Config":
        """The configuration of this home; raises `Refused` where settings are wrong."""
        from node import config

        return config.load()

    def keystore(self) -> "Keystore":
        """The keys of the people of this home."""
        from node.keystore import Keystore

        return Keystore(self.config().keys_dir)

    def person(self) -> str:
        """The name of the person who speaks: `--as`, or the only one here; else raises `Refused`."""
        return self.keystore().choose(self.name)


pass_caller = click.make_pass_decorator(Caller)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object with the documented keys, and nothing else."
)

passphrase_option = click.option(
    "--passphrase-fd",
    "passphrase_fd",
    type=click.IntRange(min=0),
    metavar="N",
    help="Read the passphrase from file descriptor N, one line, instead of asking.",
)


def _note_offline(ctx: click.Context, _: click.Parameter, file: str | None) -> None:
    if file is not None:
        ctx.meta[OFFLINE] = file


def signing_options(function: _F) -> _F:
    """`--passphrase-fd` and `--offline`, for commands that sign something in a council."""
    offline = click.option(
        "--offline",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        expose_value=False,
        callback=_note_offline,
        help="Write what is signed to FILE too, to carry to a computer with a line: 'moot submit FILE' there. "
        "A QR code if its name ends in .svg or .png, a text if in .txt.",
    )
    return passphrase_option(offline(function))


def print_json(answer: Mapping[str, object]) -> None:
    """Print `answer` on one line of stdout, keys in the order given."""
    click.echo(json.dumps(answer, ensure_ascii=False))
