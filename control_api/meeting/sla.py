"""How well lines were over a time: shares of good, fair, bad and lost readings, outages, changes of line (S60).

Pure; made from the sums of meetings and from what happened to the lines.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from control_api.meeting.grades import PERIOD, Reading, score_of
from control_api.meeting.tables import LineEventRow, QualitySumRow

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
GRADES_VI = {"good": "Tốt", "fair": "Trung bình", "bad": "Kém", "lost": "Mất kết nối"}
CSV = "text/csv"


@dataclass(slots=True)
class LineRecord:
    """One line over the time asked for.  Shares are fractions of the measured time."""

    site: str
    name: str
    meetings: int = 0
    good: int = 0  # readings
    fair: int = 0
    bad: int = 0
    lost: int = 0
    loss_sum: float = 0.0
    loss_most: float = 0.0
    jitter_sum: float = 0.0
    rtt_sum: float = 0.0
    up_sum: float = 0.0
    down_sum: float = 0.0
    outages: int = 0
    longest_outage: float = 0.0  # seconds
    bad_times: int = 0
    reserve_changes: int = 0

    def add(self, row: QualitySumRow) -> None:
        self.meetings += 1
        for name in ("good", "fair", "bad", "lost", "loss_sum", "jitter_sum", "rtt_sum", "up_sum", "down_sum"):
            setattr(self, name, getattr(self, name) + getattr(row, name))
        self.loss_most = max(self.loss_most, row.loss_most)

    @property
    def readings(self) -> int:
        return self.good + self.fair + self.bad + self.lost

    @property
    def seconds(self) -> float:
        return self.readings * PERIOD

    @property
    def availability(self) -> float | None:
        """Fraction of the time that the line carried the meeting at all."""
        return None if not self.readings else 1 - self.lost / self.readings

    @property
    def score(self) -> int | None:
        return score_of(self.good, self.fair, self.bad, self.lost)

    def mean(self, name: str) -> float | None:
        """Mean of `loss`, `jitter`, `rtt`, `up` or `down` over the time connected."""
        connected = self.good + self.fair + self.bad
        return None if not connected else float(getattr(self, f"{name}_sum")) / connected


def records(sums: Iterable[QualitySumRow], events: Iterable[LineEventRow]) -> list[LineRecord]:
    """One for each line, the worst first."""
    found: dict[str, LineRecord] = {}
    for row in sums:
        found.setdefault(row.site, LineRecord(row.site, row.name)).add(row)
    for event in events:
        record = found.setdefault(event.site, LineRecord(event.site, event.name))
        if event.kind == "lost":
            record.outages += 1
        elif event.kind == "back":
            record.longest_outage = max(record.longest_outage, event.seconds or 0.0)
        elif event.kind == "bad":
            record.bad_times += 1
        elif event.kind == "reserve":
            record.reserve_changes += 1
    return sorted(found.values(), key=lambda one: (101 if one.score is None else one.score, one.name))


def records_csv(found: Sequence[LineRecord]) -> bytes:
    head = (
        "Mã điểm cầu", "Điểm cầu", "Số phiên họp", "Thời gian đo (phút)", "Khả dụng (%)", "Tốt (%)", "Trung bình (%)",
        "Kém (%)", "Mất kết nối (%)", "Điểm", "Mất gói TB (%)", "Mất gói lớn nhất (%)", "Jitter TB (ms)", "RTT TB (ms)",
        "Tải lên TB (kbit/s)", "Tải xuống TB (kbit/s)", "Số lần mất kết nối", "Lần dài nhất (giây)", "Số lần kém",
        "Số lần chuyển dự phòng",
    )  # fmt: skip
    rows = []
    for one in found:
        share = [_percent(count / one.readings if one.readings else None) for count in _counts(one)]
        means = [one.mean(name) for name in ("jitter", "rtt", "up", "down")]
        rows.append(
            (
                one.site,
                one.name,
                one.meetings,
                round(one.seconds / 60),
                _percent(one.availability),
                *share,
                "" if one.score is None else one.score,
                _percent(one.mean("loss")),
                _percent(one.loss_most),
                *("" if value is None else round(value) for value in means),
                one.outages,
                round(one.longest_outage),
                one.bad_times,
                one.reserve_changes,
            )
        )
    return table(head, rows)


def readings_csv(readings: Iterable[tuple[float, dict[str, Reading]]], names: dict[str, str]) -> bytes:
    """One line for each site and reading."""
    head = (
        "Thời điểm", "Mã điểm cầu", "Điểm cầu", "Đánh giá", "Mất gói lên (%)", "Mất gói xuống (%)", "Jitter (ms)",
        "RTT (ms)", "Tải lên (kbit/s)", "Tải xuống (kbit/s)",
    )  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for at, sites in readings:
        when = datetime.fromtimestamp(at, ZONE).isoformat(sep=" ", timespec="seconds")
        for site, reading in sorted(sites.items()):
            figures = reading.figures
            values: tuple[object, ...] = ("",) * 6
            if figures is not None:
                rtt = "" if figures.rtt_ms is None else round(figures.rtt_ms)
                loss = _percent(figures.loss_up), _percent(figures.loss_down)
                values = (*loss, round(figures.jitter_ms), rtt, round(figures.up_kbps), round(figures.down_kbps))
            rows.append((when, site, names.get(site, site), GRADES_VI[reading.grade], *values))
    return table(head, rows)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """CSV as the offices' spreadsheets read it: UTF-8 with a mark, no cell taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value


def _counts(one: LineRecord) -> tuple[int, int, int, int]:
    return one.good, one.fair, one.bad, one.lost


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{fraction * 100:.1f}"
