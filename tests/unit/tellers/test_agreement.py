"""The agreement's fold: what counts, what decides, whatever the order in which messages come."""

from itertools import permutations
from typing import Any

import pytest

from protocol.tellers.agreement import NIL, Agreement, Message, Outlook, Sort, rotation

TELLERS = tuple(bytes([n]) * 32 for n in range(1, 5))
A, B, C, D = TELLERS
V, W = b"v" * 32, b"w" * 32
GOOD = b"good"


def agreement() -> Agreement:
    """Four tellers of whom one may lie; A proposes first."""
    return Agreement(Outlook(TELLERS, 1, 3, 0, lambda teller, round, value, signature: signature == GOOD))


def message(author: bytes, sort: Sort, round: int, value: bytes, *deps: Message, **more: Any) -> Message:
    """A message that names others; its id follows from what it says."""
    named = frozenset(dep.id for dep in deps)
    signature = more.pop("signature", GOOD if sort == "precommit" and value != NIL else b"")
    id = repr((author, sort, round, value, sorted(named), more)).encode()
    return Message(id, author, sort, round, value, more.get("valid_round", -1), named, signature)


def rounds_end(round: int, *deps: Message, who: tuple[bytes, ...] = TELLERS) -> list[Message]:
    """Precommits for nothing."""
    return [message(teller, "precommit", round, NIL, *deps) for teller in who]


def fold(*messages: Message) -> Agreement:
    """All of them taken in; each must count."""
    found = agreement()
    for one in messages:
        assert found.add(one) is None, one
    return found


def polka(
    round: int, value: bytes, proposal: Message, *deps: Message, who: tuple[bytes, ...] = (A, B, C)
) -> list[Message]:
    """Prevotes for a value."""
    return [message(teller, "prevote", round, value, proposal, *deps) for teller in who]


PROPOSAL = message(A, "propose", 0, V)
POLKA = polka(0, V, PROPOSAL)
PRECOMMITS = [message(teller, "precommit", 0, V, *POLKA) for teller in (A, B, C)]
END = rounds_end(0)


def test_a_quorum_of_precommits_of_one_round_decides() -> None:
    found = fold(PROPOSAL, *POLKA, *PRECOMMITS[:2])
    assert (found.decided, found.polka) == (None, (0, V))
    assert found.add(PRECOMMITS[2]) is None
    assert (found.decided, found.polka) == ((0, V), (0, V))
    assert found.signatures(0, V) == [(A, GOOD), (B, GOOD), (C, GOOD)]
    assert found.signatures(1, V) == []


def test_what_counts_does_not_depend_on_the_order() -> None:
    for order in permutations(POLKA):
        found = fold(PROPOSAL, *order, *PRECOMMITS)
        assert (found.decided, found.polka) == ((0, V), (0, V))
        assert found.quorum(found.prevotes, 0, V) == tuple(one.id for one in POLKA)


def test_a_message_that_came_before_changes_nothing() -> None:
    found = fold(PROPOSAL)
    assert found.add(PROPOSAL) is None
    assert found.said[A] == [PROPOSAL]


def test_precommits_of_different_rounds_decide_nothing() -> None:
    again = message(B, "propose", 1, V, *POLKA, *END[:3], valid_round=0)
    second = polka(1, V, again, *END[:3])
    late = message(C, "precommit", 1, V, *second, *END[:3])
    found = fold(PROPOSAL, *POLKA, *PRECOMMITS[:2], *END, again, *second, late)
    assert found.decided is None
    assert found.polka == (1, V)


