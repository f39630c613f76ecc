"""Our Negentropy behind the line protocol of the reference project's own test harnesses.

Its `test/test.pl` drives any two implementations against each other through it, byte for byte:

    item,<timestamp>,<id in hex>   add an item
    seal                           no more items
    initiate                       answers msg,<hex>
    msg,<hex>                      answers have,<hex> and need,<hex> for each id, then msg,<hex> or done

Who was told to initiate is the initiator. FRAMESIZELIMIT in the environment limits the
messages that are sent, in bytes. An error ends the process with exit code 1.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

if __name__ == "__main__":
    # Started as a script, from any folder, beside the code that it tests.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from protocol.errors import FolkmootError, Misuse
from protocol.log.items import Items
from protocol.log.reconcile import Reconciliation

__all__ = ["answers"]

_ANY_SIZE = 1 << 62  # the harness trusts whoever started it


def answers(lines: Iterable[bytes], frame_limit: int) -> Iterator[list[str]]:
    """The lines that answer each command; ValueError or FolkmootError for what breaks the protocol."""
    pairs: list[tuple[int, bytes]] = []
    items: Items | None = None
    side: Reconciliation | None = None
    for line in lines:
        command, *fields = line.decode("ascii").strip().split(",")
        if command == "item" and items is None:
            timestamp, id = fields
            pairs.append((int(timestamp), bytes.fromhex(id)))
        elif command == "seal" and items is None:
            items = Items(pairs)
            if len(items) != len(pairs):
                raise Misuse("duplicate item inserted")
            pairs.clear()
        elif command == "initiate" and items is not None and side is None:
            side = Reconciliation(items, True, frame_limit, _ANY_SIZE)
            yield ["msg," + _within(side.initiate(), frame_limit)]
        elif command == "msg" and items is not None:
            if side is None:
                side = Reconciliation(items, False, frame_limit, _ANY_SIZE)
            step = side.receive(bytes.fromhex("".join(fields)))
            said = ["have," + id.hex() for id in step.have] + ["need," + id.hex() for id in step.need]
            yield [*said, "done" if step.reply is None else "msg," + _within(step.reply, frame_limit)]
        elif command:
            raise Misuse(f"{command!r} is no command, or not now")


def _within(message: bytes, frame_limit: int) -> str:
    if frame_limit and len(message) > frame_limit:
        raise Misuse(f"frame limit exceeded: {len(message)} > {frame_limit}")
    return message.hex()


def main() -> int:
    """Answer standard input on standard output until it ends; returns the exit code."""
    try:
        for lines in answers(sys.stdin.buffer, int(os.environ.get("FRAMESIZELIMIT") or 0)):
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
    except (FolkmootError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
