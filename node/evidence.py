"""Proof that a council has another branch: enough of it, and no more.

Whoever may sign epochs could sign any number of rivals, and every member could carry the same
one in any number of operations. To know of a branch, and to choose it, one of each is enough.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from protocol.council.branch import Claim, read_claim
from protocol.errors import Malformed
from protocol.log.operation import Envelope, decode_envelope

__all__ = ["Evidence"]

MOST_OF_A_NUMBER: Final = 8
MOST: Final = 64
"""Rival records of one sort (signed by tellers, or by the members) that a node keeps of one council."""


class Evidence:
    """The rival records of one council that are kept: `kept` are the envelopes there are so far."""

    def __init__(self, kept: Iterable[bytes]) -> None:
        self._digests: set[bytes] = set()
        self._of: Counter[tuple[bool, int]] = Counter()
        for raw in kept:
            claim = _claim(decode_envelope(raw))
            if claim is not None:  # what lies beside the log since a person left its branch is no claim
                self._note(claim)

    def add(self, envelope: Envelope, *, asked: bool = False) -> bool:
        """Whether this rival is to be kept; `asked`: somebody of this home brought it, so she has a use for it.

        By whom it is signed divides the room: tellers who lie cannot crowd out a branch of the members.
        """
        claim = _claim(envelope)
        if claim is None or claim.digest in self._digests:
            return False
        by_members = _by_members(claim)
        of_sort = sum(count for (sort, _), count in self._of.items() if sort == by_members)
        if not asked and (of_sort >= MOST or self._of[by_members, claim.number] >= MOST_OF_A_NUMBER):
            return False
        self._note(claim)
        return True

    def _note(self, claim: Claim) -> None:
        self._digests.add(claim.digest)
        self._of[_by_members(claim), claim.number] += 1


def _claim(envelope: Envelope) -> Claim | None:
    operation = envelope.operation
    if operation.kind != "council.epoch":
        return None
    try:
        return read_claim(int(operation.body["number"]), envelope.parts()[0], 0, [])
    except (Malformed, KeyError, IndexError, ValueError, TypeError):
        return None


def _by_members(claim: Claim) -> bool:
    return any(isinstance(effect, dict) and effect.get("by") == "members" for effect in claim.effects)
