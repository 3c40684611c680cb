"""The report of `mcu bench all`: one HTML file with charts as inline SVG; no scripts, nothing loaded from anywhere.

`results` is `{"compose": …, "fanout": …, …}` as the benchmarks return them.  What a benchmark has is shown: known
figures as charts, everything as tables, so a new key needs no change here.
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, one_line

_TITLES = {  # in the order of the report: Vietnamese, English
    "room": ("Cả phòng họp", "A whole room"),
    "scale": ("Theo số điểm cầu", "By number of sites"),
    "line": ("Đường truyền xấu", "A bad line"),
    "lipsync": ("Hình khớp tiếng", "Lip sync"),
    "drift": ("Đồng hồ sai", "A wrong clock"),
    "soak": ("Chạy lâu", "A long run"),
    "store": ("Kho dữ liệu đầy", "A full store"),
    "compose": ("Ghép hình", "Composing the picture"),
    "encode": ("Nén và giải nén hình", "Encoding and decoding pictures"),
    "audio": ("Trộn tiếng", "Mixing sound"),
    "fanout": ("Phát tới các điểm cầu", "Fan-out to sites"),
    "ingest": ("Nhận từ các điểm cầu", "Receiving from sites"),
}
_SERIES = ("var(--own)", "var(--peer)", "var(--third)")


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart: for each label one value per series; a missing value leaves its place empty."""

    title: str
    unit: str
    series: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    limit: tuple[float, str] | None = None  # a line at a value, and what it means

    def svg(self) -> str:
        left, width, bar, space = 190, 560, 15, 12
        group = bar * len(self.series) + space
        height = 44 + group * len(self.rows)
        values = [value for _, row in self.rows for value in row if value is not None]
        largest = max([*values, self.limit[0] if self.limit else 0.0, 1e-9]) * 1.12
        parts = [f'<svg viewBox="0 0 {left + width + 80} {height}" role="img" aria-label="{_text(self.title)}">']
        x = left
        for index, name in enumerate(self.series):
            parts.append(f'<rect x="{x}" y="6" width="12" height="12" rx="2" fill="{_SERIES[index % 3]}"/>')
            parts.append(f'<text x="{x + 17}" y="17">{_text(name)}</text>')
            x += 40 + 8 * len(name)
        for row, (label, row_values) in enumerate(self.rows):
            top = 34 + row * group
            middle = top + bar * len(self.series) / 2 + 4
            parts.append(f'<text x="{left - 8}" y="{middle:.0f}" text-anchor="end">{_text(label)}</text>')
            for index, value in enumerate(row_values):
                if value is None:
                    continue
                y, length = top + index * bar, max(1.0, value / largest * width)
                colour = _SERIES[index % 3]
                parts.append(
                    f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 3}" rx="2" fill="{colour}"/>'
                )
                shown = f"{_number(value)} {self.unit}".strip()
                parts.append(f'<text class="value" x="{left + length + 6:.1f}" y="{y + bar - 4}">{_text(shown)}</text>')
        if self.limit is not None:
            x_limit = left + self.limit[0] / largest * width
            parts.append(f'<line x1="{x_limit:.1f}" x2="{x_limit:.1f}" y1="28" y2="{height - 6}" class="limit"/>')
            parts.append(f'<text class="limit" x="{x_limit + 4:.1f}" y="{height - 4}">{_text(self.limit[1])}</text>')
        return "".join([*parts, "</svg>"])


