"""The figures of a room are made of the right parts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.console import Console

from benchmarks.machine import machine
from benchmarks.processes import Usage
from benchmarks.room import _result, _tick_late, goals_of, run, table
from benchmarks.server import Server

KEYS = {  # what the product promises to report
    "mcu_cores", "loader_cores", "fps_min", "fps_median", "audio_pps_min", "tick_late_ms_p99", "glass_to_glass_ms_p50",
    "glass_to_glass_ms_p95", "join_ms_p95", "loop_lag_ms_max", "loop_cpu_ms_max", "encoders", "decoders", "rss_mb",
    "uplink_kbps_total",
}  # fmt: skip


def leg(name: str, **figures: float) -> dict[str, Any]:
    whole = {
        "name": name, "fps": 30.0, "audio_pps": 50.0, "video_kbps": 1000, "sent_kbps": 250, "video_lost": 0,
        "audio_lost": 0, "longest_gap_ms": 40, "unverified": 0, "plis": 0, "rejoins": 0,
    }  # fmt: skip
    return {**whole, **figures}


def usage(pid: int, seconds: float, command: str) -> Usage:
    return Usage(pid, 1, seconds, 100.0, command)


def result(**changes: Any) -> dict[str, Any]:
    measured = {
        "seconds": 10.0, "loader_cores": 0.2, "loader_late_ms_p99": 1.0,
        "glass_to_glass_ms": [float(value) for value in range(100)], "eyes": [{"pictures": 300}],
        "legs": [
            leg("site 1"), leg("site 2", fps=29.0, video_lost=3), leg("site 3", audio_pps=48.0),
            leg("programme"), leg("wall", fps=5.0),
        ],
    }  # fmt: skip
    joined = {"join_ms": [100.0, 200.0, 300.0], "offer_ms": [50.0]}
    polls = [
        {'mcu_relay_loop_lag_ms{relay="0"}': 90.0, "mcu_control_loop_lag_seconds": 0.5},
        {
            'mcu_mixer_encoders{mixer="c"}': 2.0, 'mcu_mixer_decoders{mixer="c"}': 3.0,
            'mcu_mixer_loop_lag_ms{mixer="c"}': 4.0, 'mcu_relay_loop_lag_ms{relay="0"}': 7.21,
            "mcu_control_loop_lag_seconds": 0.0112, "mcu_control_loop_cpu_seconds": 0.0043,
            'mcu_relay_loop_cpu_ms{relay="0"}': 3.1,
        },
    ]  # fmt: skip
    before = {1: usage(1, 1.0, "mcu serve"), 2: usage(2, 5.0, "mcu_core.relay")}
    after = {1: usage(1, 1.5, "mcu serve"), 2: usage(2, 9.0, "mcu_core.relay"), 3: usage(3, 2.0, "mcu_core.mixing")}
    figures = _result(joined, {**measured, **changes}, polls, before, after, 10.0, 3)
    return {
        "sites": 3,
        "source": "320x180@15",
        "layout": None,
        "obey_hints": False,
        "wall": True,
        **figures,
        "machine": machine(),
    }


def test_all_promised_keys_are_there_and_right() -> None:
    figures = result()
    assert figures.keys() >= KEYS
    assert figures["mcu_cores"] == pytest.approx(0.65)
    assert figures["mcu_cores_by_process"] == {"mixer": 0.2, "relay": 0.4, "supervisor": 0.05}
    assert (figures["fps_min"], figures["fps_median"], figures["fps_wall"]) == (29.0, 30.0, 5.0)
    assert figures["audio_pps_min"] == 48.0
    assert (figures["glass_to_glass_ms_p50"], figures["glass_to_glass_ms_p95"]) == (50.0, 95.0)
    assert (figures["encoders"], figures["decoders"]) == (2, 3)
    assert figures["packets_lost"] == 3
    assert figures["loop_lag_ms_max"] == {"relay": 7.2, "mixer": 4.0, "control": 11.2}
    assert figures["loop_cpu_ms_max"] == {"relay": 3.1, "control": 4.3}
    assert figures["rss_mb"] == 300


def shown(result: dict[str, Any]) -> str:
    console = Console(record=True, width=120)
    console.print(table(result))
    return console.export_text()


def test_the_table_names_every_goal_and_marks_what_misses_it() -> None:
    text = shown(result(glass_to_glass_ms=[]))
    for part in (
        "0.65 ",
        "≤ 0.9 ",
        "29.0 ✗",
        "48.0 ✗",
        "3 ✗",
        "– ✗",
        "≤ 120",
        "3 sites",
        "ignoring hints, with a wall",
    ):
        assert part in text
    assert text.count("✗") == 5, "lateness is not known either"


def test_a_lighter_load_than_the_goal_is_named() -> None:
    for less in ({"wall": False}, {"obey_hints": True}):
        assert "≤ 0.9, at full load" in shown(result() | less)
    assert "obeying hints, without a wall" in shown(result() | {"wall": False, "obey_hints": True})


def test_an_event_loop_that_says_nothing_misses_its_goal() -> None:
    lag = {"relay": 20.5, "mixer": 4.0}
    text = shown(result() | {"loop_lag_ms_max": lag})
    assert re.search(r"worst: relay +│ 20.5 ✗", text)
    assert re.search(r"worst: control +│ +– ✗", text)


def test_beside_the_lateness_of_a_loop_stands_what_it_used_of_a_processor() -> None:
    assert re.search(r"worst: control +│ +11.2 .*\n.*processor time of one turn, ms, most +│ +4.3 ", shown(result()))


@pytest.mark.parametrize(
    ("sites", "layout", "cores"),
    [(30, None, 0.9), (31, "4x4", 1.2), (120, None, 1.2), (120, "1", 0.7), (121, "4x4", None)],
)
def test_goals_fit_the_number_of_sites(sites: int, layout: str | None, cores: float | None) -> None:
    goals = goals_of(sites, layout, "320x180@15")
    assert goals.get("mcu_cores") == cores
    assert (goals["audio_pps_min"], goals["tick_late_ms_p99"]) == (49.5, 10)
    assert goals["fps_min"] == (14.75 if layout == "1" else 29.5), "a picture passed on has its site's own rate"


def test_a_room_without_a_wall_has_no_rate_of_it() -> None:
    assert re.search(r"of the wall +│ +– │", shown(result(legs=[leg("site 1"), leg("programme")])))


def test_late_ticks_are_the_worst_view_of_each_second() -> None:
    polls = [
        {'mcu_mixer_programme_late_ms_p99{mixer="c"}': float(value), 'mcu_mixer_audio_late_ms_p99{mixer="c"}': 1.0}
        for value in range(8)
    ]
    assert _tick_late(polls) == 6.0
    assert _tick_late([]) is None


def test_wrong_arguments_are_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: Server) -> None:
        pytest.fail("the server was started")

    monkeypatch.setattr(Server, "start", never)
    with pytest.raises(ValueError, match="999"):
        run(sites=1)
    with pytest.raises(ValueError, match="320x180"):
        run(source="large")
