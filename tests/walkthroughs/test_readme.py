"""The README's first council, founded word for word on a real node."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .terminal import Step, Terminal

ROOT = Path(__file__).parents[2]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    home = tmp_path / "hall"
    home.mkdir(mode=0o700)
    # The ports of the defaults may be taken here, and no test listens beyond this machine.
    (home / "settings.toml").write_text('listen = ["/ip4/127.0.0.1/tcp/0"]\napi_port = 0\nmdns = false\n')
    terminal = Terminal(home, {"ana": "what ana knows", "ben": "what ben knows"})
    yield terminal
    terminal.close()


@pytest.mark.slow
def test_the_readmes_first_council_can_be_founded(terminal: Terminal) -> None:
    text = (ROOT / "README.md").read_text().split("## A first council in five minutes")[1].split("```")[1]
    lines = [line.replace("TICKET", "moot1...") for line in text.splitlines() if line.startswith("moot ")]
    assert len(lines) > 10
    shown = [terminal.run(Step(line)) for line in lines]
    assert "every hash, signature and rule holds" in "".join(shown)
    assert "adopted" in "".join(shown)


def test_what_is_shown_must_be_what_the_page_shows() -> None:
    step = Step("x", ["You founded 'Mill Street': bafyrei...", "...", "the end"])
    assert step.pattern.fullmatch("You founded 'Mill Street': bafyreiabc\nmore\nand more\nthe end\n")
    assert not step.pattern.fullmatch("You founded 'Hill Street': bafyreiabc\nmore\nthe end\n")
    assert not step.pattern.fullmatch("You founded 'Mill Street': bafyreiabc\nmore\n")
