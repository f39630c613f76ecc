"""Ties that the ballots leave open: a fixed order first, then a lot from the tellers' seed.

A rule exhausts its own means (the earlier stages of a count, for one) before it asks a
`Decider`. Each question is put through `Draws`, which keeps what was asked and answered,
so that no lot is hidden. `every_outcome` answers every question in every way instead.

A lot depends on the seed and on the question alone, not on how many lots came before:
whoever has the seed checks one lot without repeating the count.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import combinations, islice
from math import comb
from typing import Final, Literal, Protocol, TypeVar

from ..errors import Malformed
from .ballots import Lot, Ranking, Result, Ties

__all__ = [
    "LISTED",
    "MOST_COUNTS",
    "ByLot",
    "ByOrder",
    "Decider",
    "Draws",
    "Settlement",
    "Stream",
    "every_outcome",
    "fill",
    "lot_seed",
    "settle",
]

MOST_COUNTS: Final = 10_000
"""How many counts or outcomes `every_outcome` and `fill` try before they call the list incomplete."""

_LOT: Final = b"folkmoot/lot/1"
_SEED: Final = b"folkmoot/lot-seed/1"

RoundT = TypeVar("RoundT")


class Decider(Protocol):
    """Chooses among those whom the rule finds equal."""

    def pick(self, among: tuple[int, ...], *, round: int, purpose: str, favours: bool) -> int:
        """One of ``among`` (two or more, ascending).

        ``favours`` says whether it is good for her to be picked (a seat) or bad (exclusion).
        """
        ...


@dataclass(frozen=True, slots=True)
class ByOrder:
    """A fixed order, best first, such as seniority: the first is favoured, the last gives way.

    Equals share a tier of ``order``, and who is in none comes after all the others, equal
    among themselves. Among equals ``then`` decides; without it, the number on the list.
    """

    order: Ranking = ()
    then: Decider | None = None

    def pick(self, among: tuple[int, ...], *, round: int, purpose: str, favours: bool) -> int:
        tiers = [tuple(c for c in among if c in tier) for tier in self.order]
        named = {c for tier in self.order for c in tier}
        tiers.append(tuple(c for c in among if c not in named))
        tiers = [tier for tier in tiers if tier]
        best = tiers[0] if favours else tiers[-1]
        if len(best) > 1 and self.then is not None:
            return self.then.pick(best, round=round, purpose=purpose, favours=favours)
        return best[0] if favours else best[-1]


LISTED: Final = ByOrder()
"""Whoever is listed first is favoured: repeatable where no seed exists, and fair to nobody."""


class Stream:
    """Uniform whole numbers from a seed: SHA-256 in counter mode, rejection instead of remainders.

    Block i is ``SHA-256(key + i as 8 bytes, big-endian)`` with ``key = SHA-256(label + 0 byte
    + seed)``. A number below n takes the fewest whole bytes that hold n - 1, keeps the lowest
    bits needed of them (big-endian), and is drawn again while it is n or more.
    """

    __slots__ = ("_buffer", "_counter", "_key")

    def __init__(self, seed: bytes, label: bytes) -> None:
        self._key = sha256(label + b"\0" + seed).digest()
        self._counter = 0
        self._buffer = b""

    def below(self, n: int) -> int:
        """A number from 0 to n - 1, every one exactly as likely."""
        bits = (n - 1).bit_length()
        while True:
            number = int.from_bytes(self._take((bits + 7) // 8), "big") & ((1 << bits) - 1)
            if number < n:
                return number

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._buffer += sha256(self._key + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


@dataclass(frozen=True, slots=True)
class ByLot:
    """Drawn by lot from ``seed``, as `lot_seed` makes it."""

    seed: bytes

    def pick(self, among: tuple[int, ...], *, round: int, purpose: str, favours: bool) -> int:
        label = b"/".join((_LOT, purpose.encode(), str(round).encode(), ",".join(map(str, among)).encode()))
        return among[Stream(self.seed, label).below(len(among))]


def lot_seed(ballot: bytes, instance: int, nonces: Iterable[bytes]) -> bytes:
    """The seed of a ballot's lots: 32 bytes from the ballot's id, the instance and the tellers' nonces.

    The nonces are sorted, so that the order of the closes says nothing. The casts are not in
    it: nobody can search for a cast that wins the lot.
    """
    digest = sha256(_SEED + b"\0")
    for part in (ballot, instance.to_bytes(8, "big"), *sorted(nonces)):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


class Draws:
    """Puts a count's open questions to a decider and keeps the answers."""

    __slots__ = ("_decider", "_lots")

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self._lots: list[Lot] = []

    def pick(
        self, among: Iterable[int], *, round: int, purpose: str, favours: bool, state: Callable[[], Hashable]
    ) -> int:
        """One of ``among``; a lone candidate is taken without asking.

        ``state`` gives everything that the rest of the count depends on, to spare
        `every_outcome` the ways that come to the same.
        """
        tied = tuple(sorted(among))
        if len(tied) == 1:
            return tied[0]
        if isinstance(self._decider, _Path):
            self._decider.arrive(state())
        chosen = self._decider.pick(tied, round=round, purpose=purpose, favours=favours)
        self._lots.append(Lot(round, purpose, tied, chosen))
        return chosen

    @property
    def ties(self) -> Ties | None:
        """What was decided from outside the rule so far; None when nothing was."""
        return Ties(tuple(self._lots)) if self._lots else None


