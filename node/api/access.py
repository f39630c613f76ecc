"""Who may speak to the API: programs of this machine that can read the token file.

Two checks stand before every request. The `Host` header must name this machine, or a web page
from anywhere could point its own name at 127.0.0.1 and read the answers (DNS rebinding). And the
request must carry the token, which lies in a file that only the node's own user can read.
"""

import contextlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec

from node import private
from node.refused import Refused
from protocol.errors import Refusal

__all__ = ["Access", "Application", "make_token", "read_token"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application. Spelt out here because the command reads the token and must start fast."""

_TOKEN_BYTES = 32


def make_token(path: Path) -> str:
    """The API's token: from `path`, or made and written there, for its owner alone, if there is none."""
    with contextlib.suppress(FileExistsError):
        if not path.exists():
            private.create(path, secrets.token_urlsafe(_TOKEN_BYTES).encode() + b"\n")
    return read_token(path)


def read_token(path: Path) -> str:
    """The token in `path`; `Refused` when others could read it too, or when it holds none."""
    token = private.read(path).decode("ascii", "replace").strip()
    if not token:
        raise Refused("token", f"{path} is empty: delete that file and start the node again, which makes a new one.")
    return token


def _hostname(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


class Access:
    """An ASGI application in front of another: lets through what carries the token.

    `open_paths` are answered without the token (the Host is checked all the same).
    """

    HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})

    def __init__(self, app: Application, token: str, open_paths: Iterable[str] = ()) -> None:
        self._app = app
        self._token = token.encode()
        self._open = tuple(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or pass the request on."""
        if scope["type"] == "http":
            refusal = self._check(scope["path"], scope["headers"])
            if refusal is not None:
                status = 401 if refusal.rule == "token" else 403
                await _answer(send, status, refusal)
                return
        await self._app(scope, receive, send)

    def _check(self, path: str, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or _hostname(hosts[0].decode("latin-1").lower()) not in self.HOSTS:
            return Refusal("host", "This API answers only to the names of this machine: use http://127.0.0.1.")
        if any(path == prefix or path.startswith(prefix + "/") for prefix in self._open):
            return None
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) == 1 and given[0][:7].lower() == b"bearer " and hmac.compare_digest(given[0][7:], self._token):
            return None
        return Refusal(
            "token",
            "The request does not carry this node's token: send 'Authorization: Bearer' and the token file's text.",
        )


async def _answer(send: Send, status: int, refusal: Refusal) -> None:
    body = msgspec.json.encode({"rule": refusal.rule, "message": refusal.message})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
