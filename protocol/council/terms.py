"""A ballot's terms: what is asked of whom, pinned when it is opened."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import msgspec

from ..codec import encode
from ..counting.ballots import ApprovalElection, QuestionElection, RankedElection, ScoreElection
from ..counting.rules import Rule, find
from ..counting.sortition import Pool
from ..errors import Malformed, Refusal
from ..ids import Digest, Membership, digest
from ..tellers.close import share
from ..tellers.question import check_question
from .ballot_bodies import OpenBallot
from .bodies import Effect, Elect
from .charter import PROFILES, Charter, Profile
from .classes import Division, check_classes, class_shares, divide
from .roll import Member, Teller
from .seat_bodies import ElectDelegates

__all__ = ["Terms", "check_opening", "keys_digest", "read_effect"]


class Terms:
    """What a ballot asks. roll, charter and tellers are those of the epoch it was opened on."""

    def __init__(
        self,
        operation: bytes,
        council: bytes,
        opener: Membership,
        body: OpenBallot,
        number: int,
        charter: Charter,
        roll: Mapping[Membership, Member],
        tellers: tuple[Teller, ...],
    ) -> None:
        self.id = operation
        self.council = council
        self.opener = opener
        self.body = body
        self.epoch = number
        self.charter = charter
        self.roll = roll
        self.profile: Profile = PROFILES[charter.tellers]
        self.tellers = tuple(sorted(teller.key for teller in tellers))
        self.rule = find(body.question.rule)
        self.classes = charter.ballots.classes or body.classes
        """How the roll is divided, by the charter or else by the opening."""
        self.division: Division = {} if self.classes is None else divide(self.classes, roll)
        self.weights = {Membership(m): Fraction(a, b) for m, a, b in body.weights}
        if self.classes is not None and self.classes.by == "shares" and not self.drawn and all(self.division.values()):
            self.weights = class_shares(self.classes, self.division)
        self.share = share(len(roll) + sum(1 for member in roll.values() if member.seat is not None), body.hidden)
        """How many casts of one voter the tellers list at most."""

    @property
    def stated(self) -> bool:
        """Whether what votes weigh is the opener's word alone."""
        return bool(self.weights) and self.charter.ballots.classes is None

    @property
    def each(self) -> bool:
        """Whether every class has to adopt the question, beside all together."""
        return self.classes is not None and self.classes.by == "each" and _takes(self.rule) is QuestionElection

    @property
    def drawn(self) -> bool:
        """Whether nobody votes, and lots are drawn."""
        return _takes(self.rule) is Pool

    def weight(self, voter: Membership) -> Fraction:
        """What a voter's cast weighs."""
        return self.weights.get(voter, Fraction(1))


def keys_digest(profile: str, tellers: tuple[bytes, ...]) -> Digest:
    """SHA-256 over a profile and the tellers' keys, sorted: how a decision's record names them."""
    return digest(encode([profile, list(tellers)]))


def _takes(rule: Rule | Refusal) -> type | None:
    return rule.takes if isinstance(rule, Rule) else None


def read_effect(data: object) -> Effect | Elect | ElectDelegates | None:
    """The effect that a ballot names; None when it is none that a council knows."""
    try:
        effect: Effect | Elect | ElectDelegates = msgspec.convert(
            data, Effect | Elect | ElectDelegates, strict=True, builtin_types=(bytes,)
        )
    except msgspec.ValidationError:
        return None
    return effect


_ELECTING: Final = (RankedElection, ApprovalElection, ScoreElection, Pool)


def _majority(sort: str, a: int, b: int) -> bool:
    return a * 2 > b or (a * 2 == b and sort == "more_than")


def check_opening(body: OpenBallot, roll: Mapping[Membership, Member], charter: Charter) -> Refusal | None:
    """Why a ballot's own terms cannot be, or None. Who opens it, and on what, is judged elsewhere."""
    fault = check_question(body.question, len(roll))
    if fault is not None:
        return fault
    takes = _takes(find(body.question.rule))
    fault = _check_effect(body, takes, roll)
    if fault is not None:
        return fault
    voters = [membership for membership, _, _ in body.weights]
    if len(set(voters)) != len(voters) or not set(voters) <= roll.keys():
        return Refusal("ballot-weights", "the ballot weighs somebody twice, or somebody who is not on the roll.")
    fault = _check_division(body, takes, roll, charter)
    if fault is not None:
        return fault
    if takes is Pool and (body.hidden or body.weights or body.classes is not None):
        return Refusal("ballot-lot", "lots are drawn in this ballot: there are no votes to hide or to weigh.")
    if not share(len(roll), body.hidden):
        return Refusal("ballot-hidden", "the roll is too long for hidden casts: the tellers could not open them all.")
    return None


def _check_effect(body: OpenBallot, takes: type | None, roll: Mapping[Membership, Member]) -> Refusal | None:
    if body.effect is None:
        return None
    effect = read_effect(body.effect)
    if effect is None:
        return Refusal("ballot-effect", "the ballot's effect is none that a council knows.")
    if isinstance(effect, Elect):
        return _check_election(effect, body, takes, roll)
    if isinstance(effect, ElectDelegates):
        return _check_delegates(effect, body, takes)
    if takes is not QuestionElection:
        return Refusal("ballot-effect", "an effect follows from a question that is adopted; ask one.")
    if "threshold" in body.question.settings and not _majority(*body.question.settings["threshold"]):
        return Refusal("ballot-effect", "what has an effect needs more than half: the threshold is too low.")
    return None


def _check_election(
    effect: Elect, body: OpenBallot, takes: type | None, roll: Mapping[Membership, Member]
) -> Refusal | None:
    people = [membership for membership in effect.candidates if membership is not None]
    if takes not in _ELECTING or len(effect.candidates) != len(body.question.options):
        return Refusal("ballot-election", "an election has a rule that chooses, and a candidate for each option.")
    if not people or len(set(people)) != len(people) or not set(people) <= roll.keys():
        return Refusal("ballot-election", "the candidates are members, each of them once.")
    if not effect.office.strip():
        return Refusal("ballot-election", "the office has no name.")
    return None


def _check_delegates(effect: ElectDelegates, body: OpenBallot, takes: type | None) -> Refusal | None:
    persons = [one.person for one in effect.candidates if one is not None]
    if takes not in _ELECTING or len(effect.candidates) != len(body.question.options):
        return Refusal("ballot-election", "an election has a rule that chooses, and a candidate for each option.")
    if not persons or len(set(persons)) != len(persons):
        return Refusal("ballot-election", "the candidates are people, each of them once.")
    return None


def _check_division(
    body: OpenBallot, takes: type | None, roll: Mapping[Membership, Member], charter: Charter
) -> Refusal | None:
    ruled, classes = charter.ballots.classes, body.classes
    if classes is not None:
        if ruled is not None:
            return Refusal("ballot-classes", "the charter says how the roll is divided; a ballot does not.")
        try:
            check_classes(classes)
        except Malformed as fault:
            return Refusal("ballot-classes", fault.message)
        if classes.by == "each" and takes is not QuestionElection:
            return Refusal("ballot-classes", "a majority in each class is for a question that is adopted.")
    divided = ruled or classes
    if divided is None or takes is Pool:
        return None
    if body.weights:
        return Refusal("ballot-weights", "the roll is divided into classes; votes have no weights beside that.")
    empty = [name for name, members in divide(divided, roll).items() if not members]
    if empty:
        return Refusal("ballot-classes", f"nobody on the roll is in the class {empty[0]!r}; divide it otherwise.")
    return None
