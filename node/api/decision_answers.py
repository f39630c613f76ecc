"""What the API asks and answers about what members put to each other: invitations, requests, motions, proposals, comments."""

from typing import Any, Literal

from node.api.answer import Answer
from node.api.people_answers import PersonAnswer

__all__ = [
    "AdoptedAnswer",
    "Assent",
    "CommentAnswer",
    "FileAnswer",
    "InvitationAnswer",
    "MotionAnswer",
    "ProposalAnswer",
    "ProposalLine",
    "RequestAnswer",
    "VersionAnswer",
]


class InvitationAnswer(Answer, frozen=True):
    """An invitation."""

    invitation: str
    inviter: PersonAnswer
    uses: int
    used: int
    expires: int | None
    withdrawn: bool


class RequestAnswer(Answer, frozen=True):
    """A request to join, and the motion to admit, if there is one."""

    request: str
    invitation: str
    person: str
    name: str
    letter: str | None
    time: int
    motions: list[str]
    """The open motions to admit her: more than one when people moved it at the same time."""


class Assent(Answer, frozen=True):
    """One assent to a motion."""

    assent: str
    member: PersonAnswer
    time: int
    counts: bool
    """False when it was withdrawn, or its member or device is not on the roll any more."""


class MotionAnswer(Answer, frozen=True):
    """A motion and how it stands."""

    motion: str
    council: str
    kind: str
    words: str
    """What it would do, as one sentence."""
    effect: dict[str, Any]
    mover: PersonAnswer
    time: int
    reason: str | None
    threshold: str
    yes: int
    of: int
    needed: int
    met: bool
    waits: str | None
    """Why it does not take effect with the next epoch though enough assent, if it does not."""
    state: Literal["open", "effective", "lapsed"]
    epoch: int | None
    """The epoch in which it took effect or lapsed."""
    why: str | None
    """Why it lapsed."""
    assents: list[Assent]


class FileAnswer(Answer, frozen=True):
    """An attached file. Its bytes: `GET .../operations/{id}/contents/{index}`."""

    index: int
    size: int
    state: Literal["here", "fetching", "erased"]


class VersionAnswer(Answer, frozen=True):
    """One version of a proposal."""

    version: str
    number: int
    """1 for the first, in the order of the log."""
    replaces: str | None
    author: PersonAnswer
    time: int
    title: str | None
    text: str | None
    erased: bool
    note: str | None
    files: list[FileAnswer]
    motions: list[str]
    """The motions to adopt this version."""
    latest: bool
    """Whether no other version replaces it."""


class AdoptedAnswer(Answer, frozen=True):
    """What the council adopted of a proposal."""

    version: str
    number: int
    epoch: int


class CommentAnswer(Answer, frozen=True):
    """A comment."""

    comment: str
    on: str
    level: int
    """0 for one on the proposal or a motion, 1 for one on such a comment, and so on."""
    author: PersonAnswer
    time: int
    text: str | None
    """Null when it is erased or not here yet."""
    erased: bool


class ProposalLine(Answer, frozen=True):
    """A proposal in a list."""

    proposal: str
    title: str | None
    author: PersonAnswer
    time: int
    state: Literal["open", "adopted", "withdrawn"]
    versions: int


class ProposalAnswer(Answer, frozen=True):
    """A proposal with its versions, motions and comments."""

    proposal: str
    council: str
    title: str | None
    author: PersonAnswer
    time: int
    state: Literal["open", "adopted", "withdrawn"]
    adopted: AdoptedAnswer | None
    versions: list[VersionAnswer]
    motions: list[MotionAnswer]
    comments: list[CommentAnswer]
    """Flat, in reading order: each comment is followed by what was said on it."""
