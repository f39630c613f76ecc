"""Planted bugs: each makes the protocol wrong in one way, which the simulator must find out."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from protocol.council import ballot_duty, ballots, certificate, charter, decision_record
from protocol.council import deed as deeds
from protocol.tellers.step import Step

from .node import Node

__all__ = ["BUGS"]

Bug = Callable[[], AbstractContextManager[Any]]


@contextmanager
def small_quorum() -> Iterator[None]:
    """One teller too few is a quorum."""
    smaller = {name: replace(p, q=p.q - 1) for name, p in charter.PROFILES.items() if p.f}
    with patch.dict(charter.PROFILES, smaller):
        yield


@contextmanager
def no_lock() -> Iterator[None]:
    """A teller that precommitted a value prevotes any other."""
    recall = Step.recall

    def careless(step: Step) -> None:
        recall(step)
        step.lock = None

    with patch.object(Step, "recall", careless):
        yield


@contextmanager
def forgetting() -> Iterator[None]:
    """A teller that starts again does not read what it said before."""
    start, recall = Node.start, Step.recall
    known: dict[bytes, set[bytes]] = {}

    def forget(node: Node) -> None:
        start(node)
        if node.seed is not None:
            known[node.key] = set(node.receipts)

    def careless(step: Step) -> None:
        forgotten = known.get(step.key, set())
        said = step.agreement.said.get(step.key, [])
        step.agreement.said[step.key] = [message for message in said if message.id not in forgotten]
        recall(step)
        step.agreement.said[step.key] = said

    with patch.object(Node, "start", forget), patch.object(Step, "recall", careless):
        yield


@contextmanager
def mixed_rounds() -> Iterator[None]:
    """A signature does not name its round, so those of several rounds look like those of one."""
    message_of = decision_record.decision_message

    def without_round(record: bytes, round: int) -> bytes:
        return message_of(record, 0)

    with (
        patch.object(ballots, "decision_message", without_round),
        patch.object(ballot_duty, "decision_message", without_round),
        patch.object(certificate, "decision_message", without_round),
    ):
        yield


@contextmanager
def just_enough() -> Iterator[None]:
    """A proposer takes exactly q closes, however many it knows."""
    best = ballot_duty._best

    def few(instance: Any) -> dict[bytes, bytes]:
        found = best(instance)
        return {teller: found[teller] for teller in sorted(found)[: instance.agreement.outlook.q]}

    with patch.object(ballot_duty, "_best", few):
        yield


@contextmanager
def always_there() -> Iterator[None]:
    """A teller says that it attended, whether it did or not."""
    init = deeds.Deed.__init__

    def boast(deed: Any, kind: str, body: dict[str, Any], *more: Any, **fields: Any) -> None:
        init(deed, kind, {**body, "attended": True} if kind == "teller.close" else body, *more, **fields)

    with patch.object(deeds.Deed, "__init__", boast):
        yield


BUGS: Final[dict[str, Bug]] = {
    "small quorum": small_quorum,
    "no lock": no_lock,
    "forgetting": forgetting,
    "mixed rounds": mixed_rounds,
    "just enough": just_enough,
    "always there": always_there,
}
