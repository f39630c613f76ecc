"""Any set of operations, in any order, gives the same council."""

from random import Random

from hypothesis import given

from protocol.council.outcomes import Outcome, Refused, Rival
from protocol.log.operation import Envelope
from tests.delivery import deliver, meet, portrait
from tests.steps import STEPS, play
from tests.strategies import orders, villages
from tests.villages import Village


def verdicts(village: Village, outcomes: dict[bytes, Outcome]) -> dict[bytes, str]:
    """What became of each operation, as far as it is the same for every order.

    A false record that the tellers signed stays out either way: refused for its reasons before
    the true one is here, and a rival of it afterwards.
    """
    said = {}
    for id, outcome in outcomes.items():
        if isinstance(outcome, Refused | Rival) and village.pool[id].operation.kind == "council.epoch":
            said[id] = "out"
        elif isinstance(outcome, Refused):
            said[id] = outcome.refusal.rule
        else:
            said[id] = type(outcome).__name__
    return said


@given(villages, orders)
def test_order_and_duplicates_do_not_matter(village: Village, order: Random) -> None:
    pool = list(village.pool.values())
    council = meet(village.founding)
    outcomes = deliver(council, pool, verified=False)
    expected = portrait(council)
    for _ in range(2):
        shuffled = pool + order.sample(pool, len(pool) // 3)
        order.shuffle(shuffled)
        other = meet(village.founding)
        assert verdicts(village, deliver(other, shuffled)) == verdicts(village, outcomes)
        assert portrait(other) == expected


@given(villages, orders)
def test_split_over_nodes_and_exchanged_in_any_pattern(village: Village, order: Random) -> None:
    pool = list(village.pool.values())
    expected = portrait(meet(village.founding, pool))
    nodes = [meet(village.founding) for _ in range(2)] + village.sites[1:]
    heard: list[dict[bytes, Envelope]] = [{} for _ in nodes]
    for envelope in pool:
        for place in order.sample(range(len(nodes)), order.choice((1, 1, 2))):
            heard[place][envelope.operation.id] = envelope
    for place, node in enumerate(nodes):
        deliver(node, heard[place].values())
    # Each tells another what it heard, until a ring of tellings has gone round at the end.
    meetings = [order.sample(range(len(nodes)), 2) for _ in range(4)]
    ring = [[place, (place + 1) % len(nodes)] for place in range(len(nodes))] * 2
    for giver, taker in meetings + ring:
        heard[taker] |= heard[giver]
        told = list(heard[taker].values())
        order.shuffle(told)
        deliver(nodes[taker], told)
    for node in nodes:
        assert portrait(node) == expected


@given(villages)
def test_a_council_read_again_from_what_it_kept_is_the_same(village: Village) -> None:
    council = meet(village.founding, village.pool.values())
    kept = [
        envelope for id, envelope in village.pool.items() if id in council and council.dag.is_kept(council.dag.rows[id])
    ]
    again = meet(village.founding, kept)
    assert portrait(again) == portrait(council)
    assert len(again.dag.limbo) == 0


WANTED = {"admit", "remove", "leave", "rekey", "charter", "tellers", "adopt", "erase", "lapse", "decision"}
WANTED |= {"absent", "return", "enrol-device", "revoke-device", "enrol-node", "revoke-node", "limbo"}


def test_villages_get_somewhere() -> None:
    """The steps are worth searching: plain samples of them come to every kind of effect before long."""
    seen: set[str] = set()
    order = Random(1)
    for _ in range(200):
        numbers = [[order.randrange(256) for _ in range(3)] for _ in range(60)]
        village = play(
            [(order.randrange(len(STEPS)), order.randrange(4) % 3, who, what, how) for who, what, how in numbers]
        )
        council = meet(village.founding, village.pool.values())
        for link in council.branch.links:
            seen |= {effect["kind"] for effect in link.effects}
        if council.dag.limbo:
            seen.add("limbo")
        if seen >= WANTED:
            return
    assert seen >= WANTED
