"""What a room of a size is said to break of."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import room, scale

GOOD: dict[str, Any] = {
    "fps_min": 30.0, "audio_pps_min": 50.0, "tick_late_ms_p99": 4.0,
    "packets_lost": 0, "unverified": 0, "eye": {"errors": 0},
}  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, ""),
        ({"fps_min": 29.5, "audio_pps_min": 49.5, "tick_late_ms_p99": 10.0}, ""),
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
        return {"sites": sites, **GOOD, "machine": {}} | ({"fps_min": 20.0} if sites > 60 else {})

    monkeypatch.setattr(room, "run", rooms)
    done: list[float] = []
    result = scale.run(done.append, sizes=(8, 60, 120))
    assert [(case["sites"], case["breaks"]) for case in result["cases"]] == [(8, ""), (60, ""), (120, "pictures")]
    assert result["largest_that_holds"] == 60
    assert done[-1] == pytest.approx(1.0)
