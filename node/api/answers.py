"""What the API asks and answers: typed bodies, the same that `moot --json` prints.

Times are milliseconds since 1970, UTC. Ids are texts as people copy them: operations `bafyrei...`,
persons and devices `did:key:...`, nodes `12D3KooW...`. Digests are 64 hex digits. Where a field
can be null, null means that it is not there or not known here. docs/reference/json.md shows
all of them; fields are added, never renamed.
"""

from node.api.answer import Answer
from node.api.council_answers import (
    BranchAsked,
    CharterAnswer,
    CouncilAnswer,
    EffectAnswer,
    EpochAnswer,
    EpochEvent,
    OfficeAnswer,
    OperationEvent,
    RecordAnswer,
    RecordAsked,
    ReplacementAnswer,
    RivalAnswer,
    SignatureAnswer,
    TellerAnswer,
    TellerNamed,
)
from node.api.decision_answers import (
    AdoptedAnswer,
    Assent,
    CommentAnswer,
    FileAnswer,
    InvitationAnswer,
    MotionAnswer,
    ProposalAnswer,
    ProposalLine,
    RequestAnswer,
    VersionAnswer,
)
from node.api.joining_answers import FollowAsked, JoinAnswer, JoinAsked, JoinNode
from node.api.log_answers import Accepted, ContentAnswer, DraftAnswer, DraftAsked, OperationAnswer, Outcome, Resolved
from node.api.node_answers import (
    AddPeer,
    AwayAsked,
    ContextAsked,
    CouncilLine,
    ListedNode,
    NodeAnswer,
    OfferAnswer,
    PeerAnswer,
)
from node.api.people_answers import MemberAnswer, PersonAnswer, PetnameAsked

__all__ = [
    "Accepted",
    "AddPeer",
    "AdoptedAnswer",
    "Answer",
    "Assent",
    "AwayAsked",
    "BranchAsked",
    "CharterAnswer",
    "CommentAnswer",
    "ContentAnswer",
    "ContextAsked",
    "CouncilAnswer",
    "CouncilLine",
    "DraftAnswer",
    "DraftAsked",
    "EffectAnswer",
    "EpochAnswer",
    "EpochEvent",
    "FileAnswer",
    "FollowAsked",
    "InvitationAnswer",
    "JoinAnswer",
    "JoinAsked",
    "JoinNode",
    "ListedNode",
    "MemberAnswer",
    "MotionAnswer",
    "NodeAnswer",
    "OfferAnswer",
    "OfficeAnswer",
    "OperationAnswer",
    "OperationEvent",
    "Outcome",
    "PeerAnswer",
    "PersonAnswer",
    "PetnameAsked",
    "ProposalAnswer",
    "ProposalLine",
    "RecordAnswer",
    "RecordAsked",
    "ReplacementAnswer",
    "RequestAnswer",
    "Resolved",
    "RivalAnswer",
    "SignatureAnswer",
    "TellerAnswer",
    "TellerNamed",
    "VersionAnswer",
]
