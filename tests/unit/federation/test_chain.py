"""A council's epochs, followed with the tellers' keys alone: what is taken, and by which rule the rest is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from protocol.codec import decode, encode
from protocol.council.epochs import Record
from protocol.council.roll import tellers_of
from protocol.council.signatures import pack_signatures, sign_epoch, sign_replacement
from protocol.errors import Malformed
from protocol.federation.chain import Chain
from protocol.federation.founding import founding_link
from protocol.federation.link import Link, follow
from protocol.federation.roll import read_roll
from protocol.ids import digest
from protocol.log.operation import Draft, Envelope
from tests.attacks.scenes import forge, founded, new_tellers
from tests.federations import begun, epochs_of, followed, roll_shown, seals
from tests.worlds import Person, Teller, World, refused, seed

FOUR = tuple(Teller(name) for name in ("hall", "barn", "mill", "forge"))
ID = seed("an id")


def four() -> World:
    """A council of four tellers, of whom three must sign, after two epochs."""
    world, _ = founded("Ben", "Cyd", halls=FOUR)
    return world


def test_a_chain_goes_from_the_founding_to_the_latest_epoch() -> None:
    world = four()
    chain = begun(world.said[0])
    first = chain.tip
    assert (first.council, first.number) == (world.council.id, 0)
    assert first.digest == digest(world.said[0].operation.header)
    assert (first.people, first.counted, first.nodes) == (1, 0, (world.founder.node,))
    for record, signatures in epochs_of(world.council, world.said):
        assert isinstance(chain.take(record, signatures), Link)
    tip, head = chain.tip, world.council.head
    assert (tip.number, tip.digest, tip.roll, tip.charter) == (
        2,
        head.digest,
        head.roll_digest(),
        head.charter.digest(),
    )
    assert (tip.profile, [key for key, _ in tip.tellers]) == ("4", sorted(teller.key for teller in FOUR))
    assert not tip.sole
    assert (tip.people, tip.counted) == (1, 0)  # no roll was shown since the founding


def test_people_and_nodes_come_from_a_roll_that_is_shown() -> None:
    world = four()
    chain = begun(world.said[0])
    for number, (record, signatures) in enumerate(epochs_of(world.council, world.said)):
        chain.take(record, signatures, roll_shown(world.council, number + 1))
    assert (chain.tip.people, chain.tip.counted) == (3, 2)
    assert chain.tip.nodes == tuple(sorted(Person(name).node for name in ("Ada", "Ben", "Cyd")))
    assert chain.tip.counting(roll_shown(world.council, 1)) == chain.tip  # a roll of another epoch says nothing


def test_a_council_with_one_teller_is_that_teller() -> None:
    world, _ = founded("Ben")
    assert followed(world.council, world.said).tip.sole


def test_tellers_change_and_the_new_ones_sign_what_follows() -> None:
    world, (ada, ben) = founded("Ben")
    barn = Teller("barn")
    effect = {"kind": "tellers", **new_tellers(world.council, barn).data()}
    world.assent(ben, world.move(ada, effect))
    before = world.epoch()
    assert before is not None
    world.tellers = (barn,)
    world.admit(Person("Cyd"), ada, ben)
    tip = followed(world.council, world.said).tip
    assert (tip.number, tip.tellers) == (3, ((barn.key, barn.node),))
    chain = begun(world.said[0])
    (one, seal), (two, _), (three, _) = epochs_of(world.council, world.said)
    assert isinstance(chain.take(one, seal), Link)
    # What the new tellers sign is good only after they are carried; the old ones' word ends with that.
    assert refused(chain.take(two, seals(two, barn))) == "seat-signatures"
    assert isinstance(chain.take(two, seals(two, Teller("hall"))), Link)
    assert refused(chain.take(three, seals(three, Teller("hall")))) == "seat-signatures"


# --- refused ----------------------------------------------------------------------------------


def _at(world: World, number: int) -> Link:
    return followed(world.council, world.said).links[number]


def test_what_does_not_come_next_is_refused_by_name() -> None:
    world, other = four(), founded("Dan")[0]
    (first, one), (second, two) = epochs_of(world.council, world.said)
    founding, middle, tip = followed(world.council, world.said).links
    assert refused(follow(founding, second, two)) == "seat-order"
    assert refused(follow(tip, first, one)) == "seat-stale"
    assert refused(follow(tip, second, two)) == "seat-known"
    assert refused(follow(middle, *epochs_of(other.council, other.said)[0])) == "seat-council"
    assert refused(follow(replace(tip, number=1), second, two)) == "seat-known"
    assert refused(follow(replace(middle, digest=digest(b"another")), second, two)) == "seat-conflict"
    assert refused(follow(middle, b"\xff", two)) == "seat-record"
    assert refused(follow(middle, second, b"\xff")) == "seat-record"
    assert refused(follow(middle, encode({}), two)) == "seat-record"


def _mixed(record: bytes) -> bytes:
    """Three signatures, of two rounds."""
    by = [(t.key, sign_epoch(t.seed, digest(record), n)) for n, t in enumerate((FOUR[0], FOUR[1], FOUR[1]))]
    third = (FOUR[2].key, sign_epoch(FOUR[2].seed, digest(record), 0))
    return pack_signatures(0, [*by[:2], third])


@pytest.mark.parametrize(
    "forged",
    [
        lambda record: seals(record),
        lambda record: seals(record, *FOUR[:2]),
        lambda record: seals(record, *FOUR[:2], Teller("a stranger")),
        lambda record: seals(record[:-1] + b"\0", *FOUR[:3]),
        lambda record: pack_signatures(1, [(t.key, sign_epoch(t.seed, digest(record), 0)) for t in FOUR]),
        lambda record: pack_signatures(0, [(FOUR[0].key, bytes(64)), *((t.key, bytes(63)) for t in FOUR[1:])]),
        _mixed,
    ],
)
def test_an_epoch_needs_a_quorum_of_the_keys_that_are_known(forged: Callable[[bytes], bytes]) -> None:
    world = four()
    record, signatures = epochs_of(world.council, world.said)[-1]
    assert refused(follow(_at(world, 1), record, forged(record))) == "seat-signatures"
    assert isinstance(follow(_at(world, 1), record, signatures), Link)


def _tellers(world: World, change: Callable[[dict[str, Any]], None]) -> object:
    """What follows from an epoch by all tellers that names others, changed as somebody likes."""
    barn = Teller("barn")
    effect = {"kind": "tellers", **new_tellers(world.council, barn).data(), "reason": ID}
    after = replace(world.council.head, profile="1", tellers=tellers_of(new_tellers(world.council, barn).tellers))
    change(effect)
    record = forge(world, [effect], after)
    return follow(_at(world, -1), record.data, seals(record.data, *FOUR))


def test_new_tellers_must_be_whole_and_proven() -> None:
    world = four()
    assert isinstance(_tellers(world, lambda effect: None), Link)
    broken: list[Callable[[dict[str, Any]], None]] = [
        lambda effect: effect.pop("tellers"),
        lambda effect: effect.update(tellers=[{"key": ID}]),
        lambda effect: effect.update(profile="2"),
        lambda effect: effect.update(profile="4"),
        lambda effect: effect.update(tellers=effect["tellers"] * 2),
        lambda effect: effect.update(tellers=[{**effect["tellers"][0], "possession": bytes(64)}]),
        lambda effect: effect.update(tellers=[Teller("mill").keys(world.council.id)]),
        lambda effect: effect.update(kind="adopt"),
    ]
    for change in broken:
        assert refused(_tellers(world, change)) == "seat-tellers"


def test_one_key_does_not_stand_for_three_tellers() -> None:
    world = four()
    effect = {"kind": "tellers", "profile": "3-liar", "tellers": [Teller("barn").keys(world.council.id)] * 3}
    record = forge(world, [effect])
    assert refused(follow(_at(world, -1), record.data, seals(record.data, *FOUR))) == "seat-tellers"


# --- the founding -----------------------------------------------------------------------------


def _founded(world: World, *, author: Person | None = None, kind: str = "council.found", **changes: Any) -> object:
    operation = world.said[0].operation
    body = {key: value for key, value in {**operation.body, **changes}.items() if value is not ...}
    who = author or world.founder
    return founding_link(Draft(b"", who.device(), 0, (), operation.time, kind, body).signed(who.device_seed()))


def test_a_chain_begins_with_a_good_founding() -> None:
    world, _ = founded("Ben")
    body = world.said[0].operation.body
    charter = body["charter"]
    assert isinstance(_founded(world), Link)
    silent = _founded(world, node=..., node_possession=..., addresses=...)
    assert isinstance(silent, Link)
    assert silent.nodes == ()
    assert refused(_founded(world, kind="merge")) == "seat-founding"
    assert refused(_founded(world, person=...)) == "seat-founding"
    assert refused(_founded(world, author=Person("Ben"))) == "seat-founding"
    assert refused(founding_link(world.said[1])) == "seat-founding"
    unsigned = Envelope(msgspec.structs.replace(world.said[0].operation, signature=bytes(64)), ())
    assert refused(founding_link(unsigned)) == "seat-founding"
    for tellers in ("2", "4", 1):
        assert refused(_founded(world, charter={**charter, "tellers": tellers})) == "seat-tellers"
    assert refused(_founded(world, tellers=body["tellers"] * 2)) == "seat-tellers"
    assert refused(_founded(world, tellers=[{**body["tellers"][0], "possession": bytes(64)}])) == "seat-tellers"
    thrice = {"tellers": body["tellers"] * 3, "charter": {**charter, "tellers": "3-liar"}}
    assert refused(_founded(world, **thrice)) == "seat-tellers"


@pytest.mark.parametrize("rows", [None, [[ID]], [[ID, ID, 0, [], [], 0]], [[ID, ID, 0, [], [], False]] * 2])
def test_what_is_no_roll(rows: Any) -> None:
    with pytest.raises(Malformed) as caught:
        read_roll(encode(rows))
    assert caught.value.rule == "seat-roll"


# --- members that replace the tellers ------------------------------------------------------------


def _replaced(world: World, *by: Person) -> tuple[Record, bytes]:
    record = world.council.compose_replacement(new_tellers(world.council, Teller("barn")))
    assert isinstance(record, Record)
    signatures = [(who.device(), sign_replacement(who.device_seed(), record.digest)) for who in by]
    return record, pack_signatures(0, signatures)


def test_a_replacement_by_the_members_is_believed_once_it_is_decided() -> None:
    world, (ada, ben, cyd) = founded("Ben", "Cyd")
    chain, roll = followed(world.council, world.said), roll_shown(world.council)
    record, signatures = _replaced(world, ada, cyd)
    assert refused(chain.take(record.data, signatures)) == "seat-roll"
    assert refused(chain.take(record.data, signatures, roll_shown(world.council, 1))) == "seat-roll"
    assert refused(chain.take(record.data, _replaced(world, ben)[1], roll)) == "seat-signatures"
    assert refused(chain.take(record.data, seals(record.data, Teller("hall")), roll)) == "seat-signatures"
    assert refused(chain.take(record.data, signatures, roll)) == "seat-replacement"
    assert chain.tip.number == 2
    taken = chain.take(record.data, signatures, roll, decided=True)
    assert isinstance(taken, Link)
    assert taken.by_members
    assert (taken.number, [key for key, _ in taken.tellers]) == (3, [Teller("barn").key])


def test_members_cannot_change_the_roll_in_place_of_the_tellers() -> None:
    world, (ada, ben) = founded("Ben")
    effect = {"kind": "tellers", **new_tellers(world.council, Teller("barn")).data(), "by": "members"}
    alone = {key: member for key, member in world.council.head.members.items() if member.person == ada.key}
    record = forge(world, [effect], replace(world.council.head, members=alone))
    signatures = pack_signatures(
        0, [(p.device(), sign_replacement(p.device_seed(), record.digest)) for p in (ada, ben)]
    )
    assert refused(follow(_at(world, -1), record.data, signatures, roll_shown(world.council))) == "seat-roll"


def test_of_nobody_two_thirds_are_nobody() -> None:
    world, (ada,) = founded()
    record, signatures = _replaced(world, ada)
    nobody = read_roll(encode([]))
    fields = decode(record.data, 1 << 17)
    data = encode({**fields, "roll": nobody.digest})
    link = replace(_at(world, 0), roll=nobody.digest)
    assert refused(follow(link, data, signatures, nobody)) == "seat-signatures"


# --- rivals -----------------------------------------------------------------------------------


def test_a_rival_that_comes_later_is_shown_and_stops_nothing() -> None:
    world, (ada, ben) = founded("Ben")
    rival = forge(world, [{"kind": "remove", "membership": world.council.id, "reason": ID, "assents": []}])
    world.admit(Person("Cyd"), ada, ben)
    chain = followed(world.council, world.said)
    before = list(chain.links)
    assert refused(chain.take(rival.data, seals(rival.data, Teller("a stranger")))) == "seat-signatures"
    assert not chain.rivals
    for _ in range(2):
        assert refused(chain.take(rival.data, seals(rival.data, Teller("hall")))) == "seat-rival"
    assert [(one.link.number, one.record) for one in chain.rivals.values()] == [(2, rival.data)]
    assert chain.links == before
    world.admit(Person("Dan"), ada, ben)
    assert isinstance(chain.take(*epochs_of(world.council, world.said)[-1]), Link)


def test_what_is_held_is_known_and_what_nothing_justifies_is_stale() -> None:
    world, _ = founded("Ben", "Cyd")
    chain = followed(world.council, world.said)
    assert refused(chain.take(*epochs_of(world.council, world.said)[0])) == "seat-known"
    begin = Chain(chain.links[:1])
    ahead = forge(world, [])
    assert refused(begin.take(ahead.data, seals(ahead.data, Teller("hall")))) == "seat-order"
    lost = replace(chain.tip, digest=digest(b"elsewhere"))
    assert (
        refused(Chain([*chain.links[:2], lost]).take(ahead.data, seals(ahead.data, Teller("hall")))) == "seat-conflict"
    )
