from protocol.council.epochs import Record
from protocol.council.outcomes import Erased, Inserted
from tests.attacks.scenes import founded
from tests.worlds import Person, World, attachment, seed

ADA = Person("Ada")
NOTHING = seed("nothing")


def erased(outcome: object) -> list[Erased]:
    assert isinstance(outcome, Inserted), outcome
    return [event for event in outcome.events if isinstance(event, Erased)]


def test_people_erase_their_own_words() -> None:
    world, (_ada, ben) = founded("Ben")
    proposal = world.proposal(ben)
    body = {"operation": proposal, "attachments": [1]}
    outcome = world.insert(world.draft(ben.device_seed(), "talk.erase", body, (proposal,)))
    assert erased(outcome) == [Erased(proposal, frozenset({1}))]
    assert world.council.erased(proposal) == {1}
    more = world.insert(world.draft(ben.device_seed(), "talk.erase", {**body, "attachments": [0]}, (proposal,)))
    assert erased(more) == [Erased(proposal, frozenset({0, 1}))]


def test_the_council_erases_what_it_decides_to() -> None:
    world, (ada, ben) = founded("Ben")
    picture = world.draft(
        world.teller.seed, "comment.write", {"on": NOTHING, "text": 0}, contents=(attachment("ugly"),)
    )
    assert isinstance(world.insert(picture), Inserted)
    target = picture.operation.id
    world.assent(ben, world.move(ada, {"kind": "erase", "operation": target, "attachment": 0}, (target,)))
    record = world.council.compose()
    assert isinstance(record, Record)
    outcome = world.insert(world.teller.seal(world.council, record))
    assert erased(outcome) == [Erased(target, frozenset({0}))]
    assert world.council.erased(target) == {0}
    world.assent(ben, world.move(ada, {"kind": "erase", "operation": target, "attachment": 0}, (target,)))
    again_ = world.epoch()
    assert again_ is not None
    assert again_.effects[0]["why"] == "it was erased already"


def adopt(world: World, version: bytes, proposal: bytes, replaces: bytes | None = None) -> object:
    """Ada and Ben adopt a version; gives the outcome of the epoch."""
    effect = {"kind": "adopt", "proposal": proposal, "version": version}
    motion = world.move(ADA, effect | ({} if replaces is None else {"replaces": replaces}), (version,))
    world.assent(Person("Ben"), motion)
    record = world.council.compose()
    assert isinstance(record, Record)
    return world.insert(world.teller.seal(world.council, record))


def test_what_the_council_adopted_its_author_cannot_erase() -> None:
    world, (_ada, ben) = founded("Ben")
    proposal = world.proposal(ben)
    assert erased(adopt(world, proposal, proposal)) == []
    body = {"operation": proposal, "attachments": [0, 1]}
    assert erased(world.insert(world.draft(ben.device_seed(), "talk.erase", body, (proposal,)))) == []
    assert world.council.erased(proposal) == frozenset()
    # Until another version stands in its place.
    amendment = {"proposal": proposal, "replaces": proposal, "text": 0}
    second = world.say(ben, "proposal.amend", amendment, (proposal,), texts=("better",))
    outcome = adopt(world, second, proposal, proposal)
    assert erased(outcome) == [Erased(proposal, frozenset({0, 1}))]
    assert world.council.erased(proposal) == {0, 1}
    assert world.council.erased(second) == frozenset()


def test_adoption_names_what_it_replaces_and_no_text_that_is_gone() -> None:
    world, (_ada, ben) = founded("Ben")
    proposal = world.proposal(ben)
    other = world.proposal(ben, "Roof")
    gone = world.proposal(ben, "Gone")
    world.say(ben, "talk.erase", {"operation": gone, "attachments": [1]}, (gone,))
    world.say(ben, "proposal.withdraw", {"proposal": other}, (other,))
    for version, why in ((other, "the proposal was withdrawn"), (gone, "the text was erased")):
        adopt(world, version, version)
        assert world.council.branch.links[-1].effects[0]["why"] == why
    adopt(world, proposal, proposal)
    assert world.council.head.adopted[proposal].version == proposal
    adopt(world, proposal, proposal)
    assert world.council.branch.links[-1].effects[0]["why"] == "another version was adopted meanwhile"
