from fractions import Fraction

import pytest

from protocol.counting.ballots import QuestionElection
from protocol.counting.majority import simple_majority
from protocol.counting.plain import plain
from protocol.errors import Misuse


def test_every_kind_of_value() -> None:
    assert plain({"b": Fraction(2, 4), "a": Fraction(4, 2), "c": None}) == {"a": 2, "b": "1/2", "c": None}
    mapping = plain({"b": 1, "a": 2})
    assert isinstance(mapping, dict)
    assert list(mapping) == ["a", "b"]
    assert plain((1, ["x", b"y"], frozenset({3, 1}), {2}, True)) == [1, ["x", b"y"], [1, 3], [2], True]


def test_a_result_is_a_dictionary_of_its_fields() -> None:
    result = plain(simple_majority(QuestionElection(((Fraction(1, 2), "yes"),), 1)))
    assert result == {
        "rule": "majority-simple/1",
        "elected": [0],
        "ranking": [],
        "rounds": [
            {
                "answers": [["yes", "1/2"], ["no", 0], ["abstain", 0]],
                "cast": "1/2",
                "roll": 1,
                "quorum": None,
                "base": "decided",
                "whole": "1/2",
                "threshold": {"share": "1/2", "strict": True},
                "outcome": "adopted",
            }
        ],
        "ties": None,
    }


@pytest.mark.parametrize("value", [1.5, object(), QuestionElection])
def test_what_has_no_plain_form_is_a_fault(value: object) -> None:
    with pytest.raises(Misuse):
        plain([value])
