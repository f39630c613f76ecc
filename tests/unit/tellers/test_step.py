"""One teller's steps: what it says, when, and what it remembers."""

from protocol.tellers.agreement import NIL, Agreement, Message
from protocol.tellers.step import PRECOMMIT, PREVOTE, PROPOSE, Intent, Step, Timeouts

from .test_agreement import (
    END,
    POLKA,
    PRECOMMITS,
    PROPOSAL,
    A,
    B,
    C,
    D,
    V,
    W,
    agreement,
    fold,
    message,
    polka,
    rounds_end,
)

WAIT = Timeouts(propose=3_000, prevote=1_500, precommit=1_000, cap=8_000)


def step(key: bytes, found: Agreement, value: bytes | None = None, *, accepts: bool = True, ripe: int = 0) -> Step:
    """A teller that would propose `value`."""
    return Step(
        key,
        found,
        WAIT,
        lambda now: None if value is None else (value, (b"close",)),
        lambda value, now: accepts,
        lambda value: (b"close",),
        lambda: ripe,
    )


def say(key: bytes, intent: Intent | None) -> Message:
    """What a teller wants to say, said."""
    assert intent is not None
    signature = b"good" if intent.sort == "precommit" and intent.value else b""
    id = repr((key, intent)).encode()
    deps = frozenset(intent.needs)
    return Message(id, key, intent.sort, intent.round, intent.value, intent.valid_round, deps, signature)


def test_who_has_the_turn_proposes_and_prevotes_and_all_come_to_a_decision() -> None:
    found = agreement()
    steps = {key: step(key, found, V) for key in (A, B, C)}
    said = []
    while found.decided is None:
        for key, each in steps.items():
            intent = each.poll(0)
            if intent is not None:
                said.append(intent.sort)
                assert found.add(say(key, intent)) is None
    assert said.count("propose") == 1
    assert said.count("prevote") == 3
    assert found.decided == (0, V)
    assert steps[A].poll(0) is None
    assert steps[A].wake is None


def test_who_has_the_turn_and_no_value_waits_and_then_votes_for_nothing() -> None:
    each = step(A, agreement())
    assert each.poll(100) is None
    assert each.wake == 100 + WAIT.propose
    assert each.poll(99 + WAIT.propose) is None
    intent = each.poll(100 + WAIT.propose)
    assert intent == Intent("prevote", 0, NIL, -1, ())


def test_nobody_waits_for_a_proposal_that_cannot_be_made_yet() -> None:
    each = step(B, agreement(), ripe=60_000)
    assert each.poll(0) is None
    assert each.wake == 60_000 + WAIT.propose
    assert each.poll(59_999 + WAIT.propose) is None
    assert each.poll(60_000 + WAIT.propose) is not None


def test_timeouts_double_up_to_a_cap() -> None:
    assert [WAIT.of(PROPOSE, round) for round in range(4)] == [3_000, 6_000, 8_000, 8_000]
    assert WAIT.of(PREVOTE, 10**9) == WAIT.of(PRECOMMIT, 4) == 8_000


def test_a_proposal_that_is_not_accepted_gets_no_prevote() -> None:
    intent = step(B, fold(PROPOSAL), accepts=False).poll(0)
    assert intent is not None
    assert (intent.sort, intent.value) == ("prevote", NIL)


def test_a_quorum_of_prevotes_without_one_value_is_waited_on_for_a_while() -> None:
    votes = [*POLKA[:2], message(D, "prevote", 0, NIL)]
    found = fold(PROPOSAL, *votes)
    each = step(A, found)
    assert each.poll(0) is None
    assert each.wake == WAIT.prevote
    intent = each.poll(WAIT.prevote)
    assert intent is not None
    assert (intent.sort, intent.value) == ("precommit", NIL)


def test_who_prevoted_waits_for_others() -> None:
    each = step(A, fold(PROPOSAL, POLKA[0]))
    assert each.poll(0) is None
    assert each.wake is None


def test_a_quorum_of_prevotes_for_nothing_is_answered_at_once() -> None:
    found = fold(*[message(teller, "prevote", 0, NIL) for teller in (A, B, C)])
    intent = step(A, found).poll(0)
    assert intent is not None
    assert (intent.sort, intent.value) == ("precommit", NIL)


