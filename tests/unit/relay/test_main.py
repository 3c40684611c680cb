"""What the process says when it cannot begin."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcu_core.relay.__main__ import main


def test_wrong_setting_is_told_and_exits_with_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main({"MCU_RUN_DIR": str(tmp_path), "MCU_RELAY_PORT": "many"}) == os.EX_CONFIG
    assert "MCU_RELAY_PORT" in capsys.readouterr().err
