"""A ballot's certificate: one file that proves a decision to whoever knows the tellers' keys.

Without the casts it proves what a quorum of tellers signed. With them (and the closes and
the roll) everything is counted again from what each voter and teller signed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from ..codec import decode, encode
from ..errors import Malformed, Refusal
from ..ids import Membership, digest
from ..keys import DECISION, ENROLMENT, verify
from ..log.operation import Envelope, decode_envelope
from ..tellers.close import Counted, value_of
from .ballot_bodies import CastBody, CloseBody, OpenBallot
from .ballot_box import unpack_ids, unpack_openings
from .ballots import Ballot, Certified
from .bodies import EnrolDevice, enrolment_message, parse_body
from .body import Bytes32, Signature
from .charter import PROFILES, Charter, UnknownRules, parse_charter
from .decision_record import decision_message, read_decision
from .roll import Member, NodeListing, Teller
from .terms import check_opening, keys_digest

__all__ = ["MAX_CERTIFICATE", "Certificate", "Findings", "certificate_of", "examine", "read_certificate"]

MAX_CERTIFICATE: Final = 16 * 1024 * 1024
SORT: Final = "folkmoot certificate"

RollRow = tuple[Bytes32, Bytes32, int, list[Bytes32], list[tuple[Bytes32, list[str]]], bool]
"""Membership, person, since, devices, nodes with addresses, absent: as the roll's digest covers it."""


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file, as data. `tellers` sorted; `signatures` as (key, signature), sorted, of one round.

    opening: the envelope of `ballot.open`, without attachments. charter: of the epoch it was
    opened on. evidence, if there is any: roll (as its digest covers it), closes and counted
    casts as envelopes without attachments; devices that were enrolled after the ballot was
    opened, as (device, membership, envelope of the `device.enrol`, or null where the council
    itself gave the voter new keys).
    """

    version: int
    sort: str
    record: bytes
    round: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]
    signatures: list[tuple[Bytes32, Signature]]
    tellers: list[Bytes32]
    opening: bytes
    charter: dict[str, Any]
    roll: list[RollRow] | None
    closes: list[bytes] | None
    casts: list[bytes] | None
    devices: list[tuple[Bytes32, Bytes32, bytes | None]] | None

    def encode(self) -> bytes:
        """The canonical bytes of the file."""
        return encode(_lists(msgspec.to_builtins(self, builtin_types=(bytes,))))

    def fields(self) -> dict[str, Any]:
        """The record's fields."""
        return read_decision(self.record)


@dataclass(frozen=True, slots=True)
class Findings:
    """What an examination proved, in sentences; and what it could not. `refusal`: why it fails."""

    proved: tuple[str, ...]
    unproved: tuple[str, ...]
    refusal: Refusal | None = None


# --- making and reading -----------------------------------------------------------------------


def certificate_of(
    ballot: Ballot, certified: Certified, load: Callable[[bytes], Envelope], *, casts: bool
) -> Certificate:
    """The certificate of a certified ballot. load: an operation's envelope by its id; casts: with evidence."""
    record = read_decision(certified.record)
    instance = ballot.instances[record["instance"]]
    roll = closes = counted = devices = None
    if casts and not any(member.seat is not None for member in ballot.roll.values()):
        # What seats say is proven by their own councils' epochs, which are not in here.
        roll = msgspec.convert([member.data() for _, member in sorted(ballot.roll.items())], list[RollRow])
        said = [load(id) for id in instance.values[record["value"]]]
        closes = [_bare(envelope) for envelope in said]
        # Revised casts too, and those that liars opened badly: whoever counts again can then see that none is missing.
        what = instance.outcome(record["value"])
        listed = sorted(_listed_enough(ballot, said)) if isinstance(what, Counted) else []
        counted = [_bare(load(cast)) for cast in listed]
        devices = _later_devices(ballot, listed, load)
    return Certificate(
        1,
        SORT,
        certified.record,
        certified.round,
        list(certified.signatures),
        list(ballot.tellers),
        _bare(load(ballot.id)),
        ballot.charter.data(),
        roll,
        closes,
        counted,
        devices,
    )


def _listed_enough(ballot: Ballot, closes: Iterable[Envelope]) -> set[bytes]:
    """The casts that more than f tellers' closes list; in a hidden ballot those that they open, well or badly."""
    listed: dict[bytes, set[bytes]] = {}
    for envelope in closes:
        for cast in _listed(envelope, hidden=ballot.body.hidden):
            listed.setdefault(cast, set()).add(envelope.operation.author)
    return {cast for cast, tellers in listed.items() if len(tellers) > ballot.profile.f}


def _listed(envelope: Envelope, *, hidden: bool) -> list[bytes]:
    close = parse_body(envelope.operation)
    assert isinstance(close, CloseBody)
    parts = _parts(envelope)
    casts = unpack_ids(parts[close.casts])
    openings = [] if close.openings is None else unpack_openings(parts[close.openings])
    return [cast for cast, _, _ in openings if cast in casts] if hidden else casts


