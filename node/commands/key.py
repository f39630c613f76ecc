"""`moot key`: the keys of the people of this home."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from node import passphrase
from node.commands import Caller, json_option, pass_caller, passphrase_option, print_json
from node.keystore import Person

__all__ = ["command"]

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _whose() -> _Decorator:
    return click.argument("name", required=False)


@click.group("key", short_help="Make and keep the keys that you sign with.")
def command() -> None:
    """Make and keep the keys that you sign with.

    A key is one person's; its file is sealed with her passphrase. NAME is what it is called in
    this home. Where a command can do without NAME it means the one given with `moot --as`, or
    the only person here.
    """


@command.command("new")
@click.argument("name")
@passphrase_option
@json_option
@pass_caller
def new(caller: Caller, name: str, passphrase_fd: int | None, as_json: bool) -> None:
    """Make a key for NAME, sealed with a passphrase.

    JSON: name, person (did:key), device (did:key).
    """
    keystore = caller.keystore()
    keystore.check_new(name)
    keystore.create(name, passphrase.choose(f"A passphrase for {name}: ", passphrase_fd))
    _tell(keystore.person(name), as_json)
    if not as_json:
        click.echo(f"Write down the words that bring the key back if this computer is lost: moot key export {name}")


@command.command("list")
@json_option
@pass_caller
def list_(caller: Caller, as_json: bool) -> None:
    """List the people who have a key here.

    JSON: people, a list of objects with name, person, device.
    """
    keystore = caller.keystore()
    people = keystore.people()
    for trouble in keystore.troubles():
        click.echo(f"moot: {trouble}", err=True)
    if as_json:
        print_json({"people": [asdict(person) for person in people]})
    elif not keystore.names():
        click.echo("Nobody has a key here yet; make one with: moot key new NAME")
    else:
        width = max((len(person.name) for person in people), default=0)
        for person in people:
            click.echo(f"{person.name:<{width}}  {person.person}")


@command.command("show")
@_whose()
@json_option
@pass_caller
def show(caller: Caller, name: str | None, as_json: bool) -> None:
    """Show the public side of a key.

    JSON: name, person (did:key), device (did:key).
    """
    keystore = caller.keystore()
    _tell(keystore.person(keystore.choose(name or caller.name)), as_json)


@command.command("passphrase")
@_whose()
@passphrase_option
@click.option(
    "--new-passphrase-fd",
    type=click.IntRange(min=0),
    metavar="N",
    help="Read the new passphrase from file descriptor N, one line; it may be the same descriptor.",
)
@pass_caller
def change(caller: Caller, name: str | None, passphrase_fd: int | None, new_passphrase_fd: int | None) -> None:
    """Change the passphrase of a key."""
    keystore = caller.keystore()
    name = keystore.choose(name or caller.name)
    old = passphrase.ask(f"{name}'s passphrase: ", passphrase_fd)
    keystore.unlock(name, old)
    keystore.change_passphrase(name, old, passphrase.choose(f"A new passphrase for {name}: ", new_passphrase_fd))
    click.echo(f"{name}'s passphrase is changed.")


@command.command("export")
@_whose()
@passphrase_option
@click.option("--language", default="english", show_default=True, help="The language of the words.")
@json_option
@pass_caller
def export(caller: Caller, name: str | None, passphrase_fd: int | None, language: str, as_json: bool) -> None:
    """Show the 24 words that bring a key back.

    Whoever has the words has the key: write them on paper and keep it where you keep
    what matters. JSON: name, person (did:key), words.
    """
    from node import words

    keystore = caller.keystore()
    name = keystore.choose(name or caller.name)
    opened = keystore.unlock(name, passphrase.ask(f"{name}'s passphrase: ", passphrase_fd))
    text = words.words_of(opened.person_seed, language)
    if as_json:
        print_json({"name": name, "person": keystore.person(name).person, "words": text})
        return
    listed = text.split()
    for first in range(0, len(listed), 6):
        click.echo("  ".join(f"{at + 1:2} {listed[at]:<10}" for at in range(first, first + 6)).rstrip())


@command.command("import")
@click.argument("name")
@click.option(
    "--words-fd",
    type=click.IntRange(min=0),
    metavar="N",
    help="Read the words from file descriptor N, one line, instead of asking.",
)
@click.option("--language", help="The language of the words, in the rare case that they fit two.")
@passphrase_option
@json_option
@pass_caller
def import_(
    caller: Caller, name: str, words_fd: int | None, language: str | None, passphrase_fd: int | None, as_json: bool
) -> None:
    """Bring a key back from its 24 words, as NAME.

    You are the same person, on a new device, which your councils enrol when you say so.
    JSON: name, person (did:key), device (did:key).
    """
    from node import words

    keystore = caller.keystore()
    keystore.check_new(name)
    given = click.prompt("The 24 words") if words_fd is None else passphrase.from_descriptor(words_fd).decode()
    seed = words.seed_of(given, language)
    keystore.create(name, passphrase.choose(f"A passphrase for {name}: ", passphrase_fd), seed)
    _tell(keystore.person(name), as_json)


def _tell(person: Person, as_json: bool) -> None:
    if as_json:
        print_json(asdict(person))
    else:
        click.echo(f"{person.name}: {person.person}")
