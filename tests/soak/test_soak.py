"""A minute of what `make soak` does for as long as one likes."""

import logging
from pathlib import Path

import pytest

from .places import namespaces_work, proxies, spaces
from .soak import NODES, Soak, clocks_can_differ

PATIENCE = 240.0
"""Seconds after which the test is stuck; how soon nodes are equal again is measured by `make soak`, on a machine of its own."""


@pytest.mark.slow
def test_seven_nodes_on_bad_lines_lose_nothing_that_they_accepted(tmp_path: Path) -> None:
    lines = spaces if namespaces_work() else proxies
    with lines(NODES) as places:
        report = Soak(places, tmp_path, 1, clocks=clocks_can_differ()).run(1.0, 1, PATIENCE)
    logging.getLogger(__name__).info("%s", report.data())
    assert report.rounds
    assert report.kills
    assert report.cuts
    assert report.accepted > 50
    assert report.epochs > 6
