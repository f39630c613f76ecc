"""Canonical CBOR, and a decoder that accepts nothing else.

Shortest forms; map keys are text only, in the order of RFC 8949 section 4.2.3 (for text keys
of CBOR it coincides with RFC 7049's); integers from -2^63 to 2^64-1; no floats, tags,
indefinite lengths or duplicate keys; nesting at most 16. One value has one encoding, so a
hash of bytes is a hash of meaning.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import cbor2

from .errors import Malformed, Misuse

__all__ = ["MAX_DEPTH", "decode", "encode", "recall"]

MAX_DEPTH: Final = 16
_LOWEST: Final = -(1 << 63)
_HIGHEST: Final = (1 << 64) - 1


def _refuse_tag(*_: object) -> Any:
    raise Malformed("tag", "the data holds a CBOR tag, which the format does not allow.")


# Tags are refused while decoding, not afterwards: shared references (28, 29) could build a
# cycle, or a value that grows without end when it is walked.
_NO_TAGS: Final[dict[int, Callable[..., Any]]] = dict.fromkeys(
    (*range(6), 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse_tag
)
_decode = cbor2.loads


def _heads(major: int) -> list[bytes]:
    """The heads of a major type for arguments below 256."""
    return [bytes([major << 5 | n]) if n < 24 else bytes([major << 5 | 24, n]) for n in range(256)]


_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP = (_heads(major) for major in range(6))
_SIMPLE: Final = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}


def _head(major: int, argument: int) -> bytes:
    """The shortest head for an argument of 256 and more."""
    if argument < 1 << 16:
        return bytes([major << 5 | 25]) + argument.to_bytes(2, "big")
    if argument < 1 << 32:
        return bytes([major << 5 | 26]) + argument.to_bytes(4, "big")
    return bytes([major << 5 | 27]) + argument.to_bytes(8, "big")


def _write(value: Any, put: Callable[[bytes], None], depth: int) -> None:
    """Put the canonical bytes of `value`, piece by piece. The hottest loop here: types by identity, heads from tables."""
    kind = type(value)
    if kind is bytes:
        size = len(value)
        put(_BYTES[size] if size < 256 else _head(2, size))
        put(value)
    elif kind is int:
        if 0 <= value < 256:
            put(_UNSIGNED[value])
        elif not _LOWEST <= value <= _HIGHEST:
            raise Malformed("integer", "the data holds an integer outside -2^63 to 2^64-1.")
        elif value > 0:
            put(_head(0, value))
        else:
            put(_NEGATIVE[~value] if value >= -256 else _head(1, ~value))
    elif kind is str:
        raw = value.encode()
        size = len(raw)
        put(_TEXT[size] if size < 256 else _head(3, size))
        put(raw)
    elif kind is list:
        if not depth:
            raise Malformed("nesting", f"the data is nested deeper than {MAX_DEPTH} levels.")
        size = len(value)
        put(_LIST[size] if size < 256 else _head(4, size))
        for item in value:
            kind = type(item)
            # What most items are, without another call.
            if kind is bytes and len(item) < 256:
                put(_BYTES[len(item)])
                put(item)
            elif kind is int and 0 <= item < 256:
                put(_UNSIGNED[item])
            else:
                _write(item, put, depth - 1)
    elif kind is dict:
        if not depth:
            raise Malformed("nesting", f"the data is nested deeper than {MAX_DEPTH} levels.")
        size = len(value)
        put(_MAP[size] if size < 256 else _head(5, size))
        for key, name in sorted([(_key(name), name) for name in value]):
            put(key)
            item = value[name]
            kind = type(item)
            if kind is bytes and len(item) < 256:
                put(_BYTES[len(item)])
                put(item)
            elif kind is int and 0 <= item < 256:
                put(_UNSIGNED[item])
            else:
                _write(item, put, depth - 1)
    elif kind is bool or value is None:
        put(_SIMPLE[value])
    else:
        raise Malformed("type", f"the data holds a {kind.__name__}, which the format does not allow.")


def _key(name: Any) -> bytes:
    """A map's key in its encoded form, which orders them."""
    if type(name) is not str:
        raise Malformed("map-key", "the data holds a map whose keys are not all text.")
    return _short_key(name) if len(name) < 64 else _text(name)


def _text(text: str) -> bytes:
    raw = text.encode()
    return (_TEXT[len(raw)] if len(raw) < 256 else _head(3, len(raw))) + raw


_short_key = lru_cache(maxsize=1024)(_text)  # the names of fields come again and again


def _canonical(value: object) -> bytes:
    pieces: list[bytes] = []
    _write(value, pieces.append, MAX_DEPTH)
    return b"".join(pieces)


def encode(value: object) -> bytes:
    """The canonical bytes of `value` (int, bytes, str, bool, None, list, dict with text keys).

    Tuples must have become lists before: what was encoded and what is decoded are then equal.
    """
    try:
        return _canonical(value)
    except (Malformed, UnicodeEncodeError) as error:
        raise Misuse(str(error)) from error


def recall(data: bytes) -> Any:
    """The value of bytes that `decode` accepted before and whose hash was compared since: nothing is checked."""
    return _decode(data)


def decode(data: bytes, limit: int) -> Any:
    """The value whose canonical encoding is `data`; `Malformed` for anything else.

    limit: the greatest accepted length, bytes.
    """
    if len(data) > limit:
        raise Malformed("size", f"the data has {len(data)} bytes, more than the {limit} allowed.")
    try:
        value = _decode(data, semantic_decoders=_NO_TAGS, max_depth=MAX_DEPTH, allow_indefinite=False)
    except (cbor2.CBORError, ValueError, OverflowError, TypeError, MemoryError) as error:
        raise Malformed("cbor", "the data is not well-formed CBOR of this format.") from error
    # Encoding again catches what is left: types, longer forms, unsorted or duplicate keys, trailing bytes.
    if _canonical(value) != data:
        raise Malformed("canonical", "the data is CBOR, but not in its canonical form.")
    return value
