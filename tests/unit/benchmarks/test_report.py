"""The report shows what was measured, loads nothing from elsewhere, and escapes what it shows."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, one_line
from benchmarks.report import Bars, charts, page, write_html

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
    "room": {"sites": 30, "mcu_cores": 0.812, "mcu_cores_by_process": {"relay": 0.3}, "glass_to_glass_ms_p50": 80.5,
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
    for figure in ("0.812", "41.00", "17.50", "9.00", "80.50", "Ghép hình", "&lt;b&gt;"):
        assert figure in text
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert "script" not in tags.seen
    assert tags.addresses == []
    assert "://" not in text


def test_each_known_benchmark_has_a_chart() -> None:
    for name, result in RESULTS.items():
        found = charts(name, result)
        assert found, name
        for chart in found:
            ElementTree.fromstring(chart.svg())


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
