"""A stream of frames to one peer: length-prefixed, bounded, with time limits.

A frame is a 4-byte big-endian length and that many bytes. The prefix matters: in libp2p a
reset can look like an end, so only a length tells a whole message from half of one.
"""

import math
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol

import trio

from ..peers import PeerKey
from .errors import FrameRejected, MessageTooLarge, StreamError, StreamReset, StreamStalled

__all__ = ["MAX_FRAME", "Channel", "Stream", "StreamHandler"]

MAX_FRAME = 16 * 1024 * 1024
"""The longest frame that can be sent, in bytes; receivers set their own, lower limits."""

_READ = 64 * 1024
_PATIENCE = 30.0  # seconds that a frame may take, and in addition ...
_SLOWEST = 4 * 1024  # ... one second for each so many bytes: a slow line is no misbehaviour


class Channel(Protocol):
    """What a stream needs below it: ordered bytes both ways. Failures are `StreamReset`."""

    async def read(self, most: int) -> bytes:
        """At least one byte, at most `most`; empty when the other side finished cleanly."""

    async def write(self, data: bytes) -> None:
        """Send all of `data`, waiting for the other side to make room."""

    async def finish(self) -> None:
        """Say that no more is coming."""

    async def reset(self) -> None:
        """Break off both directions; never raises and does not wait for the peer."""


class Stream:
    """A two-way stream of frames with one peer, for one reader and any number of writers.

    `peer` is the other node's key, proved in the handshake; `protocol` what both agreed on.
    After a `StreamError` the stream is over. As a context manager it resets what is not finished.
    """

    def __init__(self, peer: PeerKey, protocol: str, channel: Channel) -> None:
        self.peer = peer
        self.protocol = protocol
        self._channel = channel
        self._buffer = bytearray()
        self._sending = trio.Lock()
        self._finished = False
        self._ended = False
        self._broken = False

    async def send(self, frame: bytes, *, timeout: float | None = None) -> None:
        """Send one frame; returns when it is on its way, not when it has arrived.

        `timeout` in seconds; by default 30 and a second for each 4 KiB. `StreamStalled` when the
        peer does not read in that time, `StreamReset` when it is gone, `MessageTooLarge` for more
        than `MAX_FRAME` bytes.
        """
        if len(frame) > MAX_FRAME:
            raise MessageTooLarge(len(frame), MAX_FRAME)
        async with self._sending:
            if self._broken or self._finished:
                raise StreamReset("The stream is already closed for sending.")
            try:
                with trio.fail_after(_allowance(len(frame)) if timeout is None else timeout):
                    await self._channel.write(len(frame).to_bytes(4, "big") + frame)
            except trio.TooSlowError:
                await self.reset()
                raise StreamStalled("The peer does not take what we send.") from None
            except BaseException:  # part of a frame may be out: nothing can follow it
                await self.reset()
                raise

    async def receive(self, limit: int, *, timeout: float | None = None) -> bytes | None:
        """The next frame, of at most `limit` bytes, or None when the peer finished.

        Waits `timeout` seconds (30 by default, `math.inf` for ever) for a frame to begin; once
        begun it must arrive at 4 KiB/s. `FrameRejected` for a longer frame or an end within one,
        `StreamStalled` when it takes too long, `StreamReset` when the peer broke off.
        """
        if self._broken:
            raise StreamReset("The stream is over.")
        try:
            with trio.fail_after(_PATIENCE if timeout is None else timeout):
                begun = await self._fill(1)
            if not begun:
                self._ended = True
                return None
            with trio.fail_after(_PATIENCE):
                whole = await self._fill(4)
            length = int.from_bytes(self._buffer[:4], "big")
            if whole and length > limit:
                raise FrameRejected(f"A frame of {length} bytes is over the limit of {limit} bytes.")
            with trio.fail_after(_allowance(length)):
                whole = whole and await self._fill(4 + length)
            if not whole:
                raise FrameRejected("The stream ended within a frame.")
        except trio.TooSlowError:
            await self.reset()
            raise StreamStalled("The peer did not send in time.") from None
        except StreamError:
            await self.reset()
            raise
        frame = bytes(self._buffer[4 : 4 + length])
        del self._buffer[: 4 + length]
        return frame

    async def finish(self) -> None:
        """Say that no more frames are coming; the peer may go on sending."""
        async with self._sending:
            if not (self._finished or self._broken):
                self._finished = True
                await self._channel.finish()

    async def reset(self) -> None:
        """Break the stream off, both ways. Never raises, does not wait for the peer."""
        if not self._broken:
            self._broken = True
            await self._channel.reset()

    async def drain(self, limit: int, timeout: float) -> None:
        """Read and forget until the peer finishes; reset when it sends more than `limit` or is slow."""
        del self._buffer[:]
        with trio.move_on_after(timeout):
            while limit > 0 and not (self._ended or self._broken):
                data = await self._channel.read(_READ)
                limit -= len(data)
                self._ended = not data
        if not self._ended:
            await self.reset()

    @property
    def over(self) -> bool:
        """True once nothing can come or go any more."""
        return self._broken or (self._ended and self._finished)

    async def __aenter__(self) -> "Stream":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.over:
            await self.reset()

    async def _fill(self, size: int) -> bool:
        """Read until `size` bytes are there; False when the peer finished before."""
        while len(self._buffer) < size:
            data = await self._channel.read(max(_READ, size - len(self._buffer)))
            if not data:
                return False
            self._buffer += data
        return True


StreamHandler = Callable[[Stream], Awaitable[None]]
"""Serves one stream. What it raises is logged and resets the stream; it never ends the host."""


def _allowance(size: int) -> float:
    return _PATIENCE + math.ceil(size / _SLOWEST)
