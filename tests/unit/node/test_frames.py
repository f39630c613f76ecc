import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.frames import (
    MAX_FRAME,
    All,
    AskContent,
    Bring,
    Compare,
    ContentIs,
    End,
    Frame,
    Hello,
    Join,
    News,
    No,
    Operations,
    Piece,
    Taken,
    Want,
    decode_frame,
    encode_frame,
)
from protocol.codec import encode
from protocol.errors import Malformed
from protocol.log.operation import MAX_ENVELOPE

ids = st.binary(min_size=32, max_size=32)
numbers = st.integers(0, (1 << 63) - 1)
envelopes = st.lists(st.binary(max_size=50), min_size=1, max_size=5).map(tuple)
words = st.text(st.characters(categories=["L", "N", "P", "Zs"], max_codepoint=0x2FFF), max_size=80).filter(
    str.isprintable
)
frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Hello, ids, numbers, numbers, st.lists(ids, max_size=64).map(tuple), clock=st.none() | numbers),
    st.builds(Join, st.binary(max_size=50), st.integers(0, 9)),
    st.builds(No, words, words),
    st.builds(Bring, numbers),
    st.builds(Compare, st.binary(max_size=100)),
    st.builds(Want, st.lists(ids, max_size=9).map(tuple)),
    st.builds(All, numbers, st.binary(max_size=32)),
    st.builds(Operations, envelopes),
    st.builds(News, ids, envelopes),
    st.builds(Taken, numbers),
    st.just(End()),
    st.builds(AskContent, ids, st.integers(0, 63)),
    st.builds(ContentIs, st.binary(max_size=16), st.integers(0, 16 * 1024 * 1024)),
    st.builds(Piece, st.binary(max_size=100)),
)


def rule(data: bytes) -> str:
    with pytest.raises(Malformed) as error:
        decode_frame(data)
    return error.value.rule


@given(frames)
def test_a_frame_is_read_as_it_was_written(frame: Frame) -> None:
    assert decode_frame(encode_frame(frame)) == frame


@given(st.binary(max_size=200) | frames.map(lambda frame: encode_frame(frame)[:-1] + b"x"))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    try:
        frame = decode_frame(data)
    except Malformed:
        return
    assert encode_frame(frame) == data


HELLO = {"version": 1, "council": b"c" * 32, "operations": 1, "first": 0, "epochs": [b"e" * 32]}


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        "hello",
        [1],
        ["dance"],
        ["end", 1],
        ["hello"],
        ["hello", 1],
        ["hello", {}],
        ["hello", {**HELLO, "version": "1"}],
        ["hello", {**HELLO, "council": b"c"}],
        ["hello", {**HELLO, "operations": -1}],
        ["hello", {**HELLO, "first": None}],
        ["hello", {**HELLO, "epochs": [b"e"]}],
        ["hello", {**HELLO, "epochs": [b"e" * 32] * 65}],
        ["hello", {**HELLO, "clock": -1}],
        ["hello", {**HELLO, "clock": None}],
        ["no", "rule", "line\nline"],
        ["no", "rule", "x" * 501],
        ["no", "rule", b"bytes"],
        ["want", b"x" * 33],
        ["want", b"x" * 32 * 16_385],
        ["all", True, b""],
        ["all", 0, b"x" * 33],
        ["operations", []],
        ["operations", ["text"]],
        ["operations", [b"x" * (216 * 1024 + 1)]],
        ["news", b"c" * 31, [b"x"]],
        ["taken", -1],
        ["content", b"c" * 32, 64],
        ["content-is", b"s" * 17, 0],
        ["content-is", b"s" * 16, 16 * 1024 * 1024 + 1],
        ["piece", b"x" * (256 * 1024 + 1)],
        ["join", 1, "text"],
    ],
)
def test_what_is_no_message_is_refused(value: object) -> None:
    assert rule(encode(value)) == "frame"


def test_a_greeting_of_another_version_is_read_as_one_whatever_else_it_holds() -> None:
    frame = decode_frame(encode(["hello", {"version": 7, "songs": ["one"]}]))
    assert isinstance(frame, Hello)
    assert frame.version == 7


def test_a_greeting_of_a_later_program_may_say_more() -> None:
    assert decode_frame(encode(["hello", {**HELLO, "more": [1]}])) == decode_frame(encode(["hello", HELLO]))


def test_the_largest_frames_fit() -> None:
    assert len(encode_frame(Want((b"x" * 32,) * 16_384))) <= MAX_FRAME
    # A batch ends with the envelope that passes its limit.
    assert len(encode_frame(Operations((b"x" * 200_000, b"x" * 62_143, b"x" * MAX_ENVELOPE)))) <= MAX_FRAME
    assert rule(encode(["compare", b"x" * MAX_FRAME])) == "size"
