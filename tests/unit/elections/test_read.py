from pathlib import Path

import pytest

from node.elections import SUFFIXES, read
from protocol.errors import Malformed

SMALLEST = {
    ".blt": "1 1\n1 1 0\n0\nAnn\n",
    ".soc": "# ALTERNATIVE NAME 1: Ann\n1: 1\n",
    ".cat": "# ALTERNATIVE NAME 1: Ann\n1: {1},{}\n",
    ".cvotes": "Ann\n",
    ".pb": "META\nbudget;1\nvote_type;approval\nPROJECTS\nproject_id;cost\n1;1\nVOTES\nvote\n1\n",
}
FORMATS = {".blt": "blt", ".cat": "cat", ".cvotes": "cvotes", ".pb": "pabulib"}


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".BLT"])
def test_the_end_of_the_name_says_the_form(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"election{suffix}"
    path.write_text(SMALLEST.get(suffix.lower(), SMALLEST[".soc"]), "utf-8")
    assert read(path).format == FORMATS.get(suffix.lower(), "preflib")


def test_another_ending(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match=r"ballots\.xlsx is not an election file.*\.blt.*\.pb\.$") as fault:
        read(tmp_path / "ballots.xlsx")
    assert fault.value.rule == "file.format"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "gone.blt")
