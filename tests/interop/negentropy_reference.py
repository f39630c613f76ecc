"""The JavaScript reference of Negentropy, from the npm registry, to compare our bytes and times with.

`applesauce-relay` carries the reference implementation of the protocol's author, both sides of
it, with types added; it brings `nostr-tools`, a second implementation, of the initiator only.
"""

import json
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from protocol.log.items import item_key

__all__ = ["LARGEST_TIMESTAMP", "PACKAGE", "Missing", "Reference", "Replay", "install"]

PACKAGE = "applesauce-relay@6.2.1"
LARGEST_TIMESTAMP = 2**31 - 2
"""JavaScript's bit operations end at 32 bits, and with them the timestamps that it encodes rightly."""
_HERE = Path(__file__).resolve().parent
_CACHE = _HERE.parents[1] / "build" / "negentropy-reference"


class Missing(Exception):
    """The reference cannot be had here; the text says why."""


def install() -> Path:
    """The folder of packages that `Reference` needs, fetched when it is not there; raises `Missing`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Missing("the JavaScript reference needs Node and npm, which are not installed here")
    done = _CACHE / PACKAGE.replace("@", "-")
    if not done.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
            fresh = Path(folder, "fresh")
            fresh.mkdir()
            command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", f"--prefix={fresh}", PACKAGE]
            fetched = subprocess.run(command, capture_output=True, text=True, check=False)
            if fetched.returncode:
                why = (fetched.stderr.strip() or "it does not say why").splitlines()[-1]
                raise Missing(f"npm could not fetch {PACKAGE}: {why}")
            try:
                fresh.rename(done)
            except OSError:
                # Another test runner was first. Else the folder is truly not there, and that is a fault.
                if not done.exists():
                    raise
    return done / "node_modules"


@dataclass(frozen=True, slots=True)
class Replay:
    """What one side of the reference answered: the ids in the order in which it names them, and its time."""

    replies: list[bytes | None]
    have: list[bytes]
    need: list[bytes]
    ms: float


class Reference:
    """The reference in a Node process of its own; a context manager."""

    def __init__(self, packages: Path) -> None:
        command = ["node", str(_HERE / "negentropy_reference.mjs"), str(packages)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Its input ends, and so does it.
        self._process.communicate()

    def load(self, name: str, items: Iterable[tuple[int, bytes]]) -> None:
        """Give it a set of items to answer from."""
        keys = b"".join(item_key(timestamp, id) for timestamp, id in items)
        self._say({"load": name, "items": b64encode(keys).decode()})

    def replay(
        self, name: str, *, initiator: bool, limit: int, messages: Sequence[bytes], by: str = "reference"
    ) -> Replay:
        """Let one side answer `messages` in turn; an initiator's first reply is its first message."""
        received = [message.hex() for message in messages]
        self._say({"replay": name, "by": by, "initiator": initiator, "limit": limit, "messages": received})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the reference ended; what it wrote on standard error says why")
        said = json.loads(line)
        return Replay(
            [None if reply is None else bytes.fromhex(reply) for reply in said["replies"]],
            [bytes.fromhex(id) for id in said["have"]],
            [bytes.fromhex(id) for id in said["need"]],
            said["ms"],
        )

    def _say(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
