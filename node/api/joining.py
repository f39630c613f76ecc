"""Requests to join, and councils on their way here, as the API shows them."""

from node.api.answers import JoinAnswer
from node.store import Pending
from protocol.ids import operation_text

__all__ = ["join_answer"]


def join_answer(pending: Pending) -> JoinAnswer:
    """One request, or one council that is being fetched."""
    return JoinAnswer(
        request=operation_text(pending.request),
        council=operation_text(pending.council),
        state=pending.state,
        message=pending.message,
    )
