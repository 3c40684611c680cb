"""`mcu backup`, `mcu restore`, `mcu journal verify`: from a first run to a restored database."""

from __future__ import annotations

import json
import socket
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from control_api import cli
from control_api.settings import load_settings
from mcu_core.errors import OperatorError

PASSPHRASE = "cụm mật khẩu dài"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MCU_CONFIG", str(tmp_path / "mcu.toml"))
    assert mcu("init", "--data-dir", "data").exit_code == 0
    return tmp_path


def mcu(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(cli.app, words, input=given, catch_exceptions=False)


def newest(folder: Path) -> Path:
    return max(folder.glob("*.backup"))


def test_s02_from_init_to_a_restored_database(here: Path) -> None:
    key = here / "data" / "backup.key"
    assert key.stat().st_mode & 0o777 == 0o600, "made by init"
    assert mcu("backup").exit_code == 0
    file = newest(here / "data" / "backups")
    assert "dùng được" in mcu("backup", "check", str(file)).output
    with pytest.raises(OperatorError, match="database_not_empty"):
        mcu("restore", str(file))
    (here / "data" / "mcu.sqlite3").unlink()
    for left in (here / "data").glob("mcu.sqlite3-*"):
        left.unlink()
    assert mcu("restore", str(file)).exit_code == 0
    users = json.loads(mcu("user", "list", "--json").output)
    assert [user["username"] for user in users] == ["admin"]
    assert "former database" in mcu("restore", str(file), "--force").output
    assert mcu("backup", "key").exit_code == 0


def test_s02_a_passphrase_instead_of_a_key(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_BACKUP_PASSPHRASE", PASSPHRASE)
    assert mcu("backup", "--folder", "elsewhere").exit_code == 0
    monkeypatch.delenv("MCU_BACKUP_PASSPHRASE")
    file = str(newest(here / "elsewhere"))
    with pytest.raises(OperatorError, match="wrong_backup_key"):
        mcu("restore", file, "--force")
    with pytest.raises(OperatorError, match="wrong_backup_key"):
        mcu("restore", file, "--force", "--passphrase", given="sai\n")
    assert mcu("restore", file, "--force", "--passphrase", given=f"{PASSPHRASE}\n").exit_code == 0


def test_nothing_is_restored_under_a_running_server(here: Path) -> None:
    mcu("backup")
    run = load_settings().socket_dir
    run.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(run / "node.sock"))
        server.listen()
        with pytest.raises(OperatorError, match="server_runs"):
            mcu("restore", str(newest(here / "data" / "backups")), "--force")


def test_s99_journals_are_verified_from_the_command_line(here: Path) -> None:
    assert mcu("journal", "verify").exit_code == 0
    database = sqlite3.connect(here / "data" / "mcu.sqlite3")
    database.execute("INSERT INTO journal_heads VALUES ('c-1', 3, ?, 1.0, 0, ?, NULL)", ("a" * 64, "0" * 64))
    database.commit()
    database.close()
    result = mcu("journal", "verify", "--json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["conference"], finding["kind"]) == ("c-1", "truncated")
