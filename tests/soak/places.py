"""Where the nodes of a soak stand, and the lines between them: network namespaces, or proxies on loopback.

Namespaces are used where this machine allows them (Linux, root, `ip`, /dev/net/tun): then single
packets are late or lost, and a cut line swallows them without a word. Elsewhere every connection goes
through a proxy of its own, which delays, stops or breaks it.
"""

import ctypes
import fcntl
import heapq
import os
import random
import selectors
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Protocol, TypeVar

__all__ = ["Places", "namespaces_work", "proxies", "spaces"]

T = TypeVar("T")
_NEW_NET = 0x40000000  # CLONE_NEWNET
_SET_DEVICE = 0x400454CA  # TUNSETIFF
_PACKETS_ALONE = 0x1001  # IFF_TUN | IFF_NO_PI
_LINE = "line"


class Places(Protocol):
    """So many places, numbered from 0."""

    sort: str

    def listens(self, place: int) -> str:
        """The multiaddr on which the node there listens."""

    def reaches(self, place: int, other: int) -> str:
        """The multiaddr under which the node at `place` reaches that at `other`."""

    def command(self, place: int, words: Sequence[str]) -> list[str]:
        """The command that runs `words` there."""

    def at(self, place: int, work: Callable[[], T]) -> T:
        """Run `work` in a thread that stands there."""

    def cut(self, groups: Sequence[Sequence[int]]) -> None:
        """Only those of one group reach each other; every place is in one."""

    def weather(self, chance: random.Random) -> None:
        """Other delays and losses from now on."""


def namespaces_work() -> bool:
    """Whether this machine allows network namespaces with lines of our own between them."""
    if os.geteuid() or not shutil.which("ip"):
        return False
    try:
        with spaces(1):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


# Namespaces


class _Spaces(threading.Thread):
    """Each place is a namespace with one device; what goes out of it comes to this thread, packet by packet."""

    sort = "namespaces"

    def __init__(self, count: int) -> None:
        super().__init__(daemon=True)
        self._name = f"moot-{os.getpid()}"
        self._count = count
        self._devices: list[int] = []
        self._group = [0] * count
        self._delay = [0.0] * count
        self._loss = [0.0] * count
        self._ends = threading.Event()
        self._chance = random.Random(count)

    def _space(self, place: int) -> str:
        return f"{self._name}-{place}"

    def build(self) -> None:
        """Make the namespaces and their devices."""
        for place in range(self._count):
            space = self._space(place)
            subprocess.run(["ip", "netns", "add", space], check=True, capture_output=True)
            self._devices.append(self.at(place, _device))
            for words in (f"addr add 10.77.0.{place + 1}/24 dev {_LINE}", f"link set {_LINE} up", "link set lo up"):
                subprocess.run(["ip", "-n", space, *words.split()], check=True, capture_output=True)

    def clear(self) -> None:
        """Remove every namespace, and what is in it."""
        self._ends.set()
        if self.is_alive():
            self.join()
        for device in self._devices:
            os.close(device)
        for space in map(self._space, range(self._count)):
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)

    def run(self) -> None:
        """Carry packets, late or never, until `clear`."""
        late: list[tuple[float, int, int, bytes]] = []
        number = 0
        with selectors.DefaultSelector() as ready:
            for place, device in enumerate(self._devices):
                ready.register(device, selectors.EVENT_READ, place)
            while not self._ends.is_set():
                wait = max(0.0, late[0][0] - time.monotonic()) if late else 0.1
                for key, _ in ready.select(min(wait, 0.1)):
                    packet, sender = os.read(key.fd, 1 << 16), key.data
                    receiver = packet[19] - 1 if packet[0] >> 4 == 4 and packet[16:19] == b"\x0a\x4d\0" else -1
                    if not 0 <= receiver < self._count or self._group[receiver] != self._group[sender]:
                        continue
                    if self._chance.random() >= self._loss[sender]:
                        delay = self._delay[sender] * self._chance.uniform(0.7, 1.3)
                        heapq.heappush(late, (time.monotonic() + delay, number, receiver, packet))
                        number += 1
                while late and late[0][0] <= time.monotonic():
                    _, _, receiver, packet = heapq.heappop(late)
                    with suppress(BlockingIOError):  # a full queue loses packets, as everywhere
                        os.write(self._devices[receiver], packet)

    def listens(self, place: int) -> str:
        return f"/ip4/10.77.0.{place + 1}/tcp/4747"

    def reaches(self, place: int, other: int) -> str:
        return self.listens(other)

    def command(self, place: int, words: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self._space(place), *words]

    def at(self, place: int, work: Callable[[], T]) -> T:
        found: list[T] = []
        failed: list[BaseException] = []

        def stand_there() -> None:
            try:
                with open(f"/run/netns/{self._space(place)}") as space:
                    if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), _NEW_NET):
                        raise OSError(ctypes.get_errno(), "cannot enter the namespace")
                found.append(work())
            except BaseException as error:  # noqa: BLE001  # it is raised where the caller sees it
                failed.append(error)

        thread = threading.Thread(target=stand_there)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return found[0]

    def cut(self, groups: Sequence[Sequence[int]]) -> None:
        for number, group in enumerate(groups):
            for place in group:
                self._group[place] = number

    def weather(self, chance: random.Random) -> None:
        for place in range(self._count):
            self._delay[place] = chance.choice((0, 0.005, 0.03, 0.08))
            self._loss[place] = chance.choice((0, 0, 0.01, 0.04))


