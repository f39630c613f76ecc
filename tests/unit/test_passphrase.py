"""Passphrases, from a descriptor and from a real terminal."""

import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node import passphrase
from node.refused import Refused

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue  # the test closed it


def sent(pipe: tuple[int, int], data: bytes) -> int:
    os.write(pipe[1], data)
    os.close(pipe[1])
    return pipe[0]


@pytest.mark.parametrize("line", [b"two words", b"two words\n", b"two words\r\n", b"two words\nmore\n"])
def test_a_line_is_the_passphrase_whatever_ends_it(pipe: tuple[int, int], line: bytes) -> None:
    assert passphrase.ask("?", sent(pipe, line)) == b"two words"


def test_two_lines_are_two_passphrases(pipe: tuple[int, int]) -> None:
    descriptor = sent(pipe, b"old\nnew\n")
    assert passphrase.ask("?", descriptor) == b"old"
    assert passphrase.choose("?", descriptor) == b"new"


def test_a_passphrase_is_one_however_the_keyboard_composes_it(pipe: tuple[int, int]) -> None:
    descriptor = sent(pipe, "zoe\u0308\nzo\u00eb\n".encode())
    assert passphrase.ask("?", descriptor) == passphrase.ask("?", descriptor)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "passphrase-empty"),
        (b"\n", "passphrase-empty"),
        (b"\xff\n", "passphrase-text"),
        (b"x" * 1025, "passphrase-long"),
    ],
)
def test_what_is_no_passphrase_is_refused(pipe: tuple[int, int], data: bytes, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        passphrase.ask("?", sent(pipe, data))
    assert refused.value.rule == rule


def test_a_closed_descriptor_is_refused_with_how_to_open_one(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(Refused, match=r"--passphrase-fd 3 3<FILE"):
        passphrase.ask("?", pipe[0])


CODE = """
import sys
from node import passphrase
from node.refused import Refused
try:
    print("GOT", passphrase.choose("Passphrase: "))
except Refused as refused:
    print("NO", refused.rule)
"""


def at_a_terminal(*typed: bytes) -> str:
    """What a process shows at a terminal of its own where somebody types a line at each prompt."""
    child, terminal = pty.fork()
    if child == 0:
        try:
            os.chdir(ROOT)
            os.execv(sys.executable, [sys.executable, "-c", CODE])
        finally:
            os._exit(127)  # it did not start, and this is still the copy of a test
    shown = b""
    lines = list(typed)
    while True:
        try:
            more = os.read(terminal, 1024)
        except OSError:  # Linux says so when the other end of a terminal is closed
            break
        if not more:
            break
        shown += more
        if more.endswith(b": ") and lines:
            os.write(terminal, lines.pop(0) + b"\n")
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return shown.decode()


def test_at_a_terminal_it_is_asked_twice_and_not_shown() -> None:
    shown = at_a_terminal(b"two words", b"two words")
    assert "GOT b'two words'" in shown
    assert shown.count("two words") == 1


def test_two_that_differ_are_refused() -> None:
    assert "NO passphrase-differs" in at_a_terminal(b"two words", b"two wrods")


def test_without_a_terminal_it_says_how_to_give_one() -> None:
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        check=True,
    )
    assert done.stdout == b"NO no-terminal\n"
