"""A PostgreSQL server of our own in a temporary folder, where the machine has one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _program(name: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(installed[-1]) if installed else shutil.which(name)


@contextmanager
def postgres() -> Iterator[str | None]:
    """URL of an empty database, or None where PostgreSQL is not installed.  Listens on a Unix socket only."""
    initdb, server = _program("initdb"), _program("postgres")
    root = os.geteuid() == 0  # which PostgreSQL refuses to run as
    drop = ["runuser", "-u", "postgres", "--"] if root else []
    if (
        initdb is None
        or server is None
        or (root and subprocess.run(["id", "postgres"], capture_output=True).returncode)
    ):
        yield None
        return
    folder = tempfile.mkdtemp(prefix="mcu-pg-")
    try:
        if root:
            shutil.chown(folder, "postgres")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        data = f"{folder}/data"
        subprocess.run([*drop, initdb, "-D", data, "-U", "mcu", "-A", "trust", "-N"], check=True, **quiet)  # type: ignore[call-overload]
        options = ["-c", "listen_addresses=", "-c", "fsync=off", "-k", folder]
        process = subprocess.Popen([*drop, server, "-D", data, *options], **quiet)  # type: ignore[call-overload]
        try:
            for _ in range(200):
                if Path(f"{folder}/.s.PGSQL.5432").exists():
                    break
                time.sleep(0.05)
            time.sleep(0.2)
            yield f"postgresql://mcu@/postgres?host={folder}"
        finally:
            process.terminate()
            process.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
