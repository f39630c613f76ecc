"""What voters and tellers did about ballots, as sentences without their full stops."""

from node.api.names import Names
from node.api.texts import text, title
from node.service import Service
from protocol.council.ballot_bodies import (
    Accept,
    CastBody,
    Certify,
    CloseBody,
    Decline,
    OpenBallot,
    Precommit,
    Prevote,
    Propose,
    Seen,
    Support,
)
from protocol.council.ballots import Ballot
from protocol.council.body import Body
from protocol.council.council import Council

__all__ = ["ballot_deed", "ballot_title"]


def ballot_title(service: Service, council: Council, ballot: Ballot | None) -> str:
    """A ballot as it is named in a sentence."""
    named = None if ballot is None else text(service, council, ballot.id, ballot.body.title)
    return "a ballot" if named is None else f"the ballot '{' '.join(named.split())}'"


def ballot_deed(service: Service, council: Council, names: Names, id: bytes, body: Body, author: bytes) -> str | None:
    """What an operation about a ballot does; None for one about something else."""
    who = names.person(council.membership_of(id), author).name
    named = getattr(body, "ballot", None) or getattr(body, "of", None)
    about = ballot_title(service, council, council.box.ballots.get(named or id))
    match body:
        case Support(proposal):
            known = council.talk.proposals.get(council.talk.proposal_of.get(proposal, b""))
            what = None if known is None else title(service, council, known)
            return f"{who} wants a ballot on {'a proposal' if what is None else repr(what)}"
        case OpenBallot():
            return f"{who} opened {about}"
        case CastBody(revision=revision):
            return f"{who} {'voted anew' if revision else 'voted'} in {about}"
        case Accept():
            return f"{who} accepts {about}"
        case Decline(rule=rule):
            return f"{who} declines {about} ({rule})"
        case Seen():
            return f"{who} has casts of {about}, on time"
        case CloseBody(attended=attended):
            return f"{who} closes {about}" + ("" if attended else ", without having been there at the deadline")
        case Certify():
            return f"{who} certifies the result of {about}"
        case Propose() | Prevote() | Precommit():
            if named not in council.box.ballots:
                about = "the next epoch"
            step = {Propose: "proposes", Prevote: "votes", Precommit: "commits"}[type(body)]
            return f"{who} {step} in the count of {about}, round {body.round}"
    return None
