"""Which councils sit here, and to which this one belongs: what an epoch makes of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import msgspec

from ..federation.link import Link
from ..federation.mandate import Mandate, recalled
from ..ids import Membership
from .epochs import EpochState
from .lapse import Lapse
from .roll import Member, NodeListing, SeatShown
from .seat_bodies import Believe, Instruct, Join, Mandated, Part, Recall, SeatChild, Suspend
from .seats import Pool

__all__ = ["MAX_SEATS", "SEATED", "end_mandates", "take_seats", "without"]

MAX_SEATS: Final = 64
"""Councils of whom one epoch takes news in, at most; the rest waits for the next."""

Step = tuple[EpochState, dict[str, Any]]


def take_seats(state: EpochState) -> tuple[EpochState, list[dict[str, Any]], bool]:
    """What was carried of the councils that sit here, taken in, and the effects of that.

    Last, whether any of it gives reason for an epoch by itself: another who may carry, read or
    sign, or a council that left. Else it goes along with other effects: not every admission in a
    commune shall make an epoch in all councils above it.
    """
    effects: list[dict[str, Any]] = []
    pressing = False
    for application, tip in sorted(state.seats.items()):
        pool = state.carried.get(application, Pool())
        steps = pool.onwards(tip, state.believed.get(application))
        if not steps or len(effects) == MAX_SEATS:
            continue
        link, reason = steps[-1]
        effect = {"kind": "carried", "seat": application, "child": link.council, "number": link.number}
        effects.append({**effect, "epoch": link.digest, "left": not _belongs(state, link), "reason": reason})
        pressing = pressing or not _belongs(state, link) or _reach(link) != _reach(tip)
        state = _take(state, application, link)
    return state, effects, pressing


def _belongs(state: EpochState, link: Link) -> bool:
    return state.council in link.parents


def _reach(link: Link) -> tuple[Any, ...]:
    return link.profile, link.tellers, link.nodes, dict(link.mandates), dict(link.instructions)


def _take(state: EpochState, application: bytes, link: Link) -> EpochState:
    """The state once this epoch of a child is taken in."""
    before = state.members[Membership(application)]
    assert before.seat is not None
    if not _belongs(state, link):
        return without(state, application)
    member = _member(state, application, link, before.since, before)
    return replace(
        state,
        devices_ever=state.devices_ever | member.devices,
        members={**state.members, member.membership: member},
        seats={**state.seats, application: link},
        carried={**state.carried, application: state.carried[application].ahead(link)},
    )


def without(state: EpochState, membership: bytes) -> EpochState:
    """The state without this member or seat."""
    members = {k: v for k, v in state.members.items() if k != membership}
    seats = {k: v for k, v in state.seats.items() if k != membership}
    carried = {k: v for k, v in state.carried.items() if k != membership}
    return replace(state, members=members, seats=seats, carried=carried)


def _member(state: EpochState, application: bytes, link: Link, since: int, before: Member | None) -> Member:
    """A seat as it stands on the roll. before: as it stood there until now."""
    suspended = before is not None and before.seat is not None and before.seat.suspended
    nodes = {node: NodeListing(node, ()) for _, node in link.tellers}
    mandate = link.mandates.get(state.council)
    devices, until = frozenset[bytes](), None
    if mandate is not None:
        until, device = mandate.until, mandate.delegates[0][1]
        known = before is not None and device in before.devices
        # A key that ever stood for somebody here stands for nobody else, nor again.
        if known or (device not in state.devices_ever and device not in state.serving()):
            devices = frozenset({device})
    shown = SeatShown(link.number, link.digest, link.people, suspended, until)
    return Member(Membership(application), link.council, since, devices, nodes, suspended, shown)


def _seat(state: EpochState, number: int, effect: SeatChild) -> Step:
    application = effect.application
    pool = state.carried.get(application, Pool())
    begin = pool.begin()
    if begin is None or application in state.seats:
        raise Lapse("there is no such application, or it was granted")
    link = [(begin, b""), *pool.onwards(begin, None)][-1][0]
    if not _belongs(state, link):
        raise Lapse("the council has not decided to belong to this one")
    if link.council == state.council or link.council in state.persons():
        raise Lapse("the council sits here already")
    if len(state.members) >= state.charter.size.max:
        raise Lapse("the council is full")
    member = _member(state, application, link, number, None)
    state = replace(
        state,
        devices_ever=state.devices_ever | member.devices,
        members={**state.members, member.membership: member},
        seats={**state.seats, application: link},
        carried={**state.carried, application: pool.ahead(link)},
    )
    named = {"kind": "seat", "seat": application, "child": link.council, "number": link.number}
    return state, {**named, "epoch": link.digest}


def _suspend(state: EpochState, number: int, effect: Suspend) -> Step:
    member = state.members.get(Membership(effect.seat))
    if member is None or member.seat is None:
        raise Lapse("no such council sits here")
    if member.seat.suspended is effect.suspended:
        raise Lapse("the seat is suspended already" if effect.suspended else "the seat is not suspended")
    changed = replace(member, absent=effect.suspended, seat=replace(member.seat, suspended=effect.suspended))
    named = {"kind": "suspend", "seat": effect.seat, "suspended": effect.suspended}
    return replace(state, members={**state.members, member.membership: changed}), named


def _believe(state: EpochState, number: int, effect: Believe) -> Step:
    if effect.seat not in state.seats:
        raise Lapse("no such council sits here")
    if not state.carried.get(effect.seat, Pool()).replaces(effect.epoch):
        raise Lapse("that council's members replaced no tellers by this epoch")
    named = {"kind": "believe", "seat": effect.seat, "epoch": effect.epoch}
    return replace(state, believed={**state.believed, effect.seat: effect.epoch}), named


def _join(state: EpochState, number: int, effect: Join) -> Step:
    if effect.parent == state.council:
        raise Lapse("a council does not belong to itself")
    if effect.parent in state.parents:
        raise Lapse("the council belongs to that one already")
    return replace(state, parents=state.parents | {effect.parent}), {"kind": "join", "parent": effect.parent}


def _part(state: EpochState, number: int, effect: Part) -> Step:
    if effect.parent not in state.parents:
        raise Lapse("the council does not belong to that one")
    mandates = {parent: mandate for parent, mandate in state.mandates.items() if parent != effect.parent}
    state = replace(state, parents=state.parents - {effect.parent}, mandates=mandates)
    return state, {"kind": "part", "parent": effect.parent}


def _mandate(state: EpochState, number: int, effect: Mandated) -> Step:
    if effect.parent not in state.parents:
        raise Lapse("the council does not belong to that one")
    if effect.until <= effect.since:
        raise Lapse("the mandate would end before it begins")
    persons = state.persons()
    good = [one for one in effect.delegates if one.person in persons and one.proven(state.council, effect.parent)]
    if not good or len({one.person for one in good}) < len(good):
        raise Lapse("nobody of the delegates is a member and proven, or one is named twice")
    mandate = Mandate(tuple((one.person, one.device) for one in good), effect.since, effect.until)
    named = {
        "kind": "mandate",
        "parent": effect.parent,
        "delegates": [msgspec.to_builtins(one, builtin_types=(bytes,)) for one in good],
        "since": effect.since,
        "until": effect.until,
    }
    return replace(state, mandates={**state.mandates, effect.parent: mandate}), named


def _recall(state: EpochState, number: int, effect: Recall) -> Step:
    mandate = state.mandates.get(effect.parent)
    if mandate is None or effect.person not in dict(mandate.delegates):
        raise Lapse("the person has no mandate there")
    named = {"kind": "recall", "parent": effect.parent, "person": effect.person}
    return _without_delegate(state, effect.parent, effect.person), named


def _instruct(state: EpochState, number: int, effect: Instruct) -> Step:
    if effect.parent not in state.parents:
        raise Lapse("the council does not belong to that one")
    return state, {"kind": "instruct", **effect.data()}


def _without_delegate(state: EpochState, parent: bytes, person: bytes) -> EpochState:
    mandates = dict(state.mandates)
    recalled(mandates, parent, person)
    return replace(state, mandates=mandates)


def end_mandates(state: EpochState) -> tuple[EpochState, list[dict[str, Any]]]:
    """Mandates of those who are not on the roll any more end, and the epoch says so to the councils above."""
    effects: list[dict[str, Any]] = []
    persons = state.persons()
    for parent, mandate in sorted(state.mandates.items()):
        for person, _ in mandate.delegates:
            if person not in persons:
                state = _without_delegate(state, parent, person)
                effects.append({"kind": "recall", "parent": parent, "person": person})
    return state, effects


SEATED: Final[dict[type, Callable[..., Step]]] = {
    SeatChild: _seat,
    Suspend: _suspend,
    Believe: _believe,
    Join: _join,
    Part: _part,
    Mandated: _mandate,
    Recall: _recall,
    Instruct: _instruct,
}
"""The effects by which councils belong to one another."""
