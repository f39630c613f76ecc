"""Where a child's chain begins: its founding operation, whose hash is the council's name."""

from typing import Any

import msgspec

from ..codec import encode
from ..errors import Refusal
from ..ids import Digest, digest
from ..keys import ENROLMENT, verify
from ..log.operation import Envelope
from ..tellers.profiles import PROFILES
from .link import Link
from .record import Bytes32, Signature, TellerShown
from .roll import read_roll

__all__ = ["founding_link"]


class _Founding(msgspec.Struct, frozen=True):
    """As much of a founding operation's body as the chain rests on."""

    nonce: Bytes32
    charter: dict[str, Any]
    person: Bytes32
    grant: Signature
    tellers: list[TellerShown]
    node: Bytes32 | None = None
    addresses: list[str] | None = None


def founding_link(envelope: Envelope) -> Link | Refusal:
    """Epoch 0 of the council that this operation founds, or why none can be followed from it.

    The charter is not judged beyond its profile of tellers: whether it is good is for the
    council's own nodes.
    """
    operation = envelope.operation
    if operation.kind != "council.found" or operation.deps or not operation.signed():
        return Refusal("seat-founding", "this is not a founding operation that its author signed.")
    try:
        body = msgspec.convert(operation.body, _Founding, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        return Refusal("seat-founding", f"the founding operation is not well formed: {error}.")
    if not verify(body.person, ENROLMENT, encode([body.nonce, body.person, operation.author]), body.grant):
        return Refusal("seat-founding", "the founder's device is not enrolled by the founder's key.")
    name = body.charter.get("tellers")
    profile = PROFILES.get(name) if isinstance(name, str) else None
    tellers = tuple(sorted((teller.key, teller.node) for teller in body.tellers))
    if not isinstance(name, str) or profile is None or not len(dict(tellers)) == len(tellers) == profile.n:
        return Refusal("seat-tellers", "the founding operation's tellers do not fit the charter's profile.")
    if not all(teller.proven(body.nonce) for teller in body.tellers):
        return Refusal("seat-tellers", "a teller did not prove that it holds its key.")
    nodes = [] if body.node is None else [[body.node, body.addresses or []]]
    roll = read_roll(encode([[operation.id, body.person, 0, [operation.author], nodes, False]]))
    charter = digest(encode(body.charter))
    return Link(operation.id, 0, Digest(operation.id), b"", roll.digest, charter, name, tellers).counting(roll)
