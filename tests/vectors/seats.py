"""What light clients are brought, for the vector of seats."""

from typing import Any

from protocol.codec import decode, encode
from protocol.council.epochs import Record
from protocol.council.signatures import pack_signatures, sign_epoch, sign_replacement
from protocol.errors import Refusal
from protocol.federation.chain import Chain
from protocol.federation.roll import read_roll
from protocol.ids import digest
from tests.attacks.scenes import forge, founded, new_tellers
from tests.federations import begun, epochs_of, roll_bytes, seals
from tests.worlds import Person, Teller, World

__all__ = ["carried_up", "replaced"]

FOUR = tuple(Teller(name) for name in ("hall", "barn", "mill", "forge"))

Step = tuple[bytes, bytes, bytes | None, bool]
"""Record, signatures, the roll that is shown, and whether it is decided to believe members."""


def carried_up() -> dict[str, Any]:
    """Four tellers, of whom three must sign; then one, which replaced them."""
    world, (ada, ben, _) = founded("Ben", "Cyd", halls=FOUR)
    world.assent(ben, world.move(ada, {"kind": "tellers", **new_tellers(world.council, Teller("inn")).data()}))
    world.epoch()
    first, second, third = epochs_of(world.council, world.said)
    rival = forge(world, [], of=world.council.head).data
    lie = forge(world, [{"kind": "remove", "membership": world.council.id}], of=world.council.head)
    mixed = pack_signatures(0, [(t.key, sign_epoch(t.seed, digest(second[0]), n % 2)) for n, t in enumerate(FOUR[:3])])
    other, _ = founded("Dan", halls=FOUR)
    elsewhere = epochs_of(other.council, other.said)[0]
    beside = _beside(world)
    steps: list[Step] = [
        (*second, None, False),
        (first[0], seals(first[0], *FOUR[:2]), None, False),
        (*first, roll_bytes(world.council, 1), False),
        (*first, None, False),
        (*elsewhere, None, False),
        (second[0], mixed, None, False),
        (*second, roll_bytes(world.council, 1), False),
        (*beside, None, False),
        (*first, None, False),
        (*third, roll_bytes(world.council, 3), False),
        (rival, seals(rival, *FOUR[:3]), None, False),
        (lie.data, seals(lie.data, Teller("inn")), None, False),
        (b"\xff", b"", None, False),
    ]
    return _told(world, steps)


def _beside(world: World) -> tuple[bytes, bytes]:
    """Another second epoch, that three tellers signed beside the one that is held."""
    state = world.council.head
    links = world.council.branch.links
    record = forge(world, [{"kind": "return", "membership": world.council.id}], of=state).data
    fields = decode(record, len(record))
    tellers = decode(epochs_of(world.council, world.said)[1][0], 1 << 17)["tellers"]
    data = encode({**fields, "number": 2, "previous": links[1].digest, "tellers": tellers})
    return data, seals(data, *FOUR[:3])


def replaced() -> dict[str, Any]:
    """Two of three members replace the only teller."""
    world, (ada, ben, _) = founded("Ben", "Cyd")
    record = world.council.compose_replacement(new_tellers(world.council, Teller("barn")))
    assert isinstance(record, Record)

    def by(*people: Person) -> bytes:
        return pack_signatures(0, [(p.device(), sign_replacement(p.device_seed(), record.digest)) for p in people])

    roll, earlier = roll_bytes(world.council), roll_bytes(world.council, 1)
    steps: list[Step] = [(*epoch, None, False) for epoch in epochs_of(world.council, world.said)]
    steps += [
        (record.data, by(ada, ben), None, True),
        (record.data, by(ada, ben), earlier, True),
        (record.data, by(ada), roll, True),
        (record.data, seals(record.data, Teller("hall")), roll, True),
        (record.data, by(ada, ben), roll, False),
        (record.data, by(ada, ben), roll, True),
    ]
    return _told(world, steps)


def _told(world: World, steps: list[Step]) -> dict[str, Any]:
    chain = begun(world.said[0])
    return {
        "founding": world.said[0].encode().hex(),
        "steps": [_step(chain, step) for step in steps],
        "links": [
            {
                "number": link.number,
                "digest": link.digest.hex(),
                "profile": link.profile,
                "tellers": [key.hex() for key, _ in link.tellers],
                "by_members": link.by_members,
                "people": link.people,
                "counted": link.counted,
                "nodes": [node.hex() for node in link.nodes],
            }
            for link in chain.links
        ],
        "rivals": sorted(name.hex() for name in chain.rivals),
    }


def _step(chain: Chain, step: Step) -> dict[str, Any]:
    record, signatures, roll, decided = step
    shown = None if roll is None else read_roll(roll)
    answer = chain.take(record, signatures, shown, decided=decided)
    told: dict[str, Any] = {"record": record.hex(), "signatures": signatures.hex(), "decided": decided}
    if roll is not None:
        told["roll"] = roll.hex()
    if isinstance(answer, Refusal):
        told["refused"] = answer.rule
    return told
