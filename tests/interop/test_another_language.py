"""A client in JavaScript, written from docs/protocol.md, finds what the program finds: in vectors, in logs, in councils at random."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from node.archive import Head, pack_log
from protocol.council.council import Council
from protocol.log.operation import Content, Envelope, split_inline
from tests.delivery import meet
from tests.steps import STEPS, play
from tests.vectors.counting import at_random
from tests.vectors.divisions import divisions
from tests.vectors.make import FOLDER
from tests.vectors.stories import balloting, changes, lapses, turnover
from tests.vectors.told import told

NODE = shutil.which("node")
CHECK = Path(__file__).parent / "client" / "check.mjs"

pytestmark = pytest.mark.skipif(NODE is None, reason="`node` is not installed; the client in JavaScript needs it")


def check(*arguments: str | Path) -> str:
    """What the client says; a failure of the test when it finds a mismatch."""
    assert NODE is not None
    run = subprocess.run([NODE, CHECK, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    return run.stdout


def export(council: Council, said: list[Envelope], file: Path, digest: bytes | None = None) -> None:
    """The council's kept log, as `moot export` writes it. digest: a false one to claim."""
    by_id = {envelope.operation.id: envelope for envelope in said}
    kept = [_with_larger(by_id[council.dag.ids[row]]) for row in council.dag.kept_rows()]
    file.write_bytes(b"".join(pack_log(Head(council.id, len(kept), digest or council.digest()), kept)))


def _with_larger(envelope: Envelope) -> tuple[Envelope, list[tuple[int, Content]]]:
    inline = split_inline(envelope.contents)
    larger = [
        (index, content)
        for index, (content, held) in enumerate(zip(envelope.contents, inline, strict=True))
        if content is not None and held is None
    ]
    return Envelope(envelope.operation, inline), larger


def test_every_vector() -> None:
    said = check(FOLDER).splitlines()
    assert len(said) == len(list(FOLDER.glob("*.json")))


@pytest.mark.parametrize("story", [changes, lapses, balloting, divisions, turnover])
def test_exported_logs(story: Callable[[], tuple[Envelope, list[Envelope]]], tmp_path: Path) -> None:
    founding, said = story()
    council = meet(founding, said)
    log = tmp_path / "council.log"
    export(council, [founding, *said], log)
    assert f"epochs {council.head.number}," in check("--log", log)


def test_a_log_that_claims_another_state(tmp_path: Path) -> None:
    founding, said = changes()
    council = meet(founding, said)
    log = tmp_path / "council.log"
    export(council, [founding, *said], log, bytes(32))
    with pytest.raises(AssertionError, match="state digest"):
        check("--log", log)


def test_councils_at_random(tmp_path: Path) -> None:
    """With false records, forks, backdated and unknown operations, former tellers, replacements."""
    for number in range(12):
        order = Random(number)
        numbers = [[order.randrange(256) for _ in range(3)] for _ in range(60)]
        steps = [(order.randrange(len(STEPS)), order.randrange(4) % 3, who, what, how) for who, what, how in numbers]
        village = play(steps)
        vector = told("at random", village.founding, village.pool.values())
        (tmp_path / f"council-{number}.json").write_text(json.dumps({"version": 1, **vector}))
    check(tmp_path)


def test_counts_at_random(tmp_path: Path) -> None:
    """Every rule, with lots, fractions and free projects."""
    for number in range(6):
        (tmp_path / f"counting-{number}.json").write_text(json.dumps({"version": 1, **at_random(number)}))
    assert "left 0" in check(tmp_path)
