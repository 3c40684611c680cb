"""Bodies of the booking routes.  Times come and go as ISO 8601 with an offset."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from control_api.api import Model
from control_api.bookings.meeting_types import MEETING_TYPES
from control_api.bookings.parameters import Parameters
from control_api.bookings.steps import Class, Step
from control_api.conferences.models import Page
from control_api.directory.fields import (
    Address,
    Code,
    Day,
    Email,
    Line,
    NeededPhone,
    Phone,
    SiteName,
    Slug,
    Text,
    Title,
    Words,
)

MOST_SITES = 400
MOST_REPEATS = 52
MOST_LETTER = 5 * 1024 * 1024  # bytes of the file


def _in_range(at: datetime) -> datetime:
    if not 2000 <= at.year <= 2200:
        raise PydanticCustomError("bad_time", "must be a time between the years 2000 and 2200")
    return at


def _text(text: str) -> str:
    clean = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Cn") and letter not in "\n\t" for letter in clean):
        raise PydanticCustomError("control_characters", "must not contain control characters")
    return clean


def _needed(text: str) -> str:
    if len(text) < 3:
        raise PydanticCustomError("string_too_short", "must have at least 3 characters", {"min_length": 3})
    return text


def _known_type(name: str) -> str:
    if name not in {one.id for one in MEETING_TYPES}:
        raise PydanticCustomError("unknown_meeting_type", "must be an id of /bookings/meeting-types")
    return name


Time = Annotated[AwareDatetime, AfterValidator(_in_range), Field(examples=["2026-12-01T08:00:00+07:00"])]
BookingId = Annotated[str, Field(pattern=r"^b-[0-9a-f]{6,32}$", examples=["b-1f3a9c1b22d4"])]
NoticeId = Annotated[str, Field(pattern=r"^n-[0-9a-f]{8,64}$", examples=["n-0f3a9c1b22d4e5f6"])]
HelpId = Annotated[str, Field(pattern=r"^h-[0-9a-f]{6,32}$", examples=["h-1f3a9c1b22d4"])]
Reason = Annotated[
    Text, Field(min_length=3, examples=["Chủ tịch UBND tỉnh yêu cầu họp đột xuất."]), AfterValidator(_needed)
]
MeetingTypeId = Annotated[str, Field(max_length=40, examples=["giao-ban"]), AfterValidator(_known_type)]
Agenda = Annotated[str, Field(max_length=20_000), AfterValidator(_text)]
Authority = Literal["disaster", "fire", "epidemic", "party_committee", "people_council", "people_committee"]
# ------------------------------------------------------------------------------------------------------- requests


class SiteForm(Model):
    """A site of the directory; what is left out is taken from there."""

    site: Slug
    place: Address = Field(default="", examples=["Phòng họp tầng 2, trụ sở UBND xã"])
    attendees: Text = Field(default="", examples=["Lãnh đạo UBND xã, các bộ phận liên quan"])
    attendee_count: Annotated[int, Field(ge=0, le=10_000)] | None = None
    video: bool = Field(default=True, description="False: by sound only.")
    email: Email | None = Field(default=None, description="Where its notices go.")


class Person(Model):
    name: SiteName = Field(examples=["Nguyễn Văn An"])
    position: Line = Field(default="", examples=["Chuyên viên Văn phòng"])
    phone: NeededPhone
    email: Email = ""


class Letter(Model):
    """The official letter of registration (S66)."""

    number: Code = Field(min_length=1, examples=["125/GM-SYT"])
    date: Day


class Uplink(Model):
    """Class C (article 9.3): somebody else's meeting that reaches one site of the province."""

    organiser: SiteName = Field(examples=["Bộ Y tế"])
    operated_by: Literal["provider", "so"] = Field(description="Who runs the site's technology (S42).")
    provider: Line = Field(default="", examples=["Doanh nghiệp viễn thông"])
    technician: Person | None = Field(default=None, description="Named by the host; needed with a provider (S41).")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.operated_by == "provider" and (not self.provider or self.technician is None):
            raise PydanticCustomError("no_technician", "with a provider, name it and a technician")
        return self


class Timing(Model):
    starts_at: Time
    ends_at: Time
    trial_at: Time | None = None
    trial_ends_at: Time | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.trial_at is None) != (self.trial_ends_at is None):
            raise PydanticCustomError("half_a_trial", "a trial has both a beginning and an end")
        return self


