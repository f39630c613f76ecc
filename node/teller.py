"""A node's teller: it signs the epochs that follow from what the members did.

It decides nothing: what an epoch holds follows from the log, and every node checks it. What it
must never do is sign two records for one number. So what it signed is on disk before it is said
to anybody, this node's own log included, and after an old copy of the database was put back the teller is silent until
its own later operations have come back from half of the council's nodes.
"""

import logging
from typing import Final

from node.feed import Missed
from node.outcome import Accepted
from node.service import Service
from node.store import Store
from protocol.council.charter import UnknownRules
from protocol.council.council import Council
from protocol.council.epochs import Record
from protocol.council.signatures import pack_signatures, sign_epoch
from protocol.keys import public_key
from protocol.log.operation import Content, Draft

__all__ = ["Teller"]

log = logging.getLogger("folkmoot.teller")

_SILENT: Final = "teller-silent:"


class Teller:
    """Signs for the councils that name the key of `seed` as a teller.

    `restored` says that the database is older than what this node has said already.
    """

    def __init__(self, service: Service, store: Store, seed: bytes, *, restored: bool = False) -> None:
        self.key = public_key(seed)
        self._service = service
        self._store = store
        self._seed = seed
        self._heard: dict[bytes, set[bytes]] = {}
        if restored:
            for council in self.councils():
                store.note(_fact(council), b"restored")
                log.warning("An older copy of the database is in use: no epoch is signed before others were asked.")

    def councils(self) -> list[bytes]:
        """The councils that this teller serves, by id."""
        return [id for id, council in sorted(self._service.councils.items()) if self._serves(council)]

    def _serves(self, council: Council) -> bool:
        return any(teller.key == self.key for teller in council.head.tellers)

    def silent(self, council: bytes) -> str | None:
        """Why no epoch of that council is signed now, for people; None when nothing hinders."""
        if self._store.fact(_fact(council)) is not None:
            return (
                "This node's database was replaced by an older copy. Its teller waits until it has heard from half of "
                "the council's nodes what it signed since."
            )
        if self._service.council(council).charter.profile().q > 1:
            return "This council has several tellers; this version of Folkmoot signs for councils with one."
        return None

    def heard(self, council: bytes, peer: bytes) -> None:
        """A sync with `peer` went through: what it holds of the council is here now."""
        known = self._service.councils.get(council)
        if known is None or self._store.fact(_fact(council)) is None:
            return
        heard = self._heard.setdefault(council, set())
        heard.add(peer)
        others = known.head.entitled() - {self._service.node}
        if 2 * len(heard & others) >= len(others):
            self.confirm(council)

    def confirm(self, council: bytes) -> None:
        """Nothing that this teller signed is missing here: it may sign again."""
        self._store.note(_fact(council), None)
        log.info("The teller signs again.")

    async def run(self) -> None:
        """Sign whatever is due, from now on. Raises `StoreFailed` when the disk fails."""
        with self._service.subscribe() as feed:
            for council in self.councils():
                await self.sign(council)
            async for first in feed:
                # What came in one go is looked at once.
                news = [first, *feed.drain()]
                missed = any(isinstance(item, Missed) for item in news)
                touched = {item.council for item in news if not isinstance(item, Missed)}
                for council in self.councils() if missed else sorted(touched):
                    await self.sign(council)

    async def sign(self, council: bytes) -> None:
        """Sign the epochs of one council that are due now."""
        while (record := self._due(council)) is not None:
            # Had this node stopped between noting and saying, it says now what it noted then.
            said = self._store.sign_epoch(council, record.number, self._operation(council, record))
            (outcome,) = await self._service.submit([said])
            if not isinstance(outcome, Accepted):
                log.error("This node's own epoch %d did not come in: %s", record.number, outcome)
                return

    def _due(self, council: bytes) -> Record | None:
        known = self._service.councils.get(council)
        if known is None or not self._serves(known) or self.silent(council) is not None:
            return None
        try:
            return known.compose()
        except UnknownRules as rules:
            log.error("The council uses rules that this version lacks (%s): install a newer Folkmoot.", rules)
            return None

    def _operation(self, council: bytes, record: Record) -> bytes:
        """The operation that carries the record: its basis is what it builds on."""
        dag = self._service.council(council).dag
        signature = sign_epoch(self._seed, record.digest)
        draft = Draft(
            council=council,
            author=self.key,
            depth=1 + max(dag.depth[dag.rows[operation]] for operation in record.basis),
            deps=record.basis,
            time=self._service.clock(),
            kind="council.epoch",
            body={"number": record.number, "record": 0, "signatures": 1},
            contents=(Content(b"", record.data), Content(b"", pack_signatures(0, [(self.key, signature)]))),
        )
        return draft.signed(self._seed).encode()


def _fact(council: bytes) -> str:
    return _SILENT + council.hex()
