import sqlite3
from pathlib import Path

import pytest

from node.refused import Refused
from node.store import Batch, Pending, Place, SavedContent, SavedOperation, SavedPeer, Store, StoreFailed
from protocol.log.operation import Content

COUNCIL = b"c" * 32
SALT = b"s" * 16


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "folkmoot.db")


def again(store: Store) -> Store:
    """What a node that starts anew finds."""
    store.close()
    return Store(store.path)


def operations(store: Store, count: int) -> list[SavedOperation]:
    council = store.council_number(COUNCIL)
    return [
        SavedOperation(row, council, b"%032d" % row, b"raw %d" % row) for row in [store.new_row() for _ in range(count)]
    ]


def test_operations_come_back_in_the_order_of_saving(store: Store) -> None:
    saved = operations(store, 7)
    store.save(Batch(operations=saved[:4]))
    store.save(Batch(operations=saved[4:]))
    store = again(store)
    assert list(store.replay(at_once=3)) == [saved[:3], saved[3:6], saved[6:]]
    assert store.raw(saved[5].row) == saved[5].raw
    assert store.new_row() == saved[-1].row + 1
    assert store.councils() == {COUNCIL: saved[0].council}


def test_a_row_that_is_gone_is_a_fault(store: Store) -> None:
    with pytest.raises(StoreFailed, match="changed from outside"):
        store.raw(99)


def test_a_batch_is_saved_whole_or_not_at_all(store: Store) -> None:
    first, second = operations(store, 2)
    store.save(Batch(operations=[first]))
    with pytest.raises(StoreFailed):
        store.save(Batch(operations=[second, first], contents=[SavedContent(Place(2, 0), Content(SALT, b"x"))]))
    assert [*store.replay()] == [[first]]
    assert store.content(Place(2, 0)) is None
    store.save(Batch(operations=[second]))
    assert [*again(store).replay()] == [[first, second]]


def test_contents_are_wanted_until_they_come_or_are_erased(store: Store) -> None:
    council = store.council_number(COUNCIL)
    places = [Place(1, 0), Place(1, 63), Place(2, 0)]
    store.save(Batch(wanted=[(place, council) for place in places]))
    assert store.wanted(council, 10) == places[::-1]
    assert store.wanted(council, 1) == [places[2]]
    assert store.wanted(council + 1, 10) == []
    store.save(Batch(contents=[SavedContent(places[1], Content(SALT, b"text"))]))
    assert store.wanted(council, 10) == [places[2], places[0]]
    assert store.content(places[1]) == Content(SALT, b"text")
    assert store.has_content(places[1])
    store.save(Batch(erased=places))
    assert store.wanted(council, 10) == []
    assert not store.has_content(places[1])


def test_small_contents_are_those_that_fit_into_an_envelope(store: Store) -> None:
    small, large = Content(SALT, b"x" * 65_536), Content(SALT, b"x" * 65_537)
    places = {(5, 0): small, (5, 1): large, (5, 63): small, (6, 0): small, (30, 2): small}
    store.save(Batch(contents=[SavedContent(Place(*place), content) for place, content in places.items()]))
    assert store.small_contents_of([5]) == {5: {0: small, 63: small}}
    assert store.small_contents_of([30, 5, 4]) == {5: {0: small, 63: small}, 30: {2: small}}
    assert store.small_contents_of([5, 7])[5] == {0: small, 63: small}
    assert store.content(Place(5, 1)) == large


def test_rows_are_read_in_the_order_asked_for(store: Store) -> None:
    saved = operations(store, 60)
    store.save(Batch(operations=saved))
    wanted = [saved[place] for place in (40, 3, 4, 5, 9, 59, 0)]
    assert store.raws([each.row for each in wanted]) == [each.raw for each in wanted]
    assert store.raws([]) == []
    with pytest.raises(StoreFailed, match="changed from outside"):
        store.raws([saved[0].row, 999])


def test_what_was_erased_is_nowhere_in_the_files(store: Store) -> None:
    secret = b"what was said in anger and is taken back" * 40
    store.save(Batch(contents=[SavedContent(Place(1, 0), Content(b"z" * 16, secret))]))
    files = [store.path, store.path.with_name(store.path.name + "-wal")]
    assert any(secret[:30] in file.read_bytes() for file in files)
    store.save(Batch(erased=[Place(1, 0)]))
    for file in files:
        data = file.read_bytes()
        assert secret[:30] not in data
        assert b"z" * 16 not in data


def test_rows_that_are_dropped_take_their_contents_with_them(store: Store) -> None:
    first, second = operations(store, 2)
    council = first.council
    store.save(
        Batch(
            operations=[first, second],
            contents=[
                SavedContent(Place(first.row, 0), Content(SALT, b"a")),
                SavedContent(Place(second.row, 0), Content(SALT, b"b")),
            ],
            wanted=[(Place(first.row, 1), council), (Place(second.row, 1), council)],
        )
    )
    store.save(Batch(dropped=[first.row]))
    assert [*store.replay()] == [[second]]
    assert not store.has_content(Place(first.row, 0))
    assert store.has_content(Place(second.row, 0))
    assert store.wanted(council, 9) == [Place(second.row, 1)]


