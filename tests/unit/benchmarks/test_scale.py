"""What a room of a size is said to break of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import room, scale
from benchmarks.report import charts
from benchmarks.server import Server

GOOD: dict[str, Any] = {
    "fps_min": 30.0, "audio_pps_min": 50.0, "tick_late_ms_p99": 4.0, "loop_lag_ms": 9.0,
    "packets_lost": 0, "unverified": 0, "eye": {"errors": 0},
}  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, ""),
        ({"fps_min": 29.5, "audio_pps_min": 49.5, "tick_late_ms_p99": 10.0}, ""),
        ({"loop_lag_ms": 20.1}, "event loop"),
        ({"tick_late_ms_p99": None, "fps_min": 1.0}, "lateness, pictures"),
        ({"fps_min": 29.4}, "pictures"),
        ({"audio_pps_min": 49.4}, "sound"),
        ({"tick_late_ms_p99": 10.1}, "lateness"),
        ({"packets_lost": 1}, "losses"),
        ({"unverified": 1, "fps_min": 20.0}, "pictures, losses"),
        ({"eye": {"errors": 2}}, "losses"),
        ({"fps_min": 24.0, "audio_pps_min": 27.0, "tick_late_ms_p99": 100.0}, "lateness, sound, pictures"),
    ],
)
def test_the_worst_comes_first(figures: dict[str, Any], said: str) -> None:
    assert scale.breaks(GOOD | figures) == said


def test_a_run_keeps_every_size_and_names_the_largest_that_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def rooms(progress: Any, *, sites: int, **_: Any) -> dict[str, Any]:
        progress(1.0)
        if sites > 120:
            raise room.NotJoined("7 of 202 legs did not join")
        lag = {"relay": 21.0 if sites > 60 else 9.0, "mixer": 3.0, "control": 2.0}
        more = dict.fromkeys(key for key, _ in scale._COLUMNS)
        return {**more, **GOOD, "sites": sites, "loop_lag_ms_max": lag, "machine": {}}

    monkeypatch.setattr(room, "run", rooms)
    done: list[float] = []
    result = scale.run(done.append, sizes=(8, 60, 120))
    assert [(case["sites"], case["breaks"]) for case in result["cases"]] == [(8, ""), (60, ""), (120, "event loop")]
    assert result["largest_that_holds"] == 60
    assert done[-1] == pytest.approx(1.0)
    beyond = scale.run(largest=300)
    assert [case["sites"] for case in beyond["cases"]] == [8, 16, 32, 60, 120, 200, 260, 300]
    assert [case["breaks"] for case in beyond["cases"]][-2:] == ["join", "join"]
    assert [chart.title for chart in charts("scale", beyond) if "event loop" in chart.title]
    console = Console(record=True, width=220)
    console.print(scale.table(beyond))
    assert "event loop late" in console.export_text()


@pytest.mark.parametrize("missing", room.LOOPS)
def test_a_process_that_does_not_say_how_late_it_is_breaks(missing: str) -> None:
    lag = {kind: 3.0 for kind in room.LOOPS if kind != missing}
    assert scale.breaks(GOOD | {"loop_lag_ms": scale.worst_loop(lag)}) == "event loop"
    assert scale.worst_loop({**lag, missing: 9.0}) == 9.0


def test_no_size_is_held_back_by_the_servers_setting(tmp_path: Path) -> None:
    of_a_site = 1.6  # Mbit/s of the programme
    assert int(Server(tmp_path).environment["MCU_RELAY_MBIT_PER_S"]) > 2 * of_a_site * max(scale.BEYOND)


def test_sizes_that_no_room_has_are_refused() -> None:
    with pytest.raises(ValueError, match="999"):
        scale.run(sizes=(8, 1000))
