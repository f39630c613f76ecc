"""Proofs that one computer makes and another carries: texts to copy, like tickets, but not secret.

A *device offer* says: this device, and this node, are mine; its person's key and the device's own
have signed so for one membership. Any member's device can carry it into the council. A *teller
offer* says: this node is ready to be a teller. Both are base58 behind a word that tells the
sort, with a checksum at the end.

A *pass* goes the other way: it brings the log to the computer of a device that others enrolled.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from protocol.codec import decode, encode
from protocol.council.bodies import TellerKeys, enrolment_message, node_message
from protocol.errors import Malformed
from protocol.ids import b58decode, b58encode
from protocol.keys import ENROLMENT, NODE, POSSESSION, verify

__all__ = ["PASS", "DeviceOffer", "Pass", "TellerOffer"]

_CHECKSUM: Final = 4
_LONGEST: Final = 4096  # bytes
_MOST_ADDRESSES: Final = 16
_MOST_NODES: Final = 8


@dataclass(frozen=True, slots=True)
class DeviceOffer:
    """A device, and perhaps a node, that a person offers for a membership (keys: 32 bytes)."""

    membership: bytes
    person: bytes
    device: bytes
    grant: bytes
    possession: bytes
    node: bytes | None = None
    node_possession: bytes | None = None
    addresses: tuple[str, ...] = ()

    def text(self) -> str:
        """The offer as text, `mootdevice1...`."""
        return _text(
            "mootdevice1",
            [
                self.membership,
                self.person,
                self.device,
                self.grant,
                self.possession,
                self.node,
                self.node_possession,
                list(self.addresses),
            ],
        )

    @classmethod
    def parse(cls, text: str) -> "DeviceOffer":
        """Read the text; `Malformed` when it is none, was mistyped, or its signatures do not hold."""
        value = _value("mootdevice1", "a device offer", text)
        if len(value) != 8 or not _all_bytes(value[:3], 32) or not _all_bytes(value[3:5], 64):
            raise _bad("a device offer")
        *keys, node, node_possession, addresses = value
        if node is not None and not (_all_bytes([node], 32) and _all_bytes([node_possession], 64)):
            raise _bad("a device offer")
        if not _are_addresses(addresses):
            raise _bad("a device offer")
        membership, person, device, grant, possession = keys
        listed = (node, node_possession, tuple(addresses)) if node is not None else (None, None, ())
        offer = cls(membership, person, device, grant, possession, *listed)
        message = enrolment_message(offer.membership, offer.person, offer.device)
        proven = verify(offer.person, ENROLMENT, message, offer.grant) and verify(
            offer.device, POSSESSION, message, offer.possession
        )
        if proven and offer.node is not None and offer.node_possession is not None:
            proven = verify(offer.node, NODE, node_message(offer.membership, offer.node), offer.node_possession)
        if not proven:
            raise _bad("a device offer")
        return offer


@dataclass(frozen=True, slots=True)
class TellerOffer:
    """A node ready to be a teller in one context: a founding nonce or a council's id."""

    context: bytes
    teller: TellerKeys

    def text(self) -> str:
        """The offer as text, `mootteller1...`."""
        return _text("mootteller1", [self.context, *self._fields()])

    def _fields(self) -> list[Any]:
        return [self.teller.key, self.teller.node, self.teller.possession, list(self.teller.addresses or ())]

    @classmethod
    def parse(cls, text: str) -> "TellerOffer":
        """Read the text; `Malformed` when it is none, was mistyped, or is not signed by its key."""
        value = _value("mootteller1", "a teller offer", text)
        if len(value) != 5 or not _all_bytes(value[:3], 32) or not _all_bytes(value[3:4], 64):
            raise _bad("a teller offer")
        addresses = value[4]
        if not _are_addresses(addresses):
            raise _bad("a teller offer")
        offer = cls(value[0], TellerKeys(value[1], value[2], value[3], addresses or None))
        if not offer.teller.proven(offer.context):
            raise _bad("a teller offer")
        return offer


@dataclass(frozen=True, slots=True)
class Pass:
    """For a device that the council lists: what its owner needs to list her node there, and so to get the log.

    `operation` (of depth `depth`) carries an epoch at which the device stands; `nodes` are
    `(node key, addresses)` of nodes that have the log.
    """

    council: bytes
    name: str
    membership: bytes
    device: bytes
    operation: bytes
    depth: int
    nodes: tuple[tuple[bytes, tuple[str, ...]], ...]

    def text(self) -> str:
        """The pass as text, `mootpass1...`."""
        nodes = [[key, list(addresses)] for key, addresses in self.nodes]
        return _text(PASS, [self.council, self.name, self.membership, self.device, self.operation, self.depth, nodes])

    @classmethod
    def parse(cls, text: str) -> "Pass":
        """Read the text; `Malformed` when it is none or was mistyped."""
        value = _value(PASS, "a pass", text)
        if len(value) != 7 or not _all_bytes([value[0], *value[2:5]], 32) or type(value[1]) is not str:
            raise _bad("a pass")
        council, name, membership, device, operation, depth, nodes = value
        if type(depth) is not int or depth < 0 or type(nodes) is not list or not 0 < len(nodes) <= _MOST_NODES:
            raise _bad("a pass")
        named = []
        for node in nodes:
            if type(node) is not list or len(node) != 2 or not _all_bytes(node[:1], 32) or not _are_addresses(node[1]):
                raise _bad("a pass")
            named.append((node[0], tuple(node[1])))
        return cls(council, name, membership, device, operation, depth, tuple(named))


PASS: Final = "mootpass1"
"""How a pass begins."""


def _text(head: str, value: list[Any]) -> str:
    data = encode(value)
    return head + b58encode(data + _check(head, data))


def _value(head: str, what: str, text: str) -> list[Any]:
    compact = "".join(text.split())
    if not compact.startswith(head):
        raise Malformed("offer", f"This is not {what}: those start with '{head}'.")
    if len(compact) > 2 * _LONGEST:
        raise Malformed("offer", f"This is far too long to be {what}; give it alone.")
    data = b58decode(compact[len(head) :])
    data, check = data[:-_CHECKSUM], data[-_CHECKSUM:]
    if _check(head, data) != check:
        raise Malformed("offer-checksum", f"There is a typing error in {what}; copy it again, whole.")
    value = decode(data, _LONGEST)
    if type(value) is not list:
        raise _bad(what)
    return value


def _check(head: str, data: bytes) -> bytes:
    return sha256(head.encode() + data).digest()[:_CHECKSUM]


def _all_bytes(values: list[Any], size: int) -> bool:
    return all(type(value) is bytes and len(value) == size for value in values)


def _are_addresses(value: Any) -> bool:
    return type(value) is list and len(value) <= _MOST_ADDRESSES and all(type(address) is str for address in value)


def _bad(what: str) -> Malformed:
    return Malformed("offer", f"The text is built like {what} but its proofs do not hold; ask for a new one.")