def _parts(envelope: Envelope) -> dict[int, bytes]:
    return {place: content.data for place, content in enumerate(envelope.contents) if content is not None}


def _later_devices(
    ballot: Ballot, casts: Iterable[bytes], load: Callable[[bytes], Envelope]
) -> list[tuple[bytes, bytes, bytes | None]]:
    enrolments: dict[tuple[bytes, bytes], set[bytes]] = {}
    for id in casts:
        cast = ballot.cast(id)
        if cast.device not in ballot.roll[Membership(cast.voter)].devices:
            enrolments.setdefault((cast.device, cast.voter), set()).update(ballot.enrolments[id])
    out: list[tuple[bytes, bytes, bytes | None]] = []
    for (device, voter), ids in sorted(enrolments.items()):
        grants = [load(enrolment) for enrolment in sorted(ids)]
        good = [grant for grant in grants if _enrols(grant, device, ballot.roll[Membership(voter)])]
        out.append((device, voter, _bare(good[0]) if good else None))
    return out


def _enrols(envelope: Envelope, device: bytes, member: Member) -> bool:
    """Whether the operation carries the person's own signature for this device."""
    body = parse_body(envelope.operation)
    if not isinstance(body, EnrolDevice) or (body.membership, body.device) != (member.membership, device):
        return False
    message = enrolment_message(member.membership, member.person, device)
    return verify(member.person, ENROLMENT, message, body.grant)


def _bare(envelope: Envelope) -> bytes:
    """An envelope with its parts but without attachments: they may be erased one day."""
    contents = tuple(None if c is None or c.salt else c for c in envelope.contents)
    return Envelope(envelope.operation, contents).encode()


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


