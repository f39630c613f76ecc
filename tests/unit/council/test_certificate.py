"""Certificates: what an examination proves, and everything that it refuses, each with the rule."""

from typing import Any

import msgspec
import pytest

from protocol.codec import decode, encode
from protocol.council.ballots import Certified
from protocol.council.bodies import enrolment_message
from protocol.council.certificate import Certificate, certificate_of, examine, read_certificate
from protocol.council.decision_record import decision_message, read_decision
from protocol.council.outcomes import Inserted
from protocol.council.terms import keys_digest
from protocol.errors import Malformed
from protocol.keys import DECISION, ENROLMENT, POSSESSION, sign
from protocol.log.operation import MAX_PARTS, Content, Envelope, decode_envelope
from protocol.tellers.box import commitment, seal_boxes
from tests.attacks.scenes import again
from tests.worlds import Person, Teller

from .test_ballot_refusals import by_teller, opened
from .test_count import ADA, BEN, CYD, HOUR, Hall

ROUNDS = (0, 1, 2)


class Scene:
    """A certified ballot of Ada, Ben and Cyd, counted by four tellers."""

    def __init__(self) -> None:
        self.hall = Hall("4", 4)
        self.hall.admit(BEN, ADA)
        self.hall.admit(CYD, ADA, BEN)
        self.ballot = b""
        self.again = b""
        """Another enrolment of a device that was enrolled."""

    def open(self, **more: Any) -> bytes:
        self.ballot = opened(self.hall, **more)
        return self.ballot

    def count(self) -> Certificate:
        self.hall.until(self.hall.now + 2 * HOUR)
        return self.certificate()

    def certificate(self, *, casts: bool = True) -> Certificate:
        held = self.hall.world.council.box.ballots[self.ballot]
        said: dict[bytes, Envelope] = {envelope.operation.id: envelope for envelope in self.hall.world.said}
        return certificate_of(held, held.certified[max(held.certified)], said.__getitem__, casts=casts)

    @property
    def tellers(self) -> list[Teller]:
        return sorted((teller for teller, _ in self.hall.tellers), key=lambda teller: teller.key)

    def seals(self, record: bytes, *rounds: int) -> list[tuple[bytes, bytes]]:
        """Signatures of the first tellers over a record, each with its round."""
        pairs = zip(self.tellers, rounds, strict=False)
        return [(one.key, sign(one.seed, DECISION, decision_message(record, round))) for one, round in pairs]

    def forged(self, good: Certificate, changed: dict[str, Any], **more: Any) -> Certificate:
        """A certificate with another record, signed by all tellers: they all lie."""
        record = encode({**read_decision(good.record), **changed})
        return msgspec.structs.replace(good, record=record, round=0, signatures=self.seals(record, 0, 0, 0, 0), **more)


@pytest.fixture(scope="module")
def scene() -> Scene:
    scene = Scene()
    ballot = scene.open()
    for who, choice in ((ADA, "yes"), (BEN, "yes"), (CYD, "no")):
        scene.hall.cast(who, ballot, choice)
    scene.count()
    return scene


@pytest.fixture
def good(scene: Scene) -> Certificate:
    return scene.certificate()


def refused(certificate: Certificate, known: frozenset[bytes] | None = None) -> str | None:
    """The rule by which a certificate proves nothing; None when it proves something."""
    findings = examine(read_certificate(certificate.encode()), known)
    assert (findings.refusal is None) == bool(findings.proved)
    return None if findings.refusal is None else findings.refusal.rule


def changed(certificate: Certificate, **fields: Any) -> Certificate:
    return msgspec.structs.replace(certificate, **fields)


def test_what_is_proved_and_what_is_not(scene: Scene, good: Certificate) -> None:
    known = frozenset(good.tellers)
    full, bare = examine(good, known), examine(scene.certificate(casts=False))
    assert full.proved[0] == "3 of 4 tellers signed this result, all in round 0."
    assert full.proved[1].startswith("3 casts, each signed")
    assert [words.split(":")[0] for words in full.unproved] == ["That the roll is the council's"]
    assert len(bare.proved) == 1
    assert [words.split(":")[0] for words in bare.unproved] == [
        "That these keys are the council's tellers",
        "That the casts add up to this result",
    ]


def test_every_byte_is_covered(scene: Scene) -> None:
    bare = scene.certificate(casts=False)
    data, known = bare.encode(), frozenset(bare.tellers)
    for place in range(0, len(data), 3):
        other = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        try:
            findings = examine(read_certificate(other), known)
        except Malformed:
            continue
        assert findings.refusal is not None, place


# --- signatures ---------------------------------------------------------------------------------


