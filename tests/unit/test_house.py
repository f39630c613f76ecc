"""The house rules that no linter knows: purity, layers, names, reasons, and docs that leave nothing out."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import msgspec
import pytest

import bench
import cli
from bench.__main__ import main as bench_main
from bench.__main__ import names as benchmarks
from node.config import Settings
from scripts import docs

ROOT = Path(__file__).parents[2]
GENERATED = {
    ".git", ".venv", ".venv-oracles", "node_modules", "build", "dist", "__pycache__", ".coverage", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache",
}  # fmt: skip
THIRD_PARTY = {"cbor2", "msgspec", "nacl", "sortedcontainers"}
PURE = {
    "__future__", "abc", "array", "base64", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "hashlib", "heapq", "hmac", "itertools", "json", "math", "numbers", "operator", "re", "string",
    "struct", "types", "typing", "unicodedata", "warnings", "zlib",
}  # fmt: skip
LAYERS = {
    "counting": {"errors"},
    "log": {"errors", "ids", "keys", "codec"},
    "council": {"errors", "ids", "keys", "codec", "log", "counting", "tellers", "federation"},
    "federation": {"errors", "ids", "keys", "codec", "log", "tellers"},
    "tellers": {"errors", "ids", "keys", "codec", "log", "counting"},
}
"""What each package of protocol/ may import besides itself."""


def files(*patterns: str) -> list[Path]:
    """The project's own files that match, without what was built or installed."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    # Workers that measure coverage write files of their own, and take them away again.
    return sorted(
        path
        for path in found
        if not GENERATED & set(path.relative_to(ROOT).parts) and not path.name.startswith(".coverage.")
    )


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Each import of a module as its level (0 is absolute) and its dotted name."""
    for statement in ast.walk(parsed(path)):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield 0, alias.name
        elif isinstance(statement, ast.ImportFrom):
            base = statement.module or ""
            if base:
                yield statement.level, base
            else:
                for alias in statement.names:
                    yield statement.level, alias.name


def test_protocol_imports_only_what_is_pure() -> None:
    impure = [
        f"{named(path)}: {name}"
        for path in files("protocol/**/*.py")
        for level, name in imports(path)
        if level == 0 and name.split(".")[0] not in THIRD_PARTY | PURE
    ]
    assert not impure, "\n".join(impure)


def test_layers_import_downwards() -> None:
    upwards = []
    for path in files("protocol/*/**/*.py"):
        inside = path.relative_to(ROOT / "protocol").parts
        for level, name in imports(path):
            # One dot is the module's own package; each further dot leaves one package.
            reached = [*inside[: len(inside) - level], *name.split(".")][0]
            if level > 0 and reached != inside[0] and reached not in LAYERS[inside[0]]:
                upwards.append(f"{named(path)}: {'.' * level}{name}")
    assert not upwards, "\n".join(upwards)


def lint(code: str, name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "--stdin-filename", name, "-"],
        cwd=ROOT,
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "impure",
    [
        "import asyncio", "import io", "import os", "import pathlib", "import random", "import secrets", "import socket",
        "import sqlite3", "import subprocess", "import sys", "import threading", "import time", "import trio", "import uuid",
        "import nacl.utils", "import node.store", "from node import store", "from os import urandom", "from time import time",
    ],
)  # fmt: skip
def test_lint_keeps_protocol_pure(impure: str) -> None:
    assert "TID251" in lint(f"{impure}\n", "protocol/council/new.py")
    assert "TID251" not in lint(f"{impure}\n", "node/new.py")


@pytest.mark.parametrize(
    ("impure", "rule"),
    [
        ("import datetime\n\nNOW = datetime.datetime.now(datetime.UTC)\n", "TID251"),
        ("from nacl.utils import random\n\nSALT = random(16)\n", "TID251"),
        ('with open("x") as file:\n    TEXT = file.read()\n', "PTH123"),
        ('print("x")\n', "T201"),
    ],
)
def test_lint_keeps_protocol_from_the_clock_chance_and_disk(impure: str, rule: str) -> None:
    assert f" {rule} " in lint(impure, "protocol/new.py")


def test_lint_leaves_pure_code_alone() -> None:
    assert lint(
        "import datetime\nfrom fractions import Fraction\n\nX = (Fraction(1, 3), datetime.UTC)\n", "protocol/new.py"
    ) == ("All checks passed!\n")


def public(tree: ast.Module) -> Iterator[str]:
    """What a module offers by name. What is decorated at the top of one is often reached otherwise, as a route is."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            routed = statement.decorator_list and not isinstance(statement, ast.ClassDef)
            if not routed and not statement.name.startswith("_"):
                yield statement.name


