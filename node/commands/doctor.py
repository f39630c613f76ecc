"""`moot doctor`: find what is wrong, and say what to do."""

import click

from node.commands import Caller, json_option, pass_caller

__all__ = ["command"]

_MARKS = {"ok": "  ", "note": "- ", "bad": "! "}


@click.command("doctor", short_help="Find what is wrong, and say what to do.")
@json_option
@pass_caller
def command(caller: Caller, as_json: bool) -> None:
    """Look whether this home and its node are well, and say what to do about what is not.

    Settings, keys, disk, clock, database, ports, peers, tellers, branches. Changes nothing. Exit
    code 1 if anything has to be mended. JSON: ok, findings (list of Finding).
    """
    from node.commands._render import clean, count_of, say, say_json
    from node.doctor import examine
    from node.refused import Refused

    findings = list(examine())
    bad = [finding for finding in findings if finding.state == "bad"]
    if as_json:
        say_json({"ok": not bad, "findings": findings})
    else:
        for finding in findings:
            say(f"{_MARKS[finding.state]}{finding.check}: {clean(finding.message)}")
            if finding.advice:
                say(f"    {clean(finding.advice)}")
    if bad:
        raise Refused("doctor", f"{count_of(len(bad), 'thing has', 'things have')} to be mended; {bad[0].check} first.")
    if not as_json:
        say("All is well.")
