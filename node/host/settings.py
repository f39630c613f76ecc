"""How a host behaves."""

from dataclasses import dataclass

from protocol.errors import Misuse

__all__ = ["HostSettings"]


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Times are in seconds.

    `key_seed` is the 32-byte seed of the node's Ed25519 key; `listen` holds multiaddrs
    (`/ip4/0.0.0.0/tcp/4001`, port 0 for any) and `otherwise` those to take when these are taken,
    none to give up then; `announce` further ones under which others reach us;
    `mdns_interfaces` the addresses of the interfaces to search on, none for all. Places: of those in
    all, strangers (peers that `Host.favour` does not know) get `max_strangers`, and from one address
    `max_connections_per_address`. From one address so many handshakes, and on one connection so many
    streams, are begun at once and then each second (`_burst`, `_rate`); what comes faster waits.
    """

    key_seed: bytes
    listen: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    announce: tuple[str, ...] = ()
    max_connections: int = 200
    max_strangers: int = 100
    max_connections_per_address: int = 50
    max_connections_per_peer: int = 2
    max_handshakes: int = 64
    max_streams_per_peer: int = 64
    handshake_burst: int = 100
    handshake_rate: float = 30.0
    stream_burst: int = 256
    stream_rate: float = 100.0
    handshake_timeout: float = 10.0
    negotiation_timeout: float = 10.0
    linger_timeout: float = 5.0
    ping_interval: float = 15.0
    ping_timeout: float = 20.0
    write_timeout: float = 20.0
    gossip: bool = False
    mdns: bool = False
    mdns_interfaces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.key_seed) != 32:
            raise Misuse("The seed of a node's key has 32 bytes.")
