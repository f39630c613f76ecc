"""Real signatures, each checked once: the same bytes are checked by every simulated node.

What is remembered is what libsodium answered for exactly these bytes, and how the body of an
operation reads: both depend on nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from nacl.bindings import crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from protocol import keys
from protocol.council import council
from protocol.council.bodies import parse_body
from protocol.council.body import Body
from protocol.errors import Malformed
from protocol.log.operation import Operation

__all__ = ["remembered"]


@contextmanager
def remembered() -> Iterator[None]:
    """Within this context signatures are remembered."""
    answers: dict[tuple[bytes, bytes], bytes | None] = {}

    def checked(signed: bytes, pk: bytes) -> bytes:
        place = (signed, pk)
        if place not in answers:
            try:
                answers[place] = crypto_sign_open(signed, pk)
            except BadSignatureError:
                answers[place] = None
        answer = answers[place]
        if answer is None:
            raise BadSignatureError
        return answer

    bodies: dict[bytes, Body | Malformed | None] = {}

    def parsed(operation: Operation) -> Body | None:
        if operation.id not in bodies:
            try:
                bodies[operation.id] = parse_body(operation)
            except Malformed as error:
                bodies[operation.id] = error
        body = bodies[operation.id]
        if isinstance(body, Malformed):
            raise body
        return body

    council.parse_body = parsed  # type: ignore[attr-defined]  # it is imported there, not made
    keys.crypto_sign_open = checked  # type: ignore[attr-defined]  # the one place where the protocol asks libsodium
    keys.crypto_sign_seed_keypair = lru_cache(256)(crypto_sign_seed_keypair)  # type: ignore[attr-defined]  # as above
    try:
        yield
    finally:
        council.parse_body = parse_body  # type: ignore[attr-defined]  # as above
        keys.crypto_sign_open = crypto_sign_open  # type: ignore[attr-defined]  # as above
        keys.crypto_sign_seed_keypair = crypto_sign_seed_keypair  # type: ignore[attr-defined]  # as above
