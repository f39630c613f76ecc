"""Where a running node writes its log, and in which form: lines for people, or JSON for programs."""

import logging
import logging.handlers
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from node.config import Config

__all__ = ["logging_to", "shape"]

_BYTES: Final = 5_000_000
_BACKUPS: Final = 2


def shape(form: str) -> logging.Formatter:
    """`text`, or `json`: one object a line with timestamp (UTC), level, logger, event, and exception if there is one."""
    if form == "text":
        return logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    import structlog  # only who asks for it pays for it

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.format_exc_info,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


class _Sparing:
    """What a handler does when the disk takes no line: say so once, and let the node go on."""

    complained = False

    def handleError(self, _: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        if not self.complained:
            self.complained = True
            print(f"The log cannot be written: {sys.exc_info()[1]}.", file=sys.stderr)  # noqa: T201  # there is no log


class _File(_Sparing, logging.handlers.RotatingFileHandler):
    pass


class _Stderr(_Sparing, logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    pass


@contextmanager
def logging_to(config: Config) -> Iterator[None]:
    """Write what is at least as serious as the settings say to the home's log, or to stderr."""
    settings = config.settings
    handler: logging.Handler = (
        _Stderr(sys.stderr)
        if settings.log_to == "stderr"
        else _File(config.log_path, maxBytes=_BYTES, backupCount=_BACKUPS, encoding="utf-8")
    )
    handler.setFormatter(shape(settings.log_format))
    root = logging.getLogger()
    root.addHandler(handler)
    # libp2p logs its peers' every mistake; what matters of it comes through our own loggers.
    logging.getLogger("libp2p").setLevel(logging.CRITICAL)
    for name in ("folkmoot", "node"):
        logging.getLogger(name).setLevel(settings.log_level.upper())
    try:
        yield
    finally:
        root.removeHandler(handler)
        with suppress(OSError):  # a disk that takes no line does not take the last one either
            handler.close()
