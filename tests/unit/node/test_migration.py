"""Homes of earlier programs: their databases are read for ever, and brought up to date whole or not at all."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from node import store as stores
from node.refused import Refused
from node.service import Service
from node.store import Store
from tests.worlds import Person, World

FOLDER = Path(__file__).parents[2] / "vectors"
ADA = Person("Ada")


def kept_then() -> World:
    """What the first program's database in the vectors holds."""
    world = World()
    world.proposal(ADA)
    world.admit(Person("Ben"), ADA)
    return world


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("pragma user_version").fetchone()[0]
    assert isinstance(found, int)
    return found


def test_the_database_of_the_first_program_is_read(tmp_path: Path) -> None:
    path = tmp_path / "folkmoot.db"
    shutil.copy(FOLDER / "store-1.db", path)
    world = kept_then()
    service = Service(Store(path), lambda: 0, ADA.node, world.teller.key)
    assert service.load() == len(world.said)
    assert service.council(world.council.id).digest() == world.council.digest()
    assert service.petnames() == {ADA.key: "mother"}
    content = service.content(world.council.id, world.said[1].operation.id, 1)
    assert content is not None
    assert content.data == b"Buy a stove."


def test_a_later_schema_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folkmoot.db"
    shutil.copy(FOLDER / "store-1.db", path)
    steps = (*stores._SCHEMA, "create table songs (name text); insert into songs values ('one');")
    monkeypatch.setattr(stores, "_SCHEMA", steps)
    Store(path).close()
    assert version(path) == len(steps)
    service = Service(Store(path), lambda: 0, ADA.node)
    assert service.load() == len(kept_then().said)
    Store(path).close()  # once is enough
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("select * from songs").fetchall() == [("one",)]
    # The earlier program leaves it alone, and says what to do.
    monkeypatch.setattr(stores, "_SCHEMA", steps[:-1])
    with pytest.raises(Refused, match="written by a newer Folkmoot; install that version again"):
        Store(path)


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folkmoot.db"
    shutil.copy(FOLDER / "store-1.db", path)
    steps = stores._SCHEMA
    monkeypatch.setattr(stores, "_SCHEMA", (*steps, "create table songs (name text); insert into nowhere values (1);"))
    with pytest.raises(Refused, match="cannot be used"):
        Store(path)
    monkeypatch.setattr(stores, "_SCHEMA", steps)
    assert version(path) == len(steps)
    service = Service(Store(path), lambda: 0, ADA.node)
    assert service.load() == len(kept_then().said)
    with closing(sqlite3.connect(path)) as db:
        assert not db.execute("select * from sqlite_master where name = 'songs'").fetchall()
