"""How several tellers agree on the next epoch: the same agreement as for ballots, with a record as its value.

Whether a proposed record follows from its basis is not judged here: honest tellers check it
before they vote for it, and every node checks it again when the epoch's operation comes.
"""

from collections.abc import Mapping
from hashlib import sha256

from ..errors import Refusal
from ..ids import digest
from ..keys import EPOCH, verify
from ..tellers.agreement import Agreement, Message, Outlook, Sort, rotation
from .ballot_bodies import Precommit, Prevote, Propose
from .branch import Link
from .charter import PROFILES
from .signatures import epoch_message

__all__ = ["EpochAgreement"]


class EpochAgreement:
    """The agreement on what follows one epoch of a council with several tellers."""

    def __init__(self, link: Link) -> None:
        self.of = link.digest
        profile = PROFILES[link.profile]
        order, first = rotation(sha256(link.digest).digest(), [teller.key for teller in link.tellers])
        self.agreement = Agreement(Outlook(order, profile.f, profile.q, first, self._sealed))
        self.records: dict[bytes, bytes] = {}
        """Value (the record's digest) -> the record that was proposed."""

    def _sealed(self, teller: bytes, round: int, value: bytes, signature: bytes) -> bool:
        return verify(teller, EPOCH, epoch_message(value, round), signature)

    def add(
        self,
        operation: bytes,
        teller: bytes,
        body: Propose | Prevote | Precommit,
        deps: tuple[bytes, ...],
        parts: Mapping[int, bytes],
    ) -> Refusal | None:
        """Take a message in; why it has no effect, or None."""
        if body.instance:
            return Refusal("epoch-instance", "an epoch's agreement has one instance.")
        if isinstance(body, Propose):
            if body.record is None or body.closes:
                return Refusal("propose-record", "the proposal of an epoch carries its record, and no closes.")
            record = parts[body.record]
            value, valid_round = digest(record), body.valid_round
            refusal = self._fold(operation, teller, "propose", body.round, value, valid_round, deps, b"")
            if refusal is None:
                self.records[value] = record
            return refusal
        signature = (body.signature or b"") if isinstance(body, Precommit) else b""
        sort: Sort = "precommit" if isinstance(body, Precommit) else "prevote"
        return self._fold(operation, teller, sort, body.round, body.value, -1, deps, signature)

    def _fold(
        self,
        operation: bytes,
        teller: bytes,
        sort: Sort,
        round: int,
        value: bytes,
        valid_round: int,
        deps: tuple[bytes, ...],
        signature: bytes,
    ) -> Refusal | None:
        message = Message(operation, teller, sort, round, value, valid_round, frozenset(deps), signature)
        return self.agreement.add(message)