def defined(tree: ast.Module) -> Iterator[str]:
    for statement in ast.walk(tree):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name) for alias in statement.names)
        elif isinstance(statement, ast.Name) and isinstance(statement.ctx, ast.Store):
            yield statement.id


def exported(tree: ast.Module) -> list[str] | None:
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == ["__all__"]:
            value = ast.literal_eval(statement.value)
            assert isinstance(value, list)
            return value
    return None


def test_all_is_the_public_api() -> None:
    wrong = []
    for path in files("cli.py", "protocol/**/*.py", "node/**/*.py", "scripts/*.py"):
        tree = parsed(path)
        names = exported(tree)
        if names is None:
            if not path.name.startswith("_") and list(public(tree)):
                wrong.append(f"{named(path)} has no __all__")
            continue
        if repeated := {name for name in names if names.count(name) > 1}:
            wrong.append(f"{named(path)} has twice in __all__: {repeated}")
        if missing := set(names) - set(defined(tree)):
            wrong.append(f"{named(path)} does not have, but has in __all__: {missing}")
        if path.parent.name == "commands" and not path.name.startswith("_"):
            if names != ["command"]:
                wrong.append(f"{named(path)} is a command, so __all__ is ['command']")
        elif left_out := set(public(tree)) - set(names):
            wrong.append(f"{named(path)} wants in __all__, or with an underscore: {left_out}")
    assert not wrong, "\n".join(wrong)


def test_names_say_what_a_thing_is() -> None:
    vague = []
    for path in files("**/*.py"):
        if path.stem in {"utils", "util", "helpers", "helper", "misc", "common", "manager", "handlers"}:
            vague.append(named(path))
        for node in ast.walk(parsed(path)):
            word = isinstance(node, ast.ClassDef) and re.search(r"(Manager|Handler|Helper|Utils?)$", node.name)
            # What a library calls so may be called so again.
            if (
                isinstance(node, ast.ClassDef)
                and word
                and not any(ast.unparse(base).endswith(word[0]) for base in node.bases)
            ):
                vague.append(f"{named(path)}: {node.name}")
    assert not vague, "\n".join(vague)


def test_every_ignore_has_its_reason() -> None:
    bare = []
    for path in files("**/*.py"):
        lines = path.read_text().splitlines()
        # A reason given once in a file holds for the same ignore further down.
        explained: set[str] = set()
        for above, (number, line) in zip(["", *lines], enumerate(lines, start=1), strict=False):
            # `import-untyped` is its own reason: the library has no types.
            ignore = re.search(
                r"#\s*(?P<what>(noqa|type:\s*ignore(?!\[import-untyped\])|pragma:\s*no)\b[^#]*?)\s*(?P<reason>#.*)?$",
                line,
            )
            if ignore and (ignore["reason"] or above.strip().startswith("#")):
                explained.add(ignore["what"])
            if ignore and ignore["what"] not in explained and path != Path(__file__):
                bare.append(f"{named(path)}:{number}")
    assert not bare, "\n".join(bare)


def test_every_ignore_of_the_linters_has_its_reason() -> None:
    for name in ("ruff.toml", "protocol/ruff.toml"):
        text = (ROOT / name).read_text()
        ignored = re.findall(r"(?ms)^(?:ignore|\"[^\"\n]+\") = \[\n?(.*?)\]", text)
        for line in [line for block in ignored for line in block.splitlines() if '"' in line]:
            assert "#" in line or re.search(rf"{re.escape(line)}\]\s*#", text), line


def test_the_project_speaks_of_itself_alone() -> None:
    wrong = []
    for path in files("**/*"):
        text = path.read_text(errors="replace")
        if str(ROOT) in text:
            wrong.append(f"{named(path)} names the folder of one machine")
        if path != Path(__file__) and re.search(r"\b(TODO|FIXME|XXX)\b", text):
            wrong.append(f"{named(path)} leaves something unfinished")
    assert not wrong, "\n".join(wrong)


def test_only_the_store_knows_sqlite_and_only_the_host_knows_libp2p() -> None:
    knows: dict[str, set[str]] = {"sqlite3": set(), "libp2p": set()}
    for path in files("cli.py", "node/**/*.py", "protocol/**/*.py"):
        for level, name in imports(path):
            if level == 0 and name.split(".")[0] in knows:
                knows[name.split(".")[0]].add(named(path))
    assert knows["sqlite3"] == {"node/store.py", "node/salvage.py"}  # the second reads what the first cannot any more
    assert all(name == "node/host.py" or name.startswith("node/host/") for name in knows["libp2p"])


