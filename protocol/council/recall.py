"""Putting back what was accepted before: the short way to read a council's log from disk.

Nearly all of a log is talk, and of talk nothing is judged twice: where it belongs follows from
its header, which its id's hash covers. Everything else is inserted again as when it came, and so
is talk whose author's standing has ended, or that builds on what is not kept.
"""

from hashlib import sha256
from typing import Any

from ..codec import recall as decode
from ..ids import OperationId
from ..log.operation import ATTACHMENT
from ..log.shape import split_envelope, split_header
from .bodies import KINDS, Comment
from .council import Council

__all__ = ["recall"]


def recall(council: Council, raw: bytes, id: bytes) -> int | None:
    """Put an operation back that `council` accepted before, in the order of that time; gives its row.

    None for what has to be inserted, to be put back or to be found damaged; nothing has changed then.
    """
    pieces = split_envelope(raw)
    if pieces is None or sha256(pieces[0]).digest() != id:
        return None
    beginning = split_header(pieces[0])
    if beginning is None:
        return None
    log, author, depth, deps, time, kind, end = beginning
    is_comment = kind == "comment.write"
    dag = council.dag
    rows = dag.rows
    if log != council.id or (kind in KINDS and not is_comment) or id in rows:
        return None
    places = [rows[dep] for dep in deps if dep in rows]
    if len(places) != len(deps) or depth != 1 + max(map(dag.depth.__getitem__, places)):
        return None
    epoch = max(map(dag.epoch.__getitem__, places))
    standing = council.standings.at(author, epoch)
    if standing is None or standing.until is not None or not all(map(dag.is_kept, places)):
        return None
    own = OperationId(id)
    if not is_comment:
        return dag.add(own, depth, places, epoch, standing.number, True)
    comment = _comment(pieces[0][end:], deps)
    if comment is None or standing.membership is None:
        return None
    row = dag.add(own, depth, places, epoch, standing.number, True)
    council.talk.add(own, depth, time, standing.membership, comment)
    return row


def _comment(end: bytes, deps: tuple[bytes, ...]) -> Comment | None:
    """The comment in the end of a header, if it has an effect."""
    body, contents = decode(b"\x82" + end)
    on: Any = body.get("on")
    text: Any = body.get("text")
    if len(body) != 2 or on not in deps or type(text) is not int or not 0 <= text < len(contents):
        return None
    return Comment(on, text) if contents[text][0] == ATTACHMENT else None
