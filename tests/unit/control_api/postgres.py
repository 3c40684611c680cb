"""A PostgreSQL server of our own in a temporary folder, where the machine has one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def _program(name: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(installed[-1]) if installed else shutil.which(name)


def _user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


@contextmanager
def postgres() -> Iterator[str | None]:
    """URL of an empty database, or None where PostgreSQL is not installed.  Listens on a Unix socket only."""
    initdb, server = _program("initdb"), _program("postgres")
    root = os.geteuid() == 0  # which PostgreSQL refuses to run as
    if initdb is None or server is None or (root and not _user_exists("postgres")):
        yield None
        return
    folder = tempfile.mkdtemp(prefix="mcu-pg-")
    try:
        how: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        if root:
            shutil.chown(folder, "postgres")
            how |= {"user": "postgres", "group": "postgres", "extra_groups": ()}
        data = f"{folder}/data"
        subprocess.run([initdb, "-D", data, "-U", "mcu", "-A", "trust", "-N"], check=True, **how)
        options = ["-c", "listen_addresses=", "-c", "fsync=off", "-k", folder]
        process = subprocess.Popen([server, "-D", data, *options], **how)
        try:
            for _ in range(200):
                if Path(f"{folder}/.s.PGSQL.5432").exists():
                    break
                time.sleep(0.05)
            time.sleep(0.2)
            yield f"postgresql://mcu@/postgres?host={folder}"
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown
            process.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