def test_a_teller_says_the_first_thing_that_was_noted_for_an_epoch(store: Store) -> None:
    assert store.signed_epoch(COUNCIL, 1) is None
    assert store.sign_epoch(COUNCIL, 1, b"first") == b"first"
    assert store.sign_epoch(COUNCIL, 1, b"second") == b"first"
    store = again(store)
    assert store.sign_epoch(COUNCIL, 1, b"second") == b"first"
    assert store.signed_epoch(COUNCIL, 1) == b"first"
    assert store.sign_epoch(COUNCIL, 2, b"second") == b"second"
    assert store.sign_epoch(b"d" * 32, 1, b"second") == b"second"


def test_rivals_are_kept_once(store: Store) -> None:
    number = store.council_number(COUNCIL)
    for _ in range(2):
        store.save(Batch(rivals=[(number, b"r" * 32, b"evidence")]))
    assert store.rivals(number) == [(b"r" * 32, b"evidence")]


def test_peers_are_remembered(store: Store) -> None:
    store.remember_peer(b"k" * 32, ("/ip4/10.0.0.1/tcp/1",), "ticket")
    store.remember_peer(b"k" * 32, ("/ip4/10.0.0.2/tcp/1",), "enrolment")
    store.saw_peer(b"k" * 32, 5)
    assert again(store).peers() == [SavedPeer(b"k" * 32, ("/ip4/10.0.0.2/tcp/1",), "enrolment", 5)]


def test_where_a_peer_answered_is_remembered_unless_a_person_said_more(store: Store) -> None:
    met, named = b"m" * 32, b"n" * 32
    store.remember_peer(named, ("/dns/hall/tcp/1",), "person")
    for peer in (met, named):
        store.saw_peer(peer, 1, "/ip4/10.0.0.1/tcp/1")
        store.saw_peer(peer, 2)
    assert store.peers() == [
        SavedPeer(met, ("/ip4/10.0.0.1/tcp/1",), "met", 2),
        SavedPeer(named, ("/dns/hall/tcp/1",), "person", 2),
    ]
    store.saw_peer(met, 3, "/ip4/10.0.0.9/tcp/1")
    assert store.peers()[0].addresses == ("/ip4/10.0.0.9/tcp/1",)


def test_peers_are_forgotten(store: Store) -> None:
    store.remember_peer(b"k" * 32, (), "ticket")
    store.forget_peer(b"k" * 32)
    assert store.peers() == []


def test_keeping_away_lasts_and_ends(store: Store) -> None:
    store.keep_away(b"k" * 32, None, "asked")
    store.keep_away(b"l" * 32, 7, "broke a rule")
    store.keep_away(b"k" * 32, 9, "asked again")
    assert again(store).kept_away() == {b"k" * 32: (9, "asked again"), b"l" * 32: (7, "broke a rule")}


def test_let_near(store: Store) -> None:
    store.keep_away(b"k" * 32, None, "asked")
    store.let_near(b"k" * 32)
    assert store.kept_away() == {}


def test_petnames(store: Store) -> None:
    store.set_petname(b"p" * 32, "Ann")
    store.set_petname(b"p" * 32, "Anna")
    store.set_petname(b"q" * 32, "Ben")
    store.set_petname(b"q" * 32, None)
    assert again(store).petnames() == {b"p" * 32: "Anna"}


def test_requests_to_join_are_kept_until_dropped(store: Store) -> None:
    pending = Pending(b"r" * 32, COUNCIL, b"raw", ((b"k" * 32, ("/ip4/10.0.0.1/tcp/1",)),), "waiting", "")
    store.save_pending(pending)
    store = again(store)
    assert store.pending() == [pending]
    later = pending._replace(state="refused", message="The ticket is used up.")
    store.save_pending(later)
    assert store.pending() == [later]
    store.drop_pending(later.request)
    assert store.pending() == []


def test_facts(store: Store) -> None:
    assert store.fact("a") is None
    store.note("a", b"1")
    store.note("a", b"2")
    store.note("b", b"1")
    store.note("b", None)
    store = again(store)
    assert (store.fact("a"), store.fact("b")) == (b"2", None)


def test_only_its_owner_may_read_the_file(store: Store) -> None:
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_the_size_counts_the_log_too(store: Store) -> None:
    before = store.size()
    store.save(Batch(contents=[SavedContent(Place(1, 0), Content(SALT, b"x" * 100_000))]))
    assert store.size() > before + 100_000


def test_a_batch_knows_whether_it_holds_anything() -> None:
    assert not Batch()
    assert Batch(dropped=[1])


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("create table theirs (x)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(Refused, match="another program"):
        Store(path)
    assert path.read_bytes() == before


def test_a_newer_store_is_left_alone(store: Store) -> None:
    store.close()
    db = sqlite3.connect(store.path)
    db.execute("pragma user_version=99")
    db.close()
    with pytest.raises(Refused, match="newer Folkmoot"):
        Store(store.path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "folkmoot.db"
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(Refused, match="is damaged"):
        Store(path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be opened"):
        Store(tmp_path / "missing" / "folkmoot.db")


def test_a_full_disk_is_said_and_loses_nothing(store: Store) -> None:
    (first,) = operations(store, 1)
    store.save(Batch(operations=[first]))
    # SQLite's own limit stands for the disk's end: the same error code, the same path.
    store._db.execute("pragma max_page_count=1")
    with pytest.raises(StoreFailed, match="the disk is full"):
        store.save(Batch(contents=[SavedContent(Place(1, 0), Content(SALT, b"x" * 5_000_000))]))
    assert [*again(store).replay()] == [[first]]
