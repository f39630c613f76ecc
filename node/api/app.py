"""The API as an ASGI application: routes, typed errors, the schema."""

import logging
from typing import TYPE_CHECKING, Any, cast

import msgspec
from litestar import Litestar, Request, Response
from litestar.background_tasks import BackgroundTask
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR

from node.api.access import Access, Application
from node.api.local import Local
from node.api.routes import (
    about_ballots,
    about_bundles,
    about_councils,
    about_health,
    about_joining,
    about_log,
    about_node,
)
from node.refused import Refused
from node.store import StoreFailed
from protocol.errors import Malformed

if TYPE_CHECKING:
    from litestar.connection import Request as AnyRequest

__all__ = ["application", "litestar_application"]

_LOG = logging.getLogger(__name__)
_Any = Request[Any, Any, Any]
_MOST_JSON = 1 << 20


class _Page(OpenAPIRenderPlugin):
    """The schema as a plain page: no script, nothing from elsewhere."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: "AnyRequest[Any, Any, Any]", openapi_schema: dict[str, Any]) -> bytes:
        """The page."""
        from html import escape

        rows = []
        for path, methods in sorted(openapi_schema["paths"].items()):
            for method, operation in sorted(methods.items()):
                says = operation.get("description") or operation.get("summary", "")
                rows.append(
                    f"<tr><td>{escape(method.upper())}</td><td><code>{escape(path)}</code></td><td>{escape(says)}</td></tr>"
                )
        return (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Folkmoot's local API</title>"
            "<h1>Folkmoot's local API</h1><p>As data: <a href='/schema/openapi.json'>/schema/openapi.json</a></p>"
            f"<table>{''.join(rows)}</table></html>"
        ).encode()


def application(local: Local, token: str) -> Application:
    """The whole application, behind the token. The schema, and whether it works, can be read without it."""
    return Access(cast("Application", litestar_application(local)), token, open_paths=["/schema", "/health"])


def litestar_application(local: Local) -> Litestar:
    """The routes alone, for those who put their own door in front."""

    def provide() -> Local:
        return local

    def store_failed(_: _Any, failed: StoreFailed) -> Response[bytes]:
        _LOG.error("the store failed: %s", failed)
        answer = _said(503, "store", f"The node's disk fails, so it stops: {failed}")
        answer.background = BackgroundTask(_stop, local, failed)  # who asked hears of it first
        return answer

    return Litestar(
        [
            *about_node.ROUTES,
            *about_councils.ROUTES,
            *about_ballots.ROUTES,
            *about_bundles.ROUTES,
            *about_health.ROUTES,
            *about_log.ROUTES,
            *about_joining.ROUTES,
        ],
        dependencies={"local": Provide(provide, sync_to_thread=False)},
        exception_handlers={
            Refused: _refused,
            Malformed: _malformed,
            UnicodeDecodeError: _no_text,
            StoreFailed: store_failed,
            HTTPException: _http,
            Exception: _fault,
        },
        openapi_config=OpenAPIConfig(
            title="Folkmoot's local API",
            version="1",
            description="For programs on the same computer. Send the text of api.token as a bearer token.",
            path="/schema",
            use_handler_docstrings=True,
            render_plugins=[_Page(), JsonRenderPlugin(path="/openapi.json")],
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"token": []}],
        ),
        request_max_body_size=_MOST_JSON,
        logging_config=None,
    )


def _said(status: int, rule: str, message: str) -> Response[bytes]:
    body = msgspec.json.encode({"rule": rule, "message": message})
    return Response(body, status_code=status, media_type="application/json")


async def _stop(local: Local, failed: StoreFailed) -> None:
    local.service.broken(failed)


def _refused(_: _Any, refused: Refused) -> Response[bytes]:
    return _said(404 if refused.rule.startswith("unknown-") else 409, refused.rule, refused.message)


def _malformed(_: _Any, malformed: Malformed) -> Response[bytes]:
    return _said(400, malformed.rule, malformed.message)


def _no_text(_: _Any, __: UnicodeDecodeError) -> Response[bytes]:
    return _said(400, "body", "The request is not as it must be: its text is not UTF-8.")


def _http(_: _Any, error: HTTPException) -> Response[bytes]:
    if isinstance(error, ValidationException) or error.status_code == 400:
        return _said(400, "body", f"The request is not as it must be: {_detail(error)}.")
    rules = {404: "unknown-path", 405: "method", 413: "size", 415: "content-type"}
    return _said(error.status_code, rules.get(error.status_code, "http"), f"{error.detail.rstrip('.')}.")


def _detail(error: HTTPException) -> str:
    extra = error.extra if isinstance(error.extra, list) else []
    parts = [f"{item.get('key', 'body')}: {item.get('message', '')}" for item in extra if isinstance(item, dict)]
    return ("; ".join(parts) or error.detail).rstrip(".")


def _fault(_: _Any, fault: Exception) -> Response[bytes]:
    _LOG.error("a request failed", exc_info=fault)
    words = "The node made a mistake; its log says which. Nothing was changed by what was not accepted."
    return _said(HTTP_500_INTERNAL_SERVER_ERROR, "fault", words)
