import enum
from collections.abc import Callable

import pytest

from protocol.codec import MAX_DEPTH, decode, encode
from protocol.errors import Malformed, Misuse

LIMIT = 1 << 16


@pytest.mark.parametrize(
    ("value", "bytes_hex"),
    [
        # RFC 8949, appendix A
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (255, "18ff"),
        (256, "190100"),
        (1_000_000, "1a000f4240"),
        (1 << 32, "1b0000000100000000"),
        ((1 << 64) - 1, "1bffffffffffffffff"),
        (-1, "20"),
        (-1000, "3903e7"),
        (-(1 << 63), "3b7fffffffffffffff"),
        (False, "f4"),
        (True, "f5"),
        (None, "f6"),
        (b"", "40"),
        (bytes.fromhex("01020304"), "4401020304"),
        ("", "60"),
        ("IETF", "6449455446"),
        ("ü", "62c3bc"),
        ("\U00010151", "64f0908591"),
        ([], "80"),
        ([1, [2, 3], [4, 5]], "8301820203820405"),
        ({}, "a0"),
        ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
        ({"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}, "a56161614161626142616361436164614461656145"),
    ],
)
def test_known_encodings(value: object, bytes_hex: str) -> None:
    data = bytes.fromhex(bytes_hex)
    assert encode(value) == data
    again = decode(data, LIMIT)
    assert again == value
    assert type(again) is type(value)


def test_keys_are_sorted_by_length_and_then_by_bytes() -> None:
    value = {"b": 1, "aa": 2, "a": 3, "": 4, "ab": 5, "ü": 6}
    data = encode(value)
    assert list(decode(data, LIMIT)) == ["", "a", "b", "aa", "ab", "ü"]
    assert encode(dict(reversed(value.items()))) == data


HOSTILE = {
    # what else could have been written shorter
    "0 in two bytes": ("1800", "canonical"),
    "23 in two bytes": ("1817", "canonical"),
    "255 in three bytes": ("1900ff", "canonical"),
    "-1 in two bytes": ("3800", "canonical"),
    "1 in nine bytes": ("1b0000000000000001", "canonical"),
    "a length in two bytes": ("580100", "canonical"),
    "a text's length in three": ("79000161", "canonical"),
    "a list's length in two": ("98020101", "canonical"),
    "a map's length in nine": ("bb000000000000000161610a", "canonical"),
    # maps
    "a key twice": ("a2616101616101", "canonical"),
    "a key twice, other values": ("a2616101616102", "canonical"),
    "keys unsorted": ("a2616201616101", "canonical"),
    "longer key first": ("a262616101616101", "canonical"),
    "a number as key": ("a10101", "map-key"),
    "bytes as key": ("a1416101", "map-key"),
    "null as key": ("a1f601", "map-key"),
    "a list as key": ("a1800101", None),
    "a map as key": ("a1a00101", None),
    "an odd number of items": ("a16161", "cbor"),
    # floats, simple values
    "1.0 in three bytes": ("f93c00", "type"),
    "1.1": ("fb3ff199999999999a", "type"),
    "not a number": ("f97e00", "type"),
    "infinity": ("f97c00", "type"),
    "undefined": ("f7", "type"),
    "simple(16)": ("f0", "type"),
    "simple(255)": ("f8ff", "type"),
    "true in two bytes": ("f815", "cbor"),
    # tags
    "a date": ("c074323031332d30332d32315432303a30343a30305a", "cbor"),
    "an epoch time": ("c11a514b67b0", "cbor"),
    "a bignum": ("c249010000000000000000", "cbor"),
    "a small bignum": ("c24101", "cbor"),
    "a negative bignum": ("c349010000000000000000", "cbor"),
    "a bignum in a list": ("81c24101", "cbor"),
    "a huge decimal fraction": ("c4821b7fffffffffffffff01", "cbor"),
    "a huge bigfloat": ("c5821b7fffffffffffffff01", "cbor"),
    "a cycle": ("d81c81d81d00", "cbor"),
    "a list that holds itself twice": ("d81c82d81d00d81d00", "cbor"),
    "a reference to nothing": ("d81d05", "cbor"),
    "a string reference": ("d901008263616161d81900", "cbor"),
    "a regular expression": ("d82362282b", "cbor"),
    "a set": ("d901028101", "cbor"),
    "an address": ("d9010444c0a80001", "cbor"),
    "a UUID": ("d82550" + "00" * 16, "cbor"),
    "self-described": ("d9d9f700", "cbor"),
    "a tag nobody knows": ("da0001000000", "type"),
    "the largest tag": ("dbffffffffffffffff00", "type"),
    "a tag in a map": ("a16161d81e820102", "cbor"),
    # indefinite lengths
    "an endless list": ("9fff", "cbor"),
    "an endless map": ("bfff", "cbor"),
    "endless bytes": ("5f4100ff", "cbor"),
    "endless text": ("7f6161ff", "cbor"),
    "a break alone": ("ff", "cbor"),
    # what is not there
    "nothing": ("", "cbor"),
    "half a number": ("1901", "cbor"),
    "2^64-1 bytes": ("5bffffffffffffffff", "cbor"),
    "2^63-1 bytes": ("5b7fffffffffffffff", "cbor"),
    "2^32 bytes": ("5b0000000100000000", "cbor"),
    "2^64-1 items": ("9bffffffffffffffff", "cbor"),
    "2^40 items": ("9b0000010000000000", "cbor"),
    "2^40 pairs": ("bb0000010000000000", "cbor"),
    "2^62 letters": ("7b4000000000000000", "cbor"),
    "a list of less than it says": ("8301", "cbor"),
    # what nothing means
    "reserved 28": ("1c", "cbor"),
    "reserved 30": ("3e", "cbor"),
    "reserved length": ("5d", "cbor"),
    # text
    "no UTF-8": ("62ffff", "cbor"),
    "half a surrogate pair": ("63eda080", "cbor"),
    "an overlong slash": ("62c0af", "cbor"),
    "text cut in a letter": ("61c3", "cbor"),
    # one value, no more
    "two values": ("0000", "canonical"),
    "a byte after a list": ("80f6", "canonical"),
    # numbers
    "-2^63-1": ("3b8000000000000000", "integer"),
    "-2^64": ("3bffffffffffffffff", "integer"),
    # depth
    "17 lists": ("81" * 17 + "00", "cbor"),
    "17 maps": ("a16161" * 17 + "00", "cbor"),
    "10,000 lists": ("81" * 10_000 + "00", "cbor"),
    "10,000 tags": ("d81c" * 10_000 + "00", "cbor"),
    "10,000 unknown tags": ("da00010000" * 10_000 + "00", None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_malformed(name: str) -> None:
    data, rule = HOSTILE[name]
    with pytest.raises(Malformed) as caught:
        decode(bytes.fromhex(data), LIMIT)
    if rule is not None:
        assert caught.value.rule == rule
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("tag", [*range(300), 1001, 1003, 1004, 1040, 43000, 55799, 55800, 1 << 16, 1 << 32])
def test_no_tag_passes(tag: int) -> None:
    raw = bytes([0xC0 | tag]) if tag < 24 else b"\xdb" + tag.to_bytes(8, "big")
    for content in (b"\x00", b"\x40", b"\x60", b"\x80", b"\xa0", b"\x82\x01\x02"):
        with pytest.raises(Malformed):
            decode(raw + content, LIMIT)
        with pytest.raises(Malformed):
            decode(b"\x81" + raw + content, LIMIT)


def test_nesting_up_to_the_limit() -> None:
    value: object = 0
    for _ in range(MAX_DEPTH):
        value = [value]
    data = encode(value)
    assert decode(data, LIMIT) == value
    with pytest.raises(Misuse, match="deeper than 16"):
        encode([value])
    with pytest.raises(Misuse, match="deeper than 16"):
        encode({"a": value})


def test_the_limit_counts_bytes() -> None:
    data = encode(bytes(100))
    assert decode(data, len(data)) == bytes(100)
    with pytest.raises(Malformed, match="102 bytes, more than the 101 allowed") as caught:
        decode(data, len(data) - 1)
    assert caught.value.rule == "size"


class Colour(enum.IntEnum):
    RED = 1


class Word(str):
    pass


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        (1, 2),
        {1, 2},
        bytearray(b"a"),
        memoryview(b"a"),
        Colour.RED,
        Word("a"),
        object(),
        {1: 2},
        {b"a": 1},
        {Word("a"): 1},
        [[1.5]],
        {"a": {"b": (1,)}},
        1 << 64,
        -(1 << 63) - 1,
    ],
)
def test_what_the_format_does_not_hold_is_the_callers_fault(value: object) -> None:
    with pytest.raises(Misuse):
        encode(value)


@pytest.mark.parametrize("value", ["\ud800", ["\udfff"], {"\ud800": 1}])
def test_half_a_surrogate_pair_is_no_text(value: object) -> None:
    with pytest.raises(Misuse, match="surrogate"):
        encode(value)


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}], ids=["lists", "maps"])
def test_seventeen_levels_are_one_too_many(wrap: Callable[[object], object]) -> None:
    value: object = 1
    for _ in range(MAX_DEPTH):
        value = wrap(value)
    assert decode(encode(value), 100) == value
    with pytest.raises(Misuse, match="nested deeper"):
        encode(wrap(value))
