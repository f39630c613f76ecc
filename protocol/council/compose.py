"""What follows from a basis: the effects of an epoch, one after the other.

Everything is judged by the roll and the charter of the previous epoch. An epoch holds every
due reason in the past of its basis, in a fixed order:

1. what people did to their own standing: revocations, leavings, enrolments of devices, then
   nodes and absences as they said them one after the other;
2. what was carried of the councils that sit here;
3. ballots that the tellers certified, by id;
4. motions whose assents meet the charter's exact threshold, by the class of their effect,
   then by the number of assents, then by id;
5. motions that lapse because they are too old.

A reason takes effect at most once. One that is due but no longer fits what it wanted to
change lapses, and the lapse is recorded with its reason. A motion that is too old is not due
any more, however many assents come to light.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from ..errors import Malformed, Refusal
from ..ids import Membership
from ..keys import ENROLMENT, LEAVE, NODE, POSSESSION, REVOCATION, verify
from .bodies import (
    Absent,
    Admit,
    Adopt,
    CharterChange,
    EnrolDevice,
    EnrolNode,
    Erase,
    Leave,
    Office,
    Rekey,
    Remove,
    Return,
    RevokeDevice,
    RevokeNode,
    TellersChange,
    enrolment_message,
    node_message,
)
from .charter import PROFILES, parse_charter
from .epochs import Adopted, Decision, EpochState, Fact, Record, adopted_version, seal
from .lapse import Lapse
from .motions import FORMING, due, fitting, stale
from .roll import Member, NodeListing, tellers_of
from .seating import SEATED, end_mandates, take_seats, without

__all__ = [
    "MAX_ACTS",
    "MAX_DECISIONS",
    "compose",
    "compose_replacement",
    "leave_message",
    "replace_tellers",
    "revocation_message",
]

MAX_ACTS: Final = 48
MAX_LAPSES: Final = 200
"""Own acts and motions grown old that one epoch holds at most; the rest waits for the next."""

MAX_DECISIONS: Final = 32
"""Certified ballots that one epoch takes at most."""

# A revocation comes before all else, so that what it ends cannot act once more beside it.
_ACTS: Final[dict[type, int]] = {RevokeDevice: 0, Leave: 1, EnrolDevice: 2}


def leave_message(council: bytes, membership: bytes) -> bytes:
    """What a person signs (LEAVE) to leave."""
    return council + membership


def revocation_message(council: bytes, membership: bytes, device: bytes) -> bytes:
    """What a person signs (REVOCATION) to end a device."""
    return council + membership + device


def compose(previous: EpochState, absorbed: EpochState, basis: Iterable[bytes]) -> Record | None:
    """The record of the next epoch, or None while nothing is due.

    absorbed: `previous` with the governing operations of past(basis) taken in (`absorb`).
    Raises `UnknownRules` when a due charter pins rules that this program lacks.
    """
    state = absorbed
    effects: list[dict[str, Any]] = []
    # Otherwise in the order in which they came to be absorbed: causes before what followed.
    acts = sorted(absorbed.acts, key=lambda fact: _ACTS.get(type(fact.body), len(_ACTS)))
    left: list[Fact] = []
    for fact in acts:
        if len(effects) == MAX_ACTS or (previous.forming and isinstance(fact.body, Absent | Return)):
            left.append(fact)
            continue
        state, effect = _act(state, fact)
        if effect is not None:
            effects.append({**effect, "reason": fact.id})
    state = replace(state, acts=tuple(left))
    state, carried, pressing = take_seats(state)
    effects.extend(carried)
    for ballot, (certificate, decision) in sorted(absorbed.decisions.items())[:MAX_DECISIONS]:
        rest = {k: v for k, v in state.decisions.items() if k != ballot}
        accepted = {k: v for k, v in state.accepted.items() if k != ballot}
        state = replace(state, decisions=rest, decided=state.decided | {ballot}, accepted=accepted)
        state, effect = _decide(state, previous, decision)
        effects.append({**effect, "ballot": ballot, "record": decision.record, "reason": certificate})
    for motion, standing in fitting(due(absorbed)):
        state = replace(state, motions={k: v for k, v in state.motions.items() if k != motion.id})
        try:
            state, effect = _APPLY[type(motion.effect)](state, previous.number + 1, motion.effect)
        except Lapse as lapse:
            effect = {"kind": "lapse", "why": str(lapse)}
        effects.append({**effect, "reason": motion.id, "assents": list(standing.assents)})
    if len(effects) == len(carried) and not pressing:
        return None
    lapsed = sorted([motion.id for motion in state.motions.values() if stale(previous, motion)])[:MAX_LAPSES]
    effects.extend({"kind": "lapse", "why": "too old", "reason": motion} for motion in lapsed)
    state = replace(state, motions={k: v for k, v in state.motions.items() if k not in lapsed})
    state, ended = end_mandates(state)
    return seal(previous, basis, [*effects, *ended], state)


# --- what people did to their own standing --------------------------------------------------


def _with(state: EpochState, member: Member) -> EpochState:
    return replace(state, members={**state.members, member.membership: member})


def _act(state: EpochState, fact: Fact) -> tuple[EpochState, dict[str, Any] | None]:
    """What the act makes of `state`, and its effect: None when the roll stays, or it is not proven."""
    body, who = fact.body, fact.membership
    subject = body.membership if isinstance(body, EnrolDevice | RevokeDevice) else who
    member = state.members.get(Membership(subject or b""))
    if member is None or member.seat is not None:
        return state, None  # what a seat has, its council says
    if isinstance(body, RevokeDevice):
        message = revocation_message(state.council, member.membership, body.device)
        if not verify(member.person, REVOCATION, message, body.grant):
            return state, None
        if body.device not in member.devices:
            # It may still be on its way, in this epoch or a later one.
            return replace(state, barred=state.barred | {(member.membership, body.device)}), None
        changed = replace(member, devices=member.devices - {body.device})
        return _with(state, changed), _named("revoke-device", member, device=body.device)
    if isinstance(body, EnrolDevice):
        message = enrolment_message(member.membership, member.person, body.device)
        if _in_use(state, body.device) or (member.membership, body.device) in state.barred:
            return state, None
        if len(member.devices) >= state.charter.limits.devices:
            return state, None
        if not verify(member.person, ENROLMENT, message, body.grant):
            return state, None
        if not verify(body.device, POSSESSION, message, body.possession):
            return state, None
        changed = replace(member, devices=member.devices | {body.device})
        state = replace(state, devices_ever=state.devices_ever | {body.device})
        return _with(state, changed), _named("enrol-device", member, device=body.device)
    if isinstance(body, Leave):
        # The person's own signature: good even if the device that carried it is revoked beside it.
        if not verify(member.person, LEAVE, leave_message(state.council, member.membership), body.grant):
            return state, None
        return without(state, member.membership), _named("leave", member)
    if fact.author not in member.devices:
        return state, None  # revoked meanwhile: what it asked for has no effect any more
    if isinstance(body, EnrolNode):
        if body.node not in member.nodes and len(member.nodes) >= state.charter.limits.nodes:
            return state, None
        if not verify(body.node, NODE, node_message(member.membership, body.node), body.possession):
            return state, None
        changed = member.with_node(NodeListing(body.node, tuple(body.addresses)))
        return _with(state, changed), _named("enrol-node", member, node=body.node)
    if isinstance(body, RevokeNode):
        if body.node not in member.nodes:
            return state, None
        return _with(state, member.without_node(body.node)), _named("revoke-node", member, node=body.node)
    absent = isinstance(body, Absent)
    if member.absent is absent:
        return state, None
    return _with(state, replace(member, absent=absent)), _named("absent" if absent else "return", member)


def _in_use(state: EpochState, device: bytes) -> bool:
    """Whether a device's key was enrolled before, or is a teller's."""
    return device in state.devices_ever or device in state.serving()


def _named(kind: str, member: Member, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "membership": member.membership, **fields}


def _decide(state: EpochState, previous: EpochState, decision: Decision) -> tuple[EpochState, dict[str, Any]]:
    """A certified ballot's effect, if it has one that still fits."""
    if decision.opened < previous.replaced:
        return state, {"kind": "lapse", "why": "the members replaced the tellers after it was opened"}
    if decision.effect is None:
        return state, {"kind": "decision"}
    if previous.forming and not isinstance(decision.effect, FORMING):
        return state, {"kind": "lapse", "why": "the council is forming"}
    try:
        return _APPLY[type(decision.effect)](state, previous.number + 1, decision.effect)
    except Lapse as lapse:
        return state, {"kind": "lapse", "why": str(lapse)}


