"""One attempt to close a ballot: its deadline, the tellers' closes, their agreement."""

from dataclasses import dataclass, field

from ..tellers.agreement import NIL, Agreement
from ..tellers.close import Close, Counted, Extended, Lapsed, outcome
from .charter import Durations

__all__ = ["Instance"]


@dataclass(slots=True)
class Instance:
    """`number` counts from 0. deadline: ms."""

    number: int
    deadline: int
    agreement: Agreement
    durations: Durations
    closes: dict[bytes, Close] = field(default_factory=dict)
    values: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    """Value -> the closes it stands for, as valid proposals said."""

    def closes_of(self, value: bytes) -> list[Close]:
        """The closes that a value stands for, by id."""
        return [self.closes[id] for id in self.values[value]]

    def outcome(self, value: bytes) -> Extended | Lapsed | Counted:
        """What a value means."""
        f, durations = self.agreement.outlook.f, self.durations
        return outcome(self.closes_of(value), f, self.number, durations.extension * 1000, durations.extensions)

    def decided(self) -> Extended | Lapsed | Counted | None:
        """What the tellers decided; None while they have not."""
        decided = self.agreement.decided
        return None if decided is None else self.outcome(decided[1])

    def extended_in(self, deps: frozenset[bytes]) -> bool:
        """Whether `deps` name a quorum of precommits of one round for an extension."""
        agreement = self.agreement
        for votes in agreement.precommits.values():
            for value, voters in votes.items():
                named = sum(1 for ids in voters.values() if not deps.isdisjoint(ids))
                if value != NIL and named >= agreement.outlook.q:
                    return isinstance(self.outcome(value), Extended)
        return False
