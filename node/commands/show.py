"""`moot show`: a proposal, a motion, a request or any operation."""

from typing import TYPE_CHECKING

import click

from node.commands import Caller, json_option, pass_caller
from node.commands._pick import council_option

if TYPE_CHECKING:
    from node.api.answers import ProposalAnswer, Resolved
    from node.client import Client

__all__ = ["command"]


@click.command("show", short_help="Show a proposal, a motion or an operation.")
@click.argument("what", required=False)
@click.option("--all", "every", is_flag=True, help="With a proposal: the text of every version.")
@click.option("--raw", is_flag=True, help="The operation itself, whatever it is.")
@click.option(
    "--wait",
    "until",
    type=click.Choice(("here", "amended", "moved", "adopted", "settled")),
    help="Wait until WHAT has come here; the proposal has another version, a motion to adopt it, or is adopted; "
    "or the motion is settled.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="With --wait: give up after N seconds (exit code 1).",
)
@click.option(
    "--save",
    nargs=2,
    type=(int, click.Path(dir_okay=False)),
    metavar="NUMBER FILE",
    help="Write attachment NUMBER to FILE.",
)
@council_option
@json_option
@pass_caller
def command(
    caller: Caller,
    what: str | None,
    every: bool,
    raw: bool,
    until: str | None,
    seconds: float | None,
    save: tuple[int, str] | None,
    council: str | None,
    as_json: bool,
) -> None:
    """Show WHAT: a proposal with its text, motions and comments; a motion; a ballot; or any operation.

    WHAT is a title, or the beginning of an id. Without it, the proposals are listed.
    JSON: proposals (list of ProposalLine); or the ProposalAnswer, MotionAnswer, BallotAnswer or OperationAnswer; or,
    with --save, file and bytes.
    """
    from node.api.answers import OperationAnswer
    from node.commands._balloting import show_ballot, wait_for
    from node.commands._pick import VERSIONS, pick_council
    from node.commands._render import say_json
    from node.commands._showing import show_motion, show_operation, show_proposal
    from node.commands._voice import connect

    client = connect(caller)
    if what is None:
        return _list(client, council, as_json)
    line = pick_council(client, council)
    path = f"/v1/councils/{line.council}"
    picked = _picked(client, what, line.council, until is not None, seconds)
    if save is not None:
        return _save(client, f"{path}/operations/{picked.id}/contents/{save[0]}", save[1], as_json)
    if picked.kind in VERSIONS and not raw:
        proposal = _proposal(client, path, picked.id, until, seconds)
        if as_json:
            say_json(proposal)
        else:
            show_proposal(proposal, every)
    elif picked.kind == "ballot.open" and not raw:
        ballot = wait_for(client, path, picked.id, None, seconds)
        if as_json:
            say_json(ballot)
        else:
            show_ballot(ballot)
    elif picked.kind == "motion.move" and not raw:
        show_motion(client, path, picked.id, until == "settled", seconds, as_json)
    else:
        operation = client.get(f"{path}/operations/{picked.id}", OperationAnswer)
        if as_json:
            say_json(operation)
        else:
            show_operation(operation)
    return None


def _list(client: "Client", council: str | None, as_json: bool) -> None:
    from node.api.answers import ProposalLine
    from node.commands._pick import pick_council
    from node.commands._render import clean, columns, one_line, say, say_json, short, when

    line = pick_council(client, council)
    proposals = client.get(f"/v1/councils/{line.council}/proposals", list[ProposalLine])
    if as_json:
        return say_json({"proposals": proposals})
    if not proposals:
        say("Nothing is proposed yet: moot propose TITLE --text TEXT")
    columns(
        [
            [
                short(one.proposal),
                one_line(one.title or "(the title is erased)", 50),
                clean(one.author.name),
                when(one.time),
                one.state,
            ]
            for one in proposals
        ]
    )


def _picked(client: "Client", what: str, council: str, wait: bool, seconds: float | None) -> "Resolved":
    from node.api.answers import Resolved
    from node.commands._follow_up import timed_out
    from node.commands._pick import pick_operation

    if wait:

        def look() -> bool | None:
            return bool(client.get("/v1/resolve", list[Resolved], what=what, council=council)) or None

        try:
            client.wait(council, look, seconds)
        except TimeoutError as fault:
            raise timed_out("nothing of that name has come here yet") from fault
    return pick_operation(client, what, council)


def _proposal(client: "Client", path: str, id_text: str, until: str | None, seconds: float | None) -> "ProposalAnswer":
    from node.api.answers import ProposalAnswer
    from node.commands._follow_up import timed_out

    def look() -> "ProposalAnswer | None":
        answer = client.get(f"{path}/proposals/{id_text}", ProposalAnswer)
        come = {
            "amended": len(answer.versions) > 1,
            "moved": any(motion.state == "open" for motion in answer.motions),
            "adopted": answer.adopted is not None,
        }
        return answer if come.get(until or "", True) else None

    if (at_once := look()) is not None:
        return at_once
    try:
        return client.wait(path.rpartition("/")[2], look, seconds)
    except TimeoutError as fault:
        raise timed_out(f"the proposal is not {until} yet") from fault


def _save(client: "Client", place: str, file: str, as_json: bool) -> None:
    from pathlib import Path

    from node.commands._render import say, say_json
    from node.refused import Refused

    pieces = b"".join(client.read(place))
    try:
        Path(file).write_bytes(pieces)
    except OSError as fault:
        raise Refused("file", f"{file} cannot be written ({fault.strerror}).") from fault
    if as_json:
        return say_json({"file": file, "bytes": len(pieces)})
    say(f"{len(pieces)} bytes are in {file}.")
    return None
