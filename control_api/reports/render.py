"""Papers made by another process, with a deadline; the event loop only waits.

At most `_AT_ONCE` at a time, at most `_WAITING` behind them; who comes then is told to try again.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import structlog

from control_api.problems import Refused
from control_api.reports.paper import Context, clean
from control_api.store.base import Json
from mcu_core.errors import OperatorError

Format = Literal["docx", "pdf", "xlsx"]
MEDIA_TYPES: dict[Format, str] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
OURS = Path(__file__).resolve().parent / "templates"
_ROOT = Path(__file__).resolve().parents[2]
_AT_ONCE = 2
_WAITING = 8
_DEADLINE = 60.0
_LOGGED = 2000

log = structlog.get_logger("reports")


class Renderer:
    """`templates` and `fonts` are an office's own folders; a file there goes before ours."""

    def __init__(
        self,
        templates: Path | None = None,
        fonts: Path | None = None,
        deadline: float = _DEADLINE,
        waiting: int = _WAITING,
    ) -> None:
        self._templates, self._fonts, self._deadline, self._most = templates, fonts, deadline, _AT_ONCE + waiting
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._asked = 0

    async def render(
        self,
        kind: Format | Literal["png"],
        name: str,
        context: Context | Json,
        at: float,
        files: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """The paper `name` (minutes, summary, yearly, rollup); `at` is the time it carries.

        Raises Refused `reports_busy`, OperatorError `report_failed`.
        """
        if self._asked >= self._most:
            raise busy()
        self._asked += 1
        try:
            job = await asyncio.to_thread(self._job, kind, name, context, at, files or {})
            async with self._turns:
                return await self._made(job, name)
        finally:
            self._asked -= 1

    def _job(self, kind: str, name: str, context: Json, at: float, files: Mapping[str, bytes]) -> bytes:
        """The worker's input, in a thread: whether the office has a file of its own is asked of the disk."""
        parts = [self._file(part) for part in (f"{name}.typ", "common.typ")] if kind in ("pdf", "png") else []
        job = {
            "format": kind,
            "template": str(parts[0] if parts else self._file(f"{name}.docx") if kind == "docx" else ""),
            "parts": [str(part) for part in parts],
            "fonts": [] if self._fonts is None else [str(self._fonts)],
            "context": _cleaned(context),
            "at": at,
            "files": {file: base64.b64encode(content).decode() for file, content in files.items()},
        }
        return json.dumps(job, ensure_ascii=False).encode()

    def _file(self, name: str) -> Path:
        if self._templates is not None and (self._templates / name).is_file():
            return (self._templates / name).resolve()
        return OURS / name

    async def _made(self, job: bytes, name: str) -> bytes:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "control_api.reports.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONHASHSEED": "0"},
        )
        try:
            async with asyncio.timeout(self._deadline):
                made, said = await worker.communicate(job)
        except TimeoutError:
            log.error("report took too long", report=name)
            raise failed(name) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()
        if worker.returncode != 0:
            log.error("report failed", report=name, said=said.decode("utf-8", "replace")[-_LOGGED:])
            raise failed(name)
        return made


def _cleaned(value: Context | Json | object) -> object:
    """Without characters that XML cannot carry."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    return value


def busy() -> Refused:
    return Refused(
        "reports_busy",
        "Máy chủ đang lập nhiều văn bản khác. Hãy thử lại sau ít giây.",
        "The server is making many other papers. Try again in a few seconds.",
        retry_after=10.0,
    )


def failed(name: str) -> OperatorError:
    return OperatorError(
        "report_failed",
        f"Không lập được văn bản “{name}”. Nếu cơ quan có mẫu riêng, hãy kiểm tra lại mẫu; chi tiết ở nhật ký máy chủ.",
        f"The paper “{name}” could not be made. If the office has a template of its own, check it; the log tells more.",
    )