class NewBooking(Timing):
    """The union of article 8.1 and the appendix's step 1: eleven fields (S67), and the letter (S66)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "organisation": "so-y-te",
                    "title": "Hội nghị trực tuyến triển khai công tác phòng chống dịch",
                    "class": "B",
                    "meeting_type": "chuyen-mon",
                    "starts_at": "2026-12-01T08:00:00+07:00",
                    "ends_at": "2026-12-01T11:00:00+07:00",
                    "trial_at": "2026-11-30T14:00:00+07:00",
                    "trial_ends_at": "2026-11-30T16:00:00+07:00",
                    "chair": "Giám đốc Sở",
                    "main": {"site": "so-y-te", "attendees": "Lãnh đạo Sở, các phòng chuyên môn"},
                    "members": [{"site": "xa-van-mon"}],
                    "member_attendees": "Lãnh đạo UBND, Trạm Y tế",
                    "contact": {"name": "Cán bộ đầu mối", "phone": "0912 345 678"},
                    "letter": {"number": "125/GM-SYT", "date": "2026-11-28"},
                }
            ]
        }
    )

    organisation: Slug = Field(description="Host agency (1).")
    title: Title
    class_: Class = Field(alias="class", description="A: chaired by the province's leaders; B: by an agency; C: 9.3.")
    meeting_type: MeetingTypeId = "lam-viec"
    chair: Line = Field(default="", description="Who chairs (3).", examples=["Giám đốc Sở"])
    main: SiteForm = Field(description="Main site, its place (2) and attendees (4).")
    members: tuple[SiteForm, ...] = Field(default=(), max_length=MOST_SITES, description="Component sites (5).")
    member_place: Address = Field(default="", description="Place of the component sites (6) that give none.")
    member_attendees: Text = Field(default="", description="Attendees of the component sites (7) that give none.")
    agenda: Agenda = Field(default="", description="Script or agenda, if any (10).")
    contact: Person = Field(description="Whom to talk to (11).")
    letter: Letter | None = None
    uplink: Uplink | None = Field(default=None, description="Class C only.")
    draft: bool = Field(default=False, description="Keep it for later; nothing is registered, no clock runs.")


class Order(Model):
    """Who asked for an urgent meeting, and why (S31, article 8.2)."""

    caller: SiteName = Field(description="Who telephoned.", examples=["Chánh Văn phòng UBND tỉnh"])
    caller_phone: Phone = ""
    called_at: Time
    authority: Authority = Field(
        description="Disaster, fire, epidemic; or by order of the Standing Party Committee, the Standing Council, the "
        "chair of the People's Committee."
    )
    reason: Reason


class UrgentBooking(NewBooking):
    order: Order
    displace: bool = Field(
        default=False, description="Take the capacity of ordinary meetings where there is not enough; they are told."
    )


class Repeat(Model):
    """A series: the same hour each time, local."""

    every: Literal["day", "week", "month"]
    interval: Annotated[int, Field(ge=1, le=12)] = 1
    count: Annotated[int, Field(ge=2, le=MOST_REPEATS)]
    weekdays_only: bool = Field(default=False, description="Leave out Saturdays and Sundays.")


class NewSeries(Model):
    booking: NewBooking
    repeat: Repeat


class BookingChange(Model):
    """What is left out stays as it is."""

    title: Title | None = None
    meeting_type: MeetingTypeId | None = None
    starts_at: Time | None = None
    ends_at: Time | None = None
    trial_at: Time | None = None
    trial_ends_at: Time | None = None
    chair: Line | None = None
    main: SiteForm | None = None
    members: tuple[SiteForm, ...] | None = Field(default=None, max_length=MOST_SITES)
    agenda: Agenda | None = None
    contact: Person | None = None
    letter: Letter | None = None
    uplink: Uplink | None = None
    reason: Text = Field(default="", description="Why; it goes into the journal and the notices.")


class Because(Model):
    reason: Reason


class AllocationForm(Model):
    remark: Text = ""
    override: bool = Field(default=False, description="Despite what is missing (never despite capacity); say why.")


class Refusal(Model):
    reason: Reason
    alternatives: bool = Field(default=True, description="Work out other times and sizes for the answer.")


class Advance(Model):
    step: Literal["prepared", "checked", "connected", "serving"]
    remark: Text = ""
    override: bool = Field(default=False, description="Officers: despite what is missing; say why in the remark.")


class Closing(Model):
    """The host's close-out (S43, S102)."""

    summary: Reason = Field(examples=["Hội nghị kết thúc lúc 11 giờ 05, đủ 25 điểm cầu."])
    evaluation: Literal["good", "fair", "poor"]
    problems: Text = ""
    override: bool = Field(default=False, description="Officers: although the room is not switched off yet.")


