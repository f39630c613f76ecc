"""Who may write, and from which epoch to which.

A *standing* is one key in one role: a device of a membership, a teller's term, an invitation,
a node of a council that sits here and may carry what that council decided.
It has a number, begins with an epoch and may end with one; ended standings never return.
"""

from dataclasses import dataclass
from typing import Literal

from ..ids import Membership

__all__ = ["Role", "Standing", "Standings"]

Role = Literal["device", "teller", "invitation", "carrier"]


@dataclass(slots=True)
class Standing:
    """One key's role. `since` and `until` are epochs; it holds for since <= epoch < until."""

    number: int
    key: bytes
    role: Role
    membership: Membership | None
    since: int
    until: int | None = None


class Standings:
    """All standings of a council's branch, current and ended."""

    def __init__(self) -> None:
        self.all: list[Standing] = []
        self._by_key: dict[bytes, list[Standing]] = {}

    def begin(self, key: bytes, role: Role, membership: Membership | None, since: int) -> Standing:
        """A new standing from epoch `since` on."""
        standing = Standing(len(self.all), key, role, membership, since)
        self.all.append(standing)
        self._by_key.setdefault(key, []).append(standing)
        return standing

    def end(self, key: bytes, role: Role, until: int) -> int:
        """The running standing of `key` in `role` ends before epoch `until`; gives its number."""
        standing = next(s for s in self._by_key[key] if s.role == role and s.until is None)
        standing.until = until
        return standing.number

    def at(self, key: bytes, epoch: int) -> Standing | None:
        """The standing of `key` at `epoch` as a device or a teller, in the order in which they began."""
        for standing in self._by_key.get(key, ()):
            if standing.role in ("device", "teller") and _holds(standing, epoch):
                return standing
        return None

    def carrier(self, key: bytes, epoch: int) -> Standing | None:
        """The standing of `key` at `epoch` as a node that may carry.

        Apart from the others: a council could list the keys of people's devices as its nodes.
        """
        for standing in self._by_key.get(key, ()):
            if standing.role == "carrier" and _holds(standing, epoch):
                return standing
        return None

    def invitation(self, key: bytes, epoch: int) -> Standing:
        """The standing of an invitation's key; it begins with its first use and does not end."""
        for standing in self._by_key.get(key, ()):
            if standing.role == "invitation":
                return standing
        return self.begin(key, "invitation", None, epoch)


def _holds(standing: Standing, epoch: int) -> bool:
    return standing.since <= epoch and (standing.until is None or epoch < standing.until)
