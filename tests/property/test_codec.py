"""One value has one encoding, and no bytes break the decoder."""

from typing import Any

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import decode, encode
from protocol.errors import Malformed
from protocol.log.operation import decode_envelope, decode_header
from tests.strategies import values
from tests.villages import Village

LIMIT = 1 << 20


@given(values)
def test_what_is_encoded_comes_back(value: Any) -> None:
    data = encode(value)
    again = decode(data, LIMIT)
    assert again == value
    assert encode(again) == data


@given(values, values)
def test_two_values_are_two_encodings(one: Any, other: Any) -> None:
    assert (encode(one) == encode(other)) == (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(value: Any) -> Any:
    """The value with its maps in one order, so that its text tells it apart, True from 1 too."""
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items())}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_another_library_reads_and_writes_the_same(value: Any) -> None:
    assert cbor2.loads(encode(value)) == value
    assert cbor2.dumps(value, canonical=True) == encode(value)


@given(st.binary(max_size=200))
def test_bytes_are_one_value_or_malformed(data: bytes) -> None:
    try:
        value = decode(data, LIMIT)
    except Malformed:
        return
    assert encode(value) == data


@given(values, st.data())
def test_changed_bytes_are_one_value_or_malformed(value: Any, data: st.DataObject) -> None:
    raw = bytearray(encode([value, {"a": value}]))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    test_bytes_are_one_value_or_malformed.hypothesis.inner_test(bytes(raw))  # type: ignore[attr-defined]  # see hypothesis


ENVELOPES = [envelope.encode() for envelope in (Village().founding, *Village().pool.values())]


@given(st.sampled_from(ENVELOPES), st.data())
def test_a_changed_envelope_is_another_operation_or_malformed(raw: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:place] + bytes([raw[place] ^ data.draw(st.integers(1, 255))]) + raw[place + 1 :]
    before = decode_envelope(raw)
    try:
        after = decode_envelope(changed)
    except Malformed:
        return
    assert after.encode() == changed
    assert after.operation.id != before.operation.id or not after.operation.signed()


@given(st.binary(max_size=300) | values.map(encode))
def test_whatever_is_no_operation_is_malformed(data: bytes) -> None:
    for read in (decode_envelope, lambda raw: decode_header(raw, bytes(64))):
        try:
            read(data)
        except Malformed:
            continue
        raise AssertionError("it was read as an operation")


@given(st.sampled_from(ENVELOPES), st.integers(0, 8), values)
def test_a_header_with_another_field_holds_it_or_is_malformed(raw: bytes, place: int, value: Any) -> None:
    fields = decode(decode_envelope(raw).operation.header, LIMIT)
    fields[place] = value
    header = encode(fields)
    try:
        operation = decode_header(header, bytes(64))
    except Malformed:
        return
    held = [1, operation.council, operation.author, operation.depth, list(operation.deps), operation.time]
    refs = [[ref.sort, ref.hash, ref.size] for ref in operation.contents]
    assert encode([*held, operation.kind, operation.body, refs]) == header
