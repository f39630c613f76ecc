"""Councils that are not here yet: asking to join one, fetching one."""

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from node.api.answers import Accepted, FollowAsked, JoinAnswer, JoinAsked, JoinNode
from node.api.joining import join_answer
from node.api.routes.about_log import outcome
from node.api.routes.here import Here
from node.invitation import spent
from node.peers import parse_address
from node.refused import Refused
from node.store import Pending
from protocol.ids import parse_operation, parse_peer
from protocol.log.operation import decode_envelope

__all__ = ["ROUTES", "follow", "join", "joining", "take_back"]


@get("/v1/joining", sync_to_thread=False)
def joining(local: Here) -> list[JoinAnswer]:
    """Requests made here, and councils that are being fetched."""
    return [join_answer(pending) for pending in local.service.pending()]


@post("/v1/joining", status_code=200)
async def join(local: Here, data: JSONBody[JoinAsked]) -> JoinAnswer:
    """Bring a signed request to the ticket's nodes, now or as soon as one can be reached."""
    refusal = spent(local.service, decode_envelope(data.envelope).operation)
    if refusal is not None:
        raise Refused(refusal.rule, refusal.message)
    came = await local.service.join(data.envelope, _nodes(data.nodes))
    if isinstance(came, Pending):
        return join_answer(came)
    said = outcome(local.service, came)
    if said.id is None or said.state in ("refused", "aside"):
        raise Refused(said.rule or "refused", said.message or "The request was not taken.")
    # A member who lists this node, which has the council already, need not wait for anything.
    state = "delivered" if decode_envelope(data.envelope).operation.kind == "council.request" else "admitted"
    return JoinAnswer(request=said.id, council=data.council, state=state, message="")


@post("/v1/following", status_code=200)
async def follow(local: Here, data: JSONBody[FollowAsked]) -> JoinAnswer:
    """Fetch a council that lists this node already, or is public."""
    council = parse_operation(data.council)
    pending = await local.service.follow(council, _nodes(data.nodes))
    if pending is None:
        return JoinAnswer(request=data.council, council=data.council, state="admitted", message="")
    return join_answer(pending)


@delete("/v1/joining/{request_id:str}", status_code=200, sync_to_thread=False)
def take_back(local: Here, request_id: FromPath[str]) -> Accepted:
    """Forget a request that is on its way, or a council that was to be fetched."""
    request = parse_operation(request_id)
    if all(pending.request != request for pending in local.service.pending()):
        raise Refused("unknown-request", "No such request is on its way from here.")
    local.service.take_back(request)
    return Accepted()


def _nodes(nodes: list[JoinNode]) -> list[tuple[bytes, tuple[str, ...]]]:
    out: list[tuple[bytes, tuple[str, ...]]] = []
    for node in nodes:
        for address in node.addresses:
            parse_address(address)
        out.append((parse_peer(node.peer), tuple(node.addresses)))
    return out


ROUTES = [follow, join, joining, take_back]
