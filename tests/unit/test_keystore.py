"""Secret keys at rest: sealed, whole, private, and never lost by a mistake."""

import hashlib
import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import private, words
from node.keystore import INTERACTIVE, Cost, Keystore, NodeKeys, Secrets
from node.refused import Refused
from protocol.ids import person_text
from protocol.keys import public_key

CHEAP = Cost(1, 8192)
"""So that a test waits for nobody; it is stored in the files that it seals."""


def chance(seed: bytes = b"") -> Callable[[int], bytes]:
    """Different bytes at each call, the same ones for one `seed`."""
    count = 0

    def entropy(size: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(seed + count.to_bytes(8, "big")).digest(size)

    return entropy


@pytest.fixture
def keystore(tmp_path: Path) -> Keystore:
    return Keystore(tmp_path / "hall" / "people", cost=CHEAP, entropy=chance())


def files(keystore: Keystore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in keystore.directory.iterdir()}


def test_a_person_is_unlocked_with_the_seeds_she_was_made_with(keystore: Keystore) -> None:
    made = keystore.create("ana", b"long words")
    assert keystore.unlock("ana", b"long words") == made
    assert made.person_seed != made.device_seed


def test_what_is_public_is_known_without_a_passphrase(keystore: Keystore) -> None:
    made = keystore.create("ana", b"long words")
    person = keystore.person("ana")
    assert person.person == person_text(public_key(made.person_seed))
    assert person.device == person_text(public_key(made.device_seed))
    assert keystore.people() == [person]
    # Somebody else's damaged file keeps nobody from hers.
    (keystore.directory / "zoe.key").write_text("garbage")
    (keystore.directory / "zoe.key").chmod(0o600)
    assert keystore.people() == [person]
    assert [trouble.rule for trouble in keystore.troubles()] == ["key-damaged"]


def test_several_people_share_a_home_and_each_has_her_own_passphrase(keystore: Keystore) -> None:
    made = {name: keystore.create(name, name.encode()) for name in ("zoë", "ana", "ben")}
    assert keystore.names() == ["ana", "ben", "zoë"]
    assert {name: keystore.unlock(name, name.encode()) for name in made} == made
    with pytest.raises(Refused, match="not ana's passphrase"):
        keystore.unlock("ana", b"ben")


def test_a_wrong_passphrase_is_one_sentence_and_loses_nothing(keystore: Keystore) -> None:
    keystore.create("ana", b"long words")
    before = files(keystore)
    with pytest.raises(Refused) as refused:
        keystore.unlock("ana", b"long wrods")
    assert refused.value.rule == "wrong-passphrase"
    assert str(refused.value) == "That is not ana's passphrase; try again."
    with pytest.raises(Refused):
        keystore.change_passphrase("ana", b"long wrods", b"new")
    assert files(keystore) == before


def test_a_new_passphrase_opens_and_the_old_one_no_longer_does(keystore: Keystore) -> None:
    made = keystore.create("ana", b"old")
    before = files(keystore)
    keystore.change_passphrase("ana", b"old", b"new")
    assert keystore.unlock("ana", b"new") == made
    with pytest.raises(Refused, match="not ana's passphrase"):
        keystore.unlock("ana", b"old")
    after = files(keystore)
    assert after.keys() == before.keys() == {"ana.key"}
    assert json.loads(after["ana.key"])["kdf"]["salt"] != json.loads(before["ana.key"])["kdf"]["salt"]


def test_a_taken_name_stays_whose_it_is(keystore: Keystore) -> None:
    made = keystore.create("ana", b"first")
    for name in ("ana", "Ana", "ANA"):
        with pytest.raises(Refused, match="There is a key of 'ana' here already"):
            keystore.create(name, b"second")
    assert keystore.unlock("ana", b"first") == made


def test_of_two_people_who_take_one_name_at_once_one_gets_it(keystore: Keystore) -> None:
    both = threading.Barrier(2)
    outcomes: dict[bytes, Secrets | str] = {}

    def take(passphrase: bytes) -> None:
        # Each has its own view of the folder, and both look before either has written.
        def late(size: int) -> bytes:
            if size == 16:
                both.wait()
            return os.urandom(size)

        try:
            outcomes[passphrase] = Keystore(keystore.directory, cost=CHEAP, entropy=late).create("ana", passphrase)
        except Refused as refused:
            outcomes[passphrase] = refused.rule

    threads = [threading.Thread(target=take, args=(passphrase,)) for passphrase in (b"one", b"two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost = [passphrase for passphrase, outcome in outcomes.items() if outcome == "key-exists"]
    (won,) = outcomes.keys() - set(lost)
    assert len(lost) == 1
    assert keystore.unlock("ana", won) == outcomes[won]
    assert list(files(keystore)) == ["ana.key"]


@pytest.mark.parametrize("name", ["", ".", "..", "../ana", "a/b", "-ana", ".ana", "a b", "a\0b", "a" * 33, "a\n"])
def test_a_name_that_is_no_file_name_is_refused(keystore: Keystore, name: str) -> None:
    with pytest.raises(Refused) as refused:
        keystore.create(name, b"words")
    assert refused.value.rule == "key-name"
    assert not keystore.directory.exists()


def test_a_name_is_one_however_the_keyboard_composes_it(keystore: Keystore) -> None:
    keystore.create("zoe\u0308", b"words")
    assert keystore.names() == ["zoë"]
    assert keystore.unlock("zoe\u0308", b"words") == keystore.unlock("zoë", b"words")


def test_who_speaks_is_the_only_person_or_the_one_named(keystore: Keystore) -> None:
    with pytest.raises(Refused, match="There is no key here yet; make one with: moot key new NAME"):
        keystore.choose()
    keystore.create("ana", b"words")
    assert keystore.choose() == "ana"
    keystore.create("ben", b"words")
    assert keystore.choose("ben") == "ben"
    with pytest.raises(Refused, match=r"Several people share this home \(ana, ben\); say who speaks: moot --as NAME"):
        keystore.choose()
    with pytest.raises(Refused, match=r"There is no key of 'eve' here; there are: ana, ben\."):
        keystore.choose("eve")


def test_files_and_folders_are_their_owners_alone(keystore: Keystore) -> None:
    old = os.umask(0)
    try:
        keystore.create("ana", b"words")
        keystore.change_passphrase("ana", b"words", b"words")
    finally:
        os.umask(old)
    assert stat.S_IMODE((keystore.directory / "ana.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(keystore.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(keystore.directory.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_key_that_others_can_read_is_refused_with_what_to_do(keystore: Keystore, mode: int) -> None:
    made = keystore.create("ana", b"words")
    path = keystore.directory / "ana.key"
    path.chmod(mode)
    with pytest.raises(Refused, match=f"close it with: chmod 600 {path}"):
        keystore.unlock("ana", b"words")
    path.chmod(0o600)
    assert keystore.unlock("ana", b"words") == made


def test_a_folder_that_anyone_can_write_to_is_refused(keystore: Keystore) -> None:
    keystore.create("ana", b"words")
    keystore.directory.chmod(0o777)
    with pytest.raises(Refused, match=f"close it with: chmod 700 {keystore.directory}"):
        keystore.unlock("ana", b"words")
    keystore.directory.chmod(0o1777)
    keystore.unlock("ana", b"words")


def test_nothing_secret_is_in_the_file_or_in_what_is_printed(keystore: Keystore) -> None:
    made = keystore.create("ana", b"long words")
    (content,) = files(keystore).values()
    for secret in (made.person_seed, made.device_seed, b"long words"):
        assert secret not in content
        assert secret.hex().encode() not in content
    assert repr(made) == "Secrets()"


def test_the_default_cost_is_libsodiums_for_a_person_who_waits_and_lies_in_the_file(tmp_path: Path) -> None:
    assert Cost(2, 64 * 1024 * 1024) == INTERACTIVE
    Keystore(tmp_path).create("ana", b"words")
    kdf = json.loads((tmp_path / "ana.key").read_bytes())["kdf"]
    assert (kdf["name"], kdf["passes"], kdf["memory"]) == ("argon2id", INTERACTIVE.passes, INTERACTIVE.memory)


def test_a_file_is_opened_at_its_own_cost_and_sealed_anew_at_the_keystores(keystore: Keystore) -> None:
    made = keystore.create("ana", b"words")
    dearer = Keystore(keystore.directory, cost=Cost(2, 16384))
    assert dearer.unlock("ana", b"words") == made
    dearer.change_passphrase("ana", b"words", b"words")
    assert json.loads(files(keystore)["ana.key"])["kdf"]["passes"] == 2
    assert keystore.unlock("ana", b"words") == made


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: b"",
        lambda file: b"[]",
        lambda file: b"\xff",
        lambda file: json.dumps(file)[:-9].encode(),
        lambda file: json.dumps({**file, "version": 2}).encode(),
        lambda file: json.dumps({**file, "more": 1}).encode(),
        lambda file: json.dumps({**file, "box": "AAAA"}).encode(),
        lambda file: json.dumps({**file, "person": file["device"]}).encode(),
        lambda file: json.dumps({**file, "device": file["person"]}).encode(),
        lambda file: json.dumps({**file, "kdf": {**file["kdf"], "name": "md5"}}).encode(),
        lambda file: json.dumps({**file, "kdf": {**file["kdf"], "salt": "AAAA"}}).encode(),
        lambda file: json.dumps({**file, "kdf": {**file["kdf"], "passes": 0}}).encode(),
        lambda file: json.dumps({**file, "kdf": {**file["kdf"], "passes": 1 << 40}}).encode(),
        lambda file: json.dumps({**file, "kdf": {**file["kdf"], "memory": 1 << 50}}).encode(),
        lambda file: json.dumps({**file, "kdf": {**file["kdf"], "memory": 1}}).encode(),
    ],
)
def test_a_damaged_file_is_told_from_a_wrong_passphrase_and_kept(
    keystore: Keystore, damage: Callable[[dict[str, object]], bytes]
) -> None:
    keystore.create("ana", b"words")
    path = keystore.directory / "ana.key"
    damaged = damage(json.loads(path.read_bytes()))
    path.write_bytes(damaged)
    with pytest.raises(Refused) as refused:
        keystore.unlock("ana", b"words")
    assert refused.value.rule == "key-damaged"
    assert str(path) in str(refused.value)
    assert "bring it back from a backup" in str(refused.value)
    assert path.read_bytes() == damaged


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    keystore: Keystore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = keystore.create("ana", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused, match=r"cannot be written \(No space left on device\); nothing was changed"):
        keystore.change_passphrase("ana", b"old", b"new")
    with pytest.raises(Refused, match="No space left"):
        keystore.create("ben", b"words")
    monkeypatch.undo()
    assert list(files(keystore)) == ["ana.key"]
    assert keystore.unlock("ana", b"old") == made


def test_a_file_is_on_disk_before_it_takes_its_name(keystore: Keystore, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    real = os.fsync

    def watched(descriptor: int) -> None:
        seen.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), (keystore.directory / "ana.key").exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    keystore.create("ana", b"words")
    assert seen == [(False, False), (True, True)]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hall").write_text("a file")
    with pytest.raises(Refused, match="point MOOT_HOME at a folder that you may write to"):
        Keystore(tmp_path / "hall" / "people", cost=CHEAP).create("ana", b"words")


def test_a_person_comes_back_from_her_words_on_a_new_device(keystore: Keystore, tmp_path: Path) -> None:
    old = keystore.create("ana", b"words")
    paper = words.words_of(old.person_seed)
    new = Keystore(tmp_path / "other", cost=CHEAP, entropy=chance(b"other")).create("ana", b"x", words.seed_of(paper))
    assert new.person_seed == old.person_seed
    assert new.device_seed != old.device_seed


@given(seed=st.binary(min_size=32, max_size=32), language=st.sampled_from(words.LANGUAGES))
def test_words_hold_the_seed_in_every_language(seed: bytes, language: str) -> None:
    paper = words.words_of(seed, language)
    assert len(paper.split()) == words.COUNT
    assert words.seed_of(f"  {paper}\n") == words.seed_of(paper, language) == seed


def test_words_are_those_of_bip_39() -> None:
    # From the test vectors of BIP 39: 32 bytes of 0x7f.
    paper = (
        "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful "
        "legal winner thank year wave sausage worth title"
    )
    assert words.words_of(b"\x7f" * 32) == paper
    assert words.seed_of(paper.upper()) == b"\x7f" * 32


def test_wrong_words_are_told_apart() -> None:
    paper = words.words_of(bytes(range(32))).split()
    with pytest.raises(Refused, match="These are 23 words, and a key has 24"):
        words.seed_of(" ".join(paper[:-1]))
    with pytest.raises(Refused, match="Word 3, 'moott', is not in the word list"):
        words.seed_of(" ".join([*paper[:2], "moott", *paper[3:]]))
    with pytest.raises(Refused, match="one is wrong or two are swapped"):
        words.seed_of(" ".join([paper[1], paper[0], *paper[2:]]))


def test_words_that_fit_two_languages_ask_which() -> None:
    # Found by trying: in the English and the French list, with the right checksum in both.
    paper = (
        "abandon amateur angle animal aspect badge bicycle bonus brave canal capable caution "
        "civil client concert correct coyote crucial cruel cycle danger animal cruel humble"
    )
    with pytest.raises(Refused, match="say which is meant with --language"):
        words.seed_of(paper)
    assert words.words_of(words.seed_of(paper, "english"), "english") == paper
    assert words.words_of(words.seed_of(paper, "french"), "french") == paper


def test_a_language_without_a_list_is_refused() -> None:
    with pytest.raises(Refused, match="There is no word list in 'klingon'; there are: chinese_simplified"):
        words.words_of(bytes(32), "klingon")


def test_a_node_keeps_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "hall" / "node.key"
    made = NodeKeys.load_or_create(path)
    assert NodeKeys.load_or_create(path) == made
    assert len({made.host_seed, made.teller_seed}) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert repr(made) == "NodeKeys()"


def test_of_two_nodes_that_start_at_once_both_have_the_first_ones_keys(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    first: list[NodeKeys] = []

    def slow(size: int) -> bytes:
        if not first:
            first.append(NodeKeys.load_or_create(path))
        return b"\0" * size

    assert NodeKeys.load_or_create(path, entropy=slow) == first[0]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"host_seed": "AAAA", "teller_seed": "AAAA"}'])
def test_damaged_node_keys_are_kept_and_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "node.key"
    private.write(path, content)
    with pytest.raises(Refused, match=r"node\.key is damaged"):
        NodeKeys.load_or_create(path)
    assert path.read_bytes() == content


def test_node_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    NodeKeys.load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(Refused, match="chmod 600"):
        NodeKeys.load_or_create(path)