@dataclass(frozen=True, slots=True)
class Curve:
    """Lines over a common axis.  `points` are (x, one value per series), x rising."""

    title: str
    x_unit: str
    unit: str
    series: tuple[str, ...]
    points: tuple[tuple[float, tuple[float | None, ...]], ...]
    limit: tuple[float, str] | None = None  # a line at a value, and what it means

    def svg(self) -> str:
        left, top, width, height = 60, 34, 680, 220
        values = [value for _, row in self.points for value in row if value is not None]
        largest = max([*values, self.limit[0] if self.limit else 0.0, 1e-9]) * 1.08
        last = max([x for x, _ in self.points] or [1.0]) or 1.0

        def at(x: float, value: float) -> tuple[float, float]:
            return left + x / last * width, top + height - value / largest * height

        parts = [
            f'<svg viewBox="0 0 {left + width + 60} {top + height + 40}" role="img" aria-label="{_text(self.title)}">'
        ]
        for step in range(5):
            value = largest * step / 4
            _, y = at(0, value)
            parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
            parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{_text(_number(value))}</text>')
        marks = [x for x, _ in self.points] if len(self.points) <= 12 else [round(last * n / 6) for n in range(7)]
        parts += [
            f'<text x="{at(x, 0)[0]:.1f}" y="{top + height + 18}" text-anchor="middle">{x:g}</text>' for x in marks
        ]
        parts.append(f'<text x="{left + width}" y="{top + height + 34}" text-anchor="end">{_text(self.x_unit)}</text>')
        legend = left
        for index, name in enumerate(self.series):
            colour = _SERIES[index % 3]
            parts.append(f'<rect x="{legend}" y="6" width="12" height="12" rx="2" fill="{colour}"/>')
            parts.append(
                f'<text x="{legend + 17}" y="17">{_text(f"{name} ({self.unit})" if self.unit else name)}</text>'
            )
            legend += 60 + 8 * len(name)
            line = [at(x, row[index] or 0.0) for x, row in self.points if row[index] is not None]
            joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
            parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
            if len(line) <= 12:
                parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in line]
        if self.limit is not None:
            _, y = at(0, self.limit[0])
            parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" class="limit"/>')
            parts.append(f'<text class="limit" x="{left + width + 4}" y="{y + 4:.1f}">{_text(self.limit[1])}</text>')
        return "".join([*parts, "</svg>"])


def write_html(results: Mapping[str, Any], path: Path) -> None:
    """Write the report, replacing what was at `path`."""
    path.write_text(page(results), encoding="utf-8")


def page(results: Mapping[str, Any]) -> str:
    """The whole document."""
    info = results.get("machine") or _machine_of(results)
    sections = [_section(name, results[name]) for name in _TITLES if results.get(name)]
    when = time.strftime("%Y-%m-%d %H:%M %Z")
    versions = ", ".join(f"{name} {value}" for name, value in info["versions"].items() if value)
    return (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Điểm Cầu MCU – kết quả đo</title><style>{_STYLE}</style></head><body><main>"
        "<h1>Điểm Cầu MCU – kết quả đo<small>Benchmark report</small></h1>"
        f'<p class="machine">{_text(when)} · {_text(one_line(info))}<br>{_text(versions)}</p>'
        f"{''.join(sections)}</main></body></html>\n"
    )


