"""Passes: what brings a council's log to the computer of a device that others enrolled."""

from typing import TYPE_CHECKING

from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import JoinAnswer
    from node.client import Client
    from node.commands import Caller
    from node.commands._voice import Voice
    from node.offer import DeviceOffer, Pass
    from node.ticket import Ticket

__all__ = ["enter", "nodes_to_ask", "pass_for", "ticket_for"]

_MOST_NODES = 8


def nodes_to_ask(client: "Client", path: str) -> dict[str, tuple[str, ...]]:
    """The nodes that a ticket or pass names, PeerId to addresses: this one, then the tellers', then others."""
    from node.api.answers import ListedNode, NodeAnswer

    here = client.get("/v1/node", NodeAnswer)
    nodes = {here.peer: tuple(here.addresses)}
    # The tellers' nodes are the likeliest to be up when it is used.
    for peer in client.get(f"{path}/nodes", list[ListedNode]):
        if len(nodes) < _MOST_NODES and peer.addresses:
            nodes.setdefault(peer.peer, tuple(peer.addresses))
    return nodes


def pass_for(client: "Client", council: str, offer: "DeviceOffer") -> str:
    """A pass for the device of an offer, as text; `Refused` as long as the council does not list that device."""
    from node.api.answers import CharterAnswer, EpochAnswer, MemberAnswer, OperationAnswer
    from node.commands._render import clean
    from node.offer import Pass
    from protocol.ids import operation_text, parse_operation, parse_peer, person_text

    path = f"/v1/councils/{council}"
    roll = client.get(f"{path}/roll", list[MemberAnswer])
    member = next((one for one in roll if one.membership == operation_text(offer.membership)), None)
    if member is None or person_text(offer.device) not in member.devices:
        raise Refused(
            "pass-device",
            "The council does not list the device of that offer: enrol it with 'moot device enrol OFFER', or with "
            "'moot motion rekey OFFER' if the key is a new one, and make the pass when that has taken effect.",
        )
    charter = client.get(f"{path}/charter", CharterAnswer).charter
    most = charter["limits"]["nodes"]
    if len(member.nodes) >= most:
        raise Refused(
            "pass-nodes",
            f"{clean(member.name)} has {most} nodes in this council, as many as its charter allows: she revokes one "
            "with 'moot node revoke' first.",
        )
    latest = max(client.get(f"{path}/epochs", list[EpochAnswer]), key=lambda epoch: epoch.number)
    carrier = client.get(f"{path}/operations/{latest.operation or council}", OperationAnswer)
    nodes = tuple((parse_peer(peer), addresses) for peer, addresses in nodes_to_ask(client, path).items())
    return Pass(
        council=parse_operation(council),
        name=charter["name"],
        membership=offer.membership,
        device=offer.device,
        operation=parse_operation(carrier.id),
        depth=carrier.depth,
        nodes=nodes,
    ).text()


def enter(client: "Client", caller: "Caller", given: "Pass", passphrase_fd: int | None) -> "JoinAnswer":
    """List this home's node under the speaker's name in the pass's council, which brings its log here."""
    from node.api.answers import JoinAnswer, JoinAsked, JoinNode
    from node.commands._render import clean
    from node.commands._voice import now, proofs, unlock
    from protocol.council.bodies import EnrolNode
    from protocol.ids import operation_text, parse_person, peer_text
    from protocol.log.operation import Draft

    keystore = caller.keystore()
    own = keystore.person(keystore.choose(caller.name))
    if parse_person(own.device) != given.device:
        raise Refused(
            "pass-device",
            f"This pass to {clean(given.name)} is for another device than {own.name}'s here: use it where the offer "
            "was made that it answers, or speak as another with 'moot --as NAME'.",
        )
    here = proofs(client, given.membership)
    _, opened = unlock(caller, passphrase_fd)
    body = EnrolNode(bytes.fromhex(here.node), bytes.fromhex(here.node_possession), here.addresses)
    draft = Draft(
        council=given.council,
        author=given.device,
        depth=given.depth + 1,
        deps=(given.operation,),
        time=now(),
        kind="node.enrol",
        body=body.data(),
        contents=(),
    )
    asked = JoinAsked(
        council=operation_text(given.council),
        nodes=[JoinNode(peer=peer_text(key), addresses=list(addresses)) for key, addresses in given.nodes],
        envelope=draft.signed(opened.device_seed).encode(),
    )
    return client.post("/v1/joining", asked, JoinAnswer)


def ticket_for(voice: "Voice", uses: int, expires: int | None) -> "tuple[str, Ticket]":
    """Say an invitation, and make its ticket; gives the invitation's id too."""
    import secrets

    from node.api.answers import OperationAnswer
    from node.ticket import Ticket, TicketNode
    from protocol.council.bodies import Invite
    from protocol.ids import parse_operation, parse_peer
    from protocol.keys import public_key

    seed = secrets.token_bytes(32)
    invitation = voice.say("council.invite", Invite(public_key(seed), uses, expires))
    said = voice.client.get(f"{voice.path}/operations/{invitation}", OperationAnswer)
    nodes = nodes_to_ask(voice.client, voice.path)
    return invitation, Ticket(
        council=voice.council_id,
        name=voice.council.name,
        invitation=parse_operation(invitation),
        seed=seed,
        depth=said.depth,
        epoch=said.epoch,
        nodes=tuple(TicketNode(parse_peer(peer), addresses) for peer, addresses in nodes.items()),
    )
