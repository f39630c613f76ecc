"""`moot bundle`: a council's news in a file, carried between places without a line."""

import click

from node.commands import Caller, json_option, pass_caller
from node.commands._pick import council_option

__all__ = ["command"]


@click.group("bundle", short_help="Carry a council's news in a file.")
def command() -> None:
    """Carry a council's news in a file, between places without a line.

    Whoever gets the file can read what is in it: it is not sealed. It goes from member to member;
    a node takes it in only for a council that it is in, or asked to join.
    """


@command.command("have")
@council_option
@json_option
@pass_caller
def have(caller: Caller, council: str | None, as_json: bool) -> None:
    """Print what this node has of a council, for whoever writes a bundle for it.

    A short text that gives away nothing of what was said. JSON: the HeadsAnswer.
    """
    from node.api.keeping_answers import HeadsAnswer
    from node.commands._pick import pick_council
    from node.commands._render import say, say_json
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    answer = client.get(f"/v1/councils/{line.council}/heads", HeadsAnswer)
    if as_json:
        say_json(answer)
    else:
        say(answer.have)


@command.command("write")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--for", "have", metavar="HAVE", help="Only what a node lacks that printed HAVE ('moot bundle have').")
@council_option
@json_option
@pass_caller
def write(caller: Caller, file: str, have: str | None, council: str | None, as_json: bool) -> None:
    """Write a council's log to FILE, to be read in elsewhere with `moot bundle read FILE`.

    With --for it holds only what that node lacks. Hand the file to members only: whoever has it
    can read everything in it. JSON: council, file, bytes, operations.
    """
    from node.bundles import Have
    from node.commands._carrying import open_bundle, write_whole
    from node.commands._pick import pick_council
    from node.commands._render import clean, count_of, say, say_json
    from node.commands._voice import connect
    from node.refused import Refused
    from protocol.ids import operation_text, parse_operation
    from protocol.log.bundle import Bundle

    client = connect(caller)
    line = pick_council(client, council)
    named = None
    if have is not None:
        theirs = Have.parse(have)
        if theirs.council != parse_operation(line.council):
            raise Refused("bundle-for", f"That text is about another council than {clean(line.name)}: add -c NAME.")
        named = ",".join(operation_text(id) for id in theirs.heads)
    size = write_whole(file, client.read(f"/v1/councils/{line.council}/bundle", have=named))
    with open_bundle(file) as opened:
        bundle = Bundle()
        next(bundle.feed(opened.read(1 << 16)))
    assert bundle.head is not None  # its first item has just been read
    count = bundle.head.operations
    if as_json:
        return say_json({"council": line.council, "file": file, "bytes": size, "operations": count})
    say(f"{file} holds {count_of(count, 'operation')} of {clean(line.name)} ({size} bytes).")
    say(f"Whoever has the file can read it, so give it to members only. At the other place: moot bundle read {file}")
    return None


@command.command("read")
@click.argument("file", type=click.Path(allow_dash=True))
@json_option
@pass_caller
def read(caller: Caller, file: str, as_json: bool) -> None:
    """Take in the news in FILE, which `moot bundle write` wrote at another place.

    Every operation is checked as if it had come over the network, and passed on from here. The
    council must be one that this node is in, or asked to join.
    JSON: council, operations, accepted, known, waiting, attachments, refused (list of Outcome).
    """
    from node.commands._bundles import hand_in_and_tell

    hand_in_and_tell(caller, file, as_json)
