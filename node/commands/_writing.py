"""Texts on the command line: `--text TEXT`, `--file FILE`, or `-` for stdin."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["text_of", "text_options"]

_F = TypeVar("_F", bound=Callable[..., Any])


def text_options(function: _F) -> _F:
    """`--text` and `--file`."""
    function = click.option(
        "--file",
        metavar="FILE",
        type=click.Path(allow_dash=True),
        help="Read the text from FILE, in UTF-8; - is stdin.",
    )(function)
    return click.option("--text", metavar="TEXT", help="The text.")(function)


def text_of(text: str | None, file: str | None) -> str:
    """The one text that was given; wrong usage when it was none or two."""
    from node.commands._voice import read_file
    from node.refused import Refused

    if (text is None) == (file is None):
        raise click.UsageError("Give the text with --text TEXT or with --file FILE (- is stdin).")
    if text is None:
        assert file is not None
        try:
            text = read_file(file).decode()
        except UnicodeDecodeError as fault:
            raise Refused(
                "text", f"{file} is not text in UTF-8; save it again as UTF-8, or attach it with --attach."
            ) from fault
    if not text.strip():
        raise Refused("text", "The text is empty; write something.")
    return text
