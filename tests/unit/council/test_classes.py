"""Classes of the roll: which can be, who is in which, what their votes weigh."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest

from protocol.council.classes import Classes, check_classes, class_shares, divide
from protocol.errors import Malformed
from protocol.ids import Membership, operation_text
from tests.worlds import seed

ADA, BEN, CYD, DOV = (Membership(seed("member", n)) for n in range(4))
PAIR = sorted([operation_text(ADA), operation_text(BEN)])


def classes(by: str, *of: dict[str, Any]) -> Classes:
    return msgspec.convert({"by": by, "of": list(of)}, Classes)


EACH = classes("each", {"name": "users"}, {"name": "workers", "members": PAIR})
SHARES = classes("shares", {"name": "users", "share": [1, 3]}, {"name": "workers", "members": PAIR, "share": [2, 3]})


@pytest.mark.parametrize("good", [EACH, SHARES])
def test_classes_that_can_be(good: Classes) -> None:
    check_classes(good)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (classes("each", {"name": "b"}, {"name": "a", "members": PAIR}), "alphabetical"),
        (classes("each", {"name": "a"}, {"name": "a", "members": PAIR}), "alphabetical"),
        (classes("each", {"name": " "}, {"name": "a", "members": PAIR}), "names"),
        (classes("each", {"name": "a"}, {"name": "b"}), "exactly one"),
        (classes("each", {"name": "a", "members": PAIR[:1]}, {"name": "b", "members": PAIR[1:]}), "exactly one"),
        (classes("each", {"name": "a", "members": PAIR}, {"name": "b", "members": PAIR[:1]}, {"name": "c"}), "two"),
        (classes("each", {"name": "a", "members": PAIR[::-1]}, {"name": "b"}), "order"),
        (classes("each", {"name": "a", "members": PAIR, "share": [1, 2]}, {"name": "b"}), "no shares"),
        (classes("shares", {"name": "a", "members": PAIR, "share": [1, 1]}, {"name": "b"}), "every class"),
        (classes("shares", {"name": "a", "members": PAIR, "share": [1, 2]}, {"name": "b", "share": [1, 3]}), "add up"),
    ],
)
def test_classes_that_cannot_be(wrong: Classes, words: str) -> None:
    with pytest.raises(Malformed, match=words) as caught:
        check_classes(wrong)
    assert caught.value.rule == "charter-classes"


def test_who_is_not_named_is_in_the_class_that_names_nobody() -> None:
    roll = dict.fromkeys((ADA, CYD, DOV))
    assert divide(EACH, roll) == {"users": {CYD, DOV}, "workers": {ADA}}
    assert divide(EACH, {CYD: None}) == {"users": {CYD}, "workers": frozenset()}


def test_a_class_weighs_its_share_of_as_many_votes_as_there_are_people() -> None:
    weights = class_shares(SHARES, divide(SHARES, dict.fromkeys((ADA, BEN, CYD, DOV))))
    assert weights == {
        CYD: Fraction(2, 3),
        DOV: Fraction(2, 3),
        ADA: Fraction(4, 3),
        BEN: Fraction(4, 3),
    }
    assert sum(weights.values()) == 4
