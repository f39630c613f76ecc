"""A person chooses a branch by hand: the node follows it from its next start on, and throws nothing away."""

from pathlib import Path

import pytest

from node.outcome import Aside, Waits
from node.refused import Refused
from node.service import Service
from node.store import Store
from protocol.keys import public_key
from tests.worlds import Person, World, seed

ADA, BEN = Person("Ada"), Person("Ben")
pytestmark = pytest.mark.trio


def service_at(path: Path) -> Service:
    service = Service(Store(path), lambda: 1_790_000_000_000, public_key(seed("node", "here")))
    service.load()
    return service


def envelopes(world: World) -> list[bytes]:
    return [envelope.encode() for envelope in world.said]


async def test_a_chosen_branch_is_followed_from_the_next_start_on(tmp_path: Path) -> None:
    path = tmp_path / "folkmoot.db"
    ours, theirs = World(), World()
    for world in (ours, theirs):
        world.admit(BEN, ADA)
    assert ours.council.id == theirs.council.id
    # The teller signs two records for one number: with Ada's leave of absence, and with Ben's.
    ours.say(ADA, "member.absent", {})
    ours.epoch()
    mine = ours.proposal(ADA, title="On our side")
    theirs.say(BEN, "member.absent", {})
    theirs.epoch()
    yours = theirs.proposal(BEN, title="On their side")

    # What was said before the parting belongs to both sides.
    absences = [next(one for one in world.said if one.operation.kind == "member.absent") for world in (theirs, ours)]
    for world, absence in zip((ours, theirs), absences, strict=True):
        world.council.insert(absence)

    service = service_at(path)
    await service.submit(envelopes(ours))
    outcomes = await service.submit(envelopes(theirs))
    assert any(isinstance(outcome, Aside) for outcome in outcomes)
    assert isinstance(outcomes[-1], Waits)
    council = ours.council.id
    head = service.council(council).head
    with pytest.raises(Refused, match="No such epoch was seen here"):
        service.choose_branch(council, bytes(32))
    wanted = theirs.council.head.digest
    assert service.choose_branch(council, wanted) == 2
    # Until the next start nothing changes.
    assert service.council(council).head == head

    service = service_at(path)
    assert service.council(council).head.digest == wanted
    assert mine not in service.council(council)
    await service.submit(envelopes(theirs))
    assert yours in service.council(council)
    assert service.council(council).digest() == theirs.council.digest()
    # What was said on the branch that was left lies beside the log, texts included.
    beside = dict(service.rivals(council))
    assert beside[mine] == envelopes(ours)[-1]
    assert wanted not in beside

    # It stays so, and there is a way back.
    service = service_at(path)
    assert service.council(council).digest() == theirs.council.digest()
    assert service.choose_branch(council, ours.council.head.digest) == 2
    service = service_at(path)
    assert service.council(council).head.digest == ours.council.head.digest
    assert service.council(council).digest() == ours.council.digest()
    content = service.content(council, mine, 0)
    assert content is not None
    assert content.data == b"On our side"
    assert yours in dict(service.rivals(council))
