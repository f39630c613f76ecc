"""The ports of a home: the usual ones, or others that it keeps to where another home was there first."""

import logging
import socket
from typing import Final

from msgspec import UNSET

from node.config import API_PORT, PORT, Settings
from node.refused import Refused
from node.store import Store

__all__ = ["Ports"]

log = logging.getLogger("folkmoot")

_PEERS: Final = "port"
_API: Final = "api port"
_ANY: Final = "/ip4/0.0.0.0/tcp/{}"


class Ports:
    """Which ports a node takes at its start.

    What `settings.toml` names is taken, or the start is refused. Otherwise it is the usual port, or
    where another program has that one any free one, which is noted: tickets and enrolments name it,
    so the home takes it again the next time.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def listen(self) -> tuple[str, ...]:
        """The multiaddrs on which peers reach this node."""
        if self._settings.listen is not UNSET:
            return self._settings.listen
        return (_ANY.format(self._noted(_PEERS, PORT)),)

    def otherwise(self) -> tuple[str, ...]:
        """The multiaddrs to take when those are taken; none where the settings name them."""
        return () if self._settings.listen is not UNSET else (_ANY.format(0),)

    def listened(self, addresses: list[str]) -> None:
        """Note on which addresses the node came to listen."""
        if self._settings.listen is UNSET:
            self._note(_PEERS, PORT, int(addresses[-1].split("/")[4]), "peers reach this node")

    def api(self) -> socket.socket:
        """The socket of the local API. `Refused` where the port that the settings name is taken."""
        from node.api.server import listen

        if self._settings.api_port is not UNSET:
            return listen(self._settings.api_port)
        try:
            listener = listen(self._noted(_API, API_PORT))
        except Refused:
            listener = listen(0)
        self._note(_API, API_PORT, listener.getsockname()[1], "the local API answers")
        return listener

    def _noted(self, name: str, usual: int) -> int:
        return int(self._store.fact(name) or usual)

    def _note(self, name: str, usual: int, port: int, what: str) -> None:
        if port != self._noted(name, usual):
            log.warning(
                "Port %d is taken by another program: %s on port %d from now on.", self._noted(name, usual), what, port
            )
            self._store.note(name, b"%d" % port)
