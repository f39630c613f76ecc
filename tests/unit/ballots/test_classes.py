"""Classes of the roll as people write them and read them."""

import pytest

from node.ballots.classes import classes_of, classes_words
from node.refused import Refused


def member_of(who: str) -> str:
    return f"b-{who}"


def test_classes_with_a_say_each() -> None:
    data = classes_of(["workers=cleo, ana", " users "], [], member_of)
    assert data == {"by": "each", "of": [{"name": "users"}, {"name": "workers", "members": ["b-ana", "b-cleo"]}]}
    words = classes_words(data, lambda member: member[2:].title())
    assert words == "each class must adopt it too: users (everybody else); workers (Ana, Cleo)"


def test_classes_with_shares() -> None:
    shares = ["workers=2/6", "the users = 2/3"]
    data = classes_of(["workers=ana", "the  users"], shares, member_of)
    assert data is not None
    assert [one["share"] for one in data["of"]] == [[2, 3], [1, 3]]
    assert "the users (everybody else, 2/3 of the whole)" in classes_words(data, str)


def test_no_classes() -> None:
    assert classes_of([], [], member_of) is None


@pytest.mark.parametrize(
    ("given", "shares", "words"),
    [
        (["=ana"], [], "is no class"),
        (["workers="], [], "is no class"),
        (["a", "a=ana"], [], "named twice"),
        ([], ["a=1/2"], "name the classes"),
        (["a", "b=ana"], ["c=1/2"], "no class 'c'"),
        (["a", "b=ana"], ["a=half"], "is no share"),
        (["a", "b=ana"], ["a=0/2"], "is no share"),
        (["a", "b=ana"], ["a=1/2"], "cannot be divided like that: every class has a share"),
        (["a", "b"], [], "without members"),
        (["a=ana", "b=ben"], [], "without members"),
        (["a"], [], "cannot be divided"),
        (["a", "b=ana", "c=ana"], [], "in two classes"),
    ],
)
def test_classes_that_cannot_be(given: list[str], shares: list[str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        classes_of(given, shares, member_of)
