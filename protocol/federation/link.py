"""One epoch of another council, as much of it as its parents need, and the step to the next.

A council never copies its members' councils. Of each it holds a *link*: the latest epoch that
was carried up, with the tellers' keys. The next epoch is believed when it follows that one and
enough of those keys signed it: so the chain of keys goes back to the founding operation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from ..codec import encode
from ..errors import Malformed, Refusal
from ..ids import Digest, digest
from ..keys import EPOCH, REPLACEMENT, verify
from ..tellers.profiles import PROFILES
from ..tellers.seals import Signatures, epoch_message, unpack_signatures
from .instruction import Instruction, instructed
from .mandate import Mandate, granted, recalled
from .record import EpochRecord, TellerChange, read_record
from .roll import Roll

__all__ = ["Link", "follow"]


@dataclass(frozen=True, slots=True)
class Link:
    """One epoch of a council that others follow. tellers: `(key, node)`, by key.

    roll, charter: digests. previous: the digest of the epoch before; empty at the founding.
    """

    council: bytes
    number: int
    digest: Digest
    previous: bytes
    roll: bytes
    charter: bytes
    profile: str
    tellers: tuple[tuple[bytes, bytes], ...]
    parents: frozenset[bytes] = frozenset()
    """The councils that it decided to belong to."""
    mandates: Mapping[bytes, Mandate] = field(default_factory=dict)
    """Who speaks for it in other councils."""
    instructions: Mapping[tuple[bytes, bytes], Instruction] = field(default_factory=dict)
    """`(council, ballot there)` -> what it told its seat to say."""
    by_members: bool = False
    """Whether two thirds of the roll signed it in place of the tellers: for the parent to decide on."""
    people: int | None = None
    """How many are on the roll, as the council itself says; None while no roll was shown."""
    nodes: tuple[bytes, ...] = ()
    """The nodes on the roll that was shown last, sorted."""
    counted: int | None = None
    """The epoch whose roll was shown last: `people` and `nodes` are as of then."""

    @property
    def sole(self) -> bool:
        """Whether one teller that lies could say anything in the council's name."""
        return PROFILES[self.profile].f == 0

    def bare(self) -> "Link":
        """The same, knowing nothing of people: what every chain to this epoch makes alike."""
        return replace(self, people=None, nodes=(), counted=None)

    def counting(self, roll: Roll) -> "Link":
        """The same with the people and nodes of this roll, if it is the epoch's; else as it was."""
        if roll.digest != self.roll:
            return self
        return replace(self, people=roll.people, nodes=roll.nodes, counted=self.number)


def follow(link: Link, record: bytes, signatures: bytes, roll: Roll | None = None) -> Link | Refusal:
    """The epoch after `link`, or the rule that what was carried breaks.

    record, signatures: the two parts of the epoch's operation. roll: that of `link`, where two
    thirds of it signed in place of the tellers.
    """
    try:
        fields = read_record(record)
        round, seals = unpack_signatures(signatures)
    except Malformed as error:
        return Refusal("seat-record", error.message)
    name = digest(record)
    refusal = _placed(link, fields, name)
    if refusal is not None:
        return refusal
    by_members = fields.by_members
    signed = _by_roll(link, fields, name, seals, roll) if by_members else _by_tellers(link, name, round, seals)
    if signed is not None:
        return signed
    tellers = _tellers(link, fields)
    if isinstance(tellers, Refusal):
        return tellers
    return replace(
        link,
        number=fields.number,
        digest=name,
        previous=fields.previous,
        roll=fields.roll,
        charter=fields.charter,
        profile=tellers[0],
        tellers=tellers[1],
        parents=_parents(link, fields),
        mandates=_mandates(link, fields),
        instructions=_instructions(link, fields),
        by_members=by_members,
    )


