import json
import shutil
import socket
from functools import partial
from pathlib import Path

import pytest
import trio

from node.config import PORT, Config, Settings
from node.refused import Refused
from node.run import Node, alone, open_node, serve
from node.store import StoreFailed
from node.testing import LOOPBACK, node_at
from tests.network.councils import keys_of
from tests.worlds import World

pytestmark = pytest.mark.trio


async def test_one_node_to_a_home(tmp_path: Path) -> None:
    config = Config(tmp_path, LOOPBACK)
    config.run_path.write_text(json.dumps({"pid": 4711, "port": 1}))
    async with node_at(tmp_path):
        with pytest.raises(Refused, match=r"running on .* already \(process 4711\)"):
            async with node_at(tmp_path):
                pass
    async with node_at(tmp_path):
        pass


async def test_the_lock_needs_no_run_file(tmp_path: Path) -> None:
    config = Config(tmp_path)
    with alone(config), pytest.raises(Refused, match="already: use that one"), alone(config):
        pass


def leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(listen=(f"/ip4/127.0.0.1/tcp/{port}",), mdns=False)
        with pytest.raises(Refused, match="set another address under 'listen'"):
            async with open_node(Config(tmp_path, settings)):
                pass


def ports(node: Node) -> set[int]:
    return {int(address.split("/")[4]) for address in node.host.addresses}


async def test_two_homes_on_one_machine_share_no_port(tmp_path: Path) -> None:
    settings = Settings(mdns=False)
    async with trio.open_nursery() as nursery:
        first, _ = await nursery.start(partial(serve, Config(tmp_path / "first", settings)))
        second, api = await nursery.start(partial(serve, Config(tmp_path / "second", settings)))
        kept = ports(second)
        assert not ports(first) & kept
        assert PORT not in kept
        assert (
            len({json.loads((tmp_path / name / "run.json").read_bytes())["port"] for name in ("first", "second")}) == 2
        )
        nursery.cancel_scope.cancel()
    # Tickets and enrolments name the port: the home keeps to it, though the usual one is free by now.
    async with trio.open_nursery() as nursery:
        second, again = await nursery.start(partial(serve, Config(tmp_path / "second", settings)))
        assert ports(second) == kept
        assert again == api
        nursery.cancel_scope.cancel()


async def test_a_peer_without_its_key_in_the_settings_is_refused(tmp_path: Path) -> None:
    settings = Settings(listen=LOOPBACK.listen, mdns=False, peers=("/ip4/127.0.0.1/tcp/1",))
    with pytest.raises(Refused, match="lacks its PeerId"):
        async with node_at(tmp_path, settings=settings):
            pass


async def fail(home: Path) -> None:
    """Run a node whose disk takes nothing more."""
    async with node_at(home) as node:
        node.store._db.execute("pragma query_only=on")
        with pytest.raises(StoreFailed):
            await node.service.submit([World().said[0].encode()])
        await trio.sleep_forever()


async def test_a_disk_that_fails_ends_the_node(tmp_path: Path) -> None:
    with trio.fail_after(60):
        with pytest.raises(BaseExceptionGroup) as raised:
            await fail(tmp_path)
    assert isinstance(leaf(raised.value), StoreFailed)


async def test_an_older_database_in_the_home_is_noticed(tmp_path: Path) -> None:
    world = World()
    hall = world.teller
    database = Config(tmp_path).database_path
    async with node_at(tmp_path, keys=keys_of(hall)) as node:
        await node.service.submit([world.said[0].encode()])
        assert node.teller.silent(world.council.id) is None
    copy = tmp_path / "copy.db"
    shutil.copy(database, copy)
    async with node_at(tmp_path) as node:
        assert node.teller.silent(world.council.id) is None
    shutil.copy(copy, database)
    async with node_at(tmp_path) as node:
        assert "put back from a copy" in (node.teller.silent(world.council.id) or "")
    async with node_at(tmp_path) as node:
        assert "put back from a copy" in (node.teller.silent(world.council.id) or "")


async def test_a_whole_home_that_was_put_back_is_noticed(tmp_path: Path) -> None:
    """As the guide says to make a backup: the home is copied while the node is stopped."""
    world = World()
    home, backup = tmp_path / "home", tmp_path / "backup"
    async with node_at(home, keys=keys_of(world.teller)) as node:
        await node.service.submit([world.said[0].encode()])
    shutil.copytree(home, backup)
    async with node_at(home) as node:
        assert node.teller.silent(world.council.id) is None
    # The old one still takes room, so the new one cannot get its place on the disk.
    home.rename(tmp_path / "broken")
    shutil.copytree(backup, home)
    async with node_at(home) as node:
        assert "put back from a copy" in (node.teller.silent(world.council.id) or "")
        node.teller.confirm(world.council.id)
    async with node_at(home) as node:
        assert node.teller.silent(world.council.id) is None
