"""Councils: what they are, what is proposed and moved in them, and how to write into them."""

from litestar import get, post
from litestar.params import FromPath, JSONBody

from node.api import councils, motions, proposals, replacements
from node.api.answers import (
    Accepted,
    BranchAsked,
    CharterAnswer,
    CouncilAnswer,
    CouncilLine,
    DraftAnswer,
    DraftAsked,
    EpochAnswer,
    InvitationAnswer,
    ListedNode,
    MemberAnswer,
    MotionAnswer,
    ProposalAnswer,
    ProposalLine,
    RecordAnswer,
    RecordAsked,
    ReplacementAnswer,
    RequestAnswer,
    RivalAnswer,
)
from node.api.names import Names
from node.api.routes.here import Here
from node.refused import Refused
from protocol.errors import Malformed
from protocol.ids import operation_text, parse_operation

__all__ = [
    "ROUTES",
    "charter",
    "draft",
    "epochs",
    "invitations",
    "list_councils",
    "list_motions",
    "list_proposals",
    "list_replacements",
    "nodes",
    "one_council",
    "one_motion",
    "one_proposal",
    "replacement",
    "requests",
    "rivals",
    "roll",
]

_BASE = "/v1/councils/{council:str}"


@get("/v1/councils", sync_to_thread=False)
def list_councils(local: Here) -> list[CouncilLine]:
    """The councils that this node holds."""
    lines = [councils.line(local.service, council) for council in local.service.councils.values()]
    return sorted(lines, key=lambda line: (line.name.casefold(), line.council))


@get(_BASE, sync_to_thread=False)
def one_council(local: Here, council: FromPath[str]) -> CouncilAnswer:
    """One council, with the digest of its state."""
    found = local.council(council)
    silent = local.teller.silent(found.id)
    return councils.council(local.service, found, local.network.connected(), silent, local.teller.astray(found.id))


@get(f"{_BASE}/roll", sync_to_thread=False)
def roll(local: Here, council: FromPath[str]) -> list[MemberAnswer]:
    """Its members."""
    return councils.roll(local.service, local.council(council))


@get(f"{_BASE}/nodes", sync_to_thread=False)
def nodes(local: Here, council: FromPath[str]) -> list[ListedNode]:
    """The nodes that hold its log, tellers' first."""
    return councils.nodes(local.council(council), local.network)


@get(f"{_BASE}/charter", sync_to_thread=False)
def charter(local: Here, council: FromPath[str]) -> CharterAnswer:
    """Its charter."""
    return councils.charter(local.council(council))


@get(f"{_BASE}/epochs", sync_to_thread=False)
def epochs(local: Here, council: FromPath[str]) -> list[EpochAnswer]:
    """Every step from the founding on, with what it changed and why."""
    return councils.epochs(local.service, local.council(council))


@get(f"{_BASE}/rivals", sync_to_thread=False)
def rivals(local: Here, council: FromPath[str]) -> list[RivalAnswer]:
    """Epochs of other branches, kept as evidence."""
    return councils.rivals(local.service, local.council(council))


@post(f"{_BASE}/branch", status_code=200, sync_to_thread=False)
def branch(local: Here, council: FromPath[str], data: JSONBody[BranchAsked]) -> Accepted:
    """Follow the branch with this rival epoch, from the node's next start on."""
    try:
        digest = bytes.fromhex(data.digest)
    except ValueError as error:
        raise Malformed("digest", "A digest is 64 hex digits.") from error
    local.service.choose_branch(local.council(council).id, digest)
    return Accepted()


@get(f"{_BASE}/replacements")
async def list_replacements(local: Here, council: FromPath[str]) -> list[ReplacementAnswer]:
    """The replacements of tellers that were offered to the members, and who has signed."""
    return await replacements.replacements(local.service, local.council(council))


@post(f"{_BASE}/replacements", status_code=200, sync_to_thread=False)
def replacement(local: Here, council: FromPath[str], data: JSONBody[RecordAsked]) -> RecordAnswer:
    """The record by which the members make these the tellers, to be offered and signed."""
    return replacements.record(local.council(council), data.profile, data.tellers)


@post(f"{_BASE}/teller", status_code=200, sync_to_thread=False)
def teller(local: Here, council: FromPath[str]) -> Accepted:
    """A person knows that this node's database is the latest: its teller signs again."""
    found = local.council(council)
    if local.teller.silent(found.id) is None:
        raise Refused("not-silent", "This node's teller is not silent in that council.")
    local.teller.confirm(found.id)
    return Accepted()


@get(f"{_BASE}/invitations", sync_to_thread=False)
def invitations(local: Here, council: FromPath[str]) -> list[InvitationAnswer]:
    """Its invitations."""
    return councils.invitations(local.service, local.council(council))


@get(f"{_BASE}/requests", sync_to_thread=False)
def requests(local: Here, council: FromPath[str]) -> list[RequestAnswer]:
    """Who asks to join."""
    return councils.requests(local.service, local.council(council))


@get(f"{_BASE}/motions", sync_to_thread=False)
def list_motions(local: Here, council: FromPath[str]) -> list[MotionAnswer]:
    """Its motions, open ones first."""
    return motions.motions(local.service, local.council(council))


@get(f"{_BASE}/motions/{{motion:str}}", sync_to_thread=False)
def one_motion(local: Here, council: FromPath[str], motion: FromPath[str]) -> MotionAnswer:
    """One motion and how it stands."""
    found = local.council(council)
    fact = found.motions.get(parse_operation(motion))
    if fact is None:
        raise Refused("unknown-motion", f"There is no motion {motion} in this council's log here.")
    return motions.motion(local.service, found, Names(local.service, found), fact)


@get(f"{_BASE}/proposals", sync_to_thread=False)
def list_proposals(local: Here, council: FromPath[str]) -> list[ProposalLine]:
    """Its proposals."""
    return proposals.proposals(local.service, local.council(council))


@get(f"{_BASE}/proposals/{{proposal:str}}", sync_to_thread=False)
def one_proposal(local: Here, council: FromPath[str], proposal: FromPath[str]) -> ProposalAnswer:
    """One proposal (named by itself or by one of its versions): versions, motions, comments."""
    found = local.council(council)
    id = parse_operation(proposal)
    known = found.talk.proposals.get(found.talk.proposal_of.get(id, id))
    if known is None:
        raise Refused("unknown-proposal", f"There is no proposal {proposal} in this council's log here.")
    return proposals.proposal(local.service, found, known)


@post(f"{_BASE}/draft", status_code=200, sync_to_thread=False)
def draft(local: Here, council: FromPath[str], data: JSONBody[DraftAsked]) -> DraftAnswer:
    """What a new operation must name: deps (what its body names among them), depth and epoch."""
    found = local.council(council)
    heads = local.service.draft(found.id, [parse_operation(need) for need in data.needs])
    return DraftAnswer(
        council=operation_text(found.id),
        deps=[operation_text(dep) for dep in heads.deps],
        depth=heads.depth,
        epoch=heads.epoch,
        epoch_digest=found.branch.links[heads.epoch].digest.hex(),
    )


ROUTES = [
    branch,
    charter,
    draft,
    epochs,
    invitations,
    list_councils,
    list_motions,
    list_proposals,
    list_replacements,
    nodes,
    one_council,
    one_motion,
    one_proposal,
    replacement,
    requests,
    rivals,
    roll,
    teller,
]
