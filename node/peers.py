"""Peers as people write them: PeerIds and addresses. Pure text, no libp2p.

An address is a multiaddr such as `/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...`: where a node
listens, and whose key must answer there.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from protocol.errors import Malformed
from protocol.ids import parse_peer, peer_text

__all__ = ["Address", "PeerKey", "parse_address", "peer_id_text", "peer_key_of"]

PeerKey = bytes
"""A node's Ed25519 public key, 32 bytes. Its PeerId is the identity multihash of it."""

_NAMES = ("dns", "dns4", "dns6")
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node listens: `host` is an IP address or a name, `peer` its key if the address says so."""

    kind: str
    host: str
    port: int
    peer: PeerKey | None

    def __str__(self) -> str:
        end = f"/p2p/{peer_text(self.peer)}" if self.peer is not None else ""
        return f"/{self.kind}/{self.host}/tcp/{self.port}{end}"


def peer_id_text(key: PeerKey) -> str:
    """A node's key as a PeerId: `12D3KooW...`."""
    return peer_text(key)


def peer_key_of(text: str) -> PeerKey:
    """The key behind a PeerId; `Malformed` when it is not an Ed25519 PeerId."""
    return parse_peer(text)


def parse_address(text: str) -> Address:
    """Read `/ip4|ip6|dns|dns4|dns6/HOST/tcp/PORT[/p2p/PEERID]`; `Malformed` says what is wrong."""
    parts = text.split("/")
    if len(text) > _LONGEST or len(parts) not in (5, 7) or parts[0] or parts[3] != "tcp":
        raise _bad(text, "an address looks like /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...")
    kind, host, port_text = parts[1], parts[2], parts[4]
    if not (port_text.isascii() and port_text.isdigit() and len(port_text) <= 5 and int(port_text) <= 65535):
        raise _bad(text, "a port is a number from 0 to 65535")
    try:
        if kind == "ip4":
            host = str(IPv4Address(host))
        elif kind == "ip6":
            host = str(IPv6Address(host))
        elif kind not in _NAMES:
            raise _bad(text, f"it must start with /ip4, /ip6 or /dns, not /{kind[:20]}")
        elif not _is_name(host):
            raise _bad(text, f"{host[:60]!r} is not the name of a computer")
    except ValueError:
        raise _bad(text, f"{host[:60]!r} is not an {kind} address") from None
    peer = None
    if len(parts) == 7:
        if parts[5] != "p2p":
            raise _bad(text, "after the port only /p2p/PEERID may follow")
        peer = parse_peer(parts[6])
    return Address(kind, host, int(port_text), peer)


def _is_name(host: str) -> bool:
    labels = host.rstrip(".").split(".")
    return len(host) <= 253 and all(
        label.isascii() and label.replace("-", "a").replace("_", "a").isalnum() and len(label) <= 63 for label in labels
    )


def _bad(text: str, why: str) -> Malformed:
    return Malformed("address", f"{text[:80]!r} is not a node's address: {why}.")
