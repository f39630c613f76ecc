"""`moot assent`: sign that you agree to a motion."""

from typing import TYPE_CHECKING

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option, wait_options
from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import Resolved
    from node.commands._voice import Voice

__all__ = ["command"]


@click.command("assent", short_help="Sign that you agree to a motion.")
@click.argument("what")
@click.option("--withdraw", is_flag=True, help="Take your assent back, as long as the motion is open.")
@council_option
@wait_options("the motion takes effect or lapses")
@signing_options
@json_option
@pass_caller
def command(
    caller: Caller,
    what: str,
    withdraw: bool,
    council: str | None,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Sign that you agree.

    WHAT is a motion; or a proposal (its title will do) or a version of one, which you then agree
    to adopt; or a request to join. If nobody has moved it yet, you do. It takes effect when as
    many assent as the charter asks. JSON: the MotionAnswer.
    """
    from node.api.answers import MotionAnswer
    from node.commands._assenting import told, withdraw_assents
    from node.commands._follow_up import settled
    from node.commands._pick import VERSIONS, pick_operation
    from node.commands._render import clean, say, say_json
    from node.commands._voice import speak

    voice = speak(caller, council, passphrase_fd)
    kinds = ("motion.move", "council.request", *VERSIONS)
    picked = pick_operation(voice.client, what, voice.council.council, kinds)
    if withdraw:
        motion = withdraw_assents(voice, _motions_of(voice, picked))
    else:
        motion = _assented(voice, picked)
    if wait:
        settled(voice.client, voice.path, motion, seconds)
    answer = voice.client.get(f"{voice.path}/motions/{motion}", MotionAnswer)
    if as_json:
        say_json(answer)
    elif withdraw:
        say(f"Your assent is taken back: {answer.yes} of {answer.needed} assents to {clean(answer.words)} are left.")
    else:
        say(told(answer))


def _motions_of(voice: "Voice", picked: "Resolved") -> list[str]:
    """The motions about what was named, of which there must be one."""
    from node.api.answers import ProposalAnswer, RequestAnswer
    from node.commands._proposals import latest_of, started_from

    if picked.kind == "motion.move":
        return [picked.id]
    if picked.kind == "council.request":
        requests = voice.client.get(f"{voice.path}/requests", list[RequestAnswer])
        motions = next((one.motions for one in requests if one.request == picked.id), [])
    else:
        proposal = voice.client.get(f"{voice.path}/proposals/{picked.id}", ProposalAnswer)
        version = latest_of(proposal) if picked.id == proposal.proposal else started_from(proposal, picked.id)
        motions = version.motions
    if not motions:
        raise Refused("no-motion", "Nobody has moved that, so there is no assent to take back.")
    return motions


def _assented(voice: "Voice", picked: "Resolved") -> str:
    from node.api.answers import MotionAnswer, ProposalAnswer, RequestAnswer
    from node.commands._assenting import assent
    from node.commands._proposals import latest_of, not_withdrawn, started_from
    from protocol.council.bodies import Admit, Adopt
    from protocol.ids import parse_operation

    client, path = voice.client, voice.path
    if picked.kind == "motion.move":
        answer = client.get(f"{path}/motions/{picked.id}", MotionAnswer)
        if answer.state == "lapsed":
            raise Refused("motion-lapsed", f"That motion lapsed in epoch {answer.epoch}: {answer.why}. Move it anew.")
        return assent(voice, [picked.id])
    if picked.kind == "council.request":
        requests = client.get(f"{path}/requests", list[RequestAnswer])
        moved = next((one.motions for one in requests if one.request == picked.id), [])
        return assent(voice, moved, Admit(parse_operation(picked.id)), [picked.id])
    proposal = client.get(f"{path}/proposals/{picked.id}", ProposalAnswer)
    not_withdrawn(proposal)
    version = latest_of(proposal) if picked.id == proposal.proposal else started_from(proposal, picked.id)
    adopted = None if proposal.adopted is None else proposal.adopted.version
    motions = [client.get(f"{path}/motions/{motion}", MotionAnswer) for motion in version.motions]
    replaces = None if adopted is None else parse_operation(adopted)
    # A motion is to one change: from what is adopted now to this version.
    from_here = None if replaces is None else replaces.hex()
    fitting = [one.motion for one in motions if one.state == "open" and one.effect.get("replaces") == from_here]
    if adopted == version.version:
        fitting = [one.motion for one in motions if one.state == "effective"]
    effect = Adopt(parse_operation(proposal.proposal), parse_operation(version.version), replaces)
    needs = [proposal.proposal, version.version]
    return assent(voice, fitting, effect, needs)
