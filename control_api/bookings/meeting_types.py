"""The kinds of meeting that may be held online (S13): Decision 45/2018/QĐ-TTg, as offices name them.

Article 7(2) of the decision lists: regular briefings and settling business (a); starting tasks, half-year and yearly
reviews (b); thematic meetings (c); training (d); opinions on schemes, projects and drafts (đ); others that an agency
convenes (e).  Advisory and technical meetings are kinds the decision names besides; working meetings, meetings with
voters and urgent ones are offered under (e).  The regulation only refers to the decision; the ids are stable, the words
may change.  The Sở checks this catalogue against the decision in force.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeetingType:
    id: str
    vi: str
    en: str


MEETING_TYPES = (
    MeetingType("giao-ban", "Họp giao ban", "Briefing"),
    MeetingType("tham-muu", "Họp tham mưu, tư vấn", "Advisory meeting"),
    MeetingType("lam-viec", "Họp làm việc", "Working meeting"),
    MeetingType("chuyen-mon", "Họp chuyên môn", "Technical meeting"),
    MeetingType("giai-quyet-cong-viec", "Họp giải quyết công việc", "Meeting to settle business"),
    MeetingType("tap-huan", "Họp tập huấn, triển khai nhiệm vụ công tác", "Training or kick-off of a task"),
    MeetingType("so-ket-tong-ket", "Họp sơ kết, tổng kết", "Half-year or yearly review"),
    MeetingType("chuyen-de", "Họp chuyên đề", "Thematic meeting"),
    MeetingType("lay-y-kien", "Họp lấy ý kiến đề án, dự án, dự thảo văn bản", "Opinions on a scheme, project or draft"),
    MeetingType("tiep-xuc-cu-tri", "Hội nghị tiếp xúc cử tri, đối thoại", "Meeting with voters, dialogue"),
    MeetingType("khan-cap", "Họp khẩn cấp, đột xuất", "Urgent meeting"),
    MeetingType("khac", "Cuộc họp khác theo yêu cầu của cơ quan triệu tập", "Other meeting that an agency convenes"),
)
