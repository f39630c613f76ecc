"""The reference of the local API and of `--json`, written from the code: its routes, its answers, the commands' help."""

import ast
import importlib
import inspect
import pkgutil
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, cast

import click
import msgspec

import cli
import node.api
from node.api.app import litestar_application
from node.api.local import Local

__all__ = ["API", "JSON", "api_reference", "json_reference"]

_MODULES = [
    importlib.import_module(f"node.api.{found.name}")
    for found in pkgutil.iter_modules(node.api.__path__)
    if found.name.endswith("_answers")
]
_REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
API = _REFERENCE / "api.md"
JSON = _REFERENCE / "json.md"

_API_HEAD = """# The local API

Written by `make docs` from the node's routes. The node answers programs of its own computer over HTTP, on 127.0.0.1 and nowhere else; the command `moot` is one of them.
Nothing that the API can do needs anybody's secret key, and no secret key ever passes through it.

- **Where**: the port stands in `run.json` in the home (`{"pid", "port"}`), 4748 unless [settings](settings.md) say otherwise.
- **Token**: every request carries `Authorization: Bearer TOKEN`; the token is the text of `api.token` in the home, which only the node's own user can read. The
  schema can be read without it, `/schema` as a page and `/schema/openapi.json` as OpenAPI 3.1, and [`/health`](metrics.md).
- **Host**: the `Host` header must be 127.0.0.1, localhost or [::1], with any port. So a web page cannot point a name of its own at the node.
- **Bodies** are JSON, or canonical CBOR (`application/cbor`) where operations or attachments go in. They are bounded: JSON 1 MiB, an envelope 216 KiB, an attachment 16 MiB.
- **Refusals** are `{"rule", "message"}`: a stable short name, and one sentence for a person. The status is 400 for what is malformed, 401 without the token, 403 for another
  host, 404 for a rule that begins with `unknown-`, 409 for every other refusal, 413 for what is too large, 500 for a fault of the node, 503 when its disk fails.
- **Fields** of answers are in [what `--json` prints](json.md); they are added, never renamed.

## Writing into a council

1. `POST /v1/councils/{council}/draft` with the ids that the new operation's body names: the answer has `deps`, `depth` and `epoch`.
2. Build the header and sign it, as [the protocol](../protocol.md) says, in your own process.
3. `POST /v1/operations` with the envelope: the answer says what became of it. What is `accepted` is on disk.
4. Attachments that are too large to travel in the envelope follow one by one: `PUT .../contents/{index}` with CBOR `[salt, bytes]`.

A node proves its own keys for the operations that name it (a founding, a request, an enrolment) with `POST /v1/node/proofs`. It signs nothing else for anybody.

## Events

`GET /v1/events` streams server-sent events, of one council with `council=ID`. With `brief=true` there is only `changed`, at most some twenty times a second, for programs that look at the
state anew each time. The first is `ready`: nothing that happens after it is missed. Each event is told after it is on
disk. `missed` says that this reader was too slow and has to look at the state instead.

| event | data |
|---|---|
| `ready`, `alive` | `{}`; `alive` comes every ten seconds in which nothing else does |
| `operation` | [`council`, `operation`, `kind`, `words`, `without_effect`](json.md#operationevent) |
| `ballot` | [`council`, `what`, `words`, `ballot`](json.md#ballotevent): a ballot was `opened`, or its `result` is certified; told beside the operation |
| `epoch` | [`council`, `number`, `digest`, `effects`](json.md#epochevent) |
| `erased` | `council`, `operation`, `attachments` (their indices) |
| `forgotten` | `council`, `operations`: valid, but nobody in standing refers to them any more |
| `joining` | `joining`: list of [JoinAnswer](json.md#joinanswer), when a request made here has been taken, refused or granted |
| `missed` | `count` |

## Routes

| route | what it does | asks | answers |
|---|---|---|---|
"""

