"""Invitations and the requests on them: which requests are kept."""

from collections.abc import Iterable
from typing import Any

from sortedcontainers import SortedList

from ..log.dag import Dag
from ..log.operation import Operation
from .bodies import Invite
from .standing import Standing, Standings

__all__ = ["Invitations"]


class Invitations:
    """The invitations of one council, and of each the requests in the order of their ids."""

    def __init__(self, dag: Dag, standings: Standings) -> None:
        self._dag = dag
        self._standings = standings
        self.invites: dict[bytes, Invite] = {}
        """Every invitation by a member's device, kept or not."""
        self._requests: dict[bytes, Any] = {}  # invitation -> SortedList of (request id, row)

    def add_request(self, operation: Operation, deps: list[int], epoch: int, standing: Standing) -> int:
        """Insert a request; gives its row.

        Of all requests on an invitation, as many as it has uses are kept: those with the lowest ids.
        """
        invitation = operation.deps[0]
        uses = self.invites[invitation].uses
        requests = self._requests.setdefault(invitation, SortedList())
        place = requests.bisect_left((operation.id, 0))
        root = place < uses and self._keeps_requests(invitation)
        row = self._dag.add(operation.id, operation.depth, deps, epoch, standing.number, root)
        requests.add((operation.id, row))
        if place < uses < len(requests):
            self._dag.set_root(requests[uses][1], False)
        return row

    def _keeps_requests(self, invitation: bytes) -> bool:
        """Whether requests on an invitation are kept for their own sake.

        Not on one that its author brought out only after her standing had ended: of such she
        could write as many as she likes.
        """
        row = self._dag.rows[invitation]
        until = self._standings.all[self._dag.standing[row]].until
        return until is None or self._dag.absorbed[row] <= until

    def close(self, ended: Iterable[int]) -> None:
        """Let go of the requests on invitations that no epoch took in while their authors' standings ran."""
        gone = set(ended)
        for invitation, requests in self._requests.items():
            row = self._dag.rows.get(invitation)
            if row is not None and self._dag.standing[row] in gone and not self._keeps_requests(invitation):
                for _, request in requests[: self.invites[invitation].uses]:
                    self._dag.set_root(request, False)

    def forget(self) -> None:
        """Requests that are not in the log any more are none."""
        for requests in self._requests.values():
            for entry in [entry for entry in requests if entry[0] not in self._dag]:
                requests.remove(entry)
