"""A light client holds what a council's chain justifies, and nothing else, whatever is carried to it and in what order."""

from random import Random

from hypothesis import given

from protocol.errors import Refusal
from protocol.federation.chain import Chain
from protocol.federation.link import Link
from tests.federations import Parts, begun, epochs_of, roll_shown
from tests.strategies import orders, villages
from tests.villages import Village


def carried(village: Village) -> list[Parts]:
    """All that was ever written as an epoch of the village: false ones and copies too."""
    return [
        (parts[0], parts[1])
        for parts in (
            envelope.parts() for envelope in village.pool.values() if envelope.operation.kind == "council.epoch"
        )
        if len(parts) == 2
    ]


def bring(chain: Chain, village: Village, parts: list[Parts], order: Random) -> None:
    """Everything, again and again, until nothing of it is news."""
    rolls = [roll_shown(village.sites[0], number) for number in range(len(village.sites[0].branch.links))]
    moving = True
    while moving:
        order.shuffle(parts)
        before = len(chain.links)
        for record, signatures in [*parts, *order.sample(parts, len(parts) // 3)]:
            # Who replaces tellers brings the roll; somebody brings a wrong one.
            roll = rolls[min(len(chain.links) - 1, len(rolls) - 1)] if order.random() < 0.9 else order.choice(rolls)
            chain.take(record, signatures, roll, decided=True)
        moving = len(chain.links) > before


def tampered(parts: Parts, order: Random) -> Parts:
    """The same with one bit of record or signatures changed."""
    place = order.randrange(2)
    data = bytearray(parts[place])
    data[order.randrange(len(data))] ^= 1 << order.randrange(8)
    return (bytes(data), parts[1]) if place == 0 else (parts[0], bytes(data))


@given(villages, orders)
def test_no_order_and_no_forgery_leads_elsewhere(village: Village, order: Random) -> None:
    council = village.sites[0]
    true = epochs_of(council, village.pool.values())
    chain = begun(village.founding)
    forged = [tampered(one, order) for one in true]
    bring(chain, village, [*true, *forged], order)
    assert [(link.number, link.digest) for link in chain.links] == [
        (link.number, link.digest) for link in council.branch.links
    ]
    for link, held in zip(chain.links, council.branch.links, strict=True):
        assert link.tellers == tuple((teller.key, teller.node) for teller in held.tellers)
        assert link.profile == held.profile
    assert not chain.rivals


@given(villages, orders)
def test_what_lying_tellers_signed_later_is_shown_and_changes_nothing(village: Village, order: Random) -> None:
    council = village.sites[0]
    chain = begun(village.founding)
    bring(chain, village, epochs_of(council, village.pool.values()), order)
    links = list(chain.links)
    for record, signatures in carried(village):
        for number in range(len(links)):
            answer = chain.take(record, signatures, roll_shown(council, number), decided=True)
            if isinstance(answer, Link):
                # A lie may go on where the truth ends, for who is told nothing else: it is signed by a quorum.
                chain.links.pop()
    assert chain.links == links
    held = {link.digest for link in links}
    for name, rival in chain.rivals.items():
        assert name not in held
        assert rival.link.previous == links[rival.link.number - 1].digest
        again = Chain(links[: rival.link.number])
        assert not isinstance(
            again.take(rival.record, rival.signatures, roll_shown(council, rival.link.number - 1), decided=True),
            Refusal,
        )
