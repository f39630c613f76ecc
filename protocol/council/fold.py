"""The fold: what the kept operations of a council mean, each judged from its own causal past.

An operation is judged when it is first kept. What goes to limbo is taken out again, and taken
in anew should somebody in standing refer to it: the state is a function of the kept set.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ..errors import Refusal
from ..federation.instruction import check_instruction
from ..ids import Membership, OperationId
from ..log.dag import Dag
from ..log.operation import Envelope, Operation
from .ballot_bodies import BALLOTING
from .ballot_box import BallotBox, Clerk, Paper
from .bodies import (
    Admit,
    Adopt,
    Assent,
    Comment,
    Effect,
    Erase,
    Erasure,
    Found,
    Merge,
    Move,
    Office,
    ReplacementSign,
    Request,
    Uninvite,
    Withdraw,
    WithdrawProposal,
)
from .body import Body
from .branch import Branch
from .charter import Charter
from .epochs import GOVERNING, Acceptance, Decision, EpochState, Fact, absorb
from .outcomes import Erased, Event
from .seat_bodies import Apply, Carry, Instruct, SeatChild
from .seats import Carried, CarriedPaper, SeatBook
from .standing import Standing, Standings
from .talk import Talk

__all__ = ["Fold"]

_NAMES: Final[dict[type, str]] = {
    Assent: "motion",
    Withdraw: "assent",
    Uninvite: "invitation",
    ReplacementSign: "offer",
}


@dataclass(frozen=True, slots=True)
class _Held:
    """An operation in limbo: what the fold needs to take it in, should somebody in standing refer to it."""

    fact: Fact
    depth: int
    deps: tuple[bytes, ...] | None
    """None: it was judged before, and had an effect."""
    parts: Mapping[int, bytes] = field(default_factory=dict)


class Fold:
    """The fold of one council's log. charters: the charter of each epoch, a live list."""

    def __init__(
        self, council: bytes, dag: Dag, standings: Standings, branch: Branch, charters: Sequence[Charter]
    ) -> None:
        self._dag = dag
        self._standings = standings
        self._branch = branch
        self.talk = Talk()
        self.without_effect: dict[bytes, Refusal] = {}
        self.motions: dict[bytes, Fact] = {}
        """Every motion in the kept set, decided or not."""
        clerk = Clerk(
            lambda number: branch.links[number],
            lambda number: charters[number],
            self.talk.proposal_of.get,
            self._past_holds,
            self._judge_effect,
        )
        self.box = BallotBox(council, clerk)
        self.seats = SeatBook(lambda number: branch.links[number].seats)
        self.news: list[Event] = []
        """What came of an insertion beside what it adds; whoever tells it clears it."""
        self._fresh: dict[int, Fact] = {}  # governing, kept, in no epoch's past yet
        self._limbo: dict[int, _Held] = {}
        self._papers: dict[int, _Held] = {}  # what was said about ballots and seats, as long as it may go to limbo
        self._pending: EpochState | None = None

    def pending(self) -> EpochState:
        """The head with every governing operation in the kept set taken in: what stands to be decided."""
        if self._pending is None:
            rows = sorted(self._fresh, key=lambda row: (self._dag.depth[row], self._dag.ids[row]))
            self._pending = absorb(self._branch.head, [self._fresh[row] for row in rows])
        return self._pending

    def absorbed(self, basis: Iterable[bytes]) -> EpochState:
        """The head with what no epoch has taken in of past(basis) taken in."""
        rows = self._dag.gather(basis)
        return absorb(self._branch.head, [self._fresh[row] for row in rows if row in self._fresh])

    def entered(self, rows: Iterable[int]) -> None:
        """The head is another now, and has taken in these rows."""
        for row in rows:
            self._fresh.pop(row, None)
            self._papers.pop(row, None)
        self._pending = None

    def membership_of(self, operation: bytes) -> Membership | None:
        """Whose words an operation is, as its own past says; None for tellers and applicants."""
        row = self._dag.rows.get(operation)
        if row is None:
            return None
        standing = self._standings.all[self._dag.standing[row]]
        # A request becomes the words of the member whom it made.
        return Membership(operation) if standing.role == "invitation" else standing.membership

    def erased(self, operation: bytes) -> frozenset[int]:
        """The attachments of an operation that are erased: by the council, or by their author unless pinned."""
        own = frozenset[int]() if self._pinned(operation) else frozenset(self.talk.erased(operation))
        return own | {index for target, index in self._branch.head.erased if target == operation}

    def _pinned(self, operation: bytes) -> bool:
        proposal = self.talk.proposal_of.get(operation)
        adopted = None if proposal is None else self._branch.head.adopted.get(proposal)
        return adopted is not None and adopted.version == operation

    def _past_holds(self, deps: Sequence[bytes], wanted: Sequence[bytes]) -> bool:
        rows = self._dag.rows
        return self._dag.past_holds([rows[dep] for dep in deps], [rows[id] for id in wanted])

    def enter(self, row: int, envelope: Envelope, epoch: int, standing: Standing, body: Body) -> Refusal | None:
        """Take in a new operation, or hold it in limbo; why it has no effect, as far as that is known."""
        operation = envelope.operation
        if type(body) is Comment and standing.membership is not None and self._dag.is_kept(row):
            # As `_take_in` would, without what it needs for everything else: most of what is said comes this way.
            return self._remark(operation, standing.membership, body)
        parts = {place: c.data for place, c in enumerate(envelope.contents) if c is not None and not c.salt}
        subject: Membership | None = None
        if isinstance(body, Erasure):
            subject = self.membership_of(body.operation)
        elif isinstance(body, WithdrawProposal):
            subject = self.membership_of(body.proposal)
        elif isinstance(body, Request) and body.proven(operation.deps[0]):
            subject = Membership(operation.deps[0])
        fact = Fact(operation.id, epoch, operation.time, operation.author, standing.membership, body, subject)
        held = _Held(fact, operation.depth, operation.deps, parts)
        if self._dag.is_kept(row):
            return self._take_in(row, held)
        self._limbo[row] = held
        return None

    def _remark(self, operation: Operation, author: Membership, body: Comment) -> Refusal | None:
        refusal = self.talk.judge(body, operation.deps, author, None)
        if refusal is None:
            self.talk.add(operation.id, operation.depth, operation.time, author, body)
        else:
            self.without_effect[operation.id] = refusal
        return refusal

    def _judge(self, fact: Fact, deps: tuple[bytes, ...]) -> Refusal | None:
        """Why the operation has no effect, from its own causal past; None when it may have one."""
        body = fact.body
        if isinstance(body, Request):
            if fact.subject is None:
                return Refusal("request-proof", "the applicant's keys did not all sign the request.")
            return None
        if isinstance(body, Merge):
            return None
        if isinstance(body, Found):
            return Refusal("founding", "a council is founded once; this one has been.")
        if fact.membership is None:
            return Refusal("voice", "a teller's key has no voice in what members say and decide.")
        named = _NAMES.get(type(body))
        if named is not None and getattr(body, named) not in deps:
            return Refusal("deps", "what the operation names is not among its deps.")
        if isinstance(body, Move):
            return self._judge_effect(body.effect, deps)
        if isinstance(body, Assent) and body.motion not in self.motions:
            return Refusal("assent", "what it assents to is not a motion.")
        return self.talk.judge(body, deps, fact.membership, fact.subject)

    def _judge_effect(self, effect: Effect, deps: tuple[bytes, ...]) -> Refusal | None:
        if isinstance(effect, Admit) and (effect.request not in deps or not self._is_request(effect.request)):
            return Refusal("motion-request", "the motion would admit somebody who did not ask.")
        if isinstance(effect, Erase) and effect.operation not in deps:
            return Refusal("motion-erase", "the motion would erase what is not in its past.")
        if isinstance(effect, Adopt) and (
            effect.version not in deps or self.talk.proposal_of.get(effect.version) != effect.proposal
        ):
            return Refusal("motion-version", "the motion would adopt a version that is not one of that proposal's.")
        if isinstance(effect, Office) and (
            len(set(effect.members)) != len(effect.members) or not effect.office.strip()
        ):
            return Refusal("motion-office", "the office has no name, or somebody would hold it twice.")
        if isinstance(effect, Instruct):
            return check_instruction(effect.split, effect.allowed)
        if isinstance(effect, SeatChild) and (
            effect.application not in deps or not self.seats.is_application(effect.application)
        ):
            return Refusal("motion-seat", "the motion would give a seat to a council that did not ask.")
        return None

    def _is_request(self, operation: bytes) -> bool:
        return self._standings.all[self._dag.standing[self._dag.rows[operation]]].role == "invitation"

    def _take_in(self, row: int, held: _Held) -> Refusal | None:
        """Fold a kept operation into the state, or note why it has no effect."""
        fact = held.fact
        if held.deps is not None:
            if isinstance(fact.body, BALLOTING):
                answer = self.box.take_in(
                    Paper(fact.id, fact.epoch, fact.author, fact.membership, fact.body, held.deps, held.parts)
                )
                refusal = answer if isinstance(answer, Refusal) else None
                if refusal is None:
                    self._papers[row] = held
                if isinstance(answer, Decision | Acceptance):
                    fact = replace(fact, body=answer)
            elif isinstance(fact.body, Apply | Carry):
                carried = self.seats.take_in(
                    CarriedPaper(fact.id, fact.epoch, fact.membership, fact.body, held.deps, held.parts)
                )
                refusal = carried if isinstance(carried, Refusal) else None
                if isinstance(carried, Carried):
                    self._papers[row] = held
                    fact = replace(fact, body=carried)
            else:
                refusal = self._judge(fact, held.deps)
            if refusal is not None:
                self.without_effect[fact.id] = refusal
                return refusal
        if isinstance(fact.body, GOVERNING):
            self._fresh[row] = fact
            self._pending = None
            if isinstance(fact.body, Move):
                self.motions[fact.id] = fact
            else:
                self.box.note(fact.id, fact.body)
        if fact.membership is not None:
            self.talk.add(fact.id, held.depth, fact.time, fact.membership, fact.body)
        if isinstance(fact.body, Erasure):
            self.erase(fact.body.operation)
        return None

    def erase(self, operation: bytes) -> None:
        """Tell which attachments of an operation are erased by their author, now that it may have changed."""
        indices = self.erased(operation)
        if indices:
            self.news.append(Erased(operation, indices))

    def _take_out(self, row: int) -> None:
        """The opposite of `_take_in`, for what is not kept any more. What an epoch absorbed stays kept."""
        operation, dag = self._dag.ids[row], self._dag
        fact = self._fresh.pop(row, None)
        self._pending = None
        self.motions.pop(operation, None)
        self.box.discard(operation)
        self.seats.discard(operation)
        if row in self._papers:
            self._limbo[row] = self._papers.pop(row)
            return
        said = self.talk.take(operation, None if fact is None else fact.body)
        if fact is None and said is not None:
            author = self._standings.all[dag.standing[row]]
            fact = Fact(operation, dag.epoch[row], said[1], author.key, said[2], said[3])
        if fact is not None:
            self._limbo[row] = _Held(fact, dag.depth[row], None)

    def settle(self) -> None:
        """Fold what came back from limbo, unfold what went there."""
        dag = self._dag
        if not dag.changed:
            return
        rows = sorted(dag.changed, key=lambda row: (dag.depth[row], dag.ids[row]))
        dag.changed.clear()
        for row in rows:
            if dag.is_kept(row):
                held = self._limbo.pop(row, None)
                if held is not None:
                    self._take_in(row, held)
        for row in reversed(rows):
            if not dag.is_kept(row) and row not in self._limbo:
                self._take_out(row)

    def forget(self, operations: Iterable[OperationId]) -> None:
        """Limbo was emptied: these are gone."""
        self._limbo.clear()
        for operation in operations:
            self.without_effect.pop(operation, None)