_JSON_HEAD = """# What `--json` prints

Written by `make docs` from the commands' help and the node's typed answers. With `--json` a command prints one JSON value on stdout and nothing else; reasons of refusals go to stderr.
Keys are stable: they are added, never renamed.

Times are integers, milliseconds since 1970, UTC. Ids are texts: operations, councils, memberships, proposals, motions and comments `bafyrei...` (CIDv1), persons,
devices and tellers `did:key:z6Mk...`, nodes `12D3KooW...` (libp2p PeerIds). Digests are 64 hex digits. `null` means: not there, or not known here.

## By command

| command | keys |
|---|---|
"""


def json_reference() -> str:
    """docs/reference/json.md."""
    rows = [
        f"| `{path}` | {said} |"
        for path, command in _commands("moot", cli.moot)
        if (said := _json_of(command)) is not None
    ]
    parts = [_JSON_HEAD + "\n".join(rows) + "\n\n## Answers\n"]
    fields = _field_docs()
    for name, answer in _structs():
        parts.append(f"### {name}\n\n{inspect.getdoc(answer)}\n\n| key | type | |\n|---|---|---|")
        hints = typing.get_type_hints(answer)
        for field in answer.__struct_fields__:
            said = fields.get((name, field), "")
            parts.append(f"| `{field}` | {_words(hints[field])} | {said} |")
        parts.append("")
    return "\n".join(parts)


def api_reference() -> str:
    """docs/reference/api.md."""
    # Routes are described without a node: nothing of it is touched before a request comes.
    schema = litestar_application(cast("Local", None)).openapi_schema.to_schema()
    rows = []
    for path, methods in sorted(schema["paths"].items()):
        for method, operation in sorted(methods.items()):
            said = " ".join(operation["description"].split()).replace("|", "\\|")
            asks = _body(operation.get("requestBody", {}))
            given = next(iter(operation["responses"].values()))
            rows.append(f"| `{method.upper()} {path}` | {said} | {asks} | {_body(given)} |")
    return _API_HEAD + "\n".join(rows) + "\n"


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _commands(f"{path} {name}", inner)


def _json_of(command: click.Command) -> str | None:
    """What a command's help says of its `--json`."""
    if not any(parameter.name == "as_json" for parameter in command.params):
        return None
    said = re.search(r"\bJSON: (.*)", " ".join((command.help or "").split()))
    assert said, f"the help of {command.name} does not say what --json prints"
    linked = re.sub(
        rf"\b({'|'.join(name for name, _ in _structs())})\b", lambda name: f"[{name[0]}](#{name[0].lower()})", said[1]
    )
    return (
        linked.replace(" (docs/reference/json.md)", "")
        .replace("docs/reference/api.md", "[the API](api.md)")
        .rstrip(".")
    )


def _structs() -> list[tuple[str, type[msgspec.Struct]]]:
    return [(name, getattr(module, name)) for module in _MODULES for name in module.__all__]


def _field_docs() -> dict[tuple[str, str], str]:
    """The sentences that stand under fields in the source."""
    out = {}
    for part in [part for module in _MODULES for part in ast.parse(inspect.getsource(module)).body]:
        if not isinstance(part, ast.ClassDef):
            continue
        for field, said in zip(part.body, part.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(said, ast.Expr)
                and isinstance(said.value, ast.Constant)
            ):
                out[part.name, field.target.id] = " ".join(str(said.value.value).split()).replace("|", "\\|")
    return out


def _words(hint: Any) -> str:
    """A type for people."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is list:
        return f"list of {_words(args[0])}"
    if origin is dict:
        return "object"
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in args)
    if origin in (Union, types.UnionType):
        return " or ".join("null" if arg is type(None) else _words(arg) for arg in args)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return {str: "text", int: "integer", float: "number", bool: "true or false", bytes: "base64", Any: "any value"}[
        hint
    ]


def _body(described: dict[str, Any]) -> str:
    """The type of a body, linked to its fields."""
    for sort, content in described.get("content", {}).items():
        schema = content.get("schema", {})
        many = schema.get("type") == "array"
        name = (schema.get("items", {}) if many else schema).get("$ref", "").rpartition("/")[2]
        if name:
            linked = f"[{name}](json.md#{name.lower()})"
            return f"list of {linked}" if many else linked
        return f"`{sort}`"
    return ""
