"""The report shows what was measured, loads nothing from elsewhere, and escapes what it shows."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, one_line
from benchmarks.report import Bars, Curve, charts, page, write_html

RESULTS: dict[str, Any] = {
    "compose": {
        "width": 1280,
        "cases": [
            {"layout": "4x4", "source": "fit", "changed": 16, "tiles": 16, "ms_p50": 0.31, "xstack_ms": 0.4,
             "psnr_db": None, "labels": True},
            {"layout": "1", "source": "<b>", "ms_p50": 2.0, "xstack_ms": None, "psnr_db": 40.1, "labels": False},
        ],
    },
    "encode": {"cases": [{"codec": "H264", "width": 1280, "height": 720, "ms_p50": 9.0, "decode_ms_p50": 3.0}]},
    "audio": {"opus": {"encode_us_p50": 200.0}, "bus": [{"voices": 4, "us_p50": 9.0}], "tick": {"ms_p50": 1.0}},
    "fanout": {"us_per_packet": 4.5, "stock_us_per_packet": 41.0, "receivers": 100},
    "ingest": {"us_per_packet": 17.5, "stock_us_per_packet": 67.0},
    "lipsync": {"goal_ms": [-125.0, 45.0], "cases": [
        {"profile": "N3", "picture": "passed", "samples": 50, "outside": 0, "missed": ["kept", "samples"],
         "skew_ms": {"min": -90.0, "p5": -81.5, "p50": -60.0, "p95": 12.0, "max": 20.0}},
        {"profile": "N0", "picture": "mixed", "samples": 0, "outside": 0,
         "skew_ms": dict.fromkeys(("min", "p5", "p50", "p95", "max"))},
    ]},
    "drift": {"hours": 2, "cases": [{"ppm": 100.0, "delay_ms_first": 42.5, "delay_ms_last": 44.5}]},
    "scale": {"largest_that_holds": 8, "cases": [
        {"sites": 8, "mcu_cores": 0.25, "loader_cores": 0.1, "fps_min": 29.75, "audio_pps_min": 50.0,
         "tick_late_ms_p99": 3.0, "loop_lag_ms": 9.25, "loop_lag_ms_max": {"relay": 9.25},
         "glass_to_glass_ms_p50": 60.0, "glass_to_glass_ms_p95": None, "rss_mb_per_site": 80.0, "breaks": ""},
        {"sites": 500, "mcu_cores": None, "breaks": "join", "error": "9 of 502 legs did not join"},
    ]},
    "line": {"profile": "N6", "recovered": False, "recovery_s": None, "missed": ["recovery_s"],
             "longest_freeze_ms_up": 340, "longest_freeze_ms_down": 0,
             "pesq_or_stoi_up": 0.97, "pesq_or_stoi_down": None, "events": {"up": [{"what": "freeze", "at_s": 1.0}]}},
    "store": {"list_ms_p50": 4.25, "list_ms_p95": 9.0, "verify_rows_per_s": 10_000},
    "room": {"sites": 30, "glass_to_glass_ms_quantiles": [[0.0, 41.0], [0.5, 80.5], [1.0, 130.0]],
             "mcu_cores": 0.812, "mcu_cores_by_process": {"relay": 0.3}, "glass_to_glass_ms_p50": 80.5,
             "glass_to_glass_ms_p95": None, "machine": machine()},
}  # fmt: skip


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.addresses: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.addresses += [value for key, value in attrs if key in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_figure_is_in_the_page_and_tags_are_balanced(tmp_path: Path) -> None:
    write_html(RESULTS, tmp_path / "bench.html")
    text = (tmp_path / "bench.html").read_text(encoding="utf-8")
    for figure in (
        "join",
        "9 of 502",
        "81.50 ms",
        ">kept, samples<",
        "recovery_s",
        "10000",
        "0.812",
        "41.00",
        "17.50",
        "9.00",
        "80.50",
        "Ghép hình",
        "&lt;b&gt;",
    ):
        assert figure in text
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert "script" not in tags.seen
    assert tags.addresses == []
    assert "://" not in text


def test_each_known_benchmark_has_a_chart() -> None:
    assert any(isinstance(chart, Curve) and chart.x_unit == "ms" for chart in charts("room", RESULTS["room"]))
    for name, result in RESULTS.items():
        found = charts(name, result)
        assert found or name == "store", name
        for chart in found:
            ElementTree.fromstring(chart.svg())


def test_a_benchmark_that_failed_says_why() -> None:
    text = page({"line": {"error": "TimeoutError: <nobody> came"}, "compose": RESULTS["compose"]})
    assert "TimeoutError: &lt;nobody&gt; came" in text
    assert "Ghép hình" in text


def test_unknown_shapes_are_still_shown_as_tables() -> None:
    assert charts("room", {"a": 1}) == []
    assert "figure_of_tomorrow" in page({"room": {"figure_of_tomorrow": 7}})


def test_composing_stands_beside_the_peers_that_were_there() -> None:
    case = {"layout": "4x4", "source": "fit", "ms_p50": 0.1, "xstack_ms": 0.2, "psnr_db": 50.0, "gst_ms": None}
    without = charts("compose", {"cases": [case]})
    beside = charts("compose", {"cases": [case | {"gst_ms": 0.77, "gst_psnr_db": 41.5}]})
    for chart in (*without, *beside):
        assert isinstance(chart, Bars)
        assert ("GStreamer compositor" in chart.series) == (chart in beside)
        assert all(len(row) == len(chart.series) for _, row in chart.rows)
    assert ">0.770 ms<" in beside[0].svg()
    assert ">41.50 dB<" in beside[1].svg()


def test_sound_before_and_after_its_picture_have_their_own_limits() -> None:
    before, after = charts("lipsync", RESULTS["lipsync"])
    assert (before.limit, after.limit) == ((45.0, "45 ms"), (125.0, "125 ms"))
    assert ">12.00 ms<" in before.svg()
    assert ">81.50 ms<" in after.svg()


def test_bars_are_as_long_as_their_values() -> None:
    svg = Bars("t", "ms", ("a",), (("x", (1.0,)), ("y", (2.0,)), ("z", (None,)))).svg()
    root = ElementTree.fromstring(svg)
    widths = [float(rect.get("width", 0)) for rect in root.iter("rect") if float(rect.get("x", 0)) == 190][1:]
    assert len(widths) == 2
    assert abs(widths[1] - 2 * widths[0]) < 0.2


def test_the_machine_is_described() -> None:
    info = machine()
    assert info["cores"] >= 1
    assert info["versions"]["aiortc"]
    assert "Python" in one_line(info)
