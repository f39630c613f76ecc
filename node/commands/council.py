"""`moot council`: found one, list those here, look at one."""

from typing import TYPE_CHECKING, Any

import click

from node.commands import Caller, json_option, pass_caller, passphrase_option
from node.commands._charter import ballot_terms_options
from node.commands._pick import council_option, wait_options
from node.commands._tellers import tellers
from node.refused import Refused

if TYPE_CHECKING:
    from node.client import Client

__all__ = ["command"]

_JOINING = {
    "waiting": "none of its nodes could be reached yet",
    "delivered": "its members have your request and decide",
    "refused": "refused",
}
_TEMPLATES = ("commune", "working-group", "federation")
_MATTERS = ("admission", "adoption", "charter", "erasure", "rekey", "removal", "tellers")


@click.group("council", short_help="Found a council, list yours, look at one.")
def command() -> None:
    """Found a council, list yours, look at one.

    COUNCIL is a council's name or the beginning of its id. Where a command can do without, it
    means the only one here.
    """


command.add_command(tellers)


@command.command("found")
@click.option("--template", type=click.Choice(_TEMPLATES), help="The charter to start from.  [default: commune]")
@click.option("--name", help="What the council is called.")
@click.option("--purpose", help="What it is for, in a sentence.")
@click.option(
    "--from",
    "old",
    metavar="COUNCIL",
    help="Found COUNCIL anew, when it has split and people cannot heal it: its charter and a ticket for each of its members.",
)
@click.option(
    "--tickets",
    "folder",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="With --from: write each ticket to FOLDER/NAME.ticket instead of printing it.",
)
@click.option("--min", "smallest", type=click.IntRange(min=1), help="The fewest members with which it decides.")
@click.option("--max", "largest", type=click.IntRange(min=1), help="The most members that it takes.")
@click.option("--reason", help="Why the council is smaller than 25 or larger than 50.")
@click.option("--visibility", type=click.Choice(("members", "public", "seats")), help="Who may read its log.")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="MATTER=SORT:A/B",
    help=f"How many must assent, such as adoption=at_least:2/3 or more_than:1/2. MATTER: {', '.join(_MATTERS)}.",
)
@ballot_terms_options
@click.option(
    "--nonce", metavar="HEX", help="The founding nonce for which the tellers made their offers ('moot council nonce')."
)
@click.option(
    "--teller",
    "tellers",
    multiple=True,
    metavar="OFFER",
    help="A teller's offer ('moot node teller'), instead of this node.",
)
@click.option("--as-name", metavar="NAME", help="The name by which the others see you; without it, that of your key.")
@click.option("--no-node", is_flag=True, help="Do not list this home's node under your name.")
@passphrase_option
@json_option
@pass_caller
def found(caller: Caller, /, as_json: bool, old: str | None, folder: str | None, **asked: Any) -> None:
    """Found a council: you are its first member, and this node its teller.

    A teller puts into effect what the members decide; it cannot decide anything. For a teller on
    another node, such as the hall's: take a nonce with `moot council nonce`, make the offer
    there with `moot node teller NONCE`, and give both here.
    With --from everything that was said stays in the old council's log; here it begins anew. Each
    member of its roll, as this node has it, gets a ticket of her own, and joins like anybody.
    JSON: council, name, forming, smallest, members, tickets (with --from; list of name, person, ticket).
    """
    from node.api.answers import CouncilAnswer
    from node.commands._charter import ballot_terms
    from node.commands._founding import found as do_found
    from node.commands._render import count_of, say, say_json

    if old is None and asked["name"] is None:
        raise click.UsageError("Missing option '--name'.")
    if old is None and folder is not None:
        raise click.UsageError("--tickets goes with --from: of a new council nobody is a member yet.")
    terms = ballot_terms(asked)
    if old is not None:
        from node.commands._refounding import refound

        return refound(caller, old, folder, terms, asked, as_json)
    asked["template"], asked["purpose"] = asked["template"] or "commune", asked["purpose"] or ""
    client, council = do_found(caller, terms=terms, **asked)
    answer = client.get(f"/v1/councils/{council}", CouncilAnswer)
    if as_json:
        return say_json(
            {
                "council": answer.council,
                "name": answer.name,
                "forming": answer.forming,
                "smallest": answer.smallest,
                "members": answer.members,
            }
        )
    say(f"You founded '{answer.name}': {answer.council}")
    if answer.forming:
        more = answer.smallest - answer.members
        say(
            f"It is forming: with {count_of(more, 'more member')} it can decide. Invite them: moot invite --uses {min(more, 50)}"
        )
    else:
        say("It can decide at once. Invite others: moot invite")
    return None


