"""What the API asks and answers about ballots: typed bodies, the same that `moot --json` prints."""

from typing import Any, Literal

from node.api.answers import Answer, PersonAnswer

__all__ = [
    "BallotAnswer",
    "BallotEvent",
    "BallotLine",
    "BallotTeller",
    "CastAnswer",
    "CastAsked",
    "CastDraft",
    "ClassAnswer",
    "ClassResult",
    "EquivocationAnswer",
    "InstanceAnswer",
    "QuestionAnswer",
    "ResultAnswer",
    "SupportAnswer",
    "VoterAnswer",
]

State = Literal["waiting", "open", "closed", "certified", "declined"]


class QuestionAnswer(Answer, frozen=True):
    """What is asked and how it is counted."""

    rule: str
    """The counting rule's versioned name."""
    title: str
    """What the rule does, in a few words."""
    options: list[str]
    """Empty where the answers are the rule's own."""
    answers: list[str]
    """The rule's own answers, such as `yes`; empty where options are chosen."""
    seats: int
    settings: dict[str, Any]
    """As in the operation: thresholds are `[sort, a, b]`, options numbers from 0."""
    terms: list[str]
    """The same in sentences."""
    how: str
    """What a voter types."""


class BallotTeller(Answer, frozen=True):
    """A teller of a ballot and what it said."""

    key: str
    peer: str | None
    """The node it runs on, if that is known here."""
    name: str | None
    """Whose node that is, if a member's."""
    here: bool
    """Whether it is this node."""
    answer: Literal["accepted", "declined", "silent"]
    why: str | None
    """Why it declined, in words."""
    closed: bool
    """Whether it has said which casts it had on time."""
    signed: bool
    """Whether its signature is in the certificate."""
    two_faced: bool
    """Whether it was seen to say two things where one is allowed; `EquivocationAnswer` has the proof."""


class ClassAnswer(Answer, frozen=True):
    """A class of the roll."""

    name: str
    people: int
    share: str | None
    """Of the whole, as `1/3`; null where each class has a say of its own."""
    weight: str
    """What the vote of one of its people weighs."""


class ClassResult(Answer, frozen=True):
    """What one class said, where each has to adopt the question."""

    name: str
    people: int
    voted: int
    adopted: bool
    words: str
    """`workers: 4-1 of 7, adopted`"""
    result: dict[str, Any]


class CastAnswer(Answer, frozen=True):
    """One cast."""

    cast: str
    time: int
    """By the voter's clock."""
    revision: int
    """0, then 1 for the first revision, and so on."""
    choice: Any
    """As the operation carries it; null while it is hidden."""
    words: str | None
    """The choice in words; null while it is hidden."""
    reason: str | None
    seen: int
    """How many tellers have said that they had it on time."""
    counted: bool | None
    """Whether it counts; null before the ballot is certified."""
    stands: str
    """Where it stands: `cast`, `with 3 of 4 tellers, on time`, `closed`, `certified ...` or why it does not count."""


class VoterAnswer(Answer, frozen=True):
    """Somebody who may vote, and her latest cast."""

    voter: PersonAnswer
    in_class: str | None
    """The class of the roll that she is in; null where it is not divided."""
    weight: str
    """What her cast weighs: `1`, or a fraction such as `2/3`."""
    cast: CastAnswer | None
    earlier: int
    """How many casts of hers it revises."""


class EquivocationAnswer(Answer, frozen=True):
    """Somebody signed two things where one is allowed. Both are kept, and prove it."""

    who: str
    """A name, or `teller` and its short key."""
    key: str
    """The device's or the teller's key."""
    what: Literal["cast", "close", "agreement"]
    words: str
    operations: list[str]


class InstanceAnswer(Answer, frozen=True):
    """One attempt to close the ballot."""

    number: int
    deadline: int
    closes: int
    """How many tellers have said which casts they had on time."""
    attended: int
    """How many of them were there at the deadline, in contact with the others."""
    round: int | None
    """The round of the agreement that decided; null while none has."""
    outcome: Literal["counted", "extended", "lapsed"] | None


