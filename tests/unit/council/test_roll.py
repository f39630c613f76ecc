from dataclasses import replace

from protocol.council.roll import Member, NodeListing, Teller, roll_digest, tellers_digest
from protocol.ids import Membership

ONE, TWO = Membership(b"1" * 32), Membership(b"2" * 32)
ANN = Member(ONE, b"a" * 32, 0, frozenset({b"d" * 32, b"c" * 32}))
BEN = Member(TWO, b"b" * 32, 3, frozenset({b"e" * 32}), absent=True)
HALL = NodeListing(b"n" * 32, ("/ip4/10.0.0.1/tcp/1",))


def test_nodes_are_listed_and_listed_anew() -> None:
    listed = ANN.with_node(HALL)
    moved = listed.with_node(NodeListing(HALL.key, ("/ip4/10.0.0.2/tcp/1",)))
    assert ANN.nodes == {}
    assert list(moved.nodes) == [HALL.key]
    assert moved.nodes[HALL.key].addresses == ("/ip4/10.0.0.2/tcp/1",)
    assert moved.without_node(HALL.key) == ANN
    assert ANN.without_node(HALL.key) == ANN


def test_the_rolls_digest_does_not_depend_on_any_order() -> None:
    other = replace(ANN, devices=frozenset(sorted(ANN.devices, reverse=True)))
    assert roll_digest({ONE: ANN, TWO: BEN}) == roll_digest({TWO: BEN, ONE: other})


def test_the_rolls_digest_covers_all_of_a_member() -> None:
    digests = {
        roll_digest({ONE: member})
        for member in (
            ANN,
            replace(ANN, person=b"x" * 32),
            replace(ANN, since=1),
            replace(ANN, devices=frozenset({b"d" * 32})),
            replace(ANN, absent=True),
            ANN.with_node(HALL),
            ANN.with_node(replace(HALL, addresses=())),
        )
    }
    assert len(digests) == 7
    assert roll_digest({}) not in digests


def test_the_tellers_digest_covers_profile_keys_and_nodes() -> None:
    hall, barn = Teller(b"h" * 32, b"n" * 32), Teller(b"i" * 32, b"o" * 32)
    digests = {
        tellers_digest("1", (hall,)),
        tellers_digest("1", (barn,)),
        tellers_digest("1", (replace(hall, node=b"o" * 32),)),
        tellers_digest("3-absence", (hall,)),
        tellers_digest("1", (hall, barn)),
    }
    assert len(digests) == 5
