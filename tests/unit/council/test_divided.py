"""Ballots of a divided roll, elections to offices and lots: what is asked, what is signed, what takes effect."""

from typing import Any

import pytest

from protocol.council.certificate import certificate_of, examine, read_certificate
from protocol.council.decision_record import carried, read_decision
from protocol.council.tellership import Tellership
from protocol.errors import Refusal
from protocol.ids import Membership, operation_text
from protocol.log.operation import Envelope
from tests.attacks.scenes import founded, leave, membership
from tests.vectors.stories import OnTime, cast_in, charter_change, decide, open_ballot, tell
from tests.worlds import Person, World

PLAIN = {"rule": "majority-simple/1"}
OFFICE = "Treasurer"


class Mill:
    """Ada, Ben, Cyd and Dov, and one teller. Ada and Ben are the workers."""

    def __init__(self) -> None:
        self.world, self.people = founded("Ben", "Cyd", "Dov", durations={"discussion": 0, "notice": 0})
        self.ids = {person.name: membership(self.world, person) for person in self.people}
        self.duty = [Tellership(self.world.council, self.world.teller.seed, OnTime())]
        self.workers = sorted(operation_text(self.ids[name]) for name in ("Ada", "Ben"))

    @property
    def each(self) -> dict[str, Any]:
        return {"by": "each", "of": [{"name": "users"}, {"name": "workers", "members": self.workers}]}

    @property
    def shares(self) -> dict[str, Any]:
        """Dov alone has half of all that is cast."""
        dov = [operation_text(self.ids["Dov"])]
        return {
            "by": "shares",
            "of": [{"name": "authority", "members": dov, "share": [1, 2]}, {"name": "others", "share": [1, 2]}],
        }

    @property
    def office(self) -> dict[str, Any]:
        return {"kind": "office", "office": OFFICE, "members": [self.ids["Cyd"]]}

    def ballot(self, question: dict[str, Any], choices: dict[str, Any], **more: Any) -> tuple[dict[str, Any], str]:
        """The record's fields, and the kind of effect that the next epoch had."""
        ballot = open_ballot(self.world, self.duty, question, **more)
        assert ballot not in self.world.council.without_effect, self.world.council.without_effect[ballot]
        for name, choice in choices.items():
            cast_in(self.world, ballot, Person(name), choice)
        tell(self.world, self.duty, 700)
        council = self.world.council
        folded = council.box.ballots[ballot]
        certified = folded.certified[0]
        envelopes: dict[bytes, Envelope] = {envelope.operation.id: envelope for envelope in self.world.said}
        proof = certificate_of(folded, certified, envelopes.__getitem__, casts=True)
        findings = examine(read_certificate(proof.encode()), frozenset(folded.tellers))
        assert findings.refusal is None, findings
        effect = council.settled[certified.operation][1]
        assert effect["ballot"] == ballot
        return read_decision(certified.record), effect["kind"]

    def refused(self, question: dict[str, Any] | None = None, **more: Any) -> str:
        ballot = open_ballot(self.world, self.duty, question or PLAIN, **more)
        return self.world.council.without_effect[ballot].rule

    def charter(self, **ballots: Any) -> None:
        now = self.world.council.charter.data()["ballots"]
        decide(self.world, self.people, charter_change(self.world, ballots={**now, **ballots}))
        tell(self.world, self.duty, 1)
        assert self.world.council.charter.data()["ballots"] == {**now, **ballots}


@pytest.fixture
def mill() -> Mill:
    return Mill()


def voted(**choices: Any) -> dict[str, Any]:
    return choices


# --- a majority in each class -----------------------------------------------------------------


