"""One conversation between two nodes: the questions and answers of /folkmoot/sync/1 without its streams.

The asking side is a generator of what it does next, the other side answers one question at a
time. Frames, comparison and the order of things are those of real nodes.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.frames import (
    BATCH,
    MAX_FRAME,
    MAX_IDS,
    All,
    Bring,
    Compare,
    End,
    Frame,
    Hello,
    No,
    Operations,
    Taken,
    Want,
)
from protocol.council.council import Council
from protocol.log.items import Items, key_item
from protocol.log.reconcile import Reconciliation

if TYPE_CHECKING:
    from .node import Node

__all__ = ["Answering", "Ask", "Report", "Save", "asking"]

_COMPARISON: Final = 256 * 1024
_EPOCHS: Final = 64
_CLOSED: Final = No("closed", "This node does not speak with you about that council.")


@dataclass(frozen=True, slots=True)
class Ask:
    """Say these frames and wait for the answer."""

    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Save:
    """Take these envelopes in, and wait until they are on disk."""

    envelopes: tuple[bytes, ...]


@dataclass(slots=True)
class Report:
    """How a conversation went. rounds: comparisons; got, gave: operations; complete: both hold the same now."""

    rounds: int = 0
    got: int = 0
    gave: int = 0
    complete: bool = False


Asking = Generator[Ask | Save, tuple[Frame, ...], None]


def hello(council: bytes, here: Council | None) -> Hello:
    """Who I am in this council."""
    if here is None:
        return Hello(council, 0, 0, ())
    links = here.branch.links
    first = max(0, len(links) - _EPOCHS)
    return Hello(council, len(here), first, tuple([bytes(link.digest) for link in links[first:]]))


def asking(node: "Node", peer: bytes, report: Report) -> Asking:
    """Compare, fetch, give, in this order."""
    theirs = yield from _greet(node, peer)
    if theirs is None:
        return
    here = node.council
    if here is None:
        if theirs.operations:
            yield from _fetch(node, peer, All(0, b""), report)
    elif not theirs.operations:
        yield from _give(node, peer, [id for _, id in here.items], report)
    else:
        have, need = yield from _compare(node, peer, here, report)
        for begin in range(0, len(need), MAX_IDS):
            yield from _fetch(node, peer, Want(tuple(need[begin : begin + MAX_IDS])), report)
        yield from _give(node, peer, have, report)
    report.complete = node.may(peer)


def _greet(node: "Node", peer: bytes) -> Generator[Ask | Save, tuple[Frame, ...], Hello | None]:
    while node.may(peer):
        answers = yield Ask((hello(node.id, node.council),))
        match answers:
            case (Hello() as theirs,):
                return theirs
            case (Bring(after),):
                yield Ask((*_batches(node, _since(node, after)), End()))
            case _:
                return None
    return None


def _since(node: "Node", after: int) -> list[bytes]:
    """What lies between an epoch of ours and our latest."""
    assert node.council is not None
    dag, links = node.council.dag, node.council.branch.links
    pasts: list[set[int]] = []
    for link in (links[after], links[-1]):
        seen = {dag.rows[link.operation]}
        todo = list(seen)
        while todo:
            for dep in dag.deps(todo.pop()):
                if dep not in seen:
                    seen.add(dep)
                    todo.append(dep)
        pasts.append(seen)
    rows = sorted(pasts[1] - pasts[0], key=lambda row: (dag.depth[row], dag.ids[row]))
    return [dag.ids[row] for row in rows]


def _compare(
    node: "Node", peer: bytes, here: Council, report: Report
) -> Generator[Ask | Save, tuple[Frame, ...], tuple[list[bytes], list[bytes]]]:
    reconciliation = Reconciliation(here.items.snapshot(), True, _COMPARISON, MAX_FRAME)
    message: bytes | None = reconciliation.initiate()
    have: dict[bytes, None] = {}
    need: dict[bytes, None] = {}
    while message is not None and node.may(peer):
        report.rounds += 1
        answers = yield Ask((Compare(message),))
        match answers:
            case (Compare(answer),):
                found = reconciliation.receive(answer)
                have.update(dict.fromkeys(found.have))
                need.update(dict.fromkeys(found.need))
                message = found.reply
            case _:
                return [], []
    return list(have), list(need)


def _fetch(node: "Node", peer: bytes, question: Want | All, report: Report) -> Asking:
    if node.may(peer):
        for frame in (yield Ask((question,))):
            if isinstance(frame, Operations):
                report.got += len(frame.envelopes)
                yield Save(frame.envelopes)


def _give(node: "Node", peer: bytes, operations: list[bytes], report: Report) -> Asking:
    for batch in _batches(node, sendable(node, operations)):
        if node.may(peer):
            report.gave += len(batch.envelopes)
            yield Ask((batch,))


def sendable(node: "Node", operations: list[bytes] | tuple[bytes, ...]) -> list[bytes]:
    """Of these ids the ones that are kept here, in `(depth, id)` order."""
    if node.council is None:
        return []
    dag = node.council.dag
    rows = [row for row in map(dag.rows.get, operations) if row is not None and dag.is_kept(row)]
    rows.sort(key=lambda row: (dag.depth[row], dag.ids[row]))
    return [dag.ids[row] for row in rows]


def _batches(node: "Node", operations: list[bytes]) -> Iterator[Operations]:
    batch: list[bytes] = []
    size = 0
    for operation in operations:
        envelope = node.envelopes[operation]
        batch.append(envelope)
        size += len(envelope)
        if size >= BATCH:
            yield Operations(tuple(batch))
            batch, size = [], 0
    if batch:
        yield Operations(tuple(batch))


class Answering:
    """The side that was asked. `answer` calls back with the answer, at once or when what came is on disk."""

    def __init__(self, node: "Node", peer: bytes) -> None:
        self._node, self._peer = node, peer
        self._reconciliation = Reconciliation(Items(), False)

    def answer(self, frames: tuple[Frame, ...], reply: Callable[[tuple[Frame, ...]], None]) -> None:
        """Answer what was said in one go."""
        node = self._node
        brought = [e for frame in frames if isinstance(frame, Operations) for e in frame.envelopes]
        match frames:
            case (Hello(),) if node.may(self._peer):
                here = node.council
                items = Items() if here is None else here.items.snapshot()
                self._reconciliation = Reconciliation(items, False, _COMPARISON, MAX_FRAME)
                reply((hello(node.id, here),))
            case (Hello() as theirs,):
                after = self._behind(theirs)
                reply((_CLOSED if after is None else Bring(after),))
            case (*_, End()):
                node.take(brought, self._peer, lambda: reply(()))
            case _ if not node.may(self._peer):
                reply((_CLOSED,))
            case (Compare(message),):
                answer = self._reconciliation.receive(message).reply
                assert answer is not None
                reply((Compare(answer),))
            case (Want(ids),):
                reply((*_batches(node, sendable(node, ids)), End()))
            case (All(depth, id),):
                assert node.council is not None
                bound = depth.to_bytes(8, "big") + id
                everything = [key_item(key)[1] for key in node.council.items.iter_from(bound)]
                reply((*_batches(node, everything), End()))
            case (Operations(envelopes),):
                node.take(envelopes, self._peer, lambda: reply((Taken(len(envelopes)),)))
            case _:
                raise AssertionError(frames)

    def _behind(self, theirs: Hello) -> int | None:
        """The number of our latest epoch, if the other side shows that it is on our chain and ahead."""
        here = self._node.council
        if here is None:
            return None
        at = here.head.number - theirs.first
        if 0 <= at < len(theirs.epochs) - 1 and theirs.epochs[at] == here.head.digest:
            return here.head.number
        return None