def test_signatures_of_mixed_rounds(scene: Scene, good: Certificate) -> None:
    for rounds in ((0, 0, 1), (0, 1, 2), (1, 1, 0, 0)):
        for round in ROUNDS:
            mixed = changed(good, round=round, signatures=scene.seals(good.record, *rounds))
            assert refused(mixed) == "certificate-signature"
    assert refused(changed(good, round=2, signatures=scene.seals(good.record, 2, 2, 2))) is None


def test_a_signature_of_one_teller_twice(scene: Scene, good: Certificate) -> None:
    first, second, third = scene.seals(good.record, 0, 0, 0)
    assert refused(changed(good, signatures=[first, second, second])) == "certificate-twice"
    assert refused(changed(good, signatures=[second, first, third])) == "certificate-twice"


def test_too_few_signatures_or_those_of_strangers(scene: Scene, good: Certificate) -> None:
    assert refused(changed(good, signatures=scene.seals(good.record, 0, 0))) == "certificate-quorum"
    assert refused(changed(good, signatures=[])) == "certificate-quorum"
    stranger = (ADA.device(), sign(ADA.device_seed(), DECISION, decision_message(good.record, 0)))
    signed = sorted([stranger, *scene.seals(good.record, 0, 0)])
    assert refused(changed(good, signatures=signed)) == "certificate-stranger"


def test_a_certificate_by_the_tellers_of_an_old_epoch(scene: Scene, good: Certificate) -> None:
    """Who knows the tellers of now is not shown a decision by those of then as one of theirs."""
    now = frozenset(Teller(f"new {n}").key for n in range(4))
    assert refused(good, now) == "certificate-tellers"
    assert refused(changed(good, tellers=sorted(now))) == "certificate-tellers"
    # Nor with a record that was made for them, while the old ones signed.
    record = {"tellers": keys_digest("4", tuple(sorted(now)))}
    assert refused(scene.forged(good, record, tellers=sorted(now)), now) == "certificate-stranger"


def test_tellers_that_do_not_fit_the_profile(scene: Scene, good: Certificate) -> None:
    three = good.tellers[:3]
    forged = scene.forged(good, {"tellers": keys_digest("4", tuple(three))}, tellers=three)
    assert refused(forged) == "certificate-tellers"
    unsorted = good.tellers[::-1]
    forged = scene.forged(good, {"tellers": keys_digest("4", tuple(unsorted))}, tellers=unsorted)
    assert refused(forged) == "certificate-tellers"


def test_another_charter_or_opening(scene: Scene, good: Certificate) -> None:
    charter = {**good.charter, "name": "Another"}
    assert refused(changed(good, charter=charter)) == "certificate-charter"
    said = {envelope.operation.id: envelope for envelope in scene.hall.world.said}
    (other, *_) = [e for e in said.values() if e.operation.kind == "ballot.cast"]
    assert refused(changed(good, opening=other.encode())) == "certificate-opening"
    rules = {**good.charter, "rules": sorted([*good.charter["rules"], "unheard-of/1"])}
    assert refused(changed(good, charter=rules)) == "certificate-rules"


def test_a_record_that_is_none(good: Certificate) -> None:
    for record in (b"\xa0", encode({**read_decision(good.record), "outcome": "lapsed"})):
        with pytest.raises(Malformed, match="record of a decision"):
            examine(changed(good, record=record))


def test_a_file_that_is_no_certificate(good: Certificate) -> None:
    data = decode(good.encode(), 1 << 20)
    for wrong, rule in (
        ({**data, "version": 2}, "certificate-version"),
        ({**data, "sort": "folkmoot offer"}, "certificate-version"),
        ({**data, "more": 1}, "certificate"),
        ({**data, "tellers": [b"short"]}, "certificate"),
        ([], "certificate"),
    ):
        with pytest.raises(Malformed) as caught:
            read_certificate(encode(wrong))
        assert caught.value.rule == rule


# --- counting again -----------------------------------------------------------------------------


def test_a_record_that_the_casts_do_not_give(scene: Scene, good: Certificate) -> None:
    assert refused(scene.forged(good, {"voted": 4})) == "certificate-recount"
    assert refused(scene.forged(good, {"roll": bytes(32)})) == "certificate-roll"
    assert refused(scene.forged(good, {"instance": 4})) == "certificate-instance"
    assert refused(scene.forged(good, {"instance": 1})) == "certificate-close"
    assert refused(scene.forged(good, {})) is None


def test_casts_left_out_or_put_in(scene: Scene, good: Certificate) -> None:
    assert good.casts is not None
    assert refused(changed(good, casts=good.casts[1:])) == "certificate-missing"
    assert refused(changed(good, casts=[])) == "certificate-missing"
    assert refused(changed(good, casts=[*good.casts, good.opening])) == "certificate-cast"
    envelope = decode_envelope(good.casts[0])
    signature = bytes([envelope.operation.signature[0] ^ 1]) + envelope.operation.signature[1:]
    broken = good.casts[0].replace(envelope.operation.signature, signature)
    assert refused(changed(good, casts=[broken, *good.casts[1:]])) == "certificate-cast"
    stranger = scene.hall.world.draft(
        Person("Dov").device_seed(), "ballot.cast", envelope.operation.body, (scene.ballot,)
    )
    assert refused(changed(good, casts=[*good.casts, stranger.encode()])) == "certificate-device"


