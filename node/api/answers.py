"""What the API asks and answers: typed bodies, the same that `moot --json` prints.

Times are milliseconds since 1970, UTC. Ids are texts as people copy them: operations `bafyrei...`,
persons and devices `did:key:...`, nodes `12D3KooW...`. Digests are 64 hex digits. Where a field
can be null, null means that it is not there or not known here. docs/reference/json.md shows
all of them; fields are added, never renamed.
"""

from typing import Any, Literal

import msgspec

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


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Common to all answers."""


# --- the node ---------------------------------------------------------------------------------


class PeerAnswer(Answer, frozen=True):
    """A node that this one knows."""

    peer: str
    addresses: list[str]
    source: str
    """Who named the addresses: `settings`, `person`, `ticket`, `roll`, `mdns`, or `met`."""
    connected: bool
    seen: int | None
    """When it was last connected."""
    trouble: str | None
    """Why the last try to reach it failed; of a connected one why it cannot be spoken with, if so."""
    kept_away: bool
    """Whether this node keeps away from it."""


class ListedNode(Answer, frozen=True):
    """A node of a council: a teller's, or one on the roll."""

    peer: str
    addresses: list[str]
    teller: bool


class AwayAsked(Answer, frozen=True):
    """Asked: keep away from this peer for so many seconds; null for until it is let near again."""

    seconds: float | None = None


class CouncilLine(Answer, frozen=True):
    """A council in a list."""

    council: str
    name: str
    purpose: str
    epoch: int
    members: int
    forming: bool
    """Fewer members than the charter asks for: it can admit, and do little else."""
    operations: int
    current: bool
    """Whether what is said there comes here: the node is on the roll, or the council is public."""


class NodeAnswer(Answer, frozen=True):
    """The running node."""

    version: str
    protocol: int
    peer: str
    teller: str
    """The key with which this node signs as a teller."""
    addresses: list[str]
    home: str
    pid: int
    port: int
    started: int
    connected: int
    """How many peers are connected now."""
    storage: int
    """Bytes on disk."""
    councils: list[CouncilLine]


class AddPeer(Answer, frozen=True):
    """Asked: remember this address, `/ip4/.../tcp/.../p2p/12D3KooW...`, and dial it."""

    address: str


class ContextAsked(Answer, frozen=True):
    """Asked: let the node and its teller's key sign for this context, 64 hex digits.

    A context is a founding nonce, an invitation's, membership's or council's id.
    """

    context: str


class OfferAnswer(Answer, frozen=True):
    """The node's proofs for one context, to be named in an operation; keys and signatures in hex."""

    node: str
    node_possession: str
    addresses: list[str]
    teller: str
    teller_possession: str


# --- people -----------------------------------------------------------------------------------


class PersonAnswer(Answer, frozen=True):
    """Somebody, as she is shown: `name` is the petname, else the name she gives herself, else her short key."""

    name: str
    person: str | None
    """None where only a device's key is known."""
    membership: str | None
    petname: str | None
    own_name: str | None


class MemberAnswer(Answer, frozen=True):
    """A membership on the roll."""

    name: str
    person: str
    membership: str
    petname: str | None
    own_name: str | None
    since: int
    """The epoch that admitted."""
    absent: bool
    devices: list[str]
    nodes: list[str]


class PetnameAsked(Answer, frozen=True):
    """Asked: call this person so from now on; null for no name of our own."""

    name: str | None


# --- the council ------------------------------------------------------------------------------


class TellerAnswer(Answer, frozen=True):
    """A teller and the node it runs on."""

    key: str
    peer: str
    here: bool
    """Whether it is this node."""
    connected: bool
    """Whether this node is connected to it, or is it."""
    silent: str | None
    """Why it signs nothing now, if it is this node's and does not."""


class CharterAnswer(Answer, frozen=True):
    """The charter in force."""

    council: str
    digest: str
    charter: dict[str, Any]
    """As in operations; docs/protocol.md explains every field."""
    words: dict[str, str]
    """For each matter its threshold in words, such as `more than 1/2`."""


class OfficeAnswer(Answer, frozen=True):
    """An office and who holds it, in the order in which they were chosen."""

    office: str
    members: list[PersonAnswer]