def test_the_lowest_round_that_decides_is_the_decision() -> None:
    again = message(B, "propose", 1, V, *POLKA, *END[:3], valid_round=0)
    second = polka(1, V, again, *END[:3])
    decided = [message(teller, "precommit", 1, V, *second, *END[:3]) for teller in (A, B, C)]
    found = fold(PROPOSAL, *POLKA, *END, again, *second, *decided)
    assert found.decided == (1, V)
    for late in PRECOMMITS:
        assert found.add(late) is None
    assert found.decided == (0, V)
    assert found.polka == (1, V)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (message(b"x" * 32, "prevote", 0, NIL), "teller"),
        (message(A, "prevote", 1, NIL), "V1"),
        (message(A, "prevote", 1, NIL, *END[:2]), "V1"),
        # Two precommits of one teller are not those of two.
        (message(A, "prevote", 1, NIL, *END[:2], PRECOMMITS[0]), "V1"),
        (message(A, "prevote", 2, NIL, *END), "V1"),
        (message(B, "propose", 0, V), "V2"),
        (message(A, "propose", 0, V, valid_round=0), "V2"),
        (message(A, "propose", 0, V, valid_round=-2), "V2"),
        (message(B, "propose", 1, V, *END, valid_round=0), "V2"),
        (message(B, "propose", 1, V, *END, *POLKA[:2], valid_round=0), "V2"),
        (message(B, "propose", 1, W, *END, *POLKA, valid_round=0), "V2"),
        (message(A, "prevote", 0, V), "V3"),
        (message(A, "prevote", 0, W, PROPOSAL), "V3"),
        (message(A, "prevote", 1, V, PROPOSAL, *END), "V3"),
        (message(A, "precommit", 0, V, *POLKA[:2]), "V4"),
        (message(A, "precommit", 0, W, *POLKA), "V4"),
        (message(A, "precommit", 1, V, *POLKA, *END), "V4"),
        (message(D, "precommit", 0, V, *POLKA, signature=b"of another round"), "V4"),
    ],
)
def test_what_lacks_its_justification_has_no_effect(wrong: Message, rule: str) -> None:
    found = fold(PROPOSAL, *POLKA, PRECOMMITS[0], *END)
    refusal = found.add(wrong)
    assert refusal is not None
    assert refusal.rule == rule
    assert wrong.id not in found.valid


def test_what_is_named_counts_only_if_it_counts_itself() -> None:
    found = fold(PROPOSAL)
    stranger = message(b"x" * 32, "prevote", 0, V, PROPOSAL)
    assert found.add(stranger) is not None
    for one in POLKA[:2]:
        assert found.add(one) is None
    refusal = found.add(message(D, "precommit", 0, V, *POLKA[:2], stranger))
    assert refusal is not None
    assert refusal.rule == "V4"


def test_a_teller_that_says_two_things_counts_once_for_each_and_is_shown() -> None:
    other = message(A, "propose", 0, W)
    both = [message(D, "prevote", 0, V, PROPOSAL), message(D, "prevote", 0, W, other)]
    found = fold(PROPOSAL, other, *both, message(D, "prevote", 0, V, PROPOSAL, other))
    assert set(found.prevotes[0][V]) == {D}
    assert found.tellers_in(found.prevotes, 0) == {D}
    proofs = found.equivocators()
    assert proofs == {A: (PROPOSAL.id, other.id), D: (min(found.prevotes[0][V][D]), both[1].id)}
    assert fold(PROPOSAL, *POLKA).equivocators() == {}


def test_more_than_f_tellers_speak_for_a_round() -> None:
    found = fold(*END)
    assert found.add(message(A, "prevote", 1, NIL, *END)) is None
    assert found.highest_round(0) == 0
    assert found.add(message(D, "precommit", 1, NIL, *END)) is None
    assert found.highest_round(0) == 1
    assert found.highest_round(1) == 1
    assert found.silent(2)
    assert not found.silent(1)


def test_a_quorum_is_named_by_one_message_of_each_teller() -> None:
    found = fold(PROPOSAL, *POLKA, *[message(teller, "prevote", 0, NIL) for teller in TELLERS])
    assert found.quorum(found.prevotes, 0, V) == tuple(one.id for one in POLKA)
    whatever = found.quorum(found.prevotes, 0)
    assert len(whatever) == 3
    assert len({found.valid[id].author for id in whatever}) == 3
    assert found.quorum(found.prevotes, 5) == ()


def test_tellers_propose_in_turn_from_a_place_that_the_instance_gives() -> None:
    order, first = rotation((6).to_bytes(32, "big"), reversed(TELLERS))
    assert (order, first) == (TELLERS, 2)
    found = Agreement(Outlook(order, 1, 3, first, lambda *_: True))
    assert [found.proposer(round) for round in range(5)] == [C, D, A, B, C]
