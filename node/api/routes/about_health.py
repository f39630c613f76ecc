"""How the node fares, for programs that watch it."""

from litestar import Response, get

from node.api.keeping_answers import HealthAnswer
from node.api.routes.here import Here
from node.metrics import CONTENT_TYPE, exposition

__all__ = ["ROUTES", "health", "metrics"]


@get("/health", sync_to_thread=False)
def health(local: Here) -> Response[HealthAnswer]:
    """Whether the node works: 200, or 503 with why it does not. Needs no token, and says nothing else."""
    trouble = local.service.trouble
    answer = HealthAnswer(ok=trouble is None, rule=None if trouble is None else "store", message=trouble)
    return Response(answer, status_code=200 if answer.ok else 503)


@get("/metrics", sync_to_thread=False, media_type=CONTENT_TYPE)
def metrics(local: Here) -> Response[bytes]:
    """Prometheus metrics; docs/reference/metrics.md says what each is."""
    return Response(exposition(local), media_type=CONTENT_TYPE)


ROUTES = [health, metrics]
