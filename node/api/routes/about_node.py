"""The node itself: how it fares, its peers, its proofs, and what this home calls people."""

import os
from importlib.metadata import PackageNotFoundError, version

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody

from node.api.answers import (
    Accepted,
    AddPeer,
    AwayAsked,
    ContextAsked,
    NodeAnswer,
    OfferAnswer,
    PeerAnswer,
    PetnameAsked,
)
from node.api.councils import line
from node.api.local import Local
from node.api.routes.here import Here
from node.peers import parse_address
from node.refused import Refused
from protocol.council.bodies import node_message, teller_message
from protocol.errors import Malformed
from protocol.ids import parse_peer, parse_person, peer_text, person_text
from protocol.keys import NODE, TELLER, public_key, sign

__all__ = ["ROUTES", "about", "add_peer", "forget_peer", "keep_away", "let_near", "peers", "petname", "proofs"]

PROTOCOL = 1


@get("/v1/node", sync_to_thread=False)
def about(local: Here) -> NodeAnswer:
    """The running node: its keys, addresses, councils and how much it keeps."""
    try:
        installed = version("folkmoot")
    except PackageNotFoundError:
        installed = "unknown"  # run from a checkout that nobody installed
    return NodeAnswer(
        version=installed,
        protocol=PROTOCOL,
        peer=peer_text(public_key(local.keys.host_seed)),
        teller=person_text(public_key(local.keys.teller_seed)),
        addresses=list(local.network.addresses()),
        home=str(local.config.home),
        pid=os.getpid(),
        port=local.port,
        started=local.started,
        connected=len(local.network.connected()),
        warnings=_warnings(local),
        storage=local.service.disk_bytes(),
        councils=[line(local.service, council) for council in local.service.councils.values()],
    )


def _warnings(local: Local) -> list[str]:
    """What hinders the node's teller, council by council."""
    out = []
    for id, council in sorted(local.service.councils.items()):
        for why in (local.teller.silent(id), local.teller.astray(id)):
            if why is not None:
                out.append(f"In {' '.join(council.charter.name.split())}: {why}.")
    return out


@get("/v1/peers", sync_to_thread=False)
def peers(local: Here) -> list[PeerAnswer]:
    """Every node that this one knows, connected ones first."""
    away = {kept.peer for kept in local.network.kept_away()}
    return [
        PeerAnswer(
            peer=peer_text(known.peer),
            addresses=list(known.addresses),
            source=known.source,
            connected=known.connected,
            seen=known.seen,
            trouble=known.trouble,
            kept_away=known.peer in away,
        )
        for known in local.network.known()
    ]


@post("/v1/peers", status_code=200)
async def add_peer(local: Here, data: JSONBody[AddPeer]) -> Accepted:
    """Remember an address and dial it."""
    await local.network.add_peer(parse_address(data.address))
    return Accepted()


@delete("/v1/peers/{peer:str}", status_code=200, sync_to_thread=False)
def forget_peer(local: Here, peer: FromPath[str]) -> Accepted:
    """Forget the addresses that somebody gave for a peer."""
    local.network.forget_peer(parse_peer(peer))
    return Accepted()


@put("/v1/peers/{peer:str}/away", sync_to_thread=False)
def keep_away(local: Here, peer: FromPath[str], data: JSONBody[AwayAsked]) -> Accepted:
    """Let a peer go and neither dial nor answer it."""
    local.network.keep_away(parse_peer(peer), data.seconds, "somebody here asked for it")
    return Accepted()


@delete("/v1/peers/{peer:str}/away", status_code=200, sync_to_thread=False)
def let_near(local: Here, peer: FromPath[str]) -> Accepted:
    """Talk to a peer again."""
    local.network.let_near(parse_peer(peer))
    return Accepted()


@post("/v1/node/proofs", sync_to_thread=False)
def proofs(local: Here, data: JSONBody[ContextAsked]) -> OfferAnswer:
    """Let the node prove that it holds its keys, in one context, so that an operation can name it.

    Signs nothing else: the domains are those of a node's listing and of a teller's possession.
    """
    context = _context(data.context)
    node, teller = public_key(local.keys.host_seed), public_key(local.keys.teller_seed)
    return OfferAnswer(
        node=node.hex(),
        node_possession=sign(local.keys.host_seed, NODE, node_message(context, node)).hex(),
        addresses=list(local.network.addresses()),
        teller=teller.hex(),
        teller_possession=sign(local.keys.teller_seed, TELLER, teller_message(context, teller, node)).hex(),
    )


def _context(text: str) -> bytes:
    try:
        context = bytes.fromhex(text)
    except ValueError:
        context = b""
    if len(context) != 32:
        raise Malformed("context", "A context is 64 hex digits.")
    return context


@put("/v1/petnames/{person:str}", sync_to_thread=False)
def petname(local: Here, person: FromPath[str], data: JSONBody[PetnameAsked]) -> Accepted:
    """Call a person by a name of one's own, or by none any more."""
    name = None if data.name is None else " ".join(data.name.split())
    if name is not None and not 0 < len(name) <= 60:
        raise Refused("petname", "A petname has 1 to 60 letters.")
    local.service.set_petname(parse_person(person), name)
    return Accepted()


ROUTES = [about, add_peer, forget_peer, keep_away, let_near, peers, petname, proofs]
