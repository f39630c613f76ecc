"""What the API stands on: the one door, the node's own keys, and what the running node knows of its network."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from node.config import Config
from node.keystore import NodeKeys
from node.peers import Address
from node.service import Service
from protocol.council.council import Council
from protocol.ids import parse_operation

__all__ = ["Local", "Network"]


class Network(Protocol):
    """The network side of the running node."""

    def addresses(self) -> Sequence[str]:
        """Where others reach this node: multiaddrs without `/p2p/`."""

    def connected(self) -> Collection[bytes]:
        """The keys of the peers that are connected now."""

    async def add_peer(self, address: Address) -> None:
        """Remember an address that names its peer, and dial it soon."""


@dataclass(frozen=True, slots=True)
class Local:
    """Everything that a request may need. `started`: ms since 1970."""

    service: Service
    network: Network
    keys: NodeKeys
    config: Config
    port: int
    started: int

    def council(self, text: str) -> Council:
        """The council with that id; `Malformed` for no id, `Refused` for one that is not here."""
        return self.service.council(parse_operation(text))
