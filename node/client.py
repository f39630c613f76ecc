"""The command's way to the node: a small synchronous client of the local API.

Light to import: the standard library and msgspec. Answers are the typed bodies of
`node.api.answers`.
"""

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from node.api.access import read_token
from node.config import Config
from node.refused import Refused

__all__ = ["CBOR", "Client", "Event"]

T = TypeVar("T")
HOST = "127.0.0.1"
CBOR = "application/cbor"
_JSON = "application/json"
_PATIENCE = 120.0  # seconds: a node that verifies a long log is at work, not gone
_OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: its name and its data, decoded from JSON."""

    name: str
    data: dict[str, Any]


class Client:
    """Speaks to the node of one home. Refusals of the node are raised as `Refused`."""

    def __init__(self, config: Config) -> None:
        """Find the running node of `config`'s home; `Refused` when none runs."""
        self._home = config.home
        try:
            running = json.loads(config.run_path.read_bytes())
            self.port = int(running["port"])
            self._token = read_token(config.token_path)
        except FileNotFoundError as fault:
            raise self._no_node() from fault
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise Refused(
                "run-file", f"{config.run_path}: what the node wrote of itself cannot be read; start it again."
            ) from fault

    def _no_node(self) -> Refused:
        return Refused("no-node", f"No node is running for {self._home}: start one with 'moot node start'.")

    def get(self, path: str, answer: type[T], **query: str | int | None) -> T:
        """What `GET path?query` answers; names with no value are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._typed("GET", f"{path}?{urlencode(given)}" if given else path, answer)

    def post(self, path: str, body: object, answer: type[T]) -> T:
        """What `POST path` answers to a JSON body (a typed struct, or plain values)."""
        return self._typed("POST", path, answer, msgspec.json.encode(body), _JSON)

    def put(self, path: str, body: object, answer: type[T]) -> T:
        """What `PUT path` answers to a JSON body."""
        return self._typed("PUT", path, answer, msgspec.json.encode(body), _JSON)

    def delete(self, path: str, answer: type[T]) -> T:
        """What `DELETE path` answers."""
        return self._typed("DELETE", path, answer)

    def send(self, path: str, body: bytes, answer: type[T], method: str = "POST") -> T:
        """What the node answers to bytes, sent as `application/cbor`."""
        return self._typed(method, path, answer, body, CBOR)

    def read(self, path: str, **query: str | int | None) -> Iterator[bytes]:
        """The body of `GET path`, piece by piece as it arrives."""
        given = {name: value for name, value in query.items() if value is not None}
        with closing(self._connection(_PATIENCE)) as connection:
            response = self._ask(connection, "GET", f"{path}?{urlencode(given)}" if given else path)
            try:
                while piece := response.read(1 << 16):
                    yield piece
            except (http.client.HTTPException, ConnectionError) as fault:
                raise Refused("node-stopped", "The node stopped before it had sent everything; try again.") from fault

    def events(
        self, council: str | None = None, seconds: float | None = None, brief: bool = False
    ) -> Generator[Event, None, None]:
        """Events as they happen; the first, `ready`, says that none after it will be missed.

        seconds: the longest wait for all of them together, without limit when None. When it is
        over, raises `TimeoutError`. Quiet spells yield `alive` events some seconds apart.
        brief: only that something has `changed`, not what.
        """
        end = None if seconds is None else time.monotonic() + seconds
        path = f"/v1/events?brief={str(brief).lower()}" + (f"&council={quote(council)}" if council else "")
        with closing(self._connection(_PATIENCE)) as connection:
            response = self._ask(connection, "GET", path)
            name, data = "", ""
            while True:
                if end is not None:
                    rest = end - time.monotonic()
                    if rest <= 0:
                        raise TimeoutError
                    # Only a body of unknown end leaves its socket with the connection; this one is such.
                    assert connection.sock is not None
                    connection.sock.settimeout(rest)
                try:
                    line = response.readline()
                except (http.client.HTTPException, ConnectionError) as fault:
                    raise _stopped() from fault
                if not line:
                    raise _stopped()
                key, _, value = line.decode().rstrip("\r\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    data += value
                elif not key and name:
                    yield Event(name, json.loads(data))
                    name, data = "", ""

    def wait(self, council: str | None, look: Callable[[], T | None], seconds: float | None) -> T:
        """What `look` answers once that is not None; it is asked again after every change.

        Raises `TimeoutError` when `seconds` are over first.
        """
        with closing(self.events(council, seconds, brief=True)) as events:
            for event in events:
                if event.name != "alive":
                    seen = look()
                    if seen is not None:
                        return seen
        raise AssertionError("the stream of events ended without an error")

    def _connection(self, patience: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.port, timeout=patience)

    def _typed(self, method: str, path: str, answer: type[T], body: bytes | None = None, sort: str = _JSON) -> T:
        with closing(self._connection(_PATIENCE)) as connection:
            response = self._ask(connection, method, path, body, sort)
            try:
                data = response.read()
            except (http.client.HTTPException, ConnectionError) as fault:
                raise _cut_off(method) from fault
        try:
            return msgspec.json.decode(data, type=answer)
        except msgspec.DecodeError as fault:
            raise _another_version() from fault

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None = None,
        sort: str = _JSON,
    ) -> http.client.HTTPResponse:
        headers: Mapping[str, str] = {"authorization": f"Bearer {self._token}"}
        if body is not None:
            headers = {**headers, "content-type": sort}
        try:
            # Who is sent too much answers before the end and listens no longer; the answer is there.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, headers)
            response = connection.getresponse()
            good = response.status in _OK
            said = b"" if good else response.read()
        except ConnectionRefusedError as fault:
            raise self._no_node() from fault
        except TimeoutError as fault:
            raise Refused("node-silent", "The node does not answer; look at its log ('moot node status').") from fault
        except (http.client.HTTPException, ConnectionError) as fault:
            raise _cut_off(method) from fault
        if good:
            return response
        raise _refusal(response.status, said)


def _cut_off(method: str) -> Refused:
    doubt = "" if method == "GET" else ", and look whether it is done before you do it anew"
    return Refused("node-stopped", f"The node stopped before it answered: start it again{doubt}.")


def _stopped() -> Refused:
    return Refused("node-stopped", "The node stopped while this command was waiting for it.")


def _another_version() -> Refused:
    # As after an update: the command is the new program, the node still the old one.
    return Refused(
        "node-version",
        "The node that runs is of another version than this command: stop it with 'moot node stop' and start it again.",
    )


def _refusal(status: int, body: bytes) -> Refused:
    try:
        said = json.loads(body)
        if said["rule"] in ("unknown-path", "method"):
            return _another_version()
        return Refused(str(said["rule"]), str(said["message"]))
    except (ValueError, KeyError, TypeError):
        return Refused("answer", f"What answers on the node's port is not this node (status {status}): start it again.")