@command.command("nonce")
@json_option
def nonce(as_json: bool) -> None:
    """Print a fresh founding nonce, for tellers on other nodes.

    JSON: nonce (64 hex digits).
    """
    import secrets

    from node.commands._render import say, say_json

    made = secrets.token_hex(32)
    if as_json:
        say_json({"nonce": made})
    else:
        say(made)


@command.command("list")
@wait_options("every council that you asked to join is here, or your request was refused")
@json_option
@pass_caller
def list_(caller: Caller, wait: bool, seconds: float | None, as_json: bool) -> None:
    """List the councils of this node, and those that are on their way here.

    JSON: councils (list of CouncilLine), joining (of JoinAnswer).
    """
    from node.api.answers import CouncilLine, JoinAnswer
    from node.commands._follow_up import timed_out
    from node.commands._render import clean, columns, count_of, say, say_json, short
    from node.commands._voice import connect

    client = connect(caller)

    def arrived() -> bool | None:
        joining = client.get("/v1/joining", list[JoinAnswer])
        return True if all(one.state in ("admitted", "refused") for one in joining) else None

    if wait:
        try:
            client.wait(None, arrived, seconds)
        except TimeoutError as fault:
            raise timed_out("a council is still on its way") from fault
    councils = client.get("/v1/councils", list[CouncilLine])
    joining = [one for one in client.get("/v1/joining", list[JoinAnswer]) if one.state != "admitted"]
    if as_json:
        return say_json({"councils": councils, "joining": joining})
    if not councils and not joining:
        say("This node is in no council yet: found one with 'moot council found', or join with a ticket.")
    columns(
        [
            [
                clean(line.name),
                short(line.council),
                f"epoch {line.epoch}",
                count_of(line.members, "member"),
                "forming" if line.forming else "",
                "" if line.current else "comes here no more: this node is off its roll",
            ]
            for line in councils
        ]
    )
    for one in joining:
        say(
            f"joining {short(one.council)}: {_JOINING.get(one.state, one.state)}"
            + (f" ({clean(one.message)})" if one.message else "")
        )


