"""The log of a running node: lines for people, or JSON; in a file, or on stderr."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from node.config import Config, Settings
from node.logs import logging_to

log = logging.getLogger("folkmoot.test")


def test_lines_for_people(tmp_path: Path) -> None:
    config = Config(tmp_path, Settings())
    with logging_to(config):
        log.info("%d operations", 3)
        log.debug("too much")
    assert config.log_path.read_text().endswith(" INFO folkmoot.test: 3 operations\n")


def fail() -> None:
    raise ValueError("broken")


def caught(what: Callable[[], None]) -> None:
    try:
        what()
    except ValueError:
        log.exception("Failed: %s", "ü")


def test_json_for_programs(tmp_path: Path) -> None:
    config = Config(tmp_path, Settings(log_format="json", log_level="debug"))
    with logging_to(config):
        log.debug("now")
        caught(fail)
    first, second = (json.loads(line) for line in config.log_path.read_text().splitlines())
    assert (first["event"], first["level"], first["logger"]) == ("now", "debug", "folkmoot.test")
    assert set(first) == {"event", "level", "logger", "timestamp"}
    assert second["event"] == "Failed: ü"
    assert second["exception"].endswith("ValueError: broken")


def test_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = Config(tmp_path, Settings(log_to="stderr", log_format="json"))
    with logging_to(config):
        log.warning("here")
    assert json.loads(capsys.readouterr().err)["event"] == "here"
    assert not config.log_path.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_a_full_disk_is_said_once_and_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "node.log").symlink_to("/dev/full")
    with logging_to(Config(tmp_path, Settings())):
        log.info("one")
        log.info("two")
    assert capsys.readouterr().err == "The log cannot be written: [Errno 28] No space left on device.\n"
