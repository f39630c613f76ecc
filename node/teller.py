"""A node's teller: it signs the epochs that follow from what the members did, and counts ballots.

It decides nothing: what an epoch holds, or a ballot's casts add up to, follows from the log, and
every node checks it. What it must never do is sign two records for one number. So what it signed is on disk before it is said
to anybody, this node's own log included, and after an old copy of the database was put back the teller is silent until
its own later operations have come back from half of the council's nodes, and from most of the other tellers.
"""

import logging
import math
import time
from collections.abc import Sequence
from typing import Final

import trio

from node.clock import Clock
from node.feed import Missed, News, Subscription
from node.outcome import Accepted
from node.service import Arrival, Service
from node.store import Batch, Pending, Store
from protocol.council.charter import UnknownRules
from protocol.council.council import Council
from protocol.council.recovery import recovered
from protocol.council.tellership import Deed, Tellership
from protocol.keys import public_key
from protocol.log.operation import Content, Draft

__all__ = ["Teller"]

log = logging.getLogger("folkmoot.teller")

_SILENT: Final = "teller-silent:"
_RESTORED: Final = "teller-restored"
_LOOK: Final = 60.0  # seconds after which a clock that is in doubt is looked at again
_LATELY: Final = 600_000  # ms: longer than any sync interval
_ASTRAY: Final = 60_000  # ms by which this clock may differ from those of most other tellers


