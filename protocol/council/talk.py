"""What is said: proposals with their versions, comments, erasures. A CRDT: sets that only grow.

Each operation is judged by what its own deps say, never by what happens to have come first,
so the state is the same for every order of arrival.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..errors import Refusal
from ..ids import Membership
from .bodies import Amend, Comment, Erasure, Open, WithdrawProposal
from .body import Body

__all__ = ["Proposal", "Remark", "Talk", "Version"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a proposal's text. `replaces`: the version it was made from (None: the first)."""

    id: bytes
    replaces: bytes | None
    author: Membership
    depth: int
    time: int
    body: Open | Amend


@dataclass(slots=True)
class Proposal:
    """A proposal: its versions by id, and whether its author withdrew it."""

    id: bytes
    author: Membership
    versions: dict[bytes, Version] = field(default_factory=dict)
    withdrawn: set[bytes] = field(default_factory=set)

    def ordered(self) -> list[Version]:
        """The versions in `(depth, id)` order."""
        return sorted(self.versions.values(), key=lambda version: (version.depth, version.id))

    def latest(self) -> list[Version]:
        """The versions that no other was made from: more than one after a parting of ways."""
        replaced = {version.replaces for version in self.versions.values()}
        return [version for version in self.ordered() if version.id not in replaced]


class Remark(msgspec.Struct, frozen=True, gc=False):
    """A comment: on what, by whom."""

    on: bytes
    author: Membership
    depth: int
    time: int
    text: int


class Talk:
    """The talk of one council: proposals, comments, own erasures."""

    def __init__(self) -> None:
        self.proposals: dict[bytes, Proposal] = {}
        self.proposal_of: dict[bytes, bytes] = {}
        """Version id -> proposal id."""
        self.remarks: dict[bytes, Remark] = {}
        self.thread: dict[bytes, list[bytes]] = {}
        """What was commented on -> ids of the comments, in the order in which they came here."""
        self.erasures: dict[bytes, dict[bytes, tuple[int, ...]]] = {}
        """Operation -> erasure by its author -> indices of the attachments."""

    def judge(
        self, body: Body, deps: tuple[bytes, ...], author: Membership, owner: Membership | None
    ) -> Refusal | None:
        """Why the operation would have no effect, or None.

        owner: whose words the operation that an `Erasure` names are (None: nobody's).
        """
        if isinstance(body, Amend):
            if body.replaces not in deps or self.proposal_of.get(body.replaces) != body.proposal:
                return Refusal("amend", "the version that was to be amended is not one of that proposal's.")
        elif isinstance(body, WithdrawProposal):
            proposal = self.proposals.get(body.proposal)
            if body.proposal not in deps or proposal is None or proposal.author != author:
                return Refusal("withdraw", "only the author of a proposal can withdraw it.")
        elif isinstance(body, Comment):
            if body.on not in deps:
                return Refusal("comment", "what was commented on is not among the operation's deps.")
        elif isinstance(body, Erasure) and (body.operation not in deps or owner != author):
            return Refusal("erase", "people erase their own words; others' are erased by the council.")
        return None

    def add(self, operation: bytes, depth: int, time: int, author: Membership, body: Body) -> None:
        """Take in an operation that `judge` let pass; others change nothing here."""
        if isinstance(body, Open):
            proposal = self.proposals[operation] = Proposal(operation, author)
            proposal.versions[operation] = Version(operation, None, author, depth, time, body)
            self.proposal_of[operation] = operation
        elif isinstance(body, Amend):
            version = Version(operation, body.replaces, author, depth, time, body)
            self.proposals[body.proposal].versions[operation] = version
            self.proposal_of[operation] = body.proposal
        elif isinstance(body, WithdrawProposal):
            self.proposals[body.proposal].withdrawn.add(operation)
        elif isinstance(body, Comment):
            self.remarks[operation] = Remark(body.on, author, depth, time, body.text)
            self.thread.setdefault(body.on, []).append(operation)
        elif isinstance(body, Erasure):
            self.erasures.setdefault(body.operation, {})[operation] = tuple(body.attachments)

    def erased(self, operation: bytes) -> set[int]:
        """The indices of the attachments that the operation's author erased."""
        return {index for indices in self.erasures.get(operation, {}).values() for index in indices}

    def take(self, operation: bytes, body: Body | None) -> tuple[int, int, Membership, Body] | None:
        """Take back what `add` did for an operation that is not kept any more.

        body: known for what governs (withdrawals, erasures); for the rest it is rebuilt.
        Gives `(depth, time, author, body)` to add it again with, or None when nothing was added.
        """
        if operation in self.remarks:
            remark = self.remarks.pop(operation)
            self.thread[remark.on].remove(operation)
            if not self.thread[remark.on]:
                del self.thread[remark.on]
            return remark.depth, remark.time, remark.author, Comment(remark.on, remark.text)
        if operation in self.proposal_of:
            proposal = self.proposals[self.proposal_of.pop(operation)]
            version = proposal.versions.pop(operation)
            if not proposal.versions:
                del self.proposals[proposal.id]
            return version.depth, version.time, version.author, version.body
        if isinstance(body, WithdrawProposal) and body.proposal in self.proposals:
            self.proposals[body.proposal].withdrawn.discard(operation)
        elif isinstance(body, Erasure):
            del self.erasures[body.operation][operation]
            if not self.erasures[body.operation]:
                del self.erasures[body.operation]
        return None

    def data(self) -> dict[str, Any]:
        """Plain data for the state digest, sorted."""
        return {
            "proposals": [
                [p.id, p.author, [[v.id, v.replaces, v.author] for v in p.ordered()], sorted(p.withdrawn)]
                for _, p in sorted(self.proposals.items())
            ],
            "comments": [[r, remark.on, remark.author] for r, remark in sorted(self.remarks.items())],
            "erasures": [[operation, sorted(self.erased(operation))] for operation in sorted(self.erasures)],
        }
