"""A home in one file and back: whole, checked, and known to be a copy."""

import json
import os
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from node.backup import make, restore
from node.config import Config
from node.keystore import Keystore
from node.refused import Refused
from node.run import alone
from node.testing import LOOPBACK, node_at
from protocol.log.operation import Envelope, split_inline
from tests.homes import CHEAP, PASSPHRASE, Home
from tests.network.councils import keys_of
from tests.worlds import Person, World

NOW = 1_790_000_000_000
ADA = Person("Ada")


def said(world: World) -> list[bytes]:
    return [Envelope(e.operation, split_inline(e.contents)).encode() for e in world.said]


@pytest.mark.trio
async def test_a_home_comes_back_from_the_backup_that_was_made_while_its_node_ran(tmp_path: Path) -> None:
    world = World()
    for n in range(20):
        world.say(ADA, "comment.write", {"on": world.council.id, "text": 0}, (world.council.id,), texts=(f"{n}",))
    home = Home(tmp_path / "home")
    person = home.person("ana")
    file = tmp_path / "backup.tar"
    async with node_at(home.path, keys=keys_of(world.teller)) as node:
        await node.service.submit(said(world)[:-1])
        made = make(home.config, file, NOW)
        # What comes while and after it is made belongs to the node, not to the backup.
        await node.service.submit(said(world)[-1:])
    assert (made.people, made.councils, made.operations) == (("ana",), 1, len(world.said) - 1)
    assert (file.stat().st_mode & 0o777, file.stat().st_size) == (0o600, made.bytes)

    fresh = Config(tmp_path / "fresh", LOOPBACK)
    done = restore(fresh, file)
    assert (done.made, done.people, done.operations) == (NOW, made.people, made.operations)
    back = Home(tmp_path / "fresh")
    (who,) = json.loads(back.moot("key", "list", "--json").out)["people"]
    assert who["person"] == person
    async with node_at(tmp_path / "fresh") as node:
        assert len(node.service.council(world.council.id)) == made.operations
        # It is this teller that signed before; it says nothing before it knows what it said.
        assert "put back from a copy" in (node.teller.silent(world.council.id) or "")
    assert sorted(path.name for path in (tmp_path / "fresh").iterdir() if path.name.startswith(".")) == []


@pytest.mark.trio
async def test_a_home_that_was_put_back_in_its_own_place_knows_it_too(tmp_path: Path) -> None:
    """The file system may give the copy the number that the old database had."""
    world = World()
    config = Config(tmp_path / "home", LOOPBACK)
    async with node_at(config.home, keys=keys_of(world.teller)) as node:
        await node.service.submit(said(world))
    make(config, tmp_path / "backup", NOW)
    for path in (config.database_path, config.node_key_path):
        path.unlink()
    restore(config, tmp_path / "backup")
    async with node_at(config.home) as node:
        assert node.teller.silent(world.council.id) is not None