# --- what the members decided -----------------------------------------------------------------


def _admit(state: EpochState, number: int, effect: Admit) -> tuple[EpochState, dict[str, Any]]:
    if effect.request not in state.requests:
        raise Lapse("the request was used already, or is not proven")
    invitation_id, time, request = state.requests[effect.request]
    invitation = state.invitations[invitation_id]
    if invitation.withdrawn:
        raise Lapse("the invitation was withdrawn")
    if invitation.used >= invitation.uses:
        raise Lapse("the invitation is used up")
    if invitation.expires is not None and time > invitation.expires:
        raise Lapse("the invitation had expired")
    if request.person in state.persons():
        raise Lapse("the person is on the roll already")
    if _in_use(state, request.device):
        raise Lapse("the device's key was used before")
    if len(state.members) >= state.charter.size.max:
        raise Lapse("the council is full")
    nodes = {} if request.node is None else {request.node: NodeListing(request.node, tuple(request.addresses or ()))}
    membership = Membership(effect.request)
    member = Member(membership, request.person, number, frozenset({request.device}), nodes)
    state = replace(
        state,
        requests={k: v for k, v in state.requests.items() if k != effect.request},
        invitations={**state.invitations, invitation_id: replace(invitation, used=invitation.used + 1)},
        devices_ever=state.devices_ever | {request.device},
    )
    return _with(state, member), _named("admit", member, person=request.person, device=request.device)


