"""What is moved and decided about councils that sit in another, in words."""

from typing import Any

import pytest

from node.api.seat_words import SEAT_EFFECTS, SeatEffect, seat_effect_words, seat_motion_words
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
from tests.federations import commune, delegate, parent_of, seat
from tests.worlds import Person, World, seed


@pytest.fixture(scope="module")
def valley() -> tuple[World, World, bytes]:
    parent = parent_of()
    child, people = commune("mill")
    return parent, child, seat(parent, child, people)


def named(council: bytes) -> str:
    text = operation_text(council)
    return f"the council {text[:12]}…{text[-4:]}"


def test_motions(valley: tuple[World, World, bytes]) -> None:
    parent, child, sits = valley
    other, mill = seed("another"), named(child.council.id)
    told: list[tuple[SeatEffect, str]] = [
        (Join(other), f"belong to {named(other)}"),
        (Part(other), f"leave {named(other)}"),
        (SeatChild(sits), f"give a seat to {mill}"),
        (SeatChild(other), "give a seat to a council that is not known here"),
        (Suspend(sits, True), f"suspend {mill}"),
        (Suspend(sits, False), f"end the suspension of {mill}"),
        (Believe(sits, other), f"believe that the members of {mill} replaced its tellers"),
        (
            Mandated(other, [delegate(Person("Eva"), child.council.id, other)], 1, 2),
            f"let {Person('Eva').key.hex()} speak for the council in {named(other)}",
        ),
        (ElectDelegates(other, [None], 1, 2), f"let whoever is chosen speak for the council in {named(other)}"),
        (Instruct(other, sits, [(1, 1, "yes")]), f"tell the council's seat in {named(other)} how to vote"),
        (Recall(other, sits), f"recall {sits.hex()} from {named(other)}"),
    ]
    for effect, words in told:
        assert seat_motion_words(parent.council, bytes.hex, effect) == words


def test_effects(valley: tuple[World, World, bytes]) -> None:
    parent, child, sits = valley
    mill, other = named(child.council.id), seed("another")
    told: list[tuple[dict[str, Any], str]] = [
        ({"kind": "join", "parent": other}, f"the council belongs to {named(other)}"),
        ({"kind": "part", "parent": other}, f"the council left {named(other)}"),
        ({"kind": "seat", "seat": sits}, f"{mill} has a seat"),
        ({"kind": "suspend", "seat": sits, "suspended": True}, f"{mill} is suspended"),
        ({"kind": "suspend", "seat": sits, "suspended": False}, f"{mill} is not suspended any more"),
        ({"kind": "believe", "seat": sits}, f"it is believed that the members of {mill} replaced its tellers"),
        ({"kind": "carried", "seat": sits, "left": False, "number": 7}, f"{mill} is known as of its epoch 7"),
        ({"kind": "carried", "seat": sits, "left": True, "number": 7}, f"{mill} left"),
        (
            {"kind": "mandate", "parent": other, "delegates": [{"person": sits}, {"person": other}]},
            f"{sits.hex()}, then {other.hex()} may speak for the council in {named(other)}",
        ),
        (
            {"kind": "instruct", "parent": other, "ballot": sits},
            f"the council's seat in {named(other)} is told how to vote",
        ),
        (
            {"kind": "recall", "parent": other, "person": sits},
            f"{sits.hex()} speaks for the council in {named(other)} no more",
        ),
    ]
    for effect, words in told:
        assert seat_effect_words(parent.council, bytes.hex, effect) == words
    assert {effect["kind"] for effect, _ in told} == SEAT_EFFECTS
