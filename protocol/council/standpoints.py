"""Where the seats stand in one ballot: what their councils told them, and who speaks for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from ..codec import encode
from ..federation.instruction import Instruction
from ..federation.link import Link
from ..ids import Digest, Membership, digest
from ..tellers.close import Cast, choose
from ..tellers.question import Question, check_choice

__all__ = ["Obedience", "Split", "Standpoint", "Standpoints", "votes_of"]


@dataclass(frozen=True, slots=True)
class Split:
    """A choice that is several: each with its share of the seat's weight."""

    parts: tuple[tuple[Fraction, Any], ...]


def votes_of(cast: Cast, weight: Fraction | int) -> list[tuple[Fraction | int, Any]]:
    """A cast as votes: one, or for a seat whose weight is split, several."""
    if isinstance(cast.choice, Split):
        return [(weight * share, choice) for share, choice in cast.choice.parts]
    return [(weight, cast.choice)]


@dataclass(frozen=True, slots=True)
class Standpoint:
    """How a seat stands in one ballot, as of epoch `number` of its council. device: its delegate's, if the mandate covers it."""

    id: Digest
    seat: Membership
    number: int
    device: bytes | None
    instruction: Instruction | None

    def cast(self, casts: Iterable[Cast], question: Question) -> Cast | None:
        """The seat's cast, of those by its devices that count; None when it abstains.

        What its council told it is its cast, whatever its delegate said. Where the council told
        it what the rule does not know, it says nothing: nobody is set free by a mistake.
        """
        own = [cast for cast in casts if cast.device == self.device]
        told = self.instruction
        if told is not None and any(check_choice(question, choice) is not None for choice in told.choices):
            return None
        if told is not None and told.split:
            whole = len(told.split) == 1 and told.split[0][0] == 1
            choice = told.split[0][1] if whole else Split(told.split)
            return Cast(self.id, self.seat, b"", self.number, choice)
        if told is not None:
            own = [cast for cast in own if cast.choice in told.allowed]
        return next(iter(choose(own)), None)


@dataclass(frozen=True, slots=True)
class Obedience:
    """What a seat was told by its council, and what those who spoke for it said, as far as it is known by now.

    said: the casts by the seat's devices of the highest revision for each, by id. against:
    those of them that have no effect, because the council said otherwise or recalled who cast
    them. verdict: for everybody to see.
    """

    point: Standpoint
    said: tuple[Cast, ...]
    against: tuple[Cast, ...]
    verdict: Literal["free", "silent", "as told", "differs"]


class Standpoints:
    """What was told of the seats on one ballot's roll."""

    def __init__(self, council: bytes, ballot: bytes, deadline: int) -> None:
        self._council, self._ballot, self._deadline = council, ballot, deadline
        self.told: dict[bytes, bytes] = {}
        """Operation that told it, kept -> the standpoint's id."""
        self._points: dict[bytes, Standpoint] = {}  # kept or not: a close that lists one has it for ever
        self._ever: dict[bytes, bytes] = {}

    def add(self, operation: bytes, seat: Membership, link: Link) -> None:
        """Take in that the seat stands as this epoch of its council says."""
        id = digest(encode([seat, link.digest]))
        mandate = link.mandates.get(self._council)
        device = None if mandate is None or self._deadline > mandate.until else mandate.delegates[0][1]
        instruction = link.instructions.get((self._council, self._ballot))
        self._points[id] = Standpoint(id, seat, link.number, device, instruction)
        self.told[operation] = self._ever[operation] = id

    def of(self, operation: bytes) -> Standpoint | None:
        """What an operation told, kept or not."""
        id = self._ever.get(operation)
        return None if id is None else self._points[id]

    def named(self, listed: Iterable[bytes]) -> frozenset[bytes]:
        """A close's list with standpoints by their own ids: who told them makes no difference."""
        return frozenset(self._ever.get(id, id) for id in listed)

    def obedience(self, casts: Iterable[Cast], question: Question) -> dict[Membership, Obedience]:
        """For each seat that was told of: whether its delegate says what its council told her to.

        `free`: no instruction; `silent`: she said nothing; `differs`: her cast has no effect
        as she meant it. An instruction is the cast in every case.
        """
        latest: dict[Membership, Standpoint] = {}
        for id in sorted(self.told.values()):
            point = self._points[id]
            if point.seat not in latest or point.number > latest[point.seat].number:
                latest[point.seat] = point
        by_device: dict[tuple[bytes, bytes], list[Cast]] = {}
        for cast in casts:
            by_device.setdefault((cast.voter, cast.device), []).append(cast)
        said = {place: choose(own)[0] for place, own in by_device.items()}
        return {
            seat: _obedience(point, [cast for (voter, _), cast in sorted(said.items()) if voter == seat], question)
            for seat, point in sorted(latest.items())
        }

    def chosen(self, counted: Iterable[bytes], every: Mapping[bytes, Cast], question: Question) -> list[Cast]:
        """The cast that counts for each voter, by voter, of all that enough closes list."""
        casts = [every[id] for id in counted if id in every]
        latest: dict[bytes, Standpoint] = {}
        for id in counted:
            point = self._points.get(id)
            if point is not None and (point.seat not in latest or point.number > latest[point.seat].number):
                latest[point.seat] = point
        out = choose(cast for cast in casts if cast.voter not in latest)
        for seat, point in latest.items():
            cast = point.cast([cast for cast in casts if cast.voter == seat], question)
            if cast is not None:
                out.append(cast)
        return sorted(out, key=lambda cast: cast.voter)


def _obedience(point: Standpoint, said: list[Cast], question: Question) -> Obedience:
    counts = point.cast(said, question)
    choice = None if counts is None else counts.choice
    against = tuple(cast for cast in said if cast.device != point.device or counts is None or cast.choice != choice)
    own = [cast for cast in said if cast.device == point.device]
    verdict: Literal["free", "silent", "as told", "differs"] = "as told"
    if not own:
        verdict = "silent"
    elif own[0] in against:
        verdict = "differs"
    elif point.instruction is None:
        verdict = "free"
    return Obedience(point, tuple(said), against, verdict)
