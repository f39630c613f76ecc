from fractions import Fraction
from pathlib import Path

import pytest

from node.elections import text
from node.elections.text import amount, cited, load, whole
from protocol.errors import Malformed


def written(folder: Path, data: bytes) -> Path:
    path = folder / "file.blt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_utf8_with_and_without_a_mark_and_every_line_end(tmp_path: Path, mark: bytes, end: bytes) -> None:
    assert load(written(tmp_path, mark + "Łódź".encode() + end + b"2")) == (["Łódź", "2"], ())


def test_utf16_with_a_mark(tmp_path: Path) -> None:
    assert load(written(tmp_path, "Łódź\n2".encode("utf-16"))) == (["Łódź", "2"], ())


def test_other_separators_stay_inside_a_line(tmp_path: Path) -> None:
    assert load(written(tmp_path, "a\u2028b\x0cc\x85d".encode())) == (["a\u2028b\x0cc\x85d"], ())


@pytest.mark.parametrize(
    ("data", "rule", "said"),
    [
        (b"", "file.empty", "empty"),
        (b" \n\n", "file.empty", "empty"),
        (b"\x89PNG\x00\x00", "file.binary", "not a text"),
        (b"\xff\xfeabc", "file.encoding", "UTF-16"),
        (b'2 1\n0\n"Jos\xe9\x81"\n', "file.encoding", "Line 3: the text is not UTF-8; save it"),
        (b'2 1\n0\n"Jos\xe9\x01"\n', "file.encoding", "Line 3: the text is not UTF-8; save it"),
    ],
)
def test_what_is_no_text(tmp_path: Path, data: bytes, rule: str, said: str) -> None:
    with pytest.raises(Malformed, match=said) as fault:
        load(written(tmp_path, data))
    assert fault.value.rule == rule


def test_a_file_beyond_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MOST_BYTES", 8)
    assert load(written(tmp_path, b"12345678")) == (["12345678"], ())
    with pytest.raises(Malformed, match="larger than") as fault:
        load(written(tmp_path, b"123456789"))
    assert fault.value.rule == "file.size"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("012", 12),
        ("12.50", Fraction(25, 2)),
        ("12,50", Fraction(25, 2)),
        ("12.", 12),
        ("12.00", 12),
        (".5", Fraction(1, 2)),
        ("4/6", Fraction(2, 3)),
        ("6/3", 2),
        ("1/0", None),
        ("", None),
        (".", None),
        ("-1", None),
        ("1e3", None),
        ("1.2.3", None),
        ("٣", None),
        ("9" * 16, None),
    ],
)
def test_amounts_are_exact(written: str, value: int | Fraction | None) -> None:
    found = amount(written)
    assert found == value
    assert type(found) is type(value)


def test_whole_numbers_are_bounded() -> None:
    assert whole("007") == 7
    assert whole("9" * 15) == 10**15 - 1
    assert [whole(text) for text in ("", "-1", "1.0", "9" * 16, "²")] == [None] * 5


def test_what_is_cited_fits_a_sentence() -> None:
    assert cited("a\nb\x1b[31m") == "a b [31m"
    assert cited("x" * 40) == "x" * 40
    assert cited("x" * 41) == "x" * 39 + "…"


def test_what_is_not_utf8_is_read_as_windows_1252_and_said(tmp_path: Path) -> None:
    lines, notes = load(written(tmp_path, '2 1\n0\n"José – L"\n'.encode("windows-1252")))
    assert lines[2] == '"José – L"'
    assert len(notes) == 1
    assert notes[0].startswith("Line 3: the text is not UTF-8, so it was read as Windows-1252")
