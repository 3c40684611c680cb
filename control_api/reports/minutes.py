"""Minutes of a meeting as texts for the template (S102, phụ lục bước 8).  Pure: same record, same texts."""

from __future__ import annotations

from control_api.reports.attendance import within
from control_api.reports.evaluation import CRITERIA, SCORES, average
from control_api.reports.meetings import REHEARSED, MeetingRecord, Sealed, absent, count_present
from control_api.reports.paper import (
    NONE,
    Context,
    Office,
    clock,
    duration,
    head,
    lines,
    moment,
    number,
    percent,
    stamp,
)

_MOST_REHEARSALS = 10
RESULTS = {
    "present": "Có mặt",
    "absent": "Vắng",
    "poor": "Có mặt, tiếng hoặc hình chưa tốt",
    "no_answer": "Không trả lời",
    "skipped": "Bỏ qua",
}


def minutes(record: MeetingRecord, office: Office) -> Context:
    booking = record.booking
    main = next((site for site in record.sites if site.main), None)
    form = booking.form if booking is not None else {}
    present = count_present(record)
    missing = [site.name for site in absent(record)]
    evaluation = record.evaluation
    content = evaluation.content if evaluation is not None else {}
    score = average(content)
    return {
        "head": head(office, "BB", record.ended_at),
        "title": record.title,
        "conference": record.conference_id,
        "class": booking.class_ if booking is not None else NONE,
        "host": record.host or NONE,
        "planned": NONE if booking is None else f"{stamp(booking.starts_at)} – {stamp(booking.ends_at)}",
        "began": moment(record.began_at),
        "ended": moment(record.ended_at) + _length(record),
        "rehearsal": _rehearsal(record),
        "main_site": NONE if main is None else main.name + (f", {main.place}" if main.place else ""),
        "chair": str(form.get("chair") or NONE),
        "attendees": main.attendees if main is not None and main.attendees else NONE,
        "count": f"{present}/{len(record.sites)}",
        "missing": ", ".join(missing[:50]) + (" …" if len(missing) > 50 else "") if missing else "không",
        "sites": [_site(record, index) for index in range(len(record.sites))],
        "quality": [_quality(record, index) for index in range(len(record.sites))],
        "incidents": [
            {
                "n": str(index),
                "at": clock(incident.at),
                "site": incident.site or "Toàn phiên họp",
                "text": incident.text,
                "outcome": incident.outcome,
            }
            for index, incident in enumerate(record.incidents, 1)
        ],
        "incidents_none": "" if record.incidents else "Không ghi nhận sự cố trong phiên họp.",
        "incidents_more": f"Còn {record.incidents_left_out} sự việc khác, xem nhật ký."
        if record.incidents_left_out
        else "",
        "floor": _floor(record),
        "notes": [
            {
                "at": clock(line.at),
                "by": line.actor or NONE,
                "text": (REHEARSED if within(line.at, record.rehearsals) else "") + str(line.data.get("text", "")),
            }
            for line in record.notes
        ],
        "evaluation": [
            {
                "n": str(index),
                "about": item.get("about") or "Toàn phiên họp",
                "criterion": CRITERIA[item["criterion"]][0],
                "score": f"{item['score']} – {SCORES[item['score']]}",
                "remark": item.get("remark", ""),
            }
            for index, item in enumerate(content.get("items", []), 1)
        ],
        "evaluation_none": "" if content.get("items") else "Chưa có đánh giá.",
        "score": NONE if score is None else f"{number(score, 1)}/5",
        "evaluator": NONE if evaluation is None else f"{evaluation.evaluator}, {evaluation.position}".strip(", "),
        "evaluation_remark": lines(str(content.get("remark", ""))),
        "proposal": lines(str(content.get("proposal", ""))),
        "signed": NONE
        if evaluation is None or evaluation.signed_at is None
        else f"Đã ký điện tử nội bộ lúc {stamp(evaluation.signed_at)} ({evaluation.signed_by}); "
        f"mã SHA-256: {evaluation.digest}",
        "journal": journal_sentence(record.sealed),
        "journal_hash": record.sealed.hash,
        "writer": "NGƯỜI VẬN HÀNH ĐIỂM CẦU CHÍNH",
        "chairman": "ĐẠI DIỆN CƠ QUAN CHỦ TRÌ",
        "recipients": ["Sở Khoa học và Công nghệ;", "Các điểm cầu tham gia;", "Lưu: VT."],
    }


def _length(record: MeetingRecord) -> str:
    if record.began_at is None or record.ended_at is None:
        return ""
    return f" ({duration(record.ended_at - record.began_at)})"


def _rehearsal(record: MeetingRecord) -> str:
    if not record.rehearsals:
        return "Không ghi nhận"
    spans = [f"{stamp(since)} – {stamp(until)}" for since, until in record.rehearsals[:_MOST_REHEARSALS]]
    more = " …" if len(record.rehearsals) > _MOST_REHEARSALS else ""
    return "; ".join(spans) + more + " (không tính vào thời gian dự họp)"


def _site(record: MeetingRecord, index: int) -> dict[str, str]:
    site = record.sites[index]
    result, at, remark = record.results.get(site.id, (None, None, ""))
    there = record.presences.get(site.id)
    return {
        "n": str(index + 1),
        "name": site.name,
        "role": "Chính" if site.main else "Thành phần",
        "result": RESULTS.get(result or "", "Không điểm danh") + (f" ({remark})" if remark else ""),
        "called": NONE if at is None else clock(at),
        "came": NONE if there is None else clock(there.first_at),
        "went": NONE if there is None else clock(there.last_at),
        "stayed": NONE if there is None else duration(there.seconds),
        "losses": NONE if there is None else str(there.losses),
    }


def _quality(record: MeetingRecord, index: int) -> dict[str, str]:
    site = record.sites[index]
    quality = record.quality.get(site.id)
    said, remark = record.remarks.get(site.id, (None, ""))
    words = "; ".join(part for part in (f"điểm {said}/5" if said is not None else "", remark) if part)
    if quality is None:
        figures = dict.fromkeys(("score", "good", "fair", "bad", "lost", "loss", "rtt"), NONE)
    else:
        figures = {
            "score": NONE if quality.score is None else str(quality.score),
            "good": percent(quality.good),
            "fair": percent(quality.fair),
            "bad": percent(quality.bad),
            "lost": percent(quality.lost),
            "loss": percent(quality.loss, 1),
            "rtt": NONE if quality.rtt_ms is None else f"{number(quality.rtt_ms)} ms",
        }
    return {"n": str(index + 1), "name": site.name, **figures, "remark": words}


def _floor(record: MeetingRecord) -> str:
    if record.floor_turns == 0:
        return "Không có điểm cầu đăng ký phát biểu qua hệ thống."
    mean = ""
    if record.on_air_ms is not None:
        mean = f"; thời gian đưa lên hình trung bình {number(record.on_air_ms / 1000, 1)} giây"
    return f"Có {record.floor_turns} lượt phát biểu qua hệ thống{mean}."


def journal_sentence(sealed: Sealed) -> str:
    """What a paper says of the journal it leans on."""
    if sealed.lines == 0:
        return "Chưa có nhật ký."
    state = {
        True: "đã kiểm tra, nguyên vẹn",
        False: "KIỂM TRA PHÁT HIỆN SAI LỆCH",
        None: "chưa kiểm tra toàn bộ",
    }[sealed.whole]
    return f"Nhật ký phiên họp gồm {number(sealed.lines)} dòng ({state}). Mã băm SHA-256 của dòng cuối:"
