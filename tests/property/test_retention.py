"""What is kept does not depend on who kept what before: R(A u B) = R(R(A) u R(B))."""

from random import Random

from hypothesis import given

from protocol.council.council import Council
from protocol.log.operation import Envelope
from tests.delivery import closure, meet, portrait
from tests.strategies import orders, villages
from tests.villages import Village


def retained(village: Village, envelopes: list[Envelope]) -> tuple[Council, list[Envelope]]:
    """The council that these make, and those of them that it keeps."""
    council = meet(village.founding, envelopes)
    dag = council.dag
    kept = [e for e in envelopes if e.operation.id in council and dag.is_kept(dag.rows[e.operation.id])]
    return council, kept


def some(village: Village, order: Random) -> list[Envelope]:
    """A causally closed part of all that was written, in any order."""
    pool = list(village.pool.values())
    tips = order.sample(pool, order.randint(1, len(pool)))
    part = closure(pool, [tip.operation.id for tip in tips])
    order.shuffle(part)
    return part


def union(a: list[Envelope], b: list[Envelope]) -> list[Envelope]:
    return list({envelope.operation.id: envelope for envelope in a + b}.values())


@given(villages, orders)
def test_the_law_of_retention(village: Village, order: Random) -> None:
    a, b = some(village, order), some(village, order)
    whole, kept = retained(village, union(a, b))
    parts, kept_of_kept = retained(village, union(retained(village, a)[1], retained(village, b)[1]))
    assert {e.operation.id for e in kept} == {e.operation.id for e in kept_of_kept}
    assert portrait(parts) == portrait(whole)


@given(villages, orders)
def test_kept_is_what_somebody_in_standing_vouches_for(village: Village, order: Random) -> None:
    """The rule itself, computed from the finished council in the plainest way."""
    envelopes = some(village, order)
    council, kept = retained(village, envelopes)
    dag, standings = council.dag, council.standings.all
    entered = [e for e in envelopes if e.operation.id in council]
    carriers: dict[int, bytes] = {}
    requests: dict[bytes, list[bytes]] = {}
    roots: set[bytes] = set()
    for envelope in entered:
        operation = envelope.operation
        row = dag.rows[operation.id]
        if operation.kind == "council.epoch":
            number = operation.body["number"]
            carriers[number] = min(operation.id, carriers.get(number, operation.id))
        if operation.kind == "council.request":
            requests.setdefault(operation.deps[0], []).append(operation.id)
        elif standings[dag.standing[row]].until is None:
            roots.add(operation.id)
    for invitation, asked in requests.items():
        row = dag.rows[invitation]
        until = standings[dag.standing[row]].until
        if until is None or dag.absorbed[row] <= until:
            uses = village.pool[invitation].operation.body["uses"]
            roots.update(sorted(asked)[:uses])
    roots.update(carriers.values())
    assert {e.operation.id for e in kept} == {e.operation.id for e in closure(entered, roots)}
