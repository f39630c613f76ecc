"""`moot join`: ask to join a council with a ticket."""

from typing import TYPE_CHECKING

import click

from node.commands import Caller, json_option, pass_caller, passphrase_option
from node.commands._pick import wait_options

if TYPE_CHECKING:
    from node.api.answers import JoinAnswer
    from node.client import Client
    from node.ticket import Ticket

__all__ = ["command"]


@click.command("join", short_help="Ask to join a council with a ticket.")
@click.argument("ticket", nargs=-1, required=True)
@click.option("--as-name", metavar="NAME", help="The name by which the others see you; without it, that of your key.")
@click.option("--letter", metavar="TEXT", help="A few words to those who decide.")
@click.option("--no-node", is_flag=True, help="Do not list this home's node under your name.")
@wait_options("the council admits you, or the ticket is refused")
@passphrase_option
@json_option
@pass_caller
def command(
    caller: Caller,
    ticket: tuple[str, ...],
    as_name: str | None,
    letter: str | None,
    no_node: bool,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Ask to join a council with a TICKET.

    Your request goes to the nodes that the ticket names, now or as soon as one can be reached.
    The members decide; when they have admitted you, the council's whole log comes to your node.
    TICKET can also be a pass (`moot device pass`), which brings a council to a new computer of a
    member. JSON: the JoinAnswer.
    """
    from node.commands._passing import enter
    from node.commands._render import clean, say, say_json
    from node.commands._voice import connect, read_file
    from node.offer import PASS, Pass
    from node.ticket import Ticket, parse_ticket

    text = read_file("-").decode("utf-8", "replace") if ticket == ("-",) else "".join(ticket)
    parsed = Pass.parse(text) if text.strip().startswith(PASS) else parse_ticket(text)
    client = connect(caller)
    if isinstance(parsed, Ticket):
        answer = _ask(client, caller, parsed, as_name, letter, no_node, passphrase_fd)
    else:
        answer = enter(client, caller, parsed, passphrase_fd)
    if wait and answer.state != "admitted":
        answer = _wait(client, answer, seconds)
    if as_json:
        say_json(answer)
    elif answer.state == "admitted":
        say(f"You are a member of {clean(parsed.name)}. See it with: moot council show")
    else:
        if isinstance(parsed, Ticket):
            say(f"You asked to join {clean(parsed.name)}; its members decide now.")
        else:
            say(f"{clean(parsed.name)} comes to this computer as soon as one of its nodes can be reached.")
        if answer.message:
            say(clean(answer.message))
        say("Your node keeps asking; 'moot council list' shows how it stands.")


def _ask(
    client: "Client",
    caller: Caller,
    ticket: "Ticket",
    as_name: str | None,
    letter: str | None,
    no_node: bool,
    passphrase_fd: int | None,
) -> "JoinAnswer":
    from node.api.answers import JoinAnswer, JoinAsked, JoinNode
    from node.commands._voice import Attached, now, proofs, unlock
    from protocol.council.bodies import Request, enrolment_message
    from protocol.ids import operation_text, peer_text
    from protocol.keys import ENROLMENT, POSSESSION, public_key, sign
    from protocol.log.operation import Draft

    here = proofs(client, ticket.invitation)
    own, opened = unlock(caller, passphrase_fd)
    person, device = public_key(opened.person_seed), public_key(opened.device_seed)
    message = enrolment_message(ticket.invitation, person, device)
    attached = Attached.none()
    body = Request(
        person=person,
        device=device,
        grant=sign(opened.person_seed, ENROLMENT, message),
        possession=sign(opened.device_seed, POSSESSION, message),
        node=None if no_node else bytes.fromhex(here.node),
        node_possession=None if no_node else bytes.fromhex(here.node_possession),
        addresses=None if no_node else here.addresses,
        name=attached.add(as_name or own),
        letter=attached.maybe(letter),
    )
    draft = Draft(
        council=ticket.council,
        author=ticket.author,
        depth=ticket.depth + 1,
        deps=(ticket.invitation,),
        time=now(),
        kind="council.request",
        body=body.data(),
        contents=tuple(attached.contents),
    )
    nodes = [JoinNode(peer=peer_text(node.key), addresses=list(node.addresses)) for node in ticket.nodes]
    asked = JoinAsked(council=operation_text(ticket.council), nodes=nodes, envelope=draft.signed(ticket.seed).encode())
    return client.post("/v1/joining", asked, JoinAnswer)


def _wait(client: "Client", asked: "JoinAnswer", seconds: float | None) -> "JoinAnswer":
    from node.api.answers import CouncilLine, JoinAnswer, MemberAnswer
    from node.commands._follow_up import timed_out
    from node.refused import Refused

    def look() -> "JoinAnswer | None":
        # A request that came in at once, because this node holds the council, is on the roll or not.
        for line in client.get("/v1/councils", list[CouncilLine]):
            if line.council == asked.council:
                roll = client.get(f"/v1/councils/{line.council}/roll", list[MemberAnswer])
                if any(member.membership == asked.request for member in roll):
                    return JoinAnswer(request=asked.request, council=asked.council, state="admitted", message="")
        now = [one for one in client.get("/v1/joining", list[JoinAnswer]) if one.request == asked.request]
        if now and now[0].state == "refused":
            raise Refused("join", now[0].message or "The request was refused; ask for a new ticket.")
        return now[0] if now and now[0].state == "admitted" else None

    try:
        return client.wait(None, look, seconds)
    except TimeoutError as fault:
        raise timed_out("you are not admitted yet") from fault
