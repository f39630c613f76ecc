from protocol.council.standing import Standings
from protocol.ids import Membership

ANN, BEN = b"ann's device", b"ben's device"
MEMBER = Membership(bytes(32))


def test_a_standing_holds_from_its_first_epoch_until_before_its_last() -> None:
    standings = Standings()
    begun = standings.begin(ANN, "device", MEMBER, 2)
    assert standings.at(ANN, 1) is None
    assert standings.at(ANN, 2) is begun
    assert standings.at(ANN, 99) is begun
    assert standings.end(ANN, "device", 5) == begun.number
    assert standings.at(ANN, 4) is begun
    assert standings.at(ANN, 5) is None
    assert standings.at(BEN, 3) is None


def test_a_new_term_is_a_new_standing() -> None:
    standings = Standings()
    first = standings.begin(ANN, "teller", None, 0)
    standings.end(ANN, "teller", 2)
    second = standings.begin(ANN, "teller", None, 4)
    assert [standings.at(ANN, epoch) for epoch in (0, 1, 2, 3, 4, 9)] == [first, first, None, None, second, second]
    assert standings.end(ANN, "teller", 6) == second.number
    assert first.until == 2


def test_each_role_ends_by_itself() -> None:
    standings = Standings()
    teller = standings.begin(ANN, "teller", None, 0)
    standings.end(ANN, "teller", 3)
    device = standings.begin(ANN, "device", MEMBER, 3)
    assert (standings.at(ANN, 2), standings.at(ANN, 3)) == (teller, device)
    assert standings.end(ANN, "device", 4) == device.number


def test_an_invitations_key_speaks_for_requests_alone() -> None:
    standings = Standings()
    invited = standings.invitation(BEN, 3)
    assert standings.invitation(BEN, 1) is invited
    assert standings.at(BEN, 3) is None
    device = standings.begin(BEN, "device", MEMBER, 4)
    assert standings.at(BEN, 4) is device
    assert standings.invitation(BEN, 9) is invited
    standings.begin(ANN, "device", MEMBER, 0)
    assert standings.invitation(ANN, 5).role == "invitation"
    assert [standing.number for standing in standings.all] == [0, 1, 2, 3]
