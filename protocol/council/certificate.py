"""A ballot's certificate: one file that proves a decision to whoever knows the tellers' keys.

Without the casts it proves what a quorum of tellers signed. With them (and the closes and
the roll) everything is counted again from what each voter and teller signed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ..codec import decode, encode
from ..errors import Malformed, Refusal
from ..ids import Membership
from ..keys import DECISION, verify
from ..log.operation import Envelope, decode_envelope
from ..tellers.close import Counted, value_of
from .ballot_bodies import CastBody, CloseBody, OpenBallot
from .ballots import Ballot, Certified
from .bodies import parse_body
from .charter import PROFILES, Charter, UnknownRules, parse_charter
from .decision_record import decision_message
from .roll import Member, NodeListing, Teller, roll_digest

__all__ = ["MAX_CERTIFICATE", "Certificate", "Findings", "certificate_of", "examine", "read_certificate"]

MAX_CERTIFICATE: Final = 16 * 1024 * 1024
SORT: Final = "folkmoot certificate"


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file, as data. `tellers` sorted; `signatures` as (key, signature), sorted, of one round.

    opening: the envelope of `ballot.open`, without attachments. charter: of the epoch it was
    opened on. evidence, if there is any: roll (as its digest covers it), closes and counted
    casts as envelopes without attachments.
    """

    version: int
    sort: str
    record: bytes
    round: int
    signatures: list[tuple[bytes, bytes]]
    tellers: list[bytes]
    opening: bytes
    charter: dict[str, Any]
    roll: list[Any] | None
    closes: list[bytes] | None
    casts: list[bytes] | None

    def encode(self) -> bytes:
        """The canonical bytes of the file."""
        return encode(_lists(msgspec.to_builtins(self, builtin_types=(bytes,))))

    def fields(self) -> dict[str, Any]:
        """The record's fields."""
        fields: dict[str, Any] = decode(self.record, len(self.record))
        return fields


@dataclass(frozen=True, slots=True)
class Findings:
    """What an examination proved, in sentences; and what it could not. `refusal`: why it fails."""

    proved: tuple[str, ...]
    unproved: tuple[str, ...]
    refusal: Refusal | None = None


def certificate_of(
    ballot: Ballot, certified: Certified, load: Callable[[bytes], Envelope], *, casts: bool
) -> Certificate:
    """The certificate of a certified ballot. load: an operation's envelope by its id; casts: with evidence."""
    record = decode(certified.record, len(certified.record))
    instance = ballot.instances[record["instance"]]
    roll = closes = counted = None
    if casts:
        roll = [member.data() for _, member in sorted(ballot.roll.items())]
        closes = [_bare(load(id)) for id in instance.values[record["value"]]]
        what = instance.outcome(record["value"])
        # Revised casts too: whoever counts again can then see that none is missing.
        counted = [_bare(load(cast)) for cast in sorted(what.casts)] if isinstance(what, Counted) else []
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
    )


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
    refusal = _signatures(certificate, charter)
    if refusal is None and known is not None and known != frozenset(certificate.tellers):
        refusal = Refusal("certificate-tellers", "the certificate's tellers are not those that you know.")
    opening = decode_envelope(certificate.opening)
    body = parse_body(opening.operation)
    if refusal is None and (
        not isinstance(body, OpenBallot)
        or opening.operation.id != fields.get("ballot")
        or opening.operation.council != fields.get("council")
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
    return Findings(tuple(proved), tuple(unproved))


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
    roll = _roll(certificate.roll)
    if roll_digest(roll) != fields["roll"]:
        return Refusal("certificate-roll", "the roll in the certificate is not the one that was voted on.")
    tellers = tuple(Teller(key, key) for key in certificate.tellers)
    opener = Membership(b"")
    ballot = Ballot(opening.operation.id, fields["council"], opener, body, fields["epoch"], charter, roll, tellers)
    devices = {device: membership for membership, member in roll.items() for device in member.devices}
    for data in certificate.casts or []:
        operation = decode_envelope(data).operation
        cast = parse_body(operation)
        voter = devices.get(operation.author)
        if not isinstance(cast, CastBody) or cast.ballot != ballot.id or not operation.signed():
            return Refusal("certificate-cast", "a cast in the certificate is not one of this ballot, or not signed.")
        if voter is None:
            return Refusal(
                "certificate-device", "a cast was signed by a device that the roll does not list; ask for the log."
            )
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
    ids = []
    listed: dict[bytes, set[bytes]] = {}
    for data in certificate.closes or []:
        envelope = decode_envelope(data)
        close, operation = parse_body(envelope.operation), envelope.operation
        if not isinstance(close, CloseBody) or close.ballot != ballot.id or close.instance != fields["instance"]:
            return Refusal("certificate-close", "a close in the certificate is not one of this ballot.")
        if operation.author not in ballot.tellers or not operation.signed():
            return Refusal("certificate-close", "a close in the certificate is not signed by a teller.")
        parts = {place: c.data for place, c in enumerate(envelope.contents) if c is not None}
        casts = decode(parts[close.casts], MAX_CERTIFICATE)
        openings = [] if close.openings is None else decode(parts[close.openings], MAX_CERTIFICATE)
        for cast in casts:
            listed.setdefault(cast, set()).add(operation.author)
        present = [cast for cast in casts if cast in ballot.casts]
        ballot.add_close(operation.id, operation.author, close, present, openings)
        ids.append(operation.id)
    if value_of(ids) != fields["value"]:
        return Refusal("certificate-close", "the closes in the certificate are not those that the tellers agreed on.")
    ballot.instances[fields["instance"]].values[fields["value"]] = tuple(sorted(ids))
    counting = {cast for cast, who in listed.items() if len(who) > ballot.profile.f}
    if not ballot.body.hidden and counting != ballot.casts.keys():
        return Refusal("certificate-missing", "the certificate's casts are not exactly those that count.")
    return None


def _roll(data: list[Any] | None) -> dict[Membership, Member]:
    roll = {}
    for item in data or []:
        try:
            membership, person, since, devices, nodes, absent = item
            listings = {key: NodeListing(key, tuple(addresses)) for key, addresses in nodes}
            roll[Membership(membership)] = Member(membership, person, since, frozenset(devices), listings, absent)
        except (TypeError, ValueError) as error:
            raise Malformed("certificate-roll", "the roll in the certificate is not well formed.") from error
    return roll
