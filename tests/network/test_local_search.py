"""Nodes on one local network find each other, without being told an address."""

import gc
import socket
import threading

import pytest

from node.host import Discovered, Host

from .around import hosts, open_files, settings

pytestmark = pytest.mark.trio

HERE = ("127.0.0.1",)


def multicast() -> bool:
    """Whether a datagram to the group of mDNS comes back over loopback."""
    group = socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receive,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as send,
    ):
        try:
            receive.bind(("", 0))
            receive.settimeout(1)
            receive.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
            send.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            send.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
            send.sendto(b"x", ("224.0.0.251", receive.getsockname()[1]))
            return receive.recv(10) == b"x"
        except OSError:
            return False


async def discovered(host: Host, other: Host) -> Discovered:
    async for event in host.events():
        if isinstance(event, Discovered) and event.peer == other.peer:
            return event
    raise AssertionError("the host ended")


@pytest.mark.skipif(not multicast(), reason="this machine has no multicast on loopback")
async def test_two_nodes_find_each_other_and_are_not_connected_by_it() -> None:
    one, two = (settings(n, mdns=True, mdns_interfaces=HERE) for n in (1, 2))
    async with hosts(settings(1)):
        pass  # what is made once for the process
    files, threads = open_files(), {thread for thread in threading.enumerate() if "Trio" not in thread.name}
    async with hosts(one, two) as (first, second):
        event = await discovered(first, second)
        assert event.addresses == tuple(second.addresses)
        assert (await discovered(second, first)).peer == first.peer
        assert first.connected() == set(), "whom to dial is for others to decide"
        assert await first.dial(event.addresses[0]) == second.peer
    gc.collect()
    assert open_files() == files
    assert {thread for thread in threading.enumerate() if "Trio" not in thread.name} == threads


@pytest.mark.skipif(not multicast(), reason="this machine has no multicast on loopback")
async def test_a_node_that_ends_at_once_does_not_wait_for_the_search() -> None:
    for _ in range(3):
        async with hosts(settings(1, mdns=True, mdns_interfaces=HERE)) as (host,):
            assert host.connected() == set()


async def test_a_machine_without_that_interface_runs_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    async with hosts(settings(1, mdns=True, mdns_interfaces=("192.0.2.1",)), settings(2)) as (server, client):
        assert await client.dial(server.addresses[0]) == server.peer
    assert "No search on the local network: this machine is not 192.0.2.1." in caplog.text
