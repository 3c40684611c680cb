"""`python -m control_api.upkeep.process`: one long piece of upkeep in a process of its own, so that control answers.

Reads its task as JSON from stdin (a database's password must not stand in the arguments) and writes what came of it as
JSON to stdout: `{"ok": true, …}`, or `{"ok": false, "code", "vi", "en"}`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from control_api.accounts.sealing import SecretBox
from control_api.journal.journals import Journals
from control_api.store.database import Database
from control_api.upkeep.backup import make_backup
from control_api.upkeep.keys import Key, make_key, read_key
from mcu_core.errors import McuError

_MOST_FINDINGS = 50


class Task(BaseModel):
    do: Literal["backup", "verify"]
    database: str  # URL
    folder: Path = Path()
    key_file: Path = Path()
    passphrase: str | None = None
    keep: int = 1
    secrets_key: Path | None = None


def key_of(key_file: Path, passphrase: str | None) -> Key:
    """The passphrase, or the key file, which is made when there is none.  Raises OperatorError `bad_backup_key`."""
    if passphrase is not None:
        return Key(passphrase=passphrase)
    make_key(key_file)
    return read_key(key_file)


async def carry_out(task: Task) -> dict[str, Any]:
    if task.do == "backup":
        key = key_of(task.key_file, task.passphrase)
        box = None if task.secrets_key is None else SecretBox(task.secrets_key)
        made = await make_backup(task.database, task.folder, key, keep=task.keep, secrets=box)
        return {
            "ok": True,
            "file": made.path.name,
            "size": made.size,
            "rows": made.rows,
            "seconds": round(made.seconds, 1),
        }
    return await verify_all(task.database)


async def verify_all(url: str) -> dict[str, Any]:
    """Verify every journal; `ok` is whether all are whole."""
    database = Database(url)
    try:
        journals = Journals(database)
        count = lines = 0
        findings: list[dict[str, Any]] = []
        for conference_id in await journals.conference_ids():
            verdict = await journals.verify(conference_id)
            count, lines = count + 1, lines + verdict.lines
            findings += [
                {"conference": one.conference_id, "kind": one.kind, "seq": one.seq, "vi": one.vi, "en": one.en}
                for one in verdict.findings
            ]
    finally:
        await database.close()
    return {"ok": not findings, "journals": count, "lines": lines, "findings": findings[:_MOST_FINDINGS]}


def main() -> None:
    os.nice(10)
    try:
        found = asyncio.run(carry_out(Task.model_validate_json(sys.stdin.buffer.read())))
    except McuError as error:
        found = {"ok": False, "code": error.code, "vi": error.vi, "en": error.en}
    print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()