def test_nothing_imports_the_command() -> None:
    for path in files("node/**/*.py", "protocol/**/*.py", "bench/**/*.py"):
        assert "cli" not in {name.split(".")[0] for level, name in imports(path) if level == 0}, path


def test_every_folder_of_tests_is_a_package() -> None:
    # Else two files of one name are one module to the type checker.
    folders = {path.parent for path in files("tests/**/*.py")}
    assert [named(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_command_reference_is_up_to_date() -> None:
    assert docs.REFERENCE.read_text() == docs.reference(), "run: make docs"


def test_the_reference_has_every_command_and_option() -> None:
    text = docs.REFERENCE.read_text()
    for path, command in commands("moot", cli.moot):
        assert re.search(rf"(?m)^#+ {path}$", text), path
        section = re.split(rf"(?m)^#+ {path}$", text)[1].split("\n#")[0]
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[0] in section, f"{path} {parameter.opts[0]}"
                assert parameter.help, f"{path} {parameter.opts[0]} has no help"


def commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(f"{path} {name}", inner)


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "reference" / "settings.md").read_text()
    documented = dict(re.findall(r"(?m)^\| `(\w+)` \| `(.*?)` \|", text))
    defaults = msgspec.to_builtins(Settings())
    assert documented.keys() == defaults.keys()
    for name, default in defaults.items():
        assert msgspec.json.decode(documented[name]) == msgspec.json.decode(msgspec.json.encode(default)), name


def test_every_link_in_the_docs_leads_somewhere() -> None:
    assert docs.broken_links(docs.sources()) == []


def test_every_page_can_be_reached_from_the_first() -> None:
    reached = {ROOT / "docs" / "index.md"}
    while new := {page for at in reached for page in docs.linked(at)} - reached:
        reached |= new
    assert set(docs.sources()) <= reached, "link it from docs/index.md"


def test_a_broken_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# A page's `title`\n\n[a](page.md) [b](#a-pages-title) [c](#none) [d](no.md) [e](https://example.org/x)\n"
    )
    assert docs.broken_links([page]) == ["page.md: #none", "page.md: no.md"]


def test_pages_are_built_and_lead_to_each_other(tmp_path: Path) -> None:
    docs.build(tmp_path)
    index = (tmp_path / "docs" / "index.html").read_text()
    assert "<h1" in index
    targets = [target for target in re.findall(r'href="([^"]+)"', index) if ":" not in target]
    assert targets
    for target in targets:
        assert (tmp_path / "docs" / target.split("#")[0]).resolve().is_file(), target


def test_what_people_are_told_to_make_can_be_made() -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    for path in [*files("*.md", "docs/**/*.md"), ROOT / ".ci" / "run"]:
        told = re.findall(r"(?m)(?:^|`)make ([a-z]+)", path.read_text())
        assert set(told) <= targets, path
    helped = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"make ([a-z]+)", helped)) == targets


def test_both_distributions_have_one_version() -> None:
    versions = [
        re.findall(r'(?m)^version = "(.*)"$', (ROOT / name).read_text())
        for name in ("pyproject.toml", "protocol/pyproject.toml")
    ]
    assert versions[0] == versions[1]


def test_a_benchmark_that_does_not_exist_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        bench_main(["nothing"])
    assert end.value.code == 2
    assert "there is no benchmark 'nothing'" in capsys.readouterr().err


def test_a_benchmark_prints_a_table_or_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "probe.py").write_text(
        "def run(quick):\n    return {'quick': quick, 'ratio': 2}\n\ndef table(result):\n    return f'ratio {result[\"ratio\"]}'\n"
    )
    monkeypatch.setattr(bench, "__path__", [*bench.__path__, str(tmp_path)])
    assert "probe" in benchmarks()
    assert bench_main(["probe", "--quick"]) == 0
    assert capsys.readouterr().out == "probe\n-----\nratio 2\n\n"
    assert bench_main(["probe", "--json"]) == 0
    assert capsys.readouterr().out == '{"quick": false, "ratio": 2}\n'
    monkeypatch.setattr(bench, "__path__", [str(tmp_path)])
    assert bench_main(["--json"]) == 0
    assert capsys.readouterr().out == '{"probe": {"quick": false, "ratio": 2}}\n'
