"""A database that was damaged in every way that we can think of, and what `moot repair` makes of it."""

import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import trio

from node.config import Config
from node.keystore import NodeKeys
from node.peers import parse_address
from node.refused import Refused
from node.repair import repair
from node.run import alone
from node.store import Store
from node.testing import LOOPBACK, address, connected, node_at, settled
from protocol.log.operation import Envelope, split_inline
from tests.homes import Home
from tests.network.councils import keys_of
from tests.worlds import Person, World

ADA = Person("Ada")


def talk(count: int = 160) -> World:
    """A council in which much was said, with attachments too large for an envelope among it."""
    world = World()
    for n in range(count):
        text = f"{n} " * (20_000 if n % 40 == 20 else 5)
        world.say(ADA, "comment.write", {"on": world.council.id, "text": 0}, (world.council.id,), texts=(text,))
    return world


async def kept(home: Path, world: World) -> Config:
    """The home of a node that has the council, stopped."""
    async with node_at(home, keys=keys_of(world.teller)) as node:
        await node.service.submit([Envelope(e.operation, split_inline(e.contents)).encode() for e in world.said])
        for envelope in world.said:
            for index, (content, inline) in enumerate(
                zip(envelope.contents, split_inline(envelope.contents), strict=True)
            ):
                if content is not None and inline is None:
                    await node.service.add_content(world.council.id, envelope.operation.id, index, content)
    return Config(home, LOOPBACK)


@pytest.fixture(scope="module")
def world() -> World:
    return talk()


@pytest.fixture
def home(tmp_path: Path, world: World) -> Config:
    return trio.run(kept, tmp_path / "home", world)


def test_a_sound_database_is_left_alone(home: Config, world: World) -> None:
    before = home.database_path.read_bytes()
    found = repair(home)
    assert (found.damage, found.kept) == ([], None)
    (one,) = found.councils.values()
    assert (one.operations, one.lost) == (len(world.said), 0)
    assert found.contents == sum(1 for e in world.said for c in e.contents if c is not None and c.salt)
    assert home.database_path.read_bytes() == before
    assert not [path for path in home.home.iterdir() if path.name.startswith(".repair")]


def test_a_flipped_byte_is_found_and_told(home: Config, world: World) -> None:
    victim = world.said[100].operation
    with closing(sqlite3.connect(home.database_path)) as db:
        (raw,) = db.execute("select raw from operations where id = ?", (victim.id,)).fetchone()
        wrong = raw[:60] + bytes((raw[60] ^ 1,)) + raw[61:]
        db.execute("update operations set raw = ? where id = ?", (wrong, victim.id))
        db.commit()
    with pytest.raises(Refused, match="moot repair"):
        trio.run(start, home.home)
    found = repair(home)
    assert found.kept == home.home / "folkmoot-damaged-1.db"
    (one,) = found.councils.values()
    # It and all that builds on it: whether that is right cannot be known here any more.
    assert (one.operations, one.lost) == (100, len(world.said) - 100)
    assert repair(home).damage == []
    trio.run(start, home.home)


async def start(home: Path) -> None:
    async with node_at(home):
        pass


def test_a_changed_attachment_is_fetched_anew(home: Config, world: World) -> None:
    with closing(sqlite3.connect(home.database_path)) as db:
        db.execute("update contents set data = x'00' where key = (select min(key) from contents)")
        db.commit()
    found = repair(home)
    assert (found.contents_lost, found.damage) == (1, ["attachments are not what was signed"])
    store = Store(home.database_path)
    assert len(store.wanted(1, 10)) == 1
    store.close()


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_truncated_file_gives_what_is_left(home: Config, world: World, part: float) -> None:
    os.truncate(home.database_path, int(home.database_path.stat().st_size * part) // 4096 * 4096)
    with pytest.raises(Refused, match="moot repair"):
        trio.run(start, home.home)
    found = repair(home)
    assert found.kept is not None
    assert found.damage
    assert world.council.id in found.councils
    assert repair(home).damage == []
    trio.run(start, home.home)


@pytest.mark.parametrize("seed", range(3))
def test_pages_of_rubbish_cost_what_was_on_them(home: Config, world: World, seed: int) -> None:
    chance = random.Random(seed)
    pages = home.database_path.stat().st_size // 4096
    with home.database_path.open("r+b") as file:
        for page in chance.sample(range(16, pages), 3):
            file.seek(page * 4096)
            file.write(chance.randbytes(4096))
    found = repair(home)
    (one,) = found.councils.values()
    assert found.damage
    if one.council is not None:
        trio.run(start, home.home)
    assert repair(home).damage == []


def test_what_cannot_be_read_at_all_is_said_and_left_where_it_is(home: Config) -> None:
    rubbish = os.urandom(1 << 16)
    home.database_path.write_bytes(rubbish)
    done = Home(home.home).moot("repair")
    assert (done.code, done.out) == (1, "")
    assert "Nothing in" in done.err
    assert "moot restore FILE" in done.err
    assert home.database_path.read_bytes() == rubbish


def test_not_while_the_node_runs(home: Config) -> None:
    with alone(home), pytest.raises(Refused, match="running"):
        repair(home)


def test_without_a_database_there_is_nothing_to_repair(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="moot restore"):
        repair(Config(tmp_path))


@pytest.mark.trio
async def test_what_was_lost_comes_back_from_another_node(tmp_path: Path, world: World) -> None:
    """Half of the file is gone, the founding operation with it or not: a member's node has everything."""
    hall, member = tmp_path / "hall", tmp_path / "member"
    config = await kept(hall, world)
    os.truncate(config.database_path, config.database_path.stat().st_size // 2 // 4096 * 4096)
    repair(config)
    ana = NodeKeys(ADA.node_seed, ADA.seed)
    with trio.fail_after(60):
        async with node_at(member, keys=ana) as one:
            await one.service.submit([Envelope(e.operation, split_inline(e.contents)).encode() for e in world.said])
            async with node_at(hall) as other:
                assert "put back from a copy" in (other.teller.silent(world.council.id) or "")
                await other.neighbours.add_peer(parse_address(address(one)))
                await connected(other, one.host.peer)
                held = other.service.councils
                await settled(other, lambda: len(held[world.council.id]) == len(world.said))
                assert (
                    other.service.council(world.council.id).digest() == one.service.council(world.council.id).digest()
                )


def test_a_council_whose_beginning_is_lost_is_to_be_fetched(home: Config, world: World) -> None:
    with closing(sqlite3.connect(home.database_path)) as db:
        db.execute("delete from operations where row = 1")
        db.commit()
    done = Home(home.home).moot("repair")
    assert "its beginning is lost, so nothing of it can be checked. Bring a backup back" in done.out
    store = Store(home.database_path)
    (pending,) = store.pending()
    assert (pending.council, pending.state) == (world.council.id, "waiting")
    assert "no other node is known: moot node follow" in pending.message
    store.close()


def test_the_command_says_what_it_did(home: Config, world: World) -> None:
    shown = Home(home.home).moot("repair")
    assert shown.out.startswith("Nothing is damaged: every hash, signature and rule holds.")
    with closing(sqlite3.connect(home.database_path)) as db:
        db.execute("delete from operations where row = 120")
        db.commit()
    done = Home(home.home).moot("repair", "--json").json
    assert done["damaged"]
    assert done["kept"].endswith("folkmoot-damaged-1.db")
    (line,) = done["councils"]
    assert line["name"] == "Mill Lane"
    assert line["operations"] == 119
