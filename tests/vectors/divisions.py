"""A council whose roll is divided, which elects people to offices and draws lots, for vectors."""

from typing import Any

from protocol.council.tellership import Tellership
from protocol.ids import operation_text
from protocol.log.operation import Envelope
from tests.attacks.scenes import founded, leave, membership
from tests.vectors.stories import OnTime, cast_in, charter_change, decide, open_ballot, tell
from tests.worlds import Person, World

__all__ = ["divisions"]


def certified(
    world: World, tellers: list[Tellership], question: dict[str, Any], choices: dict[str, Any], **more: Any
) -> bytes:
    """A ballot from its opening to the epoch after its certificate. choices: name -> choice."""
    ballot = open_ballot(world, tellers, question, **more)
    for name, choice in choices.items():
        cast_in(world, ballot, Person(name), choice)
    tell(world, tellers, 700)
    return ballot


def _decide_openers(world: World, people: list[Person], duty: list[Tellership], office: str) -> None:
    ballots = {**world.council.charter.data()["ballots"], "openers": office}
    decide(world, people, charter_change(world, ballots=ballots))
    tell(world, duty, 1)


def divisions() -> tuple[Envelope, list[Envelope]]:
    """Classes with a majority in each or with shares, by the opening and by the charter; offices; lots."""
    world, people = founded("Ben", "Cyd", "Dov", durations={"discussion": 0, "notice": 0})
    ada, ben, cyd, dov = people
    duty = [Tellership(world.council, world.teller.seed, OnTime())]
    ids = {person.name: membership(world, person) for person in people}
    members = sorted(operation_text(ids[name]) for name in ("Ada", "Ben"))
    plain = {"rule": "majority-simple/1"}
    treasurer = {"kind": "office", "office": "Treasurer", "members": [ids["Dov"], ids["Cyd"]]}
    ballots = world.council.charter.data()["ballots"]

    each = {"by": "each", "of": [{"name": "users"}, {"name": "workers", "members": members}]}
    yes_in_one = {"Ada": "no", "Ben": "no", "Cyd": "yes", "Dov": "yes"}
    yes_in_both = {"Ada": "yes", "Cyd": "yes", "Ben": "abstain"}
    certified(world, duty, plain, {**yes_in_one, "Ada": "yes", "Ben": "abstain"}, classes=each, effect=treasurer)
    certified(world, duty, plain, {**yes_in_one, "Ben": "yes"}, classes=each, effect=treasurer)
    thirds = {
        "by": "shares",
        "of": [
            {"name": "authority", "members": [operation_text(ids["Dov"])], "share": [1, 3]},
            {"name": "users", "share": [1, 3]},
            {"name": "workers", "members": members[:1], "share": [1, 3]},
        ],
    }
    certified(world, duty, plain, {"Cyd": "yes", "Dov": "yes", "Ada": "no", "Ben": "no"}, classes=thirds)
    wrong: list[dict[str, Any]] = [
        {"classes": {"by": "each", "of": [{"name": "others"}, {"name": "users"}]}},
        {"classes": {"by": "each", "of": [{"name": "a"}, {"name": "b", "members": members}, {"name": "b"}]}},
        {"classes": {"by": "each", "of": [{"name": "a"}, {"name": "b", "members": members[::-1]}]}},
        {"classes": {"by": "each", "of": [{"name": "a"}, {"name": "b", "members": ["nobody"]}]}},
        {"classes": {"by": "each", "of": [{"name": "a", "share": [1, 1]}, {"name": "b", "members": members}]}},
        {"classes": {"by": "shares", "of": [{"name": "a", "share": [1, 2]}, {"name": "b", "members": members, "share": [1, 3]}]}},
        {"classes": thirds, "weights": [[ids["Ada"], 2, 1]]},
        {"classes": each, "question": {"rule": "approval/1", "options": ["A", "B"]}},
        {"effect": {"kind": "elect", "office": "Board", "candidates": [ids["Ada"]]}},
        {"effect": {"kind": "office", "office": " ", "members": []}},
        {"question": {"rule": "sortition/1", "options": ["Ada", "Ben"]}, "hidden": True},
        {"question": {"rule": "sortition/1", "options": ["Ada"], "seats": 2}},
        {"question": {"rule": "irv/1", "options": ["Ada", "Cy"]}, "effect": {"kind": "elect", "office": "Chair", "candidates": [ids["Ada"], ids["Ada"]]}},
        {"question": {"rule": "irv/1", "options": ["Ada", "Cy"]}, "effect": {"kind": "elect", "office": "Chair", "candidates": [ids["Ada"]]}},
        {"question": {"rule": "irv/1", "options": ["Ada"]}, "effect": {"kind": "elect", "office": " ", "candidates": [ids["Ada"]]}},
    ]  # fmt: skip
    for terms in wrong:
        open_ballot(world, duty, **{"question": plain, **terms})

    # By the charter: what it weighs decides, and newcomers are in the class that names nobody.
    decide(world, people, charter_change(world, ballots={**ballots, "classes": thirds}))
    tell(world, duty, 1)
    certified(world, duty, plain, {"Ada": "no", "Ben": "yes", "Cyd": "yes", "Dov": "yes"}, effect=treasurer)
    open_ballot(world, duty, plain, classes=each)
    open_ballot(world, duty, plain, weights=[[ids["Ada"], 2, 1]])
    decide(world, people, charter_change(world, ballots={**ballots, "classes": each}))
    tell(world, duty, 1)
    certified(world, duty, plain, yes_in_both, effect=treasurer)
    board = {"kind": "elect", "office": "Board", "candidates": [ids["Ada"], ids["Ben"], None, ids["Dov"]]}
    question = {"rule": "approval/1", "options": ["Ada", "Ben", "Nobody", "Dov"], "seats": 2}
    certified(world, duty, question, {"Ada": [1, 2], "Ben": [2, 3], "Cyd": [1], "Dov": [2]}, effect=board)
    jury = {"kind": "elect", "office": "Jury", "candidates": [ids["Cyd"], ids["Ada"], ids["Dov"]]}
    lots = {"classes": ["users", "workers", "users"], "shares": [["users", 1, 2], ["workers", 1, 2]]}
    drawn = {"rule": "sortition/1", "options": ["Cyd", "Ada", "Dov"], "seats": 2, "settings": lots}
    certified(world, duty, drawn, {"Ada": "yes"}, effect=jury)
    decide(world, people, charter_change(world, ballots=ballots))
    tell(world, duty, 1)
    weights = [[ids["Ada"], 5, 1]]
    chair = {"kind": "elect", "office": "Chair", "candidates": [ids["Ada"], ids["Ben"]]}
    irv = {"rule": "irv/1", "options": ["Ada", "Ben"]}
    for ben_too in ([[1], [0]], [[0], [1]]):
        choices = {"Ada": [[0], [1]], "Ben": [[1], [0]], "Cyd": ben_too}
        certified(world, duty, irv, choices, effect=chair, weights=weights)
    certified(world, duty, {"rule": "irv/1", "options": ["Nobody", "Ben"]}, {"Ada": [[0]], "Cyd": [[0]]}, effect={"kind": "elect", "office": "Chair", "candidates": [None, ids["Ben"]]})  # fmt: skip

    # Who may open: the holders of an office; everybody, while nobody holds it.
    _decide_openers(world, people, duty, "Chair")
    open_ballot(world, duty, plain)  # Ada's: she holds it
    _decide_openers(world, people, duty, "Board")
    open_ballot(world, duty, plain)  # Dov's alone
    _decide_openers(world, people, duty, "Nobody's")
    open_ballot(world, duty, plain)

    # Whoever leaves the roll holds nothing any more.
    leave(world, dov)
    tell(world, duty, 1)
    for members_of in ([ids["Ada"], ids["Ada"]], [ids["Dov"]], []):
        decide(world, [ada, ben, cyd], {"kind": "office", "office": "Treasurer", "members": members_of})
        tell(world, duty, 1)
    return world.said[0], world.said[1:]
