"""A council's instruction is its seat's cast: what its delegate says beside it changes nothing."""

from typing import Any

import pytest

from protocol.council.certificate import certificate_of
from protocol.council.tellership import Tellership
from protocol.federation.instruction import MAX_INSTRUCTIONS, Instruction, instructed
from protocol.federation.link import Link
from protocol.ids import operation_text
from protocol.log.operation import Envelope
from tests.federations import (
    VALLEY,
    begun,
    commune,
    decide,
    epochs_of,
    parent_of,
)
from tests.sittings import SIMPLE, YES, Sitting
from tests.vectors.stories import OnTime, cast_in, open_ballot
from tests.worlds import seed

NOTHING = seed("nothing")


def test_without_an_instruction_the_delegate_decides() -> None:
    valley = Sitting()
    valley.says("yes")
    valley.tells()
    assert valley.answers() == {"voted": 5, "yes": 1, "no": 4}


def test_an_instruction_is_the_cast_whatever_the_delegate_says() -> None:
    for said in (None, "no"):
        valley = Sitting()
        if said is not None:
            valley.says(said)
        valley.instruct(split=YES)
        assert valley.answers() == {"voted": 5, "yes": 1, "no": 4}


def test_the_later_instruction_governs() -> None:
    valley = Sitting()
    valley.instruct(split=YES)
    valley.instruct(split=[[1, 1, "abstain"]])
    assert valley.answers() == {"voted": 5, "abstain": 1, "no": 4}


def test_one_told_by_several_is_told_once() -> None:
    valley = Sitting()
    first = valley.instruct(split=YES)
    second = valley.tells(VALLEY[1].device_seed())
    third = valley.tells(valley.parent.teller.seed)
    points = valley.parent.council.box.ballots[valley.ballot].standpoints
    assert points.told.keys() == {first, second, third}
    assert len(points.named([first, second, third, NOTHING])) == 2
    assert valley.answers() == {"voted": 5, "yes": 1, "no": 4}


def test_a_seats_weight_is_split_and_the_rest_abstains() -> None:
    valley = Sitting()
    valley.instruct(split=[[1, 2, "yes"], [1, 4, "no"]])
    valley.says("no")
    assert valley.answers() == {"voted": 5, "yes": "1/2", "no": "17/4"}


def test_a_split_goes_beside_weights_and_within_classes() -> None:
    valley = Sitting()
    ada, seat = valley.parent.council.id, operation_text(valley.seat)
    classes = {"by": "each", "of": [{"name": "people"}, {"name": "seats", "members": [seat]}]}
    for more in ({"weights": [[ada, 3, 1]]}, {"classes": classes}):
        valley.ballot = open_ballot(valley.parent, valley.tellers, SIMPLE, **more)
        valley.instruct(split=[[1, 2, "yes"], [1, 2, "no"]])
        cast_in(valley.parent, valley.ballot, VALLEY[0], "yes")
        cast_in(valley.parent, valley.ballot, VALLEY[1], "no")
        record = valley.result()
        result = dict(record["result"]["rounds"][0]["answers"])
        if "classes" in more:
            assert (result["yes"], result["no"]) == ("3/2", "3/2")
            (_, people, voted, _), (name, size, seats, own) = record["classes"]
            assert (people, voted, name, size, seats) == (4, 2, "seats", 1, 1)
            assert dict(own["rounds"][0]["answers"])["yes"] == "1/2"
        else:
            equal = dict(record["equal"]["rounds"][0]["answers"])
            assert (result["yes"], equal["yes"]) == ("7/2", "3/2")


def test_discretion_holds_for_what_is_allowed() -> None:
    for said, voted in (("yes", {"voted": 5, "yes": 1, "no": 4}), ("no", {"voted": 4, "no": 4})):
        valley = Sitting()
        valley.instruct(allowed=["yes", "abstain"])
        valley.says(said)
        assert valley.answers() == voted


