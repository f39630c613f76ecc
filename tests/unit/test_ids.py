import pytest

from protocol.errors import Malformed
from protocol.ids import (
    b58decode,
    b58encode,
    digest,
    operation_text,
    parse_operation,
    parse_peer,
    parse_person,
    peer_text,
    person_text,
)
from protocol.keys import public_key

KEY = public_key(bytes(range(32)))
OTHER = public_key(bytes(32))


def test_digest() -> None:
    # FIPS 180-4, the empty message
    assert digest(b"").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        # draft-msporny-base58-03, section 5
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (
            b"The quick brown fox jumps over the lazy dog.",
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
        ),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
        (b"", ""),
        (b"\0", "1"),
        (b"\0\0\0", "111"),
    ],
)
def test_base58(data: bytes, text: str) -> None:
    assert b58encode(data) == text
    assert b58decode(text) == data


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "2NEpo7TZ RRrLZSi2U", "ß", "٣"])
def test_base58_refuses_letters_that_it_does_not_have(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        b58decode(text)
    assert caught.value.rule == "base58"


def test_text_forms_are_the_ecosystems() -> None:
    assert operation_text(KEY).startswith("bafyrei")
    assert len(operation_text(KEY)) == 59
    assert person_text(KEY).startswith("did:key:z6Mk")
    assert peer_text(KEY).startswith("12D3KooW")
    # https://w3c-ccg.github.io/did-key-spec/, test vector of an Ed25519 key
    known = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
    assert person_text(parse_person(known)) == known
    # the identity CID of dag-cbor's empty map: SHA-256 of a0
    assert operation_text(digest(b"\xa0")) == "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"


@pytest.mark.parametrize("key", [KEY, OTHER, bytes(32), b"\xff" * 32])
def test_text_forms_come_back(key: bytes) -> None:
    assert parse_operation(operation_text(key)) == key
    assert parse_person(person_text(key)) == key
    assert parse_peer(peer_text(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        "bafyrei",
        operation_text(KEY)[:-1],
        operation_text(KEY) + "a",
        operation_text(KEY).upper(),
        "c" + operation_text(KEY)[1:],
        operation_text(KEY)[:-1] + "1",  # no letter of base32
        "b" + "ä" * 58,
        "bafybei" + operation_text(KEY)[7:],  # dag-pb
        # 58 letters of base32 carry two bits more than 36 bytes: they must be zero
        operation_text(bytes(32))[:-1] + "b",
    ],
)
def test_what_is_no_operation(text: str) -> None:
    with pytest.raises(Malformed, match="is not an id") as caught:
        parse_operation(text)
    assert caught.value.rule == "operation-text"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "did:key:",
        "did:key:z",
        "did:web:example.org",
        person_text(KEY)[:-1],
        person_text(KEY) + "1",
        person_text(KEY)[:9] + "1" + person_text(KEY)[9:],
        "did:key:z" + b58encode(b"\xec\x01" + KEY),  # X25519
        "did:key:z" + "1" * 200,
        peer_text(KEY),
    ],
)
def test_what_is_no_person(text: str) -> None:
    with pytest.raises(Malformed, match="is not a person's key") as caught:
        parse_person(text)
    assert caught.value.rule == "person-text"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12D3KooW",
        peer_text(KEY)[:-1],
        "1" + peer_text(KEY),
        "1" * 200,
        b58encode(b"\x12\x20" + KEY),  # a hashed key, as of RSA
        person_text(KEY)[9:],
    ],
)
def test_what_is_no_peer(text: str) -> None:
    with pytest.raises(Malformed, match="is not a node's PeerId") as caught:
        parse_peer(text)
    assert caught.value.rule == "peer-text"


def test_a_typing_error_is_never_another_name() -> None:
    for make, parse in ((operation_text, parse_operation), (person_text, parse_person), (peer_text, parse_peer)):
        text = make(KEY)
        with pytest.raises(Malformed):
            parse(text[:20] + "0" + text[21:])