class CouncilAnswer(Answer, frozen=True):
    """One council."""

    council: str
    name: str
    purpose: str
    template: str
    visibility: str
    epoch: int
    epoch_digest: str
    members: int
    smallest: int
    largest: int
    forming: bool
    absent: int
    operations: int
    heads: int
    state_digest: str
    profile: str
    tellers: list[TellerAnswer]
    tellers_digest: str
    offices: list[OfficeAnswer]
    rivals: int
    """How many operations of another branch were seen and kept as evidence."""


class EffectAnswer(Answer, frozen=True):
    """One thing that an epoch changed, in words and as data."""

    kind: str
    words: str
    reason: str | None
    """The operation that is the reason."""
    assents: list[str]
    details: dict[str, Any]


class EpochAnswer(Answer, frozen=True):
    """One step of the council."""

    number: int
    digest: str
    operation: str | None
    """The operation that carries it; null for epoch 0, which is the founding."""
    time: int
    """By the teller's clock."""
    effects: list[EffectAnswer]


class OperationEvent(Answer, frozen=True):
    """Event `operation`: something was said."""

    council: str
    operation: str
    kind: str
    words: str
    without_effect: str | None


class EpochEvent(Answer, frozen=True):
    """Event `epoch`: the council changed."""

    council: str
    number: int
    digest: str
    effects: list[EffectAnswer]


class RivalAnswer(Answer, frozen=True):
    """An epoch of another branch, kept as evidence."""

    operation: str
    number: int
    digest: str


class BranchAsked(Answer, frozen=True):
    """Asked: follow the rival epoch with this digest from now on, and leave the present branch."""

    digest: str


class TellerNamed(Answer, frozen=True):
    """Asked: a teller, from its offer; key, node and possession in hex."""

    key: str
    node: str
    possession: str
    addresses: list[str]


class RecordAsked(Answer, frozen=True):
    """Asked: the record by which the members make these the tellers, without the present ones."""

    profile: str
    tellers: list[TellerNamed]


class RecordAnswer(Answer, frozen=True):
    """A record for members to sign, base64."""

    record: bytes
    number: int
    digest: str


class SignatureAnswer(Answer, frozen=True):
    """A member's signature over an offered record, hex."""

    member: PersonAnswer
    device: str
    signature: str


class ReplacementAnswer(Answer, frozen=True):
    """A replacement of the tellers that was offered to the members."""

    offer: str
    by: PersonAnswer
    time: int
    record: bytes
    """Base64."""
    digest: str
    tellers: list[str]
    """The nodes that would be tellers; empty for one that lapsed."""
    signatures: list[SignatureAnswer]
    signed: int
    """How many members have signed."""
    needed: int
    """Two thirds of the roll, absentees included."""
    depth: int
    """Of the operation that would carry it."""
    state: Literal["open", "effective", "lapsed"]


class InvitationAnswer(Answer, frozen=True):
    """An invitation."""

    invitation: str
    inviter: PersonAnswer
    uses: int
    used: int
    expires: int | None
    withdrawn: bool


class RequestAnswer(Answer, frozen=True):
    """A request to join, and the motion to admit, if there is one."""

    request: str
    invitation: str
    person: str
    name: str
    letter: str | None
    time: int
    motions: list[str]
    """The open motions to admit her: more than one when people moved it at the same time."""


class Assent(Answer, frozen=True):
    """One assent to a motion."""

    assent: str
    member: PersonAnswer
    time: int
    counts: bool
    """False when it was withdrawn, or its member or device is not on the roll any more."""


class MotionAnswer(Answer, frozen=True):
    """A motion and how it stands."""

    motion: str
    council: str
    kind: str
    words: str
    """What it would do, as one sentence."""
    effect: dict[str, Any]
    mover: PersonAnswer
    time: int
    reason: str | None
    threshold: str
    yes: int
    of: int
    needed: int
    met: bool
    waits: str | None
    """Why it does not take effect with the next epoch though enough assent, if it does not."""
    state: Literal["open", "effective", "lapsed"]
    epoch: int | None
    """The epoch in which it took effect or lapsed."""
    why: str | None
    """Why it lapsed."""
    assents: list[Assent]


class FileAnswer(Answer, frozen=True):
    """An attached file. Its bytes: `GET .../operations/{id}/contents/{index}`."""

    index: int
    size: int
    state: Literal["here", "fetching", "erased"]