class Teller:
    """Signs for the councils that name the key of `seed` as a teller.

    `restored` says that the database may be older than what this node has said already. Without
    `clock` the service's is believed.
    """

    def __init__(
        self, service: Service, store: Store, seed: bytes, *, restored: bool = False, clock: Clock | None = None
    ) -> None:
        self.key = public_key(seed)
        self._service = service
        self._store = store
        self._seed = seed
        self._clock = clock
        self._heard: dict[bytes, set[bytes]] = {}
        self._contacts: dict[bytes, dict[bytes, int]] = {}  # council -> peer -> when they synced last, ms
        self._offices: dict[bytes, Tellership] = {}
        self._clocks: dict[bytes, tuple[int, float]] = {}  # peer -> by how many ms it is ahead, and since when we know
        self._astray: set[bytes] = set()  # councils of which the log was told
        self._receipts = store.receipts()
        self._untimed: set[bytes] = set(self.councils())  # where something may have come that has no time
        service.time_with(self._time)
        if restored:
            store.note(_RESTORED, b"1")
            for council in self.councils():
                # Where there is no other node, nobody could have what is missing here.
                if self._others(council):
                    store.note(_fact(council), b"restored")
                    log.warning("A copy of the database is in use: no epoch is signed before others were asked.")

    def councils(self) -> list[bytes]:
        """The councils that this teller serves, by id."""
        return [id for id, council in sorted(self._service.councils.items()) if self._serves(council)]

    def _serves(self, council: Council) -> bool:
        return any(teller.key == self.key for teller in council.head.tellers)

    def silent(self, council: bytes) -> str | None:
        """Why no epoch of that council is signed now, for people; None when nothing hinders."""
        if self._store.fact(_fact(council)) is not None:
            return (
                "this node's database was put back from a copy, or moved, so its teller waits until it has heard from "
                "half of the council's other nodes, and from most other tellers, what it signed since"
            )
        doubt = None if self._clock is None else self._clock.doubt()
        return None if doubt is None else f"the teller waits, because {doubt}"

    def met(self, council: bytes, peer: bytes) -> None:
        """A sync with `peer` went through, whoever began it: this node is not alone."""
        if council in self._service.councils:
            self._contacts.setdefault(council, {})[peer] = self._service.clock()

    def heard(self, council: bytes, peer: bytes) -> None:
        """A sync with `peer` that this node began went through: what it holds of the council is here now."""
        known = self._service.councils.get(council)
        if known is None:
            return
        self.met(council, peer)
        if self._store.fact(_fact(council)) is None:
            return
        heard = self._heard.setdefault(council, set())
        heard.add(peer)
        if recovered(known.head, self._service.node, heard):
            self.confirm(council)

    def _others(self, council: bytes) -> set[bytes]:
        return self._service.council(council).head.entitled() - {self._service.node}

    def confirm(self, council: bytes) -> None:
        """Nothing that this teller signed is missing here, and the clock is right: it may sign again."""
        if self._clock is not None:
            self._clock.trust()
        self._store.note(_fact(council), None)
        log.info("The teller signs again.")

    # --- the time ---------------------------------------------------------------------------------

    def timed(self, peer: bytes, ahead: int) -> None:
        """A peer's clock is ahead of this node's by so many ms at least; behind it, if that is below 0."""
        self._clocks[peer] = (ahead, time.monotonic())
        for id, council in self._service.councils.items():
            why = self.astray(id)
            if why is not None and id not in self._astray:
                log.error("The teller abstains: %s.", why)
                self._astray.add(id)
            elif why is None and id in self._astray:
                log.info(
                    "This clock agrees with the other tellers' again: the teller goes on in %s.", council.charter.name
                )
                self._astray.discard(id)

    def astray(self, council: bytes) -> str | None:
        """Why this teller takes no part in the council's ballots now, for people: its clock is wrong."""
        known = self._service.councils.get(council)
        far = None if known is None or not self._concerned(known) else self._far(known)
        if far is None:
            return None
        which = "behind" if far > 0 else "ahead of"
        return (
            f"this computer's clock is {abs(far) // 1000} seconds {which} those of the other tellers, so its teller takes no "
            "part in ballots; set it right (timedatectl set-ntp true)"
        )

    def _far(self, council: Council) -> int | None:
        """By how many ms the other tellers' clocks are ahead, if most of those we talk to are too far off."""
        others = [teller for teller in (*council.head.tellers, *council.head.former) if teller.key != self.key]
        since = time.monotonic() - _LATELY / 1000
        told = [self._clocks[other.node] for other in others if other.node in self._clocks]
        ahead = sorted(by for by, at in told if at >= since)
        # One that lies, or is astray itself, is no reason to fall silent.
        off = [by for by in ahead if abs(by) > _ASTRAY]
        return off[len(off) // 2] if 2 * len(off) > len(ahead) else None

    def _time(self, council: bytes, operation: bytes) -> int | None:
        """When what tellers must time came: now. None for what this one does not time, or cannot now."""
        known = self._service.councils.get(council)
        if known is None or not self._concerned(known):
            return None
        if self._clock is not None:
            self._clock.note()
        if not self._trusted(known):
            self._untimed.add(council)
            return None
        # Everything but plain talk may be a reason, a cast or a close.
        return self._receipts.setdefault(operation, self._service.clock())

    def _trusted(self, council: Council) -> bool:
        return self._far(council) is None and (self._clock is None or self._clock.doubt() is None)

    def _catch_up(self, council: Council) -> None:
        """What came while the clock was wrong came at the latest now."""
        box, now = council.box, self._service.clock()
        named = {*box.revocations}
        for ballot in box.running.values():
            named.update(ballot.casts, *(instance.closes for instance in ballot.instances))
        fresh = [(operation, now) for operation in sorted(named) if operation not in self._receipts]
        if fresh:
            self._store.save(Batch(receipts=fresh))
            self._receipts.update(fresh)
        self._untimed.discard(council.id)

    def saved(self, arrivals: Sequence[Arrival]) -> None:
        """When they came was saved with them."""
        for arrival in arrivals:
            if arrival.id == arrival.council and arrival.source is not None and self._store.fact(_RESTORED):
                # The database that was lost may have held this council, and what was signed in it.
                self._store.note(_fact(arrival.council), b"restored")

    def lacking(self, council: bytes, source: bytes | None) -> None:
        """Nothing to do: that is for the sync."""

    def following(self, pending: Pending) -> None:
        """Nothing to do: that is for the neighbours."""

    async def run(self) -> None:
        """Do whatever is due, from now on. Raises `StoreFailed` when the disk fails."""
        with self._service.subscribe() as feed:
            for council in sorted(self._service.councils):
                await self.sign(council)
            while (news := await _news(feed, self._sleep())) is not None:
                # A deadline that passed may be any council's.
                everywhere = not news or any(isinstance(item, Missed) for item in news)
                touched = {item.council for item in news if not isinstance(item, Missed)}
                for council in sorted(self._service.councils) if everywhere else sorted(touched):
                    await self.sign(council)

    def _sleep(self) -> float:
        """Seconds until some deadline or time-out passes; without end when none is ahead."""
        if self._astray or (self._clock is not None and self._clock.doubt() is not None):
            return _LOOK
        wakes = [office.wake for office in self._offices.values() if office.wake is not None]
        return max(0.0, (min(wakes) - self._service.clock()) / 1000) if wakes else math.inf

    async def sign(self, council: bytes) -> None:
        """Say what is due in one council now."""
        while (said := self._due(council)) is not None:
            (outcome,) = await self._service.submit([said])
            if not isinstance(outcome, Accepted):
                log.error("What this node's teller had to say did not come in: %s", outcome)
                return

    def _due(self, council: bytes) -> bytes | None:
        known = self._service.councils.get(council)
        if known is None or self.silent(council) is not None or not self._concerned(known):
            return None
        office = self._offices.get(council)
        if office is None:
            office = self._offices[council] = Tellership(known, self._seed, _Here(self, known))
        office.astray = self._far(known) is not None
        if council in self._untimed and not office.astray:
            self._catch_up(known)
        try:
            deed = office.poll(self._service.clock())
        except UnknownRules as rules:
            log.error("The council uses rules that this version lacks (%s): install a newer Folkmoot.", rules)
            return None
        if deed is None:
            return None
        said = self._operation(council, deed)
        if deed.kind == "council.epoch" and known.head.charter.profile().n == 1:
            # Had this node stopped between noting and saying, it says now what it noted then.
            return self._store.sign_epoch(council, known.head.number + 1, said)
        return said

    def _concerned(self, council: Council) -> bool:
        """Whether the teller has something to do there: now in office, or bound by a ballot that it accepted."""
        return self._serves(council) or any(self.key in ballot.tellers for ballot in council.box.ballots.values())

    def _operation(self, council: bytes, deed: Deed) -> bytes:
        """The operation that says the deed, on top of all heads; an epoch's builds on its basis alone."""
        dag = self._service.council(council).dag
        deps = deed.needs if deed.alone else self._service.draft(council, deed.needs).deps
        draft = Draft(
            council=council,
            author=self.key,
            depth=1 + max(dag.depth[dag.rows[operation]] for operation in deps),
            deps=deps,
            time=self._service.clock(),
            kind=deed.kind,
            body=deed.body,
            contents=tuple(Content(b"", part) for part in deed.parts),
        )
        return draft.signed(self._seed).encode()

    def received(self, operation: bytes) -> int | None:
        """When an operation came here first, ms."""
        return self._receipts.get(operation)

    def in_contact(self, council: Council) -> int:
        """With how many other tellers this node synced lately."""
        since = self._service.clock() - _LATELY
        heard = self._contacts.get(council.id, {})
        return sum(
            1 for teller in council.head.tellers if teller.key != self.key and heard.get(teller.node, 0) >= since
        )


async def _news(feed: Subscription, seconds: float) -> list[News | Missed] | None:
    """What came in one go; nothing when the time passed first, None when the feed has ended."""
    news: list[News | Missed] | None = None
    with trio.move_on_after(seconds) as scope:
        async for first in feed:
            news = [first, *feed.drain()]
            break
    return [] if scope.cancelled_caught else news


class _Here:
    """What the teller's node knows beyond one council's log."""

    def __init__(self, teller: Teller, council: Council) -> None:
        self._teller, self._council = teller, council

    def received(self, operation: bytes) -> int | None:
        return self._teller.received(operation)

    def in_contact(self) -> int:
        return self._teller.in_contact(self._council)


def _fact(council: bytes) -> str:
    return _SILENT + council.hex()
