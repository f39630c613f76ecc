"""`moot certificate`: the proof of a ballot's result, as a file, and checking one."""

from typing import TYPE_CHECKING, Any

import click

from node.commands import Caller, json_option, pass_caller
from node.commands._pick import council_option
from node.refused import Refused

if TYPE_CHECKING:
    from protocol.council.certificate import Findings

__all__ = ["command"]


@click.group("certificate", short_help="Show or check the proof of a decision.")
def command() -> None:
    """Show or check the proof of a decision.

    A certificate is one file. Whoever knows the tellers' keys can check it, without a network and
    without a node.
    """


@command.command("get")
@click.argument("ballot")
@click.option("--with-casts", is_flag=True, help="With every vote and the roll: then everything can be counted again.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write it to FILE: as JSON if its name ends in .json, else as CBOR.",
)
@council_option
@json_option
@pass_caller
def get(caller: Caller, ballot: str, with_casts: bool, output: str | None, council: str | None, as_json: bool) -> None:
    """Get the certificate of BALLOT. Without -o it is printed, as JSON that people can read.

    JSON: ballot, file, bytes and casts (true or false) with -o; else format, reads, cbor (base64).
    """
    import json

    from node.ballots.proof import as_json as readable
    from node.commands._balloting import pick_ballot
    from node.commands._pick import pick_council
    from node.commands._render import clean, say, say_json
    from node.commands._voice import connect
    from protocol.council.certificate import read_certificate

    client = connect(caller)
    line = pick_council(client, council)
    id_text = pick_ballot(client, line.council, ballot)
    place = f"/v1/councils/{line.council}/ballots/{id_text}/certificate"
    data = b"".join(client.read(place, casts="true" if with_casts else "false"))
    certificate = read_certificate(data)
    if output is None:
        if as_json:
            return say_json(readable(certificate))
        # Titles and options are what others wrote.
        return say(clean(json.dumps(readable(certificate), ensure_ascii=False, indent=2)))
    if output.casefold().endswith(".json"):
        data = (json.dumps(readable(certificate), ensure_ascii=False, indent=2) + "\n").encode()
    _write(output, data)
    if as_json:
        return say_json({"ballot": id_text, "file": output, "bytes": len(data), "casts": with_casts})
    say(f"The certificate is in {output} ({len(data)} bytes, {'with' if with_casts else 'without'} the votes).")
    return say(f"Anybody can check it: moot certificate verify {output}")


def _write(path: str, data: bytes) -> None:
    from pathlib import Path

    try:
        Path(path).write_bytes(data)
    except OSError as fault:
        raise Refused("file", f"{path} cannot be written ({fault.strerror}).") from fault


@command.command("verify")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--tellers",
    multiple=True,
    metavar="KEY",
    help="A teller's key as you know it (did:key:...), from a source that you trust; once for each, or with commas.",
)
@json_option
@pass_caller
def verify(caller: Caller, file: str, tellers: tuple[str, ...], as_json: bool) -> None:
    """Check the certificate in FILE, of either form; - is stdin. No network and no node is needed.

    With the votes in it everything is counted again; without them the tellers' signatures are
    checked. It says what was proved and what was not. Exit code 1 if anything is wrong.
    JSON: ok, refusal (null, or rule and message), proved, unproved, reads (as in the JSON form).
    """
    from node.ballots.proof import from_file, readable
    from node.commands._render import clean, one_line, say, say_json
    from node.commands._voice import read_file
    from protocol.council.certificate import examine
    from protocol.errors import Malformed
    from protocol.ids import parse_person

    known = frozenset(parse_person(key.strip()) for given in tellers for key in given.split(",") if key.strip())
    data = read_file(file)
    try:
        certificate = from_file(data)
        reads: dict[str, Any] | None = readable(certificate)
        findings = examine(certificate, known or None)
    except Malformed as fault:
        if as_json:
            refusal = {"rule": fault.rule, "message": fault.message}
            say_json({"ok": False, "refusal": refusal, "proved": [], "unproved": [], "reads": None})
        raise
    if as_json:
        say_json(_as_json(findings, reads))
    if findings.refusal is not None:
        message = findings.refusal.message
        raise Refused(findings.refusal.rule, f"This certificate proves nothing: {clean(message)}")
    assert reads is not None
    if as_json:
        return
    say(one_line(reads["title"] or "(the title is not in the file)", 200))
    figures = "" if reads["figures"] in reads["words"] else f" {reads['figures']};"
    voted = "" if reads["drawn"] else f" {reads['voted']} of {reads['people']} voted."
    say(f"  {clean(reads['words'] + figures)}{voted}")
    beside = [f"With one vote a person: {reads['equal']}."] if reads["equal"] else []
    for sentence in [*reads["explanation"], *(f"{one}." for one in reads["classes"]), *beside, *reads["ties"]]:
        say(f"  {clean(sentence)}")
    say("Proved:")
    for sentence in findings.proved:
        say(f"  {sentence}")
    if findings.unproved:
        say("Not proved:")
    for sentence in findings.unproved:
        say(f"  {sentence}")
    say(f"Record {reads['record']}")
    say("The tellers' keys in it:" if not known else "The tellers' keys, which you know:")
    for teller in reads["tellers"]:
        say(f"  {teller['key']}{', signed' if teller['signed'] else ''}")


def _as_json(findings: "Findings", reads: dict[str, Any] | None) -> dict[str, Any]:
    refusal = findings.refusal
    return {
        "ok": refusal is None,
        "refusal": None if refusal is None else {"rule": refusal.rule, "message": refusal.message},
        "proved": list(findings.proved),
        "unproved": list(findings.unproved),
        "reads": reads,
    }