def test_closes_left_out_or_changed(good: Certificate) -> None:
    assert good.closes is not None
    assert refused(changed(good, closes=good.closes[1:])) == "certificate-close"
    assert refused(changed(good, closes=[*good.closes, good.closes[0]])) == "certificate-close"
    assert refused(changed(good, closes=[good.opening, *good.closes[1:]])) == "certificate-close"
    envelope = decode_envelope(good.closes[0])
    signature = bytes([envelope.operation.signature[0] ^ 1]) + envelope.operation.signature[1:]
    broken = good.closes[0].replace(envelope.operation.signature, signature)
    assert refused(changed(good, closes=[broken, *good.closes[1:]])) == "certificate-close"
    partless = Envelope(envelope.operation, (None,)).encode()
    with pytest.raises(Malformed):
        examine(changed(good, closes=[partless, *good.closes[1:]]))


def test_an_extension_decides_nothing(scene: Scene) -> None:
    fresh = Scene()
    ballot = fresh.open()
    fresh.hall.cast(ADA, ballot, "yes")
    fresh.hall.cast(BEN, ballot, "yes")
    fresh.hall.now += 3 * HOUR
    fresh.hall.until(fresh.hall.now + 48 * HOUR)
    good = fresh.certificate()
    assert good.fields()["instance"] == 1
    assert refused(good) is None  # counted again in the instance that it was counted in
    held = fresh.hall.world.council.box.ballots[ballot]
    agreement = held.instances[0].agreement
    assert agreement.decided is not None
    round, value = agreement.decided
    record = held.record(held.instances[0], value)
    extended = Certified(b"", record, round, tuple(agreement.signatures(round, value)))
    said: dict[bytes, Envelope] = {envelope.operation.id: envelope for envelope in fresh.hall.world.said}
    assert refused(certificate_of(held, extended, said.__getitem__, casts=True)) == "certificate-extended"


# --- devices that came later --------------------------------------------------------------------


@pytest.fixture(scope="module")
def later() -> Scene:
    """Ada votes from a device that she enrolled after the opening, and Cyd with keys that the council gave her."""
    scene = Scene()
    ballot, hall, world = scene.open(deadline=scene.hall.now + 4 * HOUR), scene.hall, scene.hall.world
    ada, cyd = (world.council.head.persons()[person.key] for person in (ADA, CYD))
    message = enrolment_message(ada, ADA.key, ADA.device(1))
    grant, possession = sign(ADA.seed, ENROLMENT, message), sign(ADA.device_seed(1), POSSESSION, message)
    enrolment = {"membership": ada, "device": ADA.device(1), "grant": grant, "possession": possession}
    # Ben would like to do it in her stead, and cannot.
    world.say(BEN, "device.enrol", {**enrolment, "grant": sign(BEN.seed, ENROLMENT, message)})
    world.say(ADA, "device.enrol", enrolment)
    fresh = Person("Cyd", 1)
    motion = world.move(ADA, {"kind": "rekey", "membership": cyd, **fresh.enrolment(cyd), "replaces": CYD.key})
    world.assent(BEN, motion)
    hall.until(hall.now + HOUR)
    world.say(ADA, "ballot.cast", {"ballot": ballot, "revision": 0, "choice": "yes"}, (ballot,), device=1)
    scene.again = world.say(ADA, "device.enrol", enrolment, deps=(ballot,))  # beside the cast
    for who in (BEN, fresh):
        hall.cast(who, ballot, "no")
    hall.until(hall.now + 6 * HOUR)
    return scene


def test_devices_enrolled_later_are_proven_and_keys_given_by_the_council_are_said(later: Scene) -> None:
    certificate = later.certificate()
    findings = examine(certificate, frozenset(certificate.tellers))
    assert findings.refusal is None
    assert certificate.fields()["voted"] == 3
    assert findings.unproved[-1].startswith("That 1 devices are their voters'")
    assert certificate.devices is not None
    assert [grant is None for device, _, grant in certificate.devices if device == ADA.device(1)] == [False]
    assert len(certificate.devices) == 2


def test_the_file_is_the_same_in_whatever_order_things_came(later: Scene) -> None:
    said = list(later.hall.world.said)
    moved = next(envelope for envelope in said if envelope.operation.id == later.again)
    said.remove(moved)
    said.insert(1 + max(n for n, e in enumerate(said) if e.operation.id in moved.operation.deps), moved)
    other = again(later.hall.world, said)
    assert other.digest() == later.hall.world.council.digest()
    held = other.box.ballots[later.ballot]
    load: dict[bytes, Envelope] = {envelope.operation.id: envelope for envelope in said}
    found = certificate_of(held, held.certified[max(held.certified)], load.__getitem__, casts=True)
    assert found.encode() == later.certificate().encode()