def read_certificate(data: bytes) -> Certificate:
    """The certificate in a file's bytes; `Malformed` when it is none."""
    value = decode(data, MAX_CERTIFICATE)
    try:
        certificate = msgspec.convert(value, Certificate, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise Malformed("certificate", f"this is not a certificate: {error}.") from error
    if certificate.version != 1 or certificate.sort != SORT:
        raise Malformed("certificate-version", "the certificate is of a version that this program does not know.")
    return certificate


# --- examining --------------------------------------------------------------------------------


def examine(certificate: Certificate, known: frozenset[bytes] | None = None) -> Findings:
    """Check a certificate. known: the tellers' keys, from a source that the reader trusts.

    Needs no network and no node. Raises `Malformed` where the file breaks a format.
    """
    try:
        charter = parse_charter(certificate.charter)
    except UnknownRules as error:
        words = f"the certificate's charter pins rules that this program does not know ({error}); use a newer one."
        return Findings((), (), Refusal("certificate-rules", words))
    fields = certificate.fields()
    refusal = _pinned(certificate, charter, fields) or _signatures(certificate, charter)
    if refusal is None and known is not None and known != frozenset(certificate.tellers):
        refusal = Refusal("certificate-tellers", "the certificate's tellers are not those that you know.")
    opening = decode_envelope(certificate.opening)
    body = parse_body(opening.operation)
    if refusal is None and (
        not isinstance(body, OpenBallot)
        or opening.operation.id != fields["ballot"]
        or opening.operation.council != fields["council"]
        or not opening.operation.signed()
    ):
        refusal = Refusal("certificate-opening", "the ballot in the certificate is not the one that was decided.")
    if refusal is not None:
        return Findings((), (), refusal)
    good = len(certificate.signatures)
    proved = [f"{good} of {len(certificate.tellers)} tellers signed this result, all in round {certificate.round}."]
    unproved = []
    if known is None:
        unproved.append("That these keys are the council's tellers: compare them with the council's charter.")
    if certificate.casts is None or certificate.closes is None or certificate.roll is None:
        unproved.append("That the casts add up to this result: the certificate does not hold them.")
        return Findings(tuple(proved), tuple(unproved))
    assert isinstance(body, OpenBallot)
    refusal = _recount(certificate, charter, body, opening)
    if refusal is not None:
        return Findings((), (), refusal)
    proved.append(f"{fields['voted']} casts, each signed by its voter's device, were counted again: the same result.")
    proved.append("The closes of the tellers list these casts, and no other that would count.")
    unproved.append("That the roll is the council's: its digest is in the epoch that the ballot was opened on.")
    given = sum(1 for _, _, grant in certificate.devices or [] if grant is None)
    if given:
        unproved.append(f"That {given} devices are their voters': the council gave these voters new keys; see its log.")
    return Findings(tuple(proved), tuple(unproved))


def _pinned(certificate: Certificate, charter: Charter, fields: dict[str, Any]) -> Refusal | None:
    """What the record itself says of tellers and charter, against what the file says."""
    if keys_digest(charter.tellers, tuple(certificate.tellers)) != fields["tellers"]:
        return Refusal("certificate-tellers", "the certificate's tellers are not those of the decision's record.")
    if charter.digest() != fields["charter"]:
        return Refusal("certificate-charter", "the certificate's charter is not the one that the ballot was held by.")
    if fields["outcome"] == "extended":
        return Refusal("certificate-extended", "the tellers only extended the ballot; nothing is decided by that.")
    return None


def _signatures(certificate: Certificate, charter: Charter) -> Refusal | None:
    profile = PROFILES[charter.tellers]
    tellers, keys = certificate.tellers, [key for key, _ in certificate.signatures]
    if tellers != sorted(set(tellers)) or len(tellers) != profile.n:
        return Refusal("certificate-tellers", "the certificate's tellers do not fit the charter's profile.")
    if keys != sorted(set(keys)):
        return Refusal("certificate-twice", "a teller's signature stands in the certificate twice, or out of order.")
    if not set(keys) <= set(tellers):
        return Refusal("certificate-stranger", "the certificate is signed by somebody who is no teller of its epoch.")
    message = decision_message(certificate.record, certificate.round)
    if not all(verify(key, DECISION, message, signature) for key, signature in certificate.signatures):
        return Refusal(
            "certificate-signature",
            "a signature does not fit this record and round: something was changed, or rounds were mixed.",
        )
    if len(keys) < profile.q:
        return Refusal("certificate-quorum", f"{len(keys)} signatures are too few; {profile.q} tellers must sign.")
    return None


def _recount(certificate: Certificate, charter: Charter, body: OpenBallot, opening: Envelope) -> Refusal | None:
    fields = certificate.fields()
    if digest(encode(_lists(certificate.roll))) != fields["roll"]:
        return Refusal("certificate-roll", "the roll in the certificate is not the one that was voted on.")
    if fields["instance"] > charter.durations.extensions:
        return Refusal("certificate-instance", "the ballot could not be extended so often.")
    roll = _roll(certificate.roll or [])
    if check_opening(body, roll, charter) is not None:
        return Refusal("certificate-opening", "the ballot in the certificate is one that no council could hold.")
    tellers = tuple(Teller(key, key) for key in certificate.tellers)
    opener = Membership(b"")
    ballot = Ballot(opening.operation.id, fields["council"], opener, body, fields["epoch"], charter, roll, tellers)
    devices = {device: membership for membership, member in roll.items() for device in member.devices}
    for device, membership, grant in certificate.devices or []:
        member = roll.get(Membership(membership))
        if member is None or (grant is not None and not _enrols(decode_envelope(grant), device, member)):
            return Refusal("certificate-device", "a device in the certificate was not enrolled by its voter.")
        devices[device] = member.membership
    for data in certificate.casts or []:
        operation = decode_envelope(data).operation
        cast = parse_body(operation)
        voter = devices.get(operation.author)
        if not isinstance(cast, CastBody) or cast.ballot != ballot.id or not operation.signed():
            return Refusal("certificate-cast", "a cast in the certificate is not one of this ballot, or not signed.")
        if voter is None:
            return Refusal("certificate-device", "a cast was signed by a device of nobody on the roll.")
        ballot.add_cast(operation.id, cast, voter, operation.author)
    while len(ballot.instances) <= fields["instance"]:
        ballot.instances.append(ballot.begin_instance(len(ballot.instances), 0))
    refusal = _closes(certificate, ballot, fields)
    if refusal is not None:
        return refusal
    if ballot.record(ballot.instances[fields["instance"]], fields["value"]) != certificate.record:
        return Refusal("certificate-recount", "the casts, counted again, do not give the result that was signed.")
    return None


def _closes(certificate: Certificate, ballot: Ballot, fields: dict[str, Any]) -> Refusal | None:
    instance = ballot.instances[fields["instance"]]
    closes = []
    for data in certificate.closes or []:
        envelope = decode_envelope(data)
        close, operation = parse_body(envelope.operation), envelope.operation
        if not isinstance(close, CloseBody) or close.ballot != ballot.id or close.instance != instance.number:
            return Refusal("certificate-close", "a close in the certificate is not one of this ballot.")
        if operation.author not in ballot.tellers or not operation.signed():
            return Refusal("certificate-close", "a close in the certificate is not signed by a teller.")
        parts = _parts(envelope)
        casts = unpack_ids(parts[close.casts])
        openings = [] if close.openings is None else unpack_openings(parts[close.openings])
        present = [cast for cast in casts if cast in ballot.casts]
        ballot.add_close(operation.id, operation.author, close, present, openings)
        closes.append(envelope)
    ids = [envelope.operation.id for envelope in closes]
    if value_of(ids) != fields["value"]:
        return Refusal("certificate-close", "the closes in the certificate are not those that the tellers agreed on.")
    instance.values[fields["value"]] = tuple(sorted(ids))
    what = instance.outcome(fields["value"])
    counting = _listed_enough(ballot, closes)
    if ballot.casts.keys() != (counting if isinstance(what, Counted) else set()):
        return Refusal("certificate-missing", "the certificate's casts are not exactly those that count.")
    return None


def _roll(rows: list[RollRow]) -> dict[Membership, Member]:
    roll = {}
    for membership, person, since, devices, nodes, absent in rows:
        listings = {key: NodeListing(key, tuple(addresses)) for key, addresses in nodes}
        roll[Membership(membership)] = Member(
            Membership(membership), person, since, frozenset(devices), listings, absent
        )
    return roll
