"""The technical check's summary form as texts for the template (S81, phụ lục bước 5).  Pure."""

from __future__ import annotations

from collections.abc import Mapping

from control_api.checks.measured import Measured
from control_api.checks.store import Check
from control_api.checks.verdict import ITEMS
from control_api.reports.meetings import MeetingRecord
from control_api.reports.paper import NONE, Context, Office, head, number, percent, stamp

VERDICTS = {"pass": "Đạt", "remarks": "Đạt, có lưu ý", "fail": "Không đạt"}
NOT_CHECKED = "Chưa kiểm tra"
MOST_STILLS = 200


def summary(record: MeetingRecord, checks: Mapping[str, Check], office: Office, stills: list[str]) -> Context:
    """`checks`: newest of each site; `stills`: ids of the sites whose picture is in the annex, `<number>.jpg` each."""
    booking = record.booking
    rows = []
    counts = dict.fromkeys((*VERDICTS, ""), 0)
    for index, site in enumerate(record.sites, 1):
        check = checks.get(site.id)
        counts[check.verdict.value if check is not None else ""] += 1
        rows.append({"n": str(index), "name": site.name, **_row(check)})
    done = [check.row.at for check in checks.values()]
    names = {site.id: site.name for site in record.sites}
    return {
        "head": head(office, "BB", max(done, default=None)),
        "title": record.title,
        "host": record.host or NONE,
        "planned": NONE if booking is None else f"{stamp(booking.starts_at)} – {stamp(booking.ends_at)}",
        "trial": NONE if booking is None or booking.trial_at is None else stamp(booking.trial_at),
        "count": f"{len(record.sites)} điểm cầu; đạt {counts['pass']}, đạt có lưu ý {counts['remarks']}, "
        f"không đạt {counts['fail']}, chưa kiểm tra {counts['']}",
        "sites": rows,
        "stills": [
            {"file": f"{number_}.jpg", "name": names[site], "at": stamp(checks[site].row.at)}
            for number_, site in enumerate(stills, 1)
        ],
        "chairman": "ĐẠI DIỆN ĐIỂM CẦU CHÍNH",
        "recipients": ["Sở Khoa học và Công nghệ;", "Các điểm cầu tham gia;", "Lưu: VT."],
    }


def _row(check: Check | None) -> dict[str, str]:
    if check is None:
        empty = dict.fromkeys((*ITEMS, "leader", "operator", "tester", "remark"), NONE)
        return {**empty, "verdict": NOT_CHECKED}
    row = check.row
    items: dict[str, str] = {item: VERDICTS.get(row.items.get(item, ""), NONE) for item in ITEMS}
    measured = Measured.model_validate(row.measured)
    line = measured.line
    if line is not None:
        loss, rtt = percent(max(line.loss_up, line.loss_down), 1), number(line.rtt_ms)
        items["line"] += f": mất gói {loss}, rung {number(line.jitter_ms)} ms, trễ {rtt} ms"
    person = ", ".join(part for part in (row.operator_name, row.operator_position, row.operator_phone) if part)
    said = [str(reason["vi"]) for reason in row.reasons.get("reasons", [])][:3]
    said += [row.remark] if row.remark else []
    said += [f"Sở kết luận lại ({one.by}): {VERDICTS[one.verdict.value]}, {one.remark}" for one in check.overrides[-1:]]
    return {
        **items,
        "leader": row.leader or NONE,
        "operator": person or NONE,
        "verdict": VERDICTS[check.verdict.value],
        "remark": " ".join(said) or NONE,
        "tester": f"{row.tester or NONE}, {stamp(row.at)}",
    }
