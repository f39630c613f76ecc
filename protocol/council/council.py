"""One council: its log, its epochs and what they mean. Pure and in memory.

`insert` is the only way in. It checks what everybody checks alike (format, signature, deps,
depth, standing; for epochs, the whole record) and then folds the operation into the state.
An operation once inserted is valid for ever; whether it has an effect is judged by the fold,
from its own causal past.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import encode
from ..errors import Malformed, Refusal
from ..ids import Digest, Membership, OperationId, digest
from ..keys import ENROLMENT, verify
from ..log.dag import Dag
from ..log.items import Items
from ..log.operation import Envelope, Operation
from .ballot_box import BallotBox
from .bodies import (
    EpochBody,
    Found,
    Invite,
    TellersChange,
    enrolment_message,
    node_proven,
    parse_body,
)
from .body import Body
from .branch import Branch, Claim, read_claim
from .charter import Charter, UnknownRules, parse_charter
from .compose import compose, compose_replacement
from .epochs import EpochState, Fact, Motion, Record, founding_state
from .fold import Fold
from .invitations import Invitations
from .motions import Count, count
from .outcomes import Added, EpochEntered, Erased, Event, Forgotten, Inserted, Known, Outcome, Refused, Rival, Waiting
from .roll import tellers_of
from .signatures import unpack_signatures
from .standing import Standing, Standings
from .talk import Talk

__all__ = ["MAX_LIMBO", "Council", "Heads"]

MAX_LIMBO = 4096
"""Operations that nobody in standing refers to; beyond this they are forgotten together."""


@dataclass(frozen=True, slots=True)
class Heads:
    """What a new operation builds on: its deps, its depth, and the epoch it will belong to."""

    deps: tuple[OperationId, ...]
    depth: int
    epoch: int


class Council:
    """The state of one council on one node.

    choices: epoch number -> digest, where a person has chosen a branch by hand; records of
    that number with another digest are rivals.
    """

    def __init__(self, operation: Operation, body: Found, charter: Charter, choices: Mapping[int, bytes]) -> None:
        self.id = operation.id
        self.founding = operation
        self.founded: Found = body
        self.choices = dict(choices)
        self.dag = Dag()
        self.standings = Standings()
        self.settled: dict[bytes, tuple[int, dict[str, Any]]] = {}
        """Reason -> (epoch, effect) for every reason that an epoch took."""
        tellers = tellers_of(body.tellers)
        self.branch = Branch(founding_state(operation.id, body, charter, operation.author, tellers))
        self.charters: list[Charter] = [charter]
        """The charter of each epoch."""
        self.fold = Fold(self.id, self.dag, self.standings, self.branch, self.charters)
        self.invitations = Invitations(self.dag, self.standings)
        founder = Membership(operation.id)
        standing = self.standings.begin(operation.author, "device", founder, 0)
        for teller in tellers:
            self.standings.begin(teller.key, "teller", None, 0)
        self.dag.add(operation.id, operation.depth, [], 0, standing.number, True)
        self.dag.absorbed[0] = 0

    @classmethod
    def found(
        cls, envelope: Envelope, *, verified: bool = False, choices: Mapping[int, bytes] | None = None
    ) -> "Council | Refusal":
        """The council that a founding operation founds, or why it founds none.

        Raises `Malformed` for a body or charter that breaks the format, `UnknownRules` for a
        charter whose rules this program lacks.
        """
        operation = envelope.operation
        if operation.kind != "council.found" or operation.deps:
            return Refusal("founding", "this is not a founding operation.")
        if not verified and not operation.signed():
            return Refusal("signature", "the founding operation is not signed by its author.")
        body = parse_body(operation)
        assert isinstance(body, Found)
        charter = parse_charter(body.charter)
        profile = charter.profile()
        keys = {teller.key for teller in body.tellers}
        if len(body.tellers) != profile.n or len(keys) != profile.n or operation.author in keys:
            return Refusal("founding-tellers", "the founding operation's tellers do not fit the charter's profile.")
        if not all(teller.proven(body.nonce) for teller in body.tellers):
            return Refusal("founding-tellers", "a teller did not prove that it holds its key.")
        message = enrolment_message(body.nonce, body.person, operation.author)
        if not verify(body.person, ENROLMENT, message, body.grant):
            return Refusal("founding-grant", "the founder's device is not enrolled by the founder's key.")
        if not node_proven(body.nonce, body.node, body.node_possession):
            return Refusal("founding-node", "the founder's node did not prove that it holds its key.")
        return cls(operation, body, charter, choices or {})

    # --- what it is now ---------------------------------------------------------------------

    @property
    def head(self) -> EpochState:
        """What the council is: the state of its latest epoch."""
        return self.branch.head

    @property
    def charter(self) -> Charter:
        """The charter in force."""
        return self.head.charter

    @property
    def items(self) -> Items:
        """The kept set as `(depth, id)`, for reconciliation."""
        return self.dag.items

    def __len__(self) -> int:
        return len(self.dag)

    def __contains__(self, operation: bytes) -> bool:
        return operation in self.dag

    def heads(self) -> list[OperationId]:
        """The kept operations that nothing kept refers to."""
        return self.dag.heads()

    def draft(self, needs: Sequence[bytes] = ()) -> Heads | Refusal:
        """Deps, depth and epoch for a new operation whose body names `needs`."""
        for need in needs:
            if need not in self.dag:
                return Refusal("unknown-operation", "the council's log has no such operation here.")
        deps = self._deps(needs)
        rows = [self.dag.rows[dep] for dep in deps]
        depth = 1 + max(self.dag.depth[row] for row in rows)
        return Heads(deps, depth, max(self.dag.epoch[row] for row in rows))

    def entitled(self, node: bytes) -> bool:
        """Whether a node may read this log now."""
        return self.charter.visibility == "public" or node in self.head.entitled()

    @property
    def talk(self) -> Talk:
        """What was said."""
        return self.fold.talk

    @property
    def box(self) -> BallotBox:
        """The ballots."""
        return self.fold.box

    @property
    def motions(self) -> Mapping[bytes, Fact]:
        """Every motion in the kept set, decided or not."""
        return self.fold.motions

    @property
    def without_effect(self) -> Mapping[bytes, Refusal]:
        """Operations that are in the log without effect, and why."""
        return self.fold.without_effect

    def pending(self) -> EpochState:
        """The head with every governing operation in the kept set taken in: what stands to be decided."""
        return self.fold.pending()

    def membership_of(self, operation: bytes) -> Membership | None:
        """Whose words an operation is, as its own past says; None for tellers and applicants."""
        return self.fold.membership_of(operation)

    def erased(self, operation: bytes) -> frozenset[int]:
        """The attachments of an operation that are erased: by the council, or by their author unless pinned."""
        return self.fold.erased(operation)

    def count(self, motion: Motion) -> Count:
        """How a pending motion stands on the present roll."""
        return count(self.head, motion)

    def data(self) -> dict[str, Any]:
        """The fold's state as plain data: equal on every node that keeps the same operations."""
        head, pending = self.head, self.pending()
        return {
            "version": 1,
            "council": self.id,
            "epoch": [head.number, head.digest],
            "roll": head.roll_digest(),
            "charter": head.charter.digest(),
            "tellers": head.tellers_digest(),
            "adopted": [[p, a.version, a.epoch] for p, a in sorted(head.adopted.items())],
            "offices": [[name, list(holders)] for name, holders in sorted(head.offices.items())],
            "erased": [list(pair) for pair in sorted(head.erased)],
            "motions": [[m.id, sorted(m.assents), sorted(m.withdrawn)] for _, m in sorted(pending.motions.items())],
            "invitations": [[i, v.used, v.withdrawn] for i, v in sorted(pending.invitations.items())],
            "requests": sorted(pending.requests),
            "acts": sorted([fact.id for fact in pending.acts]),
            "withdrawn": sorted(pending.withdrawn),
            "talk": self.talk.data(),
            "ballots": self.box.data(),
            **self._federation(head, pending),
        }

    @staticmethod
    def _federation(head: EpochState, pending: EpochState) -> dict[str, Any]:
        """What concerns other councils; left out where there is none, as in most."""
        carried = [[seat, sorted(pool.links)] for seat, pool in sorted(pending.carried.items()) if pool.links]
        told: dict[str, list[Any]] = {
            "parents": sorted(head.parents),
            "mandates": [
                [parent, [list(pair) for pair in mandate.delegates], mandate.since, mandate.until]
                for parent, mandate in sorted(head.mandates.items())
            ],
            "seats": [[seat, link.number, link.digest] for seat, link in sorted(head.seats.items())],
            "believed": [[seat, epoch] for seat, epoch in sorted(head.believed.items())],
            "carried": carried,
        }
        return {name: value for name, value in told.items() if value}

    def digest(self) -> Digest:
        """SHA-256 of the canonical fold state."""
        return digest(encode(self.data()))

    # --- what a teller would do -----------------------------------------------------------------

    def compose(self, basis: Sequence[bytes] | None = None) -> Record | None:
        """The record that follows from `basis` (default: the heads), or None while nothing is due."""
        named = self._deps() if basis is None else basis
        return compose(self.head, self.fold.absorbed(named), named)

    def compose_replacement(self, effect: TellersChange) -> Record | Refusal:
        """The record by which the members replace the tellers without them, to be signed by two thirds."""
        return compose_replacement(self.head, effect, self._deps())

    def _deps(self, needs: Sequence[bytes] = ()) -> tuple[OperationId, ...]:
        """Deps for a new operation; whatever the heads are, it is one of the present epoch."""
        return self.dag.choose_deps(needs, self.branch.links[-1].operation)

    # --- the way in -----------------------------------------------------------------------------

    def insert(self, envelope: Envelope, *, verified: bool = False) -> Outcome:
        """Take in one operation. verified: its signature was checked already."""
        operation = envelope.operation
        dag = self.dag
        if operation.id in dag.rows:
            return Known()
        if operation.council != self.id:
            return Refused(Refusal("council", "the operation belongs to another council."))
        missing = dag.missing(operation)
        if missing:
            return Waiting(missing)
        if not verified and not operation.signed():
            return Refused(Refusal("signature", "the operation is not signed by its author."))
        placed = dag.place(operation)
        if isinstance(placed, Refusal):
            return Refused(placed)
        deps, epoch = placed
        standing = self._standing(operation, epoch)
        if isinstance(standing, Refusal):
            return Refused(standing)
        try:
            body = parse_body(operation)
        except Malformed as error:
            if operation.kind == "council.epoch":
                return Refused(Refusal(error.rule, error.message))
            return self._enter(envelope, deps, epoch, standing, None, Refusal(error.rule, error.message))
        if isinstance(body, EpochBody):
            return self._insert_epoch(envelope, body, deps, epoch, standing)
        return self._enter(envelope, deps, epoch, standing, body, None)

    def _standing(self, operation: Operation, epoch: int) -> Standing | Refusal:
        """The author's standing at `epoch`, or why there is none."""
        if operation.kind == "council.request":
            invite = self.invitations.invites.get(operation.deps[0])
            if len(operation.deps) != 1 or invite is None or invite.key != operation.author:
                return Refusal("standing", "the request is not signed with the key of an invitation.")
            return self.standings.invitation(operation.author, epoch)
        standing = self.standings.at(operation.author, epoch)
        if standing is None and operation.kind in ("seat.carry", "seat.tell"):
            standing = self.standings.carrier(operation.author, epoch)
        if standing is None:
            return Refusal(
                "standing", f"the author had no standing in epoch {epoch}: not a member's device, nor a teller."
            )
        return standing

    def _enter(
        self,
        envelope: Envelope,
        deps: list[int],
        epoch: int,
        standing: Standing,
        body: Body | None,
        refusal: Refusal | None,
    ) -> Inserted:
        operation = envelope.operation
        row = self._add(operation, deps, epoch, standing)
        self.fold.settle()
        if isinstance(body, Invite) and standing.membership is not None:
            # Whether a request on it is valid may not depend on whether the invitation is kept.
            self.invitations.invites[operation.id] = body
        if body is not None:
            refusal = self.fold.enter(row, envelope, epoch, standing, body)
        elif refusal is not None:
            self.fold.without_effect[operation.id] = refusal
        return self._inserted(row, Added(operation.id, operation.kind, refusal))

    def _add(self, operation: Operation, deps: list[int], epoch: int, standing: Standing) -> int:
        if standing.role == "invitation":
            return self.invitations.add_request(operation, deps, epoch, standing)
        return self.dag.add(operation.id, operation.depth, deps, epoch, standing.number, standing.until is None)

    def _inserted(self, row: int, *events: Event) -> Inserted:
        """The outcome, with what else it brought about."""
        dag, news = self.dag, self.fold.news
        if news or len(dag.limbo) > MAX_LIMBO:
            events = (*events, *news, *self._trim())
            news.clear()
        return Inserted(row, dag.epoch[row], dag.is_kept(row), events)

    def _trim(self) -> list[Event]:
        """Forget limbo when it is full."""
        if len(self.dag.limbo) <= MAX_LIMBO:
            return []
        gone = self.dag.forget()
        self.fold.forget(gone)
        self.invitations.forget()
        return [Forgotten(tuple(gone))]

    # --- epochs ---------------------------------------------------------------------------------

    def _insert_epoch(
        self, envelope: Envelope, body: EpochBody, deps: list[int], epoch: int, standing: Standing
    ) -> Outcome:
        operation = envelope.operation
        contents = envelope.contents
        try:
            record, seals = contents[body.record], contents[body.signatures]
            if record is None or seals is None:
                return Refused(Refusal("epoch-parts", "the epoch came without its record or its signatures."))
            claim = read_claim(body.number, record.data, *unpack_signatures(seals.data))
        except Malformed as error:
            return Refused(Refusal(error.rule, error.message))
        links = self.branch.links
        # Nothing but the basis: who once wrote may carry a record, but bring in nothing beside it.
        if claim.basis != operation.deps:
            return Refused(Refusal("epoch-basis", "the epoch's operation does not build on exactly its basis."))
        if claim.number < len(links) and links[claim.number].digest == claim.digest:
            if not self.branch.signed(claim):
                return Refused(_UNSIGNED)
            return self._enter_copy(operation, claim, deps, max(epoch, claim.number), standing)
        chosen = self.choices.get(claim.number)
        if claim.number < len(links) or (chosen is not None and chosen != claim.digest):
            if not self.branch.signed(claim):
                return Refused(_UNSIGNED)
            ours = chosen if chosen is not None else links[claim.number].digest
            return Rival(claim.number, claim.digest, Digest(ours))
        if claim.previous != self.head.digest or claim.number != self.head.number + 1:
            return Refused(Refusal("epoch-previous", "the epoch does not follow the one before it."))
        if max(self.dag.epoch[self.dag.rows[named]] for named in claim.basis) != self.head.number:
            return Refused(Refusal("epoch-basis", "the epoch's basis does not hold the epoch before it."))
        if not self.branch.signed(claim):
            return Refused(_UNSIGNED)
        return self._enter_epoch(operation, claim, deps, standing)

    def _enter_copy(
        self, operation: Operation, claim: Claim, deps: list[int], epoch: int, standing: Standing
    ) -> Inserted:
        """One more operation that carries the record of an epoch held here.

        The one with the lowest id is kept for the epoch's sake, others only for their authors'.
        """
        dag = self.dag
        row = dag.add(operation.id, operation.depth, deps, epoch, standing.number, standing.until is None)
        held = self.branch.links[claim.number].operation
        if operation.id < held:
            dag.set_root(row, True)
            self.branch.carried(claim.number, operation.id)
            before = dag.rows[held]
            dag.set_root(before, self.standings.all[dag.standing[before]].until is None)
        self.fold.settle()
        return self._inserted(row, Added(operation.id, operation.kind, None))

    def _enter_epoch(self, operation: Operation, claim: Claim, deps: list[int], standing: Standing) -> Outcome:
        # Inserted before it is judged, and taken back if it is wrong: its basis may bring back
        # what was in limbo here, and that belongs to what it is judged by.
        row = self.dag.add(operation.id, operation.depth, deps, claim.number, standing.number, True)
        self.fold.settle()
        outcome = self._follows(claim)
        if not isinstance(outcome, Record):
            self.dag.undo(row)
            self.fold.settle()
            self.fold.news.clear()
            return outcome
        before = self.head
        replacement = self.branch.replacement(claim) is not None
        taken = [] if replacement else self.dag.gather(claim.basis)
        for absorbed in taken:
            self.dag.absorbed[absorbed] = claim.number
        self.branch.enter(outcome, operation.id)
        self.fold.entered(taken)
        self.charters.append(outcome.state.charter)
        for effect in outcome.effects:
            if "reason" in effect:
                self.settled[effect["reason"]] = (claim.number, effect)
        ended = self._change_standings(before, outcome.state)
        self.dag.end(ended, [self.dag.rows[link.operation] for link in self.branch.links])
        self.invitations.close(ended)
        self.fold.settle()
        events: list[Event] = [
            Added(operation.id, operation.kind, None),
            EpochEntered(claim.number, claim.digest, outcome.effects),
        ]
        for target, index in sorted(outcome.state.erased - before.erased):
            events.append(Erased(target, frozenset({index})))
        for effect in outcome.effects:
            if effect["kind"] == "adopt" and effect["replaces"] is not None:
                self.fold.erase(effect["replaces"])  # no longer pinned
        return self._inserted(row, *events)

    def follows(self, record: bytes) -> Record | None:
        """The record itself, if it is exactly what follows the head from its basis; None otherwise."""
        try:
            claim = self.read_record(record)
        except Malformed:
            return None
        # As strict as an insertion: what tellers agree on must be able to enter.
        rows = [self.dag.rows.get(named) for named in claim.basis]
        held = [row for row in rows if row is not None and self.dag.is_kept(row)]
        if len(set(held)) != len(claim.basis) or max(self.dag.epoch[row] for row in held) != self.head.number:
            return None
        outcome = self._follows(claim)
        return outcome if isinstance(outcome, Record) and outcome.previous == self.head.digest else None

    def read_record(self, record: bytes) -> Claim:
        """What a proposed record says; `Malformed` when it is not one that could follow the head."""
        return read_claim(self.head.number + 1, record, 0, [])

    def _follows(self, claim: Claim) -> Record | Waiting | Refused:
        """The record that the claim's basis makes here, if it is the claim's own to the byte."""
        record: Record | Refusal | None = self.branch.replacement(claim)
        if record is None:
            try:
                record = compose(self.head, self.fold.absorbed(claim.basis), claim.basis)
            except UnknownRules as error:
                return Waiting((), str(error))
        if isinstance(record, Refusal):
            return Refused(record)
        if record is None or record.data != claim.data:
            return Refused(
                Refusal("epoch-reasons", "the epoch's effects are not exactly those that its basis gives reasons for.")
            )
        return record

    def _change_standings(self, before: EpochState, after: EpochState) -> list[int]:
        """Begin and end standings as the roll and the tellers changed; gives the numbers of the ended."""
        number = after.number
        old = {device: m for m, member in before.members.items() for device in member.devices}
        new = {device: m for m, member in after.members.items() for device in member.devices}
        ended = [self.standings.end(device, "device", number) for device in sorted(old.keys() - new.keys())]
        for device in sorted(new.keys() - old.keys()):
            self.standings.begin(device, "device", new[device], number)
        old_tellers, new_tellers = before.serving(), after.serving()
        ended += [self.standings.end(key, "teller", number) for key in sorted(old_tellers - new_tellers)]
        for key in sorted(new_tellers - old_tellers):
            self.standings.begin(key, "teller", None, number)
        ended += [self.standings.end(key, "carrier", number) for key in sorted(before.carriers() - after.carriers())]
        for key in sorted(after.carriers() - before.carriers()):
            self.standings.begin(key, "carrier", None, number)
        return ended


_UNSIGNED = Refusal("epoch-signatures", "the epoch is not signed by a quorum of the tellers, nor by the members.")
