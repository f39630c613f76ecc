"""The threat model names the tests that show what it says; they must exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "threat-model.md"
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def named() -> list[tuple[str, str]]:
    """Every test that the page names: its file, and its function or nothing."""
    return [(match[1], match[2] or "") for match in _NAMED.finditer(PAGE.read_text())]


def test_every_test_that_is_named_exists() -> None:
    assert len(named()) > 50
    for file, function in named():
        tree = ast.parse((ROOT / file).read_text())
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert any(name.startswith("test_") for name in functions), file
        assert not function or function in functions, f"{file} has no {function}"


def test_every_line_of_a_table_names_a_test() -> None:
    page = PAGE.read_text()
    begin, end = page.index("## The council"), page.index("## What is not protected")
    rows = [line for line in page[begin:end].splitlines() if line.startswith("| ") and "shown by" not in line]
    assert len(rows) > 25
    for row in rows:
        assert _NAMED.search(row), row
