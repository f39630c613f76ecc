"""A ballot in a council where another sits, from the opening to the certificate."""

from typing import Any, Final

from protocol.council.decision_record import read_decision
from protocol.council.tellership import Tellership

from .attacks.scenes import again
from .delivery import portrait
from .federations import VALLEY, carry_up, commune, decide, mandate, parent_of, seat, shown
from .vectors.stories import OnTime, cast_in, open_ballot, tell
from .worlds import Person, seed

__all__ = ["SIMPLE", "YES", "Sitting"]

NODE: Final = seed("node", "mill 0")
YES: Final[list[Any]] = [[1, 1, "yes"]]
SIMPLE: Final[dict[str, Any]] = {"rule": "majority-simple/1"}


class Sitting:
    """A parent with one seat, whose delegate is Ben, and an alternate, Cyd; and a ballot that is open there."""

    def __init__(self, question: dict[str, Any] = SIMPLE, *, until: int | None = None, **more: Any) -> None:
        self.parent = parent_of()
        self.child, self.people = commune("mill")
        self.seat = seat(self.parent, self.child, self.people)
        self.ben, self.cyd = self.people[1], self.people[2]
        ends = {} if until is None else {"until": self.parent.clock + until}
        decide(self.child, self.people, mandate(self.child, self.parent, self.ben, self.cyd, **ends))
        self.bring()
        self.tellers = [Tellership(self.parent.council, self.parent.teller.seed, OnTime())]
        self.ballot = open_ballot(self.parent, self.tellers, question, **more)

    def bring(self) -> None:
        """A node of the child carries what is new, and the parent takes it in."""
        held = self.parent.council.head.seats[self.seat].number
        carry_up(self.parent, NODE, self.seat, shown(self.child, held + 1))
        assert self.parent.epoch() is not None

    def tells(
        self, who: bytes = NODE, ballot: bytes | None = None, seat: bytes | None = None, *, dep: bool = True
    ) -> bytes:
        """Somebody tells the ballot how the seat stands by now."""
        ballot = ballot or self.ballot
        body = {"ballot": ballot, "seat": seat or self.seat}
        envelope = self.parent.draft(
            who, "seat.tell", body, (ballot,) if dep else (), deps=None if dep else tuple(self.parent.council.heads())
        )
        self.parent.insert(envelope)
        return envelope.operation.id

    def instruct(self, *, split: list[Any] | None = None, allowed: list[Any] | None = None) -> bytes:
        """The child instructs its seat, and a node of it tells so."""
        given = {name: value for name, value in (("split", split), ("allowed", allowed)) if value is not None}
        effect = {"kind": "instruct", "parent": self.parent.council.id, "ballot": self.ballot, **given}
        assert decide(self.child, self.people, effect)["kind"] == "instruct"
        self.bring()
        return self.tells()

    def says(self, choice: Any, who: Person | None = None, **more: Any) -> bytes:
        """The delegate casts."""
        needs = (self.ballot, *([more["replaces"]] if "replaces" in more else []))
        body = {"ballot": self.ballot, "revision": 0, "choice": choice, **more}
        return self.parent.say(who or self.ben, "ballot.cast", body, needs, device=5)

    def result(self) -> dict[str, Any]:
        """The certified record, once the ballot is over; the same wherever it was heard of."""
        tell(self.parent, self.tellers, 1000)
        (certified,) = self.parent.council.box.ballots[self.ballot].certified.values()
        assert portrait(again(self.parent)) == portrait(self.parent.council)
        return read_decision(certified.record)

    def answers(self) -> dict[str, Any]:
        """How many voted, and with what weight for each answer; the four of the valley say no."""
        for who in VALLEY:
            cast_in(self.parent, self.ballot, who, "no")
        record = self.result()
        answers = dict(record["result"]["rounds"][0]["answers"])
        return {"voted": record["voted"], **{name: weight for name, weight in answers.items() if weight}}
