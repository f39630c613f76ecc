"""A process that is killed while it writes: what it acknowledged is there."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from node.store import Store
from protocol.log.operation import Envelope, split_inline
from tests.worlds import Person, World

ADA = Person("Ada")

_WRITER = """
import sys
from pathlib import Path
import trio
from node.service import Service
from node.store import Store
from protocol.log.operation import decode_envelope

async def main(path, envelopes):
    service = Service(Store(path), lambda: 0, bytes(32))
    service.load()
    for data in envelopes:
        (outcome,) = await service.submit([data])
        print(type(outcome).__name__, outcome.id.hex(), flush=True)
    await trio.sleep_forever()

lines = [bytes.fromhex(line) for line in Path(sys.argv[2]).read_text().split()]
trio.run(main, Path(sys.argv[1]), lines)
"""


@pytest.mark.parametrize("acknowledged", [1, 7, 40])
def test_killed_at_any_moment_nothing_acknowledged_is_lost(tmp_path: Path, acknowledged: int) -> None:
    world = World()
    for n in range(60):
        world.say(ADA, "comment.write", {"on": world.council.id, "text": 0}, (world.council.id,), texts=(f"{n}",))
    said = [Envelope(e.operation, split_inline(e.contents)).encode() for e in world.said]
    (tmp_path / "said").write_text("\n".join(data.hex() for data in said))
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "store.db"), str(tmp_path / "said")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as writer:
        assert writer.stdout is not None
        heard = [writer.stdout.readline().split() for _ in range(acknowledged)]
        os.kill(writer.pid, signal.SIGKILL)
        heard += [line.split() for line in writer.stdout.read().splitlines()]
    assert {name for name, _ in heard} == {"Accepted"}
    saved = [row.id.hex() for chunk in Store(tmp_path / "store.db").replay() for row in chunk]
    assert saved[: len(heard)] == [id for _, id in heard]
    assert len(saved) - len(heard) in (0, 1)
