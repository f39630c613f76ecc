"""Ballots: what is asked, who voted, what came of it, and the proof."""

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from node.api import ballots
from node.api.ballot_answers import BallotAnswer, BallotLine, CastAsked, CastDraft, SupportAnswer
from node.api.routes.here import Here
from protocol.ids import parse_operation

__all__ = ["ROUTES", "certificate", "draft_cast", "list_ballots", "one_ballot", "supports"]

_BASE = "/v1/councils/{council:str}"
_CBOR = "application/cbor"


@get(f"{_BASE}/ballots", sync_to_thread=False)
def list_ballots(local: Here, council: FromPath[str]) -> list[BallotLine]:
    """Its ballots: running ones first, the next deadline first."""
    return ballots.ballots(local.service, local.council(council))


@get(f"{_BASE}/ballots/{{ballot:str}}", sync_to_thread=False)
def one_ballot(local: Here, council: FromPath[str], ballot: FromPath[str]) -> BallotAnswer:
    """One ballot: its terms, where each cast stands, the tellers' answers, the result."""
    found = local.council(council)
    return ballots.ballot(local.service, found, ballots.ballot_named(found, parse_operation(ballot)))


@post(f"{_BASE}/ballots/{{ballot:str}}/draft", status_code=200, sync_to_thread=False)
def draft_cast(local: Here, council: FromPath[str], ballot: FromPath[str], data: JSONBody[CastAsked]) -> CastDraft:
    """What a cast must say beside its choice; refused when it could not count."""
    found = local.council(council)
    about = ballots.ballot_named(found, parse_operation(ballot))
    return ballots.cast_draft(local.service, found, about, parse_operation(data.membership), data.choice)


@get(f"{_BASE}/ballots/{{ballot:str}}/certificate", sync_to_thread=False, media_type=_CBOR)
def certificate(
    local: Here, council: FromPath[str], ballot: FromPath[str], casts: FromQuery[bool] = False
) -> Response[bytes]:
    """The proof of the result, one file; with `casts=true` everything that it takes to count again."""
    found = local.council(council)
    about = ballots.ballot_named(found, parse_operation(ballot))
    return Response(ballots.certificate(local.service, found, about, casts=casts), media_type=_CBOR)


@get(f"{_BASE}/proposals/{{proposal:str}}/supports", sync_to_thread=False)
def supports(local: Here, council: FromPath[str], proposal: FromPath[str]) -> list[SupportAnswer]:
    """Who wants a ballot on a proposal."""
    found = local.council(council)
    id = parse_operation(proposal)
    return ballots.supports(local.service, found, found.talk.proposal_of.get(id, id))


ROUTES = [certificate, draft_cast, list_ballots, one_ballot, supports]
