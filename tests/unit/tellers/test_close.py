"""What a set of closes means: counted, extended or lapsed; and which cast of a voter counts."""

import pytest

from protocol.tellers.close import Cast, Close, Counted, Extended, Lapsed, choose, outcome, share, value_of

ONE, TWO, THREE = (bytes([n]) * 32 for n in (1, 2, 3))


def closes(*said: tuple[str, bool], at: int = 1_000) -> list[Close]:
    """Closes of one teller each: the casts as letters, and whether it attended."""
    return [
        Close(bytes([n]), bytes([n]), frozenset(letter.encode() for letter in casts), b"", at + n, attended)
        for n, (casts, attended) in enumerate(said)
    ]


def test_a_cast_counts_when_more_than_f_closes_list_it() -> None:
    value = closes(("ab", True), ("ac", True), ("a", True), ("bd", False))
    assert outcome(value, 1, 0, 10, 3) == Counted(frozenset({b"a", b"b"}))
    assert outcome(value, 0, 0, 10, 3) == Counted(frozenset({b"a", b"b", b"c", b"d"}))


def test_a_teller_counts_once_however_many_closes_it_has() -> None:
    twice = [Close(bytes([n]), b"one", frozenset({b"a"}), b"", 0, True) for n in range(3)]
    assert outcome(twice, 1, 0, 10, 3) == Counted(frozenset())


def test_with_too_few_that_attended_the_ballot_goes_on_and_at_last_lapses() -> None:
    value = closes(("a", True), ("a", True), ("a", False), ("a", False))
    # The second greatest clock: one teller may lie.
    assert outcome(value, 1, 2, 500, 3) == Extended(1_002 + 500)
    assert outcome(value, 0, 2, 500, 3) == Counted(frozenset({b"a"}))
    assert outcome(value, 1, 3, 500, 3) == Lapsed()


def test_one_teller_that_lies_about_the_time_moves_no_deadline() -> None:
    value = closes(("", False), ("", False), ("", False))
    liar = Close(b"z", b"z", frozenset(), b"", 1 << 62, True)
    assert outcome([*value, liar], 1, 0, 500, 3) == Extended(1_002 + 500)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_highest_revision_counts_and_then_the_lowest_id(reverse: bool) -> None:
    casts = [
        Cast(ONE, b"ada", b"", 0, "no"),
        Cast(THREE, b"ada", b"", 1, "yes"),
        Cast(TWO, b"ada", b"", 1, "no"),
        Cast(ONE, b"ben", b"", 0, "yes"),
    ]
    chosen = choose(reversed(casts) if reverse else casts)
    assert [(cast.voter, cast.id) for cast in chosen] == [(b"ada", TWO), (b"ben", ONE)]


def test_everybody_has_the_same_room_in_a_close() -> None:
    assert share(8, hidden=False) == 64
    assert share(1000, hidden=False) == 3
    assert share(200, hidden=True) == 1
    assert share(300, hidden=True) == 0
    assert share(0, hidden=False) == 64


def test_a_value_does_not_depend_on_the_order() -> None:
    assert value_of([ONE, TWO]) == value_of([TWO, ONE]) != value_of([ONE])
