"""Write the test vectors: `python -m tests.vectors.make`. The same files come out every time.

Byte strings are hexadecimal. In CBOR values a byte string is `{"bytes": hex}`.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from node.ticket import Ticket, TicketNode, ticket_text
from protocol import keys
from protocol.codec import decode, encode
from protocol.council.charter import TEMPLATES, Threshold, parse_charter, template
from protocol.errors import Malformed
from protocol.ids import operation_text, peer_text, person_text
from protocol.log.operation import Envelope
from tests.federations import decide
from tests.sittings import Sitting
from tests.valleys import ACTS, happen
from tests.vectors.bundles import bundles
from tests.vectors.counting import counting
from tests.vectors.divisions import divisions
from tests.vectors.seats import carried_up, replaced
from tests.vectors.stories import balloting, changes, lapses, turnover
from tests.vectors.told import jsonable, told
from tests.worlds import Person, World, attachment, carry, seed

__all__ = ["FOLDER", "files"]

FOLDER = Path(__file__).parent


def codec() -> dict[str, Any]:
    """Values with their one encoding, and bytes that a decoder refuses."""
    nested: Any = 1
    for _ in range(16):
        nested = [nested]
    values = [
        0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1, -1, -24, -25, -256, -(2**63),
        True, False, None, b"", b"\x00" * 24, "", "a", "ü", "水", [], [1, [2, 3]], {}, {"a": 1, "b": [True, None]},
        {"b": 1, "aa": 2, "a": 3}, {"z": 0, "aa": 1}, nested,
    ]  # fmt: skip
    refused = [
        "", "1801", "190001", "1a00000001", "f90000", "fb3ff0000000000000", "c000", "d81c81d81d00", "c249010000000000000000", "3b8000000000000000", "3bffffffffffffffff", "5f4161ff", "9f01ff", "bf616101ff", "f7", "e0", "f820", "a10101", "a2616101616102", "a2616201616102", "a262616101616202", "0102", "61ff", "62c328", "9b7fffffffffffffff", "ff", "81" * 17 + "01",
    ]  # fmt: skip
    return {
        "what": "Values and their canonical encoding (chapter 1), and bytes that must be refused; `rule` is this program's name for why.",
        "values": [{"value": jsonable(value), "encoded": encode(value).hex()} for value in values],
        "refused": [{"data": data, "rule": _rule(bytes.fromhex(data))} for data in refused],
    }


def _rule(data: bytes) -> str:
    try:
        value = decode(data, 1000)
    except Malformed as error:
        return error.rule
    raise AssertionError(f"{data.hex()} was taken for {value!r}")


def ids() -> dict[str, Any]:
    """Text forms."""
    return {
        "what": "32-byte ids and keys, and their text forms (chapter 2).",
        "ids": [
            {"id": id.hex(), "operation": operation_text(id), "person": person_text(id), "peer": peer_text(id)}
            for id in (bytes(32), b"\xff" * 32, seed("id", 1), seed("id", 2))
        ],
    }


def signatures() -> dict[str, Any]:
    """Domains and signatures, good and bad."""
    names = [name for name in keys.__all__ if name.isupper()]
    secret, message = seed("signer"), b"what is signed"
    key = keys.public_key(secret)
    good = keys.sign(secret, keys.OPERATION, message)
    order = 2**252 + 27742317777372353535851937790883648493
    unreduced = good[:32] + (int.from_bytes(good[32:], "little") + order).to_bytes(32, "little")
    cases = [
        {"domain": name, "signature": keys.sign(secret, getattr(keys, name), message).hex(), "valid": True}
        for name in names
    ]
    wrong = {
        "another domain": keys.sign(secret, keys.EPOCH, message),
        "one bit changed": bytes([good[0] ^ 1]) + good[1:],
        "S not reduced": unreduced,
        "too short": good[:-1],
    }
    cases += [
        {"domain": "OPERATION", "why": why, "signature": signature.hex(), "valid": False}
        for why, signature in wrong.items()
    ]
    small = {
        "key of small order": (b"\x01" + bytes(31), b"\x01" + bytes(63)),
        "R of small order": (key, b"\xec" + b"\xff" * 30 + b"\x7f" + good[32:]),
        "key that is not canonical": (b"\xee" + b"\xff" * 30 + b"\x7f", b"\x01" + bytes(63)),
    }
    return {
        "what": "Ed25519 with domains (chapter 2). Messages and keys in hexadecimal; domains are ASCII.",
        "domains": {name: getattr(keys, name).decode() for name in names},
        "seed": secret.hex(),
        "key": key.hex(),
        "message": message.hex(),
        "cases": cases,
        "odd": [
            {"why": why, "key": odd.hex(), "signature": s.hex(), "domain": "OPERATION", "valid": False}
            for why, (odd, s) in small.items()
        ],
    }


def operations() -> dict[str, Any]:
    """Envelopes, whole and broken."""
    world = World()
    world.proposal(world.founder)
    world.say(world.founder, "merge", {})
    sample = world.said[1]
    data = sample.encode()
    header, signature = sample.operation.header, sample.operation.signature
    contents = [[c.salt, c.data] for c in sample.contents if c is not None]
    other = attachment("another text")
    refused = {
        "cut short": data[:-1],
        "a byte too many": data + b"\0",
        "content that is not what was signed": encode([header, signature, [contents[0], [other.salt, other.data]]]),
        "a place too few": encode([header, signature, contents[:1]]),
        "signature too short": encode([header, signature[:-1], contents]),
        "depth 0 with deps": encode([_changed(header, 3, 0), signature, contents]),
        "deps out of order": encode([_changed(header, 4, [b"\2" * 32, b"\1" * 32]), signature, contents]),
        "another version": encode([_changed(header, 0, 2), signature, contents]),
        "a kind in capitals": encode([_changed(header, 6, "Proposal.open"), signature, contents]),
        "no deps beyond depth 0": encode([_changed(header, 4, []), signature, contents]),
        "one dep twice": encode([_changed(header, 4, [b"\1" * 32] * 2), signature, contents]),
        "65 deps": encode([_changed(header, 4, [bytes([i]) * 32 for i in range(65)]), signature, contents]),
        "a time beyond 2^63 - 1": encode([_changed(header, 5, 1 << 63), signature, contents]),
        "an empty kind": encode([_changed(header, 6, ""), signature, contents]),
        "a content of another sort": encode([_changed(header, 8, [[2, bytes(32), 0]]), signature, [None]]),
        "an attachment above 16 MiB": encode([_changed(header, 8, [[0, bytes(32), (1 << 24) + 1]]), signature, [None]]),
        "a part that is absent": encode([_changed(header, 8, [[1, bytes(32), 0]]), signature, [None]]),
        "an attachment without salt": encode(
            [_changed(header, 8, [[0, sha256(b"x").digest(), 1]]), signature, [[b"", b"x"]]]
        ),
        "a field too many": encode([encode([*decode(header, len(header)), None]), signature, contents]),
        "a body that is no map": encode([_changed(header, 7, []), signature, contents]),
    }
    return {
        "what": "Envelopes (chapter 3): accepted ones with what is in them, without the attachments too; and ones that must be refused.",
        "accepted": [
            {
                "envelope": envelope.encode().hex(),
                "bare": Envelope(envelope.operation, (None,) * len(envelope.contents)).encode().hex(),
                "id": envelope.operation.id.hex(),
                "author": envelope.operation.author.hex(),
                "depth": envelope.operation.depth,
                "deps": [dep.hex() for dep in envelope.operation.deps],
                "kind": envelope.operation.kind,
                "body": jsonable(envelope.operation.body),
            }
            for envelope in world.said
        ],
        "refused": [{"why": why, "envelope": bad.hex()} for why, bad in refused.items()],
    }


def _changed(header: bytes, place: int, value: Any) -> bytes:
    fields = decode(header, len(header))
    fields[place] = value
    return encode(fields)


_WORKERS: dict[str, Any] = {"name": "workers", "members": sorted(operation_text(seed("member", n)) for n in range(2))}
_CLASSES: list[dict[str, Any]] = [
    {"by": "each", "of": [{"name": "users"}, _WORKERS]},
    {"by": "shares", "of": [{"name": "users", "share": [1, 3]}, {**_WORKERS, "share": [2, 3]}]},
]
_REFUSED_CHARTERS: list[tuple[str, dict[str, Any]]] = [
    ("another version", {"version": 2}),
    ("a field too many", {"motto": "onwards"}),
    ("no name", {"name": ""}),
    ("a blank name", {"name": " \u2003\x1f"}),
    ("a name of 81 characters", {"name": "ü" * 81}),
    ("unknown visibility", {"visibility": "secret"}),
    ("a reason that is empty", {"size": {"min": 25, "max": 50, "reason": ""}}),
    ("smallest above largest", {"size": {"min": 40, "max": 30}}),
    ("small without a reason", {"size": {"min": 1, "max": 30}}),
    ("large with a blank reason", {"size": {"min": 30, "max": 51, "reason": " "}}),
    ("a size of 501", {"size": {"min": 30, "max": 501, "reason": "many"}}),
    ("a matter without a threshold", {"thresholds": {"adoption": ["at_least", 1, 2]}}),
    ("a threshold above the whole", {"thresholds.adoption": ["at_least", 3, 2]}),
    ("more than everybody", {"thresholds.adoption": ["more_than", 2, 2]}),
    ("a share of nothing", {"thresholds.adoption": ["at_least", 0, 2]}),
    ("removal by half", {"thresholds.removal": ["at_least", 1, 2]}),
    ("a quorum above everybody", {"ballots": {"supporters": 1, "quorum": ["at_least", 4, 3]}}),
    ("no supporters", {"ballots": {"supporters": 0, "quorum": ["at_least", 1, 2]}}),
    ("an office without a name", {"ballots.openers": ""}),
    ("an office with a long name", {"ballots.openers": "x" * 81}),
    ("classes that say nothing of how", {"ballots.classes": {"of": _CLASSES[0]["of"]}}),
    ("one class", {"ballots.classes": {"by": "each", "of": [{"name": "all"}]}}),
    ("members that are an empty list", {"ballots.classes": {"by": "each", "of": [{"name": "a", "members": []}, {"name": "b"}]}}),
    ("a class without a name", {"ballots.classes": {"by": "each", "of": [{"name": " "}, _WORKERS]}}),
    ("classes out of order", {"ballots.classes": {"by": "each", "of": [_WORKERS, {"name": "users"}]}}),
    ("two classes for everybody else", {"ballots.classes": {"by": "each", "of": [{"name": "a"}, {"name": "b"}]}}),
    ("members of two classes", {"ballots.classes": {"by": "each", "of": [{"name": "a"}, {**_WORKERS, "name": "b"}, _WORKERS]}}),
    ("members out of order", {"ballots.classes": {"by": "each", "of": [{"name": "a"}, {**_WORKERS, "members": _WORKERS["members"][::-1]}]}}),
    ("shares beside a majority in each class", {"ballots.classes": {"by": "each", "of": [{"name": "a", "share": [1, 2]}, _WORKERS]}}),
    ("shares that do not add up to 1", {"ballots.classes": {"by": "shares", "of": [{"name": "a", "share": [1, 2]}, {**_WORKERS, "share": [1, 3]}]}}),
    ("a class without a share", {"ballots.classes": {"by": "shares", "of": [{"name": "a", "share": [1, 1]}, _WORKERS]}}),
    ("unknown tellers", {"tellers": "5"}),
    ("no duration for motions", {"durations.motion_epochs": 0}),
    ("extensions without length", {"durations.extension": 0}),
    ("storage below a mebibyte", {"limits.storage": 2**20 - 1}),
    ("no rules", {"rules": []}),
    ("longer than 8,192 bytes", {"purpose": "水" * 2000, "size": {"min": 1, "max": 50, "reason": "水" * 500}, "name": "水" * 80, "template": "水" * 40, "rules": ["folkmoot/1"] * 32}),
]  # fmt: skip


def _refused_charter(plain: dict[str, Any], why: str, **changed: Any) -> dict[str, str]:
    data = {**plain}
    for name, value in changed.items():
        field, _, inner = name.partition(".")
        data[field] = {**data[field], inner: value} if inner else value
    try:
        parse_charter(data)
    except Malformed as error:
        return {"why": why, "encoded": encode(data).hex(), "rule": error.rule}
    raise AssertionError(f"taken for a charter: {why}")


def charters() -> dict[str, Any]:
    """The shipped templates."""
    made = [template(kind, "Mill Lane", "to decide together") for kind in TEMPLATES]
    made += [
        template("commune", "Mill Lane", "to decide in classes", ballots={"classes": classes}) for classes in _CLASSES
    ]
    thresholds = [Threshold("at_least", 2, 3), Threshold("more_than", 1, 2), Threshold("at_least", 1, 1)]
    plain = made[0].data()
    refused = [_refused_charter(plain, why, **changed) for why, changed in _REFUSED_CHARTERS]
    return {
        "what": "Charters (chapter 6) with their encoding and digest; charters that are refused, and `rule`, the first that they break; and how many are needed of how many.",
        "charters": [
            {"charter": jsonable(c.data()), "encoded": c.encode().hex(), "digest": c.digest().hex()} for c in made
        ],
        "refused": refused,
        "needed": [
            {"threshold": [t.sort, t.a, t.b], "of": of, "needed": t.needed(of)}
            for t in thresholds
            for of in (1, 2, 3, 25, 50)
        ],
    }


def _story() -> tuple[World, list[tuple[str, Envelope]]]:
    """A council in which much happens, and operations that do not belong in it."""
    world = World()
    ada, ben, cyd, dan = world.founder, Person("Ben"), Person("Cyd"), Person("Dan")
    world.admit(ben, ada)
    cyd_membership = world.admit(cyd, ada, ben)
    world.admit(dan, ada, ben)
    proposal = world.proposal(ben)
    version = world.say(
        cyd, "proposal.amend", {"proposal": proposal, "replaces": proposal, "text": 0}, (proposal,), texts=("Two.",)
    )
    world.say(dan, "comment.write", {"on": version, "text": 0}, (version,), texts=("Why two?",))
    world.say(dan, "an.unknown-kind", {"what": 1})
    world.say(dan, "comment.write", {"on": 5}, (version,))
    motion = world.move(ada, {"kind": "adopt", "proposal": proposal, "version": version}, (version,))
    world.assent(ben, motion)
    taken_back = world.assent(dan, motion)
    world.say(dan, "motion.withdraw", {"assent": taken_back}, (taken_back,))
    world.assent(cyd, motion)
    world.epoch()
    world.say(dan, "member.absent", {})
    world.epoch()
    fork = world.council.heads()[0]
    removal = world.move(ada, {"kind": "remove", "membership": cyd_membership})
    world.assent(ben, removal)
    world.epoch()
    world.say(cyd, "comment.write", {"on": fork, "text": 0}, deps=(fork,), texts=("I was here.",))
    refused = [
        world.draft(seed("a stranger"), "merge", {}),
        world.draft(cyd.device_seed(), "merge", {}),
        _unsigned_epoch(world),
    ]
    return world, [
        *[("refused", envelope) for envelope in refused],
        ("waiting", world.draft(ada.device_seed(), "merge", {}, deps=(_elsewhere(world),))),
    ]


def _elsewhere(world: World) -> bytes:
    """An operation that this log lacks, as far as its readers know."""
    return world.say(world.founder, "merge", {})


def _unsigned_epoch(world: World) -> Envelope:
    """An epoch that would follow, but that no teller signed."""
    motion = world.move(world.founder, {"kind": "remove", "membership": world.council.id})
    world.assent(Person("Ben"), motion)
    world.assent(Person("Dan"), motion)
    record = world.council.compose()
    assert record is not None
    return carry(world.council, record, [(world.teller.key, bytes(64))], world.teller.seed)


def council() -> dict[str, Any]:
    """A whole council, operation by operation, with outcomes."""
    world, others = _story()
    hidden = set(others[-1][1].operation.deps)
    queue = [("inserted", envelope) for envelope in world.said[1:] if envelope.operation.id not in hidden]
    made = told(
        "A council (chapters 4 to 9): its operations in an order in which they can come, and what becomes of each. Signatures in proofs that are all zero are invalid on purpose.",
        world.said[0],
        [envelope for _, envelope in [*queue, *others]],
    )
    for (wanted, _), step in zip([*queue, *others], made["steps"][1:], strict=True):
        assert step["outcome"] == wanted, (wanted, step)
    return made


def stories() -> dict[str, dict[str, Any]]:
    """Councils in which much happens, by what happens in them."""
    made: dict[str, tuple[str, Callable[[], tuple[Envelope, list[Envelope]]]]] = {
        "changes": ("Every way in which members change a council (chapters 5 to 9), forks, and who was removed and writes on.", changes),
        "lapses": ("What is due and does not fit any more: every reason why an effect lapses (chapter 7).", lapses),
        "ballots": ("Ballots of several tellers (chapter 10): open, hidden, weighed, with effects, extended, lapsed.", balloting),
        "divisions": ("Ballots with classes, in each of which there must be a majority or which have shares; elections to offices; lots (chapters 7 and 10).", divisions),
        "turnover": ("Ballots whose tellers change meanwhile, or whose council (chapters 7 and 10).", turnover),
    }  # fmt: skip
    return {f"council-{name}": told(what, *story()) for name, (what, story) in made.items()}


def tickets() -> dict[str, Any]:
    """Tickets as text."""
    node = Person("Ada").node
    ticket = Ticket(
        seed("council"),
        "Mill Lane",
        seed("invitation"),
        seed("secret"),
        7,
        2,
        (TicketNode(node, ("/ip4/192.0.2.7/tcp/4747",)),),
    )
    text = ticket_text(ticket)
    place = next(i for i in range(40, 80) if text[i] != text[i + 1])
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return {
        "what": "A ticket (chapter 12), its data and its text, other ways to write the text, and texts that must be refused.",
        "data": ticket.encode().hex(),
        "text": text,
        "also": [text.upper(), f"{text[:30]} {text[30:]}", f"{text[:30]}-\n{text[30:]}"],
        "refused": [text[:-1], text + "0", swapped, "moot2" + text[5:], "hello"],
    }


def seats() -> dict[str, Any]:
    """Councils as a light client sees them: what it is brought, and what becomes of it."""
    return {
        "what": "A light client of a council (chapter 15): its founding, then what is carried to it, in this order, with the roll that comes along, and the rule that refuses it, if one does; `decided` where the one who follows has decided to believe members that replaced the tellers. In the end the epochs that are held, and the rivals.",
        "chains": [carried_up(), replaced()],
    }


def federation() -> dict[str, Any]:
    """A federation whose children come, are carried, lie, are suspended and go."""
    order = Random(23)
    acts = [
        (order.randrange(len(ACTS)), order.randrange(256), order.randrange(256), order.randrange(256))
        for _ in range(30)
    ]
    valley = happen(
        [
            (0, 0, 0, 0),
            (0, 1, 0, 0),
            (2, 0, 1, 0),
            (3, 0, 0, 0),
            (2, 1, 1, 0),
            (3, 0, 1, 0),
            (7, 0, 0, 3),
            (9, 0, 0, 0),
            *acts,
        ]
    )
    what = "A council in which others sit (chapter 15): applications, seats, what was carried by whom, false epochs, replacements, suspensions."
    return told(what, valley.parent.said[0], valley.pool.values())


def instructions() -> dict[str, Any]:
    """A ballot in which a seat was instructed, against its delegate, and she recalled."""
    sitting = Sitting()
    sitting.says("no")
    sitting.instruct(allowed=["yes", "abstain"])
    sitting.instruct(split=[[1, 2, "yes"], [1, 4, "no"]])
    recall = {"kind": "recall", "parent": sitting.parent.council.id, "person": sitting.ben.key}
    decide(sitting.child, sitting.people, recall)
    sitting.bring()
    sitting.tells()
    assert sitting.answers() == {"voted": 5, "yes": "1/2", "no": "17/4"}
    what = "A ballot in which another council has a seat (chapter 15): its delegate casts, it instructs its seat twice, recalls her, and its node tells so."
    said = sitting.parent.said
    return told(what, said[0], said[1:])


def files() -> dict[str, str]:
    """File name -> its text."""
    made = {
        "codec": codec, "ids": ids, "keys": signatures, "operations": operations, "charter": charters,
        "council": council, "tickets": tickets, "seats": seats, "federation": federation, "federation-ballot": instructions, "counting": counting, "bundles": bundles,
    }  # fmt: skip
    vectors = {name: make() for name, make in made.items()} | stories()
    return {
        f"{name}.json": json.dumps({"version": 1, **vector}, indent=1, ensure_ascii=False) + "\n"
        for name, vector in vectors.items()
    }


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text)
