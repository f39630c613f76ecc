import pytest

from protocol.errors import FolkmootError, Malformed, Misuse, Refusal


def test_the_tree() -> None:
    assert issubclass(Misuse, FolkmootError)
    assert issubclass(Misuse, ValueError)
    assert issubclass(Malformed, FolkmootError)
    assert not issubclass(Malformed, ValueError)


def test_malformed_names_its_rule_and_speaks_to_a_person() -> None:
    error = Malformed("size", "the data is too long.")
    assert (error.rule, error.message) == ("size", "the data is too long.")
    assert str(error) == "the data is too long."
    with pytest.raises(Malformed, match=r"the data is too long\."):
        raise error


def test_a_refusal_is_a_value() -> None:
    refusal = Refusal("voice", "a teller's key has no voice.")
    assert refusal == Refusal("voice", "a teller's key has no voice.")
    assert refusal != Refusal("voice", "something else.")
    assert str(refusal) == "a teller's key has no voice."
    with pytest.raises(AttributeError):
        refusal.rule = "other"  # type: ignore[misc]  # that it cannot be set is the point


def test_what_is_quoted_from_elsewhere_does_not_speak_to_a_terminal() -> None:
    assert (
        Malformed("charter", "unknown field 'a\n\x1b[2Jb\u202e'.").message == "unknown field 'a\ufffd\ufffd[2Jb\ufffd'."
    )