def test_keys_alone_are_worth_a_backup(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.person("ana")
    done = home.moot("backup", str(tmp_path / "b"))
    assert done.code == 0, done.err
    assert f"{tmp_path / 'b'} holds the keys of ana (" in done.out
    back = Home(tmp_path / "back")
    (back.path / "settings.toml").unlink()
    done = back.moot("restore", str(tmp_path / "b"), "--json")
    assert (done.json["people"], done.json["councils"]) == (["ana"], 0)
    assert (back.path / "settings.toml").exists()
    assert back.config.keys_dir.joinpath("ana.key").stat().st_mode & 0o077 == 0


def test_an_empty_home_has_nothing_to_keep(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nothing to keep"):
        make(Config(tmp_path), tmp_path / "b", NOW)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.person("ana")
    with pytest.raises(Refused, match="cannot be written"):
        make(home.config, tmp_path / "nowhere" / "b", NOW)
    done = Home(tmp_path / "other").moot("restore", str(tmp_path / "none"))
    assert done.err.endswith("none cannot be read (No such file or directory).\n")


def test_a_home_is_never_written_over(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.person("ana")
    make(home.config, tmp_path / "b", NOW)
    before = (home.config.keys_dir / "ana.key").read_bytes()
    done = home.moot("restore", str(tmp_path / "b"))
    assert (done.code, done.out) == (1, "")
    assert "holds a home already (ana.key), which stays as it is" in done.err
    assert (home.config.keys_dir / "ana.key").read_bytes() == before


def test_not_under_a_running_node(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.person("ana")
    make(home.config, tmp_path / "b", NOW)
    other = Config(tmp_path / "other")
    other.prepare()
    with alone(other), pytest.raises(Refused, match="running"):
        restore(other, tmp_path / "b")


def test_a_damaged_database_makes_no_backup(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.config.database_path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(Refused, match="moot repair"):
        make(home.config, tmp_path / "b", NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def backed_up(tmp_path: Path) -> Path:
    home = Home(tmp_path / "home")
    home.person("ana")
    make(home.config, tmp_path / "b", NOW)
    return tmp_path / "b"


def rewritten(file: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> None:
    """The same archive with each entry as `change` gives it; None leaves it out."""
    with tarfile.open(file) as tar:
        entries = [(entry.name, content.read()) for entry in tar if (content := tar.extractfile(entry)) is not None]
    with tarfile.open(file, "w") as tar:
        for changed in (change(*entry) for entry in entries):
            if changed is not None:
                name, data = changed
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, BytesIO(data))


def manifest_with(**changes: object) -> Callable[[str, bytes], tuple[str, bytes]]:
    return lambda name, data: (
        (name, json.dumps({**json.loads(data), **changes}).encode()) if name == "backup.json" else (name, data)
    )


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda name, data: (name, data.replace(b"argon2id", b"argon2ix")), "backup-damaged"),
        (lambda name, data: None if name.endswith(".key") else (name, data), "backup-damaged"),
        (lambda name, data: ("../evil" if name.endswith(".key") else name, data), "backup-damaged"),
        (lambda name, data: ("notes.txt" if name == "backup.json" else name, data), "backup"),
        (lambda name, data: (name, b"{" if name == "backup.json" else data), "backup-damaged"),
        (manifest_with(format="another"), "backup"),
        (manifest_with(version=2), "backup-version"),
        (manifest_with(files={"../../etc/passwd": "00"}), "backup-damaged"),
        (manifest_with(files={"people/../../x.key": "00"}), "backup-damaged"),
        (manifest_with(more=1), "backup-damaged"),
    ],
)
def test_what_is_no_backup_brings_nothing_back(
    tmp_path: Path, change: Callable[[str, bytes], tuple[str, bytes] | None], rule: str
) -> None:
    file = backed_up(tmp_path)
    rewritten(file, change)
    target = Config(tmp_path / "target")
    with pytest.raises(Refused) as refused:
        restore(target, file)
    assert refused.value.rule == rule
    assert [path.name for path in target.home.iterdir()] == ["lock"]


def test_a_link_in_a_backup_is_no_file(tmp_path: Path) -> None:
    file = backed_up(tmp_path)
    with tarfile.open(file) as tar:
        head = tar.extractfile("backup.json")
        assert head is not None
        data = head.read()
    with tarfile.open(file, "w") as tar:
        entry = tarfile.TarInfo("backup.json")
        entry.size = len(data)
        tar.addfile(entry, BytesIO(data))
        link = tarfile.TarInfo("people/ana.key")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(Refused, match="damaged"):
        restore(Config(tmp_path / "target"), file)


@pytest.mark.parametrize("size", [0, 100, 600, 1500])
def test_a_file_that_was_cut_off_brings_nothing_back(tmp_path: Path, size: int) -> None:
    file = backed_up(tmp_path)
    os.truncate(file, size)
    with pytest.raises(Refused, match=r"damaged|no backup"):
        restore(Config(tmp_path / "target"), file)


def test_a_key_that_came_back_opens_with_its_passphrase(tmp_path: Path) -> None:
    file = backed_up(tmp_path)
    target = Config(tmp_path / "target")
    restore(target, file)
    opened = Keystore(target.keys_dir, cost=CHEAP).unlock("ana", PASSPHRASE.encode())
    assert opened == Keystore(tmp_path / "home" / "people", cost=CHEAP).unlock("ana", PASSPHRASE.encode())
