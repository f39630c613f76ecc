"""Offers: texts that carry proofs, and find their own typing errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.offer import DeviceOffer, Pass, TellerOffer
from protocol.council.bodies import TellerKeys, enrolment_message, node_message, teller_message
from protocol.errors import Malformed
from protocol.ids import b58encode
from protocol.keys import ENROLMENT, NODE, POSSESSION, TELLER, public_key, sign
from tests.worlds import seed

PERSON, DEVICE, HOST, TELLING = (seed("offer", name) for name in ("person", "device", "host", "teller"))
CONTEXT = seed("offer", "context")


def device(*, node: bool = True) -> DeviceOffer:
    message = enrolment_message(CONTEXT, public_key(PERSON), public_key(DEVICE))
    return DeviceOffer(
        membership=CONTEXT,
        person=public_key(PERSON),
        device=public_key(DEVICE),
        grant=sign(PERSON, ENROLMENT, message),
        possession=sign(DEVICE, POSSESSION, message),
        node=public_key(HOST) if node else None,
        node_possession=sign(HOST, NODE, node_message(CONTEXT, public_key(HOST))) if node else None,
        addresses=("/ip4/192.0.2.7/tcp/4747",) if node else (),
    )


def teller() -> TellerOffer:
    key, node = public_key(TELLING), public_key(HOST)
    possession = sign(TELLING, TELLER, teller_message(CONTEXT, key, node))
    return TellerOffer(CONTEXT, TellerKeys(key, node, possession, ["/ip4/192.0.2.7/tcp/4747"]))


def passing() -> Pass:
    nodes = ((public_key(HOST), ("/ip4/192.0.2.7/tcp/4747",)), (public_key(TELLING), ()))
    return Pass(CONTEXT, "Mill", seed("membership"), public_key(DEVICE), seed("epoch"), 41, nodes)


def test_offers_are_read_as_they_were_made() -> None:
    assert Pass.parse(passing().text()) == passing()
    for node in (True, False):
        assert DeviceOffer.parse(device(node=node).text()) == device(node=node)
    assert TellerOffer.parse(teller().text()) == teller()
    folded = device().text()
    assert DeviceOffer.parse(f"  {folded[:50]}\n{folded[50:]} ") == device()


@given(st.data())
def test_every_wrong_letter_is_found(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([device().text(), teller().text(), passing().text()]))
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(
        st.sampled_from("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz").filter(lambda c: c != text[at])
    )
    wrong = text[:at] + letter + text[at + 1 :]
    sort = next(sort for sort in (DeviceOffer, TellerOffer, Pass) if text.startswith(sort.__name__.lower()[:4], 4))
    with pytest.raises(Malformed):
        sort.parse(wrong)


def test_proofs_must_hold() -> None:
    from dataclasses import replace

    import msgspec

    whole = device()
    for wrong in (
        replace(whole, grant=whole.possession),
        replace(whole, possession=whole.grant),
        replace(whole, membership=bytes(32)),
        replace(whole, node_possession=whole.grant),
    ):
        with pytest.raises(Malformed, match="its proofs do not hold"):
            DeviceOffer.parse(wrong.text())
    stolen = TellerOffer(bytes(32), teller().teller)
    with pytest.raises(Malformed, match="its proofs do not hold"):
        TellerOffer.parse(stolen.text())
    forged = TellerOffer(CONTEXT, msgspec.structs.replace(teller().teller, possession=bytes(64)))
    with pytest.raises(Malformed, match="its proofs do not hold"):
        TellerOffer.parse(forged.text())


def test_a_pass_is_whole_or_none() -> None:
    from dataclasses import replace

    for wrong in (
        replace(passing(), depth=-1),
        replace(passing(), nodes=()),
        replace(passing(), nodes=((b"short", ()),)),
        replace(passing(), nodes=passing().nodes * 5),
        replace(passing(), device=b"short"),
    ):
        with pytest.raises(Malformed, match="built like a pass"):
            Pass.parse(wrong.text())
    with pytest.raises(Malformed, match="those start with 'mootpass1'"):
        Pass.parse(device().text())


def test_other_texts_are_told_apart() -> None:
    with pytest.raises(Malformed, match="those start with 'mootdevice1'"):
        DeviceOffer.parse(teller().text())
    with pytest.raises(Malformed, match="those start with 'mootteller1'"):
        TellerOffer.parse(device().text())
    with pytest.raises(Malformed, match="far too long"):
        DeviceOffer.parse("mootdevice1" + "1" * 9000)
    for text in ("mootdevice1", "mootteller1" + b58encode(b"abc")):
        with pytest.raises(Malformed):
            (DeviceOffer if "device" in text else TellerOffer).parse(text)