def test_the_own_precommit_is_the_lock() -> None:
    """Locked on a value, a teller prevotes another only if that had a quorum of prevotes later."""
    fresh = message(B, "propose", 1, W, *END[1:])
    found = fold(PROPOSAL, *POLKA, PRECOMMITS[0], *END[1:], fresh)
    each = step(A, found)
    intent = each.poll(0)
    assert each.lock == (0, V)
    assert intent is not None
    assert (intent.round, intent.sort, intent.value) == (1, "prevote", NIL)

    # C, who is not locked, prevotes it.
    intent = step(C, found).poll(0)
    assert intent is not None
    assert (intent.round, intent.value) == (1, W)


def test_a_lock_gives_way_to_a_later_quorum_of_prevotes() -> None:
    fresh = message(B, "propose", 1, W, *END[1:])
    second = polka(1, W, fresh, *END[1:], who=(B, C, D))
    end = rounds_end(1, *END[1:], who=(B, C, D))
    again = message(C, "propose", 2, W, *second, *end, valid_round=1)
    found = fold(PROPOSAL, *POLKA, PRECOMMITS[0], *END[1:], fresh, *second, *end, again)
    # It goes where more than f tellers are.
    assert found.add(message(D, "prevote", 2, NIL, *end)) is None
    each = step(A, found)
    intent = each.poll(0)
    assert each.lock == (0, V)
    assert intent is not None
    assert (intent.round, intent.sort, intent.value) == (2, "prevote", W)


def test_a_lock_does_not_give_way_to_an_earlier_one() -> None:
    fresh = message(B, "propose", 1, W, *END[1:])
    second = polka(1, W, fresh, *END[1:])
    mine = message(A, "precommit", 1, W, *second, *END[1:])
    end = rounds_end(1, *END[1:], who=(B, C, D))
    again = message(C, "propose", 2, V, *POLKA, *end, valid_round=0)
    found = fold(PROPOSAL, *POLKA, PRECOMMITS[0], *END[1:], fresh, *second, mine, *end, again)
    each = step(A, found)
    each.poll(0)
    assert each.lock == (1, W)
    intent = each.poll(WAIT.of(PRECOMMIT, 1))
    assert intent is not None
    assert (intent.round, intent.value) == (2, NIL)


def test_the_lock_is_of_the_highest_round_whatever_came_first() -> None:
    fresh = message(B, "propose", 1, W, *END[1:])
    second = polka(1, W, fresh, *END[1:])
    mine = message(A, "precommit", 1, W, *second, *END[1:])
    each = step(A, fold(PROPOSAL, *POLKA, *END[1:], fresh, *second, mine, PRECOMMITS[0]))
    each.recall()
    assert (each.lock, each.round, each.step) == ((1, W), 1, PRECOMMIT)


def test_the_value_with_a_quorum_of_prevotes_is_proposed_again() -> None:
    found = fold(PROPOSAL, *POLKA, *END)
    each = step(B, found, W)
    intent = each.poll(0)
    assert intent is not None
    assert (intent.sort, intent.round, intent.value, intent.valid_round) == ("propose", 1, V, 0)
    assert {one.id for one in POLKA} | {b"close"} <= set(intent.needs)
    assert found.add(say(B, intent)) is None


def test_a_round_that_ends_for_nothing_ends_at_once_and_another_after_a_while() -> None:
    each = step(B, fold(*END[:3]))
    each.poll(0)
    assert each.round == 1
    mixed = fold(PROPOSAL, *POLKA, PRECOMMITS[0], *END[1:3])
    each = step(D, mixed)
    each.round, each.step = 0, PRECOMMIT
    assert each.poll(0) is None
    assert each.wake == WAIT.precommit
    each.poll(WAIT.precommit)
    assert each.round == 1


def test_asked_twice_for_a_wait_it_keeps_the_earlier_time() -> None:
    each = step(A, agreement())
    each.sleep_until(500)
    each.sleep_until(900)
    assert each.wake == 500
