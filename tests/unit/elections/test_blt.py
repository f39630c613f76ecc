from fractions import Fraction

import pytest

from node.elections.blt import read_blt
from node.elections.file import ElectionFile
from protocol.counting.ballots import RankedElection
from protocol.errors import Malformed

GARDENING = """\
4 2          # Four candidates are competing for two seats
-2           # Bob has withdrawn

1 4 1 3 2 0  # First ballot
6 4 3 0      # Amy first, Chuck second with a weight of 6
1 0          # An empty ballot
1 2 - 3 0    # Bob first, no one second, Chuck third
1 2=3 1 0    # Bob and Chuck first, Diane second
0.5 2 0
1/3 3 0
0            # End of ballots marker
"Diane"      # Candidate 1
"Bob"
"Chuck #3"
"Amy \\"Ace\\" Lo"
"Gardening Club Election"  # Title
"""


def ranked(file: ElectionFile) -> RankedElection:
    (election,) = file.elections
    assert isinstance(election, RankedElection)
    return election


def read(text: str) -> RankedElection:
    return ranked(read_blt(text.split("\n")))


def test_everything_the_format_has() -> None:
    file = read_blt(GARDENING.split("\n"))
    election = ranked(file)
    assert (file.format, file.seats, file.unranked_last) == ("blt", 2, True)
    assert election.candidates == ("Diane", "Bob", "Chuck #3", 'Amy "Ace" Lo')
    assert (election.seats, election.withdrawn, election.title) == (2, frozenset({1}), "Gardening Club Election")
    assert election.ballots == (
        (1, ((3,), (0,), (2,), (1,))),
        (6, ((3,), (2,))),
        (1, ()),
        (1, ((1,), (2,))),
        (1, ((1, 2), (0,))),
        (Fraction(1, 2), ((1,),)),
        (Fraction(1, 3), ((2,),)),
    )


def test_ballots_with_identifiers() -> None:
    assert read('2 1\n(a 1) 1 2 0\n(b) 1 1 2 0\n0\n"A"\n"B"\n').ballots == ((1, ((1,),)), (1, ((0,), (1,))))


@pytest.mark.parametrize(
    ("names", "candidates", "title"),
    [
        ('"A"\n"B"\n"T"', ("A", "B"), "T"),
        ('"A"\n"B"', ("A", "B"), ""),
        ('"A" "B"\n"T"', ("A", "B"), "T"),
        ('"A" "Party"\n"B" "Other"\n"T"', ("A (Party)", "B (Other)"), "T"),
        ('"A" ""\n"B" ""\n', ("A", "B"), ""),
        ("A\nB # second\nOld Town", ("A", "B"), "Old Town"),
        ("A,\nB,\nT,", ("A", "B"), "T"),
        ('"Ind ""A"" "\n"B"\n', ('Ind "A"', "B"), ""),
        ("# ALTERNATIVE NAME 1: A\n# ALTERNATIVE NAME 2: B\nT", ("A", "B"), "T"),
        ('# names\n"A"\n\n"B"\n"T"\n"source"\n"comment"', ("A", "B"), "T"),
    ],
)
def test_names_as_they_are_published(names: str, candidates: tuple[str, ...], title: str) -> None:
    election = read(f"2 1\n1 1 0\n0\n{names}\n")
    assert (election.candidates, election.title) == (candidates, title)


def test_commas_at_the_ends_of_lines() -> None:
    assert read("2 1,\n786 1 0,\n3 2 1 0,\n0,\nA,\nB,\n").ballots == ((786, ((0,),)), (3, ((1,), (0,))))


@pytest.mark.parametrize(
    ("text", "rule", "line", "said"),
    [
        ("# nothing\n", "blt.header", 2, "only notes"),
        ("six four\n", "blt.header", 1, "such as 6 4"),
        ("\n6\n", "blt.header", 2, "such as 6 4"),
        ("0 1\n0\n", "blt.header", 1, "0 candidates"),
        ("99999 1\n0\n", "blt.header", 1, "99999 candidates"),
        ("2 0\n0\n", "blt.header", 1, "0 seats"),
        ("2 1\n-3\n0\n", "blt.withdrawn", 2, "-3 withdraws nobody"),
        ("2 1\n-x\n0\n", "blt.withdrawn", 2, "-x withdraws nobody"),
        ("2 1\n1 1 0\n-2\n", "blt.ballot", 3, "expected a ballot"),
        ("2 1\n1 1 0\nAnn\n", "blt.ballot", 3, "expected a ballot"),
        ("2 1\n()\n", "blt.ballot", 2, "expected a ballot"),
        ("2 1\n(x) 2 1 0\n0\n", "blt.identifier", 2, "weight 1"),
        ("2 1\n1 1 2\n0\n", "blt.ballot", 2, "does not end with 0"),
        ("2 1\n7\n0\n", "blt.ballot", 2, "does not end with 0"),
        ("2 1\n1 1 0 1 2 0\n0\n", "blt.candidate", 2, "a 0 stands inside"),
        ("2 1\n1 3 0\n0\n", "blt.candidate", 2, "there is no candidate 3"),
        ("2 1\n1 two 0\n0\n", "blt.candidate", 2, "'two' is not"),
        ("2 1\n1 1 2 1 0\n0\n", "blt.twice", 2, "names candidate 1 twice"),
        ("2 1\n1 1=1 0\n0\n", "blt.twice", 2, "names candidate 1 twice"),
        ("2 1\n1 1 0\n", "blt.end", 3, "do not end"),
        ('2 1\n1 1 0\n0\n"A"\n', "blt.names", 5, "after 1 of 2"),
        ('2 1\n1 1 0\n0\n"A"\n""\n', "blt.names", 6, "candidate 2 has an empty name"),
        ("1 1\n1 1 0\n0\nA\nB\nC\nD\nE\n", "blt.names", 9, "5 lines follow"),
        ('2 1\n1 1 0\n0\n"A\n"B"\n', "blt.quotes", 4, "opened and not closed"),
        ('2 1\n1 1 0\n0\n"A" x\n"B"\n', "blt.quotes", 4, "'x' stands after"),
    ],
)
def test_refused_with_the_line(text: str, rule: str, line: int, said: str) -> None:
    with pytest.raises(Malformed) as fault:
        read(text)
    assert fault.value.rule == rule
    assert fault.value.message.startswith(f"Line {line}: ")
    assert said in fault.value.message
    assert fault.value.message.endswith(".")