class VersionAnswer(Answer, frozen=True):
    """One version of a proposal."""

    version: str
    number: int
    """1 for the first, in the order of the log."""
    replaces: str | None
    author: PersonAnswer
    time: int
    title: str | None
    text: str | None
    erased: bool
    note: str | None
    files: list[FileAnswer]
    motions: list[str]
    """The motions to adopt this version."""
    latest: bool
    """Whether no other version replaces it."""


class AdoptedAnswer(Answer, frozen=True):
    """What the council adopted of a proposal."""

    version: str
    number: int
    epoch: int


class CommentAnswer(Answer, frozen=True):
    """A comment."""

    comment: str
    on: str
    level: int
    """0 for one on the proposal or a motion, 1 for one on such a comment, and so on."""
    author: PersonAnswer
    time: int
    text: str | None
    """Null when it is erased or not here yet."""
    erased: bool


class ProposalLine(Answer, frozen=True):
    """A proposal in a list."""

    proposal: str
    title: str | None
    author: PersonAnswer
    time: int
    state: Literal["open", "adopted", "withdrawn"]
    versions: int


class ProposalAnswer(Answer, frozen=True):
    """A proposal with its versions, motions and comments."""

    proposal: str
    council: str
    title: str | None
    author: PersonAnswer
    time: int
    state: Literal["open", "adopted", "withdrawn"]
    adopted: AdoptedAnswer | None
    versions: list[VersionAnswer]
    motions: list[MotionAnswer]
    comments: list[CommentAnswer]
    """Flat, in reading order: each comment is followed by what was said on it."""


# --- the log ----------------------------------------------------------------------------------


class DraftAsked(Answer, frozen=True):
    """Asked: what a new operation must name. `needs` are the operations that its body names."""

    needs: list[str] = msgspec.field(default_factory=list)


class DraftAnswer(Answer, frozen=True):
    """What a new operation must name."""

    council: str
    deps: list[str]
    depth: int
    epoch: int
    epoch_digest: str
    """The digest of that epoch, which a ballot has to name."""


class Outcome(Answer, frozen=True):
    """What became of one envelope."""

    id: str | None
    """Null when the bytes were no operation."""
    state: Literal["accepted", "known", "waiting", "refused", "aside"]
    rule: str | None
    """The rule that was broken, when it was refused."""
    message: str | None
    without_effect: str | None
    """For an accepted one that has no effect: why."""


class ContentAnswer(Answer, frozen=True):
    """One content of an operation."""

    index: int
    sort: Literal["attachment", "part"]
    hash: str
    size: int
    state: Literal["here", "fetching", "erased"]
    text: str | None
    """The content, when it is here, short, and text."""


class OperationAnswer(Answer, frozen=True):
    """An operation as it stands in the log."""

    id: str
    council: str
    kind: str
    author: PersonAnswer
    device: str
    depth: int
    deps: list[str]
    time: int
    epoch: int
    kept: bool
    """False for one that nobody in standing refers to."""
    without_effect: str | None
    """Why it has no effect, if it has none."""
    body: dict[str, Any]
    """The body; ids and keys in hex."""
    contents: list[ContentAnswer]


class Resolved(Answer, frozen=True):
    """An operation whose id begins as asked."""

    id: str
    council: str
    kind: str


class Accepted(Answer, frozen=True):
    """Done."""

    done: bool = True


# --- joining ----------------------------------------------------------------------------------


class JoinNode(Answer, frozen=True):
    """A node named by the ticket: its PeerId and addresses."""

    peer: str
    addresses: list[str]


class JoinAsked(Answer, frozen=True):
    """Asked: bring this request (envelope, base64) to the ticket's nodes."""

    council: str
    nodes: list[JoinNode]
    envelope: bytes


class FollowAsked(Answer, frozen=True):
    """Asked: fetch this council from these nodes."""

    council: str
    nodes: list[JoinNode]


class JoinAnswer(Answer, frozen=True):
    """A request of somebody here, or a council to be fetched, on its way."""

    request: str
    council: str
    state: str
    """`waiting` (no node has been reached yet), `delivered`, `fetching`, `refused` or `admitted`."""
    message: str
