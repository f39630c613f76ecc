"""`moot motion`: move that the council decide something, and see what is moved."""

from typing import TYPE_CHECKING, Any

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._charter import ballot_terms_options, class_options
from node.commands._pick import council_option, wait_options
from node.refused import Refused

if TYPE_CHECKING:
    from node.commands._voice import Voice

__all__ = ["command"]


@click.group("motion", short_help="Move that the council decide something.")
def command() -> None:
    """Move that the council decide something, and see what is moved.

    Moving is also assenting. To admit or remove people use `moot admit` and `moot remove`; to
    adopt a text, `moot assent PROPOSAL`.
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Settled motions too.")
@click.option("--wait-for", type=click.IntRange(min=1), metavar="N", help="Wait until so many are listed.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="With --wait-for: give up after N seconds (exit code 1).",
)
@council_option
@json_option
@pass_caller
def list_(
    caller: Caller, everything: bool, wait_for: int | None, seconds: float | None, council: str | None, as_json: bool
) -> None:
    """List the open motions.

    JSON: motions (list of MotionAnswer).
    """
    from node.api.answers import MotionAnswer
    from node.commands._follow_up import timed_out
    from node.commands._pick import pick_council
    from node.commands._render import clean, columns, one_line, say, say_json, short
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)

    def look() -> list[MotionAnswer] | None:
        motions = client.get(f"/v1/councils/{line.council}/motions", list[MotionAnswer])
        wanted = [motion for motion in motions if everything or motion.state == "open"]
        return wanted if len(wanted) >= (wait_for or 0) else None

    motions = look()
    if motions is None:
        try:
            motions = client.wait(line.council, look, seconds)
        except TimeoutError as fault:
            raise timed_out(f"fewer than {wait_for} motions are there") from fault
    if as_json:
        return say_json({"motions": motions})
    if not motions:
        say("Nothing is moved.")
    columns(
        [
            [
                short(motion.motion),
                f"{motion.yes} of {motion.needed}" if motion.state == "open" else motion.state,
                clean(motion.mover.name),
                one_line(motion.words),
            ]
            for motion in motions
        ]
    )


@command.command("show")
@click.argument("motion")
@council_option
@wait_options("the motion takes effect or lapses")
@json_option
@pass_caller
def show(caller: Caller, motion: str, council: str | None, wait: bool, seconds: float | None, as_json: bool) -> None:
    """Show a motion and how it stands.

    JSON: the MotionAnswer.
    """
    from node.commands._pick import pick_council, pick_operation
    from node.commands._showing import show_motion
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    picked = pick_operation(client, motion, line.council, ("motion.move",))
    show_motion(client, f"/v1/councils/{line.council}", picked.id, wait, seconds, as_json)


_reason = click.option("--reason", metavar="TEXT", help="Why; the others read it.")


@command.command("charter")
@click.option("--name", help="Another name.")
@click.option("--purpose", help="Another purpose.")
@click.option("--min", "smallest", type=click.IntRange(min=1), help="The fewest members with which it decides.")
@click.option("--max", "largest", type=click.IntRange(min=1), help="The most members that it takes.")
@click.option("--size-reason", help="Why the council is smaller than 25 or larger than 50.")
@click.option("--visibility", type=click.Choice(("members", "public", "seats")), help="Who may read its log.")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="MATTER=SORT:A/B",
    help="How many must assent, such as adoption=at_least:2/3.",
)
@click.option("--motion-epochs", type=click.IntRange(min=1), help="After how many epochs an open motion lapses.")
@ballot_terms_options
@class_options
@click.option("--no-classes", is_flag=True, help="The roll is not divided into classes any more.")
@_reason
@council_option
@wait_options("the council has decided")
@signing_options
@json_option
@pass_caller
def charter(caller: Caller, /, council: str | None, passphrase_fd: int | None, **asked: Any) -> None:
    """Move that the charter be changed; what is not named stays.

    With --class the roll is divided: each class has to adopt a question too, or with --share votes
    weigh by the shares of the classes. JSON: the MotionAnswer.
    """
    from node.api.answers import CharterAnswer
    from node.ballots.classes import classes_of
    from node.commands._charter import ballot_terms, changed
    from node.commands._pick import pick_member
    from node.commands._voice import speak
    from protocol.council.bodies import CharterChange

    terms = ballot_terms(asked)
    voice = speak(caller, council, passphrase_fd)
    old = voice.client.get(f"{voice.path}/charter", CharterAnswer)
    if asked["no_classes"] and asked["classes"]:
        raise click.UsageError("Either the roll is divided with --class, or not any more, with --no-classes.")
    classes = classes_of(
        asked["classes"],
        asked["shares"],
        lambda who: pick_member(voice.client, voice.council.council, who).membership,
    )
    if classes is not None or asked["no_classes"]:
        terms["ballots"] = {**terms["ballots"], "classes": classes}
    new = changed(
        old.charter,
        name=asked["name"],
        purpose=asked["purpose"],
        smallest=asked["smallest"],
        largest=asked["largest"],
        size_reason=asked["size_reason"],
        visibility=asked["visibility"],
        thresholds=asked["thresholds"],
        motion_epochs=asked["motion_epochs"],
        terms=terms,
    )
    if new.digest().hex() == old.digest:
        raise click.UsageError("Name at least one thing that is to change.")
    _moved(voice, CharterChange(new.data(), bytes.fromhex(old.digest)), (), asked)


@command.command("tellers")
@click.argument("offers", nargs=-1, required=True, metavar="OFFER...")
@_reason
@council_option
@wait_options("the council has decided")
@signing_options
@json_option
@pass_caller
def tellers(
    caller: Caller, /, offers: tuple[str, ...], council: str | None, passphrase_fd: int | None, **asked: Any
) -> None:
    """Move that other nodes become the tellers.

    Each OFFER comes from the node that is to be one: `moot node teller COUNCIL-ID`.
    JSON: the MotionAnswer.
    """
    from node.api.answers import CouncilAnswer
    from node.commands._founding import profile_for
    from node.commands._voice import speak
    from node.offer import TellerOffer
    from protocol.council.bodies import TellersChange

    parsed = [TellerOffer.parse(text) for text in offers]
    profile = profile_for(len(parsed))
    voice = speak(caller, council, passphrase_fd)
    for offer in parsed:
        if offer.context != voice.council_id:
            raise Refused("teller-context", "An offer was made for another council; ask for one for this council's id.")
    now = voice.client.get(voice.path, CouncilAnswer)
    keys = [offer.teller for offer in parsed]
    _moved(voice, TellersChange(profile, keys, bytes.fromhex(now.tellers_digest)), (), asked)


@command.command("rekey")
@click.argument("offer")
@_reason
@council_option
@wait_options("the council has decided")
@signing_options
@json_option
@pass_caller
def rekey(caller: Caller, /, offer: str, council: str | None, passphrase_fd: int | None, **asked: Any) -> None:
    """Move that a member who lost her key get a new one.

    OFFER is what she made on her new computer with `moot device offer`. Her membership stays; all
    devices of the old key end. Make sure that it is really she who asks. When it is decided,
    `moot device pass OFFER` makes what brings the council to her computer. JSON: the MotionAnswer.
    """
    from node.api.answers import MemberAnswer
    from node.commands._voice import speak
    from node.offer import DeviceOffer
    from protocol.council.bodies import Rekey
    from protocol.ids import operation_text, parse_person

    parsed = DeviceOffer.parse(offer)
    voice = speak(caller, council, passphrase_fd)
    roll = voice.client.get(f"{voice.path}/roll", list[MemberAnswer])
    wanted = operation_text(parsed.membership)
    member = next((one for one in roll if one.membership == wanted), None)
    if member is None:
        raise Refused("unknown-member", "The offer is for a membership that is not on this council's roll.")
    if parse_person(member.person) == parsed.person:
        raise Refused("rekey-same", "The offer is by the same key; that is a new device: 'moot device enrol OFFER'.")
    effect = Rekey(
        membership=parsed.membership,
        person=parsed.person,
        device=parsed.device,
        grant=parsed.grant,
        possession=parsed.possession,
        replaces=parse_person(member.person),
    )
    _moved(voice, effect, (), asked)


@command.command("adopt")
@click.argument("proposal")
@_reason
@council_option
@wait_options("the council has decided")
@signing_options
@json_option
@pass_caller
def adopt(caller: Caller, /, proposal: str, council: str | None, passphrase_fd: int | None, **asked: Any) -> None:
    """Move that a proposal, or one version of it, be adopted.

    `moot assent PROPOSAL` does the same, and assents where somebody has moved it already.
    JSON: the MotionAnswer.
    """
    from node.api.answers import ProposalAnswer
    from node.commands._pick import VERSIONS, pick_operation
    from node.commands._proposals import latest_of, not_withdrawn, started_from
    from node.commands._voice import speak
    from protocol.council.bodies import Adopt
    from protocol.ids import parse_operation

    voice = speak(caller, council, passphrase_fd)
    picked = pick_operation(voice.client, proposal, voice.council.council, VERSIONS)
    answer = voice.client.get(f"{voice.path}/proposals/{picked.id}", ProposalAnswer)
    not_withdrawn(answer)
    version = latest_of(answer) if picked.id == answer.proposal else started_from(answer, picked.id)
    replaces = None if answer.adopted is None else parse_operation(answer.adopted.version)
    effect = Adopt(parse_operation(answer.proposal), parse_operation(version.version), replaces)
    _moved(voice, effect, (answer.proposal, version.version), asked)


@command.command("erase")
@click.argument("operation")
@click.argument("attachment", type=click.IntRange(min=0))
@_reason
@council_option
@wait_options("the council has decided")
@signing_options
@json_option
@pass_caller
def erase(
    caller: Caller, /, operation: str, attachment: int, council: str | None, passphrase_fd: int | None, **asked: Any
) -> None:
    """Move that an attachment of somebody's OPERATION be erased.

    ATTACHMENT is its number, as `moot show OPERATION --raw` lists them. One's own words one
    erases with `moot erase`. JSON: the MotionAnswer.
    """
    from node.api.answers import OperationAnswer
    from node.commands._pick import pick_operation
    from node.commands._voice import speak
    from protocol.council.bodies import Erase
    from protocol.ids import parse_operation

    voice = speak(caller, council, passphrase_fd)
    picked = pick_operation(voice.client, operation, voice.council.council)
    answer = voice.client.get(f"{voice.path}/operations/{picked.id}", OperationAnswer)
    state = {content.index: content.state for content in answer.contents if content.sort == "attachment"}
    if attachment not in state:
        raise Refused("erase-nothing", "It has no such attachment; 'moot show OPERATION --raw' lists what it has.")
    if state[attachment] == "erased":
        raise Refused("erased", "That is erased already.")
    _moved(voice, Erase(parse_operation(picked.id), attachment), (picked.id,), asked)


@command.command("office")
@click.argument("office")
@click.argument("members", nargs=-1, metavar="[MEMBER]...")
@_reason
@council_option
@wait_options("the council has decided")
@signing_options
@json_option
@pass_caller
def office(
    caller: Caller,
    /,
    office: str,
    members: tuple[str, ...],
    council: str | None,
    passphrase_fd: int | None,
    **asked: Any,
) -> None:
    """Move that these members, and nobody else, hold OFFICE; without any, that nobody does.

    `moot ballot open --elect OFFICE` elects them instead. JSON: the MotionAnswer.
    """
    from node.api.answers import CouncilAnswer
    from node.commands._pick import pick_member
    from node.commands._voice import speak
    from protocol.council.bodies import Office
    from protocol.ids import parse_operation

    voice = speak(caller, council, passphrase_fd)
    held = {one.office.casefold(): one for one in voice.client.get(voice.path, CouncilAnswer).offices}
    named = " ".join(office.split())
    if not 0 < len(named) <= 80:
        raise Refused("office", "Name the office in 1 to 80 letters.")
    before = held.get(named.casefold())
    chosen = [pick_member(voice.client, voice.council.council, who).membership for who in members]
    if len(set(chosen)) != len(chosen):
        raise Refused("office", "Somebody is named twice; name each member once.")
    if chosen == ([] if before is None else [member.membership for member in before.members]):
        who = "nobody holds" if not chosen else "they hold"
        raise Refused("office", f"That is so already: {who} that office.")
    # One office under two spellings would be two.
    effect = Office(named if before is None else before.office, [parse_operation(member) for member in chosen])
    _moved(voice, effect, (), asked)


@command.command("withdraw")
@click.argument("motion")
@council_option
@signing_options
@json_option
@pass_caller
def withdraw(caller: Caller, motion: str, council: str | None, passphrase_fd: int | None, as_json: bool) -> None:
    """Take back your assent to a motion, or your own motion.

    A motion stays open for the others who assented. JSON: the MotionAnswer.
    """
    from node.api.answers import MotionAnswer
    from node.commands._assenting import withdraw_assents
    from node.commands._pick import pick_operation
    from node.commands._render import clean, say, say_json
    from node.commands._voice import speak

    voice = speak(caller, council, passphrase_fd)
    picked = pick_operation(voice.client, motion, voice.council.council, ("motion.move",))
    withdraw_assents(voice, [picked.id])
    answer = voice.client.get(f"{voice.path}/motions/{picked.id}", MotionAnswer)
    if as_json:
        say_json(answer)
    else:
        say(f"Your assent is taken back: {answer.yes} of {answer.needed} assents to {clean(answer.words)} are left.")


def _moved(voice: "Voice", effect: Any, needs: tuple[str, ...], asked: dict[str, Any]) -> None:
    """Move `effect` and say how it stands."""
    from node.api.answers import MotionAnswer
    from node.commands._assenting import move, told
    from node.commands._follow_up import settled
    from node.commands._render import say, say_json

    motion = move(voice, effect, needs, asked["reason"])
    if asked["wait"]:
        settled(voice.client, voice.path, motion, asked["seconds"])
    answer = voice.client.get(f"{voice.path}/motions/{motion}", MotionAnswer)
    if asked["as_json"]:
        say_json(answer)
    else:
        say(told(answer))
