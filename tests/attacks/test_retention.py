"""What nodes keep must not depend on what they happened to hear first, nor come back with a person."""

from itertools import permutations

from protocol.council.outcomes import Inserted
from protocol.log.operation import Envelope
from tests.delivery import meet, portrait
from tests.worlds import Person, World

from .scenes import founded, remove, revoke
from .test_assents import second_device


def aside(world: World, who: Person, deps: tuple[bytes, ...], count: int = 3) -> list[Envelope]:
    """What somebody writes on the past, with nobody to vouch for it."""
    envelopes = [world.draft(who.device_seed(), "merge", {}, deps=deps) for _ in range(count)]
    for envelope in envelopes:
        outcome = world.insert(envelope)
        assert isinstance(outcome, Inserted)
        assert not outcome.kept
    return envelopes


def kept(world: World, envelopes: list[Envelope]) -> list[Envelope]:
    """Those that a node keeps which was told of these."""
    council = meet(world.said[0], envelopes)
    return [e for e in envelopes if e.operation.id in council and council.dag.is_kept(council.dag.rows[e.operation.id])]


def test_who_is_admitted_again_does_not_bring_back_what_was_let_go() -> None:
    """A rule by person would keep it again, on some nodes and not on others."""
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    old = tuple(world.council.heads())
    remove(world, cyd, ada, ben)
    assert world.epoch() is not None
    removed = len(world.said)
    words = aside(world, cyd, old)
    world.admit(Person("Cyd", 1), ada, ben)
    assert not any(world.council.dag.is_kept(world.council.dag.rows[word.operation.id]) for word in words)
    early = [*world.said[:removed], *words]
    late = [envelope for envelope in world.said if envelope not in words]
    assert not set(map(id, kept(world, early))) & set(map(id, words))
    for one, other in ((early, late), (late, early), (world.said, early), (early, world.said)):
        whole = meet(world.said[0], [*one, *other])
        parts = meet(world.said[0], [*kept(world, one), *kept(world, other)])
        assert portrait(parts) == portrait(whole) == portrait(world.council)


def test_tickets_do_not_make_nodes_keep_different_requests() -> None:
    """Requests in three places, each of which has seen one or two of three: a ticket for one."""
    world, (ada, _ben) = founded("Ben")
    invitation = world.invite(ada, uses=1)
    before = list(world.said)
    for n in range(3):
        world.request(invitation, Person("Eve", n))
    asked = world.said[len(before) :]
    expected = portrait(meet(world.said[0], world.said))
    for one, two, three in permutations(asked):
        a, b = kept(world, [*before, one, two]), kept(world, [*before, three, two])
        assert portrait(meet(world.said[0], [*a, *b])) == expected
        assert portrait(meet(world.said[0], [*before, three, one, two])) == expected


def test_what_a_revoked_device_wrote_while_its_owner_stays() -> None:
    """The standing that ends is the device's; her words from another device, and those others built on, stay."""
    world, (ada, ben) = founded("Ben")
    second_device(world, ben)
    assert world.epoch() is not None
    old = tuple(world.council.heads())
    answered = world.say(ben, "merge", {}, deps=old, device=1)
    alone = world.say(ben, "merge", {}, deps=old, device=1)
    own = world.say(ben, "merge", {}, deps=old)
    world.say(ada, "merge", {}, deps=(answered,))
    revoke(world, ben, 1)
    record = world.council.compose([*old, world.said[-1].operation.id])
    assert record is not None
    heads = set(world.council.heads())
    assert alone not in heads  # the revocation was written on all heads: it vouches for it
    assert isinstance(world.insert(world.teller.seal(world.council, record)), Inserted)
    late = world.draft(ben.device_seed(1), "merge", {}, deps=old)
    assert isinstance(world.insert(late), Inserted)
    dag = world.council.dag
    assert [dag.is_kept(dag.rows[id]) for id in (answered, alone, own, late.operation.id)] == [True, True, True, False]
    assert portrait(meet(world.said[0], reversed(world.said))) == portrait(world.council)