@pytest.mark.parametrize("by_charter", [False, True])
def test_a_majority_in_each_class(mill: Mill, by_charter: bool) -> None:
    terms: dict[str, Any] = {"effect": mill.office}
    if by_charter:
        mill.charter(classes=mill.each)
    else:
        terms["classes"] = mill.each
    record, effect = mill.ballot(PLAIN, voted(Ada="yes", Ben="abstain", Cyd="yes", Dov="no"), **terms)
    assert record["result"]["elected"] == [0]
    assert [row[:3] for row in record["classes"]] == [["users", 2, 2], ["workers", 2, 2]]
    assert [row[3]["elected"] for row in record["classes"]] == [[], [0]]
    assert not carried(record)
    assert effect == "decision"
    record, effect = mill.ballot(PLAIN, voted(Ada="yes", Ben="yes", Cyd="yes"), **terms)
    assert carried(record)
    assert effect == "office"


def test_a_majority_in_each_class_is_no_majority(mill: Mill) -> None:
    qualified = {"rule": "majority-qualified/1", "settings": {"threshold": ["at_least", 3, 4], "base": "roll"}}
    record, effect = mill.ballot(
        qualified, voted(Ada="yes", Cyd="yes", Dov="yes", Ben="no"), classes=mill.each, effect=mill.office
    )
    assert record["result"]["elected"] == [0]
    assert effect == "decision"
    record, _ = mill.ballot(PLAIN, voted(Ada="yes", Cyd="no", Dov="no"), classes=mill.each)
    assert record["result"]["elected"] == []
    assert not carried(record)


def test_an_election_is_counted_whole_where_the_charter_asks_for_each_class(mill: Mill) -> None:
    mill.charter(classes=mill.each)
    record, _ = mill.ballot({"rule": "approval/1", "options": ["A", "B"]}, voted(Ada=[1], Cyd=[1]))
    assert record["result"]["elected"] == [1]
    assert "classes" not in record


# --- shares -----------------------------------------------------------------------------------


def test_shares_stated_by_the_opening_decide_nothing_alone(mill: Mill) -> None:
    record, effect = mill.ballot(PLAIN, voted(Dov="yes", Ada="no", Ben="no"), classes=mill.shares, effect=mill.office)
    assert record["result"]["rounds"][0]["answers"] == [["yes", 2], ["no", "4/3"], ["abstain", 0]]
    assert record["equal"]["rounds"][0]["answers"] == [["yes", 1], ["no", 2], ["abstain", 0]]
    assert carried(record)
    assert effect == "decision"


def test_shares_of_the_charter_decide(mill: Mill) -> None:
    mill.charter(classes=mill.shares)
    record, effect = mill.ballot(PLAIN, voted(Dov="yes", Ada="no", Ben="no"), effect=mill.office)
    assert record["equal"]["elected"] == []
    assert effect == "office"
    # But whose membership ends is a matter of the whole roll, by heads.
    remove = {"kind": "remove", "membership": mill.ids["Ada"]}
    record, effect = mill.ballot(PLAIN, voted(Dov="yes", Ada="no", Ben="no"), effect=remove)
    assert record["result"]["elected"] == [0]
    assert effect == "decision"


def test_whom_the_charter_does_not_know_yet_is_in_the_class_of_everybody_else(mill: Mill) -> None:
    mill.charter(classes=mill.shares)
    leave(mill.world, Person("Ben"))
    tell(mill.world, mill.duty, 1)
    ballot = mill.world.council.box.ballots[open_ballot(mill.world, mill.duty, PLAIN)]
    weights = {name: ballot.weight(Membership(mill.ids[name])) for name in ("Ada", "Cyd", "Dov")}
    assert {name: str(weight) for name, weight in weights.items()} == {"Ada": "3/4", "Cyd": "3/4", "Dov": "3/2"}
    assert not ballot.stated
    leave(mill.world, Person("Dov"))
    tell(mill.world, mill.duty, 1)
    assert mill.refused() == "ballot-classes"  # nobody is the authority


# --- what is refused --------------------------------------------------------------------------


def test_openings_that_divide_wrongly(mill: Mill) -> None:
    weights = [[mill.ids["Ada"], 2, 1]]
    assert mill.refused(classes={**mill.each, "of": mill.each["of"][::-1]}) == "ballot-classes"
    assert mill.refused(classes=mill.shares, weights=weights) == "ballot-weights"
    assert mill.refused({"rule": "approval/1", "options": ["A"]}, classes=mill.each) == "ballot-classes"
    mill.charter(classes=mill.each)
    assert mill.refused(classes=mill.each) == "ballot-classes"
    assert mill.refused(weights=weights) == "ballot-weights"


