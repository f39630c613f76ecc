"""What the API stands on: the one door, the node's own keys, and what the running node knows of its network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from node.clock import Clock
from node.config import Config
from node.keystore import NodeKeys
from node.neighbours import KeptAway, Neighbour
from node.peers import Address
from node.service import Service
from node.tally import Tally
from protocol.council.council import Council
from protocol.ids import parse_operation

__all__ = ["Local", "Network", "Telling"]


class Network(Protocol):
    """The network side of the running node; `node.neighbours.Neighbours` is one."""

    def addresses(self) -> Sequence[str]:
        """Where others reach this node: multiaddrs without PeerId."""

    def connected(self) -> set[bytes]:
        """The keys of the peers that are connected now."""

    def known(self) -> list[Neighbour]:
        """Every node that this one knows, the connected first."""

    async def add_peer(self, address: Address) -> None:
        """Remember an address that names its peer, and dial it soon."""

    def forget_peer(self, peer: bytes) -> None:
        """Forget the addresses that a person gave."""

    def kept_away(self) -> list[KeptAway]:
        """The nodes that this one keeps away from."""

    def keep_away(self, peer: bytes, seconds: float | None, reason: str) -> None:
        """Let a peer go and neither dial nor answer it, for so long or until `let_near`."""

    def let_near(self, peer: bytes) -> None:
        """Talk to a peer again."""


class Telling(Protocol):
    """What the API asks of the node's teller; `node.teller.Teller` is one."""

    def silent(self, council: bytes) -> str | None:
        """Why no epoch of that council is signed now, for people; None when nothing hinders."""

    def astray(self, council: bytes) -> str | None:
        """Why it takes no part in that council's ballots now, for people; None when nothing hinders."""

    def confirm(self, council: bytes) -> None:
        """Nothing that this teller signed is missing here: it may sign again."""


@dataclass(frozen=True, slots=True)
class Local:
    """Everything that a request may need. `started`: ms since 1970."""

    service: Service
    network: Network
    teller: Telling
    keys: NodeKeys
    config: Config
    port: int
    started: int
    clock: Clock
    tally: Tally

    def council(self, text: str) -> Council:
        """The council with that id; `Malformed` for no id, `Refused` for one that is not here."""
        return self.service.council(parse_operation(text))
