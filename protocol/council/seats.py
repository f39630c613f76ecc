"""Councils that sit here or ask to: what was carried of them, judged from its own causal past."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ..codec import decode
from ..errors import Malformed, Refusal
from ..federation.founding import founding_link
from ..federation.link import Link, follow
from ..federation.roll import Roll, read_roll
from ..ids import Membership
from ..log.operation import MAX_PARTS, decode_envelope
from .body import Body
from .seat_bodies import Apply, Carry

__all__ = ["MAX_CARRIED", "Carried", "CarriedPaper", "Pool", "SeatBook", "Shown", "unpack_epochs"]

MAX_CARRIED: Final = 64
"""Epochs that one operation carries at most."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Of a roll that was shown: how many people are on it, and which nodes."""

    people: int
    nodes: tuple[bytes, ...]


class Carried(Body, frozen=True):
    """Epochs of a child that follow one another, each justified by the one before.

    seat: the child's application. links: know nothing of people. shown: the digest of an epoch
    -> what its roll says, where that came along.
    """

    seat: bytes
    links: tuple[Link, ...]
    shown: dict[bytes, Shown]


@dataclass(frozen=True, slots=True)
class CarriedPaper:
    """One operation about a seat, with what its causal past says. parts: contents by index."""

    id: bytes
    epoch: int
    membership: Membership | None
    body: Apply | Carry
    deps: tuple[bytes, ...]
    parts: Mapping[int, bytes]


class SeatBook:
    """What was carried of other councils into one council's log.

    seats: epoch number -> application -> the child's latest epoch that is taken in there.
    """

    def __init__(self, seats: Callable[[int], Mapping[bytes, Link]]) -> None:
        self._seats = seats
        self.carried: dict[bytes, Carried] = {}
        """Operation -> what it carried, with effect."""

    def take_in(self, paper: CarriedPaper) -> Carried | Refusal:
        """Judge and take in. A member brings an application; anybody in standing may carry."""
        if isinstance(paper.body, Apply) and paper.membership is None:
            return Refusal("voice", "a teller's key has no voice in what members say and decide.")
        try:
            seat, link = self._start(paper)
            carried = _follow(seat, link, unpack_epochs(paper.parts[paper.body.epochs]))
        except Malformed as error:
            return Refusal(error.rule, error.message)
        if isinstance(paper.body, Carry) and not carried.links:
            return Refusal("carry-epochs", "nothing is carried.")
        if isinstance(paper.body, Apply):
            carried = Carried(seat, (link.bare(), *carried.links), carried.shown | _founded(link))
        self.carried[paper.id] = carried
        return carried

    def is_application(self, operation: bytes) -> bool:
        """Whether it is an application for a seat, with effect."""
        return operation in self.carried and self.carried[operation].seat == operation

    def rivals(self, seat: bytes) -> list[tuple[Link, ...]]:
        """Epochs of a child of one number, of which there should be one: its tellers signed them all."""
        numbered: dict[int, dict[bytes, Link]] = {}
        for carried in self.carried.values():
            for link in carried.links if carried.seat == seat else ():
                numbered.setdefault(link.number, {})[link.digest] = link
        return [tuple(links[name] for name in sorted(links)) for _, links in sorted(numbered.items()) if len(links) > 1]

    def discard(self, operation: bytes) -> None:
        """Forget what is not kept any more."""
        self.carried.pop(operation, None)

    def _start(self, paper: CarriedPaper) -> tuple[bytes, Link]:
        """The application, and the epoch that what is carried follows; raises `Malformed` when there is none."""
        body = paper.body
        if isinstance(body, Apply):
            link = founding_link(decode_envelope(paper.parts[body.founding]))
            if isinstance(link, Refusal):
                raise Malformed(link.rule, link.message)
            return paper.id, link
        if body.after is not None:
            before = self.carried.get(body.after)
            if before is None or body.after not in paper.deps or before.seat != body.seat:
                raise Malformed("carry-after", "what it goes on from is not carried for this seat, or not a dep.")
            return body.seat, before.links[-1]
        seats = self._seats(paper.epoch)
        if body.seat not in seats:
            raise Malformed("carry-seat", "no such council sits here; name what was carried of it before.")
        return body.seat, seats[body.seat]


def _founded(link: Link) -> dict[bytes, Shown]:
    return {link.digest: Shown(link.people or 0, link.nodes)}


