"""`folkmoot_protocol`: the pure part as a library, built, installed alone, typed and used."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = """
from folkmoot_protocol import codec, ids, keys
from folkmoot_protocol.errors import Malformed

seed: bytes = bytes(range(32))
signature: bytes = keys.sign(seed, keys.OPERATION, codec.encode({"text": "what was said"}))
assert keys.verify(keys.public_key(seed), keys.OPERATION, codec.encode({"text": "what was said"}), signature)
person: ids.PersonKey = ids.parse_person(ids.person_text(keys.public_key(seed)))
try:
    codec.decode(b"\\x18\\x01", 1024)
except Malformed as malformed:
    print(ids.person_text(person), malformed.rule)
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_library_installs_alone_is_typed_and_works(tmp_path: Path) -> None:
    run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path,
        ROOT / "protocol", cwd=tmp_path,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("folkmoot_protocol-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    code = {f"folkmoot_protocol/{path.relative_to(ROOT / 'protocol')}" for path in (ROOT / "protocol").rglob("*.py")}
    assert {name for name in names if ".dist-info/" not in name} == code | {"folkmoot_protocol/py.typed"}
    assert any(name.endswith("licenses/LICENSE") for name in names)

    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "--quiet", wheel, cwd=tmp_path)
    installed = run(*pip, "list", "--format=freeze", cwd=tmp_path)
    assert "libp2p" not in installed
    assert "trio" not in installed

    client = tmp_path / "client.py"
    client.write_text(CLIENT)
    assert run(python, client, cwd=tmp_path).endswith(" canonical\n")
    modules = sorted(name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in code)
    run(
        python,
        "-c",
        "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)",
        *modules,
        cwd=tmp_path,
    )
    checked = run(
        sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}",
        f"--python-executable={python}", client, cwd=tmp_path,
    )  # fmt: skip
    assert checked.startswith("Success")
