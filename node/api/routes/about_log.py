"""The log itself: handing operations in, reading single ones, attachments, the whole of it, and its news."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import trio
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import ServerSentEvent, Stream

from node import archive
from node.api import operations
from node.api.acts import idle
from node.api.answers import Accepted, OperationAnswer, Outcome, Resolved
from node.api.events import changes, stream
from node.api.routes.here import Here
from node.outcome import Accepted as Taken
from node.outcome import Aside, Known, Rejected, Waits
from node.outcome import Outcome as Came
from node.refused import Refused
from node.service import Service
from protocol.codec import decode
from protocol.council.council import Council
from protocol.errors import Malformed
from protocol.ids import operation_text, parse_operation
from protocol.log.operation import ATTACHMENT, MAX_ATTACHMENT, MAX_ENVELOPE, Content, Envelope

__all__ = [
    "CBOR",
    "ROUTES",
    "body_of",
    "content",
    "envelope",
    "events",
    "export",
    "one",
    "outcome",
    "put_content",
    "resolve",
    "submit",
]

CBOR = "application/cbor"
_BYTES = "application/octet-stream"
_SEQUENCE = "application/cbor-seq"
_LONGEST_CONTENT = MAX_ATTACHMENT + 64


def body_of(request: Request[Any, Any, Any], body: bytes) -> bytes:
    """The body of a request that must be CBOR."""
    sort, _ = request.content_type
    if sort != CBOR:
        raise Malformed("content-type", f"The body must be sent as {CBOR}.")
    return body


@post("/v1/operations", status_code=200, request_max_body_size=MAX_ENVELOPE)
async def submit(local: Here, request: Request[Any, Any, Any], body: RawBody) -> Outcome:
    """Hand in one envelope, canonical CBOR. What is accepted is on disk.

    A founding operation begins a council here.
    """
    came = (await local.service.submit([body_of(request, body)]))[0]
    return outcome(local.service, came)


def outcome(service: Service, came: Came) -> Outcome:
    """What became of an operation, as an answer."""
    id_text = None if came.id is None else operation_text(came.id)
    rule = message = without = None
    state: Literal["accepted", "known", "waiting", "refused", "aside"]
    match came:
        case Taken(id, council, _):
            refusal = service.council(council).without_effect.get(id)
            without = idle(service.council(council), id) if refusal is None else refusal.message
            state = "accepted"
        case Known():
            state = "known"
        case Waits(missing=missing, rules=rules):
            state = "waiting"
            message = (
                f"It uses rules that this node lacks ({rules}); install a newer Folkmoot."
                if rules
                else f"It waits for {len(missing)} operations that it builds on and that are not here yet."
            )
        case Rejected(refusal=refusal):
            state, rule, message = "refused", refusal.rule, refusal.message
        case Aside(refusal=refusal):
            state, rule, message = "aside", refusal.rule, refusal.message
    return Outcome(id=id_text, state=state, rule=rule, message=message, without_effect=without)


@get("/v1/resolve", sync_to_thread=False)
def resolve(
    local: Here, what: FromQuery[str], council: FromQuery[str | None] = None, kind: FromQuery[str | None] = None
) -> list[Resolved]:
    """Operations whose id begins with `what`, else proposals and ballots whose title does (or those of one `kind`); at most 20."""
    within = list(local.service.councils.values()) if council is None else [local.council(council)]
    found = [one for each in within for one in operations.resolve(local.service, each, what, kind)]
    return found[: operations.MOST_FOUND]


@get("/v1/councils/{council:str}/operations/{operation:str}", sync_to_thread=False)
def one(local: Here, council: FromPath[str], operation: FromPath[str]) -> OperationAnswer:
    """One operation."""
    found = operations.operation(local.service, local.council(council), parse_operation(operation))
    if found is None:
        raise Refused("unknown-operation", f"There is no operation {operation} in this council's log here.")
    return found


@get("/v1/councils/{council:str}/operations/{operation:str}/envelope", sync_to_thread=False, media_type=CBOR)
def envelope(local: Here, council: FromPath[str], operation: FromPath[str]) -> Response[bytes]:
    """One operation's envelope, with the attachments that are here and travel in it."""
    found = local.service.envelope(local.council(council).id, parse_operation(operation))
    if found is None:
        raise Refused("unknown-operation", f"There is no operation {operation} in this council's log here.")
    return Response(found.encode(), media_type=CBOR)


