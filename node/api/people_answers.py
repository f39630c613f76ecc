"""What the API asks and answers about people."""

from node.api.answer import Answer

__all__ = [
    "MemberAnswer",
    "PersonAnswer",
    "PetnameAsked",
]


class PersonAnswer(Answer, frozen=True):
    """Somebody, as she is shown: `name` is the petname, else the name she gives herself, else her short key."""

    name: str
    person: str | None
    """None where only a device's key is known."""
    membership: str | None
    petname: str | None
    own_name: str | None


class MemberAnswer(Answer, frozen=True):
    """A membership on the roll."""

    name: str
    person: str
    membership: str
    petname: str | None
    own_name: str | None
    since: int
    """The epoch that admitted."""
    absent: bool
    devices: list[str]
    nodes: list[str]


class PetnameAsked(Answer, frozen=True):
    """Asked: call this person so from now on; null for no name of our own."""

    name: str | None
