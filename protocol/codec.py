"""Canonical CBOR, and a decoder that accepts nothing else.

Shortest forms; map keys are text only, in the order of RFC 8949 section 4.2.3 (for text keys
of CBOR it coincides with RFC 7049's); integers from -2^63 to 2^64-1; no floats, tags,
indefinite lengths or duplicate keys; nesting at most 16. One value has one encoding, so a
hash of bytes is a hash of meaning.
"""

from collections.abc import Callable
from typing import Any, Final

import cbor2

from .errors import Malformed, Misuse

__all__ = ["MAX_DEPTH", "check", "decode", "decode_untyped", "encode"]

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
# RFC 7049's order sorts by length of the encoded key first, RFC 8949's by its bytes. For
# text keys both agree, because the head already holds the length.
_encode = cbor2.dumps
_decode = cbor2.loads


def check(value: object, depth: int = MAX_DEPTH) -> None:
    """Raise `Malformed` unless `value` is made of what the format allows."""
    kind = type(value)
    if kind is bytes or kind is str or kind is bool or value is None:
        return
    if kind is int:
        if not _LOWEST <= value <= _HIGHEST:  # type: ignore[operator]  # it is an int
            raise Malformed("integer", "the data holds an integer outside -2^63 to 2^64-1.")
        return
    if kind is list:
        if not depth:
            raise Malformed("nesting", f"the data is nested deeper than {MAX_DEPTH} levels.")
        for item in value:  # type: ignore[attr-defined]  # it is a list
            check(item, depth - 1)
        return
    if kind is dict:
        if not depth:
            raise Malformed("nesting", f"the data is nested deeper than {MAX_DEPTH} levels.")
        for key, item in value.items():  # type: ignore[attr-defined]  # it is a dict
            if type(key) is not str:
                raise Malformed("map-key", "the data holds a map whose keys are not all text.")
            check(item, depth - 1)
        return
    raise Malformed("type", f"the data holds a {kind.__name__}, which the format does not allow.")


def encode(value: object) -> bytes:
    """The canonical bytes of `value` (int, bytes, str, bool, None, list, dict with text keys).

    Tuples must have become lists before: what was encoded and what is decoded are then equal.
    """
    try:
        check(value)
        return _encode(value, canonical=True)
    except Malformed as error:
        raise Misuse(error.message) from error
    except UnicodeEncodeError as error:
        raise Misuse("the text holds half of a surrogate pair, which is no character.") from error


def decode_untyped(data: bytes, limit: int) -> Any:
    """Like `decode`, but the caller checks every type itself (`check` does it for a part).

    For what is decoded a hundred thousand times and has a fixed shape.
    """
    if len(data) > limit:
        raise Malformed("size", f"the data has {len(data)} bytes, more than the {limit} allowed.")
    try:
        value = _decode(data, semantic_decoders=_NO_TAGS, max_depth=MAX_DEPTH, allow_indefinite=False)
        # Catches what is left: longer forms, unsorted or duplicate keys, trailing bytes.
        if _encode(value, canonical=True) == data:
            return value
    except (cbor2.CBORError, ValueError, OverflowError, TypeError, MemoryError) as error:
        raise Malformed("cbor", "the data is not well-formed CBOR of this format.") from error
    raise Malformed("canonical", "the data is CBOR, but not in its canonical form.")


def decode(data: bytes, limit: int) -> Any:
    """The value whose canonical encoding is `data`; `Malformed` for anything else.

    limit: the greatest accepted length, bytes.
    """
    value = decode_untyped(data, limit)
    check(value)
    return value
