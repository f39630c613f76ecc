"""Replacing tellers without them: the records that members were offered, and who has signed.

Offers and signatures are plain talk in the log and have no effect by themselves; whoever sees
that two thirds of the roll have signed carries the record as an epoch.
"""

from collections.abc import Sequence

import trio

from node.api.answers import RecordAnswer, ReplacementAnswer, SignatureAnswer, TellerNamed
from node.api.names import Names
from node.refused import Refused
from node.service import Service
from protocol.council.bodies import ReplacementOffer, ReplacementSign, TellerKeys, TellersChange, parse_body
from protocol.council.council import Council
from protocol.errors import Malformed, Refusal
from protocol.ids import digest, operation_text, peer_text, person_text
from protocol.keys import REPLACEMENT, verify
from protocol.log.operation import Envelope

__all__ = ["record", "replacements"]

_AT_ONCE = 256


def record(council: Council, profile: str, tellers: Sequence[TellerNamed]) -> RecordAnswer:
    """The record that makes these the tellers, for two thirds of the roll to sign."""
    try:
        keys = [
            TellerKeys(
                bytes.fromhex(one.key), bytes.fromhex(one.node), bytes.fromhex(one.possession), one.addresses or None
            )
            for one in tellers
        ]
    except ValueError as error:
        raise Malformed("tellers", "Keys and signatures of tellers are hex digits.") from error
    made = council.compose_replacement(TellersChange(profile, keys, council.head.tellers_digest()))
    if isinstance(made, Refusal):
        raise Refused(made.rule, made.message)
    return RecordAnswer(record=made.data, number=made.number, digest=made.digest.hex())


async def replacements(service: Service, council: Council) -> list[ReplacementAnswer]:
    """Every replacement that was offered, in the order of the log."""
    offers: list[Envelope] = []
    signed: dict[bytes, list[Envelope]] = {}
    # Nothing indexes these few: they are looked for, letting the node do other things in between.
    for count, envelope in enumerate(service.saved_envelopes(council.id)):
        if count % _AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        if envelope.operation.kind == "replacement.offer":
            offers.append(envelope)
        elif envelope.operation.kind == "replacement.sign":
            body = _body(envelope)
            if isinstance(body, ReplacementSign):
                signed.setdefault(body.offer, []).append(envelope)
    names = Names(service, council)
    answers = [_answer(council, names, offer, signed.get(offer.operation.id, ())) for offer in offers]
    return [answer for answer in answers if answer is not None]


def _body(envelope: Envelope) -> object:
    try:
        return parse_body(envelope.operation)
    except Malformed:
        return None


def _answer(
    council: Council, names: Names, offer: Envelope, signatures: Sequence[Envelope]
) -> ReplacementAnswer | None:
    if not isinstance(_body(offer), ReplacementOffer):
        return None
    data = offer.parts()[0]
    named = digest(data)
    effective = any(link.digest == named for link in council.branch.links)
    follows = council.follows(data)
    tellers, depth = [], 0
    if follows is not None:
        tellers = [peer_text(teller.node) for teller in follows.state.tellers]
        depth = 1 + max(council.dag.depth[council.dag.rows[dep]] for dep in follows.basis)
    by_device: dict[bytes, SignatureAnswer] = {}
    owners = {device: m for m, member in council.head.members.items() for device in member.devices}
    for envelope in signatures:
        body, author = _body(envelope), envelope.operation.author
        if not isinstance(body, ReplacementSign) or author not in owners:
            continue
        if verify(author, REPLACEMENT, named, body.signature):
            by_device[author] = SignatureAnswer(
                member=names.person(owners[author]), device=person_text(author), signature=body.signature.hex()
            )
    return ReplacementAnswer(
        offer=operation_text(offer.operation.id),
        by=names.person(council.membership_of(offer.operation.id)),
        time=offer.operation.time,
        record=data,
        digest=named.hex(),
        tellers=tellers,
        signatures=[signature for _, signature in sorted(by_device.items())],
        signed=len({owners[device] for device in by_device}),
        needed=-(-2 * len(council.head.members) // 3),
        depth=depth,
        state="effective" if effective else "lapsed" if follows is None else "open",
    )
