"""Valleys: a federation at random, with two communes that sit in it or not, and with what liars carry into it.

A step is a tuple of small numbers, as in `tests.steps`: every list of steps is a valley.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from protocol.council.signatures import pack_signatures, sign_replacement
from protocol.errors import Refusal
from protocol.log.operation import Content, Envelope

from .attacks.scenes import forge, new_tellers
from .federations import VALLEY, application, commune, decide, mandate, pack, parent_of, roll_bytes, seals, shown
from .villages import pick
from .worlds import Person, Teller, World, seed

__all__ = ["ACTS", "Act", "Valley", "happen"]

Act = tuple[int, int, int, int]
"""Which of `ACTS`, and three numbers to choose by."""

Epochs = list[tuple[bytes, bytes, bytes | None]]


@dataclass
class Valley:
    """A parent and its children. `pool`: all that was ever written in the parent, refused operations too."""

    parent: World = field(default_factory=lambda: parent_of(visibility="seats"))
    children: list[tuple[World, list[Person]]] = field(default_factory=lambda: [commune("mill"), commune("barn")])
    pool: dict[bytes, Envelope] = field(default_factory=dict)
    asked: list[tuple[bytes, int]] = field(default_factory=list)
    """Applications, each with the number of its child."""
    carried: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        for envelope in self.parent.said[1:]:
            self.pool[envelope.operation.id] = envelope

    def write(
        self, author: bytes, kind: str, body: dict[str, Any], *needs: bytes, parts: Sequence[bytes] = (), old: int = 0
    ) -> bytes:
        """One operation; unless `old` is a multiple of 3, on the past. What it needs may have been refused here."""
        if any(need not in self.parent.council for need in needs):
            return needs[0]
        deps = None
        if old % 3:
            ids = list(self.parent.council.dag.rows)
            deps = tuple({*needs, ids[old % len(ids)], ids[old * 7 % len(ids)]})
        contents = tuple(Content(b"", part) for part in parts)
        envelope = self.parent.draft(author, kind, body, needs, contents=contents, deps=deps)
        self.put(envelope)
        return envelope.operation.id

    def put(self, envelope: Envelope) -> None:
        """Bring it to the parent."""
        self.parent.insert(envelope)
        self.pool[envelope.operation.id] = envelope

    def decide(self, effect: dict[str, Any], *needs: bytes) -> None:
        """All who began the federation are for it; the epoch is taken."""
        motion = self.write(VALLEY[0].device_seed(), "motion.move", {"effect": effect}, *needs)
        for other in VALLEY[1:]:
            self.write(other.device_seed(), "motion.assent", {"motion": motion}, motion)
        self.epoch()

    def epoch(self, basis: Sequence[bytes] | None = None) -> None:
        """The step that is due, if one is."""
        record = self.parent.council.compose(basis)
        if record is not None:
            self.put(self.parent.teller.seal(self.parent.council, record))


def happen(acts: Sequence[Act]) -> Valley:
    """A valley in which this happened, one after the other."""
    valley = Valley()
    for act, who, what, how in acts:
        ACTS[act % len(ACTS)](valley, who, what, how)
    return valley


def _child(v: Valley, who: int, what: int, how: int) -> None:
    """A commune decides something."""
    child, people = v.children[who % 2]
    effects: list[dict[str, Any]] = [
        {"kind": "join", "parent": v.parent.council.id},
        {"kind": "join", "parent": v.parent.council.id},
        {"kind": "part", "parent": v.parent.council.id},
        {"kind": "join", "parent": seed("elsewhere", what)},
    ]
    if how % 8 in (3, 4):
        effects = [mandate(child, v.parent, pick(people, what), pick(people, who), device=5 + what % 2)]
    elif how % 8 == 5:
        effects = [{"kind": "recall", "parent": v.parent.council.id, "person": pick(people, what).key}]
    effect, hall = pick(effects, how), Teller(f"hall {what % 3}")
    if how % 8 > 5:
        effect = {"kind": "tellers", **new_tellers(child.council, hall).data()}
    decide(child, people, effect)
    if child.council.head.tellers[0].key not in {teller.key for teller in child.tellers}:
        child.tellers = (hall,)


def _apply(v: Valley, who: int, what: int, how: int) -> None:
    child, _ = v.children[who % 2]
    made = application(child)
    parts = [content.data for content in made["contents"]]
    author = VALLEY[what % 4].device_seed() if what % 7 else v.parent.teller.seed
    v.asked.append((v.write(author, "seat.apply", made["body"], parts=parts, old=how), who % 2))


def _seat(v: Valley, who: int, what: int, how: int) -> None:
    if v.asked:
        asked, _ = pick(v.asked, what)
        v.decide({"kind": "seat", "application": asked}, asked)


def _carry(v: Valley, who: int, what: int, how: int) -> None:
    if v.asked:
        asked, number = pick(v.asked, what)
        held = v.parent.council.head.seats.get(asked)
        start = 1 if held is None else held.number + 1
        _bring(v, asked, shown(v.children[number][0])[start - 1 :][: 1 + who % 4], who, how)


def _bring(v: Valley, asked: bytes, epochs: Epochs, who: int, how: int) -> None:
    authors = [VALLEY[0].device_seed(), seed("node", "mill 0"), seed("node", "barn 0"), seed("node", "hall 1")]
    body: dict[str, Any] = {"seat": asked, "epochs": 0}
    needs: tuple[bytes, ...] = ()
    if how % 5 == 4 and v.carried:
        body["after"] = pick([asked, *v.carried], who)
        needs = (body["after"],)
    v.carried.append(v.write(pick(authors, who), "seat.carry", body, *needs, parts=(pack(epochs),), old=how))
    if v.carried[-1] not in v.parent.council:
        v.carried.pop()


def _lie(v: Valley, who: int, what: int, how: int) -> None:
    """A child's tellers sign what does not follow, or its members replace them."""
    if not v.asked:
        return
    asked, number = pick(v.asked, what)
    child, people = v.children[number]
    if how % 2:
        record = child.council.compose_replacement(new_tellers(child.council, Teller(f"hall {how % 3}")))
        if isinstance(record, Refusal):
            return
        signed = [(p.device(), sign_replacement(p.device_seed(), record.digest)) for p in people[who % 2 :]]
        epochs: Epochs = [(record.data, pack_signatures(0, signed), roll_bytes(child.council))]
        _bring(v, asked, epochs, who, how)
        if asked in v.parent.council.head.seats and how % 5:
            v.decide({"kind": "believe", "seat": asked, "epoch": record.digest})
        return
    lie = forge(child, [{"kind": "part", "parent": v.parent.council.id if how % 3 else seed("x", how)}]).data
    _bring(v, asked, [(lie, seals(lie, *child.tellers), None)], who, 0)


def _rule(v: Valley, who: int, what: int, how: int) -> None:
    if v.asked:
        asked, _ = pick(v.asked, what)
        if how % 4 == 3:
            v.decide({"kind": "remove", "membership": asked})
        else:
            v.decide({"kind": "suspend", "seat": asked, "suspended": how % 2 == 0})


def _epoch(v: Valley, who: int, what: int, how: int) -> None:
    council = v.parent.council
    if how % 3 == 2:
        ids = list(council.dag.rows)
        v.epoch(sorted({council.branch.links[-1].operation, ids[what % len(ids)]}))
    else:
        v.write(VALLEY[1].device_seed(), "member.absent" if who % 2 else "member.return", {})
        v.epoch()


ACTS: Final[tuple[Callable[[Valley, int, int, int], None], ...]] = (
    _child,
    _child,
    _apply,
    _seat,
    _carry,
    _carry,
    _carry,
    _lie,
    _rule,
    _epoch,
)
"""What can happen: (valley, three numbers to choose by)."""