def _follow(seat: bytes, link: Link, epochs: list[tuple[bytes, bytes, Roll | None]]) -> Carried:
    """The epochs one after the other; raises `Malformed` with the rule that the first bad one breaks."""
    links: list[Link] = []
    shown: dict[bytes, Shown] = {}
    link = link.bare()
    for record, signatures, roll in epochs:
        step = follow(link, record, signatures, roll)
        if isinstance(step, Refusal):
            raise Malformed(step.rule, step.message)
        link = step
        links.append(link)
        if roll is not None and roll.digest == link.roll:
            shown[link.digest] = Shown(roll.people, roll.nodes)
    return Carried(seat, tuple(links), shown)


def unpack_epochs(part: bytes) -> list[tuple[bytes, bytes, Roll | None]]:
    """Records with their signatures, and the rolls that are shown; `Malformed` unless well formed."""
    value = decode(part, MAX_PARTS)
    out: list[tuple[bytes, bytes, Roll | None]] = []
    if type(value) is not list or len(value) > MAX_CARRIED:
        raise Malformed("carry-epochs", f"the part is not a list of at most {MAX_CARRIED} epochs.")
    for item in value:
        if type(item) is not list or len(item) != 3 or type(item[0]) is not bytes or type(item[1]) is not bytes:
            raise Malformed("carry-epochs", "an epoch is carried as its record, its signatures, and a roll or null.")
        if item[2] is not None and type(item[2]) is not bytes:
            raise Malformed("carry-epochs", "a roll is shown as its canonical bytes.")
        out.append((item[0], item[1], None if item[2] is None else read_roll(item[2])))
    return out


@dataclass(frozen=True, slots=True)
class Pool:
    """What was carried of one child and no epoch here has taken in yet.

    links: digest -> the epoch and the lowest operation that carried it. shown: as in `Carried`.
    """

    links: Mapping[bytes, tuple[Link, bytes]] = field(default_factory=dict)
    shown: Mapping[bytes, Shown] = field(default_factory=dict)

    def taking(self, operation: bytes, carried: Carried) -> "Pool":
        """The same with what this operation carried."""
        links = dict(self.links)
        for link in carried.links:
            held = links.get(link.digest)
            links[link.digest] = (link, operation if held is None else min(operation, held[1]))
        return Pool(links, {**self.shown, **carried.shown})

    def onwards(self, tip: Link, believed: bytes | None) -> list[tuple[Link, bytes]]:
        """The epochs that follow `tip` one after the other, each with the operation that carried it.

        believed: the epoch of that child by which members replaced tellers, and that is
        believed here. Where its tellers signed two of one number, the lower digest goes on: any
        rule would do, as long as it is everybody's.
        """
        out: list[tuple[Link, bytes]] = []
        while True:
            after = [
                (link.digest != believed, link.digest)
                for link, _ in self.links.values()
                if link.previous == tip.digest and (not link.by_members or link.digest == believed)
            ]
            if not after:
                return out
            link, reason = self.links[min(after)[1]]
            tip = self._counted(link, tip)
            out.append((tip, reason))

    def replaces(self, epoch: bytes) -> bool:
        """Whether by this epoch members replaced the tellers without them."""
        return epoch in self.links and self.links[epoch][0].by_members

    def ahead(self, tip: Link) -> "Pool":
        """What still may follow `tip` one day: of the rest only the log knows."""
        reached: set[bytes] = {tip.digest}
        links: dict[bytes, tuple[Link, bytes]] = {}
        for link, reason in sorted(self.links.values(), key=lambda pair: (pair[0].number, pair[0].digest)):
            if link.previous in reached:
                reached.add(link.digest)
                links[link.digest] = (link, reason)
        return Pool(links, {name: seen for name, seen in self.shown.items() if name in links})

    def begin(self) -> Link | None:
        """The founding of a child that asks for a seat."""
        for link, _ in self.links.values():
            if link.number == 0:
                return self._counted(link, link)
        return None

    def _counted(self, link: Link, before: Link) -> Link:
        """`link` with the people of the roll that came along, or else as they were before."""
        seen = self.shown.get(link.digest)
        if seen is None:
            return replace(link, people=before.people, nodes=before.nodes, counted=before.counted)
        return replace(link, people=seen.people, nodes=seen.nodes, counted=link.number)
