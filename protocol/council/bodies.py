"""The bodies of the operations that a council understands, typed and strict.

A field that ends in an index (`name`, `text`, `reason` ...) is the place of an attachment
among the operation's contents. Every operation that a body names is among its deps, so that
what it means is a function of its causal past.
"""

from typing import Annotated, Any, Final

import msgspec

from ..codec import encode
from ..errors import Malformed
from ..keys import ENROLMENT, NODE, POSSESSION, TELLER, verify
from ..log.operation import ATTACHMENT, MAX_CONTENTS, PART, Operation
from .ballot_bodies import BALLOT_KINDS
from .body import LATEST, Addresses, Body, Bytes32, Index, Signature
from .seat_bodies import SEAT_KINDS, Believe, Instruct, Join, Mandated, Part, Recall, SeatChild, Suspend

__all__ = [
    "KINDS",
    "Absent",
    "Admit",
    "Adopt",
    "Amend",
    "Assent",
    "CharterChange",
    "Comment",
    "Effect",
    "Elect",
    "EnrolDevice",
    "EnrolNode",
    "EpochBody",
    "Erase",
    "Erasure",
    "Found",
    "Invite",
    "Leave",
    "Merge",
    "Move",
    "Office",
    "Open",
    "Rekey",
    "Remove",
    "ReplacementOffer",
    "ReplacementSign",
    "Request",
    "Return",
    "RevokeDevice",
    "RevokeNode",
    "TellerKeys",
    "TellersChange",
    "Uninvite",
    "Withdraw",
    "WithdrawProposal",
    "enrolment_message",
    "node_message",
    "node_proven",
    "parse_body",
    "teller_message",
]


def enrolment_message(context: bytes, person: bytes, device: bytes) -> bytes:
    """What a person signs (ENROLMENT) to enrol a device, and the device (POSSESSION) to agree.

    context: the founding nonce, the invitation's id, or the membership.
    """
    return encode([context, person, device])


def node_message(context: bytes, node: bytes) -> bytes:
    """What a node signs (NODE) to be listed under a member."""
    return encode([context, node])


def teller_message(context: bytes, key: bytes, node: bytes) -> bytes:
    """What a teller signs (TELLER) to prove possession. context: founding nonce or council id."""
    return encode([context, key, node])


class TellerKeys(Body, frozen=True):
    """A teller: its key, the node it runs on, proof that it holds the key, and where the node is found."""

    key: Bytes32
    node: Bytes32
    possession: Signature
    addresses: Addresses | None = None

    def proven(self, context: bytes) -> bool:
        """Whether the possession is signed by the key, for this context."""
        return verify(self.key, TELLER, teller_message(context, self.key, self.node), self.possession)


Tellers = Annotated[list[TellerKeys], msgspec.Meta(min_length=1, max_length=10)]


class Found(Body, frozen=True):
    """`council.found`: the founder, signed by her device."""

    nonce: Bytes32
    charter: dict[str, Any]
    person: Bytes32
    grant: Signature
    tellers: Tellers
    node: Bytes32 | None = None
    node_possession: Signature | None = None
    addresses: Addresses | None = None
    name: Index | None = None


class Invite(Body, frozen=True):
    """`council.invite`: a key whose holder may send one request; `expires` in ms since 1970."""

    key: Bytes32
    uses: Annotated[int, msgspec.Meta(ge=1, le=50)]
    expires: Annotated[int, msgspec.Meta(ge=0, le=LATEST)] | None = None


class Uninvite(Body, frozen=True):
    """`council.uninvite`: the invitation admits nobody any more."""

    invitation: Bytes32


class Request(Body, frozen=True):
    """`council.request`: an applicant's person, device and node keys, signed with the ticket's key."""

    person: Bytes32
    device: Bytes32
    grant: Signature
    possession: Signature
    node: Bytes32 | None = None
    node_possession: Signature | None = None
    addresses: Addresses | None = None
    name: Index | None = None
    letter: Index | None = None

    def proven(self, context: bytes) -> bool:
        """Whether person, device and node each signed for this context (the invitation's id)."""
        message = enrolment_message(context, self.person, self.device)
        if not verify(self.person, ENROLMENT, message, self.grant):
            return False
        if not verify(self.device, POSSESSION, message, self.possession):
            return False
        return node_proven(context, self.node, self.node_possession)


