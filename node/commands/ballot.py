"""`moot ballot`: ask everybody by a deadline, vote, and see what came of it."""

from typing import TYPE_CHECKING, Any

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._charter import class_options
from node.commands._pick import council_option, wait_options
from node.commands.remind import command as remind
from node.refused import Refused

if TYPE_CHECKING:
    from node.api.ballot_answers import CastDraft
    from node.commands._voice import Attached, Voice

__all__ = ["command"]


@click.group("ballot", short_help="Ask everybody by a deadline, and vote.")
def command() -> None:
    """Ask everybody by a deadline, vote, and see what came of it.

    BALLOT is a ballot's title or the beginning of its id. A ballot pins the roll, the texts and the
    tellers of the moment it is opened; its result is certified by the tellers, and anybody can
    check it.
    """


command.add_command(remind, "remind")


@command.command("open")
@click.argument("title")
@click.option(
    "--in", "within", metavar="SPAN", help="How long people can vote from now on, such as 30m, 2h, 3d or 1d12h."
)
@click.option("--deadline", metavar="TIME", help='Until when, local time, such as "2026-12-01 20:00".')
@click.option(
    "--rule", metavar="RULE", help="How it is counted, such as approval/1; without options, majority-simple/1."
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="TEXT",
    help="Something to choose from, with its cost where money is shared out, such as Bench=300; may be repeated.",
)
@click.option("--seats", type=click.IntRange(1, 500), default=1, show_default=True, help="How many are chosen.")
@click.option(
    "--setting",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the rule, such as threshold=at_least:2/3, best=5 or budget=1000; may be repeated.",
)
@click.option("--text", metavar="TEXT", help="What people should know.")
@click.option("--proposal", metavar="PROPOSAL", help="The proposal it is about; its latest version is voted on.")
@click.option("--adopt", is_flag=True, help="With --proposal: a yes adopts that version.")
@click.option("--admit", metavar="WHO", help="A yes admits WHO, who asks to join.")
@click.option("--remove", metavar="MEMBER", help="A yes removes MEMBER.")
@click.option("--motion", metavar="MOTION", help="A yes does what this motion would do.")
@click.option("--elect", metavar="OFFICE", help="Whoever is chosen holds OFFICE; every option is then a member.")
@click.option("--everybody", is_flag=True, help="Every member is an option, such as for a lot among all.")
@click.option("--hidden", is_flag=True, help="Votes stay hidden until the close; only the tellers see them before.")
@click.option(
    "--weight",
    "weights",
    multiple=True,
    metavar="MEMBER=WEIGHT",
    help="MEMBER's vote weighs that, such as 2 or 1/3; the others' weigh 1.",
)
@class_options
@council_option
@wait_options("enough tellers have accepted it")
@signing_options
@json_option
@pass_caller
def open_(
    caller: Caller,
    /,
    title: str,
    text: str | None,
    council: str | None,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Ask the council a question, TITLE, until a deadline.

    Without options it is a question to be answered by yes, no or abstain (by agree, abstain,
    disagree or block with --rule consent). With --class the roll is divided, where the charter does
    not say how: each class has to adopt the question too, or with --share votes weigh by the
    shares. With --rule sortition nobody votes: lots are drawn at the deadline. JSON: the
    BallotAnswer.
    """
    from node.commands._balloting import left, quoted, wait_for
    from node.commands._opening import open_ballot
    from node.commands._render import clean, say, say_json, short, when
    from node.commands._voice import speak

    if (asked["within"] is None) == (asked["deadline"] is None):
        raise click.UsageError("Give the deadline with --in SPAN or with --deadline TIME.")
    if not title.strip():
        raise Refused("title", "A ballot needs a title: the question.")
    voice = speak(caller, council, passphrase_fd)
    ballot = open_ballot(voice, title, text, asked)
    answer = wait_for(voice.client, voice.path, ballot, "accepted" if wait else None, seconds)
    if as_json:
        return say_json(answer)
    say(f"Your ballot {quoted(answer.title)} is there: {ballot}")
    if answer.drawn:
        say(f"Lots are drawn at {when(answer.deadline)} ({left(answer.deadline)}), from the tellers' numbers.")
    else:
        say(f"{answer.people} may vote until {when(answer.deadline)} ({left(answer.deadline)}):")
        say(f"  moot ballot cast {short(ballot)} {answer.question.how}")
    if answer.effect_words:
        say(f"{'If it is adopted' if answer.question.answers else 'Then'}: {clean(answer.effect_words)}.")
    say(
        "Its tellers have accepted it."
        if answer.state != "waiting"
        else f"Its tellers have to accept it; 'moot ballot show {short(ballot)}' says whether they have."
    )


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are over too.")
@council_option
@json_option
@pass_caller
def list_(caller: Caller, everything: bool, council: str | None, as_json: bool) -> None:
    """List the ballots that are running, the next deadline first.

    JSON: ballots (list of BallotLine).
    """
    from node.api.ballot_answers import BallotLine
    from node.commands._balloting import list_ballots
    from node.commands._pick import pick_council
    from node.commands._render import say, say_json
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    ballots = [
        ballot
        for ballot in client.get(f"/v1/councils/{line.council}/ballots", list[BallotLine])
        if everything or ballot.state not in ("certified", "declined")
    ]
    if as_json:
        return say_json({"ballots": ballots})
    if not ballots:
        say("No ballot is running." if not everything else "There was no ballot yet.")
    list_ballots(ballots)


@command.command("show")
@click.argument("ballot", required=False)
@click.option(
    "--wait",
    "until",
    type=click.Choice(("here", "accepted", "certified", "final")),
    help="Wait until the ballot has come here, enough tellers accepted it, its result is certified, or beyond recall.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="With --wait: give up after N seconds (exit code 1).",
)
@council_option
@json_option
@pass_caller
def show(
    caller: Caller, ballot: str | None, until: str | None, seconds: float | None, council: str | None, as_json: bool
) -> None:
    """Show a ballot: what is asked, where every vote stands, the result. Without BALLOT, the one that runs.

    A vote is first `cast`; then `with 3 of 4 tellers, on time`; `closed` after the deadline; and
    `certified` with the result. Once an epoch builds on the certificate it is beyond recall.
    JSON: the BallotAnswer.
    """
    from node.commands._balloting import pick_ballot, show_ballot, wait_for
    from node.commands._pick import pick_council
    from node.commands._render import say_json
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    if until is not None and ballot is not None:
        _await(client, line.council, ballot, seconds)
    id_text = pick_ballot(client, line.council, ballot)
    answer = wait_for(client, f"/v1/councils/{line.council}", id_text, until, seconds)
    if as_json:
        say_json(answer)
    else:
        show_ballot(answer)


def _await(client: Any, council: str, ballot: str, seconds: float | None) -> None:
    """Wait until a ballot of that name has come here."""
    from node.api.answers import Resolved
    from node.commands._follow_up import timed_out

    def look() -> bool | None:
        found = client.get("/v1/resolve", list[Resolved], what=ballot, council=council, kind="ballot")
        return any(one.kind == "ballot.open" for one in found) or None

    if look() is None:
        try:
            client.wait(council, look, seconds)
        except TimeoutError as fault:
            raise timed_out("no ballot of that name has come here yet") from fault


@command.command("cast")
@click.argument("ballot")
@click.argument("choice")
@click.option("--reason", metavar="TEXT", help="Why; the others read it.")
@council_option
@wait_options("enough tellers have said that they have it, on time")
@signing_options
@json_option
@pass_caller
def cast(
    caller: Caller,
    ballot: str,
    choice: str,
    reason: str | None,
    council: str | None,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Vote, or change your vote: the latest before the deadline counts.

    CHOICE is an answer (yes, no, abstain; or agree, abstain, disagree, block); a ranking such as
    "B > A = C"; options such as "A, B"; or grades or points such as "A=5, B=3". Options are
    named by name, its beginning, or number. JSON: ballot, cast, revision, choice, stands.
    """
    from node.api.ballot_answers import BallotAnswer, CastAsked, CastDraft
    from node.ballots.choice import choice_of, choice_words
    from node.commands._balloting import pick_ballot, quoted
    from node.commands._render import clean, say, say_json, when
    from node.commands._voice import Attached, speak
    from protocol.ids import parse_operation
    from protocol.tellers.question import Question

    voice = speak(caller, council, passphrase_fd)
    id_text = pick_ballot(voice.client, voice.council.council, ballot)
    place = f"{voice.path}/ballots/{id_text}"
    # Whether it can count at all is the node's to say; what it chooses stays here if it is hidden.
    draft = voice.client.post(f"{place}/draft", CastAsked(membership=voice.me.membership), CastDraft)
    answer = voice.client.get(place, BallotAnswer)
    asked = answer.question
    question = Question(asked.rule, asked.options, asked.seats, asked.settings)
    chosen = choice_of(question, choice)
    if reason and draft.hidden:
        raise Refused(
            "cast-reason", "Votes are hidden until the close, and a reason would be read before; leave it out."
        )
    attached = Attached.none()
    why = attached.maybe(reason)
    body = _body(draft, parse_operation(id_text), chosen, attached, why)
    said = voice.say("ballot.cast", body, attached, draft.needs)
    stands = _stands(voice, place, said, answer.needed if wait else 0, seconds)
    if as_json:
        return say_json(
            {"ballot": id_text, "cast": said, "revision": draft.revision, "choice": chosen, "stands": stands}
        )
    again = "Your vote is changed" if draft.revision else "You voted"
    say(f"{again} in {quoted(answer.title)}: {clean(choice_words(question, chosen))}")
    if draft.hidden:
        say("It is sealed: until the close only the tellers can read it.")
    say(f"It stands as: {clean(stands)}. Until {when(answer.deadline)} you can change it: cast again.")


def _body(draft: "CastDraft", ballot: bytes, choice: Any, attached: "Attached", reason: int | None) -> Any:
    import secrets

    from protocol.council.ballot_bodies import CastBody
    from protocol.errors import Misuse
    from protocol.ids import parse_operation, parse_person
    from protocol.tellers.box import SALT, commitment, seal_boxes

    replaces = None if draft.replaces is None else parse_operation(draft.replaces)
    if not draft.hidden:
        return CastBody(ballot, draft.revision, choice, replaces=replaces, reason=reason)
    salt = secrets.token_bytes(SALT)
    try:
        boxes = seal_boxes(tuple(parse_person(teller) for teller in draft.tellers), salt, choice)
    except Misuse as fault:
        raise Refused("cast-length", "So long a choice cannot be hidden: rank or name fewer options.") from fault
    return CastBody(
        ballot,
        draft.revision,
        replaces=replaces,
        commitment=commitment(salt, choice),
        boxes=attached.part(boxes),
        reason=reason,
    )


def _stands(voice: "Voice", place: str, cast: str, tellers: int, seconds: float | None) -> str:
    """Where the cast stands, once so many tellers have it."""
    from node.api.ballot_answers import BallotAnswer
    from node.commands._follow_up import timed_out

    def look() -> str | None:
        answer = voice.client.get(place, BallotAnswer)
        mine = next((v.cast for v in answer.votes if v.cast is not None and v.cast.cast == cast), None)
        if mine is None:
            return "cast" if not tellers else None
        over = answer.state in ("certified", "declined")
        return mine.stands if mine.seen >= tellers or over else None

    if (at_once := look()) is not None:
        return at_once
    try:
        return voice.client.wait(voice.council.council, look, seconds)
    except TimeoutError as fault:
        raise timed_out("too few tellers have said that they have your vote") from fault


@command.command("support")
@click.argument("proposal")
@council_option
@signing_options
@json_option
@pass_caller
def support(caller: Caller, proposal: str, council: str | None, passphrase_fd: int | None, as_json: bool) -> None:
    """Say that you want a ballot on PROPOSAL.

    Where the charter asks for supporters, somebody can open the ballot once there are enough.
    JSON: proposal, supports (list of SupportAnswer), needed.
    """
    from node.api.answers import CharterAnswer, ProposalAnswer
    from node.api.ballot_answers import SupportAnswer
    from node.commands._pick import VERSIONS, pick_operation
    from node.commands._render import one_line, say, say_json, short
    from node.commands._voice import speak
    from protocol.council.ballot_bodies import Support
    from protocol.ids import parse_operation

    voice = speak(caller, council, passphrase_fd)
    picked = pick_operation(voice.client, proposal, voice.council.council, VERSIONS)
    answer = voice.client.get(f"{voice.path}/proposals/{picked.id}", ProposalAnswer)
    place = f"{voice.path}/proposals/{answer.proposal}/supports"
    given = voice.client.get(place, list[SupportAnswer])
    if all(one.member.membership != voice.me.membership for one in given):
        voice.say("ballot.support", Support(parse_operation(answer.proposal)), needs=[answer.proposal])
        given = voice.client.get(place, list[SupportAnswer])
    needed = voice.client.get(f"{voice.path}/charter", CharterAnswer).charter["ballots"]["supporters"]
    if as_json:
        return say_json({"proposal": answer.proposal, "supports": given, "needed": needed})
    title = one_line(answer.title or "")
    say(f"{len(given)} of the {needed} that the charter wants ask for a ballot on '{title}'.")
    if len(given) >= needed:
        say(f"Anybody of them can open it: moot ballot open QUESTION --proposal {short(answer.proposal)} --in 2d")
