"""`moot service`, what systemd is told, and the Containerfile."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from node.unit import NAME, Unit, systemd_runs
from tests.homes import Home

ROOT = Path(__file__).parents[3]
ODD = Path('/tmp/a "strange" home, 100% $HOME')


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Home(tmp_path / "home")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
@pytest.mark.parametrize("user", [None, "daemon"])
@pytest.mark.parametrize("where", [Path("/var/lib/folkmoot"), ODD])
def test_systemd_understands_the_unit(tmp_path: Path, user: str | None, where: Path) -> None:
    file = tmp_path / NAME
    file.write_text(Unit(where, (sys.executable, "-c", "print('$HOME; 100%')"), user).text())
    manager = "--user" if user is None else "--system"
    done = subprocess.run(
        ["systemd-analyze", manager, "verify", "--man=no", str(file)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if NAME in line]) == (0, [])


def test_a_unit_of_ones_own_asks_for_nothing_that_only_root_may() -> None:
    text = Unit(Path("/home/ana/moot"), ("/opt/moot", "node", "run")).text()
    assert "\nNoNewPrivileges=yes\n" in text
    assert "WantedBy=default.target" in text
    for wanted in ("User=", "CapabilityBoundingSet", "PrivateDevices", "ProtectSystem"):
        assert wanted not in text
    text = Unit(Path("/var/lib/folkmoot"), ("/opt/moot", "node", "run"), "folkmoot").text()
    assert "\nReadWritePaths=/var/lib/folkmoot\n" in text
    assert "\nProtectSystem=strict\n" in text


@pytest.mark.skipif(systemd_runs(), reason="here systemd would start it")
def test_without_systemd_it_says_what_to_do(home: Home, tmp_path: Path) -> None:
    done = home.moot("service", "install")
    assert done.code == 0, done.err
    file = tmp_path / "config" / "systemd" / "user" / NAME
    assert file.read_text() == home.moot("service", "install", "--print").out
    assert f"MOOT_HOME={home.path}" in file.read_text()
    assert "This computer was not started by systemd" in done.out
    assert f"  systemctl --user enable --now {NAME}\n" in done.out
    said = home.moot("service", "install", "--json").json
    assert (said["unit"], said["started"], said["todo"][-1]) == (str(file), False, "loginctl enable-linger")
    assert home.moot("service", "remove").out == "The unit is gone. Nothing that the node kept is.\n"
    assert not file.exists()
    assert home.moot("service", "remove", "--json").json == {"removed": False}


def test_printing_installs_nothing(home: Home, tmp_path: Path) -> None:
    said = home.moot("service", "install", "--system", "--user", "hall", "--print", "--json").json
    assert (said["unit"], said["started"]) == (None, False)
    assert "\nUser=hall\n" in said["text"]
    assert not (tmp_path / "config").exists()


def test_where_it_cannot_be_written(home: Home, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("in the way")
    done = home.moot("service", "install")
    assert (done.code, done.out) == (1, "")
    assert "cannot be written" in done.err


def test_the_node_tells_systemd_when_it_is_ready_and_when_it_stops(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(place))
        node = subprocess.Popen(
            [sys.executable, "-c", "import cli; cli.main(['node', 'run'])"],
            env={**os.environ, "MOOT_HOME": str(home.path), "NOTIFY_SOCKET": str(place)},
            stdout=subprocess.DEVNULL,
        )
        assert heard.recv(100) == b"READY=1"
        assert home.moot("node", "health").code == 0
        node.terminate()
        assert heard.recv(100) == b"STOPPING=1"
        assert node.wait() == 0


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's instructions and their arguments."""
    text = re.sub(r"\\\n", " ", (ROOT / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_the_containerfile_is_one() -> None:
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT", "CMD"}  # fmt: skip
    said = instructions()
    assert {name for name, _ in said} <= known
    assert said[0][0] == "FROM"
    for name, rest in said:
        if name == "FROM":
            assert re.match(r"docker\.io/library/python:3\.11-slim( AS build)?$", rest)
        if name == "COPY" and not rest.startswith("--from"):
            assert all((ROOT / source).exists() for source in shlex.split(rest)[:-1]), rest


def test_in_the_container_it_is_not_root_and_keeps_its_home_outside() -> None:
    last = dict(instructions())
    assert last["USER"] == "folkmoot"
    home = re.search(r"MOOT_HOME=(\S+)", last["ENV"])
    assert home is not None
    assert last["VOLUME"] == home[1]
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert (last["ENTRYPOINT"], last["CMD"]) == ('["moot"]', '["node", "run"]')
    assert last["HEALTHCHECK"].endswith('CMD ["moot", "node", "health"]')


def test_everything_that_is_packed_is_copied() -> None:
    """What pyproject.toml packs, and what it needs to be packed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed = {*project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"], project["project"]["readme"]}
    copied = {
        source.removeprefix("./")
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for source in shlex.split(rest)[:-1]
    }
    assert packed <= copied
