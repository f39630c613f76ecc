"""The shape that nearly all envelopes have, read without a decoder: this is done for every operation.

Nothing is accepted here. What has another shape is left to a decoder of the whole, which accepts
it or says what is wrong with it; what is read here is what that decoder would read.
"""

import re
from operator import lt
from struct import Struct
from typing import Final

__all__ = ["split_contents", "split_envelope", "split_header"]

# How a header begins: version, council, author, depth, deps, time and kind, all in their shortest forms.
_BEGINNING: Final = re.compile(
    rb"\x89\x01\x58\x20(.{32})\x58\x20(.{32})"
    rb"(?:([\x01-\x17])|\x18([\x18-\xff])|\x19([\x01-\xff].)|\x1a((?!\0\0).{4}))"
    rb"([\x81-\x97])((?:\x58\x20.{32})+)"
    rb"\x1b(?!\0{4})([\0-\x7f].{7})"
    rb"([\x61-\x77])([a-z0-9.-]+)",
    re.DOTALL,
)
_DEPS: Final = [Struct("2x32s" * count) for count in range(24)]

# One place of the contents: null, or a salt (16 bytes or none) and how a byte string begins.
_PLACE: Final = re.compile(
    rb"\xf6|\x82(?:\x40|\x50(.{16}))(?:([\x40-\x57])|\x58([\x18-\xff])|\x59([\x01-\xff].)|\x5a((?!\0\0).{4}))",
    re.DOTALL,
)


def split_header(header: bytes) -> tuple[bytes, bytes, int, tuple[bytes, ...], int, str, int] | None:
    """Council, author, depth, deps, time, kind, and where the body begins; None for another shape.

    The council is no founding operation's; deps are sorted and distinct; the kind is made of the
    letters that kinds are made of.
    """
    found = _BEGINNING.match(header)
    if found is None:
        return None
    council, author, tiny, small, middle, large, count, packed, time, length, kind = found.groups()
    number = count[0] - 0x80
    if len(packed) != 34 * number or len(kind) != length[0] - 0x60:
        return None
    deps = _DEPS[number].unpack(packed)
    if number > 1 and not all(map(lt, deps, deps[1:])):
        return None
    depth = int.from_bytes(tiny or small or middle or large, "big")
    return council, author, depth, deps, int.from_bytes(time, "big"), kind.decode(), found.end()


def split_envelope(data: bytes) -> tuple[bytes, bytes, int] | None:
    """Header, signature, and where the contents begin; None for another shape.

    `83`, the header as a byte string of 24 bytes and more in its shortest form, `58 40` and the
    signature, then the contents.
    """
    if data[:2] == b"\x83\x59":
        begin, size = 4, int.from_bytes(data[2:4], "big")
        if size < 256:
            return None
    elif data[:2] == b"\x83\x58" and len(data) > 2 and data[2] > 23:
        begin, size = 3, data[2]
    else:
        return None
    end = begin + size
    if data[end : end + 2] != b"\x58\x40" or end + 66 >= len(data):
        return None
    return data[begin:end], data[end + 2 : end + 66], end + 66


def split_contents(data: bytes, at: int) -> list[list[bytes] | None] | None:
    """The contents that begin at `at` and end with `data`, as a decoder gives them; None for another shape."""
    if not 0x80 <= data[at] < 0x98:
        return None
    count = data[at] - 0x80
    at += 1
    given: list[list[bytes] | None] = []
    for _ in range(count):
        found = _PLACE.match(data, at)
        if found is None:
            return None
        at = found.end()
        if at - found.start() == 1:
            given.append(None)
            continue
        salt, tiny, small, middle, large = found.groups()
        size = tiny[0] - 0x40 if tiny else int.from_bytes(small or middle or large, "big")
        given.append([salt or b"", data[at : at + size]])
        at += size
    return given if at == len(data) else None
