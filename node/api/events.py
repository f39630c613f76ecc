"""What happens, told as it happens: server-sent events."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import trio
from litestar.response.sse import ServerSentEventMessage

from node.api.answers import EpochEvent, OperationEvent
from node.api.ballot_answers import BallotEvent
from node.api.ballots import line
from node.api.deeds import ballot_deed
from node.api.effects import effect_answers, motion_words
from node.api.joining import join_answer
from node.api.names import Names
from node.api.texts import text, title
from node.feed import Missed, News, Subscription
from node.service import Service
from protocol.council import outcomes
from protocol.council.bodies import (
    Amend,
    Assent,
    Comment,
    Invite,
    Move,
    Open,
    Request,
    Withdraw,
    WithdrawProposal,
    parse_body,
)
from protocol.council.council import Council
from protocol.errors import Malformed
from protocol.ids import operation_text

__all__ = ["changes", "stream"]

_PAUSE = 0.05  # seconds
_QUIET = 10.0  # seconds: then a sign of life, so that a reader notices a node that is gone


async def changes(service: Service, subscription: Subscription) -> AsyncIterator[ServerSentEventMessage]:
    """Only that something has changed, at most some twenty times a second: for who looks at the state each time."""
    with subscription:
        changed = service.changed
        yield _message("ready", {})
        while True:
            try:
                news = await _next(subscription, changed)
            except StopAsyncIteration:
                return
            changed = service.changed
            if news is None:
                yield _message("alive", {})
                continue
            yield _message("changed", {})
            # A log that comes in brings thousands of events; one look afterwards sees them all.
            await trio.sleep(_PAUSE)
            subscription.drain()


async def stream(service: Service, subscription: Subscription) -> AsyncIterator[ServerSentEventMessage]:
    """The subscription's events in order; `ready` first, `alive` in quiet spells. Ends with the node.

    `joining` tells of requests to join and their fate, which are not part of any council's log.
    """
    with subscription:
        joining = service.pending()
        changed = service.changed
        yield _message("ready", {})
        while True:
            try:
                news = await _next(subscription, changed)
            except StopAsyncIteration:
                return
            changed = service.changed
            if joining != (joining := service.pending()):
                yield _message("joining", {"joining": [join_answer(pending) for pending in joining]})
            if isinstance(news, Missed):
                yield _message("missed", {"count": news.count})
            elif isinstance(news, News):
                for message in _told(service, news):
                    yield message
            elif news is None:
                yield _message("alive", {})


async def _next(subscription: Subscription, changed: trio.Event) -> News | Missed | bool | None:
    """The next event; False when something else has changed first, None after a quiet spell."""
    came: list[News | Missed] = []
    ended: list[StopAsyncIteration] = []
    async with trio.open_nursery() as nursery:

        async def news() -> None:
            try:
                came.append(await anext(subscription))
            except StopAsyncIteration as end:
                ended.append(end)
            nursery.cancel_scope.cancel()

        async def change() -> None:
            await changed.wait()
            # What changes a council comes as news as well, and goes first.
            await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()

        nursery.cancel_scope.deadline = trio.current_time() + _QUIET
        nursery.start_soon(news)
        nursery.start_soon(change)
    if ended:
        raise ended[0]
    if came:
        return came[0]
    return False if changed.is_set() else None


def _message(name: str, data: Any) -> ServerSentEventMessage:
    return ServerSentEventMessage(event=name, data=msgspec.json.encode(data).decode())


def _told(service: Service, news: News) -> Iterator[ServerSentEventMessage]:
    council = service.council(news.council)
    id_text = operation_text(council.id)
    match news.event:
        case outcomes.Added(id, kind, without_effect):
            yield _message(
                "operation",
                OperationEvent(
                    council=id_text,
                    operation=operation_text(id),
                    kind=kind,
                    words=_words(service, council, id, kind),
                    without_effect=None if without_effect is None else without_effect.message,
                ),
            )
            if without_effect is None and (about := _ballot(service, council, id, kind)) is not None:
                yield _message("ballot", about)
        case outcomes.EpochEntered(number, digest, effects):
            names = Names(service, council)
            yield _message(
                "epoch",
                EpochEvent(
                    council=id_text,
                    number=number,
                    digest=digest.hex(),
                    effects=effect_answers(service, council, names, effects),
                ),
            )
        case outcomes.Erased(operation, indices):
            erased = {"council": id_text, "operation": operation_text(operation), "attachments": sorted(indices)}
            yield _message("erased", erased)
        case outcomes.Forgotten(operations):
            gone = [operation_text(id) for id in operations]
            yield _message("forgotten", {"council": id_text, "operations": gone})


def _ballot(service: Service, council: Council, id: bytes, kind: str) -> BallotEvent | None:
    """What is told of a ballot beside the operation: that it was opened, and once its result."""
    box, names = council.box.ballots, Names(service, council)
    if kind == "ballot.open" and id in box:
        shown = line(service, council, names, box[id])
        words = f"{shown.opener.name} opened the ballot '{shown.title or 'without a title'}'"
        return BallotEvent(council=operation_text(council.id), what="opened", words=words, ballot=shown)
    if kind == "teller.certify":
        for ballot in box.values():
            # Several tellers may bring the same certificate; it is told when the first comes.
            if list(ballot.certificates) == [id]:
                shown = line(service, council, names, ballot)
                words = f"the ballot '{shown.title or 'without a title'}': {shown.words}"
                return BallotEvent(council=operation_text(council.id), what="result", words=words, ballot=shown)
    return None


def _words(service: Service, council: Council, id: bytes, kind: str) -> str:
    """What somebody did, as a sentence without its full stop."""
    envelope = service.envelope(council.id, id)
    if envelope is None:
        return kind
    try:
        body = parse_body(envelope.operation)
    except Malformed:
        return f"an operation of kind {kind} that is not well formed"
    names = Names(service, council)
    who = names.person(council.membership_of(id), envelope.operation.author).name
    deed = None if body is None else ballot_deed(service, council, names, id, body, envelope.operation.author)
    if deed is not None:
        return deed
    talk = council.talk

    def titled(operation: bytes) -> str:
        proposal = talk.proposals.get(talk.proposal_of.get(operation, b""))
        named = None if proposal is None else title(service, council, proposal)
        return "something" if named is None else f"'{named}'"

    def motion_of(operation: bytes) -> str:
        fact = council.motions.get(operation)
        if fact is None or not isinstance(fact.body, Move):
            return "a motion"
        return f"the motion to {motion_words(service, council, names, fact.body.effect)}"

    match body:
        case Open(title=named):
            return f"{who} proposed '{text(service, council, id, named) or 'something'}'"
        case Amend(proposal=proposal):
            return f"{who} amended {titled(proposal)}"
        case WithdrawProposal(proposal):
            return f"{who} withdrew the proposal {titled(proposal)}"
        case Comment(on=on):
            what = titled(on) if on in talk.proposal_of else motion_of(on) if on in council.motions else "a comment"
            return f"{who} commented on {what}"
        case Move(effect=effect):
            return f"{who} moved to {motion_words(service, council, names, effect)}"
        case Assent(motion):
            return f"{who} assented to {motion_of(motion)}"
        case Withdraw():
            return f"{who} took back an assent"
        case Request(person=person):
            return f"{names.applicant(id, person)} asks to join"
        case Invite(uses=uses):
            return f"{who} made a ticket for {uses}"
    said = {
        "council.found": "founded the council",
        "council.uninvite": "withdrew a ticket",
        "council.epoch": "signed an epoch",
        "member.leave": "wants to leave",
        "member.absent": "says: I am away",
        "member.return": "says: I am back",
        "device.enrol": "enrols a device",
        "device.revoke": "revokes a device",
        "node.enrol": "enrols a node",
        "node.revoke": "revokes a node",
        "talk.erase": "erased own words",
        "merge": "gathered the heads of the log",
        "replacement.offer": "offers other tellers",
        "replacement.sign": "signed for other tellers",
    }
    return f"{who} {said.get(kind, 'wrote ' + kind)}"
