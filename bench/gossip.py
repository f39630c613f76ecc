"""Gossip beside plain streams: the same bytes, between the same processes, in the same run.

One node publishes batches of operations to four others, each a process of its own, over
loopback. First as fast as the receivers say that they have them, then twenty times a second, as
a busy council would. `ratio` is what gossip carries to what plain streams carry.
"""

import multiprocessing
import os
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from statistics import quantiles
from typing import Any

import trio

from node.host import Host, HostSettings, Stream, open_host
from node.peers import PeerKey

__all__ = ["run", "table"]

_TOPIC = "/folkmoot/bench/1"
_RAW = "/bench/raw/1"
_DONE = "/bench/done/1"
_LOOPBACK = ("/ip4/127.0.0.1/tcp/0",)
_HEAD = struct.Struct(">IQ")  # number of the message, monotonic nanoseconds when it was sent
_RECEIPT = struct.Struct(">IQ")  # number of the message, nanoseconds that it took
_UNDERWAY = 16  # messages that may be on their way while going as fast as possible
_PACE = 20  # messages a second while pacing
_PATIENCE = 5.0  # seconds to wait for stragglers before a message counts as lost


@dataclass
class _Tally:
    """What the receivers say that they have: for each message, how long it took to each."""

    receivers: int
    took: dict[int, list[int]] = field(default_factory=dict)
    changed: trio.Event = field(default_factory=trio.Event)

    def note(self, receipt: bytes) -> None:
        number, nanoseconds = _RECEIPT.unpack(receipt)
        self.took.setdefault(number, []).append(nanoseconds)
        self.changed.set()
        self.changed = trio.Event()

    async def has(self, number: int) -> None:
        """Wait until every receiver has that message."""
        while len(self.took.get(number, ())) < self.receivers:
            await self.changed.wait()


Send = Callable[[bytes], Awaitable[None]]


def run(quick: bool) -> dict[str, Any]:
    """Measure with 4 receivers; `quick` sends a tenth."""
    receivers, operations, size = 4, 500, 240
    fast, paced = (20, 20) if quick else (200, 200)
    spawn = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for _ in range(receivers):
        ours, theirs = spawn.Pipe()
        processes.append(spawn.Process(target=_receive, args=(theirs,), daemon=True))
        processes[-1].start()
        pipes.append(ours)
    try:
        addresses = [pipe.recv() for pipe in pipes]
        body = os.urandom(operations * size - _HEAD.size)
        measured = trio.run(_publish, addresses, body, fast, paced)
        for pipe in pipes:
            pipe.send("that is all")
        usage: list[float] = [pipe.recv() for pipe in pipes]
    finally:
        for process in processes:
            process.join(timeout=10)
            process.terminate()
    raw, gossip = measured["raw"], measured["gossip"]
    return {
        "ratio": round(raw["seconds"] / gossip["seconds"], 3),
        "gossip_operations_per_s": round(fast * operations / gossip["seconds"]),
        "raw_operations_per_s": round(fast * operations / raw["seconds"]),
        "receivers": receivers,
        "operations_in_a_message": operations,
        "bytes_in_an_operation": size,
        "messages_per_s": _PACE,
        "paced_operations_per_s": _PACE * operations,
        "lost": gossip["lost"],
        "gossip_p50_ms": gossip["p50_ms"],
        "gossip_p95_ms": gossip["p95_ms"],
        "raw_p50_ms": raw["p50_ms"],
        "raw_p95_ms": raw["p95_ms"],
        "p95_ratio": round(gossip["p95_ms"] / raw["p95_ms"], 2),
        "receiver_cpu_s": round(sum(usage) / receivers, 2),
    }


def table(result: dict[str, Any]) -> str:
    """The result for a person."""
    rows = [
        ("as fast as the receivers take it", "gossip", "plain streams", "ratio"),
        (
            "operations/s to each of the receivers",
            f"{result['gossip_operations_per_s']:,}",
            f"{result['raw_operations_per_s']:,}",
            f"{result['ratio']:.2f}",
        ),
        (f"{result['messages_per_s']} messages/s of {result['operations_in_a_message']} operations", "", "", ""),
        ("median, ms", f"{result['gossip_p50_ms']:.1f}", f"{result['raw_p50_ms']:.1f}", ""),
        (
            "95th percentile, ms",
            f"{result['gossip_p95_ms']:.1f}",
            f"{result['raw_p95_ms']:.1f}",
            f"{result['p95_ratio']:.2f}",
        ),
        ("messages lost", f"{result['lost']}", "0", ""),
    ]
    return "\n".join(f"{name:<42}{gossip:>12}{raw:>16}{ratio:>8}".rstrip() for name, gossip, raw, ratio in rows)


