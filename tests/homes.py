"""Homes with running nodes, for tests that use the command or the local API: real nodes, real keys, loopback."""

import contextlib
import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
import trio

import cli
from node.client import Client
from node.config import Config
from node.keystore import Cost, Keystore
from node.run import Node, serve
from node.testing import LOOPBACK, QUICK

CHEAP = Cost(1, 8192)
"""What a guess costs in tests: nothing."""
PASSPHRASE = "correct horse"
PATIENCE = "60"
"""Seconds after which a waiting command gives up: then a test is stuck."""
SETTINGS = 'listen = ["/ip4/127.0.0.1/tcp/0"]\nmdns = false\napi_port = 0\n'


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, which must be one JSON value and nothing else."""
        return json.loads(self.out)


class Home:
    """A home, its people, and the command used in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path / "settings.toml").write_text(SETTINGS)
        self.config = Config(path, LOOPBACK)

    def person(self, name: str) -> str:
        """Make a key for somebody; gives her `did:key`."""
        keystore = Keystore(self.config.keys_dir, cost=CHEAP)
        keystore.create(name, PASSPHRASE.encode())
        return keystore.person(name).person

    def moot(self, *args: str, passphrase: str | None = None, stdin: str = "") -> Done:
        """Run `moot args` here; with `passphrase` it is given on a file descriptor."""
        words = list(args)
        with contextlib.ExitStack() as stack:
            if passphrase is not None:
                reader, writer = os.pipe()
                stack.callback(os.close, reader)
                os.write(writer, f"{passphrase}\n".encode())
                os.close(writer)
                words += ["--passphrase-fd", str(reader)]
            out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
            stack.enter_context(mock.patch.dict(os.environ, {"MOOT_HOME": str(self.path)}))
            stack.enter_context(mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")))
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
            with pytest.raises(SystemExit) as end:
                cli.main(words)
            out.flush()
            buffer = out.buffer
            assert isinstance(buffer, io.BytesIO)
            code = end.value.code
            assert code is None or isinstance(code, int)
            return Done(code or 0, buffer.getvalue().decode(), err.getvalue())

    def sign(self, *args: str, stdin: str = "") -> Done:
        """Run a command that signs; it must succeed."""
        done = self.moot(*args, passphrase=PASSPHRASE, stdin=stdin)
        assert done.code == 0, done.err
        return done

    def client(self) -> Client:
        """A client of the node that runs here."""
        return Client(self.config)


class Running(NamedTuple):
    """A node at work in a thread."""

    home: Home
    node: Node
    port: int


@contextlib.contextmanager
def running(path: Path) -> Iterator[Running]:
    """A home whose node runs, API included, in a thread of its own."""
    home = Home(path)
    started: list[Running | BaseException] = []
    ready = threading.Event()
    stop: list[trio.Event] = []
    token: list[trio.lowlevel.TrioToken] = []

    async def main() -> None:
        stop.append(trio.Event())
        token.append(trio.lowlevel.current_trio_token())
        async with trio.open_nursery() as nursery:
            node, port = await nursery.start(lambda **status: serve(home.config, pace=QUICK, **status))
            started.append(Running(home, node, port))
            ready.set()
            await stop[0].wait()
            nursery.cancel_scope.cancel()

    def work() -> None:
        try:
            trio.run(main)
        except BaseException as fault:  # noqa: BLE001  # it is raised where the test sees it
            started.append(fault)
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        ready.wait()
        first = started[0]
        if isinstance(first, BaseException):
            raise first
        yield first
    finally:
        if token:
            with contextlib.suppress(trio.RunFinishedError):
                trio.from_thread.run_sync(stop[0].set, trio_token=token[0])
        thread.join()
        for fault in started[1:]:
            assert isinstance(fault, BaseException)
            raise fault
