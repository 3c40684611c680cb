"""What was acknowledged is in the database, however the process dies."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.unit.control_api.world import fresh_database

KILLS = 25


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path, template: Path) -> None:
    database_url = asyncio.run(fresh_database(tmp_path, template))
    path = Path(database_url.removeprefix("sqlite+aiosqlite:///"))
    dice = random.Random(9)
    acknowledged = 0
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.control_api.writers", database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as writers:
        assert writers.stdin is not None
        assert writers.stdout is not None
        for _ in range(KILLS):
            writers.stdin.write("go\n")
            child, first = None, None
            while child is None or first is None:  # its first acknowledgement may come before we are told its number
                word, number = writers.stdout.readline().split()
                child = int(number) if word == "child" else child
                first = int(number) if word == "ack" else first
            acknowledged = first
            time.sleep(dice.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
            for line in writers.stdout:
                if line == "dead\n":
                    break
                acknowledged = int(line.split()[1])
            check(path, acknowledged)
        writers.stdin.close()
        assert writers.wait(10) == 0
    assert acknowledged >= KILLS


def check(path: Path, acknowledged: int) -> None:
    """At most the one commit that was under way is there without an acknowledgement, and nothing by halves."""
    database = sqlite3.connect(path)
    try:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ((revision, document),) = database.execute("SELECT revision, document FROM conferences").fetchall()
        assert acknowledged <= revision <= acknowledged + 1
        assert json.loads(document)["revision"] == revision
        steps = [json.loads(row[0]) for row in database.execute("SELECT data FROM journal ORDER BY id")]
        assert steps == [{"revision": n, "part": part} for n in range(1, revision + 1) for part in (1, 2)]
        assert database.execute("SELECT count(*) FROM answers").fetchone() == (revision,)
    finally:
        database.close()
