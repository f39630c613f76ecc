"""A ticket: what somebody needs to ask to join a council, as text to send and as a picture to scan.

It holds the secret key of an invitation, so whoever has it may use it; the council's members
still decide whom they admit. The text is `moot1` and base32 in Crockford's alphabet (no I, L,
O or U; upper and lower case are one; spaces, line ends and dashes mean nothing), with its
length in front and a checksum behind, so that a cut or mistyped ticket is found at once.
"""

import io
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from node.peers import parse_address
from protocol.codec import decode, encode
from protocol.errors import Malformed, Misuse
from protocol.keys import public_key

if TYPE_CHECKING:
    import segno

__all__ = ["MAX_NODES", "Ticket", "TicketNode", "parse_ticket", "qr_png", "qr_svg", "qr_text", "ticket_text"]

VERSION: Final = 1
MAX_NODES: Final = 8
MAX_ADDRESSES: Final = 8
_HEAD: Final = "moot1"
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
# What a hand or an eye takes for another letter.
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)} | {"o": 0, "i": 1, "l": 1}
_CHECKSUM: Final = 5  # bytes: one wrong ticket in 2^40 is taken for a right one
_LONGEST: Final = 4096  # bytes
_LENGTH_LETTERS: Final = 4


@dataclass(frozen=True, slots=True)
class TicketNode:
    """A node that takes requests for the council: its key (32 bytes) and where it is reached (multiaddrs)."""

    key: bytes
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ticket:
    """`seed` is the invitation's secret key; a request names `invitation` as its only dep and has depth `depth + 1`."""

    council: bytes
    name: str
    """The council's name when the ticket was made, for people to read."""
    invitation: bytes
    seed: bytes = field(repr=False)
    depth: int
    """Of the invitation."""
    epoch: int
    """The number of the epoch that the maker of the ticket knew."""
    nodes: tuple[TicketNode, ...]

    @property
    def author(self) -> bytes:
        """The invitation's public key: the author of a request."""
        return public_key(self.seed)

    def encode(self) -> bytes:
        """The ticket's canonical bytes; `Misuse` when it could not be read again."""
        data = encode(
            [
                VERSION,
                self.council,
                self.name,
                self.invitation,
                self.seed,
                self.depth,
                self.epoch,
                [[node.key, list(node.addresses)] for node in self.nodes],
            ]
        )
        try:
            _decode(data)
        except Malformed as error:
            raise Misuse(error.message) from error
        return data


def ticket_text(ticket: Ticket) -> str:
    """The ticket as text, `moot1...`, in one word."""
    data = ticket.encode()
    data += sha256(_HEAD.encode() + data).digest()[:_CHECKSUM]
    letters = len(data) * 8 // 5 + (1 if len(data) * 8 % 5 else 0)
    number = int.from_bytes(data, "big") << (letters * 5 - len(data) * 8)
    body = "".join([_ALPHABET[number >> 5 * (letters - 1 - place) & 31] for place in range(letters)])
    length = "".join([_ALPHABET[letters >> 5 * place & 31] for place in range(_LENGTH_LETTERS - 1, -1, -1)])
    return _HEAD + length + body


def parse_ticket(text: str) -> Ticket:
    """Read a ticket's text; `Malformed` says in one sentence what is wrong with it."""
    if len(text) > 4 * _LONGEST:
        raise Malformed("ticket", "This is far too long to be a ticket; give the ticket alone.")
    compact = "".join([letter for letter in text.lower() if not letter.isspace() and letter not in "-\u2010\u2011"])
    if not compact.startswith(_HEAD) and compact[:4] in ("moot", "m00t", "mo0t", "m0ot"):
        raise Malformed("ticket-version", "This ticket is for another version of Folkmoot; ask for one for version 1.")
    if not compact.startswith(_HEAD):
        raise Malformed("ticket", "This is not a ticket: tickets start with 'moot1'.")
    values = []
    for letter in compact[len(_HEAD) :]:
        if letter not in _VALUES:
            raise Malformed("ticket-letter", f"The ticket has a typing error: {letter!r} never stands in a ticket.")
        values.append(_VALUES[letter])
    body = values[_LENGTH_LETTERS:]
    length = 0
    for value in values[:_LENGTH_LETTERS]:
        length = length << 5 | value
    if len(body) != length:
        more = "letters are missing" if len(body) < length else "it has letters too many"
        raise Malformed(
            "ticket-length",
            f"The ticket was not copied whole: {more}, {len(body)} instead of {length}. Copy it again from 'moot1' to its end.",
        )
    number = 0
    for value in body:
        number = number << 5 | value
    size = length * 5 // 8
    data = (number >> length * 5 - size * 8).to_bytes(size, "big")
    data, check = data[:-_CHECKSUM], data[-_CHECKSUM:]
    if sha256(_HEAD.encode() + data).digest()[:_CHECKSUM] != check:
        raise Malformed(
            "ticket-checksum", "The ticket has a typing error; compare it letter by letter, or copy it again."
        )
    return _decode(data)


def qr_text(ticket: Ticket, *, quiet: int = 2) -> str:
    """The ticket as a QR code for a terminal, two rows of dots to a line."""
    out = io.StringIO()
    _qr(ticket).terminal(out, border=quiet, compact=True)
    return out.getvalue()


def qr_svg(ticket: Ticket) -> str:
    """The ticket as a QR code for a page or a poster."""
    out = io.BytesIO()
    _qr(ticket).save(out, kind="svg", scale=4, xmldecl=False)
    return out.getvalue().decode()


def qr_png(ticket: Ticket) -> bytes:
    """The ticket as a QR code in a PNG file's bytes."""
    out = io.BytesIO()
    _qr(ticket).save(out, kind="png", scale=8)
    return out.getvalue()


def _qr(ticket: Ticket) -> "segno.QRCode":
    import segno  # only who asks for a picture pays for it

    # Capitals and digits take 5.5 bits a letter in a QR code, small letters 8.
    return segno.make_qr(ticket_text(ticket).upper(), error="l", boost_error=True)


def _decode(data: bytes) -> Ticket:
    value = decode(data, _LONGEST)
    if type(value) is not list or not value or value[0] != VERSION:
        raise Malformed("ticket-version", "This ticket is for another version of Folkmoot; ask for one for version 1.")
    if len(value) != 8:
        raise _bad()
    _, council, name, invitation, seed, depth, epoch, nodes = value
    if any(type(field) is not bytes or len(field) != 32 for field in (council, invitation, seed)):
        raise _bad()
    if type(name) is not str or type(depth) is not int or type(epoch) is not int or depth < 1 or epoch < 0:
        raise _bad()
    if type(nodes) is not list or len(nodes) > MAX_NODES:
        raise _bad()
    return Ticket(council, name, invitation, seed, depth, epoch, tuple([_node(node) for node in nodes]))


def _node(value: object) -> TicketNode:
    if type(value) is not list or len(value) != 2 or type(value[0]) is not bytes or len(value[0]) != 32:
        raise _bad()
    key, addresses = value
    if type(addresses) is not list or len(addresses) > MAX_ADDRESSES:
        raise _bad()
    for address in addresses:
        if type(address) is not str or parse_address(address).peer not in (None, key):
            raise _bad()
    return TicketNode(key, tuple(addresses))


def _bad() -> Malformed:
    return Malformed("ticket", "The ticket holds something that no ticket holds; ask for a new one.")
