"""A short run of `tests.network.killing`; `python -m tests.network.killing --kills 100` is a long one."""

from pathlib import Path

import pytest

from tests.network.killing import rounds


@pytest.mark.slow
def test_a_node_that_is_killed_while_it_writes_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    found = rounds(tmp_path, kills=5, seed=1)
    assert found.kills == 5
    assert found.acknowledged
    assert found.faults == []
