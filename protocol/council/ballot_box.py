"""All ballots of a council, and the one place where their operations are judged and taken in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import decode
from ..errors import Malformed, Refusal
from ..ids import Membership, digest
from ..log.operation import MAX_PARTS
from .ballot_bodies import (
    Accept,
    CastBody,
    Certify,
    CloseBody,
    Decline,
    OpenBallot,
    Precommit,
    Prevote,
    Propose,
    Seen,
    Support,
)
from .ballots import Ballot, Certified, check_opening
from .body import Body
from .branch import Link
from .charter import Charter
from .epoch_agreement import EpochAgreement
from .epochs import Decision
from .signatures import unpack_signatures

__all__ = ["BallotBox", "Paper"]


@dataclass(frozen=True, slots=True)
class Paper:
    """One operation about a ballot, with what its causal past says. parts: contents by index."""

    id: bytes
    epoch: int
    author: bytes
    membership: Membership | None
    body: Body
    deps: tuple[bytes, ...]
    parts: Mapping[int, bytes]


class BallotBox:
    """The ballots of one council.

    link: epoch number -> what the chain says of it; charter: epoch number -> its charter;
    version_of: whether an id is a version of a proposal; past_holds: whether all these
    operations are among deps or their past.
    """

    def __init__(
        self,
        council: bytes,
        link: Callable[[int], Link],
        charter: Callable[[int], Charter],
        version_of: Callable[[bytes], bytes | None],
        past_holds: Callable[[Sequence[bytes], Sequence[bytes]], bool],
    ) -> None:
        self._council = council
        self._link, self._charter = link, charter
        self._version_of, self._past_holds = version_of, past_holds
        self.ballots: dict[bytes, Ballot] = {}
        self.epochs: dict[bytes, EpochAgreement] = {}
        """Digest of an epoch -> the tellers' agreement on what follows it."""
        self.supports: dict[bytes, tuple[bytes, Membership]] = {}
        """Support -> (proposal, who)."""

    def take_in(self, paper: Paper) -> Refusal | Decision | None:
        """Judge and take in; why it has no effect, or the decision that a certificate proves."""
        body = paper.body
        if isinstance(body, Support | OpenBallot | CastBody):
            if paper.membership is None:
                return Refusal("voice", "a teller's key has no voice in what members say and decide.")
            if isinstance(body, Support):
                return self._support(paper, body, paper.membership)
            if isinstance(body, OpenBallot):
                return self._open(paper, body, paper.membership)
            return self._cast(paper, body, paper.membership)
        if isinstance(body, Propose | Prevote | Precommit) and body.of == self._link(paper.epoch).digest:
            return self.epoch(paper.epoch).add(paper.id, paper.author, body, paper.deps, paper.parts)
        ballot = self.ballots.get(getattr(body, "ballot", b"") or getattr(body, "of", b""))
        if ballot is None:
            return Refusal("ballot", "there is no such ballot.")
        try:
            return self._teller(ballot, paper)
        except Malformed as error:
            return Refusal(error.rule, error.message)

    def epoch(self, number: int) -> EpochAgreement:
        """The agreement on what follows epoch `number`."""
        link = self._link(number)
        if link.digest not in self.epochs:
            self.epochs[link.digest] = EpochAgreement(link)
        return self.epochs[link.digest]

    def discard(self, operation: bytes) -> None:
        """Forget what is not kept any more. What tellers agreed on is always kept."""
        self.ballots.pop(operation, None)
        self.supports.pop(operation, None)
        for ballot in self.ballots.values():
            ballot.drop_cast(operation)

    def data(self) -> list[Any]:
        """Plain data for the state digest."""
        return [
            [id, sorted(ballot.casts), [[k, digest(c.record)] for k, c in sorted(ballot.certified.items())]]
            for id, ballot in sorted(self.ballots.items())
        ]

    # --- members ----------------------------------------------------------------------------------

    def _support(self, paper: Paper, body: Support, who: Membership) -> Refusal | None:
        if body.proposal not in paper.deps or self._version_of(body.proposal) is None:
            return Refusal("support", "what it supports is no proposal among its deps.")
        self.supports[paper.id] = (body.proposal, who)
        return None

    def _open(self, paper: Paper, body: OpenBallot, opener: Membership) -> Refusal | None:
        link, charter = self._link(paper.epoch), self._charter(paper.epoch)
        if body.epoch != link.digest:
            return Refusal("ballot-epoch", "the ballot is opened on another epoch's roll than its operation's own.")
        if len(link.members) < charter.size.min:
            return Refusal("ballot-forming", "a council that is forming opens no ballots.")
        named = [*body.pins, *([body.proposal] if body.proposal else []), *body.supports]
        if not set(named) <= set(paper.deps) or any(self._version_of(pin) is None for pin in body.pins):
            return Refusal("ballot-pins", "what the ballot names is not among its deps, or is no version of a text.")
        backers = {opener}
        for support in body.supports:
            proposal, who = self.supports.get(support, (b"", opener))
            if proposal == body.proposal and who in link.members:
                backers.add(who)
        if len(backers) < charter.ballots.supporters:
            return Refusal(
                "ballot-supporters",
                f"the charter asks for {charter.ballots.supporters} supporters, the opener included; "
                f"this ballot has {len(backers)}.",
            )
        fault = check_opening(body, link.members)
        if fault is not None:
            return fault
        self.ballots[paper.id] = Ballot(
            paper.id, self._council, opener, body, paper.epoch, charter, link.members, link.tellers
        )
        return None

    def _cast(self, paper: Paper, body: CastBody, voter: Membership) -> Refusal | None:
        ballot = self.ballots.get(body.ballot)
        if ballot is None or body.ballot not in paper.deps:
            return Refusal("ballot", "the cast does not name its ballot among its deps.")
        refusal = ballot.judge_cast(body, voter, paper.deps)
        if refusal is None:
            ballot.add_cast(paper.id, body, voter, paper.author)
        return refusal

    # --- tellers ----------------------------------------------------------------------------------

    def _teller(self, ballot: Ballot, paper: Paper) -> Refusal | Decision | None:
        body, who = paper.body, paper.author
        if isinstance(body, Accept | Decline | Seen) and ballot.id not in paper.deps:
            return Refusal("ballot", "the operation does not name its ballot among its deps.")
        if isinstance(body, Accept):
            return ballot.add_accept(paper.id, who, body)
        if isinstance(body, Decline):
            return ballot.add_decline(who, body)
        if isinstance(body, Seen):
            return ballot.add_seen(who, _ids(paper.parts[body.casts]))
        if isinstance(body, CloseBody):
            return self._close(ballot, paper, body)
        if isinstance(body, Propose):
            return ballot.add_propose(paper.id, who, body, paper.deps)
        if isinstance(body, Prevote | Precommit):
            return ballot.add_vote(paper.id, who, body, paper.deps)
        assert isinstance(body, Certify)
        return self._certify(ballot, paper, body)

    def _close(self, ballot: Ballot, paper: Paper, body: CloseBody) -> Refusal | None:
        casts = _ids(paper.parts[body.casts])
        refusal = ballot.judge_close(paper.author, body, casts, paper.deps)
        if refusal is None and not self._past_holds(paper.deps, casts):
            refusal = Refusal("close-casts", "the close lists casts that are not in its past.")
        if refusal is None:
            openings = [] if body.openings is None else _openings(paper.parts[body.openings])
            ballot.add_close(paper.id, paper.author, body, casts, openings)
        return refusal

    def _certify(self, ballot: Ballot, paper: Paper, body: Certify) -> Refusal | Decision | None:
        record = paper.parts[body.record]
        round, signatures = unpack_signatures(paper.parts[body.signatures])
        if round != body.round:
            return Refusal("certify-round", "the certificate's signatures are of another round than it says.")
        refusal = ballot.judge_certificate(body, record, signatures, paper.deps)
        if refusal is not None:
            return refusal
        certified = Certified(paper.id, record, round, tuple(signatures))
        first = ballot.certified.get(body.instance)
        if first is None or paper.id < first.operation:
            ballot.certified[body.instance] = certified
        return Decision(ballot.id, ballot.epoch, digest(record), ballot.effect(certified))


def _ids(part: bytes) -> list[bytes]:
    value = decode(part, MAX_PARTS)
    if type(value) is not list or not all(type(item) is bytes and len(item) == 32 for item in value):
        raise Malformed("casts", "the part is not a list of ids.")
    if value != sorted(set(value)):
        raise Malformed("casts", "the list of ids is not sorted, each once.")
    return value


def _openings(part: bytes) -> list[Any]:
    value = decode(part, MAX_PARTS)
    if type(value) is not list:
        raise Malformed("openings", "the openings are not a list.")
    for item in value:
        if type(item) is not list or len(item) != 3 or type(item[0]) is not bytes or type(item[1]) is not bytes:
            raise Malformed("openings", "an opening is not a cast, a salt and a choice.")
    return value
