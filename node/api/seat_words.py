"""Councils that sit in another, in words: what would be done about them, and what was."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from protocol.council.council import Council
from protocol.council.seat_bodies import (
    Believe,
    ElectDelegates,
    Instruct,
    Join,
    Mandated,
    Part,
    Recall,
    SeatChild,
    Suspend,
)
from protocol.ids import operation_text

__all__ = ["SEAT_EFFECTS", "SeatEffect", "seat_effect_words", "seat_motion_words"]

SeatEffect = Join | Part | SeatChild | Suspend | Believe | Mandated | ElectDelegates | Recall | Instruct

SEAT_EFFECTS: Final = frozenset(
    {"seat", "carried", "suspend", "believe", "join", "part", "mandate", "recall", "instruct"}
)
"""The kinds of effects that are told here."""


def _named(council: bytes) -> str:
    text = operation_text(council)
    return f"the council {text[:12]}…{text[-4:]}"


def _sitting(council: Council, seat: bytes) -> str:
    carried = council.fold.seats.carried.get(seat)
    return "a council that is not known here" if carried is None else _named(carried.links[0].council)


def _people(persons: Iterable[bytes], shown: Callable[[bytes], str]) -> str:
    return ", then ".join(shown(person) for person in persons)


def seat_motion_words(council: Council, shown: Callable[[bytes], str], effect: SeatEffect) -> str:
    """What a motion would do, as a phrase that starts with a verb. shown: a person's key -> her name."""
    match effect:
        case Join(parent):
            return f"belong to {_named(parent)}"
        case Part(parent):
            return f"leave {_named(parent)}"
        case SeatChild(application):
            return f"give a seat to {_sitting(council, application)}"
        case Suspend(seat, suspended):
            return f"{'suspend' if suspended else 'end the suspension of'} {_sitting(council, seat)}"
        case Believe(seat, _):
            return f"believe that the members of {_sitting(council, seat)} replaced its tellers"
        case Mandated(parent=parent, delegates=delegates):
            who = _people([one.person for one in delegates], shown)
            return f"let {who} speak for the council in {_named(parent)}"
        case ElectDelegates(parent=parent):
            return f"let whoever is chosen speak for the council in {_named(parent)}"
        case Instruct(parent=parent):
            return f"tell the council's seat in {_named(parent)} how to vote"
        case Recall(parent, person):
            return f"recall {shown(person)} from {_named(parent)}"


def seat_effect_words(council: Council, shown: Callable[[bytes], str], effect: Mapping[str, Any]) -> str:
    """What an epoch did, as a sentence without its full stop."""
    kind = effect["kind"]
    if kind == "join":
        return f"the council belongs to {_named(effect['parent'])}"
    if kind == "part":
        return f"the council left {_named(effect['parent'])}"
    if kind == "mandate":
        who = _people([one["person"] for one in effect["delegates"]], shown)
        return f"{who} may speak for the council in {_named(effect['parent'])}"
    if kind == "instruct":
        return f"the council's seat in {_named(effect['parent'])} is told how to vote"
    if kind == "recall":
        return f"{shown(effect['person'])} speaks for the council in {_named(effect['parent'])} no more"
    who = _sitting(council, effect["seat"])
    if kind == "seat":
        return f"{who} has a seat"
    if kind == "suspend":
        return f"{who} {'is suspended' if effect['suspended'] else 'is not suspended any more'}"
    if kind == "believe":
        return f"it is believed that the members of {who} replaced its tellers"
    return f"{who} left" if effect["left"] else f"{who} is known as of its epoch {effect['number']}"
