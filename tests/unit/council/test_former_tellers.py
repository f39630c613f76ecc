"""Who was replaced as a teller: how long she goes on with the ballots that she accepted."""

from typing import Any

import pytest

from protocol.council.epochs import LONGEST
from protocol.council.outcomes import Refused
from protocol.council.tellership import Tellership
from tests.attacks.scenes import founded
from tests.vectors.stories import OnTime, cast_in, decide, open_ballot, tell
from tests.worlds import Teller, World

HALL, BARN = Teller("hall"), Teller("barn")


class Barn:
    """Ada and Ben; a ballot that the hall accepted, and then the barn became the teller."""

    def __init__(self) -> None:
        self.world, self.people = founded("Ben", durations={"discussion": 0, "notice": 0})
        self.hall = [Tellership(self.world.council, HALL.seed, OnTime())]
        self.ballot = open_ballot(self.world, self.hall, {"rule": "majority-simple/1"})
        self.opened = self.world.council.head.number
        for person in self.people:
            cast_in(self.world, self.ballot, person, "yes")
        keys: dict[str, Any] = BARN.keys(self.world.council.id)
        replaces = self.world.council.head.tellers_digest()
        decide(self.world, self.people, {"kind": "tellers", "profile": "1", "tellers": [keys], "replaces": replaces})
        tell(self.world, self.hall, 0, "council.epoch")

    @property
    def former(self) -> list[bytes]:
        return [teller.key for teller in self.world.council.head.former]

    def go_on(self, epochs: int) -> None:
        """Ben comes and goes, an epoch each time."""
        ben = self.people[1]
        for _ in range(epochs):
            away = next(m for m in self.world.council.head.members.values() if m.person == ben.key).absent
            self.world.say(ben, "member.return" if away else "member.absent", {})
            record = self.world.council.compose()
            assert record is not None
            self.world.insert(BARN.seal(self.world.council, record))


@pytest.fixture
def barn() -> Barn:
    return Barn()


def test_she_finishes_the_ballot_and_is_free(barn: Barn) -> None:
    assert barn.former == [HALL.key]
    tell(barn.world, barn.hall, 700, "teller.certify")
    barn.go_on(1)
    assert barn.former == []
    assert barn.ballot in barn.world.council.head.decided


def test_a_ballot_that_she_leaves_undone_does_not_keep_her_for_ever(barn: Barn) -> None:
    council = barn.world.council
    barn.go_on(barn.opened + LONGEST - council.head.number)
    assert barn.former == [HALL.key]
    assert said(barn.world, HALL.seed) is None
    barn.go_on(1)
    assert council.head.number == barn.opened + LONGEST + 1
    assert barn.former == []
    assert HALL.node not in council.head.entitled()
    assert said(barn.world, HALL.seed) == "standing"


def said(world: World, author: bytes) -> str | None:
    """The rule by which somebody cannot write; None when she can."""
    outcome = world.insert(world.draft(author, "merge", {}))
    return outcome.refusal.rule if isinstance(outcome, Refused) else None