def _remove(state: EpochState, number: int, effect: Remove) -> tuple[EpochState, dict[str, Any]]:
    member = state.members.get(Membership(effect.membership))
    if member is None:
        raise Lapse("the membership had ended already")
    if len(state.members) == 1:
        raise Lapse("nobody would be left")
    return without(state, member.membership), _named("remove", member)


def _rekey(state: EpochState, number: int, effect: Rekey) -> tuple[EpochState, dict[str, Any]]:
    member = state.members.get(Membership(effect.membership))
    if member is None or member.seat is not None or member.person != effect.replaces:
        raise Lapse("the membership does not have the key that was to be replaced")
    if not effect.proven():
        raise Lapse("the new keys are not proven")
    if effect.person in state.persons() or _in_use(state, effect.device):
        raise Lapse("the new keys are in use already, or were")
    changed = replace(member, person=effect.person, devices=frozenset({effect.device}))
    state = replace(state, devices_ever=state.devices_ever | {effect.device})
    fields = {"person": effect.person, "device": effect.device, "replaces": effect.replaces}
    return _with(state, changed), _named("rekey", member, **fields)


def _charter(state: EpochState, number: int, effect: CharterChange) -> tuple[EpochState, dict[str, Any]]:
    old = state.charter.digest()
    if effect.replaces != old:
        raise Lapse("the charter was changed meanwhile")
    try:
        charter = parse_charter(effect.charter)
    except Malformed as error:
        raise Lapse(f"the new charter is not valid: {error.rule}") from error
    if charter.tellers != state.profile:
        raise Lapse("the tellers' profile changes with the tellers, not with the charter")
    if len(state.members) > charter.size.max:
        raise Lapse("the council has more members than the new charter allows")
    if len(state.members) < charter.size.min:
        raise Lapse("the council has fewer members than the new charter asks for")  # nor could it go back
    return replace(state, charter=charter), {"kind": "charter", "charter": charter.digest(), "replaces": old}