def node_proven(context: bytes, node: bytes | None, possession: bytes | None) -> bool:
    """Whether the node signed for this context; true when none is named and no proof given."""
    if node is None or possession is None:
        return node is possession
    return verify(node, NODE, node_message(context, node), possession)


class EpochBody(Body, frozen=True):
    """`council.epoch`: number and indices of two parts, the record and its signatures."""

    number: Annotated[int, msgspec.Meta(ge=1, le=0xFFFFFFF0)]
    record: Index
    signatures: Index


class Admit(Body, frozen=True, tag="admit", tag_field="kind"):
    """Effect: the applicant of this request becomes a member."""

    request: Bytes32


class Remove(Body, frozen=True, tag="remove", tag_field="kind"):
    """Effect: this membership ends."""

    membership: Bytes32


class CharterChange(Body, frozen=True, tag="charter", tag_field="kind"):
    """Effect: a new charter in place of the one with digest `replaces`."""

    charter: dict[str, Any]
    replaces: Bytes32


class TellersChange(Body, frozen=True, tag="tellers", tag_field="kind"):
    """Effect: these tellers, under this profile, in place of those with digest `replaces`."""

    profile: Annotated[str, msgspec.Meta(max_length=40)]
    tellers: Tellers
    replaces: Bytes32


class Rekey(Body, frozen=True, tag="rekey", tag_field="kind"):
    """Effect: a new person key and first device for a membership; all its old devices end."""

    membership: Bytes32
    person: Bytes32
    device: Bytes32
    grant: Signature
    possession: Signature
    replaces: Bytes32

    def proven(self) -> bool:
        """Whether the new person and device keys signed for this membership."""
        message = enrolment_message(self.membership, self.person, self.device)
        return verify(self.person, ENROLMENT, message, self.grant) and verify(
            self.device, POSSESSION, message, self.possession
        )


class Adopt(Body, frozen=True, tag="adopt", tag_field="kind"):
    """Effect: this version of the proposal is adopted, in place of version `replaces` (None: the first)."""

    proposal: Bytes32
    version: Bytes32
    replaces: Bytes32 | None = None


class Erase(Body, frozen=True, tag="erase", tag_field="kind"):
    """Effect: an attachment of an operation is erased, pinned or not."""

    operation: Bytes32
    attachment: Index


OfficeName = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class Office(Body, frozen=True, tag="office", tag_field="kind"):
    """Effect: these members, and nobody else, hold this office from now on; nobody, when there are none."""

    office: OfficeName
    members: Annotated[list[Bytes32], msgspec.Meta(max_length=100)]


class Elect(Body, frozen=True, tag="elect", tag_field="kind"):
    """Effect of a ballot with options: who is chosen holds this office.

    candidates: a membership for each option, or None for one that is nobody.
    """

    office: OfficeName
    candidates: Annotated[list[Bytes32 | None], msgspec.Meta(min_length=1, max_length=100)]


Effect = (
    Admit
    | Remove
    | CharterChange
    | TellersChange
    | Rekey
    | Adopt
    | Erase
    | Office
    | Join
    | Part
    | SeatChild
    | Suspend
    | Believe
    | Mandated
    | Recall
    | Instruct
)


class Move(Body, frozen=True):
    """`motion.move`: one effect, put to the members. Its mover assents by moving it."""

    effect: Effect
    reason: Index | None = None


class Assent(Body, frozen=True):
    """`motion.assent`: in favour of one motion."""

    motion: Bytes32


class Withdraw(Body, frozen=True):
    """`motion.withdraw`: takes back one's own assent (for the mover: the motion's id)."""

    assent: Bytes32


class Leave(Body, frozen=True):
    """`member.leave`: the author's membership ends; `grant` by the person's key over the membership."""

    grant: Signature


class Absent(Body, frozen=True):
    """`member.absent`: not counted among those whose assent is needed, until she acts or returns."""


class Return(Body, frozen=True):
    """`member.return`: the end of an absence."""


class EnrolDevice(Body, frozen=True):
    """`device.enrol`: one more device of a member; any member's device may carry it."""

    membership: Bytes32
    device: Bytes32
    grant: Signature
    possession: Signature


