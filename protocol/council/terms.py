"""A ballot's terms: what is asked of whom, pinned when it is opened."""

from collections.abc import Mapping
from fractions import Fraction

import msgspec

from ..codec import encode
from ..counting.ballots import QuestionElection
from ..counting.rules import Rule, find
from ..errors import Refusal
from ..ids import Digest, Membership, digest
from ..tellers.close import share
from ..tellers.question import check_question
from .ballot_bodies import OpenBallot
from .bodies import Effect
from .charter import PROFILES, Charter, Profile
from .roll import Member, Teller

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
        self.weights = {Membership(m): Fraction(a, b) for m, a, b in body.weights}
        self.share = share(len(roll), body.hidden)
        """How many casts of one voter the tellers list at most."""

    def weight(self, voter: Membership) -> Fraction:
        """What a voter's cast weighs."""
        return self.weights.get(voter, Fraction(1))


def keys_digest(profile: str, tellers: tuple[bytes, ...]) -> Digest:
    """SHA-256 over a profile and the tellers' keys, sorted: how a decision's record names them."""
    return digest(encode([profile, list(tellers)]))


def read_effect(data: object) -> Effect | None:
    """The effect that a ballot names; None when it is none that a council knows."""
    try:
        effect: Effect = msgspec.convert(data, Effect, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError:
        return None
    return effect


def _majority(sort: str, a: int, b: int) -> bool:
    return a * 2 > b or (a * 2 == b and sort == "more_than")


def check_opening(body: OpenBallot, roll: Mapping[Membership, Member]) -> Refusal | None:
    """Why a ballot's own terms cannot be, or None. Who opens it, and on what, is judged elsewhere."""
    fault = check_question(body.question, len(roll))
    if fault is not None:
        return fault
    if body.effect is not None:
        rule = find(body.question.rule)
        if read_effect(body.effect) is None:
            return Refusal("ballot-effect", "the ballot's effect is none that a council knows.")
        if not isinstance(rule, Rule) or rule.takes is not QuestionElection:
            return Refusal("ballot-effect", "an effect follows from a question that is adopted; ask one.")
        if "threshold" in body.question.settings and not _majority(*body.question.settings["threshold"]):
            return Refusal("ballot-effect", "what has an effect needs more than half: the threshold is too low.")
    voters = [membership for membership, _, _ in body.weights]
    if len(set(voters)) != len(voters) or not set(voters) <= roll.keys():
        return Refusal("ballot-weights", "the ballot weighs somebody twice, or somebody who is not on the roll.")
    if not share(len(roll), body.hidden):
        return Refusal("ballot-hidden", "the roll is too long for hidden casts: the tellers could not open them all.")
    return None