@command.command("show")
@council_option
@json_option
@pass_caller
def show(caller: Caller, council: str | None, as_json: bool) -> None:
    """Show one council: where it stands and what is open.

    JSON: the CouncilAnswer, with proposals (list of ProposalLine), motions (of MotionAnswer), requests
    (of RequestAnswer) and ballots (of BallotLine).
    """
    import msgspec

    from node.api.answers import CouncilAnswer, MotionAnswer, ProposalLine, RequestAnswer
    from node.api.ballot_answers import BallotLine
    from node.commands._render import clean, count_of, one_line, say, say_json, short, when

    client, path = _here(caller, council)
    answer = client.get(path, CouncilAnswer)
    proposals = client.get(f"{path}/proposals", list[ProposalLine])
    motions = client.get(f"{path}/motions", list[MotionAnswer])
    requests = client.get(f"{path}/requests", list[RequestAnswer])
    ballots = client.get(f"{path}/ballots", list[BallotLine])
    if as_json:
        shown = msgspec.to_builtins(answer)
        parts = {"proposals": proposals, "motions": motions, "requests": requests, "ballots": ballots}
        return say_json({**shown, **parts})
    say(f"{clean(answer.name)}  {answer.council}")
    if answer.purpose:
        say(f"  {one_line(answer.purpose, 200)}")
    forming = f", forming: it decides from {answer.smallest} on" if answer.forming else ""
    away = f", {answer.absent} absent" if answer.absent else ""
    say(f"Epoch {answer.epoch}, {count_of(answer.members, 'member')}{away} (at most {answer.largest}){forming}.")
    say(f"{count_of(answer.operations, 'operation')}, state {answer.state_digest[:16]}")
    for teller in answer.tellers:
        away = "" if teller.connected else ", not reached now"
        if away and len(answer.tellers) == 1:
            away += ": what is decided takes effect when it is"
        say(f"Teller: {'this node' if teller.here else teller.peer}{away}")
        if teller.silent:
            say(f"Warning: {teller.silent}. If you know that nothing is missing: moot node resume")
        if teller.astray:
            say(f"Warning: {teller.astray}.")
    for office in answer.offices:
        say(f"{one_line(office.office)}: {', '.join(clean(holder.name) for holder in office.members)}")
    if answer.rivals:
        say(f"Warning: {count_of(answer.rivals, 'operation')} of another branch; see 'moot council branch'.")
    for request in requests:
        asks = "is moved" if request.motions else "nobody has moved it"
        say(f"Asks to join: {clean(request.name)} ({short(request.request)}), {asks}")
    for motion in motions:
        if motion.state == "open":
            say(
                f"Open motion {short(motion.motion)}: {one_line(motion.words)}, {motion.yes} of {motion.needed} assents"
            )
    for ballot in ballots:
        if ballot.state not in ("certified", "declined"):
            named = one_line(ballot.title or "(title erased)")
            say(f"Ballot {short(ballot.ballot)}: '{named}' until {when(ballot.deadline)}, {clean(ballot.words)}")
    for proposal in proposals:
        named = one_line(proposal.title or "(title erased)")
        say(f"Proposal {short(proposal.proposal)}: '{named}' by {clean(proposal.author.name)}, {proposal.state}")


@command.command("roll")
@council_option
@json_option
@pass_caller
def roll(caller: Caller, council: str | None, as_json: bool) -> None:
    """List the members.

    JSON: members (list of MemberAnswer).
    """
    from node.api.answers import MemberAnswer
    from node.commands._render import clean, columns, count_of, say_json, short

    client, path = _here(caller, council)
    members = client.get(f"{path}/roll", list[MemberAnswer])
    if as_json:
        return say_json({"members": members})
    columns(
        [
            [
                clean(member.name),
                member.person,
                short(member.membership),
                count_of(len(member.devices), "device"),
                "absent" if member.absent else "",
            ]
            for member in members
        ]
    )


@command.command("petname")
@click.argument("member")
@click.argument("name", required=False)
@council_option
@pass_caller
def petname(caller: Caller, member: str, name: str | None, council: str | None) -> None:
    """Call MEMBER by NAME on this computer from now on; without NAME, by her own name again.

    A petname is yours alone: nobody else sees it, and nobody else can take it.
    """
    from node.api.answers import Accepted, PetnameAsked
    from node.commands._pick import pick_council, pick_member
    from node.commands._render import clean, say
    from node.commands._voice import connect

    client = connect(caller)
    who = pick_member(client, pick_council(client, council).council, member)
    client.put(f"/v1/petnames/{who.person}", PetnameAsked(name=name), Accepted)
    say(
        f"{clean(who.name)} is {clean(name)} here from now on."
        if name
        else f"{clean(who.name)} has no petname here any more."
    )


