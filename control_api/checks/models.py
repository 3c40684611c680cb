"""Bodies of the check routes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from control_api.api import Model
from control_api.checks.joint import Party
from control_api.checks.measured import Measured, OfficerSaw
from control_api.checks.people import clean_text
from control_api.checks.progress import State
from control_api.checks.verdict import Item, Verdict
from control_api.conferences.models import Page, SiteId

LOCAL = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")  # without summer time since 1975
_NO_NUL = r"^[^\x00]*$"

CheckId = Annotated[str, Field(pattern=r"^k-[0-9a-f]{8,32}$", examples=["k-0f3a9c1b22d4e5f6"])]
SelfTestId = Annotated[str, Field(pattern=r"^st-[0-9a-f]{8,32}$", examples=["st-0f3a9c1b22d4e5f6"])]
Text = Annotated[str, Field(max_length=200, pattern=_NO_NUL), AfterValidator(clean_text)]
LongText = Annotated[str, Field(max_length=2000, pattern=_NO_NUL), AfterValidator(clean_text)]
Reasoned = Annotated[str, Field(min_length=3, max_length=2000, pattern=_NO_NUL), AfterValidator(clean_text)]
JoinToken = Annotated[str, Field(min_length=16, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
Purpose = Literal["technical", "speaker", "retest"]


def local(at: float) -> datetime:
    """Unix seconds as a time with the offset of Vietnam."""
    return datetime.fromtimestamp(at, LOCAL)


class SheetBody(Model):
    """What people fill in of the summary form."""

    leader: Text = Field(default="", description="Who leads at this site.", examples=["Phó Chủ tịch UBND xã"])
    operator_name: Text = Field(default="", examples=["Cán bộ kỹ thuật"])
    operator_position: Text = Field(default="", examples=["Công chức Văn hóa – Xã hội"])
    operator_phone: Annotated[str, Field(max_length=40, pattern=_NO_NUL)] = Field(default="", examples=["0912345678"])
    remark: LongText = ""
    tester: Text = Field(default="", description="Who made the check; left out: the operator.")
    device_ready: bool = Field(default=False, description="Power, screen, loudspeaker and microphone are ready.")


# ------------------------------------------------------------------------------------------ a site, by its join link


class ByToken(Model):
    token: JoinToken = Field(description="Of the join link; never put it into an address.")


class SentCheck(ByToken):
    """A finished check, as the site's page sends it."""

    attempt: str = Field(
        pattern=r"^[0-9a-f]{16,64}$", description="Made by the page for this run; repeating it changes nothing."
    )
    sheet: SheetBody
    measured: Measured
    client: Text = Field(default="", description="Browser and system.")
    still: Annotated[str, Field(max_length=240_000, pattern=r"^[A-Za-z0-9+/=]*$")] | None = Field(
        default=None, description="JPEG as base64, at most 180 KB."
    )


class RoomTurn(Model):
    """A test room, or a place in the queue."""

    state: Literal["waiting", "ready"]
    place: int = Field(description="0: it is this site's turn; 1: next.")
    token: str | None = Field(default=None, description="Join token of the private test room.")
    seconds_left: float = 0.0
    ask_again: float = Field(default=5.0, description="Seconds; a page that does not ask for 30 s loses its turn.")


# --------------------------------------------------------------------------------------------------------- answers


class ReasonAnswer(Model):
    item: Item
    code: str
    verdict: Verdict
    vi: str
    en: str
    value: float | None = None


class OverrideAnswer(Model):
    verdict: Verdict
    remark: str
    by: str
    at: datetime


class CheckAnswer(Model):
    """One line of the summary form (S81)."""

    id: str
    conference: str
    site: str
    site_name: str
    kind: Literal["browser", "room"]
    purpose: Purpose
    at: datetime
    verdict: Verdict = Field(description="What counts: the officer's word, else the machine's.")
    machine_verdict: Verdict
    items: dict[Item, Verdict]
    reasons: tuple[ReasonAnswer, ...]
    measured: Measured
    device_ready: bool
    leader: str
    operator_name: str
    operator_position: str
    operator_phone: str
    remark: str
    tester: str
    client: str
    still: bool
    overrides: tuple[OverrideAnswer, ...] = ()


