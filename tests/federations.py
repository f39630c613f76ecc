"""Councils seen from outside: the parts that travel between councils, and light clients that follow them."""

from collections.abc import Iterable

from protocol.codec import encode
from protocol.council.council import Council
from protocol.council.signatures import pack_signatures, sign_epoch
from protocol.federation.chain import Chain
from protocol.federation.founding import founding_link
from protocol.federation.link import Link
from protocol.federation.roll import Roll, read_roll
from protocol.ids import digest
from protocol.log.operation import Envelope

from .worlds import Teller

__all__ = ["Parts", "begun", "epochs_of", "followed", "roll_bytes", "roll_shown", "seals"]

Parts = tuple[bytes, bytes]
"""The record of an epoch and its signatures."""


def seals(record: bytes, *tellers: Teller, round: int = 0) -> bytes:
    """The signatures of these tellers under a record."""
    return pack_signatures(round, [(teller.key, sign_epoch(teller.seed, digest(record), round)) for teller in tellers])


def roll_bytes(council: Council, number: int = -1) -> bytes:
    """The canonical bytes of an epoch's roll."""
    members = council.branch.links[number].members
    return encode([member.data() for _, member in sorted(members.items())])


def roll_shown(council: Council, number: int = -1) -> Roll:
    """The roll of an epoch, as it is shown to a parent."""
    return read_roll(roll_bytes(council, number))


def epochs_of(council: Council, said: Iterable[Envelope]) -> list[Parts]:
    """The epochs of the council's chain, in order, as they are carried to others."""
    found: dict[bytes, Parts] = {}
    for envelope in said:
        if envelope.operation.kind == "council.epoch":
            record, signatures = envelope.parts()
            found.setdefault(digest(record), (record, signatures))
    return [found[link.digest] for link in council.branch.links[1:]]


def begun(founding: Envelope) -> Chain:
    """A light client that knows the founding, and nothing more."""
    link = founding_link(founding)
    assert isinstance(link, Link), link
    return Chain([link])


def followed(council: Council, said: list[Envelope]) -> Chain:
    """A light client of a council that was brought every epoch in order."""
    chain = begun(said[0])
    for record, signatures in epochs_of(council, said):
        number = len(chain.links)
        taken = chain.take(record, signatures, roll_shown(council, number - 1), decided=True)
        assert isinstance(taken, Link), taken
    return chain
