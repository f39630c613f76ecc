"""The local API over real HTTP: who may speak to it, how it refuses, what it never does."""

import contextlib
import http.client
import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.api.access import make_token, read_token
from node.api.answers import Accepted, CouncilAnswer, DraftAnswer, DraftAsked, NodeAnswer, OperationAnswer, Outcome
from node.api.server import HOST, listen
from node.client import Client
from node.config import Config
from node.refused import Refused
from protocol.codec import encode
from protocol.ids import operation_text, parse_operation
from protocol.keys import public_key
from protocol.log.operation import Content, Draft, Envelope, split_inline
from tests.homes import PASSPHRASE, Home, Running, running


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("api") / "home") as node:
        node.home.person("ana")
        yield node


@pytest.fixture(scope="module")
def council(here: Running) -> str:
    found = here.home.sign("council", "found", "--name", "Mill", "--min", "1", "--reason", "a test", "--json")
    return str(found.json["council"])


def ask(
    here: Running, method: str, path: str, body: bytes | None = None, **headers: str | None
) -> tuple[int, dict[str, str], bytes]:
    """One request; a header that is None is left out."""
    wanted: dict[str, str | None] = {
        "host": f"127.0.0.1:{here.port}",
        "authorization": f"Bearer {read_token(here.home.config.token_path)}",
    }
    wanted |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(HOST, here.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in wanted.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        # Who is sent too much answers before the end and listens no longer.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.endheaders(body)
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def refusal(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    """The status and the rule of a refusal, which must be well formed."""
    status, headers, body = answer
    said = json.loads(body)
    assert headers["content-type"] == "application/json"
    assert set(said) == {"rule", "message"}
    assert said["message"].endswith(".")
    return status, said["rule"]


def test_without_the_token_nothing_is_answered(here: Running) -> None:
    for wrong in (None, "", "Bearer", "Bearer x", "Basic abc", "bearer "):
        status, headers, _ = answer = ask(here, "GET", "/v1/node", authorization=wrong)
        assert refusal(answer) == (401, "token")
        assert headers["www-authenticate"] == "Bearer"
        assert status == 401
    assert ask(here, "GET", "/v1/node")[0] == 200


def test_a_page_from_elsewhere_cannot_borrow_the_address(here: Running) -> None:
    for wrong in ("evil.example", "127.0.0.1.evil.example", f"evil.example:{here.port}", "", "127.0.0.2"):
        assert refusal(ask(here, "GET", "/v1/node", host=wrong)) == (403, "host")
        assert refusal(ask(here, "GET", "/schema/openapi.json", host=wrong)) == (403, "host")
    assert ask(here, "GET", "/v1/node", host=None)[0] == 400
    for right in ("127.0.0.1", "localhost", f"LOCALHOST:{here.port}", "[::1]", f"[::1]:{here.port}"):
        assert ask(here, "GET", "/v1/node", host=right)[0] == 200


def test_it_listens_on_loopback_alone(here: Running) -> None:
    with socket.create_connection((HOST, here.port)) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"
    with listen(0) as other:
        assert other.getsockname()[0] == "127.0.0.1"


def test_a_busy_port_is_told_in_a_sentence() -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match=rf"Another program uses port {port}.*api_port") as refused:
            listen(port)
    assert refused.value.rule == "port-busy"


def test_the_schema_is_whole_and_needs_nothing_from_elsewhere(here: Running) -> None:
    status, _, body = ask(here, "GET", "/schema/openapi.json", authorization=None)
    assert status == 200
    schema = json.loads(body)
    assert schema["openapi"].startswith("3.")
    paths = {(method, path) for path, methods in schema["paths"].items() for method in methods}
    assert ("post", "/v1/operations") in paths
    assert ("get", "/v1/events") in paths
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert operation.get("description"), operation
    status, headers, page = ask(here, "GET", "/schema", authorization=None)
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert b"/v1/operations" in page
    assert b"<script" not in page
    assert b"//" not in page.replace(b"<!doctype html>", b"")


def test_every_path_of_the_api_is_documented(here: Running) -> None:
    _, _, body = ask(here, "GET", "/schema/openapi.json")
    text = (Path(__file__).parents[3] / "docs" / "reference" / "api.md").read_text()
    for path, methods in json.loads(body)["paths"].items():
        for method in methods:
            assert f"| `{method.upper()} {path}` |" in text, f"{method} {path}"


def test_refusals_are_typed(here: Running, council: str) -> None:
    nowhere = operation_text(bytes(32))
    assert refusal(ask(here, "GET", "/v1/nothing")) == (404, "unknown-path")
    assert refusal(ask(here, "DELETE", "/v1/node")) == (405, "method")
    assert refusal(ask(here, "GET", f"/v1/councils/{nowhere}")) == (404, "unknown-council")
    assert refusal(ask(here, "GET", "/v1/councils/bafyshort")) == (400, "operation-text")
    assert refusal(ask(here, "GET", f"/v1/councils/{council}/operations/{nowhere}")) == (404, "unknown-operation")
    assert refusal(ask(here, "GET", f"/v1/councils/{council}/motions/{council}")) == (404, "unknown-motion")
    assert refusal(ask(here, "GET", f"/v1/councils/{council}/proposals/{council}")) == (404, "unknown-proposal")
    assert refusal(ask(here, "GET", f"/v1/councils/{council}/operations/{council}/contents/9")) == (
        404,
        "unknown-content",
    )
    assert refusal(ask(here, "GET", "/v1/resolve")) == (400, "body")
    needs = msgspec.json.encode({"needs": [nowhere]})
    assert refusal(ask(here, "POST", f"/v1/councils/{council}/draft", needs)) == (404, "unknown-operation")
    assert refusal(ask(here, "POST", f"/v1/councils/{council}/draft", b'{"needs": 3}')) == (400, "body")
    assert refusal(ask(here, "POST", f"/v1/councils/{council}/draft", b"{")) == (400, "body")
    assert refusal(ask(here, "POST", "/v1/node/proofs", b'{"context": "abc"}')) == (400, "context")
    assert refusal(ask(here, "PUT", "/v1/petnames/ana", b'{"name": "x"}')) == (400, "person-text")
    assert refusal(ask(here, "POST", "/v1/peers", b'{"address": "/ip4/1.2.3.4/tcp/1"}')) == (409, "peer")
    assert refusal(ask(here, "DELETE", f"/v1/joining/{nowhere}")) == (404, "unknown-request")


def test_bodies_are_bounded(here: Running, council: str) -> None:
    cbor = {"content_type": "application/cbor"}
    large = bytes(300_000)
    assert refusal(ask(here, "POST", "/v1/operations", large, **cbor)) == (413, "size")
    json_body = b'{"needs": ["' + b"x" * 1_100_000 + b'"]}'
    assert refusal(ask(here, "POST", f"/v1/councils/{council}/draft", json_body)) == (413, "size")


def test_operations_come_as_cbor_and_are_judged(here: Running) -> None:
    assert refusal(ask(here, "POST", "/v1/operations", b"\xa0", content_type="text/plain")) == (400, "content-type")
    status, _, body = ask(here, "POST", "/v1/operations", b"\xa0", content_type="application/cbor")
    outcome = msgspec.json.decode(body, type=Outcome)
    assert (status, outcome.state, outcome.id) == (200, "refused", None)


class Member:
    """Somebody who signs for herself and speaks to the API alone."""

    def __init__(self, client: Client, council: str, seed: bytes) -> None:
        self.client = client
        self.council = council
        self.seed = seed

    def envelope(self, kind: str, body: dict[str, Any], *contents: Content, needs: tuple[str, ...] = ()) -> Envelope:
        """A signed operation on the heads."""
        place = self.client.post(f"/v1/councils/{self.council}/draft", DraftAsked(needs=list(needs)), DraftAnswer)
        assert place.council == self.council
        assert set(needs) <= set(place.deps)
        deps = tuple(parse_operation(dep) for dep in place.deps)
        author = public_key(self.seed)
        draft = Draft(parse_operation(self.council), author, place.depth, deps, 1_700_000_000_000, kind, body, contents)
        return draft.signed(self.seed)

    def submit(self, envelope: Envelope) -> Outcome:
        """Hand it in."""
        return self.client.send("/v1/operations", envelope.encode(), Outcome)


@pytest.fixture(scope="module")
def ana(here: Running, council: str) -> Member:
    from node.keystore import Keystore

    opened = Keystore(here.home.config.keys_dir).unlock("ana", PASSPHRASE.encode())
    return Member(here.home.client(), council, opened.device_seed)


def test_a_draft_is_signed_outside_and_submitted(ana: Member, council: str) -> None:
    envelope = ana.envelope(
        "comment.write", {"on": parse_operation(council), "text": 0}, Content(bytes(16), b"hm"), needs=(council,)
    )
    outcome = ana.submit(envelope)
    assert outcome.state == "accepted"
    assert outcome.without_effect is None
    assert ana.submit(envelope).state == "known"
    shown = ana.client.get(f"/v1/councils/{council}/operations/{outcome.id}", OperationAnswer)
    assert shown.kind == "comment.write"
    assert shown.contents[0].text == "hm"
    assert shown.author.name == "ana"
    raw = b"".join(ana.client.read(f"/v1/councils/{council}/operations/{outcome.id}/envelope"))
    assert raw == envelope.encode()


def test_what_has_no_effect_says_so(ana: Member, council: str) -> None:
    outcome = ana.submit(ana.envelope("comment.write", {"on": bytes(32), "text": 0}, Content(bytes(16), b"hm")))
    assert outcome.state == "accepted"
    assert outcome.without_effect
    assert outcome.id is not None
    shown = ana.client.get(f"/v1/councils/{council}/operations/{outcome.id}", OperationAnswer)
    assert shown.without_effect == outcome.without_effect


def test_a_stranger_is_refused_and_a_forgery_too(ana: Member) -> None:
    stranger = Member(ana.client, ana.council, bytes([7]) * 32)
    outcome = stranger.submit(stranger.envelope("member.absent", {}))
    assert (outcome.state, outcome.rule) == ("refused", "standing")
    good = ana.envelope("member.absent", {})
    forged = Envelope(msgspec.structs.replace(good.operation, signature=bytes(64)), good.contents)
    outcome = ana.submit(forged)
    assert (outcome.state, outcome.rule) == ("refused", "signature")


def test_what_builds_on_the_unknown_waits(ana: Member, council: str) -> None:
    draft = Draft(parse_operation(council), public_key(ana.seed), 9, (bytes(32),), 0, "member.absent", {})
    outcome = ana.submit(draft.signed(ana.seed))
    assert outcome.state == "waiting"
    assert outcome.message == "It waits for 1 operations that it builds on and that are not here yet."


def test_a_large_attachment_follows_its_operation(here: Running, ana: Member, council: str) -> None:
    contents = (Content(bytes(16), b"Plans"), Content(b"s" * 16, b"see the file"), Content(b"t" * 16, bytes(100_000)))
    envelope = ana.envelope("proposal.open", {"title": 0, "text": 1, "files": [2]}, *contents)
    thin = Envelope(envelope.operation, split_inline(contents))
    assert thin.contents[2] is None
    outcome = ana.submit(thin)
    assert outcome.state == "accepted"
    place = f"/v1/councils/{council}/operations/{outcome.id}/contents/2"
    assert refusal(ask(here, "GET", place)) == (404, "unknown-content")
    cbor = {"content_type": "application/cbor"}
    wrong = encode([b"t" * 16, bytes(99_999)])
    assert refusal(ask(here, "PUT", place, wrong, **cbor)) == (409, "content-hash")
    assert refusal(ask(here, "PUT", place, encode([1, 2]), **cbor)) == (400, "content")
    ana.client.send(place, encode([b"t" * 16, bytes(100_000)]), Accepted, method="PUT")
    status, headers, body = ask(here, "GET", place)
    assert (status, body) == (200, bytes(100_000))
    # A member's file must never run as a page of this node.
    assert headers["content-disposition"] == "attachment"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox"


def test_events_tell_what_happens(ana: Member, council: str) -> None:
    events = ana.client.events(council, seconds=60)
    assert next(events).name == "ready"
    outcome = ana.submit(
        ana.envelope(
            "comment.write", {"on": parse_operation(council), "text": 0}, Content(bytes(16), b"yes"), needs=(council,)
        )
    )
    event = next(events)
    assert event.name == "operation"
    assert event.data["operation"] == outcome.id
    assert event.data["council"] == council
    assert event.data["words"] == "ana commented on a comment"
    events.close()


def test_waiting_ends_with_the_event_or_the_time(ana: Member, council: str) -> None:
    answer = ana.client.wait(council, lambda: ana.client.get(f"/v1/councils/{council}", CouncilAnswer), 60)
    assert answer.name == "Mill"
    with pytest.raises(TimeoutError):
        ana.client.wait(council, lambda: None, 0.05)


def test_the_node_tells_of_itself_and_holds_no_secret(here: Running) -> None:
    answer = here.home.client().get("/v1/node", NodeAnswer)
    assert answer.port == here.port
    assert answer.pid == os.getpid()
    assert answer.peer.startswith("12D3KooW")
    _, _, body = ask(here, "GET", "/v1/node")
    for secret in (here.node.keys.host_seed, here.node.keys.teller_seed):
        assert secret.hex() not in body.decode()


def test_the_token_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "api.token"
    token = make_token(path)
    assert len(token) >= 40
    assert make_token(path) == token == read_token(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(Refused, match="Others on this computer could read"):
        read_token(path)
    path.chmod(0o600)
    path.write_text("\n")
    with pytest.raises(Refused, match="is empty"):
        read_token(path)


def test_without_a_node_the_client_says_how_to_start_one(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with pytest.raises(Refused, match=r"No node is running for .*moot node") as refused:
        home.client()
    assert refused.value.rule == "no-node"
    with listen(0) as gone:
        port = gone.getsockname()[1]
    make_token(home.config.token_path)
    # A node that was killed leaves its file behind.
    home.config.run_path.write_text(json.dumps({"pid": 1, "port": port}))
    with pytest.raises(Refused, match="No node is running"):
        home.client().get("/v1/node", NodeAnswer)
    home.config.run_path.write_text("{}")
    with pytest.raises(Refused, match="cannot be read"):
        home.client()


def test_another_program_on_the_port_is_found_out(tmp_path: Path) -> None:
    import threading

    home = Home(tmp_path / "home")
    make_token(home.config.token_path)
    with listen(0) as other:
        other.setblocking(True)
        home.config.run_path.write_text(json.dumps({"pid": 1, "port": other.getsockname()[1]}))

        def answer(reply: bytes) -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)

        for reply, rule in (
            (b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno", "answer"),
            (b"SSH-2.0-OpenSSH\r\n", "node-stopped"),
            (b"HTTP/1.1 200 Yes\r\ncontent-length: 17\r\n\r\n" + b'{"version":"0.0"}', "node-version"),
        ):
            thread = threading.Thread(target=answer, args=(reply,))
            thread.start()
            with pytest.raises(Refused) as refused:
                home.client().get("/v1/node", NodeAnswer)
            thread.join()
            assert refused.value.rule == rule


def test_two_nodes_cannot_share_a_home(here: Running) -> None:
    done = here.home.moot("node", "run")
    assert done.code == 1
    assert "A node is running on" in done.err
    assert Config(here.home.path).run_path.exists()
