"""Logs: structlog over the standard library, JSON lines for machines or colours for a terminal, always on stderr.

Secrets never reach a line: values under telling keys are replaced, and the access log writes route templates
(`/join/{token}`), not paths.  Configured once per process.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

_SECRET = re.compile(r"token|passw|secret|cookie|authori[sz]ation|private_key", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]+:)[^@\s/]+@")
HIDDEN = "•••"
# Without local variables: passwords and tokens are among them.
_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=30)
)

Level = Literal["debug", "info", "warning", "error"]


def hide_secrets(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: blank values under secret keys and passwords inside URLs."""
    for key, value in event.items():
        if _SECRET.search(key):
            event[key] = HIDDEN
        elif isinstance(value, str) and "://" in value:
            event[key] = _URL_PASSWORD.sub(rf"\1{HIDDEN}@", value)
    return event


def configure_logs(level: Level = "info", form: Literal["auto", "text", "json"] = "auto") -> None:
    """Route structlog and the standard library through one handler."""
    console = form == "text" or (form == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=not console),
        hide_secrets,
    ]
    renderers: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [_TRACEBACKS, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for noisy in ("aiosqlite", "alembic", "asyncio", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def log(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


class AccessLog(AbstractAccessLogger):
    """One line per request, by route template so that no join token is written down."""

    QUIET = frozenset({"/healthz", "/metrics"})

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        template = "?"
        if isinstance(request, web.Request) and request.match_info.route.resource is not None:
            template = request.match_info.route.resource.canonical
        if template in self.QUIET:
            return
        level = logging.INFO if response.status < 500 else logging.ERROR
        self.logger.log(
            level, "%s %s %d %.1f ms %s", request.method, template, response.status, time * 1e3, request.remote
        )

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)
