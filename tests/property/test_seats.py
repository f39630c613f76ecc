"""Who sits where is the same whoever carried what, in whatever order it came; and nothing sits that did not decide to."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.council.council import Council
from protocol.federation.chain import Chain
from protocol.federation.link import Link
from protocol.ids import Membership
from tests.delivery import deliver, meet, portrait
from tests.federations import begun
from tests.strategies import orders
from tests.valleys import ACTS, Valley, happen

_number = st.integers(0, 255)
acts = st.lists(st.tuples(st.integers(0, len(ACTS) - 1), _number, _number, _number), max_size=12)
valleys = acts.map(lambda some: happen([(0, 0, 0, 0), (0, 1, 0, 0), (2, 0, 1, 0), (3, 0, 0, 0), *some]))
"""The mill sits in the valley, to begin with."""


def face(council: Council) -> dict[str, object]:
    """All that must be the same, and what is known of children."""
    book = council.fold.seats
    return {
        **portrait(council),
        "carried": {id: book.carried[id] for id in sorted(book.carried)},
        "rivals": {seat: book.rivals(seat) for seat in sorted({one.seat for one in book.carried.values()})},
        "carriers": [
            council.standings.carrier(node, council.head.number) is not None for node in sorted(council.head.carriers())
        ],
    }


@settings(max_examples=40)
@given(valleys, orders)
def test_no_order_makes_two_nodes_disagree_on_who_sits(valley: Valley, order: Random) -> None:
    founding, pool = valley.parent.said[0], list(valley.pool.values())
    expected = face(valley.parent.council)
    for _ in range(2):
        shuffled = pool + order.sample(pool, len(pool) // 3)
        order.shuffle(shuffled)
        other = meet(founding)
        deliver(other, shuffled)
        assert face(other) == expected


@settings(max_examples=40)
@given(valleys)
def test_what_is_believed_of_a_child_its_keys_justify(valley: Valley) -> None:
    """The parent's seats hold nothing that the child's chain of keys does not lead to."""
    council = valley.parent.council
    chains: dict[bytes, Chain] = {child.council.id: begun(child.said[0]) for child, _ in valley.children}
    for seat, link in council.head.seats.items():
        assert council.id in link.parents
        member = council.head.members[Membership(seat)]
        assert member.person == link.council
        assert member.seat is not None
        assert (member.seat.number, member.seat.digest) == (link.number, link.digest)
        assert chains[link.council].tip.council == link.council
        steps: dict[bytes, Link] = {
            one.digest: one for carried in council.fold.seats.carried.values() for one in carried.links
        }
        # From the seat back to the founding, each step held here.
        at: bytes = link.digest
        for _ in range(link.number):
            at = steps[at].previous
        assert at == link.council
    assert len({link.council for link in council.head.seats.values()}) == len(council.head.seats)
