"""Single operations as the API shows them, and finding them by what people type."""

import base64
from collections.abc import Iterator

from node.api.acts import idle
from node.api.answers import ContentAnswer, OperationAnswer, Resolved
from node.api.effects import effect_data
from node.api.names import Names
from node.api.texts import content_state, text
from node.service import Service
from protocol.council.council import Council
from protocol.ids import operation_text, person_text
from protocol.log.operation import ATTACHMENT

__all__ = ["MOST_FOUND", "operation", "resolve"]

MOST_FOUND = 20
_HEAD = "bafyrei"
_SHOWN_TEXT = 64 * 1024  # bytes: a longer attachment is a file, to be fetched by itself
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def operation(service: Service, council: Council, id: bytes) -> OperationAnswer | None:
    """An operation; None when it is not here."""
    envelope = service.envelope(council.id, id)
    row = council.dag.rows.get(id)
    if envelope is None or row is None:
        return None
    op = envelope.operation
    refusal = council.without_effect.get(id)
    without = idle(council, id) if refusal is None else refusal.message
    contents = []
    for index, reference in enumerate(op.contents):
        attached = reference.sort == ATTACHMENT
        short = attached and reference.size <= _SHOWN_TEXT
        contents.append(
            ContentAnswer(
                index=index,
                sort="attachment" if attached else "part",
                hash=reference.hash.hex(),
                size=reference.size,
                state=content_state(service, council, id, index) if attached else "here",
                text=_text_only(text(service, council, id, index)) if short else None,
            )
        )
    return OperationAnswer(
        id=operation_text(id),
        council=operation_text(council.id),
        kind=op.kind,
        author=Names(service, council).person(council.membership_of(id), op.author),
        device=person_text(op.author),
        depth=op.depth,
        deps=[operation_text(dep) for dep in op.deps],
        time=op.time,
        epoch=council.dag.epoch[row],
        kept=council.dag.is_kept(row),
        without_effect=without,
        body=effect_data(op.body),
        contents=contents,
    )


def _text_only(found: str | None) -> str | None:
    """None for what is a picture or the like rather than text."""
    return None if found is None or "\ufffd" in found or "\0" in found else found


def resolve(service: Service, council: Council, what: str, kind: str | None = None) -> list[Resolved]:
    """What `what` can mean in a council: operations whose id begins so, else proposals and ballots with such a title.

    The letters with which all ids begin may be left out. A whole title goes before titles that
    only begin so. kind: `ballot` or `proposal`, if only their titles are meant.
    """
    found = _by_id(council, what) or _by_title(service, council, what, kind)
    out = []
    for id in found[:MOST_FOUND]:
        envelope = service.envelope(council.id, id)
        if envelope is not None:
            out.append(
                Resolved(id=operation_text(id), council=operation_text(council.id), kind=envelope.operation.kind)
            )
    return out


def _by_id(council: Council, what: str) -> list[bytes]:
    for begin in (what, _HEAD + what):
        if len(begin) > len(_HEAD) and len(begin) <= 59 and begin[0] == "b" and not set(begin[1:]) - set(_LETTERS):
            lowest, highest = _raw(begin[1:], "a"), _raw(begin[1:], "7")
            found = [id for id in council.dag.rows if lowest <= id <= highest and operation_text(id).startswith(begin)]
            if found:
                return sorted(found)
    return []


def _raw(letters: str, filler: str) -> bytes:
    """The 32 bytes of the lowest (filler `a`) or highest (`7`) id whose text begins with `b` and `letters`."""
    full = letters + filler * (64 - len(letters))
    return base64.b32decode(full.upper())[4:36]


def _by_title(service: Service, council: Council, what: str, kind: str | None) -> list[bytes]:
    wanted = _flat(what)
    if not wanted:
        return []
    whole, begun = [], []
    for id, written in _titles(service, council, kind):
        if written == wanted:
            whole.append(id)
        elif written.startswith(wanted):
            begun.append(id)
    return sorted(set(whole or begun))


def _titles(service: Service, council: Council, kind: str | None) -> Iterator[tuple[bytes, str]]:
    """Everything that has a title, under every title that it had."""
    if kind in (None, "proposal"):
        for proposal in council.talk.proposals.values():
            for version in proposal.ordered():
                yield proposal.id, _flat(text(service, council, version.id, version.body.title) or "")
    if kind in (None, "ballot"):
        for ballot in council.box.ballots.values():
            yield ballot.id, _flat(text(service, council, ballot.id, ballot.body.title) or "")


def _flat(title: str) -> str:
    return " ".join(title.split()).casefold()
