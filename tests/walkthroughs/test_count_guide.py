"""The guide to counting an election from elsewhere, followed word for word."""

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from protocol.counting.rules import RULES

from .terminal import Terminal, steps

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "count-an-election.md"


@pytest.mark.slow
def test_the_guide_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elections = "docs/guides/elections"
    shutil.copytree(ROOT / elections, tmp_path / elections)
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(tmp_path / "home", {})
    for step in steps(GUIDE):
        shown = terminal.run(step)
        assert step.pattern.fullmatch(shown), (step.command, shown)
    for picture in re.findall(r"--svg (\S+)", GUIDE.read_text("utf-8")):
        assert ElementTree.parse(tmp_path / picture).getroot().tag.endswith("svg")


def test_the_guide_names_every_rule_that_counts_files() -> None:
    text = GUIDE.read_text("utf-8")
    elsewhere = {"majority-simple/1", "majority-absolute/1", "majority-qualified/1", "consent/1", "sortition/1"}
    for name in RULES.keys() - elsewhere:
        # The completions of both utilities are the same, and the guide names those of one.
        assert name in text or name.removesuffix("/1").replace("-cardinality-", "-cost-") in text, name
