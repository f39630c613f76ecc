"""Who speaks for a council in another: a mandate, its delegates, and how long it runs."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec

from ..codec import encode
from ..keys import ENROLMENT, POSSESSION, verify
from .record import Bytes32, Signature

__all__ = ["Delegate", "Mandate", "MandateShown", "delegate_message", "granted", "recalled"]


def delegate_message(child: bytes, parent: bytes, person: bytes, device: bytes) -> bytes:
    """What a delegate's person signs (ENROLMENT), and her device (POSSESSION), to speak for `child` in `parent`."""
    return encode([child + parent, person, device])


class Delegate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who would speak for her council in another: her person, and a device for that alone."""

    person: Bytes32
    device: Bytes32
    grant: Signature
    possession: Signature

    def proven(self, child: bytes, parent: bytes) -> bool:
        """Whether person and device signed to speak for `child` in `parent`."""
        message = delegate_message(child, parent, self.person, self.device)
        return verify(self.person, ENROLMENT, message, self.grant) and verify(
            self.device, POSSESSION, message, self.possession
        )


Time = Annotated[int, msgspec.Meta(ge=0)]


class MandateShown(msgspec.Struct, frozen=True):
    """The effect that gives a mandate, as a council's epoch tells it."""

    parent: Bytes32
    delegates: list[Delegate]
    since: Time
    until: Time


@dataclass(frozen=True, slots=True)
class Mandate:
    """delegates: `(person, device)`; the first speaks, the others step in after her. since, until: ms.

    It covers what is decided before `until`: nobody has to act for it to end.
    """

    delegates: tuple[tuple[bytes, bytes], ...]
    since: int
    until: int

    def without(self, person: bytes) -> "Mandate | None":
        """The mandate after this person was recalled; None when nobody is left."""
        left = tuple(pair for pair in self.delegates if pair[0] != person)
        return replace(self, delegates=left) if left else None


def granted(child: bytes, effect: dict[str, Any]) -> tuple[bytes, Mandate] | None:
    """The parent and the mandate that an effect gives, by those delegates who are proven; None when it gives none."""
    try:
        shown = msgspec.convert(effect, MandateShown, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError:
        return None
    good = tuple((one.person, one.device) for one in shown.delegates if one.proven(child, shown.parent))
    return (shown.parent, Mandate(good, shown.since, shown.until)) if good else None


def recalled(mandates: dict[bytes, Mandate], parent: object, person: object) -> None:
    """Take somebody's mandate away, if she has one; the next delegate steps in."""
    if type(parent) is bytes and type(person) is bytes and parent in mandates:
        left = mandates[parent].without(person)
        if left is None:
            del mandates[parent]
        else:
            mandates[parent] = left
