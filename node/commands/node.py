"""`moot node`: run this home's node, and see how it fares."""

import click

from node.commands import Caller, json_option, pass_caller

__all__ = ["command"]


@click.group("node", short_help="Run this home's node and see how it fares.")
def command() -> None:
    """Run this home's node and see how it fares.

    The node keeps the logs of your councils and exchanges them with other members' nodes. It
    never holds anybody's secret key.
    """


@command.command("status")
@json_option
@pass_caller
def status(caller: Caller, as_json: bool) -> None:
    """Show how the running node fares.

    JSON: the node's answer (docs/reference/json.md).
    """
    from node.api.answers import NodeAnswer
    from node.commands._render import clean, count_of, say, say_json, when
    from node.commands._voice import connect

    answer = connect(caller).get("/v1/node", NodeAnswer)
    if as_json:
        return say_json(answer)
    say(f"The node runs since {when(answer.started)} (process {answer.pid}, home {answer.home}).")
    say(f"PeerId: {answer.peer}")
    for address in answer.addresses:
        say(f"Reached at: {address}/p2p/{answer.peer}")
    say(f"{count_of(answer.connected, 'peer')} connected, {answer.storage / 1_000_000:.1f} MB on disk.")
    for line in answer.councils:
        say(
            f"{clean(line.name)}: epoch {line.epoch}, {count_of(line.members, 'member')}, {count_of(line.operations, 'operation')}"
        )


@command.group("peers", invoke_without_command=True)
@json_option
@pass_caller
@click.pass_context
def peers(ctx: click.Context, caller: Caller, as_json: bool) -> None:
    """List the nodes that this one knows.

    JSON: peers.
    """
    if ctx.invoked_subcommand is not None:
        return None
    from node.api.answers import PeerAnswer
    from node.commands._render import clean, columns, say, say_json, when
    from node.commands._voice import connect

    answer = connect(caller).get("/v1/peers", list[PeerAnswer])
    if as_json:
        return say_json({"peers": answer})
    if not answer:
        say("This node knows no other yet. Tickets name some; or add one with 'moot node peers add ADDRESS'.")
    columns(
        [
            [
                peer.peer,
                "connected" if peer.connected else f"last seen {when(peer.seen)}" if peer.seen else "not seen yet",
                peer.source,
                clean(" ".join(peer.addresses)),
            ]
            for peer in answer
        ]
    )


@peers.command("add")
@click.argument("address")
@pass_caller
def add(caller: Caller, address: str) -> None:
    """Remember the node at ADDRESS, /ip4/192.0.2.7/tcp/4747/p2p/12D3KooW..., and dial it."""
    from node.api.answers import Accepted, AddPeer
    from node.commands._render import say
    from node.commands._voice import connect
    from node.peers import parse_address

    parse_address(address)
    connect(caller).post("/v1/peers", AddPeer(address=address), Accepted)
    say("The address is kept, and the node dials it; 'moot node peers' shows whether it answers.")


@command.command("teller")
@click.argument("context")
@json_option
@pass_caller
def teller(caller: Caller, context: str, as_json: bool) -> None:
    """Offer this node as a teller.

    CONTEXT is the nonce of a council that is to be founded (`moot council nonce`), or the id of
    one that looks for new tellers. The offer is a text to send to whoever founds or moves.
    JSON: offer.
    """
    from node.commands._render import say, say_json
    from node.commands._voice import connect, proofs
    from node.offer import TellerOffer
    from protocol.council.bodies import TellerKeys
    from protocol.ids import parse_operation

    raw = bytes.fromhex(context) if _is_hex(context) else parse_operation(context)
    here = proofs(connect(caller), raw)
    keys = TellerKeys(bytes.fromhex(here.teller), bytes.fromhex(here.node), bytes.fromhex(here.teller_possession))
    offer = TellerOffer(raw, keys).text()
    if as_json:
        say_json({"offer": offer})
    else:
        say(offer)


def _is_hex(text: str) -> bool:
    return len(text) == 64 and not set(text.casefold()) - set("0123456789abcdef")


@command.command("follow")
@click.argument("council")
@click.option(
    "--from",
    "addresses",
    multiple=True,
    metavar="ADDRESS",
    help="Where a node that has it is reached; may be repeated.",
)
@json_option
@pass_caller
def follow(caller: Caller, council: str, addresses: tuple[str, ...], as_json: bool) -> None:
    """Fetch COUNCIL (its id) from a node that has it.

    For a council that lists this node already, as a member's or a teller's, or that is public.
    JSON: request, council, state, message.
    """
    from node.api.answers import FollowAsked, JoinAnswer, JoinNode
    from node.commands._render import say, say_json, short
    from node.commands._voice import connect
    from node.peers import parse_address
    from node.refused import Refused
    from protocol.ids import parse_operation, peer_text

    parse_operation(council)
    nodes = []
    for text in addresses:
        address = parse_address(text)
        if address.peer is None:
            raise Refused("address-peer", "The address does not name its node: it must end in /p2p/12D3KooW...")
        nodes.append(JoinNode(peer=peer_text(address.peer), addresses=[text]))
    answer = connect(caller).post("/v1/following", FollowAsked(council=council, nodes=nodes), JoinAnswer)
    if as_json:
        return say_json(answer)
    if answer.state == "admitted":
        say("This node has the council already.")
    else:
        say(
            f"The node fetches {short(council)} as soon as a node that has it lets it; 'moot council list' shows it then."
        )


@command.command("run")
@pass_caller
def run(caller: Caller) -> None:
    """Run the node until it is stopped with Ctrl-C."""
    from node.run import run as run_node

    run_node(caller.config())