def charts(name: str, result: Mapping[str, Any]) -> list[Bars | Curve]:
    """The charts of one benchmark; none for a shape that is not known."""
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    cases = [case for case in result.get("cases", ()) if isinstance(case, Mapping)]
    if name == "compose" and cases:
        peers = {"Điểm Cầu": ("ms_p50", "psnr_db"), "FFmpeg xstack": ("xstack_ms", "xstack_psnr_db")}
        if any(case.get("gst_ms") is not None for case in cases):
            peers["GStreamer compositor"] = ("gst_ms", "gst_psnr_db")
        rows = tuple((_case_name(case), tuple(case.get(time) for time, _ in peers.values())) for case in cases)
        quality = tuple(
            (_case_name(case), tuple(case.get(psnr) for _, psnr in peers.values()))
            for case in cases
            if case.get("psnr_db") is not None
        )
        return [
            Bars("Thời gian mỗi khung / time per picture", "ms", tuple(peers), rows, (33.3, "33 ms")),
            *([Bars("Chất lượng (PSNR) / quality", "dB", tuple(peers), quality)] if quality else []),
        ]
    if name == "encode" and cases:
        rows = tuple((_case_name(case), (case.get("ms_p50"), case.get("decode_ms_p50"))) for case in cases)
        return [Bars("Thời gian mỗi khung / time per picture", "ms", ("nén / encode", "giải nén / decode"), rows)]
    if name in ("fanout", "ingest") and "us_per_packet" in result:
        own, stock = result["us_per_packet"], result.get("stock_us_per_packet")
        rows = (("Điểm Cầu", (own,)), ("aiortc", (stock,)))
        return [Bars("Mỗi gói / per packet", "µs", ("µs",), rows)]
    if name == "audio" and isinstance(result.get("opus"), Mapping):
        opus = result["opus"]
        rows = tuple((f"Opus {what}", (opus.get(f"{what}_us_p50"),)) for what in ("encode", "decode", "conceal"))
        rows += tuple((f"{bus['voices']} tiếng / voices", (bus.get("us_p50"),)) for bus in result.get("bus", ()))
        return [Bars("Mỗi 20 ms / per 20 ms", "µs", ("p50",), rows)]
    if name == "line" and "pesq_or_stoi_up" in result:
        ways = (("lên / up", "up"), ("xuống / down", "down"))
        return [
            Bars(
                f"{title} ({result.get('profile')})",
                unit,
                ("",),
                tuple((say, (result.get(f"{key}_{way}"),)) for say, way in ways),
                limit,
            )
            for title, unit, key, limit in (
                ("Lần đứng hình dài nhất / longest freeze", "ms", "longest_freeze_ms", (500.0, "500 ms")),
                ("Nghe rõ (STOI) / intelligibility", "", "pesq_or_stoi", None),
            )
        ]
    if name == "lipsync" and cases and "goal_ms" in result:
        after, before = result["goal_ms"]
        return [
            Bars(
                title,
                "ms",
                ("",),
                tuple((f"{one['profile']} {one['picture']}", (_positive(one["skew_ms"][key], sign),)) for one in cases),
                (limit, f"{limit:g} ms"),
            )
            for title, key, sign, limit in (
                ("Tiếng trước hình / sound before its picture, p95", "p95", 1, before),
                ("Tiếng sau hình / sound after its picture, p5", "p5", -1, -after),
            )
        ]
    if name == "drift" and cases:
        rows = tuple((f"{case['ppm']:+g} ppm", (case["delay_ms_first"], case["delay_ms_last"])) for case in cases)
        return [Bars("Độ trễ tiếng / delay of sound", "ms", ("đầu / first 10 min", "cuối / last 10 min"), rows)]
    if name == "room" and isinstance(result.get("mcu_cores_by_process"), Mapping):
        rows = tuple((kind, (used,)) for kind, used in result["mcu_cores_by_process"].items())
        return [
            Bars("Số lõi theo tiến trình / cores by process", "", ("lõi / cores",), rows),
            Bars(
                "Độ trễ / delays",
                "ms",
                ("p50", "p95"),
                (
                    ("hình tới hình / glass to glass", _pair(result, "glass_to_glass_ms")),
                    ("vào họp / join", _pair(result, "join_ms")),
                ),
            ),
            *_distribution(result),
        ]
    if name == "scale" and cases:

        def curve(
            title: str, unit: str, names: tuple[str, ...], keys: tuple[str, ...], limit: tuple[float, str] | None = None
        ) -> Curve:
            points = tuple((float(case["sites"]), tuple(case.get(key) for key in keys)) for case in cases)
            return Curve(title, "điểm cầu / sites", unit, names, points, limit)

        return [
            curve("Số lõi / cores", "", ("MCU", "máy phát tải / loader"), ("mcu_cores", "loader_cores")),
            curve(
                "Mỗi giây, nơi kém nhất / per second, worst site",
                "",
                ("hình / pictures", "tiếng / sound"),
                ("fps_min", "audio_pps_min"),
            ),
            curve("Trễ nhịp p99 / lateness p99", "ms", ("p99",), ("tick_late_ms_p99",), (10.0, "10 ms")),
            curve("Vòng lặp chậm nhất / event loop late, worst", "ms", ("ms",), ("loop_lag_ms",), (20.0, "20 ms")),
            curve(
                "Hình tới hình / glass to glass",
                "ms",
                ("p50", "p95"),
                ("glass_to_glass_ms_p50", "glass_to_glass_ms_p95"),
            ),
            curve("Bộ nhớ mỗi điểm cầu / memory per site", "MB", ("MB",), ("rss_mb_per_site",)),
        ]
    return []


def _positive(value: float | None, sign: int = 1) -> float | None:
    return None if value is None else max(0.0, sign * value)


def _distribution(result: Mapping[str, Any]) -> list[Curve]:
    """Share of the pictures that were at most so old when they were seen."""
    quantiles = result.get("glass_to_glass_ms_quantiles") or []
    points = tuple((float(ms), (100.0 * share,)) for share, ms in quantiles)
    return [Curve("Phân bố độ trễ hình / glass to glass, distribution", "ms", "%", ("≤",), points)] if points else []


