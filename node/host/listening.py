"""Sockets to listen on, and the addresses under which others find them."""

import errno
from collections.abc import Sequence
from ipaddress import ip_address

import ifaddr
import trio

from ..peers import Address, parse_address
from .errors import ListenFailed

__all__ = ["advertised", "listen", "own_addresses", "reason", "remote_address"]

_BACKLOG = 256


async def listen(addresses: Sequence[str]) -> list[trio.SocketListener]:
    """Listen on each multiaddr; `ListenFailed` if one cannot be, and then on none.

    Our own sockets: the library sets SO_REUSEPORT, with which two nodes share a port unnoticed.
    """
    listeners: list[trio.SocketListener] = []
    try:
        for text in addresses:
            where = parse_address(text)
            if where.kind not in ("ip4", "ip6"):
                raise ListenFailed(text, "only an IP address can be listened on")
            try:
                listeners += await trio.open_tcp_listeners(where.port, host=where.host, backlog=_BACKLOG)
            except OSError as error:
                raise ListenFailed(text, reason(error)) from error
    except BaseException:
        for listener in listeners:
            listener.socket.close()
        raise
    return listeners


def advertised(listeners: Sequence[trio.SocketListener], announce: Sequence[str]) -> list[str]:
    """The multiaddrs to give to others: what was announced first, loopback last."""
    found: list[str] = []
    for listener in listeners:
        host, port = listener.socket.getsockname()[:2]
        if ip_address(host).is_unspecified:
            hosts = own_addresses(version=ip_address(host).version)
        else:
            hosts = [str(host)]
        found += [str(Address(f"ip{ip_address(own).version}"[:3], own, port, None)) for own in hosts]
    found.sort(key=lambda text: ip_address(text.split("/")[2]).is_loopback)
    asked = [parse_address(text) for text in announce]
    return list(dict.fromkeys([str(Address(a.kind, a.host, a.port, None)) for a in asked] + found))


def remote_address(stream: trio.SocketStream) -> tuple[str, str]:
    """The other side's IP address, and its multiaddr; `OSError` if it is gone already."""
    host, port = stream.socket.getpeername()[:2]
    address = ip_address(str(host).split("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    plain = str(mapped or address)
    return plain, str(Address("ip6" if ":" in plain else "ip4", plain, port, None))


def own_addresses(*, version: int) -> list[str]:
    """This machine's addresses of IP version 4 or 6, link-local ones left out."""
    found = []
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ip_address(text.split("%")[0])
            if address.version == version and not address.is_link_local:
                found.append(str(address))
    return found


def reason(error: OSError) -> str:
    """What the operating system says, as the end of a sentence for a person."""
    # trio raises one error for all the sockets of a name; the causes have the numbers.
    cause: BaseException | None = error
    while isinstance(cause, BaseException) and getattr(cause, "errno", None) is None:
        cause = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause.__cause__
    number = getattr(cause, "errno", None)
    if number == errno.ECONNREFUSED:
        return "nobody listens there"
    if number == errno.EADDRINUSE:
        return "another program uses that port, perhaps a second node"
    if number == errno.EACCES:
        return "this user may not use that port; choose one above 1023"
    if number == errno.EADDRNOTAVAIL:
        return "this machine does not have that address"
    return (getattr(cause, "strerror", None) or str(error)).lower().rstrip(".")
