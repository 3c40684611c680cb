"""`mcu check`: measures this machine, keeps the figures, says what it carries (S68)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from control_api import cli
from mcu_core.capacity import FULL, Capacity, MeetingSize, demand_of

FIGURES: dict[str, Any] = {
    "decode": 9e8,
    "encode": 4e8,
    "compose": 2e9,
    "packets": 150_000.0,
    "packets_of_one": 150_000.0,
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MCU_CONFIG", str(tmp_path / "mcu.toml"))
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was to be measured; nothing is."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def measure(name: str, **arguments: Any) -> dict[str, Any]:
        calls.append((name, arguments))
        return dict(FIGURES)

    monkeypatch.setattr(cli, "_measure", measure)
    return calls


def mcu(*words: str) -> str:
    result = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_s68_check_measures_keeps_and_says_what_the_machine_carries(
    here: Path, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    mcu("init", "--data-dir", "data")
    said = json.loads(mcu("check", "--json", "--seconds", "0.5"))
    assert asked == [("capacity", {"seconds": 0.5})]
    assert said["measured"] is True
    assert {name: said[name] for name in ("decode", "encode", "compose")} == {
        name: FIGURES[name] for name in ("decode", "encode", "compose")
    }
    relays = said["relay_packets"] / FIGURES["packets_of_one"]
    assert relays >= 1
    figures = {name: FIGURES[name] for name in ("decode", "encode", "compose", "packets")}
    capacity = Capacity(**figures, relay_packets=said["relay_packets"])
    assert said["full"] == FULL
    assert said["shares"]["25"] == pytest.approx(capacity.share(demand_of(MeetingSize(25))), abs=1e-4)
    assert capacity.fits(demand_of(MeetingSize(said["largest"])))
    assert not capacity.fits(demand_of(MeetingSize(said["largest"] + 1)))
    kept = json.loads((here / "data" / "capacity.json").read_text(encoding="utf-8"))
    assert {name: kept[name] for name in FIGURES} == FIGURES
    assert kept["machine"]
    with sqlite3.connect(here / "data" / "mcu.sqlite3") as database:
        assert database.execute("SELECT count(*), max(decode) FROM capacities").fetchone() == (1, FIGURES["decode"])
    database.close()


def test_s68_show_only_looks(here: Path, asked: list[tuple[str, dict[str, Any]]]) -> None:
    mcu("init", "--data-dir", "data")
    guessed = json.loads(mcu("check", "--show", "--json"))
    assert guessed["measured"] is False
    said = mcu("check", "--show")
    assert "chưa được đo" in said
    assert "Run mcu check" in said.replace("\n", " ")
    assert asked == []
    assert not (here / "data" / "capacity.json").exists()
    mcu("check", "--json")
    assert json.loads(mcu("check", "--show", "--json"))["decode"] == FIGURES["decode"]
    said = mcu("check", "--show")
    assert "chưa được đo" not in said
    assert "điểm cầu" in said
    assert len(asked) == 1


def test_the_newest_measurement_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    mcu("init", "--data-dir", "data")
    for decode in (9e8, 1e8):
        monkeypatch.setattr(cli, "_measure", lambda name, decode=decode, **arguments: {**FIGURES, "decode": decode})
        mcu("check", "--json")
    assert json.loads(mcu("check", "--show", "--json"))["decode"] == 1e8


@pytest.mark.parametrize("seconds", ["0.1", "61", "x"])
def test_a_wrong_length_is_refused(seconds: str, asked: list[tuple[str, dict[str, Any]]]) -> None:
    assert CliRunner().invoke(cli.app, ["check", "--seconds", seconds]).exit_code == 2
    assert asked == []
