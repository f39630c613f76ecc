"""What the process around a host notices of it."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from node.host import HostSettings

ROOT = Path(__file__).parents[2]


def run(script: str) -> subprocess.CompletedProcess[str]:
    """A script in a Python of its own, in which every warning is an error."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=ROOT)


def test_libp2p_is_imported_when_a_host_opens_and_not_before() -> None:
    done = run(
        """
        import sys
        import node.host, node.peers
        heavy = {name.split(".")[0] for name in sys.modules} & {"libp2p", "zeroconf", "multiaddr", "nacl", "google"}
        assert not heavy, heavy
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_root_logger_and_the_terminal_are_left_alone() -> None:
    """As shipped the library installs a handler on the root logger, and strangers' nonsense goes to stderr."""
    done = run(
        """
        import logging, trio
        from node.host import HostSettings, open_host

        LOOPBACK = ("/ip4/127.0.0.1/tcp/0",)

        async def main():
            async with (
                open_host(HostSettings(bytes([1]) * 32, LOOPBACK, gossip=True)) as a,
                open_host(HostSettings(bytes([2]) * 32, LOOPBACK, gossip=True)) as b,
            ):
                await a.dial(b.addresses[0])
                port = int(b.addresses[0].split("/")[4])
                for data in (b"", b"nonsense", b"\\x13/multistream/1.0.0\\n\\x07/noise\\n" + bytes(100)):
                    stream = await trio.open_tcp_stream("127.0.0.1", port)
                    await stream.send_all(data or b"x")
                    await stream.aclose()
                await b.disconnect(a.peer)

        trio.run(main)
        assert logging.root.handlers == [] and logging.root.level == logging.WARNING
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_seed_of_the_wrong_length_is_our_fault() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        HostSettings(b"short")
