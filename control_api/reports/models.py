"""Bodies and queries of the report routes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from control_api.api import Model
from control_api.conferences.models import Page
from control_api.directory.fields import Line, LongText, Text
from control_api.reports.evaluation import Criterion
from control_api.reports.years import FIRST_YEAR, LAST_YEAR, Section, State

Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR, examples=[2026])]
Revision = Annotated[int, Field(ge=0, le=2**31 - 1)]
_EARLIEST, _LATEST = 2000, 2200


class PaperQuery(Model):
    format: Literal["docx", "pdf"] = "pdf"


class RollupQuery(Model):
    format: Literal["xlsx", "docx", "pdf"] = "xlsx"


class Period(Model):
    """From `since` until just before `until`."""

    since: AwareDatetime = Field(examples=["2026-01-01T00:00:00+07:00"])
    until: AwareDatetime = Field(examples=["2027-01-01T00:00:00+07:00"])

    @model_validator(mode="after")
    def _sane(self) -> Self:
        if not all(_EARLIEST <= one.year <= _LATEST for one in (self.since, self.until)):
            raise PydanticCustomError("bad_year", f"must lie between {_EARLIEST} and {_LATEST}")
        return self


class CompliancePaper(Period):
    format: Literal["xlsx", "docx", "pdf"] = "xlsx"


class MeetingsQuery(Page):
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class EvaluationItem(Model):
    criterion: Criterion
    about: Line = Field(default="", description="A site or a party; empty: the whole meeting.")
    score: Annotated[int, Field(ge=1, le=5)]
    remark: Line = ""


class EvaluationChange(Model):
    """The whole evaluation, over the revision that was read (0: there was none)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "revision": 0,
                    "items": [
                        {"criterion": "sound", "about": "UBND xã Văn Môn", "score": 4, "remark": "Tiếng hơi nhỏ"}
                    ],
                    "remark": "Phiên họp diễn ra đúng kịch bản.",
                    "proposal": "Thay micro tại UBND xã Văn Môn.",
                    "evaluator": "Cán bộ trực MCU",
                    "position": "Sở Khoa học và Công nghệ",
                }
            ]
        }
    )

    revision: Revision = 0
    items: Annotated[tuple[EvaluationItem, ...], Field(max_length=200)] = ()
    remark: LongText = ""
    proposal: LongText = ""
    evaluator: Line = ""
    position: Line = ""


class EvaluationAnswer(BaseModel):
    conference: str
    revision: int
    items: list[EvaluationItem]
    remark: str
    proposal: str
    evaluator: str
    position: str
    score: float | None = Field(description="Mean of the scores.")
    changed_at: AwareDatetime | None
    changed_by: str | None
    signed_at: AwareDatetime | None = Field(description="Set: it is locked.")
    signed_by: str | None
    digest: str | None = Field(description="SHA-256 of what was signed, with the journal's head.")
    journal_seq: int | None
    journal_hash: str | None


class MeetingLine(BaseModel):
    """A meeting whose papers can be made."""

    conference: str
    booking: str
    title: str
    class_: str = Field(serialization_alias="class")
    organisation: str
    state: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    sites: int
    evaluation: Literal["none", "written", "signed"]


class YearlyChange(Model):
    """The whole text, over the revision that was read (0: nothing was saved)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "revision": 0,
                    "sections": {"difficulties": "Đường truyền dự phòng chưa có.", "plan": "Bổ sung 01 micro cầm tay."},
                    "signer": "",
                    "signer_position": "Chủ tịch",
                }
            ]
        }
    )

    revision: Revision = 0
    sections: dict[Section, LongText] = Field(default_factory=dict)
    signer: Line = ""
    signer_position: Line = ""


class ReturnRequest(Model):
    remark: Annotated[Text, Field(min_length=1, examples=["Đề nghị bổ sung số liệu kinh phí bảo trì."])]


class Figure(BaseModel):
    name: str = Field(examples=["hosted"])
    vi: str
    en: str
    value: float | None


class YearlyLine(BaseModel):
    """Where one agency stands."""

    year: int
    organisation: str
    name: str
    state: State
    standing: Literal["submitted", "late", "missing"]
    submitted_at: AwareDatetime | None


class YearlyAnswer(YearlyLine):
    revision: int
    due: AwareDatetime = Field(description="A report that comes at this moment or later is late.")
    sections: dict[Section, str] = Field(description="As saved; drafted from the figures while nothing is saved.")
    figures: list[Figure]
    signer: str
    signer_position: str
    remark: str = Field(description="Why the Sở returned it.")
    changed_at: AwareDatetime | None
    changed_by: str | None


class YearlyQuery(Page):
    missing: bool = Field(default=False, description="Only those that have not reported.")


class MonthAnswer(BaseModel):
    month: str = Field(examples=["2026-11"])
    registered: int
    held: int
    urgent: int
    refused: int
    displaced: int
    cancelled: int
    hours: float
    site_hours: float
    most_at_once: int
    most_sites: int
    peak: float = Field(description="Largest share of the machine at any instant; 0.8 is what may be sold.")


class UsageAnswer(BaseModel):
    since: AwareDatetime
    until: AwareDatetime
    total: MonthAnswer
    months: list[MonthAnswer]
    classes: dict[str, int]
    refused_for_capacity: int
    capacity_measured: bool
    advice: str = Field(description="Vietnamese.")
    advice_en: str
