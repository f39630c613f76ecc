"""A log read again from disk, in the order in which it came, makes the same council."""

from random import Random

from hypothesis import given

from protocol.council.council import Council
from protocol.council.outcomes import Inserted
from protocol.council.recall import recall
from tests.delivery import deliver, meet, portrait
from tests.strategies import orders, villages
from tests.villages import Village


def columns(council: Council) -> list[object]:
    """What the log says of each row."""
    dag = council.dag
    rows = range(len(dag.ids))
    who = [council.standings.all[dag.standing[row]] for row in rows]
    return [
        (
            dag.ids[row],
            dag.depth[row],
            dag.epoch[row],
            (who[row].key, who[row].role),
            dag.is_kept(row),
            list(dag.deps(row)),
        )
        for row in rows
    ] + [dag.heads(), list(dag.items), sorted(dag.absorbed)]


@given(villages, orders)
def test_what_is_recalled_is_what_was_inserted(village: Village, order: Random) -> None:
    pool = list(village.pool.values())
    order.shuffle(pool)
    council = meet(village.founding)
    deliver(council, pool)
    again = meet(village.founding)
    for id in council.dag.ids[1:]:
        envelope = village.pool[id]
        if recall(again, envelope.encode(), id) is None:
            assert isinstance(again.insert(envelope, verified=True), Inserted)
    assert portrait(again) == portrait(council)
    assert columns(again) == columns(council)