def _section(name: str, result: Any) -> str:
    vi, en = _TITLES[name]
    several = result if isinstance(result, list) else [result]
    body = []
    for one in several:
        if one.get("error"):
            body.append(f'<p class="error">{_text(str(one["error"]))}</p>')
        body += [f"<h3>{_text(chart.title)}</h3>{chart.svg()}" for chart in charts(name, one)]
        body.append(f"<details><summary>Số liệu / figures</summary>{_tables(one)}</details>")
    return f"<section><h2>{_text(vi)}<small>{_text(en)}</small></h2>{''.join(body)}</section>"


def _tables(result: Mapping[str, Any]) -> str:
    plain = {key: value for key, value in result.items() if not isinstance(value, Mapping | list | tuple)}
    out = []
    if plain:
        rows = "".join(f"<tr><th>{_text(key)}</th><td>{_cell(value)}</td></tr>" for key, value in plain.items())
        out.append(f'<table class="figures">{rows}</table>')
    for key, value in result.items():
        if isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value):
            out.append(_grid(value))
        elif isinstance(value, Mapping) and key not in ("machine", "versions"):
            out.append(f"<h3>{_text(key)}</h3>{_tables(value)}")
    return "".join(out)


def _grid(rows: Iterable[Mapping[str, Any]]) -> str:
    rows = list(rows)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    head = "".join(f"<th>{_text(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(row.get(column))}</td>' for column in columns)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _machine_of(results: Mapping[str, Any]) -> dict[str, Any]:
    for result in results.values():
        if isinstance(result, Mapping) and isinstance(result.get("machine"), dict):
            found: dict[str, Any] = result["machine"]
            return found
    return machine()


def _case_name(case: Mapping[str, Any]) -> str:
    if "layout" in case:
        changed = f" {case['changed']}/{case['tiles']}" if "changed" in case and "tiles" in case else ""
        return f"{case['layout']} {case.get('source', '')}{changed}{' +tên' if case.get('labels') else ''}"
    if "codec" in case:
        return f"{case['codec']} {case.get('width', '')}x{case.get('height', '')}"
    return next((str(value) for value in case.values()), "")


def _pair(result: Mapping[str, Any], name: str) -> tuple[float | None, float | None]:
    return result.get(f"{name}_p50"), result.get(f"{name}_p95")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "có / yes" if value else "không / no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return _text(_number(value) if isinstance(value, int | float) else str(value))


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    size = abs(value)
    return (
        f"{value:.0f}"
        if size >= 1000
        else f"{value:.1f}"
        if size >= 100
        else f"{value:.2f}"
        if size >= 1
        else f"{value:.3f}"
    )


def _text(text: str) -> str:
    return html.escape(text, quote=True)


_STYLE = """
:root{--ink:#16202b;--soft:#5a6876;--ground:#fff;--line:#d8dee6;--own:#0b6bcb;--peer:#b4531a;--third:#3f7d20;--stop:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--soft:#a2b0be;--ground:#12181f;--line:#2c3845;--own:#5aa9f5;
--peer:#f0995c;--third:#8fce6a;--stop:#ff8a80}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:64rem;margin:0 auto;padding:2rem 1rem 4rem}h1{font-size:1.9rem;margin:0}h2{margin:2.5rem 0 .5rem;
border-top:2px solid var(--line);padding-top:1.2rem}h3{font-size:1rem;margin:1.4rem 0 .3rem;color:var(--soft)}
small{display:block;font-size:.95rem;font-weight:400;color:var(--soft)}.machine{color:var(--soft)}
svg{width:100%;height:auto;max-width:830px}svg text{font:12px system-ui,sans-serif;fill:var(--ink)}
svg line.grid{stroke:var(--line)}summary{cursor:pointer;color:var(--soft);margin:.8rem 0}
svg text.value{fill:var(--soft)}svg line.limit{stroke:var(--stop);stroke-dasharray:4 3}svg text.limit{fill:var(--stop)}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.8rem 0}
th,td{text-align:left;padding:.25rem .7rem;
border-bottom:1px solid var(--line);font-size:.9rem}th{color:var(--soft);font-weight:600}td{text-align:right}
.wide{overflow-x:auto}.error{color:var(--stop);font-weight:600}
"""
