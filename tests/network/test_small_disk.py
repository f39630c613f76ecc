"""A disk that becomes full while a node writes: one sentence, a safe stop, nothing lost."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def can_mount(place: Path) -> bool:
    """Whether a disk can be mounted here, in a namespace that nobody else sees."""
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_full_disk_stops_the_node_and_loses_nothing(tmp_path: Path) -> None:
    if not can_mount(tmp_path):
        pytest.skip("no disk can be mounted here")
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, "-m", "tests.network.small_disk", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["code"] == 1
    last = seen["words"].splitlines()[-1]
    assert last.startswith("moot: ")
    assert last.endswith(
        "folkmoot.db: the disk is full; make room and start again. The node stopped; what was accepted before is safe."
    )
    assert "Traceback" not in seen["words"]
    assert "! disk: Only 0 MB are free on its disk" in seen["doctor"]
    assert seen["faults"] == []
    # The founding, what was acknowledged, and perhaps one that was saved and never answered.
    assert seen["operations"] - seen["acknowledged"] in (1, 2)
