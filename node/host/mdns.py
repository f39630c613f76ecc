"""Finding nodes on the local network: multicast DNS with zeroconf, in libp2p's form.

The library's own version dials whoever answers and waits in the way of others; ours only tells.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar, cast

import trio
from zeroconf import Error as ZeroconfError
from zeroconf import InterfaceChoice, IPVersion, ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from protocol.errors import Malformed

from ..peers import PeerKey, parse_address
from .listening import own_addresses

__all__ = ["announce_and_listen"]

log = logging.getLogger("folkmoot.host")

T = TypeVar("T")

_SERVICE = "_folkmoot._udp.local."
_MOST_ADDRESSES = 16
_MOST_WAITING = 64
_PATIENCE_MS = 3000


async def announce_and_listen(
    addresses: Sequence[str],
    interfaces: Sequence[str],
    found: Callable[[PeerKey, tuple[str, ...]], None],
) -> None:
    """Announce `addresses` (multiaddrs that end in our PeerId) and call `found` for other nodes, until cancelled.

    `interfaces` are IP addresses of this machine, none for all. Where there is no multicast the
    log says so and nothing else happens: this is a convenience.
    """
    # Zeroconf leaves a socket open when it is given an address that this machine does not have.
    missing = set(interfaces) - set(own_addresses(version=4))
    if missing:
        log.warning("No search on the local network: this machine is not %s.", ", ".join(sorted(missing)))
        return
    try:
        zeroconf = Zeroconf(list(interfaces) or InterfaceChoice.All, ip_version=IPVersion.V4Only)
    except OSError as error:
        log.warning("No search on the local network: %s", error)
        return
    send, receive = trio.open_memory_channel[str](_MOST_WAITING)
    loop = trio.lowlevel.current_trio_token()
    # The name says nothing about us: it is new at each start, as libp2p's specification asks.
    mine = f"{secrets.token_hex(16)}.{_SERVICE}"

    def hand_over(name: str) -> None:
        try:
            send.send_nowait(name)
        except (trio.WouldBlock, trio.BrokenResourceError):
            log.debug("Too many answers on the local network, or none wanted: %s left out.", name)

    def heard(*, name: str, state_change: ServiceStateChange, **_: object) -> None:  # in zeroconf's thread
        if state_change is not ServiceStateChange.Removed and name != mine:
            try:
                loop.run_sync_soon(hand_over, name)
            except trio.RunFinishedError:
                log.debug("An answer after the end: %s", name)

    info = ServiceInfo(
        _SERVICE,
        mine,
        port=_port(addresses),
        properties=_texts(addresses),
        server=f"{mine[:32]}.local.",
        # Nobody of ours reads them, but an answer without them counts as incomplete.
        parsed_addresses=list(interfaces) or own_addresses(version=4),
    )
    browser: ServiceBrowser | None = None
    try:
        try:
            await _in_thread(zeroconf.register_service, info)
        except (OSError, ZeroconfError) as error:
            log.warning("This node is not announced on the local network: %s", error)
        browser = ServiceBrowser(zeroconf, _SERVICE, handlers=[heard])
        async with receive:
            async for name in receive:
                answer = await _in_thread(zeroconf.get_service_info, _SERVICE, name, _PATIENCE_MS)
                if answer is not None:
                    _tell(answer.text or b"", found)
    finally:
        with trio.CancelScope(shield=True):
            if browser is not None:
                await trio.to_thread.run_sync(browser.cancel)  # closing alone leaves its thread
            await trio.to_thread.run_sync(zeroconf.close)


async def _in_thread(function: Callable[..., T], *args: object) -> T:
    """Run something slow of zeroconf's; when we are cancelled nobody waits for it."""
    # libp2p brings type stubs that are older than trio, and than this argument.
    call = partial(trio.to_thread.run_sync, abandon_on_cancel=True)  # type: ignore[call-arg]
    return cast(T, await call(function, *args))


def _tell(text: bytes, found: Callable[[PeerKey, tuple[str, ...]], None]) -> None:
    by_peer: dict[PeerKey, list[str]] = {}
    for entry in _entries(text):
        try:
            address = parse_address(entry)
        except Malformed as error:
            log.debug("Ignored on the local network: %s", error)
            continue
        if address.peer is not None:
            by_peer.setdefault(address.peer, []).append(str(address))
    for peer, addresses in by_peer.items():
        found(peer, tuple(addresses[:_MOST_ADDRESSES]))


def _texts(addresses: Sequence[str]) -> bytes:
    """A TXT record of `dnsaddr=` entries, one an address."""
    entries = [f"dnsaddr={address}".encode() for address in addresses[:_MOST_ADDRESSES]]
    return b"".join(bytes([len(entry)]) + entry for entry in entries if len(entry) < 256)


def _entries(text: bytes) -> list[str]:
    found, at = [], 0
    while at < len(text):
        entry = text[at + 1 : at + 1 + text[at]]
        at += 1 + text[at]
        if entry.startswith(b"dnsaddr=") and entry.isascii():
            found.append(entry[8:].decode())
    return found


def _port(addresses: Sequence[str]) -> int:
    return next((parse_address(address).port for address in addresses), 0)
