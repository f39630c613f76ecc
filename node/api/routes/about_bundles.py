"""Bundles: a council's news as a file to carry, and what came in one."""

from collections.abc import AsyncIterator
from typing import Any, Final

import trio
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Stream

from node import bundles
from node.api.keeping_answers import BundleTaken, HeadsAnswer
from node.api.routes.about_log import body_of, outcome
from node.api.routes.here import Here
from node.outcome import Accepted, Known, Waits
from node.refused import Refused
from node.service import Service
from protocol.codec import decode
from protocol.council.council import Council
from protocol.errors import Malformed
from protocol.ids import operation_text, parse_operation
from protocol.log.operation import MAX_ENVELOPE

__all__ = ["ROUTES", "bundle", "heads", "slip", "take"]

_SEQUENCE: Final = "application/cbor-seq"
_MOST_REFUSED: Final = 20
_MOST_IDS: Final = 64


@get("/v1/councils/{council:str}/heads", sync_to_thread=False)
def heads(local: Here, council: FromPath[str]) -> HeadsAnswer:
    """What this node holds of a council, for somebody who writes a bundle for it."""
    here = local.council(council)
    return HeadsAnswer(
        council=council,
        operations=len(here),
        heads=[operation_text(id) for id in here.heads()],
        have=bundles.Have.of(here).text(),
    )


@get("/v1/councils/{council:str}/bundle", media_type=_SEQUENCE, sync_to_thread=False)
def bundle(local: Here, council: FromPath[str], have: FromQuery[str | None] = None) -> Stream:
    """The log as a bundle, without what lies in the past of the operations that `have` names with commas."""
    here = local.council(council)
    return Stream(
        _paced(local.service, here, bundles.lacking(here, [parse_operation(id) for id in _ids(have)])),
        media_type=_SEQUENCE,
    )


@get("/v1/councils/{council:str}/slip", media_type=_SEQUENCE, sync_to_thread=False)
def slip(local: Here, council: FromPath[str], of: FromQuery[str], alone: FromQuery[bool] = False) -> Response[bytes]:
    """The operations that `of` names with commas, as a bundle; with their authors' words right before them, unless `alone`."""
    here = local.council(council)
    chosen = bundles.with_own_words(local.service, here, [parse_operation(id) for id in _ids(of)], alone=alone)
    return Response(b"".join(bundles.pieces(local.service, here, chosen)), media_type=_SEQUENCE)


def _ids(text: str | None) -> list[str]:
    named = [] if not text else text.split(",")
    if len(named) > _MOST_IDS:
        raise Malformed("ids", f"At most {_MOST_IDS} operations can be named at once.")
    return named


async def _paced(service: Service, council: Council, operations: list[bytes]) -> AsyncIterator[bytes]:
    """The pieces in lumps worth sending, letting the node do other things in between."""
    lump = bytearray()
    for piece in bundles.pieces(service, council, operations):
        lump += piece
        if len(lump) >= 1 << 16:
            yield bytes(lump)
            lump.clear()
            await trio.lowlevel.checkpoint()
    yield bytes(lump)


@post("/v1/councils/{council:str}/operations", status_code=200, request_max_body_size=bundles.BATCH + 2 * MAX_ENVELOPE)
async def take(local: Here, request: Request[Any, Any, Any], council: FromPath[str], body: RawBody) -> BundleTaken:
    """Hand in a list of envelopes of one council, canonical CBOR, in `(depth, id)` order. What is new is on disk.

    The council must be here, or be one that this node asked to join or follows.
    """
    value = decode(body_of(request, body), bundles.BATCH + 2 * MAX_ENVELOPE)
    if type(value) is not list or any(type(one) is not bytes for one in value):
        raise Malformed("operations", "The body is a list of envelopes.")
    wanted = parse_operation(council)
    if wanted not in local.service.councils and wanted not in local.service.followed():
        raise Refused(
            "unknown-council",
            "This node is not in that council and did not ask to join it, so it takes nothing in for it: use a ticket "
            "first (moot join), or ask to be enrolled.",
        )
    came = await local.service.submit(value)
    refused = [one for one in came if not isinstance(one, Accepted | Known | Waits)]
    return BundleTaken(
        accepted=sum(isinstance(one, Accepted) for one in came),
        known=sum(isinstance(one, Known) for one in came),
        waiting=sum(isinstance(one, Waits) for one in came),
        refused=[outcome(local.service, one) for one in refused[:_MOST_REFUSED]],
    )


ROUTES = [bundle, heads, slip, take]