async def _publish(addresses: list[str], body: bytes, fast: int, paced: int) -> dict[str, dict[str, Any]]:
    tally = _Tally(len(addresses))

    async def noted(stream: Stream) -> None:
        while (receipt := await stream.receive(_RECEIPT.size, timeout=600)) is not None:
            tally.note(receipt)

    async with open_host(HostSettings(os.urandom(32), _LOOPBACK, gossip=True)) as host:
        host.handle(_DONE, noted)
        await host.subscribe(_TOPIC, _accept)
        peers = [await host.dial(address) for address in addresses]
        for peer in peers:
            await host.wait_for_subscriber(_TOPIC, peer)
        streams = [await host.open(peer, _RAW) for peer in peers]

        async def over_streams(message: bytes) -> None:
            async with trio.open_nursery() as nursery:
                for stream in streams:
                    nursery.start_soon(stream.send, message)

        async def over_gossip(message: bytes) -> None:
            await host.publish(_TOPIC, message)

        measured = {}
        for name, send in (("raw", over_streams), ("gossip", over_gossip)):
            await _go(tally, send, body, range(5))  # so that windows and caches have grown
            seconds = await _go(tally, send, body, range(100, 100 + fast))
            measured[name] = {"seconds": seconds, **await _pace(tally, send, body, range(10_000, 10_000 + paced))}
        for stream in streams:
            await stream.reset()
    return measured


async def _go(tally: _Tally, send: Send, body: bytes, numbers: range) -> float:
    """Send as fast as they are received; returns the seconds until everybody has all."""
    tally.took.clear()
    begun = time.perf_counter()
    for number in numbers:
        if number - _UNDERWAY in numbers:
            await tally.has(number - _UNDERWAY)
        await send(_HEAD.pack(number, time.monotonic_ns()) + body)
    for number in numbers:
        await tally.has(number)
    return time.perf_counter() - begun


async def _pace(tally: _Tally, send: Send, body: bytes, numbers: range) -> dict[str, Any]:
    """Send at the pace; returns what was lost and how long the rest took."""
    tally.took.clear()
    begun = trio.current_time()
    for number in numbers:
        await trio.sleep_until(begun + (number - numbers.start) / _PACE)
        await send(_HEAD.pack(number, time.monotonic_ns()) + body)
    with trio.move_on_after(_PATIENCE):
        for number in numbers:
            await tally.has(number)
    took = [nanoseconds / 1e6 for each in tally.took.values() for nanoseconds in each]
    cuts = quantiles(took, n=20)
    return {
        "lost": len(numbers) * tally.receivers - len(took),
        "p50_ms": round(cuts[9], 2),
        "p95_ms": round(cuts[18], 2),
    }


def _receive(pipe: Connection) -> None:
    """The process of one receiver."""
    trio.run(_receiver, pipe)
    usage = os.times()
    pipe.send(usage.user + usage.system)


async def _receiver(pipe: Connection) -> None:
    async with open_host(HostSettings(os.urandom(32), _LOOPBACK, gossip=True)) as host:

        async def take(stream: Stream) -> None:
            async with await host.open(stream.peer, _DONE) as done:
                while (message := await stream.receive(1 << 20, timeout=600)) is not None:
                    await done.send(_receipt(message))

        host.handle(_RAW, take)
        gossip = await host.subscribe(_TOPIC, _accept)
        pipe.send(host.addresses[0])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_gossip, host, gossip)
            await trio.to_thread.run_sync(pipe.recv)
            nursery.cancel_scope.cancel()


async def _gossip(host: Host, messages: AsyncIterator[tuple[PeerKey, bytes]]) -> None:
    streams: dict[PeerKey, Stream] = {}
    async for publisher, message in messages:
        if publisher not in streams:
            streams[publisher] = await host.open(publisher, _DONE)
        await streams[publisher].send(_receipt(message))


def _receipt(message: bytes) -> bytes:
    number, sent = _HEAD.unpack_from(message)
    return _RECEIPT.pack(number, time.monotonic_ns() - sent)


async def _accept(publisher: PeerKey, data: bytes) -> bool:
    return True