class SiteCheckAnswer(Model):
    """What a site's page is told of itself."""

    conference_title: str
    site: str
    site_name: str
    starts_at: datetime | None
    latest: datetime | None = Field(description="When the check must be done, S82.")
    newest: CheckAnswer | None
    retest: str | None = Field(description="Why the site is asked to repeat the check; none: it is not.")
    speaker: bool = Field(description="It will speak and needs a second check (S84).")


class RetestAnswer(Model):
    conference: str
    site: str
    site_name: str
    purpose: Literal["retest", "speaker"]
    asked_at: datetime
    asked_by: str | None
    reason: str
    done_at: datetime | None


class SiteProgressAnswer(Model):
    site: str
    site_name: str
    role: str
    state: State
    red: bool
    late: bool = Field(description="Checked later than the rules want: an hour before the start.")
    check: CheckAnswer | None


class BoardAnswer(Model):
    """How far the checks of a meeting are."""

    conference: str
    title: str
    starts_at: datetime | None
    wished: datetime | None = Field(description="A half-day before the start.")
    latest: datetime | None = Field(description="One hour before the start.")
    done: int
    total: int
    red: int
    overdue: bool = Field(description="The latest time has passed and the red list is not empty.")


class ProgressAnswer(BoardAnswer):
    """The same, with each site: the red ones are the red list."""

    sites: tuple[SiteProgressAnswer, ...]


class LineAnswer(Model):
    """Of a site's line, and nothing else: what a carrier may see."""

    site: str
    site_name: str
    at: datetime
    verdict: Verdict
    loss_up: float
    loss_down: float
    jitter_ms: float
    rtt_ms: float
    up_kbps: float
    down_kbps: float


class WordAnswer(Model):
    party: Party
    site: str | None
    good: bool | None
    by_check: bool = Field(description="The site's passed check stands for its word.")
    name: str = ""
    remark: str = ""
    by: str | None = None
    at: datetime | None = None


class JointAnswer(Model):
    """The joint check: four parties for class A (S36), the agencies for class B (S39)."""

    class_: str = Field(alias="class")
    complete: bool
    words: tuple[WordAnswer, ...]


class SelfTestQuery(Page):
    offset: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class SelfTestAnswer(Model):
    id: str
    state: Literal["wanted", "running", "done"]
    asked_at: datetime
    asked_by: str | None
    done_at: datetime | None
    good: bool | None
    report: dict[str, object]


# -------------------------------------------------------------------------------------------------------- requests


class CheckQuery(Page):
    offset: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    site: SiteId | None = None
    conference: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    verdict: Verdict | None = Field(default=None, description="The machine's.")


class RoomCheck(Model):
    """A site with a hardware room: filled by the officer, the figures are those of its leg."""

    sheet: SheetBody
    saw: OfficerSaw
    purpose: Purpose = "technical"
    seconds: Annotated[float, Field(ge=1, le=20)] = Field(default=9.5, description="How long its leg is watched.")


class NewOverride(Model):
    verdict: Verdict
    remark: Reasoned = Field(description="Why.", examples=["Đã kiểm tra lại qua điện thoại, hình rõ."])


class NewRetest(Model):
    purpose: Literal["retest", "speaker"] = "retest"
    reason: Reasoned = Field(examples=["Điểm cầu phát biểu, cần kiểm tra lại âm thanh."])


class NewRound(Model):
    title: Annotated[str, Field(min_length=3, max_length=200, pattern=_NO_NUL), AfterValidator(clean_text)] = Field(
        examples=["Kiểm tra định kỳ tháng 11/2026"]
    )
    sites: tuple[SiteId, ...] | None = Field(
        default=None, max_length=1000, description="Of the directory; left out: all that are in use."
    )


class LinkAnswer(Model):
    """Whether a site was sent the link to its check."""

    site: str
    site_name: str
    standing: Literal["sent", "waiting", "failed", "unsure", "no_address", "mail_off", "not_sent"]
    to: tuple[str, ...] = Field(description="Names of those it goes to.")
    at: datetime | None
    error: str


class SendLinks(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [{"sites": ["xa-van-mon"]}]})

    sites: tuple[SiteId, ...] | None = Field(
        default=None, min_length=1, max_length=1000, description="Left out: those that were not sent one yet."
    )


class NewWord(Model):
    good: bool = True
    name: Text = Field(default="", description="Who said so.")
    remark: LongText = ""
    site: SiteId | None = Field(default=None, description="With party `member`: which site.")