class ResultAnswer(Answer, frozen=True):
    """What the tellers certified."""

    outcome: Literal["decided", "no quorum", "lapsed"]
    words: str
    """One sentence: `Adopted.`"""
    figures: str
    """The result in a word: `412-97`, or who was chosen."""
    certified: str
    """`certified 412-97, round 0, 4 of 4 tellers`"""
    adopted: bool
    elected: list[str]
    """The options that won, in order; empty for a question."""
    voted: int
    people: int
    quorum: str
    """What the charter asks for, in words."""
    explanation: list[str]
    """Every round, in sentences."""
    ties: list[str]
    """Every lot that was drawn, in sentences; empty where the casts alone decided."""
    result: dict[str, Any] | None
    """The result as the tellers signed it; null where nothing was counted."""
    equal: dict[str, Any] | None
    """Where votes weigh differently: the result with one vote a person."""
    equal_words: str | None
    classes: list[ClassResult]
    """Where each class has to adopt the question, what each said; else empty."""
    instance: int
    round: int
    record: str
    """The digest of the record that the tellers signed."""
    signatures: list[str]
    """The tellers whose signatures the certificate has."""
    certificate: str
    """The operation that carries the certificate."""
    beyond_recall: bool
    """Whether an epoch was entered that has the certificate in its past."""
    epoch: int | None
    """The epoch that took it in."""
    effect: str | None
    """What that epoch did because of it, in words."""


class BallotLine(Answer, frozen=True):
    """A ballot in a list."""

    ballot: str
    title: str | None
    opener: PersonAnswer
    time: int
    deadline: int
    rule: str
    drawn: bool
    """Whether nobody votes, and lots are drawn at the close."""
    hidden: bool
    state: State
    people: int
    """How many may vote."""
    voted: int
    """How many casts are here, one for each voter."""
    words: str
    """How it stands, in a few words."""


class BallotAnswer(Answer, frozen=True):
    """One ballot."""

    ballot: str
    council: str
    title: str | None
    """Null when it is erased or not here yet."""
    text: str | None
    question: QuestionAnswer
    opener: PersonAnswer
    time: int
    epoch: int
    """The epoch whose roll, charter and tellers it has."""
    opening_deadline: int
    """The deadline that it was opened with."""
    deadline: int
    """The present one, after extensions."""
    state: State
    """`waiting` for the tellers to accept it, `open`, `closed`, `certified`, or `declined` by the tellers."""
    words: str
    """How it stands, in a sentence."""
    hidden: bool
    """Whether casts are hidden until the close; the tellers see them."""
    people: int
    voted: int
    quorum: str
    """How many must vote, in words: `at least 1/2`."""
    quorum_needed: int
    profile: str
    needed: int
    """How many tellers have to agree."""
    liars: int
    """How many tellers may lie without doing harm."""
    tellers: list[BallotTeller]
    proposal: str | None
    pins: list[str]
    """The versions of texts that are voted on; their ids are their hashes, so they cannot change."""
    pinned: list[str]
    """The same in words."""
    supports: int
    """How many members wanted the ballot, its opener included."""
    effect: dict[str, Any] | None
    """What follows from a yes; ids in hex."""
    effect_words: str | None
    weighted: bool
    drawn: bool
    """Whether nobody votes, and lots are drawn at the close."""
    by_class: Literal["each", "shares"] | None
    """Whether each class of the roll must adopt it too, or votes weigh by their shares; null where it is not divided."""
    classes: list[ClassAnswer]
    votes: list[VoterAnswer]
    """Everybody on the pinned roll."""
    equivocations: list[EquivocationAnswer]
    instances: list[InstanceAnswer]
    revisions: int
    """How often a cast can be revised."""
    result: ResultAnswer | None


class CastAsked(Answer, frozen=True):
    """Asked: may this membership cast now? `choice` is checked when it is given; keep a hidden one to yourself."""

    membership: str
    choice: Any = None


class CastDraft(Answer, frozen=True):
    """What a cast must say beside its choice."""

    revision: int
    replaces: str | None
    needs: list[str]
    """The ids that the operation has to name, for `draft`."""
    hidden: bool
    tellers: list[str]
    """For whom a hidden choice is sealed."""


class SupportAnswer(Answer, frozen=True):
    """A member wants a ballot on a proposal."""

    support: str
    member: PersonAnswer
    time: int


class BallotEvent(Answer, frozen=True):
    """Event `ballot`: one was opened, or its result is certified."""

    council: str
    what: Literal["opened", "result"]
    words: str
    ballot: BallotLine
