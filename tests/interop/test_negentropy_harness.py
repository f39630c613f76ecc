"""The harness does what the reference project's tests expect of one: the same lines, at the same time."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

HARNESS = Path(__file__).with_name("negentropy_harness.py")
ONE = f"item,12345,{'ee' * 32}\n"


class Harness:
    """A running harness, spoken to as the reference's tests do."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def say(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")


@contextmanager
def running(folder: Path, frame_limit: int | None = None) -> Iterator[Harness]:
    """A harness started from any folder; its input ends with the context."""
    environment = {name: value for name, value in os.environ.items() if name != "FRAMESIZELIMIT"}
    if frame_limit is not None:
        environment["FRAMESIZELIMIT"] = str(frame_limit)
    with subprocess.Popen(
        [sys.executable, HARNESS],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Harness(process)
        finally:
            process.communicate()
    assert process.returncode == 0


def lines(numbers: range) -> list[str]:
    return [f"item,{number // 3},{sha256(b'%d' % number).hexdigest()}" for number in numbers]


def ids(numbers: range) -> set[str]:
    return {line.split(",")[2] for line in lines(numbers)}


def test_a_peer_of_a_newer_version_is_told_ours_and_may_fall_back(tmp_path: Path) -> None:
    with running(tmp_path) as harness:
        harness.say(ONE.strip(), "seal", "msg,62aabbccddeeff")
        assert harness.hear() == "msg,61"
        harness.say("msg,6100000200")
        assert harness.hear() == f"msg,6100000201{'ee' * 32}"


@pytest.mark.parametrize("frame_limits", [(None, None), (0, 0), (4096, 20_000)])
def test_two_harnesses_find_the_difference(tmp_path: Path, frame_limits: tuple[int | None, int | None]) -> None:
    with running(tmp_path, frame_limits[0]) as one, running(tmp_path, frame_limits[1]) as other:
        one.say(*lines(range(3000)), "", "seal", "initiate")
        other.say(*reversed(lines(range(1000, 3300))), "seal")
        found: dict[str, set[str]] = {"have": set(), "need": set()}
        while (line := one.hear()) != "done":
            word, value = line.split(",")
            if word == "msg":
                assert len(value) // 2 <= (frame_limits[0] or len(value))
                other.say(line)
                one.say(other.hear())
            else:
                found[word].add(value)
        assert found == {"have": ids(range(1000)), "need": ids(range(3000, 3300))}


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("item,1\n", "unpack"),
        ("item,1,ee\nseal\n", "32-byte"),
        ("item,x,ee\n", "invalid literal"),
        (ONE + ONE + "seal\n", "duplicate"),
        ("seal\n" + ONE, "'item'"),
        ("seal\nseal\n", "'seal'"),
        ("initiate\n", "'initiate'"),
        ("seal\ninitiate\ninitiate\n", "'initiate'"),
        ("msg,61\n", "'msg'"),
        ("seal\nmsg,60x\n", "hexadecimal"),
        ("seal\nmsg,\n", "empty"),
        ("seal\nmsg,6105\n", "ends"),
        ("hello\n", "'hello'"),
    ],
)
def test_what_is_wrong_ends_it_with_a_complaint(tmp_path: Path, said: str, complaint: str) -> None:
    ended = subprocess.run(
        [sys.executable, HARNESS], cwd=tmp_path, input=said, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr
