"""Certificates: verifying one with 50 casts, and how soon after the deadline there is one.

The raw reference of verifying is PyNaCl's verification of the signatures that are in it, in
the same run; everything else (decoding, hashing, counting again) is what the ratio shows.
From deadline to certificate is measured on real nodes over loopback: four tellers, one of
which votes as well, all in one process.
"""

from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import trio
from nacl.bindings import crypto_sign_open

from bench._village import Village, seed
from node.keystore import NodeKeys
from node.peers import parse_address
from node.run import Node, now
from node.testing import address, node_at, settled
from protocol.council.certificate import Certificate, certificate_of, examine, read_certificate
from protocol.council.council import Council
from protocol.council.decision_record import decision_message
from protocol.council.tellership import Deed, Tellership
from protocol.keys import DECISION, OPERATION, public_key
from protocol.log.operation import Content, Draft, Envelope, decode_envelope

__all__ = ["run", "table"]

TELLERS = 4
OPEN_FOR = 4_000  # ms


def run(quick: bool) -> dict[str, Any]:
    """`verify`: times in ms; `certify`: from the deadline to the certificate at the first and the last of the nodes, ms."""
    return {"verify": _verify(10 if quick else 50, 3 if quick else 20), "certify": _certify(1 if quick else 3)}


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    verify, certify = result["verify"], result["certify"]
    return (
        f"verify   {verify['casts']} casts, {verify['signatures']} signatures: {verify['ms']:.1f} ms, "
        f"raw verification {verify['raw_ms']:.1f} ms   ratio {verify['ratio']:.2f}\n"
        f"         without the casts {verify['bare_ms']:.2f} ms   ({verify['bytes']} and {verify['bare_bytes']} bytes)\n"
        f"certify  {certify['tellers']} tellers: {certify['first_ms']:.0f} ms after the deadline, at every node after "
        f"{certify['last_ms']:.0f} ms (grace {certify['grace_ms']} ms)"
    )


# --- verifying --------------------------------------------------------------------------------


class _Count:
    """Four tellers over one log, to whom everything comes at once, and a clock that jumps."""

    def __init__(self, village: Village) -> None:
        self.village = village
        self.council = village.council
        self.now = 1_790_000_000_000
        self.said: dict[bytes, Envelope] = {bytes(said.operation.id): said for said in village.envelopes}
        self._at: dict[bytes, int] = {}
        self._offices = [Tellership(self.council, village.teller_seed(number), self) for number in range(TELLERS)]

    def received(self, operation: bytes) -> int | None:
        """When it came."""
        return self._at.get(operation)

    def in_contact(self) -> int:
        """With all."""
        return TELLERS - 1

    def say(self, author: bytes, deed: Deed) -> bytes:
        """Somebody says something; gives its id."""
        envelope = _operation(self.council, author, deed, self.now)
        self.council.insert(envelope, verified=True)
        self.said[envelope.operation.id] = envelope
        self._at[envelope.operation.id] = self.now
        return envelope.operation.id

    def settle(self) -> None:
        """Let the tellers say what is due."""
        while any(self._speaks(office) for office in self._offices):
            pass

    def _speaks(self, office: Tellership) -> bool:
        deed = office.poll(self.now)
        if deed is not None:
            self.say(office.seed, deed)
        return deed is not None


def _verify(casts: int, times: int) -> dict[str, Any]:
    village = Village(casts, TELLERS)
    full, bare = _certificates(village)
    data, less = full.encode(), bare.encode()
    known = frozenset(full.tellers)
    assert examine(read_certificate(data), known).refusal is None
    whole = _best(lambda: examine(read_certificate(data), known), times)
    short = _best(lambda: examine(read_certificate(less), known), times)
    signed = _signed(full)
    raw = _best(lambda: [crypto_sign_open(message, key) for message, key in signed], times)
    return {
        "casts": casts,
        "signatures": len(signed),
        "bytes": len(data),
        "bare_bytes": len(less),
        "ms": whole * 1e3,
        "bare_ms": short * 1e3,
        "raw_ms": raw * 1e3,
        "ratio": raw / whole,
    }


def _certificates(village: Village) -> tuple[Certificate, Certificate]:
    """A ballot in which everybody voted: its certificate with the casts, and without."""
    count = _Count(village)
    deadline = count.now + 60_000
    ballot = count.say(seed("device", 0), Deed("ballot.open", _question(village.council, deadline)))
    count.settle()
    for member in range(village.members):
        body = {"ballot": ballot, "revision": 0, "choice": "yes" if member % 3 else "no"}
        count.say(seed("device", member), Deed("ballot.cast", body, (ballot,)))
    held = village.council.box.ballots[ballot]
    count.now = deadline
    while not held.certified:
        count.settle()
        count.now += 250
    proof = held.certified[0]
    return (
        certificate_of(held, proof, lambda id: count.said[id], casts=True),
        certificate_of(held, proof, lambda id: count.said[id], casts=False),
    )


def _question(council: Council, deadline: int) -> dict[str, Any]:
    return {
        "epoch": council.head.digest,
        "question": {"rule": "majority-simple/1"},
        "title": 0,
        "deadline": deadline,
    }


def _operation(council: Council, author: bytes, deed: Deed, at: int) -> Envelope:
    heads = council.draft(deed.needs)
    deps = deed.needs if deed.alone else heads.deps  # type: ignore[union-attr]  # what it needs is here
    depth = 1 + max(council.dag.depth[council.dag.rows[dep]] for dep in deps)
    title = (Content(seed("salt")[:16], b"Heat the hall?"),) if deed.kind == "ballot.open" else ()
    contents = title + tuple(Content(b"", part) for part in deed.parts)
    draft = Draft(council.id, public_key(author), depth, tuple(deps), at, deed.kind, deed.body, contents)
    return draft.signed(author)


def _signed(certificate: Certificate) -> list[tuple[bytes, bytes]]:
    """What a verifier has to check with keys: (signature and message, key)."""
    out = []
    for data in [certificate.opening, *(certificate.closes or []), *(certificate.casts or [])]:
        operation = decode_envelope(data).operation
        out.append((operation.signature + OPERATION + operation.header, operation.author))
    message = DECISION + decision_message(certificate.record, certificate.round)
    return [*out, *((signature + message, key) for key, signature in certificate.signatures)]


def _best(work: Any, times: int) -> float:
    best = float("inf")
    for _ in range(times):
        begun = perf_counter()
        work()
        best = min(best, perf_counter() - begun)
    return best


# --- from deadline to certificate -------------------------------------------------------------


def _certify(times: int) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        waits = trio.run(_hold_ballots, Path(folder), times)
    first, last = min(waits)
    return {"tellers": TELLERS, "ballots": times, "first_ms": first, "last_ms": last, "grace_ms": 1_000}


async def _hold_ballots(folder: Path, times: int) -> list[tuple[int, int]]:
    village = Village(8, TELLERS)
    async with AsyncExitStack() as stack:
        nodes = []
        for number in range(TELLERS):
            keys = NodeKeys(village.node_seed(number), village.teller_seed(number))
            nodes.append(await stack.enter_async_context(node_at(folder / str(number), keys=keys, chance=number)))
        for node in nodes:
            await node.service.submit(village.founding())
        for node in nodes:
            for other in nodes:
                if other is not node:
                    await node.neighbours.add_peer(parse_address(address(other)))
        council = village.id
        for node in nodes:
            await _in_contact(node, council)
        return [await _hold_ballot(village, nodes) for _ in range(times)]


async def _in_contact(node: Node, council: bytes) -> None:
    """Wait until a node has synced with all other tellers."""
    while node.teller.in_contact(node.service.council(council)) < TELLERS - 1:  # noqa: ASYNC110  # nothing tells of it
        await trio.sleep(0.05)


async def _hold_ballot(village: Village, nodes: list[Node]) -> tuple[int, int]:
    """One ballot from its opening to its certificate: ms after the deadline at the first and at the last node."""
    council, first = village.id, nodes[0]
    deadline = now() + OPEN_FOR
    opening = Deed("ballot.open", _question(first.service.council(council), deadline))
    ballot = await _say(first, village, 0, opening)
    for node in nodes:
        await settled(node, lambda node=node: _accepted(node, council, ballot))  # type: ignore[misc]  # of this turn
    for member in range(village.members):
        body = {"ballot": ballot, "revision": 0, "choice": "yes"}
        await _say(nodes[member % TELLERS], village, member, Deed("ballot.cast", body, (ballot,)))
    ends: list[int] = []

    async def wait(node: Node) -> None:
        await settled(node, lambda: bool(node.service.council(council).box.ballots[ballot].certified))
        ends.append(now())

    async with trio.open_nursery() as nursery:
        for node in nodes:
            nursery.start_soon(wait, node)
    counted = first.service.council(council).box.ballots[ballot]
    assert len(counted.instances) == 1, "the ballot was extended: the tellers were not in contact"
    return min(ends) - deadline, max(ends) - deadline


def _accepted(node: Node, council: bytes, ballot: bytes) -> bool:
    held = node.service.council(council).box.ballots.get(ballot)
    return held is not None and held.accepted()


async def _say(node: Node, village: Village, member: int, deed: Deed) -> bytes:
    envelope = _operation(node.service.council(village.id), seed("device", member), deed, now())
    await node.service.submit([envelope.encode()])
    return envelope.operation.id
