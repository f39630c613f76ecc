"""The `moot` command: what it prints, how it ends, and that it starts at once."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

import cli
from node.keystore import Keystore
from node.refused import Refused
from protocol.errors import Malformed

ROOT = Path(__file__).parents[2]
HEAVY = {"libp2p", "litestar", "hypercorn", "rich", "nacl", "trio", "msgspec", "cbor2", "jinja2", "httpx", "sqlite3"}
"""What takes long to load; `moot --help` and completion must do without."""


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MOOT_HOME", str(tmp_path / "hall"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "hall"


@pytest.fixture
def lines() -> Iterator[list[int]]:
    descriptors: list[int] = []
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def typed(lines: list[int], *text: str) -> str:
    """A file descriptor, as text, that holds these lines."""
    reader, writer = os.pipe()
    os.write(writer, "".join(f"{line}\n" for line in text).encode())
    os.close(writer)
    lines.append(reader)
    return str(reader)


@pytest.fixture
def moot(capsys: pytest.CaptureFixture[str]) -> "Moot":
    return Moot(capsys)


class Moot:
    """Runs `moot` in this process and says how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: str) -> Done:
        with pytest.raises(SystemExit) as end:
            cli.main(args)
        shown = self._capsys.readouterr()
        assert end.value.code is None or isinstance(end.value.code, int)
        return Done(end.value.code or 0, shown.out, shown.err)


def loaded_after(*args: str, **environment: str) -> tuple[set[str], str]:
    """The modules that a process has loaded once `moot` with `args` is done, and what it printed."""
    code = "import sys, cli\ntry: cli.main()\nfinally: print(*sys.modules, file=sys.stderr)\n"
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split()), done.stdout


def test_help_loads_nothing_but_click() -> None:
    loaded, out = loaded_after("--help")
    assert "Deliberate and decide together" in out
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.split(".")[0] in {"node", "protocol"}}
    outside = {name.split(".")[0] for name in loaded} - sys.stdlib_module_names
    # What site-packages starts in every process is not ours to count.
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert outside - {name.split(".")[0] for name in bare} <= {"click", "cli"}


def test_completing_a_command_loads_no_command() -> None:
    loaded, out = loaded_after(COMP_WORDS="moot ", COMP_CWORD="1", _MOOT_COMPLETE="bash_complete")
    context = click.Context(cli.moot)
    assert out.split() == [f"plain,{name}" for name in cli.moot.list_commands(context)]
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith("node.commands.")}


def test_a_words_beginning_is_completed() -> None:
    _, out = loaded_after(COMP_WORDS="moot comp", COMP_CWORD="1", _MOOT_COMPLETE="bash_complete")
    assert "plain,completion" in out.split()
    assert "plain,key" not in out.split()
    _, out = loaded_after(COMP_WORDS="moot key ex", COMP_CWORD="2", _MOOT_COMPLETE="bash_complete")
    assert out.split() == ["plain,export"]
    _, out = loaded_after(COMP_WORDS="moot --ver", COMP_CWORD="1", _MOOT_COMPLETE="bash_complete")
    assert out.split() == ["plain,--version"]


def test_every_module_is_in_the_table_with_its_own_short_help() -> None:
    modules = {path.stem for path in (ROOT / "node" / "commands").glob("[!_]*.py")}
    table = {name: line for names in cli.COMMANDS.values() for name, line in names.items()}
    assert modules <= table.keys()
    for name in sorted(modules):
        command = importlib.import_module(f"node.commands.{name}").command
        assert isinstance(command, click.Command)
        assert command.name == name
        assert command.get_short_help_str(limit=100) == table[name]


def test_help_lists_every_command_that_there_is(moot: Moot) -> None:
    done = moot("--help")
    assert done.code == 0
    for name in cli.moot.list_commands(click.Context(cli.moot)):
        assert f"\n  {name} " in done.out
        assert moot(name, "--help").code == 0


def test_version(moot: Moot) -> None:
    done = moot("--version")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("moot 0.")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["kye"], "No such command 'kye'. Did you mean 'key'?"),
        (["--nope"], "No such option '--nope'."),
        (["key", "new"], "Missing argument 'NAME'."),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'."),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(moot: Moot, args: list[str], says: str) -> None:
    done = moot(*args)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


