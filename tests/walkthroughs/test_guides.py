"""The guides that tell of several computers, followed word for word, a real node for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .terminal import Step, Terminal, steps

ROOT = Path(__file__).parents[2]
PEOPLE = ("ana", "ben", "cleo")
FOUNDED = [
    ("ana", "moot key new ana"),
    ("ana", "moot node start"),
    ("ana", "moot council found --name Mill --min 2 --reason few"),
    ("ana", "moot invite --uses 2 > ticket.txt"),
    ("ben", "moot key new ben"),
    ("ben", "moot node start"),
    ("ben", "moot join - < ticket.txt"),
    ("ana", "moot admit --wait-for 1"),
    ("ana", "moot admit ben --wait"),
    ("ben", "moot council list --wait"),
]
THREE = [
    *FOUNDED,
    ("cleo", "moot key new cleo"),
    ("cleo", "moot node start"),
    ("cleo", "moot join - < ticket.txt"),
    ("ana", "moot admit --wait-for 1"),
    ("ana", "moot admit cleo"),
    ("ben", "moot motion list --wait-for 1"),
    ("ben", "moot admit cleo --wait"),
    ("cleo", "moot council list --wait"),
]
QUICK = [
    (who, f"{command} --notice 0 --discussion 0 --grace 1s" if "found" in command else command)
    for who, command in THREE
]
APART = [
    (
        who,
        f"moot node peers away $(MOOT_HOME=../{other} moot node status --json | grep -o '12D3Koo[0-9A-Za-z]*' | head -1)",
    )
    for who, other in (("ana", "ben"), ("ben", "ana"))
]
"""The line between the two is down."""
BEFORE = {
    "three-computers.md": [],
    "devices.md": FOUNDED,
    "tellers.md": THREE,
    "ballots.md": QUICK,
    "keeping.md": FOUNDED,
    "without-a-line.md": [*FOUNDED, *APART],
}
"""What has happened before a guide begins."""


@pytest.fixture
def village(tmp_path: Path) -> Iterator[dict[str, Terminal]]:
    """A terminal at everybody's computer; they all see one folder, as if they sent each other the files in it."""
    shared = tmp_path / "shared"
    shared.mkdir()
    terminals = {}
    copied: dict[str, str] = {}
    for name in (*PEOPLE, "new", "second"):
        home = tmp_path / name
        home.mkdir(mode=0o700)
        (home / "settings.toml").write_text('listen = ["/ip4/127.0.0.1/tcp/0"]\napi_port = 0\nmdns = false\n')
        terminals[name] = Terminal(home, {name: f"what {name} knows" for name in PEOPLE}, shared, copied)
    yield terminals
    for name, terminal in terminals.items():
        if (tmp_path / name / "run.json").exists():
            terminal.run(Step("moot node stop"))


@pytest.mark.slow
@pytest.mark.parametrize("page", BEFORE)
def test_a_guide_can_be_followed(page: str, village: dict[str, Terminal]) -> None:
    for who, command in BEFORE[page]:
        village[who].run(Step(command))
    for step in steps(ROOT / "docs" / "guides" / page):
        shown = village[step.who].run(step)
        assert step.pattern.fullmatch(shown), f"{page}: {step.who}$ {step.command}\n{shown}"