class _Explored(Exception):
    """The count has come to a state from which every way on is already known."""


class _Path:
    """Answers from a given list of positions, then always the first; notes how many there were."""

    def __init__(self, answers: Sequence[int], seen: set[Hashable]) -> None:
        self._answers = answers
        self._seen = seen
        self.sizes: list[int] = []

    def arrive(self, state: Hashable) -> None:
        if len(self.sizes) < len(self._answers):
            return  # On the way back to where the last way branched off: our own footsteps.
        if state in self._seen:
            raise _Explored
        self._seen.add(state)

    def pick(self, among: tuple[int, ...], *, round: int, purpose: str, favours: bool) -> int:
        step = len(self.sizes)
        self.sizes.append(len(among))
        return among[self._answers[step] if step < len(self._answers) else 0]


def every_outcome(count: Callable[[Decider], Result[RoundT]], result: Result[RoundT]) -> Result[RoundT]:
    """``result`` with every set of elected that other answers to its ties could have given.

    ``count`` is the count itself as a function of its decider. It is repeated for every
    way through the tree of ties that leads somewhere new, at most `MOST_COUNTS` times.
    """
    if result.ties is None:
        return result
    outcomes: set[tuple[int, ...]] = {tuple(sorted(result.elected))}
    seen: set[Hashable] = set()
    answers: list[int] = []
    for _ in range(MOST_COUNTS):
        path = _Path(tuple(answers), seen)
        with suppress(_Explored):
            outcomes.add(tuple(sorted(count(path).elected)))
        answers += [0] * (len(path.sizes) - len(answers))
        while answers and answers[-1] + 1 == path.sizes[len(answers) - 1]:
            answers.pop()
        if not answers:
            return replace(result, ties=replace(result.ties, outcomes=tuple(sorted(outcomes))))
        answers[-1] += 1
    return replace(result, ties=replace(result.ties, outcomes=tuple(sorted(outcomes)), complete=False))


def fill(
    ranking: Ranking, seats: int, *, round: int, decider: Decider, all_ties: bool
) -> tuple[tuple[int, ...], Ties | None]:
    """Who takes ``seats`` from a ranking, best first, and the ties at the last seat.

    Only the tier in which the seats run out is in doubt; inside a tier that fits, the
    order of election is the order of the list.
    """
    elected: list[int] = []
    for tier in ranking:
        free = seats - len(elected)
        if len(tier) <= free:
            elected.extend(sorted(tier))
            continue
        if free == 0:
            break
        safe, left = tuple(elected), sorted(tier)
        lots: list[Lot] = []
        for _ in range(free):
            among = tuple(left)
            chosen = decider.pick(among, round=round, purpose="elect", favours=True)
            lots.append(Lot(round, "elect", among, chosen))
            left.remove(chosen)
            elected.append(chosen)
        ties = Ties(tuple(lots))
        if all_ties:
            ways = islice(combinations(sorted(tier), free), MOST_COUNTS)
            outcomes = {tuple(sorted(safe + way)) for way in ways} | {tuple(sorted(elected))}
            ties = replace(ties, outcomes=tuple(sorted(outcomes)), complete=comb(len(tier), free) <= MOST_COUNTS)
        return tuple(elected), ties
    return tuple(elected), None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a charter that draws no lots makes of a tie.

    ``elected`` are those whom every outcome elects; ``open`` seats are left, and
    ``run_off`` stand again for them (nobody, where the charter lets the seat fall empty).
    """

    elected: tuple[int, ...]
    open: int
    run_off: tuple[int, ...]


def settle(fixed: Literal["fails", "run-off"], result: Result[RoundT]) -> Settlement:
    """Apply the fixed rule ``fails`` or ``run-off`` to a count made with every outcome.

    Raises `Malformed` when the ties of the result are open and their outcomes were not
    all listed: nobody can then say who is elected for certain.
    """
    ties = result.ties
    if ties is None:
        return Settlement(result.elected, 0, ())
    if not ties.outcomes or not ties.complete:
        raise Malformed("ties.unlisted", "Count with every outcome of the ties listed; they are too many or missing.")
    sets = [set(outcome) for outcome in ties.outcomes]
    certain = set.intersection(*sets)
    contested = set.union(*sets) - certain
    elected = tuple(c for c in result.elected if c in certain)
    stand_again = tuple(sorted(contested)) if fixed == "run-off" else ()
    return Settlement(elected, len(result.elected) - len(elected), stand_again)