def _tellers(state: EpochState, number: int, effect: TellersChange) -> tuple[EpochState, dict[str, Any]]:
    old = state.tellers_digest()
    if effect.replaces != old:
        raise Lapse("the tellers were changed meanwhile")
    return replace_tellers(state, effect), _tellers_named(effect, old)


def _tellers_named(effect: TellersChange, old: bytes) -> dict[str, Any]:
    tellers = [teller.data() for teller in sorted(effect.tellers, key=lambda teller: teller.key)]
    return {"kind": "tellers", "profile": effect.profile, "tellers": tellers, "replaces": old}


def compose_replacement(previous: EpochState, effect: TellersChange, basis: Iterable[bytes]) -> Record | Refusal:
    """The record of an epoch that changes only the tellers, for two thirds of the roll to sign.

    It takes in nothing of what is pending: the new tellers' first epoch does.
    """
    if effect.replaces != previous.tellers_digest():
        return Refusal("replaces", "the tellers to be replaced are not the council's tellers now.")
    try:
        after = replace_tellers(previous, effect)
    except Lapse as lapse:
        return Refusal("tellers", f"these tellers cannot serve: {lapse}.")
    named = {**_tellers_named(effect, previous.tellers_digest()), "by": "members"}
    return seal(previous, basis, [named], replace(after, replaced=previous.number + 1))


def replace_tellers(state: EpochState, effect: TellersChange) -> EpochState:
    """`state` with the effect's tellers and profile; raises `Lapse` when they cannot be."""
    profile = PROFILES.get(effect.profile)
    keys = {teller.key for teller in effect.tellers}
    if profile is None or len(effect.tellers) != profile.n or len(keys) != profile.n:
        raise Lapse("the profile does not fit the number of tellers")
    if not all(teller.proven(state.council) for teller in effect.tellers):
        raise Lapse("a teller did not prove possession of its key")
    if keys & state.devices_ever:
        raise Lapse("a teller's key is a member's device")
    try:
        charter = parse_charter({**state.charter.data(), "tellers": effect.profile})
    except Malformed as error:
        raise Lapse(f"the charter would not be valid: {error.rule}") from error
    return replace(state, profile=effect.profile, tellers=tellers_of(effect.tellers), charter=charter)


def _adopt(state: EpochState, number: int, effect: Adopt) -> tuple[EpochState, dict[str, Any]]:
    if effect.replaces != adopted_version(state, effect):
        raise Lapse("another version was adopted meanwhile")
    if effect.proposal in state.withdrawn:
        raise Lapse("the proposal was withdrawn")
    if any(operation == effect.version for operation, _ in state.own_erased | state.erased):
        raise Lapse("the text was erased")
    adopted = {**state.adopted, effect.proposal: Adopted(effect.version, number)}
    named = {"kind": "adopt", "proposal": effect.proposal, "version": effect.version, "replaces": effect.replaces}
    return replace(state, adopted=adopted), named


def _erase(state: EpochState, number: int, effect: Erase) -> tuple[EpochState, dict[str, Any]]:
    target = (effect.operation, effect.attachment)
    if target in state.erased:
        raise Lapse("it was erased already")
    named = {"kind": "erase", "operation": effect.operation, "attachment": effect.attachment}
    return replace(state, erased=state.erased | {target}), named


def _office(state: EpochState, number: int, effect: Office) -> tuple[EpochState, dict[str, Any]]:
    holders = tuple(Membership(m) for m in effect.members if m in state.members)
    if effect.members and not holders:
        raise Lapse("nobody of them is a member any more")
    named = {"kind": "office", "office": effect.office, "members": list(holders)}
    return replace(state, offices={**state.offices, effect.office: holders}), named


_APPLY: Final[dict[type, Callable[..., tuple[EpochState, dict[str, Any]]]]] = {
    Admit: _admit,
    Remove: _remove,
    Rekey: _rekey,
    CharterChange: _charter,
    TellersChange: _tellers,
    Adopt: _adopt,
    Erase: _erase,
    Office: _office,
    **SEATED,
}
