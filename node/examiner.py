"""Examining operations: everything about them that can be said without their council.

A node that gets many at once has it done beside itself: this module is also the program of such
an *examiner*, a process that knows no council, no disk and no network. It reads jobs from its
standard input and writes what it found to its standard output, one for one and in order, until
the input ends. Both are MessagePack behind four bytes of length, most significant first: a job
is a list of envelopes, the answer `Findings`.
"""

import signal
import sys
from collections.abc import Sequence
from typing import BinaryIO, Final

import msgspec

from protocol.errors import Malformed
from protocol.log.operation import Envelope, decode_envelope

__all__ = ["Findings", "decode_findings", "encode_job", "examine", "main"]

LENGTH: Final = 4


class Findings(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Of a job's envelopes, by place: what they hold (None: they are none), and whether the signature is the author's.

    `faults`: place -> the rule that was broken, and its sentence.
    """

    opened: list[Envelope | None]
    signed: list[bool]
    faults: dict[int, tuple[str, str]]


def examine(envelopes: Sequence[bytes]) -> Findings:
    """Decode and verify these."""
    opened: list[Envelope | None] = []
    faults: dict[int, tuple[str, str]] = {}
    for place, data in enumerate(envelopes):
        try:
            opened.append(decode_envelope(data))
        except Malformed as error:
            opened.append(None)
            faults[place] = error.rule, error.message
    return Findings(opened, [item is not None and item.operation.signed() for item in opened], faults)


def encode_job(envelopes: Sequence[bytes]) -> bytes:
    """A job as it is sent."""
    return _framed(msgspec.msgpack.encode(list(envelopes)))


def decode_findings(data: bytes) -> Findings:
    """An answer, without its length. Raises `msgspec.DecodeError` for anything else."""
    return _FINDINGS.decode(data)


_JOB: Final = msgspec.msgpack.Decoder(list[bytes])
_FINDINGS: Final = msgspec.msgpack.Decoder(Findings)


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(LENGTH, "big") + data


def _serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    while len(head := jobs.read(LENGTH)) == LENGTH:
        job = _JOB.decode(jobs.read(int.from_bytes(head, "big")))
        answers.write(_framed(msgspec.msgpack.encode(examine(job))))
        answers.flush()


def main() -> None:
    """Examine what comes until there is no more."""
    # A Ctrl-C at the terminal is for the node, which closes our input when it has stopped.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(sys.stdin.buffer, sys.stdout.buffer)