def test_what_the_rule_does_not_know_makes_the_seat_abstain() -> None:
    valley = Sitting()
    valley.instruct(split=[[1, 1, "perhaps"]])
    valley.says("no")
    assert valley.answers() == {"voted": 4, "no": 4}


def test_the_casts_of_who_was_recalled_lapse_and_the_alternate_speaks() -> None:
    for cyd_too in (False, True):
        valley = Sitting()
        first = valley.says("yes")
        decide(
            valley.child,
            valley.people,
            {"kind": "recall", "parent": valley.parent.council.id, "person": valley.ben.key},
        )
        valley.bring()
        valley.tells()
        if cyd_too:
            valley.says("abstain", valley.cyd, revision=1, replaces=first)
        voted = {"voted": 5, "no": 4, "abstain": 1} if cyd_too else {"voted": 4, "no": 4}
        assert valley.answers() == voted


def test_without_a_mandate_only_the_instruction_counts() -> None:
    valley = Sitting(until=1000)
    assert valley.parent.council.without_effect[valley.says("no")].rule == "cast-mandate"
    valley.instruct(split=YES)
    assert valley.answers() == {"voted": 5, "yes": 1, "no": 4}


def test_what_is_told_after_the_close_is_late() -> None:
    valley = Sitting()
    late = OnTime()
    told = valley.instruct(split=YES)
    received = {told: valley.parent.clock + 10_000_000}
    valley.tellers = [Tellership(valley.parent.council, valley.parent.teller.seed, Late(late, received))]
    assert valley.answers() == {"voted": 4, "no": 4}


class Late:
    """A teller's node that has everything on time but this."""

    def __init__(self, rest: OnTime, received: dict[bytes, int]) -> None:
        self._rest, self._received = rest, received

    def received(self, operation: bytes) -> int | None:
        return self._received.get(operation, self._rest.received(operation))

    def in_contact(self) -> int:
        return self._rest.in_contact()


def test_a_delegate_cannot_crowd_an_instruction_out() -> None:
    valley = Sitting()
    last = valley.says("no")
    ballot = valley.parent.council.box.ballots[valley.ballot]
    for revision in range(1, ballot.share):
        last = valley.says("no", revision=revision, replaces=last)
    valley.instruct(split=YES)
    assert valley.answers() == {"voted": 5, "yes": 1, "no": 4}


def test_a_ballot_with_seats_has_a_certificate_without_evidence() -> None:
    valley = Sitting()
    valley.instruct(split=YES)
    valley.answers()
    ballot = valley.parent.council.box.ballots[valley.ballot]
    by_id: dict[bytes, Envelope] = {envelope.operation.id: envelope for envelope in valley.parent.said}
    proof = certificate_of(ballot, ballot.certified[0], by_id.__getitem__, casts=True)
    assert (proof.roll, proof.casts) == (None, None)


def test_what_is_told_without_effect() -> None:
    valley = Sitting()

    def why(operation: bytes) -> str:
        return valley.parent.council.without_effect[operation].rule

    assert why(valley.tells(dep=False)) == "ballot"
    assert why(valley.tells(ballot=valley.parent.council.heads()[0])) == "ballot"
    assert why(valley.tells(seat=NOTHING)) == "tell-seat"
    assert why(valley.tells(seat=valley.parent.council.id)) == "tell-seat"
    decide(valley.parent, VALLEY, {"kind": "suspend", "seat": valley.seat, "suspended": True})
    valley.ballot = open_ballot(valley.parent, valley.tellers, SIMPLE)
    assert why(valley.tells()) == "tell-seat"
    hidden = Sitting(hidden=True)
    assert hidden.parent.council.without_effect[hidden.tells()].rule == "tell-seat"


def test_a_seat_that_left_is_told_of_no_more() -> None:
    valley = Sitting()
    decide(valley.child, valley.people, {"kind": "part", "parent": valley.parent.council.id})
    valley.bring()
    told = valley.tells(VALLEY[0].device_seed())
    assert valley.parent.council.without_effect[told].rule == "tell-seat"


# --- whether delegates do as they are told -----------------------------------------------------------


