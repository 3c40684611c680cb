"""The evaluation of a meeting: what is scored, and what its signature covers.  Pure (S102, phụ lục bước 8)."""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

from control_api.journal.chain import canonical, plain
from control_api.problems import Refused
from control_api.store.base import Json

Criterion = Literal["picture", "sound", "line", "preparation", "coordination", "script", "connect_time", "security"]
CRITERIA: dict[Criterion, tuple[str, str]] = {
    "picture": ("Chất lượng hình ảnh", "Picture"),
    "sound": ("Chất lượng âm thanh", "Sound"),
    "line": ("Đường truyền", "Lines"),
    "preparation": ("Công tác chuẩn bị, kiểm tra kỹ thuật", "Preparation and technical check"),
    "coordination": ("Phối hợp giữa các bên", "Coordination of the parties"),
    "script": ("Tuân thủ kịch bản phiên họp", "Keeping to the script"),
    "connect_time": ("Thời gian kết nối khi chủ tọa yêu cầu", "Time to connect when the chair asked"),
    "security": ("Bảo đảm an toàn thông tin", "Information security"),
}
assert set(CRITERIA) == set(get_args(Criterion))
SCORES: dict[int, str] = {1: "Kém", 2: "Yếu", 3: "Trung bình", 4: "Khá", 5: "Tốt"}


def average(content: Json) -> float | None:
    """Mean of the scores, None without one."""
    scores = [item["score"] for item in content.get("items", [])]
    return sum(scores) / len(scores) if scores else None


def digest(conference_id: str, content: Json, evaluator: str, position: str, seq: int, head: str) -> str:
    """What a signature stands for: SHA-256 over the evaluation and the journal's head at that moment."""
    fields = {
        "conference": conference_id,
        "content": plain(content),
        "evaluator": evaluator,
        "journal_hash": head,
        "journal_seq": seq,
        "position": position,
    }
    return hashlib.sha256(canonical(fields)).hexdigest()


def signed_already() -> Refused:
    return Refused(
        "evaluation_signed",
        "Bản đánh giá đã ký nên không sửa được nữa. Nếu có điều cần bổ sung, hãy ghi vào nhật ký của phiên họp.",
        "The evaluation has been signed and cannot be changed any more. Write a note into the journal instead.",
    )


def nothing_to_sign() -> Refused:
    return Refused(
        "evaluation_empty",
        "Chưa chấm điểm mục nào. Hãy đánh giá ít nhất một mục rồi ký.",
        "Nothing has been scored yet. Score at least one item, then sign.",
    )


def changed_meanwhile() -> Refused:
    return Refused(
        "report_changed",
        "Người khác vừa sửa bản này. Hãy tải lại để xem nội dung mới rồi sửa tiếp.",
        "Somebody else has just changed this. Reload it, then go on.",
    )