def _device() -> int:
    """A device of the namespace that this thread stands in, whose packets are read and written here."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(device, _SET_DEVICE, struct.pack("16sH22x", _LINE.encode(), _PACKETS_ALONE))
    except BaseException:
        os.close(device)
        raise
    return device


@contextmanager
def spaces(count: int) -> Iterator[Places]:
    """So many network namespaces with lines between them; gone when the block is left."""
    made = _Spaces(count)
    try:
        made.build()
        made.start()
        yield made
    finally:
        made.clear()


# Proxies


class _Line(threading.Thread):
    """All connections from one place to another: forwarded, late, held up or broken."""

    def __init__(self, target: int) -> None:
        super().__init__(daemon=True)
        self.up = True
        self.delay = 0.0
        self.breaks = 0.0
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends = threading.Event()
        self._chance = random.Random(target)

    def run(self) -> None:
        """Forward until `end`."""
        with selectors.DefaultSelector() as ready, ExitStack() as stack:
            stack.callback(self._listener.close)
            ready.register(self._listener, selectors.EVENT_READ)
            other: dict[socket.socket, socket.socket] = {}

            def drop(one: socket.socket) -> None:
                for each in (one, other.pop(one, None)):
                    if each is not None:
                        other.pop(each, None)
                        with suppress(KeyError, ValueError):
                            ready.unregister(each)
                        each.close()

            while not self._ends.is_set():
                for key, _ in ready.select(0.1):
                    one = key.fileobj
                    assert isinstance(one, socket.socket)
                    if one is self._listener:
                        near, _ = one.accept()
                        try:
                            far = socket.create_connection(("127.0.0.1", self._target), 5) if self.up else None
                        except OSError:
                            far = None
                        if far is None:
                            near.close()
                            continue
                        other[near], other[far] = far, near
                        ready.register(near, selectors.EVENT_READ)
                        ready.register(far, selectors.EVENT_READ)
                    elif one in other:
                        try:
                            data = one.recv(1 << 16)
                            if not data or not self.up or self._chance.random() < self.breaks:
                                drop(one)
                                continue
                            time.sleep(self.delay)
                            other[one].sendall(data)
                        except OSError:
                            drop(one)
                if not self.up:
                    for one in list(other):
                        drop(one)
            for one in list(other):
                drop(one)

    def end(self) -> None:
        """Stop, and close everything."""
        self._ends.set()
        self.join()


class _Proxies:
    sort = "proxies"

    def __init__(self, count: int) -> None:
        with ExitStack() as stack:
            free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
            self._ports = [int(each.getsockname()[1]) for each in free]
        self._lines = {
            (one, other): _Line(self._ports[other]) for one in range(count) for other in range(count) if one != other
        }

    def begin(self) -> None:
        """Start every line."""
        for line in self._lines.values():
            line.start()

    def end(self) -> None:
        """Stop every line."""
        for line in self._lines.values():
            line.end()

    def listens(self, place: int) -> str:
        return f"/ip4/127.0.0.1/tcp/{self._ports[place]}"

    def reaches(self, place: int, other: int) -> str:
        return f"/ip4/127.0.0.1/tcp/{self._lines[place, other].port}"

    def command(self, place: int, words: Sequence[str]) -> list[str]:
        return list(words)

    def at(self, place: int, work: Callable[[], T]) -> T:
        return work()

    def cut(self, groups: Sequence[Sequence[int]]) -> None:
        group_of = {place: number for number, group in enumerate(groups) for place in group}
        for (one, other), line in self._lines.items():
            line.up = group_of[one] == group_of[other]

    def weather(self, chance: random.Random) -> None:
        for line in self._lines.values():
            line.delay = chance.choice((0, 0, 0.005, 0.02))
            line.breaks = chance.choice((0, 0, 0, 0.002))


@contextmanager
def proxies(count: int) -> Iterator[Places]:
    """So many places on loopback, with a proxy for each direction between two."""
    made = _Proxies(count)
    made.begin()
    try:
        yield made
    finally:
        made.end()