class LetterFile(Model):
    name: Line = Field(min_length=1, examples=["125-GM-SYT.pdf"])
    media_type: Literal["application/pdf", "image/jpeg", "image/png"]
    content: Annotated[str, Field(max_length=MOST_LETTER * 4 // 3 + 8, description="Base64, 5 MB at most.")]


class Announcement(Model):
    remark: Text = Field(default="", description="Added to the notices.")
    links: bool = Field(default=True, description="Give each site its join link.")


class BookingQuery(Page):
    since: Time | None = Field(default=None, alias="from", description="Meetings that end after.")
    until: Time | None = Field(default=None, alias="to", description="Meetings that begin before.")
    state: Step | None = None
    organisation: Slug | None = None
    site: Slug | None = None
    class_: Class | None = Field(default=None, alias="class")
    urgent: Literal["true", "false"] | None = None
    series: Annotated[str, Field(max_length=80, pattern=r"^[0-9a-z-]+$")] | None = None
    words: Words = ""
    newest: Literal["true", "false"] = Field(default="false", description="Latest start first.")


class Span(Model):
    since: Time = Field(alias="from")
    until: Time = Field(alias="to")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not 0 < (self.until - self.since).total_seconds() <= 93 * 86400:
            raise PydanticCustomError("bad_span", "must be a span of at most 93 days")
        return self


class Question(Model):
    booking: BookingId | None = None
    question: Reason


class Reply(Model):
    answer: Reason


class HelpQuery(Page):
    open: Literal["true", "false"] = "true"


# -------------------------------------------------------------------------------------------------------- answers


class BookedSiteAnswer(Model):
    site: str
    name: str
    role: Literal["main", "member"]
    organisation: str | None
    place: str
    attendees: str
    attendee_count: int | None
    video: bool
    email: str | None


class StampAnswer(Model):
    step: Step
    at: datetime
    by: str | None = Field(description="User name; null: the MCU itself.")
    remark: str


class BookingBlocker(Model):
    code: str
    vi: str
    en: str


class AlternativeAnswer(Model):
    kind: Literal["time", "fewer_video", "sound_only"]
    starts_at: datetime
    ends_at: datetime
    trial_at: datetime | None
    trial_ends_at: datetime | None
    video_sites: int
    share: float = Field(description="Of the machine at the fullest instant; at most 0.8 is given away.")
    vi: str
    en: str


class DecisionAnswer(Model):
    answer: Literal["allocated", "refused", "displaced"]
    by: str | None
    at: datetime
    code: str
    vi: str
    en: str
    alternatives: tuple[AlternativeAnswer, ...] = ()


class LetterAnswer(Model):
    number: str
    date: str
    file: str | None = Field(description="Name of the uploaded file.")


class BookingAnswer(Model):
    id: BookingId
    conference: str = Field(description="Id of the live conference; it is there once the room is allocated.")
    organisation: str
    owner: str
    title: str
    class_: Class = Field(alias="class")
    meeting_type: str
    urgent: bool
    priority: int
    starts_at: datetime
    ends_at: datetime
    trial_at: datetime | None
    trial_ends_at: datetime | None
    state: Step
    state_at: datetime
    rules: str
    chair: str
    agenda: str
    contact: Person | None = Field(description="Null for those whom it does not concern.")
    letter: LetterAnswer | None
    uplink: Uplink | None
    order: Order | None
    sites: tuple[BookedSiteAnswer, ...]
    parameters: Parameters
    frozen_at: datetime | None
    decision: DecisionAnswer | None
    close_out: Closing | None
    received_at: datetime | None
    answer_by: datetime | None = Field(description="Until when the Sở answers.")
    answered_at: datetime | None
    sequence: int
    live: Literal["none", "wanted", "made", "unwanted"]
    series: str | None
    created_at: datetime


class SharedSites(Model):
    """Another meeting at the same time that wants some of the sites; whose it is, only to those who may read it."""

    booking: BookingId | None = Field(description="None: another agency's, which the caller may not read.")
    title: str | None
    since: datetime
    until: datetime
    sites: tuple[str, ...]


class BookingDetail(BookingAnswer):
    stamps: tuple[StampAnswer, ...]
    may_follow: tuple[Step, ...]
    blockers: tuple[BookingBlocker, ...] = Field(description="What stands in the way of the next step.")
    conflicts: tuple[SharedSites, ...] = Field(description="Meetings at the same time that want one of the sites.")


class BookingLine(Model):
    """One line of the list."""

    id: BookingId
    conference: str
    organisation: str
    title: str
    class_: Class = Field(alias="class")
    urgent: bool
    starts_at: datetime
    ends_at: datetime
    trial_at: datetime | None
    state: Step
    answer_by: datetime | None
    sites: int
    series: str | None


class FitAnswer(Model):
    """Whether a form would fit, without registering it."""

    fits: bool
    share: float
    at: datetime = Field(description="The fullest instant.")
    besides: tuple[str, ...] = Field(description="Bookings that hold capacity then and that the caller may read.")
    others: int = Field(description="How many others do.")
    alternatives: tuple[AlternativeAnswer, ...]
    measured: bool = Field(description="False: this machine was never measured with `mcu check`.")
    conflicts: tuple[SharedSites, ...]


class InboxLine(BookingLine):
    remaining: float = Field(description="Seconds until the Sở must have answered; negative: overdue.")
    warned: bool
    fits: bool


class Inbox(Model):
    waiting: tuple[InboxLine, ...]
    displaced: tuple[BookingLine, ...]
    not_announced: tuple[BookingLine, ...]
    to_close: tuple[BookingLine, ...]
    failed_notices: int
    open_questions: int
    measured: bool
    mail: bool = Field(description="False: no mail server is set; notices are printed.")


class NoticeAnswer(Model):
    id: NoticeId
    site: str | None
    kind: str
    sequence: int
    recipient: str
    name: str
    subject: str
    state: Literal["queued", "sending", "sent", "failed", "unsure", "printed"]
    attempts: int
    error: str
    created_at: datetime
    sent_at: datetime | None
    receipt: str = Field(description="Address at which the receiver confirms.")
    reads: tuple[ReadAnswer, ...]


class ReadAnswer(Model):
    name: str
    at: datetime
    address: str


class GroupText(Model):
    """For the official chat group (S70); it holds no secret links."""

    text: str


class OverlapAnswer(Model):
    """Two meetings at the same time."""

    first: BookingLine
    second: BookingLine
    since: datetime
    until: datetime
    sites: tuple[str, ...] = Field(description="Sites that both want.")


class LoadAnswer(Model):
    """What is held from one change to the next."""

    since: datetime
    until: datetime
    share: float
    bookings: tuple[str, ...]


class ConflictView(Model):
    full: float
    measured: bool
    load: tuple[LoadAnswer, ...]
    overlaps: tuple[OverlapAnswer, ...]
    titles: dict[str, str] = Field(description="Titles of the bookings in `load` that the caller may see, by id.")


class CapacityAnswer(Model):
    """Of the machine; pixels and packets a second when it does nothing else."""

    decode: float
    encode: float
    compose: float
    packets: float
    measured: bool
    at: datetime | None
    machine: str | None
    full: float
    personal_views: int = Field(description="A conference may have so many at most, by the settings.")


class MeetingTypeAnswer(Model):
    id: str
    vi: str
    en: str


class HelpAnswer(Model):
    id: HelpId
    booking: str | None
    organisation: str | None
    question: str
    asked_by: str
    asked_at: datetime
    answer: str
    answered_by: str | None
    closed_at: datetime | None


class ComplianceLine(Model):
    """How one agency keeps to the regulation in a span (S46)."""

    organisation: str
    meetings: int
    urgent: int
    refused: int
    cancelled: int
    displaced: int
    without_letter: int
    not_announced: int
    not_closed: int
    unread_notices: int
