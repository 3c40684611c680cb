"""Words for the values in the journal's data: views, roles, commands, reasons.  Vietnamese and English."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    # views
    "programme": ("Chương trình", "Programme"),
    "chair": ("Chủ tọa", "Chair"),
    "wall": ("Tường hình", "Wall"),
    # roles of a site
    "main": ("điểm cầu chính", "the main site"),
    "member": ("điểm cầu thành viên", "a member site"),
    # sizes
    "full": ("đầy đủ", "full"),
    "large": ("lớn", "large"),
    "medium": ("vừa", "medium"),
    "small": ("nhỏ", "small"),
    # transitions
    "cut": ("cắt", "cut"),
    "fade": ("mờ chồng", "fade"),
    # fillers
    "loudest": ("điểm cầu nói to nhất", "the loudest site"),
    "rotation": ("lần lượt các điểm cầu", "sites in turn"),
    "podium": ("bục phát biểu", "podium"),
    # workers
    "relay": ("tiến trình truyền dẫn", "relay"),
    "mixer": ("bộ trộn", "mixer"),
    # why a site left or was lost
    "left": ("tự rời", "left by itself"),
    "removed": ("bị đưa ra", "removed"),
    "replaced": ("thiết bị khác vào thay", "another endpoint took its place"),
    "conference_closed": ("phòng họp đóng", "conference closed"),
    "relay lost": ("tiến trình truyền dẫn dừng", "relay lost"),
    # commands
    "Undo": ("hoàn tác", "undo"),
    "SetTitle": ("đổi tên phiên họp", "change the title"),
    "SetOpen": ("mở hoặc đóng phòng họp", "open or close"),
    "AddSite": ("thêm điểm cầu", "add a site"),
    "RemoveSite": ("bỏ điểm cầu", "remove a site"),
    "RenameSite": ("đổi tên điểm cầu", "rename a site"),
    "SetRole": ("đổi vai trò", "change a role"),
    "SetGain": ("chỉnh âm lượng", "change a gain"),
    "SetLayout": ("đổi bố cục", "change a layout"),
    "PlaceSite": ("đặt điểm cầu vào ô", "place a site"),
    "FillCell": ("lấp ô", "fill a cell"),
    "SetTransition": ("đổi kiểu chuyển cảnh", "change a transition"),
    "SetPersonalView": ("cho xem hình riêng", "give a personal view"),
    "DropPersonalView": ("bỏ hình riêng", "drop a personal view"),
    "PinSize": ("đặt cỡ hình", "pin a size"),
    "SetOptions": ("đổi tùy chọn", "change options"),
    "MuteNoisy": ("tắt tiếng vì ồn", "mute for noise"),
    "SetPodiumLayout": ("đổi bố cục phát biểu", "change the podium's layout"),
    "Podium": ("bục phát biểu", "podium"),
    "CallNext": ("gọi điểm cầu tiếp theo", "call the next site"),
    "MuteSite": ("tắt, mở tiếng", "mute or unmute"),
    "MuteAll": ("tắt tiếng tất cả", "mute all"),
    "UnmuteAll": ("mở tiếng tất cả", "unmute all"),
    "SetRendition": ("đổi khuôn hình", "change a rendition"),
    # verdicts and parties of technical checks
    "pass": ("đạt", "passed"),
    "remarks": ("đạt, có lưu ý", "passed with remarks"),
    "fail": ("không đạt", "failed"),
    "so": ("Sở Khoa học và Công nghệ", "the Sở"),
    "carrier": ("nhà mạng", "the carrier"),
}
