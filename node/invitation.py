"""Asking to join: a request on its way to the nodes that a ticket names, and its reception there.

An applicant's node keeps the signed request until a node of the ticket has taken it, and asks
again until the council has admitted it or the ticket is refused. The one who receives it puts it
through the same door as everything else: it is checked, on disk and passed on before the
applicant is told.
"""

import logging
from typing import Final

from node.frames import MAX_FRAME, MAX_JOIN, VERSION, Join, No, Taken, decode_frame, encode_frame
from node.host import Host, Stream
from node.joining import ASKING
from node.outcome import Accepted, Aside, Known, Rejected, Waits
from node.service import Service
from node.session import CLOSED, version_refusal
from protocol.errors import Malformed, Refusal
from protocol.ids import Membership, peer_text
from protocol.log.operation import Operation, decode_envelope

__all__ = ["JOIN", "deliver", "receive", "spent"]

log = logging.getLogger("folkmoot.join")

JOIN: Final = "/folkmoot/join/1"
_PATIENCE: Final = 30.0
_KINDS: Final = (*ASKING, "council.found")


async def deliver(host: Host, peer: bytes, envelope: bytes) -> No | None:
    """Hand a request to join, or a founding operation, to a connected peer; its no, or None when it has it.

    Raises what `Host.open` and `Stream` raise, `Malformed` for an answer that is none.
    """
    async with await host.open(peer, JOIN) as stream:
        await stream.send(encode_frame(Join(envelope)))
        data = await stream.receive(MAX_FRAME, timeout=_PATIENCE)
        if data is None:
            raise Malformed("join-answer", f"{peer_text(peer)} did not answer.")
        answer = decode_frame(data)
        await stream.finish()
    if isinstance(answer, No):
        return answer
    if not isinstance(answer, Taken):
        raise Malformed("join-answer", f"{peer_text(peer)} did not answer as a node does.")
    return None


async def receive(service: Service, stream: Stream) -> None:
    """Take in one request to join, or one founding operation, from a stranger, and answer.

    Raises `Malformed` when the peer breaks the protocol; it was told.
    """
    data = await stream.receive(MAX_JOIN, timeout=_PATIENCE)
    if data is None:
        return
    try:
        frame = decode_frame(data)
        if not isinstance(frame, Join):
            raise Malformed("join-frame", "the peer sent something else than one request.")
        answer = await _answer(service, stream.peer, frame)
    except Malformed as error:
        await stream.send(encode_frame(No(error.rule, error.message[:400])))
        raise
    await stream.send(encode_frame(answer))


async def _answer(service: Service, peer: bytes, frame: Join) -> Taken | No:
    if frame.version != VERSION:
        return version_refusal(service.node, peer, frame.version)
    operation = decode_envelope(frame.envelope).operation
    if operation.kind not in _KINDS:
        raise Malformed("join-kind", "the peer sent something else than a request to join.")
    if operation.deps:
        council = service.councils.get(operation.council)
        if council is None:
            return CLOSED
        if not all(dep in council for dep in operation.deps):
            # What it builds on is younger than what is here, or invented: whoever asks need not know that
            # the council is here. A stranger leaves nothing waiting; she asks again.
            return CLOSED
    elif (held := service.councils.get(operation.id)) is not None and not held.entitled(peer):
        return CLOSED
    refusal = spent(service, operation)
    if refusal is not None:
        return No(refusal.rule, refusal.message)
    (outcome,) = await service.submit([frame.envelope], peer)
    match outcome:
        case Accepted() | Known():
            if isinstance(outcome, Accepted):
                log.info("A request to join came from %s.", peer_text(peer))
            refusal = spent(service, operation)
            return Taken(1) if refusal is None else No(refusal.rule, refusal.message)
        case Waits():
            return No("later", "That node cannot judge the request yet; ask again later.")
        case Rejected(_, refusal) | Aside(_, _, refusal):
            if refusal.rule == "unasked":
                return CLOSED
            if refusal.rule == "standing" and operation.kind == "node.enrol":
                return No("standing", "The council does not list that device; ask for a new pass once it does.")
            return No(refusal.rule, refusal.message[:400])


def spent(service: Service, request: Operation) -> Refusal | None:
    """Why a request cannot be granted any more; None when it can, was, or its ticket is not known here.

    It would be valid and yet worth nothing, so whoever brings it is told at once, and whoever
    brought it before and asks again is told then.
    """
    council = service.councils.get(request.council)
    if council is None or request.kind != "council.request" or Membership(request.id) in council.head.members:
        return None
    if any(member.person == request.body.get("person") for member in council.head.members.values()):
        words = "You are a member already; a new computer of yours is enrolled with 'moot device offer'."
        return Refusal("member", words)
    if request.body.get("device") in council.head.devices_ever:
        words = (
            "This device was enrolled in the council before, and what has ended does not return: bring your key back "
            "under another name, which makes a new device ('moot key import NAME'), and join with that."
        )
        return Refusal("device-ended", words)
    invitation = council.pending().invitations.get(request.deps[0])
    if invitation is None:
        return None
    if invitation.withdrawn:
        return Refusal("ticket-withdrawn", "This ticket was withdrawn; ask whoever gave it to you for a new one.")
    if invitation.used >= invitation.uses:
        return Refusal("ticket-used", "This ticket is used up; ask whoever gave it to you for a new one.")
    if invitation.expires is not None and request.time > invitation.expires:
        return Refusal("ticket-expired", "This ticket has expired; ask whoever gave it to you for a new one.")
    row = council.dag.rows.get(request.id)
    if row is not None and not council.dag.is_kept(row):
        # Another node may keep it, because somebody there moved to grant it: so this is not the last word.
        return Refusal("ticket-crowded", "More people ask with this ticket than it lets in; ask for one of your own.")
    return None
