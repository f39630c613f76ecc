"""Who gets a place: limits in all and for each address, strangers at the door, peers kept away."""

from collections import Counter, OrderedDict
from collections.abc import Callable

from ..peers import PeerKey

__all__ = ["Admission"]

_MOST_BANNED = 10_000


class Admission:
    """Counts connections. Knows no sockets: a caller gives what to call to turn somebody out.

    A connection is first *at the door* (connected, not yet proved who it is), then *inside*.
    When the door is full the one that has waited longest there goes, from the address with most
    waiting: silent connections by the hundred do not keep an honest peer out.
    """

    def __init__(
        self, *, most: int, most_strangers: int, most_per_address: int, most_at_door: int, clock: Callable[[], float]
    ) -> None:
        self._most = most
        self._most_strangers = most_strangers
        self._most_per_address = most_per_address
        self._most_at_door = most_at_door
        self._clock = clock
        self._door: OrderedDict[object, tuple[str, Callable[[], None]]] = OrderedDict()
        self._strangers: Counter[str] = Counter()
        self._favoured = 0
        self._banned: OrderedDict[PeerKey, float] = OrderedDict()

    def knock(self, visitor: object, address: str, turn_out: Callable[[], None]) -> None:
        """Someone connected from `address`; whose key it is shows later, so everybody may knock."""
        self._door[visitor] = (address, turn_out)
        if len(self._door) > self._most_at_door:
            waiting = Counter(where for where, _ in self._door.values())
            crowd = max(waiting.values())
            oldest = next(key for key, (where, _) in self._door.items() if waiting[where] == crowd)
            self._door.pop(oldest)[1]()

    def leave_door(self, visitor: object) -> None:
        """The visitor is through, or gone."""
        self._door.pop(visitor, None)

    def enter(self, address: str, *, favoured: bool = False) -> bool:
        """Take a place inside; False when all, or all for strangers, or all for strangers from there, are taken.

        However many strangers there are, the favoured find the places that strangers cannot take;
        and a hall full of members behind one address is no crowd.
        """
        strangers = self._strangers.total()
        if strangers + self._favoured >= self._most:
            return False
        if favoured:
            self._favoured += 1
            return True
        if strangers >= self._most_strangers or self._strangers[address] >= self._most_per_address:
            return False
        self._strangers[address] += 1
        return True

    def leave(self, address: str, *, favoured: bool = False) -> None:
        """Give the place back, as it was taken."""
        if favoured:
            self._favoured -= 1
            return
        self._strangers[address] -= 1
        if self._strangers[address] <= 0:
            del self._strangers[address]

    def ban(self, peer: PeerKey, seconds: float) -> None:
        """Keep `peer` away for so long; a later ban replaces an earlier one."""
        self._banned.pop(peer, None)
        self._banned[peer] = self._clock() + seconds
        while len(self._banned) > _MOST_BANNED:
            self._banned.popitem(last=False)

    def banned(self, peer: PeerKey) -> bool:
        """True while `peer` is kept away."""
        until = self._banned.get(peer)
        if until is not None and until <= self._clock():
            del self._banned[peer]
            return False
        return until is not None