@command.command("charter")
@council_option
@json_option
@pass_caller
def charter(caller: Caller, council: str | None, as_json: bool) -> None:
    """Show the charter: the council's own rules.

    JSON: the CharterAnswer.
    """
    from node.api.answers import CharterAnswer, MemberAnswer
    from node.commands._charter import terms_words
    from node.commands._render import clean, columns, say, say_json

    client, path = _here(caller, council)
    answer = client.get(f"{path}/charter", CharterAnswer)
    if as_json:
        return say_json(answer)
    rules = answer.charter
    size = rules["size"]
    say(f"{clean(rules['name'])} (from the template {clean(rules['template'])})")
    if rules["purpose"]:
        say(f"  {clean(rules['purpose'])}")
    say(f"Members: {size['min']} to {size['max']}" + (f" ({clean(size['reason'])})" if size.get("reason") else ""))
    say(f"Who may read the log: {rules['visibility']}")
    say("Who must assent:")
    columns([[f"  {matter}", words] for matter, words in answer.words.items()])
    roll = client.get(f"{path}/roll", list[MemberAnswer])
    who = {member.membership: clean(member.name) for member in roll}
    for sentence in terms_words(rules, lambda member: who.get(member, "somebody who is no member")):
        say(clean(sentence))
    say(f"Tellers: profile {rules['tellers']}. A motion lapses after {rules['durations']['motion_epochs']} epochs.")
    say(f"Digest: {answer.digest}")


@command.command("epochs")
@council_option
@json_option
@pass_caller
def epochs(caller: Caller, council: str | None, as_json: bool) -> None:
    """List every step that the council took, and what each changed.

    JSON: epochs (list of EpochAnswer).
    """
    from node.api.answers import EpochAnswer
    from node.commands._render import clean, count_of, say, say_json, when

    client, path = _here(caller, council)
    answer = client.get(f"{path}/epochs", list[EpochAnswer])
    if as_json:
        return say_json({"epochs": answer})
    for epoch in answer:
        say(f"Epoch {epoch.number}  {when(epoch.time)}  {epoch.digest[:16]}")
        if not epoch.number:
            say("  the council was founded")
        for effect in epoch.effects:
            by = f" ({count_of(len(effect.assents), 'assent')})" if effect.assents else ""
            say(f"  {clean(effect.words)}{by}")


@command.command("branch")
@click.option("--choose", metavar="DIGEST", help="Follow this epoch, and leave the one that is followed now.")
@council_option
@json_option
@pass_caller
def branch(caller: Caller, choose: str | None, council: str | None, as_json: bool) -> None:
    """Show the epochs of other branches that were seen, and choose one of them.

    A node never leaves its branch by itself, whoever signed another one. If the council has
    parted ways, talk to each other first; then everybody who changes sides says so here, and
    starts the node again. What was said on the branch that is left stays on the disk beside the log.
    JSON: epoch, digest, rivals (list of RivalAnswer).
    """
    from node.api.answers import CouncilAnswer, RivalAnswer
    from node.commands._render import say, say_json, short

    client, path = _here(caller, council)
    if choose is not None:
        _choose(client, path, choose)
        if not as_json:
            say("Noted. It takes effect when the node starts next: moot node stop, then moot node start.")
    answer = client.get(path, CouncilAnswer)
    rivals = client.get(f"{path}/rivals", list[RivalAnswer])
    if as_json:
        return say_json({"epoch": answer.epoch, "digest": answer.epoch_digest, "rivals": rivals})
    say(f"This node follows epoch {answer.epoch}, {answer.epoch_digest}")
    if not rivals:
        say("No other branch was seen.")
    for rival in rivals:
        say(f"Rival epoch {rival.number}: {rival.digest} (kept as {short(rival.operation)})")


def _choose(client: "Client", path: str, digest: str) -> None:
    from node.api.answers import Accepted, BranchAsked, RivalAnswer

    rivals = client.get(f"{path}/rivals", list[RivalAnswer])
    found = [rival for rival in rivals if rival.digest.startswith(digest.casefold())]
    if len(found) != 1:
        raise Refused("unknown-branch", f"{len(found)} of the rival epochs seen here begin with {digest!r}; name one.")
    client.post(f"{path}/branch", BranchAsked(digest=found[0].digest), Accepted)


def _here(caller: Caller, council: str | None) -> "tuple[Client, str]":
    """The client, and where the API keeps the council that is meant."""
    from node.commands._pick import pick_council
    from node.commands._voice import connect

    client = connect(caller)
    return client, f"/v1/councils/{pick_council(client, council).council}"