def test_elections_that_cannot_be(mill: Mill) -> None:
    ada, ben = mill.ids["Ada"], mill.ids["Ben"]
    irv = {"rule": "irv/1", "options": ["Ada", "Ben"]}

    def elect(*candidates: bytes | None, office: str = "Chair") -> dict[str, Any]:
        return {"effect": {"kind": "elect", "office": office, "candidates": list(candidates)}}

    assert mill.refused(irv, **elect(ada)) == "ballot-election"
    assert mill.refused(PLAIN, **elect(ada)) == "ballot-election"
    assert mill.refused(irv, **elect(ada, ada)) == "ballot-election"
    assert mill.refused(irv, **elect(None, None)) == "ballot-election"
    assert mill.refused(irv, **elect(ada, bytes(32))) == "ballot-election"
    assert mill.refused(irv, **elect(ada, ben, office=" ")) == "ballot-election"
    assert mill.refused(irv, effect=mill.office) == "ballot-effect"


# --- offices ----------------------------------------------------------------------------------


def holders(world: World) -> dict[str, list[bytes]]:
    return {name: list(held) for name, held in world.council.head.offices.items()}


def test_who_is_elected_holds_the_office(mill: Mill) -> None:
    names = ["Ada", "Ben", "Nobody", "Dov"]
    candidates = [mill.ids.get(name) for name in names]
    board = {"kind": "elect", "office": "Board", "candidates": candidates}
    stv = {"rule": "stv-scottish/1", "options": names, "seats": 2}
    ranks = voted(Ada=[[3]], Ben=[[3], [0]], Cyd=[[0]], Dov=[[3]])
    _, effect = mill.ballot(stv, ranks, effect=board)
    assert effect == "office"
    assert holders(mill.world) == {"Board": [mill.ids["Dov"], mill.ids["Ada"]]}
    _, effect = mill.ballot({**stv, "seats": 1}, voted(Ada=[[2]], Ben=[[2]]), effect=board)
    assert effect == "decision"  # nobody was chosen: who holds it stays
    leave(mill.world, Person("Dov"))
    tell(mill.world, mill.duty, 1)
    assert holders(mill.world) == {"Board": [mill.ids["Ada"]]}
    leave(mill.world, Person("Ada"))
    tell(mill.world, mill.duty, 1)
    assert holders(mill.world) == {}


def test_weights_of_the_opening_elect_nobody_alone(mill: Mill) -> None:
    irv = {"rule": "irv/1", "options": ["Ada", "Ben"]}
    chair = {"kind": "elect", "office": "Chair", "candidates": [mill.ids["Ada"], mill.ids["Ben"]]}
    weights = [[mill.ids["Ada"], 5, 1]]
    choices = voted(Ada=[[0]], Ben=[[1]], Cyd=[[1]])
    record, effect = mill.ballot(irv, choices, effect=chair, weights=weights)
    assert (record["result"]["elected"], record["equal"]["elected"], effect) == ([0], [1], "decision")
    record, effect = mill.ballot(irv, {**choices, "Cyd": [[0]]}, effect=chair, weights=weights)
    assert (record["result"]["elected"], effect) == ([0], "office")


def test_offices_by_motion(mill: Mill) -> None:
    def move(*members: bytes, office: str = OFFICE) -> bytes:
        effect = {"kind": "office", "office": office, "members": list(members)}
        motion = decide(mill.world, mill.people[:3], effect)
        tell(mill.world, mill.duty, 1)
        return motion

    cyd, dov = mill.ids["Cyd"], mill.ids["Dov"]
    move(cyd, dov)
    assert holders(mill.world) == {OFFICE: [cyd, dov]}
    for wrong in (move(cyd, cyd), move(cyd, office=" ")):
        assert mill.world.council.without_effect[wrong] == Refusal(
            "motion-office", "the office has no name, or somebody would hold it twice."
        )
    leave(mill.world, Person("Dov"))
    tell(mill.world, mill.duty, 1)
    gone = move(dov)
    assert mill.world.council.settled[gone][1]["why"] == "nobody of them is a member any more"
    assert holders(mill.world) == {OFFICE: [cyd]}
    move()
    assert holders(mill.world) == {}