def obedience(sitting: Sitting) -> tuple[str, list[Any]]:
    """The verdict, and the choices that have no effect as they were meant."""
    (one,) = sitting.parent.council.box.ballots[sitting.ballot].obedience().values()
    assert {cast.id for cast in one.against} <= {cast.id for cast in one.said}
    return one.verdict, [cast.choice for cast in one.against]


def test_everybody_sees_whether_a_delegate_voted_as_told() -> None:
    sitting = Sitting()
    ballot = sitting.parent.council.box.ballots[sitting.ballot]
    assert ballot.obedience() == {}
    sitting.tells()
    assert obedience(sitting) == ("silent", [])
    first = sitting.says("no")
    assert obedience(sitting) == ("free", [])
    sitting.instruct(allowed=["yes", "abstain"])
    assert obedience(sitting) == ("differs", ["no"])
    sitting.instruct(split=YES)
    assert obedience(sitting) == ("differs", ["no"])
    sitting.says("yes", revision=1, replaces=first)
    assert obedience(sitting) == ("as told", [])
    recall = {"kind": "recall", "parent": sitting.parent.council.id, "person": sitting.ben.key}
    decide(sitting.child, sitting.people, recall)
    sitting.bring()
    sitting.tells()
    assert obedience(sitting) == ("silent", ["yes"])


def test_a_delegate_who_says_one_half_of_a_split_differs() -> None:
    sitting = Sitting()
    sitting.instruct(split=[[1, 2, "yes"], [1, 2, "no"]])
    sitting.says("yes")
    assert obedience(sitting) == ("differs", ["yes"])


# --- the instruction itself --------------------------------------------------------------------------


def test_why_a_council_cannot_instruct() -> None:
    parent = parent_of()
    child, people = commune("mill")
    effect = {"kind": "instruct", "parent": parent.council.id, "ballot": NOTHING, "split": YES}
    assert decide(child, people, effect)["why"] == "the council does not belong to that one"
    broken: list[dict[str, Any]] = [
        {"split": []},
        {"allowed": ["yes"]},
        {"split": [[2, 3, "yes"], [1, 2, "no"]]},
        {"split": [[1, 1, "a" * 2048]]},
    ]
    for change in broken:
        motion = child.move(people[0], {**effect, **change})
        assert child.council.without_effect[motion].rule == "instruction"


def test_a_light_client_reads_instructions() -> None:
    valley = Sitting()
    valley.instruct(split=[[1, 3, "yes"]])
    chain = begun(valley.child.said[0])
    for epoch in epochs_of(valley.child.council, valley.child.said):
        assert isinstance(chain.take(*epoch), Link)
    told = chain.tip.instructions[(valley.parent.council.id, valley.ballot)]
    assert (told.number, told.choices) == (chain.tip.number, ("yes",))


@pytest.mark.parametrize("effect", [{}, {"parent": NOTHING, "ballot": NOTHING, "split": YES, "allowed": ["no"]}])
def test_what_instructs_nobody(effect: dict[str, Any]) -> None:
    before: dict[tuple[bytes, bytes], Instruction] = {}
    assert instructed(before, 1, effect) is before


def test_old_instructions_go() -> None:
    held = {(NOTHING, seed(n)): Instruction(n, (), ("yes",)) for n in range(MAX_INSTRUCTIONS)}
    after = instructed(held, 999, {"parent": NOTHING, "ballot": NOTHING, "split": YES})
    assert len(after) == MAX_INSTRUCTIONS
    assert (NOTHING, seed(0)) not in after
    assert (NOTHING, NOTHING) in after


def test_standpoints_are_forgotten_with_who_told_them() -> None:
    valley = Sitting()
    told = valley.instruct(split=YES)
    points = valley.parent.council.box.ballots[valley.ballot].standpoints
    assert points.told.keys() == {told}
    valley.parent.council.box.discard(told)
    assert not points.told
    assert points.of(told) is not None
    assert points.of(NOTHING) is None
