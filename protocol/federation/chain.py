"""A light client: one council's epochs, followed with its tellers' keys and nothing else."""

from dataclasses import dataclass, field

from ..errors import Refusal
from ..ids import digest
from .link import Link, follow
from .record import read_record
from .roll import Roll

__all__ = ["Chain", "Rival"]


@dataclass(frozen=True, slots=True)
class Rival:
    """Proof that a council signed two things where it could say one: an epoch beside the one held here."""

    link: Link
    record: bytes
    signatures: bytes


@dataclass(slots=True)
class Chain:
    """The epochs of one council from its founding on, as far as they were carried here.

    links: by number. rivals: well signed epochs that came later than the one held; they are
    shown, and stop nothing.
    """

    links: list[Link]
    rivals: dict[bytes, Rival] = field(default_factory=dict)

    @property
    def tip(self) -> Link:
        """The latest epoch."""
        return self.links[-1]

    def take(
        self, record: bytes, signatures: bytes, roll: Roll | None = None, *, decided: bool = False
    ) -> Link | Refusal:
        """Take the next epoch in, or say which rule it breaks; what was refused changes nothing but `rivals`.

        decided: whether the one who follows has decided to believe members that replaced the
        tellers without them. roll: that of the epoch before, for these; or that of the epoch
        itself, which tells people and nodes.
        """
        step = follow(self.tip, record, signatures, roll)
        if isinstance(step, Refusal):
            late = step.rule in ("seat-stale", "seat-conflict")
            return (self._rival(record, signatures, roll) if late else None) or step
        if step.by_members and not decided:
            return Refusal(
                "seat-replacement",
                "the members replaced the tellers without them: that is believed here once it is decided here.",
            )
        self.links.append(step if roll is None else step.counting(roll))
        return self.tip

    def _rival(self, record: bytes, signatures: bytes, roll: Roll | None) -> Refusal | None:
        """What an epoch of a number that is held here is, if an earlier epoch justifies it."""
        number = read_record(record).number
        if number >= len(self.links):
            return None
        if digest(record) == self.links[number].digest:
            return Refusal("seat-known", "the epoch is held here.")
        step = follow(self.links[number - 1], record, signatures, roll)
        if isinstance(step, Refusal):
            return step
        self.rivals[step.digest] = Rival(step, record, signatures)
        return Refusal(
            "seat-rival", f"the council signed another epoch {number} beside the one that is held here: this is proof."
        )
