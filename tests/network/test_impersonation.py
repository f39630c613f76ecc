"""Nobody passes for a peer whose secret key he lacks."""

from typing import Any

import pytest
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.rsa import create_new_key_pair as create_rsa_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_pair
from libp2p.custom_types import TProtocol
from libp2p.io.trio import TrioTCPStream
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.protocol_muxer.exceptions import MultiselectError
from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.security.secio.transport import ID as SECIO
from libp2p.security.secio.transport import Transport as Secio
from libp2p.security.security_multistream import SecurityMultistream

from node.host import Host
from node.host.swarm import peer_of

from .around import ask, hosts, pair, raw, settings

pytestmark = pytest.mark.trio


class Stolen:
    """A private key that gives out somebody else's public key, which is all that the thief knows."""

    def __init__(self, own: KeyPair, victim: KeyPair) -> None:
        self._own = own
        self._victim = victim

    def get_public_key(self) -> Any:
        return self._victim.public_key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own.private_key, name)


def thief() -> tuple[KeyPair, KeyPair]:
    victim = create_new_key_pair(bytes([2]) * 32)
    own = create_new_key_pair(bytes([66]) * 32)
    return KeyPair(Stolen(own, victim), victim.public_key), victim  # type: ignore[arg-type]  # that is the trick


async def secure(host: Host, protocol: TProtocol, transport: Any) -> Any:
    """Try to connect to `host` with one way of securing the connection."""
    stream = await raw(host)
    async with stream:
        selection = SecurityMultistream({protocol: transport})
        secured = await selection.secure_outbound(RawConnection(TrioTCPStream(stream), True), peer_of(host.peer))
        # Noise lets the one who dials finish first: what the other side thinks shows when it answers.
        assert await secured.read(1)
        return secured


@pytest.mark.parametrize("protocol", [PLAINTEXT_PROTOCOL_ID, TProtocol(SECIO)])
async def test_connections_without_proof_are_not_taken(protocol: TProtocol) -> None:
    """As shipped, the library takes both; with the first, whoever knows a key has that name."""
    pair, _ = thief()
    transports = {PLAINTEXT_PROTOCOL_ID: InsecureTransport(pair), TProtocol(SECIO): Secio(pair)}
    async with hosts(settings(1)) as (server,):
        with pytest.raises(MultiselectError):
            await secure(server, protocol, transports[protocol])
        assert server.connected() == set()


async def test_a_handshake_signed_with_another_key_is_not_taken() -> None:
    pair, _ = thief()
    async with hosts(settings(1)) as (server,):
        with pytest.raises(Exception, match=r"(?i)closed|eof|ended"):
            await secure(server, NOISE, Noise(pair, create_noise_pair().private_key))
        assert server.connected() == set()


async def test_the_same_handshake_with_the_own_key_is_taken() -> None:
    """So that the test above fails for the signature and for nothing else."""
    own = create_new_key_pair(bytes([66]) * 32)
    async with hosts(settings(1)) as (server,):
        secured = await secure(server, NOISE, Noise(own, create_noise_pair().private_key))
        assert secured.get_remote_peer() == peer_of(server.peer)


async def test_a_key_of_another_kind_is_not_taken() -> None:
    """A node's name is an Ed25519 key everywhere else; libp2p would take RSA, too."""
    own = create_rsa_pair(2048)
    assert len(ID.from_pubkey(own.public_key).to_bytes()) != 38
    async with hosts(settings(1)) as (server,):
        with pytest.raises(Exception, match=r"(?i)closed|eof|ended"):
            await secure(server, NOISE, Noise(own, create_noise_pair().private_key))


async def test_every_start_has_its_own_noise_key() -> None:
    keys = []
    for _ in range(2):
        async with hosts(settings(1)) as (server,):
            own = create_new_key_pair(bytes([66]) * 32)
            secured = await secure(server, NOISE, Noise(own, create_noise_pair().private_key))
            keys.append(secured.remote_permanent_pubkey.to_bytes())
            assert secured.get_remote_peer() == peer_of(server.peer)
    assert keys[0] != keys[1]


async def test_what_we_tell_strangers_is_that_a_node_is_here() -> None:
    async with pair() as (server, client):
        handlers = set(server._network.host.multiselect.handlers)
        assert handlers == {"/ipfs/id/1.0.0", "/ipfs/ping/1.0.0", "/test/echo/1"}
        assert await ask(client, server.peer)
