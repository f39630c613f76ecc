"""`moot node`: run this home's node, and see how it fares."""

import os
from typing import TYPE_CHECKING

import click

from node.commands import Caller, json_option, pass_caller, signing_options
from node.commands._pick import council_option, wait_options

if TYPE_CHECKING:
    from node.api.answers import PeerAnswer

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

    JSON: the NodeAnswer.
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
    for warning in answer.warnings:
        say(f"Warning: {clean(warning)}")


@command.command("health")
@pass_caller
def health(caller: Caller) -> None:
    """Exit with 0 if the node works, with 1 and the reason if not; for containers and supervisors."""
    from node.api.keeping_answers import HealthAnswer
    from node.commands._voice import connect

    connect(caller).get("/health", HealthAnswer)
    click.echo("The node works.")


@command.group("peers", invoke_without_command=True)
@json_option
@pass_caller
@click.pass_context
def peers(ctx: click.Context, caller: Caller, as_json: bool) -> None:
    """List the nodes that this one knows.

    JSON: peers (list of PeerAnswer).
    """
    if ctx.invoked_subcommand is not None:
        return None
    from node.api.answers import PeerAnswer
    from node.commands._render import clean, columns, say, say_json
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
                _how(peer),
                peer.source,
                clean(" ".join(peer.addresses)),
            ]
            for peer in answer
        ]
    )


def _how(peer: "PeerAnswer") -> str:
    from node.commands._render import one_line, when

    if peer.kept_away:
        return "kept away"
    if peer.connected:
        return f"connected ({one_line(peer.trouble, 200)})" if peer.trouble else "connected"
    seen = f"last seen {when(peer.seen)}" if peer.seen else "not seen yet"
    return f"{seen} ({one_line(peer.trouble, 120)})" if peer.trouble else seen


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


@peers.command("forget")
@click.argument("peer")
@pass_caller
def forget(caller: Caller, peer: str) -> None:
    """Forget the addresses that were added for PEER (its PeerId)."""
    from node.api.answers import Accepted
    from node.commands._render import say
    from node.commands._voice import connect

    connect(caller).delete(f"/v1/peers/{_peer(peer)}", Accepted)
    say("Forgotten. A node on the roll of one of your councils is still dialled where the roll says.")


@peers.command("away")
@click.argument("peer")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Only for so long.")
@pass_caller
def away(caller: Caller, peer: str, seconds: float | None) -> None:
    """Keep away from PEER (its PeerId): neither dial nor answer it, until it is let near again."""
    from node.api.answers import Accepted, AwayAsked
    from node.commands._render import say
    from node.commands._voice import connect

    connect(caller).put(f"/v1/peers/{_peer(peer)}/away", AwayAsked(seconds=seconds), Accepted)
    say(
        "This node keeps away from it." if seconds is None else f"This node keeps away from it for {seconds:g} seconds."
    )


@peers.command("near")
@click.argument("peer")
@pass_caller
def near(caller: Caller, peer: str) -> None:
    """Talk to PEER (its PeerId) again."""
    from node.api.answers import Accepted
    from node.commands._render import say
    from node.commands._voice import connect

    connect(caller).delete(f"/v1/peers/{_peer(peer)}/away", Accepted)
    say("This node talks to it again.")


def _peer(text: str) -> str:
    from protocol.ids import parse_peer, peer_text

    return peer_text(parse_peer(text))


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
    keys = TellerKeys(
        bytes.fromhex(here.teller), bytes.fromhex(here.node), bytes.fromhex(here.teller_possession), here.addresses
    )
    offer = TellerOffer(raw, keys).text()
    if as_json:
        say_json({"offer": offer})
    else:
        say(offer)


def _is_hex(text: str) -> bool:
    return len(text) == 64 and not set(text.casefold()) - set("0123456789abcdef")


