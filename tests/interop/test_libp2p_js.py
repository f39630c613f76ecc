"""A node talks to js-libp2p: handshake, ping, streams and gossip, both ways.

Fetches js-libp2p with npm on first use; skipped where there is no npm or no network.
"""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import trio

from node.host import Connected, Host

from ..network.around import ECHO, ask, echo, hosts, settings, until

pytestmark = [pytest.mark.slow, pytest.mark.oracle]

PEER = Path(__file__).parent / "libp2p"
TOPIC = "/folkmoot/council/1"
LIMIT = 60.0


@cache
def javascript() -> str:
    """The path of Node.js, with js-libp2p beside the script; skips the test where that cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node.js and npm are not installed here")
    if not (PEER / "node_modules" / "libp2p").is_dir():
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=PEER, timeout=300)
        except subprocess.TimeoutExpired:
            pytest.skip("npm could not fetch js-libp2p within five minutes")
        if done.returncode:
            pytest.skip(f"npm could not fetch js-libp2p: {done.stderr.strip().splitlines()[-1:]}")
    return node


class Script:
    """The process of the other implementation, and what it said."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self.said: dict[str, dict[str, object]] = {}
        self._changed = trio.Event()

    async def listen(self) -> None:
        rest = b""
        assert self.process.stdout is not None
        async for data in self.process.stdout:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                news = json.loads(line)
                self.said[news.pop("what")] = news
                self._changed.set()
                self._changed = trio.Event()

    async def hears(self, what: str) -> dict[str, object]:
        while what not in self.said:
            await self._changed.wait()
        return self.said[what]


async def together(host: Host, script: Script) -> None:
    """Everything that the two do with each other."""
    host.handle(ECHO, echo)
    heard = await host.subscribe(TOPIC, anything)
    address = (await script.hears("listening"))["address"]
    assert isinstance(address, str)
    assert isinstance((await script.hears("pinged"))["milliseconds"], int | float)
    (peer,) = host.connected()
    await until(host.events(), Connected, peer)
    assert (await script.hears("echoed"))["same"] is True
    assert await ask(host, peer, bytes(100_000)) == bytes(100_000), "and the other way round"
    await host.wait_for_subscriber(TOPIC, peer)
    await host.publish(TOPIC, b"from Python")
    assert (await script.hears("heard"))["text"] == "from Python"
    assert await anext(heard) == (peer, b"from JavaScript")
    await host.disconnect(peer)
    assert await host.dial(address) == peer, "and it can be dialled"
    assert await ask(host, peer) == b"are you there?"


async def anything(publisher: bytes, data: bytes) -> bool:
    return True


@pytest.mark.trio
async def test_a_node_and_js_libp2p_understand_each_other() -> None:
    node = javascript()
    async with hosts(settings(1, gossip=True), limit=LIMIT) as (host,), trio.open_nursery() as nursery:
        command = [node, str(PEER / "peer.mjs"), host.addresses[0]]
        process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        script = Script(process)
        nursery.start_soon(script.listen)
        try:
            await together(host, script)
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
        nursery.cancel_scope.cancel()
