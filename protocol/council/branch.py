"""The chain of epochs that a node is on: what it holds, what it refuses, what it keeps as proof."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ..codec import decode
from ..errors import Malformed, Refusal
from ..federation.link import Link as ChildLink
from ..ids import Digest, Membership, digest
from ..log.operation import MAX_PARTS
from .bodies import TellersChange
from .charter import PROFILES
from .compose import compose_replacement
from .epochs import EpochState, Record
from .roll import Member, Teller
from .signatures import Signatures, signed_by_members, signed_by_tellers

__all__ = ["Branch", "Claim", "Link", "read_claim"]


@dataclass(frozen=True, slots=True)
class Link:
    """One epoch of the chain, as much of it as is needed to judge what was signed on it."""

    number: int
    digest: Digest
    profile: str
    tellers: tuple[Teller, ...]
    members: Mapping[Membership, Member]
    effects: tuple[dict[str, Any], ...]
    seats: Mapping[bytes, ChildLink]
    offices: Mapping[str, tuple[Membership, ...]]
    operation: bytes
    """Of the operations here that carry the record, the one with the lowest id."""

    def nodes(self) -> set[bytes]:
        """The node keys on the roll, tellers' nodes included."""
        listed = {teller.node for teller in self.tellers}
        return listed.union(*(member.nodes for member in self.members.values()))


@dataclass(frozen=True, slots=True)
class Claim:
    """What an epoch's operation says: its record, read but not judged."""

    number: int
    previous: bytes
    basis: tuple[bytes, ...]
    effects: list[Any]
    data: bytes
    digest: Digest
    round: int
    signatures: Signatures


def read_claim(number: int, data: bytes, round: int, signatures: Signatures) -> Claim:
    """The record in `data`; `Malformed` when it is none, or of another number than the body's."""
    value: Any = decode(data, MAX_PARTS)
    fields = value if isinstance(value, dict) else {}
    basis, previous, effects = fields.get("basis"), fields.get("previous"), fields.get("effects")
    if fields.get("version") != 1 or fields.get("number") != number:
        raise Malformed("epoch-record", "the epoch's record is of another version or number than its operation says.")
    if type(previous) is not bytes or type(effects) is not list or type(basis) is not list or not basis:
        raise Malformed("epoch-record", "the epoch's record lacks its basis, its effects or what it follows.")
    if not all(type(item) is bytes for item in basis):
        raise Malformed("epoch-record", "the epoch's basis is not a list of ids.")
    return Claim(number, previous, tuple(basis), effects, data, digest(data), round, signatures)


class Branch:
    """The chain of epochs from the founding on, one digest for each number."""

    def __init__(self, founding: EpochState) -> None:
        self.head = founding
        self.links = [self._link(founding, (), founding.council)]

    @staticmethod
    def _link(state: EpochState, effects: tuple[dict[str, Any], ...], operation: bytes) -> Link:
        return Link(
            state.number,
            state.digest,
            state.profile,
            state.tellers,
            state.members,
            effects,
            state.seats,
            state.offices,
            operation,
        )

    def enter(self, record: Record, operation: bytes) -> None:
        """Step to the epoch of `record`, which must follow the head."""
        self.head = record.state
        self.links.append(self._link(record.state, record.effects, operation))

    def carried(self, number: int, operation: bytes) -> None:
        """Another operation stands for the epoch from now on."""
        self.links[number] = replace(self.links[number], operation=operation)

    def signed(self, claim: Claim) -> bool:
        """Whether the claim is signed by those who may sign what follows epoch `number - 1` here.

        False too for a number whose predecessor this branch does not have.
        """
        if claim.number > len(self.links) or self.links[claim.number - 1].digest != claim.previous:
            return False
        link = self.links[claim.number - 1]
        if _by_members(claim):
            return signed_by_members(claim.digest, claim.signatures, link.members)
        return signed_by_tellers(claim.digest, claim.round, claim.signatures, link.tellers, PROFILES[link.profile])

    def replacement(self, claim: Claim) -> Record | Refusal | None:
        """The record that a replacement of tellers by the members makes; None when the claim is no such thing."""
        if not _by_members(claim):
            return None
        fields = {key: value for key, value in claim.effects[0].items() if key != "by"}
        try:
            effect = msgspec.convert(fields, TellersChange, strict=True, builtin_types=(bytes,))
        except msgspec.ValidationError:
            return Refusal("epoch-record", "the record's replacement of tellers is not well formed.")
        return compose_replacement(self.head, effect, claim.basis)


def _by_members(claim: Claim) -> bool:
    effects = claim.effects
    return len(effects) == 1 and isinstance(effects[0], dict) and effects[0].get("by") == "members"
