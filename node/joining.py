"""Councils that are not here yet: our requests to join, and what is to be fetched; kept over restarts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from node.refused import Refused
from node.store import Pending, Store
from protocol.council.council import Council
from protocol.errors import Malformed
from protocol.ids import OperationId
from protocol.log.operation import Operation, decode_envelope

__all__ = ["ASKING", "MOST_PENDING", "Joining", "asked_before"]

MOST_PENDING: Final = 64
ASKING: Final = ("council.request", "node.enrol")
"""What is brought to a council that is not here: a request to join, and a member's listing of this node."""
_OPEN: Final = ("waiting", "delivered")


class Joining:
    """`changed` is called after every change, which is on disk then."""

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        self._changed = changed
        self._pending: dict[bytes, Pending] = {}

    def load(self) -> None:
        """Read what is on disk."""
        self._pending = {pending.request: pending for pending in self._store.pending()}

    def pending(self) -> list[Pending]:
        """Everything that was asked for and what became of it, by id."""
        return [self._pending[request] for request in sorted(self._pending)]

    def open(self) -> list[Pending]:
        """What is still asked for, by id."""
        return [pending for pending in self.pending() if pending.state in _OPEN]

    def followed(self) -> dict[bytes, Pending]:
        """The councils that are to be fetched as soon as a node gives them to us, by id.

        Where several people of this home ask to join one council, the nodes of all their tickets.
        """
        out: dict[bytes, Pending] = {}
        for pending in self.open():
            first = out.get(pending.council)
            nodes = pending.nodes if first is None else tuple(dict.fromkeys((*first.nodes, *pending.nodes)))
            out[pending.council] = pending._replace(nodes=nodes)
        return out

    def ask(self, request: bytes, nodes: Sequence[tuple[bytes, tuple[str, ...]]]) -> Pending:
        """Keep a signed request to join; `Refused` for what is none.

        Who asks again with the same ticket, and waits for an answer still, has asked once: two
        requests would take two of the ticket's uses.
        """
        try:
            operation = decode_envelope(request).operation
        except Malformed as error:
            raise Refused(error.rule, error.message) from error
        if operation.kind not in ASKING or not operation.signed():
            raise Refused("request", "That is no signed request to join a council.")
        for pending in self.pending():
            if not pending.raw or pending.council != operation.council:
                continue
            before = decode_envelope(pending.raw).operation
            if before.kind != operation.kind or not _same_applicant(_asker(before), _asker(operation)):
                continue
            if pending.state in _OPEN and before.deps == operation.deps:
                return pending
            if pending.state == "refused":
                self.drop(pending.request)
        return self._put(Pending(operation.id, operation.council, request, tuple(nodes), "waiting", ""))

    def follow(self, council: bytes, nodes: Sequence[tuple[bytes, tuple[str, ...]]]) -> Pending:
        """Keep that a council is to be fetched without a request."""
        return self._put(Pending(council, council, b"", tuple(nodes), "waiting", ""))

    def _put(self, pending: Pending) -> Pending:
        if len(self.open()) >= MOST_PENDING and pending.request not in self._pending:
            raise Refused("pending", f"{MOST_PENDING} requests are on their way already; take one back first.")
        self._save(pending)
        return pending

    def settle(self, request: bytes, state: str, message: str) -> None:
        """Note what became of one."""
        pending = self._pending.get(request)
        if pending is not None and (pending.state, pending.message) != (state, message):
            self._save(pending._replace(state=state, message=message))

    def settle_all(self, council: Council, node: bytes) -> None:
        """Settle what a new epoch granted: a request whose membership is on the roll, a council that lists `node`."""
        for pending in self.pending():
            if pending.council != council.id:
                continue
            kind = decode_envelope(pending.raw).operation.kind if pending.raw else ""
            granted = (
                pending.request in council.head.members
                if kind == "council.request"
                else node in council.head.entitled()
            )
            if granted:
                self.settle(pending.request, "admitted", "")

    def drop(self, request: bytes) -> None:
        """Forget one."""
        self._store.drop_pending(request)
        self._pending.pop(request, None)
        self._changed()

    def _save(self, pending: Pending) -> None:
        self._store.save_pending(pending)
        self._pending[pending.request] = pending
        self._changed()


def asked_before(council: Council, request: Operation) -> OperationId | None:
    """The request that waits in the council's log, of the same applicant with the same ticket."""
    for id, (invitation, _, body) in sorted(council.pending().requests.items()):
        if (invitation,) == request.deps and _same_applicant(body.data(), request.body):
            return OperationId(id)
    return None


def _asker(operation: Operation) -> Mapping[str, Any]:
    """Who asks: by a request the person and her device, by a node's listing the device alone."""
    return operation.body if operation.kind == "council.request" else {"device": operation.author}


def _same_applicant(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(field) == other.get(field) for field in ("person", "device"))
