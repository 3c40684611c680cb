"""Structured logs, the same in every process: readable lines on a terminal, one JSON object a line elsewhere.

`MCU_LOG` = `json` or `text` overrides; `MCU_LOG_LEVEL` = debug, info (default), warning, error.  All to standard error.
"""

from __future__ import annotations

import logging
import os
import sys

import structlog


def configure_logs(worker: str) -> None:
    """Set up structlog for this process; every line carries `worker` and its process id."""
    text = os.environ.get("MCU_LOG", "text" if sys.stderr.isatty() else "json") == "text"
    level = logging.getLevelNamesMapping().get(os.environ.get("MCU_LOG_LEVEL", "info").upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([] if text else [structlog.processors.format_exc_info]),
            structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(worker=worker, pid=os.getpid())
