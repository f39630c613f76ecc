"""The API on its port: Hypercorn's Trio worker, on 127.0.0.1 and nowhere else."""

import errno
import logging
import socket
from typing import TYPE_CHECKING, cast

import trio

from node.api.access import Application
from node.refused import Refused

if TYPE_CHECKING:
    from hypercorn.typing import Framework
    from trio_typing import TaskStatus

__all__ = ["HOST", "listen", "serve"]

HOST = "127.0.0.1"
_BACKLOG = 64


def listen(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; 0 takes any free port. `Refused` when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as fault:
        listener.close()
        if fault.errno == errno.EADDRINUSE:
            raise Refused(
                "port-busy",
                f"Another program uses port {port} of this machine: stop it, or set api_port in settings.toml "
                "to another number (0 takes any free one).",
            ) from fault
        raise Refused("port", f"The local API cannot listen on port {port}: {fault.strerror}.") from fault
    return listener


async def serve(
    app: Application,
    listener: socket.socket,
    *,
    task_status: "TaskStatus[int]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer requests on `listener` with `app` until cancelled; starts with the port's number.

    Takes `listener` over and closes it.
    """
    from hypercorn.config import Config
    from hypercorn.trio import serve as hypercorn

    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = logging.getLogger(__name__)
    config.accesslog = None
    config.include_server_header = False
    async with trio.open_nursery() as nursery:
        await nursery.start(hypercorn, cast("Framework", app), config)
        task_status.started(port)
