"""The control process as the supervisor sees it: what it logs, and with which code it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A TCP port on which nobody listens, kept from others while the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_control_waits_for_a_database_that_is_away_and_still_stops(tmp_path: Path, closed_port: int) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MCU_")} | {
        "MCU_DATABASE_URL": f"postgresql+asyncpg://mcu:geheim@127.0.0.1:{closed_port}/mcu",
        "MCU_DATA_DIR": str(tmp_path),
        "MCU_LOG_FORMAT": "json",
        "MCU_TLS_MODE": "off",
    }
    command = [sys.executable, "-m", "control_api.control"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        try:
            assert run.stdout is not None
            said = run.stdout.readline()
            assert f"127.0.0.1:{closed_port} does not answer" in said
            assert "không trả lời" in said
            assert run.poll() is None
            run.send_signal(signal.SIGTERM)
            rest, _ = run.communicate(timeout=10)
            assert run.returncode == 0
            assert "Traceback" not in rest
            assert "geheim" not in said + rest
        finally:
            run.kill()