@command.command("resume")
@council_option
@pass_caller
def resume(caller: Caller, council: str | None) -> None:
    """Let this node's teller sign again at once, after its database was put back from a copy or moved.

    By itself it waits until it has heard from half of the council's other nodes, and from most of
    the other tellers, what it signed since the copy was made: two epochs of one number would part
    the council. Say this only when you know that the copy was made after the node was stopped, as when a home is moved.
    """
    from node.api.answers import Accepted
    from node.commands._pick import pick_council
    from node.commands._render import clean, say
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    client.post(f"/v1/councils/{line.council}/teller", None, Accepted)
    say(f"This node's teller signs for {clean(line.name)} again.")


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
    JSON: the JoinAnswer.
    """
    from node.api.answers import CouncilLine, FollowAsked, JoinAnswer, JoinNode
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
    client = connect(caller)
    if not nodes and all(one.council != council for one in client.get("/v1/councils", list[CouncilLine])):
        raise Refused("follow-from", "Say where a node is reached that has it: --from /ip4/.../tcp/.../p2p/12D3KooW...")
    answer = client.post("/v1/following", FollowAsked(council=council, nodes=nodes), JoinAnswer)
    if as_json:
        return say_json(answer)
    if answer.state == "admitted":
        say("This node has the council already.")
    else:
        say(
            f"The node fetches {short(council)} as soon as a node that has it lets it; 'moot council list' shows it then."
        )


@command.command("enrol")
@council_option
@wait_options("the node is enrolled")
@signing_options
@json_option
@pass_caller
def enrol(
    caller: Caller, council: str | None, wait: bool, seconds: float | None, passphrase_fd: int | None, as_json: bool
) -> None:
    """List this home's node under your name in a council, or tell its new addresses.

    JSON: peer, operation, effective.
    """
    from node.commands._follow_up import wait_for_effect
    from node.commands._render import clean, say, say_json
    from node.commands._voice import proofs, speak
    from protocol.council.bodies import EnrolNode
    from protocol.ids import peer_text

    voice = speak(caller, council, passphrase_fd)
    here = proofs(voice.client, voice.membership)
    node = bytes.fromhex(here.node)
    body = EnrolNode(node, bytes.fromhex(here.node_possession), here.addresses)
    operation = voice.say("node.enrol", body)
    if wait:
        wait_for_effect(voice.client, voice.path, operation, seconds)
    if as_json:
        say_json({"peer": peer_text(node), "operation": operation, "effective": wait})
    else:
        when = "now" if wait else "from the next epoch on"
        say(f"This node is listed under your name in {clean(voice.council.name)} {when}.")


@command.command("revoke")
@click.argument("peer")
@council_option
@wait_options("the node is revoked")
@signing_options
@json_option
@pass_caller
def revoke(
    caller: Caller,
    peer: str,
    council: str | None,
    wait: bool,
    seconds: float | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """End the listing of the node PEER (its PeerId) under your name.

    It gets nothing more of the council's log from the next epoch on, unless somebody else lists it too.
    JSON: peer, operation, effective.
    """
    from node.commands._follow_up import wait_for_effect
    from node.commands._render import say, say_json
    from node.commands._voice import speak
    from node.refused import Refused
    from protocol.council.bodies import RevokeNode
    from protocol.ids import parse_peer

    key = parse_peer(peer)
    voice = speak(caller, council, passphrase_fd)
    if peer not in voice.me.nodes:
        raise Refused("unknown-node", "That node is not listed under your name; 'moot device list' shows which are.")
    operation = voice.say("node.revoke", RevokeNode(key))
    if wait:
        wait_for_effect(voice.client, voice.path, operation, seconds)
    if as_json:
        say_json({"peer": peer, "operation": operation, "effective": wait})
    else:
        say(f"The node {peer} {'is revoked' if wait else 'is revoked with the next epoch'}.")


@command.command("run")
@pass_caller
def run(caller: Caller) -> None:
    """Run the node here until it is stopped, with Ctrl-C or `moot node stop`."""
    from node.run import Node
    from node.run import run as run_node

    def ready(node: Node, port: int) -> None:
        reached = node.neighbours.addresses()
        click.echo(f"The node runs, reached at {', '.join(reached) or 'no address'}. Its log: {node.config.log_path}")

    run_node(caller.config(), ready)


@command.command("start")
@pass_caller
def start(caller: Caller) -> None:
    """Start the node in the background, and wait until it answers."""
    import subprocess
    import sys

    from node.refused import Refused

    config = caller.config()
    config.prepare()
    # No pipe may be left open that the node could fail on later, so it writes to files that nobody keeps.
    with subprocess.Popen(
        [sys.executable, "-c", "import cli; cli.main(['node', 'run'])"],
        env={**os.environ, "MOOT_HOME": str(config.home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as node:
        assert node.stdout is not None
        assert node.stderr is not None
        said = node.stdout.readline()
        if not said:
            reason = node.stderr.read().strip().removeprefix("moot: ") or f"It ended; its log is {config.log_path}."
            raise Refused("start", reason.splitlines()[-1])
        click.echo(said.strip())
        # Leave it running: `Popen` would wait for its end.
        node.returncode = 0


@command.command("stop")
@pass_caller
def stop(caller: Caller) -> None:
    """Stop the running node, and wait until it has ended."""
    import fcntl
    import signal
    from typing import Any

    from node.commands._voice import connect
    from node.refused import Refused

    try:
        # Also a node of another version is stopped, whose answer has other fields.
        answer = connect(caller).get("/v1/node", dict[str, Any])
    except Refused as refused:
        if refused.rule == "no-node":
            raise Refused(
                "no-node", f"No node is running for {caller.config().home}; there is nothing to stop."
            ) from refused
        raise
    os.kill(int(answer["pid"]), signal.SIGTERM)
    # The node holds this lock as long as it lives.
    with (caller.config().home / "lock").open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    click.echo("The node has stopped. Nothing that it accepted is lost.")