def test_devices_that_their_voters_did_not_enrol(later: Scene) -> None:
    good = later.certificate()
    assert good.devices is not None
    rows = {device: (device, voter, grant) for device, voter, grant in good.devices}
    ((given, cyd, _),) = [row for device, row in rows.items() if device != ADA.device(1)]
    device, ada, grant = rows[ADA.device(1)]
    assert refused(changed(good, devices=[(device, bytes(32), grant), (given, cyd, None)])) == "certificate-device"
    assert refused(changed(good, devices=[(device, ada, grant), (given, cyd, grant)])) == "certificate-device"
    assert refused(changed(good, devices=[(device, cyd, grant), (given, cyd, None)])) == "certificate-device"
    assert refused(changed(good, devices=[(device, ada, good.opening), (given, cyd, None)])) == "certificate-device"
    assert refused(changed(good, devices=[(device, ada, grant)])) == "certificate-device"
    said = [envelope for envelope in later.hall.world.said if envelope.operation.kind == "device.enrol"]
    bens = next(envelope for envelope in said if envelope.operation.author == BEN.device())
    assert refused(changed(good, devices=[(device, ada, bens.encode()), (given, cyd, None)])) == "certificate-device"


# --- hidden ballots -----------------------------------------------------------------------------


def test_a_liar_that_opens_a_late_cast_badly_does_not_spoil_the_certificate() -> None:
    """One honest teller had it on time, and a liar opens it to something else: it does not count, and all agree."""
    scene = Scene()
    hall, ballot = scene.hall, scene.open(hidden=True)
    held = hall.world.council.box.ballots[ballot]
    keys = tuple(teller.key for teller in scene.tellers)
    for who, choice, salt in ((ADA, "yes", bytes(16)), (BEN, "no", b"x" * 16)):
        body = {"ballot": ballot, "revision": 0, "choice": None, "commitment": commitment(salt, choice), "boxes": 0}
        part = Content(b"", seal_boxes(keys, salt, choice))
        said = hall.world.draft(who.device_seed(), "ballot.cast", body, (ballot,), contents=(part,))
        assert isinstance(hall.world.insert(said), Inserted)
        hall.note()
    adas, bens = sorted(held.casts, key=lambda id: held.casts[id].device != ADA.device())
    liar, honest = 0, 1
    hall.now = held.body.deadline
    hall.seen[bens] = hall.now + 1  # late for all
    own = {who: id for id, (who, _) in held.accepts.items()}
    nonce = hall.tellers[liar][1]._ballots._nonce(held, 0)
    body = {
        "ballot": ballot,
        "instance": 0,
        "casts": 0,
        "openings": 1,
        "nonce": nonce,
        "at": hall.now,
        "attended": True,
    }
    listed = sorted([adas, bens])
    salts = {adas: bytes(16), bens: bytes(16)}
    openings = [[id, salts[id], "yes"] for id in listed]
    parts = (encode(listed), encode(openings))
    assert by_teller(hall, liar, "teller.close", body, (own[hall.tellers[liar][0].key],), parts=parts) is None
    hall.seen[bens] = hall.now - 1  # but for one
    deed = hall.tellers[honest][1].poll(hall.now)
    assert deed is not None
    assert deed.kind == "teller.close"
    assert bens in decode(deed.parts[0], MAX_PARTS)
    assert hall._act(*hall.tellers[honest])
    hall.seen[bens] = hall.now + 1
    certificate = scene.count()
    assert certificate.fields()["voted"] == 1
    assert certificate.casts is not None
    assert len(certificate.casts) == 2
    assert refused(certificate, frozenset(certificate.tellers)) is None
    assert refused(changed(certificate, casts=certificate.casts[:1])) == "certificate-missing"


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": {"by": "each", "of": [{"name": "b"}, {"name": "a"}]}},
        {"classes": {"by": "each", "of": [{"name": "a"}, {"name": "b", "members": ["nobody"]}]}},
        {"question": {"rule": "majority-qualified/1"}},
    ],
)
def test_a_ballot_that_no_council_could_hold(scene: Scene, good: Certificate, wrong: dict[str, Any]) -> None:
    body = {**decode_envelope(good.opening).operation.body, **wrong}
    opening = scene.hall.world.draft(ADA.device_seed(), "ballot.open", body, contents=(Content(b"s" * 16, b"?"),))
    forged = scene.forged(good, {"ballot": opening.operation.id}, opening=opening.encode())
    assert refused(forged) == "certificate-opening"