@pytest.mark.parametrize(
    "fault",
    [
        Refused("rule", "Say it to a person."),
        Malformed("rule", "Say it to a person."),
        ExceptionGroup("nursery", [ExceptionGroup("nursery", [Refused("rule", "Say it to a person.")])]),
    ],
)
def test_a_refusal_is_one_sentence_and_ends_with_1(
    moot: Moot, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def refuse(_: Keystore) -> list[str]:
        raise fault

    monkeypatch.setattr(Keystore, "names", refuse)
    assert moot("key", "list") == Done(1, "", "moot: Say it to a person.\n")


@pytest.mark.parametrize(
    "fault", [ZeroDivisionError(), ExceptionGroup("nursery", [Refused("rule", "no"), ZeroDivisionError()])]
)
def test_a_fault_is_not_taken_for_a_refusal(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def fail(_: Keystore) -> list[str]:
        raise fault

    monkeypatch.setattr(Keystore, "names", fail)
    with pytest.raises(type(fault)) as raised:
        cli.main(["key", "list"])
    assert raised.value is fault


@pytest.mark.parametrize(("shell", "holds"), [("bash", "complete"), ("zsh", "#compdef moot"), ("fish", "complete")])
def test_completion_prints_the_shells_script(moot: Moot, shell: str, holds: str) -> None:
    done = moot("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert holds in done.out
    assert f"_MOOT_COMPLETE={shell}_complete" in done.out


def test_bash_takes_the_completion_script(moot: Moot) -> None:
    script = moot("completion", "bash").out
    asked = f'{script}\nCOMP_WORDS=(moot key ex); COMP_CWORD=2; _moot_completion moot; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(
        ["bash", "-c", asked],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "export\n"


def test_a_key_from_making_it_to_bringing_it_back(moot: Moot, home: Path, lines: list[int]) -> None:
    made = moot("key", "new", "ana", "--json", "--passphrase-fd", typed(lines, "two words"))
    ana = json.loads(made.out)
    assert (made.code, made.err, list(ana)) == (0, "", ["name", "person", "device"])
    assert ana["person"].startswith("did:key:z6Mk")

    assert json.loads(moot("key", "list", "--json").out) == {"people": [ana]}
    assert moot("key", "list").out == f"ana  {ana['person']}\n"
    assert json.loads(moot("key", "show", "--json").out) == ana
    assert moot("key", "show", "ana").out == f"ana: {ana['person']}\n"

    pair = typed(lines, "two words", "three other words")
    changed = moot("key", "passphrase", "--passphrase-fd", pair, "--new-passphrase-fd", pair)
    assert changed == Done(0, "ana's passphrase is changed.\n", "")
    refused = moot("key", "export", "--passphrase-fd", typed(lines, "two words"))
    assert refused == Done(1, "", "moot: That is not ana's passphrase; try again.\n")

    exported = moot("key", "export", "--json", "--passphrase-fd", typed(lines, "three other words"))
    paper = json.loads(exported.out)
    assert list(paper) == ["name", "person", "words"]
    shown = moot("key", "export", "--passphrase-fd", typed(lines, "three other words")).out.split()
    assert [word for word in shown if not word.isdigit()] == paper["words"].split()

    other = typed(lines, paper["words"], "new words")
    again = json.loads(moot("key", "import", "ana-laptop", "--json", "--words-fd", other, "--passphrase-fd", other).out)
    assert again["person"] == ana["person"]
    assert again["device"] != ana["device"]
    assert {path.name for path in (home / "people").iterdir()} == {"ana.key", "ana-laptop.key"}


def test_as_picks_who_speaks(moot: Moot, home: Path, lines: list[int]) -> None:
    for name in ("ana", "ben"):
        assert moot("key", "new", name, "--passphrase-fd", typed(lines, name)).code == 0
    assert moot("--as", "ben", "key", "show").out.startswith("ben: did:key:")
    undecided = moot("key", "show")
    assert undecided.code == 1
    assert undecided.err == "moot: Several people share this home (ana, ben); say who speaks: moot --as NAME\n"


def test_a_taken_name_is_refused_before_anything_is_asked(moot: Moot, lines: list[int]) -> None:
    assert moot("key", "new", "ana", "--passphrase-fd", typed(lines, "words")).code == 0
    untouched = typed(lines, "kept")
    done = moot("key", "new", "ana", "--passphrase-fd", untouched)
    assert done == Done(
        1, "", "moot: There is a key of 'ana' here already, and it stays as it is; take another name.\n"
    )
    assert os.read(int(untouched), 10) == b"kept\n"


def test_nobody_has_a_key_at_first(moot: Moot) -> None:
    assert moot("key", "list") == Done(0, "Nobody has a key here yet; make one with: moot key new NAME\n", "")
    assert json.loads(moot("key", "list", "--json").out) == {"people": []}


def test_wrong_settings_are_refused_by_every_command_that_needs_them(moot: Moot, home: Path) -> None:
    home.mkdir()
    (home / "settings.toml").write_text("api_prot = 1")
    done = moot("key", "list")
    assert (done.code, done.out) == (1, "")
    assert "sets 'api_prot', which is no setting" in done.err


def test_the_installed_command_runs(home: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "moot", "key", "list", "--json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"people": []}
