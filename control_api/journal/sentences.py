"""What the codes of the journal say, as sentences for the office: Vietnamese and English.

Every code that the program journals has its sentence here; a test reads the program and finds the ones without.
A template names the site as `{site}` and the line's data by their keys; `code:none` is for a line without a site,
`code:older` for one written before its data had all that the newest sentence names.
Pure.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from control_api.journal.words import WORDS

Language = Literal["vi", "en"]

_MISSING = "…"
_SITES = ("site", "except", "was", "sites", "present", "failed", "absent", "red")  # keys that hold ids of sites
_LONGEST = 1000

SENTENCES: dict[str, tuple[str, str]] = {
    # the conference
    "created": ("Lập phiên họp “{title}”", "Conference “{title}” made"),
    "deleted": ("Kết thúc và xóa phiên họp", "Conference ended and deleted"),
    "title": ("Đổi tên phiên họp thành “{title}”", "Conference renamed “{title}”"),
    "opened": ("Mở cửa phòng họp cho các điểm cầu", "Conference opened to the sites"),
    "closed": ("Đóng cửa phòng họp, các điểm cầu không vào được nữa", "Conference closed, sites cannot join"),
    "options": (
        "Đổi tùy chọn: tự tắt tiếng điểm cầu ồn {auto_mute_noisy}, chuyển thẳng hình {pass_through}, "
        "số điểm cầu được nghe cùng lúc {loudest}",
        "Options changed: mute noisy sites {auto_mute_noisy}, forward pictures {pass_through}, "
        "sites heard at once {loudest}",
    ),
    "options:older": (
        "Đổi tùy chọn: tự tắt tiếng điểm cầu ồn {auto_mute_noisy}, chuyển thẳng hình {pass_through}",
        "Options changed: mute noisy sites {auto_mute_noisy}, forward pictures {pass_through}",
    ),
    "undone": ("Hoàn tác: {command}", "Undone: {command}"),
    # sites and their links
    "site_added": ("Thêm điểm cầu {name} (số {number})", "Site {name} added (number {number})"),
    "site_removed": ("Bỏ điểm cầu {site} khỏi phiên họp", "Site {site} removed"),
    "site_renamed": ("Đổi tên điểm cầu thành {name}", "Site renamed {name}"),
    "site_role": ("{site} giữ vai trò {role}", "{site} is now {role}"),
    "site_gain": ("Chỉnh âm lượng {site}: {gain_db} dB", "Gain of {site}: {gain_db} dB"),
    "link_issued": ("Cấp đường dẫn tham gia cho {site}", "Join link issued for {site}"),
    "link_revoked": ("Thu hồi đường dẫn tham gia của {site}", "Join link of {site} revoked"),
    "dropped": ("Ngắt kết nối {site}", "{site} disconnected by the operator"),
    # joins, leaves, losses
    "site_joined": ("{site} vào phòng họp", "{site} joined"),
    "fallback_used": (
        "{site} vào họp bằng mạng dự phòng từ {address}, sự cố số {incident}",
        "{site} joined over another network from {address}, incident {incident}",
    ),
    "site_returned": ("{site} kết nối lại, giữ nguyên chỗ", "{site} returned to its seat"),
    "site_live": ("{site} có hình và tiếng", "{site} is live"),
    "site_away": ("{site} mất kết nối ({reason})", "{site} lost its connection ({reason})"),
    "site_left": ("{site} rời phòng họp ({why})", "{site} left ({why})"),
    "line_bad": (
        "Đường truyền của {site} kém: mất gói {lost_percent} %, trễ {rtt_ms} ms",
        "The line of {site} is bad: {lost_percent} % lost, round trip {rtt_ms} ms",
    ),
    "line_good": (
        "Đường truyền của {site} tốt trở lại sau {seconds} giây",
        "The line of {site} is good again after {seconds} s",
    ),
    "size_adapted": (
        "Hình gửi tới {site} đổi từ cỡ {from} sang {to} theo đường truyền",
        "Picture to {site} went from {from} to {to}, as its line carries",
    ),
    "size": ("Đặt cỡ hình gửi tới {site}: {size}", "Size of the picture to {site}: {size}"),
    # sound
    "muted": ("Tắt tiếng {site}", "{site} muted"),
    "unmuted": ("Mở tiếng {site}", "{site} unmuted"),
    "muted_all": ("Tắt tiếng tất cả, trừ: {except}", "All muted except: {except}"),
    "unmuted_all": ("Mở tiếng tất cả", "All unmuted"),
    "muted_noise": ("Tự tắt tiếng {site} vì ồn ({level_dbov} dBov)", "{site} muted for noise ({level_dbov} dBov)"),
    # podium and pictures
    "podium": ("{site} lên bục phát biểu", "{site} takes the podium"),
    "podium:none": ("Bục phát biểu để trống", "The podium is empty"),
    "podium_layout": ("Bố cục khi có người phát biểu ở {view}: {layout}", "Layout of {view} with a speaker: {layout}"),
    "next": ("{site} chuẩn bị phát biểu", "{site} is next"),
    "next:none": ("Không còn điểm cầu chờ phát biểu", "Nobody is next"),
    "on_air": ("Lên hình sau {ms} ms: {command} {site}", "On air after {ms} ms: {command} {site}"),
    "on_air:none": ("Lên hình sau {ms} ms: {command}", "On air after {ms} ms: {command}"),
    "layout": ("{view}: đổi bố cục sang {layout}", "{view}: layout {layout}"),
    "layout_redrawn": ("Bố cục {layout} được vẽ lại", "Layout {layout} was drawn anew"),
    "placed": ("Đặt {site} vào ô {cell} của {view}", "{site} placed in cell {cell} of {view}"),
    "placed:none": ("Bỏ trống ô {cell} của {view}", "Cell {cell} of {view} emptied"),
    "filled": ("Ô {cell} của {view} lấp theo quy tắc: {filler}", "Cell {cell} of {view} filled by rule: {filler}"),
    "transition": ("{view}: chuyển cảnh kiểu {transition}", "{view}: transition {transition}"),
    "personal_view": ("{site} xem hình riêng, bố cục {layout}", "{site} watches a view of its own, layout {layout}"),
    "personal_view_dropped": ("{site} xem lại hình chung", "{site} watches the common view again"),
    "rendition": ("Đổi khuôn hình, tốc độ của {view}", "Picture format of {view} changed"),
    # the machine
    "alarm_site_quarantined": (
        "Cảnh báo: hình của {site} hỏng nặng, tạm không giải mã",
        "Alarm: the picture of {site} is damaged and not decoded",
    ),
    "alarm_control_slow": (
        "Cảnh báo: bộ điều khiển bị chậm, máy chủ có thể quá tải",
        "Alarm: control is late, overload",
    ),
    "alarm_relay_slow": (
        "Cảnh báo: bộ chuyển tiếp bị chậm, máy chủ có thể quá tải",
        "Alarm: the relay is late, overload",
    ),
    "alarm_mixer_slow": ("Cảnh báo: bộ trộn bị chậm, máy chủ có thể quá tải", "Alarm: the mixer is late, overload"),
    "alarm_load_shed": (
        "Cảnh báo: máy chủ quá tải, hình được dựng thưa hơn để giữ tiếng",
        "Alarm: overload, fewer pictures are made so that sound goes on",
    ),
    "alarm_load_shed_over": (
        "Máy chủ đã đủ sức trở lại, hình được dựng như đã đặt",
        "The server keeps up again, pictures are made as planned",
    ),
    "alarm_site_muted_noise": ("Cảnh báo: {site} ồn nên đã bị tự động tắt tiếng", "Alarm: {site} was muted for noise"),
    "alarm_site_noisy": (
        "Cảnh báo: {site} đang gây ồn, không có tiếng nói",
        "Alarm: {site} sends noise without speech",
    ),
    "alarm_changed_elsewhere": (
        "Cảnh báo: một tiến trình khác đã ghi phiên họp này; đã đọc lại",
        "Alarm: another process stored this conference; it was read again",
    ),
    "alarm_mixer_down": (
        "Sự cố: bộ trộn dừng đột ngột, đang khởi động lại",
        "Failure: the mixer stopped and is started again",
    ),
    "alarm_relay_down": (
        "Sự cố: tiến trình truyền dẫn dừng đột ngột, đang khởi động lại",
        "Failure: a relay stopped and is started again",
    ),
    "worker_up": (
        "Khắc phục: {kind} {name} hoạt động trở lại sau {seconds} giây",
        "Recovered: {kind} {name} is back after {seconds} s",
    ),
    "journal_gap": (
        "Cơ sở dữ liệu không trả lời: {lines} dòng nhật ký đã mất",
        "The database was away: {lines} lines of the journal were lost",
    ),
    # the meeting: roll call, floor, issues, cues, lines
    "roll_call_started": ("Bắt đầu điểm danh {sites} điểm cầu", "Roll call of {sites} sites begun"),
    "roll_call_result": ("Điểm danh {site}: {result}", "Roll call, {site}: {result}"),
    "roll_call_ended": (
        "Kết thúc điểm danh: có mặt {present}, vắng {absent}, kém {poor}, không trả lời {no_answer}, bỏ qua {skipped}",
        "Roll call ended: {present} present, {absent} absent, {poor} poor, {no_answer} no answer, {skipped} skipped",
    ),
    "roll_call_aborted": ("Hủy điểm danh", "Roll call aborted"),
    "brought_back": ("Trả lại bố cục trước đó", "The scene of before is back"),
    "hand_raised": ("{site} xin phát biểu", "{site} asks to speak"),
    "hand_lowered": ("{site} thôi xin phát biểu", "{site} no longer asks to speak"),
    "queue_moved": ("Đổi thứ tự phát biểu: {site} thành thứ {position}", "Queue changed: {site} is number {position}"),
    "floor_given": ("Mời {site} phát biểu sau khi chờ {waited_s} giây", "{site} has the floor after {waited_s} s"),
    "floor_on_air": (
        "{site} lên hình sau {ms} ms, {since_asked_s} giây từ khi xin phát biểu",
        "{site} on air after {ms} ms, {since_asked_s} s after it asked",
    ),
    "floor_done": ("{site} phát biểu xong", "{site} has spoken"),
    "issue_reported": ("{site} có sự cố {category}: {text}", "Issue at {site}, {category}: {text}"),
    "issue_reported:none": ("Sự cố {category}: {text}", "Issue, {category}: {text}"),
    "issue_changed": ("Sự cố ở {site}: {state} {remark}", "Issue at {site}: {state} {remark}"),
    "issue_changed:none": ("Sự cố chung: {state} {remark}", "Issue of all: {state} {remark}"),
    "site_remark": ("Nhận xét kết nối của {site}: {remark}", "Remark on the connection of {site}: {remark}"),
    "cue": ("Nhắc {sites}: {kind} {text}", "Told {sites}: {kind} {text}"),
    "cue_answered": ("{site} trả lời lời nhắc {kind} sau {seconds} giây", "{site} answered {kind} after {seconds} s"),
    "sites_called": ("Gọi vào họp: {sites}", "Called in: {sites}"),
    "board_kept": (
        "Ghi bảng điểm cầu: có mặt {present}, vắng {absent}, trục trặc {failed}",
        "Board of the sites: {present} present, {absent} absent, {failed} failed",
    ),
    "line_reserve": ("{site} chuyển sang đường truyền dự phòng: {text}", "{site} changed to its reserve line: {text}"),
    "alarm_line_bad": ("Cảnh báo: đường truyền của {site} kém", "Alarm: the line of {site} is bad"),
    "alarm_line_lost": ("Cảnh báo: mất kết nối với {site}", "Alarm: {site} has lost its connection"),
    "alarm_site_issue": ("Cảnh báo: {site} báo sự cố", "Alarm: {site} reports a problem"),
    "alarm_sites_missing": (
        "Cảnh báo: sát giờ họp, có điểm cầu chưa sẵn sàng",
        "Alarm: the meeting is near and sites are missing",
    ),
    # the evaluation afterwards
    "evaluation_written": ("Ghi đánh giá phiên họp ({items} mục)", "Evaluation written ({items} items)"),
    "evaluation_signed": ("Ký bản đánh giá phiên họp, mã {digest}", "Evaluation signed, digest {digest}"),
    # technical checks
    "site_checked": ("Kiểm tra kỹ thuật {site}: {verdict}", "Technical check of {site}: {verdict}"),
    "check_overridden": (
        "Cán bộ trực kết luận {site}: {verdict} (máy: {machine}). {remark}",
        "The duty officer decides for {site}: {verdict} (the machine: {machine}). {remark}",
    ),
    "retest_asked": ("Yêu cầu {site} kiểm tra lại: {reason}", "{site} is asked for another check: {reason}"),
    "retest_dropped": ("Bỏ yêu cầu {site} kiểm tra lại", "{site} need not be checked again"),
    "joint_check": (
        "Kiểm tra phối hợp, {party} ({site}): {verdict}. Người xác nhận: {name}",
        "Joint check, {party} ({site}): {verdict}. Confirmed by {name}",
    ),
    "joint_check:none": (
        "Kiểm tra phối hợp, {party}: {verdict}. Người xác nhận: {name}",
        "Joint check, {party}: {verdict}. Confirmed by {name}",
    ),
    # the booking and its preparation
    "booking_step": ("Phiếu đăng ký chuyển sang bước: {step} {remark}", "The booking is now: {step} {remark}"),
    "booking_changed": ("Thay đổi phiếu đăng ký: {reason}", "The booking was changed: {reason}"),
    "booking_reminder": ("Nhắc việc: {kind}", "Reminder: {kind}"),
    "parameters_set": (
        "Đặt thông số phòng họp: {width}x{height}, {frame_rate} khung/giây",
        "Parameters of the room set: {width}x{height}, {frame_rate} frames/s",
    ),
    "room_plan_saved": ("Lưu phương án phòng họp, bản {revision}", "Room plan saved, revision {revision}"),
    "room_plan_applied": ("Áp dụng phương án phòng họp, bản {revision}", "Room plan applied, revision {revision}"),
    "duty_assigned": ("Phân công trực tại {site}: {name}, {position}", "On duty at {site}: {name}, {position}"),
    "duty_assigned:none": ("Phân công trực: {name}, {position}", "On duty: {name}, {position}"),
    "duty_dismissed": ("Thôi phân công trực tại {site}: {name}", "No longer on duty at {site}: {name}"),
    "duty_dismissed:none": ("Thôi phân công trực: {name}", "No longer on duty: {name}"),
    "checklist": ("Danh mục chuẩn bị của {site}, mục {item}: {state}", "Checklist of {site}, item {item}: {state}"),
    "checklist:none": ("Danh mục chuẩn bị, mục {item}: {state}", "Checklist, item {item}: {state}"),
    "site_people": (
        "{site} báo người dự: lãnh đạo {leader}, kỹ thuật {operator}",
        "{site} names its people: leader {leader}, operator {operator}",
    ),
    "line_checked": (
        "Kiểm tra đường truyền của {site} với {carrier}: {good}",
        "Line of {site} checked with {carrier}: {good}",
    ),
    "line_checked:none": ("Kiểm tra đường truyền với {carrier}: {good}", "Lines checked with {carrier}: {good}"),
    "closed_out": ("Đã tắt thiết bị, kết thúc phiên họp", "Equipment switched off, the meeting is closed out"),
    "preparation_board": (
        "Trước phiên họp: có mặt {present}; trục trặc {failed}; vắng {absent}",
        "Before the meeting: present {present}; failed {failed}; absent {absent}",
    ),
    "preparation_duty_missing": (
        "Nhắc: chưa phân công cán bộ trực MCU của Sở",
        "Reminder: no duty officer of the Sở is named",
    ),
    "preparation_prepare_soon": (
        "Nhắc: còn 2 giờ đến hạn chuẩn bị",
        "Reminder: the preparation is due in two hours",
    ),
    "preparation_check_soon": ("Nhắc: sắp đến hạn kiểm tra kỹ thuật", "Reminder: the technical check is due soon"),
    "preparation_batteries": (
        "Nhắc các điểm cầu kiểm tra pin micro, tắt micro khi không phát biểu",
        "Sites reminded of batteries, and to mute while not speaking",
    ),
    "preparation_close_out": (
        "Nhắc các điểm cầu kiểm tra lại, tắt thiết bị sau phiên họp",
        "Sites reminded to switch off after the meeting",
    ),
    "preparation_prepare_late": ("Quá hạn chuẩn bị, danh sách đỏ: {red}", "Preparation is late, red list: {red}"),
    "preparation_check_late": ("Quá hạn kiểm tra kỹ thuật, danh sách đỏ: {red}", "The check is late, red list: {red}"),
    # the script
    "script_saved": (
        "Lưu kịch bản, bản {revision}, {scenes} cảnh",
        "Script saved, {scenes} scenes, revision {revision}",
    ),
    "script_scene": ("Kịch bản: chuyển sang cảnh “{title}”", "Script: scene “{title}”"),
    "rehearsal": ("Bắt đầu tổng duyệt kịch bản", "Rehearsal begun"),
    "rehearsal_ended": ("Kết thúc tổng duyệt kịch bản", "Rehearsal ended"),
    # people
    "note": ("Ghi chú: {text}", "Note: {text}"),
}


class _Words(string.Formatter):
    """Takes what is missing for “…”, and says values in the reader's language."""

    def __init__(self, language: Language, names: Mapping[str, str]) -> None:
        self._language, self._names = language, names

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        value = kwargs.get(str(key))
        return _MISSING if value is None else self._say(str(key), value)

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        return self.get_value(field_name, args, kwargs), field_name  # keys as they are: nobody's attributes

    def _say(self, key: str, value: Any) -> str:
        if isinstance(value, bool):
            vi, en = (("không đạt", "đạt"), ("failed", "passed")) if key == "good" else (("tắt", "bật"), ("off", "on"))
            value = vi[value] if self._language == "vi" else en[value]
        if isinstance(value, list):
            return ", ".join(self._say(key, one) for one in value) or ("không" if self._language == "vi" else "none")
        text = str(value)
        if key in _SITES:
            return self._names.get(text, text)
        word = WORDS.get(text)
        return text if word is None else word[0 if self._language == "vi" else 1]


def sentence(what: str, site: str | None, data: Mapping[str, Any], language: Language, names: Mapping[str, str]) -> str:
    """The line as a sentence; `names` are those of the sites by their ids.  An unknown code stands for itself."""
    template = SENTENCES.get(f"{what}:none") if site is None else None
    template = template or SENTENCES.get(what)
    if template is None:
        return what
    older = SENTENCES.get(f"{what}:older")
    if older is not None and any(key and key not in data for _, key, _, _ in string.Formatter().parse(template[0])):
        template = older
    values = {**data, "site": site}
    return _Words(language, names).format(template[0 if language == "vi" else 1], **values)[:_LONGEST]
