"""Files that carry operations from one computer to another: slips and bundles."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from node.commands import OFFLINE
from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import Outcome
    from node.client import Client
    from protocol.log.bundle import BundleHead, Larger
    from protocol.log.operation import Envelope

__all__ = ["Carried", "carry_too", "hand_in", "open_bundle", "write_whole"]

_PIECE = 1 << 20
_SAID = "folkmoot.offline.said"


@dataclass(slots=True)
class Carried:
    """What became of a file's operations and attachments."""

    council: str
    operations: int
    accepted: int = 0
    known: int = 0
    waiting: int = 0
    attachments: int = 0
    refused: "list[Outcome]" = field(default_factory=list)


def carry_too(client: "Client", council: str, operation: str) -> None:
    """Write what this command has signed so far to the file that `--offline` names, if it was given."""
    ctx = click.get_current_context(silent=True)
    file = None if ctx is None else ctx.meta.get(OFFLINE)
    if ctx is None or file is None:
        return
    from node.bundles import MAX_SLIP

    said: list[str] = ctx.meta.setdefault(_SAID, [])
    said.append(operation)
    place, named = f"/v1/councils/{council}/slip", ",".join(said)
    bundle = b"".join(client.read(place, of=named))
    if len(bundle) > MAX_SLIP and _is_text(file):
        # What she said right before is left to her earlier slips.
        bundle = b"".join(client.read(place, of=named, alone="true"))
    data = _formed(bundle, file)
    try:
        write_whole(file, iter([data]))
    except Refused as refused:
        raise Refused("offline", f"It is said on this node, but {refused.message}") from refused
    click.echo(f"Also written to {file}. At a computer with a line: moot submit {file}", err=True)


def _is_text(file: str) -> bool:
    return Path(file).suffix.lower() in (".svg", ".png", ".txt")


def _formed(bundle: bytes, file: str) -> bytes:
    import io

    from node.bundles import MAX_SLIP, slip_text

    if not _is_text(file):
        return bundle
    ending = Path(file).suffix.lower()
    if len(bundle) > MAX_SLIP:
        raise Refused(
            "offline-size",
            f"It is said on this node, but with its attachments it is too large for a QR code or a text ({len(bundle)} of at most "
            f"{MAX_SLIP} bytes). 'moot bundle write FILE' carries it, with the rest of the council's news.",
        )
    text = slip_text(bundle)
    if ending == ".txt":
        return f"{text}\n".encode()
    import segno

    out = io.BytesIO()
    segno.make_qr(text, error="l", boost_error=True).save(out, kind=ending[1:], scale=4)
    return out.getvalue()


def write_whole(file: str, pieces: Iterator[bytes]) -> int:
    """Write to a file, whole or not at all; gives the bytes."""
    part = Path(file + ".part")
    size = 0
    try:
        with part.open("wb") as out:
            for piece in pieces:
                size += out.write(piece)
        part.replace(file)
    except OSError as fault:
        raise Refused("file", f"{file} cannot be written ({fault.strerror}).") from fault
    finally:
        part.unlink(missing_ok=True)
    return size


def open_bundle(file: str) -> BinaryIO:
    """A bundle to read: a file, stdin for `-`, a file with a slip's text, or the text itself."""
    import io

    from node.bundles import SLIP, slip_bytes

    if "".join(file.split()).startswith(SLIP):
        return io.BytesIO(slip_bytes(file))
    try:
        if file == "-":
            opened: BinaryIO = io.BytesIO(sys.stdin.buffer.read())
        else:
            opened = Path(file).open("rb")  # noqa: SIM115  # whoever called closes it
        start = opened.read(64)
        if not start.lstrip().startswith(SLIP.encode()):
            opened.seek(0)
            return opened
        with opened:
            return io.BytesIO(slip_bytes((start + opened.read(_PIECE)).decode("ascii", "replace")))
    except OSError as fault:
        raise Refused("file", f"{file} cannot be read ({fault.strerror}).") from fault


def hand_in(client: "Client", opened: BinaryIO) -> Carried:
    """Check a whole bundle, then hand it in to this home's node."""
    from node.bundles import BATCH
    from protocol.ids import operation_text
    from protocol.log.bundle import BundleHead, Larger

    head = _checked(opened)
    opened.seek(0)
    done = Carried(operation_text(head.council), head.operations)
    batch: list[bytes] = []
    size = 0
    for item in _items(opened):
        if isinstance(item, BundleHead):
            continue
        if isinstance(item, Larger):
            # Its operation has to be there before it.
            batch, size = _flush(client, done, batch), 0
            done.attachments += _attach(client, done.council, item)
            continue
        batch.append(item.encode())
        size += len(batch[-1])
        if size >= BATCH:
            batch, size = _flush(client, done, batch), 0
    _flush(client, done, batch)
    return done


def _checked(opened: BinaryIO) -> "BundleHead":
    from protocol.log.bundle import BundleHead

    head = None
    for item in _items(opened):
        if isinstance(item, BundleHead):
            head = item
    assert head is not None  # or it was refused as cut off
    return head


def _items(opened: BinaryIO) -> "Iterator[BundleHead | Envelope | Larger]":
    from protocol.log.bundle import Bundle

    bundle = Bundle()
    while piece := opened.read(_PIECE):
        yield from bundle.feed(piece)
    bundle.finish()


def _flush(client: "Client", done: Carried, batch: list[bytes]) -> list[bytes]:
    from node.api.keeping_answers import BundleTaken
    from protocol.codec import encode

    if batch:
        taken = client.send(f"/v1/councils/{done.council}/operations", encode(batch), BundleTaken)
        done.accepted += taken.accepted
        done.known += taken.known
        done.waiting += taken.waiting
        done.refused += taken.refused
    return []


def _attach(client: "Client", council: str, larger: "Larger") -> bool:
    """Hand in an attachment; False where it was erased meanwhile, or its operation is not here."""
    from node.api.answers import Accepted
    from protocol.codec import encode
    from protocol.ids import operation_text

    place = f"/v1/councils/{council}/operations/{operation_text(larger.operation)}/contents/{larger.index}"
    try:
        client.send(place, encode([larger.content.salt, larger.content.data]), Accepted, method="PUT")
    except Refused as refused:
        if refused.rule in ("erased", "unknown-operation"):
            return False
        raise
    return True
