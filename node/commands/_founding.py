"""Founding a council: the charter from its options, the founding operation, the first node."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from node.refused import Refused

if TYPE_CHECKING:
    from node.client import Client
    from node.commands import Caller
    from node.keystore import Secrets
    from protocol.council.bodies import TellerKeys
    from protocol.council.charter import Charter

__all__ = ["Founded", "charter_of", "found", "found_with", "profile_for", "threshold_of"]


def threshold_of(text: str) -> tuple[str, list[str | int]]:
    """`adoption=at_least:2/3` as its matter and `["at_least", 2, 3]`."""
    matter, _, rule = text.partition("=")
    sort, _, share = rule.partition(":")
    above, _, below = share.partition("/")
    if sort not in ("at_least", "more_than") or not above.isdecimal() or not below.isdecimal():
        raise Refused(
            "threshold", f"{text!r} is no threshold; write it like adoption=at_least:2/3 or admission=more_than:1/2."
        )
    return matter, [sort, int(above), int(below)]


def charter_of(
    template: str,
    name: str,
    purpose: str,
    smallest: int | None,
    largest: int | None,
    reason: str | None,
    visibility: str | None,
    thresholds: Sequence[str],
    profile: str,
    terms: Mapping[str, Mapping[str, Any]],
) -> "Charter":
    """The charter that the options describe; `Malformed` says what is wrong with it."""
    from node.commands._charter import plainly
    from protocol.council.charter import MATTERS
    from protocol.council.charter import template as from_template

    given_terms = {part: {k: v for k, v in values.items() if v is not None} for part, values in terms.items()}
    changes: dict[str, Any] = {"tellers": profile, **given_terms}
    size = {"min": smallest, "max": largest, "reason": reason}
    if given := {key: value for key, value in size.items() if value is not None}:
        changes["size"] = given
    if visibility is not None:
        changes["visibility"] = visibility
    rules = dict(threshold_of(text) for text in thresholds)
    for matter in rules:
        if matter not in MATTERS:
            raise Refused("threshold", f"Councils decide no {matter!r} by assent; they decide: {', '.join(MATTERS)}.")
    if rules:
        changes["thresholds"] = rules
    with plainly():
        return from_template(template, " ".join(name.split()), purpose, **changes)


def found(
    caller: "Caller",
    *,
    template: str,
    name: str,
    purpose: str,
    smallest: int | None,
    largest: int | None,
    reason: str | None,
    visibility: str | None,
    thresholds: Sequence[str],
    terms: Mapping[str, Mapping[str, Any]],
    nonce: str | None,
    tellers: Sequence[str],
    as_name: str | None,
    no_node: bool,
    passphrase_fd: int | None,
) -> "tuple[Client, str]":
    """Found the council on this home's node; gives the client and the council's id."""

    def charter(profile: str) -> "Charter":
        return charter_of(template, name, purpose, smallest, largest, reason, visibility, thresholds, profile, terms)

    founded = found_with(
        caller,
        charter,
        nonce=nonce,
        tellers=tellers,
        as_name=as_name,
        no_node=no_node,
        passphrase_fd=passphrase_fd,
    )
    return founded.client, founded.council


class Founded(NamedTuple):
    """A council that was just founded: where, its id, and who founded it, unlocked."""

    client: "Client"
    council: str
    name: str
    secrets: "Secrets"


def found_with(
    caller: "Caller",
    charter_for: "Callable[[str], Charter]",
    *,
    nonce: str | None,
    tellers: Sequence[str],
    as_name: str | None,
    no_node: bool,
    passphrase_fd: int | None,
) -> Founded:
    """Found a council with the charter that `charter_for` gives for a teller profile."""
    from node.commands._voice import Attached, connect, now, proofs, submit, unlock
    from protocol.council.bodies import Found, TellerKeys, enrolment_message
    from protocol.keys import ENROLMENT, public_key, sign
    from protocol.log.operation import Draft

    context = _nonce(nonce, tellers)
    offers = _tellers(tellers, context)
    charter = charter_for(profile_for(len(offers) or 1))
    client = connect(caller)
    here = proofs(client, context)
    if not offers:
        offers = [
            TellerKeys(
                bytes.fromhex(here.teller),
                bytes.fromhex(here.node),
                bytes.fromhex(here.teller_possession),
                here.addresses,
            )
        ]
    own, opened = unlock(caller, passphrase_fd)
    person, device = public_key(opened.person_seed), public_key(opened.device_seed)
    attached = Attached.none()
    body = Found(
        nonce=context,
        charter=charter.data(),
        person=person,
        grant=sign(opened.person_seed, ENROLMENT, enrolment_message(context, person, device)),
        tellers=offers,
        node=None if no_node else bytes.fromhex(here.node),
        node_possession=None if no_node else bytes.fromhex(here.node_possession),
        addresses=None if no_node else here.addresses,
        name=attached.add(as_name or own),
    )
    contents = tuple(attached.contents)
    draft = Draft(b"", device, 0, (), now(), "council.found", body.data(), contents)
    council = submit(client, draft.signed(opened.device_seed), contents)
    return Founded(client, council, own, opened)


def profile_for(count: int) -> str:
    """The teller profile for so many tellers; of two, the one that is safe against a liar."""
    from protocol.council.charter import PROFILES

    for key, profile in PROFILES.items():
        if profile.n == count and (profile.f > 0 or count == 1):
            return key
    counts = sorted({profile.n for profile in PROFILES.values()})
    raise Refused("tellers", f"A council has {', '.join(map(str, counts))} tellers, not {count}.")


def _nonce(nonce: str | None, tellers: Sequence[str]) -> bytes:
    if nonce is None:
        if tellers:
            raise Refused("nonce", "Tellers' offers are made for a nonce: give the same one with --nonce.")
        return secrets.token_bytes(32)
    try:
        context = bytes.fromhex(nonce)
    except ValueError:
        context = b""
    if len(context) != 32:
        raise Refused("nonce", "A nonce is 64 hex digits; 'moot council nonce' prints a fresh one.")
    return context


def _tellers(texts: Sequence[str], context: bytes) -> "list[TellerKeys]":
    from node.offer import TellerOffer

    out = []
    for text in texts:
        offer = TellerOffer.parse(text)
        if offer.context != context:
            raise Refused(
                "teller-context", "A teller's offer was made for another nonce; ask it for one for this nonce."
            )
        out.append(offer.teller)
    return out