def _placed(link: Link, fields: EpochRecord, name: bytes) -> Refusal | None:
    """Whether it is the next one: stale, out of order and conflicting updates are told apart."""
    if fields.council != link.council:
        return Refusal("seat-council", "the epoch is another council's.")
    if name == link.digest:
        return Refusal("seat-known", "the epoch is the one that is held here.")
    if fields.number < link.number:
        return Refusal("seat-stale", f"the epoch is older than number {link.number}, which is held here.")
    if fields.number == link.number:
        return Refusal("seat-conflict", f"the epoch is another number {link.number} than the one that is held here.")
    if fields.number > link.number + 1:
        return Refusal("seat-order", f"number {fields.number} came after number {link.number}; bring those between.")
    if fields.previous != link.digest:
        return Refusal("seat-conflict", "the epoch follows another one than that which is held here.")
    return None


def _by_tellers(link: Link, name: bytes, round: int, seals: Signatures) -> Refusal | None:
    keys, message = dict(link.tellers), epoch_message(name, round)
    good = sum(1 for key, seal in seals if key in keys and verify(key, EPOCH, message, seal))
    needed = PROFILES[link.profile].q
    if good < needed:
        return Refusal("seat-signatures", f"{good} of the tellers that are known here signed the epoch; {needed} must.")
    return None


def _by_roll(link: Link, fields: EpochRecord, name: bytes, seals: Signatures, roll: Roll | None) -> Refusal | None:
    if fields.roll != link.roll:
        return Refusal("seat-roll", "members can replace the tellers, and change nothing else beside that.")
    if roll is None or roll.digest != link.roll:
        return Refusal("seat-roll", "members replaced the tellers; bring the roll of the epoch before, to check them.")
    good = {roll.owners[key] for key, seal in seals if key in roll.owners and verify(key, REPLACEMENT, name, seal)}
    if not roll.members or len(good) * 3 < roll.members * 2:
        return Refusal("seat-signatures", f"{len(good)} of {roll.members} members signed; two thirds of them must.")
    return None


def _tellers(link: Link, fields: EpochRecord) -> tuple[str, tuple[tuple[bytes, bytes], ...]] | Refusal:
    """Profile and tellers from this epoch on; the last effect that changed them, if any did, names them."""
    profile, tellers = link.profile, link.tellers
    for effect in fields.effects:
        if effect.get("kind") != "tellers":
            continue
        try:
            new = msgspec.convert(effect, TellerChange, strict=True, builtin_types=(bytes,))
        except msgspec.ValidationError as error:
            return Refusal("seat-tellers", f"the epoch's change of tellers is not well formed: {error}.")
        held = PROFILES.get(new.profile)
        if held is None or len({teller.key for teller in new.tellers}) != held.n or len(new.tellers) != held.n:
            return Refusal("seat-tellers", "the epoch's tellers do not fit their profile.")
        for teller in new.tellers:
            if not teller.proven(link.council):
                return Refusal("seat-tellers", "a new teller did not prove that it holds its key.")
        profile, tellers = new.profile, tuple(sorted((teller.key, teller.node) for teller in new.tellers))
    if digest(encode([profile, [list(pair) for pair in tellers]])) != fields.tellers:
        return Refusal("seat-tellers", "the epoch's tellers are not those that it says.")
    return profile, tellers


def _parents(link: Link, fields: EpochRecord) -> frozenset[bytes]:
    parents = set(link.parents)
    for effect in fields.effects:
        kind, parent = effect.get("kind"), effect.get("parent")
        if type(parent) is bytes and kind == "join":
            parents.add(parent)
        elif type(parent) is bytes and kind == "part":
            parents.discard(parent)
    return frozenset(parents)


def _mandates(link: Link, fields: EpochRecord) -> Mapping[bytes, Mandate]:
    mandates = dict(link.mandates)
    for effect in fields.effects:
        kind = effect.get("kind")
        if kind == "mandate":
            given = granted(link.council, effect)
            if given is not None:
                mandates[given[0]] = given[1]
        elif kind == "recall":
            recalled(mandates, effect.get("parent"), effect.get("person"))
        elif kind == "part":
            mandates = {parent: mandate for parent, mandate in mandates.items() if parent != effect.get("parent")}
    return mandates


def _instructions(link: Link, fields: EpochRecord) -> Mapping[tuple[bytes, bytes], Instruction]:
    instructions = link.instructions
    for effect in fields.effects:
        if effect.get("kind") == "instruct":
            instructions = instructed(instructions, fields.number, effect)
    return instructions
