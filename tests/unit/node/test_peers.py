"""Addresses and PeerIds as people write them."""

import pytest

from node.peers import Address, parse_address, peer_id_text, peer_key_of
from protocol.errors import Malformed

# The Ed25519 key of libp2p's specification of peer ids, and its text by another implementation.
KEY = bytes.fromhex("1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e")
TEXT = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"


def test_a_peer_id_and_its_key() -> None:
    assert peer_id_text(KEY) == TEXT
    assert peer_key_of(TEXT) == KEY


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/ip4/192.0.2.7/tcp/4001", Address("ip4", "192.0.2.7", 4001, None)),
        ("/ip6/2001:db8::1/tcp/0", Address("ip6", "2001:db8::1", 0, None)),
        ("/dns/hall.example.org/tcp/65535", Address("dns", "hall.example.org", 65535, None)),
        ("/dns4/node-1.local/tcp/1", Address("dns4", "node-1.local", 1, None)),
        ("/dns6/n/tcp/1", Address("dns6", "n", 1, None)),
    ],
)
def test_addresses_are_read_and_written(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text
    named = f"{text}/p2p/{peer_id_text(KEY)}"
    assert parse_address(named) == Address(address.kind, address.host, address.port, KEY)
    assert str(parse_address(named)) == named


def test_ip_addresses_are_written_one_way() -> None:
    assert str(parse_address("/ip6/2001:0DB8:0:0::1/tcp/4001")) == "/ip6/2001:db8::1/tcp/4001"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "an address looks like"),
        ("192.0.2.7:4001", "an address looks like"),
        ("/ip4/192.0.2.7/udp/4001", "an address looks like"),
        ("/ip4/192.0.2.7/tcp/4001/", "an address looks like"),
        ("/ip4/192.0.2.7/tcp/4001/p2p", "an address looks like"),
        ("x/ip4/192.0.2.7/tcp/4001", "an address looks like"),
        ("/dns/" + "a" * 600 + "/tcp/1", "an address looks like"),
        ("/ip4/192.0.2.7/tcp/65536", "a port is a number"),
        ("/ip4/192.0.2.7/tcp/-1", "a port is a number"),
        ("/ip4/192.0.2.7/tcp/٣", "a port is a number"),
        ("/ip4/192.0.2.7/tcp/", "a port is a number"),
        ("/ip4/192.0.2.300/tcp/1", "is not an ip4 address"),
        ("/ip6/192.0.2.3/tcp/1", "is not an ip6 address"),
        ("/unix/socket/tcp/1", "must start with"),
        ("/dns/a..b/tcp/1", "not the name of a computer"),
        ("/dns/ä.org/tcp/1", "not the name of a computer"),
        ("/ip4/192.0.2.7/tcp/1/ws/12D3", "only /p2p/PEERID may follow"),
        ("/ip4/192.0.2.7/tcp/1/p2p/12D3KooW", "is not a node's PeerId"),
        ("/ip4/192.0.2.7/tcp/1/p2p/0OIl", "is not a letter of base58"),
    ],
)
def test_what_is_no_address_is_told(text: str, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        parse_address(text)
