"""What people do to their own standing, and whether it changes anything."""

from typing import Final

from protocol.council.bodies import Absent, EnrolDevice, EnrolNode, Leave, Return, RevokeDevice, RevokeNode
from protocol.council.compose import MAX_ACTS
from protocol.council.council import Council
from protocol.log.dag import NEVER

__all__ = ["idle"]

_WHY: Final[dict[str, str]] = {
    EnrolDevice.__name__: "that device is or was enrolled in the council, or the member has as many as the charter allows",
    RevokeDevice.__name__: "that device is not enrolled",
    EnrolNode.__name__: "the member has as many nodes as the charter allows",
    RevokeNode.__name__: "that node is not on the roll",
    Absent.__name__: "the member is absent already",
    Return.__name__: "the member is not absent",
    Leave.__name__: "the membership has ended",
}


def idle(council: Council, operation: bytes) -> str | None:
    """Why an act of somebody's own changes nothing, as the log stands here; None when it does, or is no such act.

    An act that would change nothing makes no epoch, so nobody could wait for one.
    """
    fact = next((fact for fact in council.pending().acts if fact.id == operation), None)
    if fact is None or council.dag.absorbed[council.dag.rows[operation]] != NEVER:
        return None
    if council.head.forming and isinstance(fact.body, Absent | Return):
        return None
    record = council.compose()
    effects = () if record is None else record.effects
    if any(effect.get("reason") == operation for effect in effects) or len(effects) >= MAX_ACTS:
        return None
    return f"{_WHY[type(fact.body).__name__]}."
