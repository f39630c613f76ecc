import pytest

from protocol import keys
from protocol.errors import Misuse
from protocol.keys import ENROLMENT, EPOCH, OPERATION, public_key, sign, verify

SEED = bytes(range(32))
KEY = public_key(SEED)


def test_ed25519_of_rfc_8032() -> None:
    # RFC 8032, section 7.1, test 1 (empty message) and test 2 (one byte)
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert public_key(seed).hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    expected = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert sign(seed, b"", b"").hex() == expected
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    assert sign(seed, b"", b"\x72").hex().startswith("92a009a9f0d4cab8720e820b5f642540")
    assert sign(seed, b"\x72", b"") == sign(seed, b"", b"\x72")


def test_a_signature_is_good_for_its_domain_alone() -> None:
    signature = sign(SEED, OPERATION, b"hello")
    assert verify(KEY, OPERATION, b"hello", signature)
    assert not verify(KEY, EPOCH, b"hello", signature)
    assert not verify(KEY, OPERATION, b"hullo", signature)
    assert not verify(public_key(bytes(32)), OPERATION, b"hello", signature)


def test_no_domain_begins_another() -> None:
    domains = [value for name, value in vars(keys).items() if name.isupper() and isinstance(value, bytes)]
    assert len(domains) >= 9
    assert len(set(domains)) == len(domains)
    for one in domains:
        assert one.endswith(b"\n")
        assert [other for other in domains if other.startswith(one)] == [one]


@pytest.mark.parametrize("place", [0, 31, 32, 63])
def test_a_changed_signature_is_none(place: int) -> None:
    signature = bytearray(sign(SEED, ENROLMENT, b"m"))
    signature[place] ^= 1
    assert not verify(KEY, ENROLMENT, b"m", bytes(signature))


@pytest.mark.parametrize(
    ("key", "signature"), [(KEY[:-1], 64), (KEY + b"\0", 64), (b"", 64), (KEY, 63), (KEY, 65), (KEY, 0)]
)
def test_wrong_lengths_verify_nothing(key: bytes, signature: int) -> None:
    assert not verify(key, ENROLMENT, b"m", bytes(signature))


def test_libsodiums_rules_are_the_protocols() -> None:
    # The order of the base point, little endian (RFC 8032, section 5.1): S + L is the same number
    # modulo L, and lenient verifiers take it for the same signature.
    order = (1 << 252) + 27742317777372353535851937790883648493
    signature = sign(SEED, OPERATION, b"m")
    stretched = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    assert verify(KEY, OPERATION, b"m", signature)
    assert not verify(KEY, OPERATION, b"m", stretched)
    # A point of small order as the key, and the neutral element as R: S = 0 fits every message.
    neutral = b"\x01" + bytes(31)
    assert not verify(neutral, OPERATION, b"m", neutral + bytes(32))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_has_32_bytes(length: int) -> None:
    with pytest.raises(Misuse, match="32 bytes"):
        public_key(bytes(length))
    with pytest.raises(Misuse, match="32 bytes"):
        sign(bytes(length), OPERATION, b"")
