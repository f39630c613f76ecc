"""Signatures that many nodes check in one process are checked once."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import nacl.bindings
from nacl.exceptions import BadSignatureError

from protocol import keys
from protocol.log.operation import Envelope, decode_envelope

__all__ = ["Reader", "checked_once"]


@contextmanager
def checked_once() -> Iterator[None]:
    """Remember, as long as this lasts, which signatures held and which did not: it is the same at every node."""
    held: dict[tuple[bytes, bytes], bytes | BadSignatureError] = {}
    check = nacl.bindings.crypto_sign_open

    def remembered(signed: bytes, key: bytes) -> bytes:
        answer = held.get((signed, key))
        if answer is None:
            try:
                answer = check(signed, key)
            except BadSignatureError as error:
                answer = error
            held[signed, key] = answer
        if isinstance(answer, BadSignatureError):
            raise answer
        return answer

    with patch.object(keys, "crypto_sign_open", remembered):
        yield


class Reader:
    """Decodes each envelope once, however many nodes read it."""

    def __init__(self) -> None:
        self._read: dict[bytes, tuple[bytes, Envelope]] = {}

    def __call__(self, data: bytes) -> tuple[bytes, Envelope]:
        """The bytes, as one object for all nodes, and the envelope in them."""
        found = self._read.get(data)
        if found is None:
            found = self._read[data] = data, decode_envelope(data)
        return found