def test_who_holds_an_office_opens_ballots_where_the_charter_says_so(mill: Mill) -> None:
    mill.charter(openers="Chair")
    assert mill.world.council.charter.data()["ballots"]["openers"] == "Chair"
    mill.ballot(PLAIN, voted(Ada="yes"))  # nobody holds it yet
    decide(mill.world, mill.people, {"kind": "office", "office": "Chair", "members": [mill.ids["Ben"]]})
    tell(mill.world, mill.duty, 1)
    assert mill.refused() == "ballot-opener"
    terms = {"epoch": mill.world.council.head.digest, "question": PLAIN, "deadline": mill.world.clock + 600_000}
    opened = mill.world.say(Person("Ben"), "ballot.open", {"title": 0, **terms}, texts=("Shall we?",))
    assert opened in mill.world.council.box.ballots


# --- lots -------------------------------------------------------------------------------------


def test_a_jury_is_drawn_from_the_tellers_numbers(mill: Mill) -> None:
    names = ["Ada", "Ben", "Cyd", "Dov"]
    lots = {
        "classes": ["workers", "workers", "users", "users"],
        "shares": [["users", 1, 2], ["workers", 1, 2]],
    }
    question = {"rule": "sortition/1", "options": names, "seats": 2, "settings": lots}
    jury = {"kind": "elect", "office": "Jury", "candidates": [mill.ids[name] for name in names]}
    record, effect = mill.ballot(question, {}, effect=jury)
    assert (record["outcome"], record["voted"], effect) == ("decided", 0, "office")
    first, second = record["result"]["elected"]
    assert names[first] in ("Cyd", "Dov")
    assert names[second] in ("Ada", "Ben")
    assert holders(mill.world)["Jury"] == [mill.ids[names[first]], mill.ids[names[second]]]


def test_nobody_votes_where_lots_are_drawn(mill: Mill) -> None:
    question = {"rule": "sortition/1", "options": ["Ada", "Ben"]}
    ballot = open_ballot(mill.world, mill.duty, question)
    cast = cast_in(mill.world, ballot, Person("Ada"), "yes")
    assert mill.world.council.without_effect[cast].rule == "choice"
    assert mill.refused(question, hidden=True) == "ballot-lot"
    assert mill.refused(question, weights=[[mill.ids["Ada"], 2, 1]]) == "ballot-lot"
    assert mill.refused(question, classes=mill.shares) == "ballot-lot"
    mill.charter(classes=mill.shares)
    record, _ = mill.ballot(question, {})
    assert "equal" not in record


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"classes": "a"}, "question-setting"),
        ({"classes": ["a", 2]}, "question-setting"),
        ({"shares": 5}, "question-setting"),
        ({"shares": [["a", 1]]}, "question-setting"),
        ({"shares": [[1, 1, 2]]}, "question-setting"),
        ({"shares": [["a", "1", 2]]}, "question-setting"),
        ({"shares": [["a", 1, 0]]}, "question-setting"),
        ({"shares": [["a", 1, "2"]]}, "question-setting"),
        ({"classes": ["a", "a"]}, "sortition.shares"),
        ({"classes": ["a", "b"], "shares": [["a", 3, 4], ["b", 1, 4]]}, "sortition.class"),
    ],
)
def test_pools_that_cannot_be(mill: Mill, settings: dict[str, Any], rule: str) -> None:
    question = {"rule": "sortition/1", "options": ["Ada", "Ben"], "seats": 2, "settings": settings}
    assert mill.refused(question) == rule
