"""Boxes: only their teller opens them, and they do not tell the choice by their size."""

import pytest
from nacl.bindings import crypto_box_seal, crypto_sign_ed25519_pk_to_curve25519

from protocol.codec import encode
from protocol.errors import Malformed, Misuse
from protocol.keys import public_key
from protocol.tellers.box import BOX, MAX_CHOICE, SALT, commitment, open_box, seal, seal_boxes, unpack_boxes
from tests.worlds import seed

HALL, MILL = seed("hall"), seed("mill")
TELLERS = (public_key(HALL), public_key(MILL))
SECRET = bytes(SALT)


def test_a_box_opens_for_its_teller_alone() -> None:
    box = seal(TELLERS[0], SECRET, "yes")
    assert box is not None
    assert open_box(HALL, box) == (SECRET, "yes")
    assert open_box(MILL, box) is None
    assert open_box(HALL, box[:-1] + bytes([box[-1] ^ 1])) is None


def test_every_box_has_the_same_size() -> None:
    for choice in ("yes", [[2], [0, 1]], "x" * (MAX_CHOICE - 3)):
        box = seal(TELLERS[0], SECRET, choice)
        assert box is not None
        assert len(box) == BOX
        assert open_box(HALL, box) == (SECRET, choice)


def test_a_choice_or_salt_of_the_wrong_length_is_not_sealed() -> None:
    with pytest.raises(Misuse, match="384 bytes"):
        seal(TELLERS[0], SECRET, "x" * MAX_CHOICE)
    with pytest.raises(Misuse, match="salt of 16"):
        seal(TELLERS[0], b"short", "yes")


def test_to_a_key_outside_the_group_nothing_is_sealed() -> None:
    low_order = bytes([1]) + bytes(31)
    assert seal(low_order, SECRET, "yes") is None
    assert unpack_boxes(seal_boxes((low_order, TELLERS[0]), SECRET, "yes")).keys() == {TELLERS[0]}


def test_nonsense_in_a_box_opens_to_nothing() -> None:
    assert open_box(HALL, b"too short") is None
    key = crypto_sign_ed25519_pk_to_curve25519(TELLERS[0])
    padded = SECRET + (2).to_bytes(2, "big") + b"\xff\xff".ljust(MAX_CHOICE, b"\0")
    assert open_box(HALL, crypto_box_seal(padded, key)) is None


def test_the_boxes_of_a_cast_are_one_for_each_teller() -> None:
    boxes = unpack_boxes(seal_boxes(TELLERS, SECRET, "no"))
    assert boxes.keys() == set(TELLERS)
    assert open_box(MILL, boxes[TELLERS[1]]) == (SECRET, "no")
    assert commitment(SECRET, "no") != commitment(SECRET, "yes")


@pytest.mark.parametrize(
    "wrong",
    [
        "no list",
        ["no pair"],
        [[b"a", b"b", b"c"]],
        [[b"a", 1]],
        [[b"b", b"1"], [b"a", b"2"]],
        [[b"a", b"1"], [b"a", b"2"]],
    ],
)
def test_boxes_that_are_none_are_malformed(wrong: object) -> None:
    with pytest.raises(Malformed) as caught:
        unpack_boxes(encode(wrong))
    assert caught.value.rule == "cast-boxes"
