import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.ticket import Ticket, TicketNode, parse_ticket, qr_png, qr_svg, qr_text, ticket_text
from protocol.codec import encode
from protocol.errors import Malformed, Misuse
from protocol.keys import public_key

NODE = public_key(bytes(range(32)))
TICKET = Ticket(
    council=b"\x01" * 32,
    name="Nachbarschaft Süd",
    invitation=b"\x02" * 32,
    seed=b"\x03" * 32,
    depth=17,
    epoch=3,
    nodes=(TicketNode(NODE, ("/ip4/192.0.2.7/tcp/4747", "/dns4/hall.example/tcp/4747")),),
)

keys = st.binary(min_size=32, max_size=32)
tickets = st.builds(
    Ticket,
    council=keys,
    name=st.text(max_size=60),
    invitation=keys,
    seed=keys,
    depth=st.integers(1, 1 << 40),
    epoch=st.integers(0, 1 << 40),
    nodes=st.lists(
        st.builds(
            TicketNode,
            keys,
            st.lists(st.sampled_from(["/ip4/10.0.0.1/tcp/1", "/ip6/::1/tcp/2"]), max_size=8).map(tuple),
        ),
        max_size=8,
    ).map(tuple),
)


def rule(text: str) -> str:
    with pytest.raises(Malformed) as error:
        parse_ticket(text)
    assert re.fullmatch(r"['A-Z].*[.]", error.value.message)
    return error.value.rule


@given(tickets)
def test_a_ticket_is_read_as_it_was_written(ticket: Ticket) -> None:
    assert parse_ticket(ticket_text(ticket)) == ticket


def test_capitals_spaces_dashes_and_lines_mean_nothing() -> None:
    text = ticket_text(TICKET)
    spread = "-\n ".join(text[place : place + 7] for place in range(0, len(text), 7))
    assert parse_ticket(f"  {spread.upper()}\n") == TICKET


def test_letters_that_look_alike_are_one() -> None:
    text = ticket_text(TICKET)
    head, body = text[:5], text[5:]
    assert "0" in body
    assert "1" in body
    assert parse_ticket(head + body.replace("0", "O").replace("1", "l")) == TICKET


@settings(max_examples=300)
@given(st.data())
def test_any_mistyped_letter_is_found(data: st.DataObject) -> None:
    text = ticket_text(TICKET)
    place = data.draw(st.integers(9, len(text) - 1))
    letter = data.draw(st.sampled_from([a for a in "0123456789abcdefghjkmnpqrstvwxyz" if a != text[place]]))
    assert rule(text[:place] + letter + text[place + 1 :]) == "ticket-checksum"


@given(st.integers(5, len(ticket_text(TICKET)) - 1))
def test_a_ticket_that_was_cut_is_called_incomplete(kept: int) -> None:
    text = ticket_text(TICKET)[:kept]
    # Of a ticket without its length letters, nobody can tell how much is missing.
    assert rule(text) in (("ticket-length",) if kept > 9 else ("ticket-length", "ticket-checksum"))


def test_what_is_no_ticket_is_said_to_be_none() -> None:
    assert rule("") == "ticket"
    assert rule("bafyrei" * 5) == "ticket"
    assert rule("moot1" + "a" * 20_000) == "ticket"
    assert rule("moot2" + ticket_text(TICKET)[5:]) == "ticket-version"
    assert rule(ticket_text(TICKET)[:30] + "u" + ticket_text(TICKET)[31:]) == "ticket-letter"


def _resealed(value: object) -> str:
    """A ticket's text around any value, length and checksum right."""
    from hashlib import sha256

    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    data = encode(value)
    data += sha256(b"moot1" + data).digest()[:5]
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    letters = [alphabet[int(bits[place : place + 5], 2)] for place in range(0, len(bits), 5)]
    length = f"{len(letters):020b}"
    return (
        "moot1" + "".join(alphabet[int(length[place : place + 5], 2)] for place in range(0, 20, 5)) + "".join(letters)
    )


GOOD: list[object] = [1, b"c" * 32, "name", b"i" * 32, b"s" * 32, 1, 0, [[NODE, ["/ip4/10.0.0.1/tcp/1"]]]]


def test_the_resealed_form_is_the_real_one() -> None:
    assert parse_ticket(_resealed(GOOD)).name == "name"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (1, b"short"),
        (2, 7),
        (4, "text"),
        (5, 0),
        (6, -1),
        (7, None),
        (7, [[NODE, []]] * 9),
        (7, [[NODE]]),
        (7, [[b"k", []]]),
        (7, [[NODE, ["/ip4/10.0.0.1/tcp/1"] * 9]]),
        (7, [[NODE, [3]]]),
        (7, [[NODE, ["/ip4/10.0.0.1/tcp/1/p2p/12D3KooWGzh44MQYSmyC9c5YFkJCEaD4kyBUjMFbAfVLt2Gn9C5s"]]]),
    ],
)
def test_a_ticket_with_a_strange_field_is_refused(place: int, value: object) -> None:
    fields = list(GOOD)
    fields[place] = value
    assert rule(_resealed(fields)) in ("ticket", "peer-text")


def test_an_address_that_is_none_is_refused() -> None:
    assert rule(_resealed([*GOOD[:7], [[NODE, ["nowhere"]]]])) == "address"


def test_a_ticket_of_another_version_or_shape_is_refused() -> None:
    assert rule(_resealed([2, *GOOD[1:]])) == "ticket-version"
    assert rule(_resealed("moot")) == "ticket-version"
    assert rule(_resealed(GOOD[:7])) == "ticket"


def test_a_ticket_that_nobody_could_read_is_not_made() -> None:
    with pytest.raises(Misuse):
        ticket_text(Ticket(b"", "", b"", b"", 1, 0, ()))


def test_the_secret_is_not_shown_by_accident() -> None:
    assert TICKET.seed.hex() not in repr(TICKET)
    assert repr(TICKET.seed) not in repr(TICKET)


def test_the_author_of_requests_is_the_invitations_key() -> None:
    assert TICKET.author == public_key(b"\x03" * 32)


def test_a_ticket_can_be_drawn() -> None:
    assert "▄" in qr_text(TICKET)
    assert qr_svg(TICKET).startswith("<svg")
    assert qr_png(TICKET).startswith(b"\x89PNG")
