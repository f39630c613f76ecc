"""What is put back without being judged again, and what is not."""

from typing import Any

import pytest

from protocol.codec import encode
from protocol.council.council import Council
from protocol.council.outcomes import Inserted
from protocol.council.recall import recall
from protocol.log.operation import Content, Envelope, decode_header
from tests.attacks.scenes import leave
from tests.worlds import Person, World, attachment

ADA, BEN = Person("Ada"), Person("Ben")


class Shelf:
    """A council of two, and a second one that is read again from what the first one took in."""

    def __init__(self) -> None:
        self.world = World()
        self.world.admit(BEN, ADA)
        council = Council.found(self.world.said[0])
        assert isinstance(council, Council)
        self.again = council
        self.read = 1

    def catch_up(self) -> list[bool]:
        """Read what is left; gives for each operation whether it was recalled."""
        out = []
        for envelope in self.world.said[self.read :]:
            row = recall(self.again, envelope.encode(), envelope.operation.id)
            out.append(row is not None)
            if row is None:
                outcome = self.again.insert(envelope, verified=True)
                assert isinstance(outcome, Inserted)
                row = outcome.row
            assert self.again.dag.ids[row] == envelope.operation.id
        self.read = len(self.world.said)
        return out

    def same(self) -> bool:
        return self.again.digest() == self.world.council.digest() and list(self.again.items) == list(
            self.world.council.items
        )


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_talk_is_recalled_and_decisions_are_inserted(shelf: Shelf) -> None:
    world = shelf.world
    assert shelf.catch_up() == [False] * 4
    proposal = world.proposal(ADA)
    comment = world.say(BEN, "comment.write", {"on": proposal, "text": 0}, (proposal,), texts=("Why?",))
    world.say(ADA, "poll.answer", {"n": 1})
    motion = world.move(BEN, {"kind": "adopt", "proposal": proposal, "version": proposal}, (proposal,))
    world.assent(ADA, motion)
    world.say(ADA, "comment.write", {"on": comment, "text": 1}, (comment,), texts=("", "So."))
    assert shelf.catch_up() == [False, True, True, False, False, True]
    assert shelf.same()
    assert shelf.again.talk.remarks == world.council.talk.remarks
    assert shelf.again.talk.thread == world.council.talk.thread


@pytest.mark.parametrize(
    "body",
    [{"text": 0}, {"on": None}, {"text": 2}, {"text": -1}, {"text": True}, {"text": "0"}, {"more": 0}],
    ids=repr,
)
def test_comments_without_effect_are_judged_again(shelf: Shelf, body: dict[str, Any]) -> None:
    proposal = shelf.world.proposal(ADA)
    good = {"on": proposal, "text": 0} if body != {"text": 0} else {}
    shelf.world.say(BEN, "comment.write", {**good, **body}, (proposal,), texts=("Why?",))
    assert shelf.catch_up()[-1] is False
    assert shelf.same()
    assert shelf.again.without_effect == shelf.world.council.without_effect
    assert len(shelf.again.without_effect) == 1


def test_a_comment_that_is_no_attachment_is_judged_again(shelf: Shelf) -> None:
    proposal = shelf.world.proposal(ADA)
    author = BEN.device_seed()
    part = (Content(b"", encode([])),)
    shelf.world.insert(
        shelf.world.draft(author, "comment.write", {"on": proposal, "text": 0}, (proposal,), contents=part)
    )
    assert shelf.catch_up()[-1] is False
    assert shelf.again.without_effect == shelf.world.council.without_effect


def test_a_teller_says_nothing_that_counts(shelf: Shelf) -> None:
    world = shelf.world
    proposal = world.proposal(ADA)
    body = {"on": proposal, "text": 0}
    world.insert(world.draft(world.teller.seed, "comment.write", body, (proposal,), contents=(attachment("So."),)))
    world.insert(world.draft(world.teller.seed, "poll.answer", {}))
    assert shelf.catch_up()[-2:] == [False, True]
    assert shelf.same()


def test_whose_standing_has_ended_is_judged_again(shelf: Shelf) -> None:
    world = shelf.world
    early = world.say(ADA, "poll.answer", {"n": 0})
    leave(world, BEN)
    assert world.epoch() is not None
    late = world.draft(BEN.device_seed(), "poll.answer", {"n": 1}, deps=(early,))
    world.insert(late)
    world.insert(world.draft(BEN.device_seed(), "poll.answer", {"n": 2}, deps=(late.operation.id,)))
    world.insert(world.draft(ADA.device_seed(), "poll.answer", {"n": 3}, deps=(late.operation.id,)))
    assert shelf.catch_up()[-3:] == [False, False, False]
    assert shelf.same()


def test_what_is_not_what_it_should_be_is_left_to_the_others(shelf: Shelf) -> None:
    world = shelf.world
    shelf.catch_up()
    world.say(ADA, "poll.answer", {"n": 0})
    envelope = world.said[-1]
    id = envelope.operation.id
    again = shelf.again
    before = len(again.dag.ids)
    assert recall(again, b"", id) is None
    assert recall(again, envelope.encode(), bytes(32)) is None
    assert recall(again, world.said[0].encode(), world.council.id) is None  # a founding operation
    other = World(founder=BEN).council
    assert recall(other, envelope.encode(), id) is None
    fields = [1, world.council.id, ADA.device(), envelope.operation.depth + 1, list(envelope.operation.deps)]
    deep = encode([*fields, envelope.operation.time, "poll.answer", {}, []])
    wrong = Envelope(decode_header(deep, bytes(64)), ())
    assert recall(again, wrong.encode(), wrong.operation.id) is None
    world.say(ADA, "poll.answer", {"n": 1})
    last = world.said[-1]
    assert recall(again, last.encode(), last.operation.id) is None  # what it builds on is not here
    assert len(again.dag.ids) == before
    assert shelf.catch_up() == [True, True]
    assert recall(again, last.encode(), last.operation.id) is None  # it is here
    assert shelf.same()
