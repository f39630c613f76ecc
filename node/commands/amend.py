"""`moot amend`: offer a new version of a proposal's text."""

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option
from node.commands._writing import text_options

__all__ = ["command"]


@click.command("amend", short_help="Offer a new version of a proposal's text.")
@click.argument("proposal")
@text_options
@click.option("--title", metavar="TITLE", help="Another title.")
@click.option("--note", metavar="TEXT", help="What you changed, and why.")
@click.option(
    "--attach", "files", multiple=True, metavar="FILE", type=click.Path(), help="Attach a file; may be repeated."
)
@click.option("--withdraw", is_flag=True, help="Withdraw the proposal instead; only its author can.")
@council_option
@signing_options
@json_option
@pass_caller
def command(
    caller: Caller,
    proposal: str,
    text: str | None,
    file: str | None,
    title: str | None,
    note: str | None,
    files: tuple[str, ...],
    withdraw: bool,
    council: str | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Offer a new version of a proposal's text.

    PROPOSAL is its title, or the beginning of its id or of the id of the version that you start
    from; without a version it is the latest one. Assents are to one version: nobody's assent
    carries over to another text. JSON: proposal, version, number; or, with --withdraw, proposal and
    operation.
    """
    from node.api.answers import ProposalAnswer
    from node.commands._pick import VERSIONS, pick_operation
    from node.commands._proposals import latest_of, not_withdrawn, started_from
    from node.commands._render import one_line, say, say_json, short
    from node.commands._voice import Attached, read_file, speak
    from node.commands._writing import text_of
    from node.refused import Refused
    from protocol.council.bodies import Amend, WithdrawProposal
    from protocol.ids import parse_operation

    written = None if withdraw else text_of(text, file)
    attachments = [read_file(path) for path in files]
    voice = speak(caller, council, passphrase_fd)
    picked = pick_operation(voice.client, proposal, voice.council.council, VERSIONS)
    answer = voice.client.get(f"{voice.path}/proposals/{picked.id}", ProposalAnswer)
    named = one_line(answer.title or "without a title")
    not_withdrawn(answer)
    if written is None:
        if answer.author.membership != voice.me.membership:
            raise Refused("withdraw-others", f"'{named}' is not yours; only its author can withdraw it.")
        if answer.adopted is not None:
            raise Refused("adopted", f"'{named}' is adopted, so it cannot be withdrawn; offer another version of it.")
        body = WithdrawProposal(parse_operation(answer.proposal))
        id_text = voice.say("proposal.withdraw", body, needs=[answer.proposal])
        if as_json:
            return say_json({"proposal": answer.proposal, "operation": id_text})
        say(f"The proposal '{named}' is withdrawn.")
        return None
    base = latest_of(answer) if picked.id == answer.proposal else started_from(answer, picked.id)
    attached = Attached.none()
    change = Amend(
        proposal=parse_operation(answer.proposal),
        replaces=parse_operation(base.version),
        text=attached.add(written),
        title=attached.maybe(title),
        note=attached.maybe(note),
        files=[attached.add(data) for data in attachments] or None,
    )
    version = voice.say("proposal.amend", change, attached, [base.version])
    number = len(answer.versions) + 1
    if as_json:
        return say_json({"proposal": answer.proposal, "version": version, "number": number})
    say(f"Version {number} of '{named}' is there: {version}")
    say(f"To adopt this one: moot assent {short(version)}")
    return None
