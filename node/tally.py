"""Counting what came in, for whoever watches the node."""

from collections import Counter
from collections.abc import Sequence

from node.service import Arrival
from node.store import Pending

__all__ = ["Tally"]


class Tally:
    """Counts since the node started."""

    def __init__(self) -> None:
        self.saved_from: Counter[str] = Counter()
        """Operations saved: from `here`, or from a `peer`."""
        self.lacked = 0
        """How often something came whose deps, or whose attachments, were not here."""

    def saved(self, arrivals: Sequence[Arrival]) -> None:
        """These operations are new here."""
        for arrival in arrivals:
            self.saved_from["here" if arrival.source is None else "peer"] += 1

    def lacking(self, _council: bytes, _source: bytes | None) -> None:
        """Something came whose deps are not here."""
        self.lacked += 1

    def following(self, _pending: Pending) -> None:
        """A council is to be fetched: nothing to count."""
