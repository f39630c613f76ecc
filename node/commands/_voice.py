"""Somebody of this home speaks in a council: her operation is drafted, signed here, and submitted.

The node is asked for what an operation must name; keys never leave this process.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import CouncilLine, DraftAnswer, MemberAnswer, OfferAnswer
    from node.client import Client
    from node.commands import Caller
    from node.keystore import Secrets
    from protocol.council.body import Body
    from protocol.log.operation import Content, Envelope

__all__ = ["Attached", "Voice", "connect", "now", "proofs", "read_file", "speak", "submit", "unlock"]


def connect(caller: "Caller") -> "Client":
    """The client of this home's node; `Refused` when none runs."""
    from node.client import Client

    return Client(caller.config())


def unlock(caller: "Caller", passphrase_fd: int | None) -> tuple[str, "Secrets"]:
    """The person who speaks, and her keys, after her passphrase."""
    from node import passphrase

    keystore = caller.keystore()
    name = keystore.choose(caller.name)
    return name, keystore.unlock(name, passphrase.ask(f"{name}'s passphrase: ", passphrase_fd))


@dataclass(frozen=True, slots=True)
class Attached:
    """The attachments of one operation while it is put together: `add` gives each its index."""

    contents: "list[Content]"

    @classmethod
    def none(cls) -> "Attached":
        """No attachments yet."""
        return cls([])

    def add(self, data: bytes | str) -> int:
        """Attach bytes, or text as UTF-8, under a fresh salt."""
        from protocol.log.operation import MAX_ATTACHMENT, MAX_CONTENTS, Content

        raw = data.encode() if isinstance(data, str) else data
        if len(raw) > MAX_ATTACHMENT:
            raise Refused(
                "attachment-size", f"An attachment has at most {MAX_ATTACHMENT >> 20} MiB; this one has more."
            )
        if len(self.contents) >= MAX_CONTENTS:
            raise Refused("attachments", f"One message carries at most {MAX_CONTENTS} attachments.")
        self.contents.append(Content(secrets.token_bytes(16), raw))
        return len(self.contents) - 1

    def add_part(self, data: bytes) -> int:
        """Add a part: bytes that are never erased and always travel along."""
        from protocol.log.operation import Content

        self.contents.append(Content(b"", data))
        return len(self.contents) - 1

    def maybe(self, data: str | None) -> int | None:
        """Like `add`; None for nothing or blank."""
        return self.add(data) if data is not None and data.strip() else None

    def part(self, data: bytes) -> int:
        """Add a part: it always travels with the operation, and is never erased."""
        from protocol.log.operation import Content

        self.contents.append(Content(b"", data))
        return len(self.contents) - 1


def read_file(path: str) -> bytes:
    """The bytes of a file, or of stdin for `-`; `Refused` says why not."""
    import sys

    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as fault:
        raise Refused("file", f"{path} cannot be read ({fault.strerror}).") from fault


def proofs(client: "Client", context: bytes) -> "OfferAnswer":
    """The node's proofs that it may be named in an operation, for one context."""
    from node.api.answers import ContextAsked, OfferAnswer

    return client.post("/v1/node/proofs", ContextAsked(context=context.hex()), OfferAnswer)


def now() -> int:
    """This computer's clock, ms since 1970."""
    return time.time_ns() // 1_000_000


def submit(client: "Client", envelope: "Envelope", contents: "Sequence[Content]") -> str:
    """Hand an operation in, with the attachments that are too large to travel in it; gives its id.

    `Refused` with the node's reason when it is not taken.
    """
    from node.api.answers import Accepted, Outcome
    from protocol.codec import encode
    from protocol.ids import operation_text
    from protocol.log.operation import Envelope, split_inline

    inline = split_inline(contents)
    outcome = client.send("/v1/operations", Envelope(envelope.operation, inline).encode(), Outcome)
    if outcome.state == "refused":
        raise Refused(outcome.rule or "refused", outcome.message or "The node did not take it.")
    id_text = operation_text(envelope.operation.id)
    council = operation_text(envelope.operation.council or envelope.operation.id)
    for index, content in enumerate(contents):
        if inline[index] is None:
            place = f"/v1/councils/{council}/operations/{id_text}/contents/{index}"
            client.send(place, encode([content.salt, content.data]), Accepted, method="PUT")
    if outcome.without_effect:
        raise Refused("without-effect", f"It was written down but has no effect: {outcome.without_effect}")
    return id_text


@dataclass(frozen=True, slots=True)
class Voice:
    """An unlocked member of one council."""

    client: "Client"
    council: "CouncilLine"
    me: "MemberAnswer"
    name: str
    secrets: "Secrets"

    @property
    def path(self) -> str:
        """Where the API keeps this council."""
        return f"/v1/councils/{self.council.council}"

    @property
    def council_id(self) -> bytes:
        """The council's id, 32 bytes."""
        from protocol.ids import parse_operation

        return parse_operation(self.council.council)

    @property
    def membership(self) -> bytes:
        """The speaker's membership, 32 bytes."""
        from protocol.ids import parse_operation

        return parse_operation(self.me.membership)

    def say(
        self,
        kind: str,
        body: "Body | Callable[[DraftAnswer], Body]",
        attached: Attached | None = None,
        needs: Iterable[str] = (),
    ) -> str:
        """Sign and submit one operation; gives its id as text.

        body: or what makes one of the draft, if it has to name the operation's own epoch.
        needs: ids of the operations that the body names.
        """
        from node.api.answers import DraftAnswer, DraftAsked
        from node.commands._carrying import carry_too
        from protocol.ids import parse_operation
        from protocol.keys import public_key
        from protocol.log.operation import Draft

        asked = self.client.post(f"{self.path}/draft", DraftAsked(needs=list(needs)), DraftAnswer)
        contents = tuple(attached.contents) if attached is not None else ()
        draft = Draft(
            council=self.council_id,
            author=public_key(self.secrets.device_seed),
            depth=asked.depth,
            deps=tuple(parse_operation(dep) for dep in asked.deps),
            time=now(),
            kind=kind,
            body=(body(asked) if callable(body) else body).data(),
            contents=contents,
        )
        operation = submit(self.client, draft.signed(self.secrets.device_seed), contents)
        carry_too(self.client, self.council.council, operation)
        return operation


def speak(caller: "Caller", council: str | None, passphrase_fd: int | None) -> Voice:
    """The person who speaks, in the council that is meant; asks for her passphrase last."""
    from node.commands._pick import mine, pick_council

    client = connect(caller)
    keystore = caller.keystore()
    name = keystore.choose(caller.name)
    line = pick_council(client, council)
    me = mine(client, caller, line)
    if keystore.person(name).device not in me.devices:
        raise Refused(
            "not-enrolled",
            f"This device of {name} is not enrolled in {line.name}: make an offer with 'moot device offer', and let "
            "another device or another member carry it in with 'moot device enrol'.",
        )
    _, opened = unlock(caller, passphrase_fd)
    return Voice(client, line, me, name, opened)
