"""Upkeep of one control process: every night anchors, backup, verification and pruning; and whenever asked for.

Owned by the task `run`; routes ask through `ask`.  The long pieces run in a process of their own (`process.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from control_api.journal.journals import Journals
from control_api.metrics import Metrics
from control_api.settings import Settings
from control_api.store.database import Database
from control_api.upkeep.process import Task
from control_api.upkeep.retention import Kept, prune
from control_api.upkeep.rules import day_of, first_run, is_late, next_run
from control_api.upkeep.runs import Kind, Runs

log = structlog.get_logger("upkeep")

Facts = dict[str, Any]
Work = Callable[[Task], Awaitable[Facts]]

_LONGEST = 3600.0  # seconds of one piece of work


async def in_a_process(task: Task) -> Facts:
    """Carry out a task in a process of its own, which does not outlive us."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "control_api.upkeep.process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_LONGEST):
            out, _ = await process.communicate(task.model_dump_json().encode())
        found: Facts = json.loads(out)
    except (TimeoutError, ValueError):
        return {
            "ok": False,
            "code": "upkeep_failed",
            "vi": "Tiến trình bảo trì bị dừng giữa chừng; xem nhật ký của máy chủ.",
            "en": "The upkeep process was stopped half way; see the server's log.",
        }
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return found


class Upkeep:
    """`now` is the wall clock."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        journals: Journals,
        metrics: Metrics,
        now: Callable[[], float],
        work: Work = in_a_process,
    ) -> None:
        self.runs = Runs(database, now)
        self._settings, self._database, self._journals = settings, database, journals
        self._metrics, self._now, self._work = metrics, now, work
        self._began = now()
        self._asked: dict[Kind, None] = {}
        self._wake = asyncio.Event()
        self.at_work: Kind | None = None

    @property
    def folder(self) -> Path:
        return self._settings.backup_folder

    def ask(self, kind: Kind) -> None:
        """Have it done as soon as what is under way is done; asking twice is asking once."""
        self._asked[kind] = None
        self._wake.set()

    def next_run(self) -> float | None:
        """When the nightly upkeep begins; None: backups are switched off."""
        backup = self._settings.backup
        return next_run(self._now(), backup.hour) if backup.enabled else None

    async def is_late(self) -> bool:
        """Whether a backup should be there and is not."""
        return self._settings.backup.enabled and is_late(await self._last_good(), self._began, self._now())

    async def run(self) -> None:
        """Until cancelled."""
        await self._tell_metrics()
        due = first_run(await self._last_good(), self._now(), self._settings.backup.hour)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(due - self._now(), 60.0))):  # the wall clock may be set
                    await self._wake.wait()
            self._wake.clear()
            while self._asked:
                kind = next(iter(self._asked))
                del self._asked[kind]
                await self.carry_out(kind)
            if self._now() >= due:
                await self.night()
                due = next_run(self._now(), self._settings.backup.hour)

    async def night(self) -> None:
        """Everything, in the order in which it makes sense."""
        anchored = await self._journals.anchor(day_of(self._now()), self._now())
        log.info("journals anchored", count=anchored)
        if self._settings.backup.enabled:
            await self.carry_out("backup")
        await self.carry_out("verify")
        await self.carry_out("prune")

    async def carry_out(self, kind: Kind) -> Facts:
        """One piece; what came of it is remembered, logged and counted."""
        run_id = await self.runs.begin(kind)
        self.at_work = kind
        try:
            facts = await self._facts(kind)
        except Exception as error:
            await self.runs.end(run_id, ok=False, facts=_went_wrong(error))
            self._metrics.upkeep_done(kind, ok=False, at=self._now())
            raise
        finally:
            self.at_work = None
        ok = bool(facts.pop("ok", True))
        await self.runs.end(run_id, ok=ok, facts=facts)
        self._metrics.upkeep_done(kind, ok=ok, at=self._now())
        (log.info if ok else log.error)("upkeep", kind=kind, ok=ok, **facts)
        return {"ok": ok, **facts}

    async def _facts(self, kind: Kind) -> Facts:
        settings = self._settings
        if kind == "prune":
            kept = Kept(settings.retention.journal_months, settings.retention.security_months)
            return {"deleted": await prune(self._database, kept, self._now())}
        passphrase = settings.backup.passphrase
        task = Task(
            do=kind,
            database=settings.database,
            folder=settings.backup_folder,
            key_file=settings.backup_key,
            passphrase=None if passphrase is None else passphrase.get_secret_value(),
            keep=settings.backup.keep,
            secrets_key=settings.secrets_key,
        )
        return await self._work(task)

    async def _last_good(self) -> float | None:
        last = await self.runs.last("backup", good=True)
        return None if last is None else last.ended_at

    async def _tell_metrics(self) -> None:
        """What was known before this process began."""
        kinds: tuple[Kind, ...] = ("backup", "verify", "prune")
        for kind in kinds:
            last, good = await self.runs.last(kind), await self.runs.last(kind, good=True)
            if good is not None:
                self._metrics.upkeep_done(kind, ok=True, at=good.ended_at or good.started_at)
            if last is not None and not last.ok:
                self._metrics.upkeep_done(kind, ok=False, at=last.started_at)


def _went_wrong(error: Exception) -> Facts:
    return {
        "code": getattr(error, "code", "internal"),
        "vi": getattr(error, "vi", "Lỗi nội bộ; xem nhật ký của máy chủ."),
        "en": getattr(error, "en", f"Internal error: {type(error).__name__}."),
    }