class RevokeDevice(Body, frozen=True):
    """`device.revoke`: a device ends; `grant` by the person over `[membership, device]`."""

    membership: Bytes32
    device: Bytes32
    grant: Signature


class EnrolNode(Body, frozen=True):
    """`node.enrol`: a node of the author's, with addresses; again to change the addresses."""

    node: Bytes32
    possession: Signature
    addresses: Addresses


class RevokeNode(Body, frozen=True):
    """`node.revoke`: a node of the author's ends."""

    node: Bytes32


class Open(Body, frozen=True):
    """`proposal.open`: a title and a text; the operation is the proposal and its first version."""

    title: Index
    text: Index
    files: Annotated[list[Index], msgspec.Meta(max_length=16)] | None = None


class Amend(Body, frozen=True):
    """`proposal.amend`: another version, made from version `replaces`."""

    proposal: Bytes32
    replaces: Bytes32
    text: Index
    title: Index | None = None
    note: Index | None = None
    files: Annotated[list[Index], msgspec.Meta(max_length=16)] | None = None


class WithdrawProposal(Body, frozen=True):
    """`proposal.withdraw`: by its author."""

    proposal: Bytes32


class Comment(Body, frozen=True):
    """`comment.write`: on a proposal, version, motion or comment."""

    on: Bytes32
    text: Index


class Erasure(Body, frozen=True):
    """`talk.erase`: one's own attachments, unless a decision pins them."""

    operation: Bytes32
    attachments: Annotated[list[Index], msgspec.Meta(min_length=1, max_length=MAX_CONTENTS)]


class Merge(Body, frozen=True):
    """`merge`: gathers heads."""


class ReplacementOffer(Body, frozen=True):
    """`replacement.offer`: a record that changes only the tellers, as a part, for members to sign."""

    record: Index


class ReplacementSign(Body, frozen=True):
    """`replacement.sign`: a member's signature over an offered record."""

    offer: Bytes32
    signature: Signature


KINDS: Final[dict[str, type[Body]]] = {
    "council.found": Found,
    "council.invite": Invite,
    "council.uninvite": Uninvite,
    "council.request": Request,
    "council.epoch": EpochBody,
    "motion.move": Move,
    "motion.assent": Assent,
    "motion.withdraw": Withdraw,
    "member.leave": Leave,
    "member.absent": Absent,
    "member.return": Return,
    "device.enrol": EnrolDevice,
    "device.revoke": RevokeDevice,
    "node.enrol": EnrolNode,
    "node.revoke": RevokeNode,
    "proposal.open": Open,
    "proposal.amend": Amend,
    "proposal.withdraw": WithdrawProposal,
    "comment.write": Comment,
    "talk.erase": Erasure,
    "merge": Merge,
    "replacement.offer": ReplacementOffer,
    "replacement.sign": ReplacementSign,
    **BALLOT_KINDS,
    **SEAT_KINDS,
}
"""Every kind that version 1 of the rules understands; others are stored and passed on."""

_INDEXED: Final = ("name", "letter", "reason", "title", "text", "note", "files", "attachments")
_PARTS: Final = ("record", "signatures", "casts", "openings", "boxes", "founding", "epochs")
_PLACES: Final = {
    # An erasure names contents of another operation.
    sort: []
    if sort is Erasure
    else [(n, PART if n in _PARTS else ATTACHMENT) for n in (*_INDEXED, *_PARTS) if n in sort.__struct_fields__]
    for sort in KINDS.values()
}
"""The fields of each body that are places among the operation's contents, and of which sort those are."""


def parse_body(operation: Operation) -> Body | None:
    """The typed body; None for a kind unknown here; `Malformed` for a body that breaks its kind."""
    sort = KINDS.get(operation.kind)
    if sort is None:
        return None
    try:
        body = msgspec.convert(operation.body, sort, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise Malformed("body", f"the operation's body does not fit its kind {operation.kind!r}: {error}.") from error
    for name, wanted in _PLACES[sort]:
        found = getattr(body, name)
        for index in found if isinstance(found, list) else [] if found is None else [found]:
            if index >= len(operation.contents) or operation.contents[index].sort != wanted:
                raise Malformed("body", f"the operation's {name!r} names no such attachment.")
    return body