@get(
    "/v1/councils/{council:str}/operations/{operation:str}/contents/{index:int}",
    sync_to_thread=False,
    media_type=_BYTES,
)
def content(local: Here, council: FromPath[str], operation: FromPath[str], index: FromPath[int]) -> Response[bytes]:
    """An attachment's bytes. They are what somebody wrote: never shown as a page of this node."""
    found = None
    if index >= 0:
        found = local.service.content(local.council(council).id, parse_operation(operation), index)
    if found is None:
        raise Refused("unknown-content", "That attachment is not here: erased, or not fetched yet.")
    headers = {
        "content-disposition": "attachment",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox",
    }
    return Response(found.data, media_type=_BYTES, headers=headers)


@put(
    "/v1/councils/{council:str}/operations/{operation:str}/contents/{index:int}",
    request_max_body_size=_LONGEST_CONTENT,
)
async def put_content(
    local: Here,
    request: Request[Any, Any, Any],
    council: FromPath[str],
    operation: FromPath[str],
    index: FromPath[int],
    body: RawBody,
) -> Accepted:
    """Hand in an attachment that is too large to travel in its envelope: CBOR `[salt, bytes]`."""
    value = decode(body_of(request, body), _LONGEST_CONTENT)
    if type(value) is not list or len(value) != 2 or type(value[0]) is not bytes or type(value[1]) is not bytes:
        raise Malformed("content", "An attachment is a salt and bytes.")
    place = (local.council(council).id, parse_operation(operation), index)
    refusal = await local.service.add_content(*place, Content(value[0], value[1]))
    if refusal is not None:
        raise Refused(refusal.rule, refusal.message)
    return Accepted()


@get("/v1/councils/{council:str}/export", media_type=_SEQUENCE, sync_to_thread=False)
def export(local: Here, council: FromPath[str]) -> Stream:
    """The whole log as a CBOR sequence; docs/reference/export.md describes it."""
    return Stream(_paced(_pieces(local.service, local.council(council))), media_type=_SEQUENCE)


def _pieces(service: Service, council: Council) -> Iterator[bytes]:
    head = archive.Head(council.id, len(council), council.digest())
    envelopes = service.saved_envelopes(council.id)
    return archive.pack_log(head, ((each, _larger(service, council, each)) for each in envelopes))


def _larger(service: Service, council: Council, envelope: Envelope) -> Iterator[tuple[int, Content]]:
    """The attachments that are here but do not travel in the envelope."""
    id = envelope.operation.id
    for index, (reference, content) in enumerate(zip(envelope.operation.contents, envelope.contents, strict=True)):
        if reference.sort == ATTACHMENT and content is None:
            found = service.content(council.id, id, index)
            if found is not None:
                yield index, found


async def _paced(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces in lumps worth sending, letting the node do other things in between."""
    lump = bytearray()
    for piece in pieces:
        lump += piece
        if len(lump) >= 1 << 16:
            yield bytes(lump)
            lump.clear()
            await trio.lowlevel.checkpoint()
    yield bytes(lump)


@get("/v1/events", sync_to_thread=False, media_type="text/event-stream")
def events(local: Here, council: FromQuery[str | None] = None, brief: FromQuery[bool] = False) -> ServerSentEvent:
    """What happens, as server-sent events; with `brief` only `changed`, at most some twenty times a second."""
    wanted = None if council is None else local.council(council).id
    told = changes if brief else stream
    return ServerSentEvent(told(local.service, local.service.subscribe(wanted)))


ROUTES = [content, envelope, events, export, one, put_content, resolve, submit]
