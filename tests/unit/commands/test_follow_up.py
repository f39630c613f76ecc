"""What a command that waits tells the person at the terminal, and nobody else."""

import os
import pty
import sys
from collections.abc import Iterator
from typing import IO

import pytest

from node.commands._follow_up import waits_for


@pytest.fixture
def terminal() -> Iterator[tuple[int, IO[str]]]:
    keyboard, screen = pty.openpty()
    with open(screen, "w", encoding="utf-8") as shown:
        yield keyboard, shown
    os.close(keyboard)


def test_a_person_at_a_terminal_is_told_what_the_command_waits_for(
    terminal: tuple[int, IO[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard, shown = terminal
    monkeypatch.setattr(sys, "stderr", shown)
    waits_for("1 of 2 so far.")
    shown.flush()
    assert os.read(keyboard, 200) == b"1 of 2 so far. Waiting for it; Ctrl-C ends the waiting and nothing else.\r\n"


def test_a_program_that_reads_along_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    waits_for("1 of 2 so far.")
    assert capsys.readouterr() == ("", "")
