"""Bodies of assets, maintenance, faults, training, requests and difficulties.  In a change, what is left out stays."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from control_api.api import Model
from control_api.directory.fields import (
    Active,
    Address,
    Code,
    Day,
    Dong,
    Line,
    LongText,
    Moment,
    NetworkKind,
    OwnId,
    Phone,
    Remark,
    Revision,
    Slug,
    Text,
    Title,
    Year,
)
from control_api.directory.models import (
    DirectorySiteAnswer,
    Endpoint,
    FindingAnswer,
    Listing,
    OrganisationAnswer,
    Peripherals,
    Row,
    Searched,
)
from control_api.directory.upkeep import CostCategory

AssetKind = Literal["endpoint", "display", "loudspeaker", "camera", "microphone", "mcu", "network", "power", "other"]
AssetState = Literal["ready", "in_repair", "broken", "retired"]
FaultKind = Literal["device", "line", "sound", "picture", "power", "other"]
FaultState = Literal["open", "in_progress", "done"]
Months = Annotated[int, Field(ge=1, le=120)]
Quantity = Annotated[int, Field(ge=1, le=100_000)]


def _bounded(figures: dict[str, Any]) -> dict[str, Any]:
    """Figures are a flat object of numbers and short texts."""
    if len(figures) > 60 or any(len(name) > 60 or "\x00" in name for name in figures):
        raise PydanticCustomError("too_long", "at most 60 figures", {"max_length": 60})
    return figures


Figure = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)] | bool | Code | None
Figures = Annotated[dict[str, Figure], AfterValidator(_bounded)]


# -------------------------------------------------------------------------------------------------------- assets


class AssetQuery(Searched):
    organisation: Slug | None = None
    site: Slug | None = None
    kind: AssetKind | None = None
    state: AssetState | None = None
    due_until: Day | None = Field(default=None, description="Only those whose maintenance is due by that day.")


class AssetFields(Model):
    site_id: Slug | None = Field(default=None, description="Where it is installed.")
    cost_category: CostCategory = Field(
        default="small", description="Of article 12: 1 shared equipment, 2 its upkeep, 3 small repairs at the sites."
    )
    model: Line = ""
    serial: Code = ""
    code: Code = Field(default="", description="Of the register of State property.")
    quantity: Quantity = 1
    value_vnd: Dong | None = None
    bought_on: Day | None = None
    warranty_until: Day | None = None
    state: AssetState = "ready"
    every_months: Months | None = Field(default=None, description="Period of its maintenance.")
    maintained_on: Day | None = None
    replace_year: Year | None = None
    planned_vnd: Dong | None = Field(default=None, description="What the yearly plan asks for.")
    remark: Remark = ""


class NewAsset(AssetFields):
    organisation_id: Slug
    name: Title = Field(examples=["Camera hội nghị"])
    kind: AssetKind


class AssetChange(AssetFields):
    revision: Revision
    name: Title = ""
    kind: AssetKind = "other"


class AssetAnswer(Row):
    id: str
    organisation_id: str
    site_id: str | None
    name: str
    kind: AssetKind
    cost_category: CostCategory
    model: str
    serial: str
    code: str
    quantity: int
    value_vnd: int | None
    bought_on: str | None
    warranty_until: str | None
    state: AssetState
    every_months: int | None
    maintained_on: str | None
    due_on: str | None = Field(description="Next maintenance.")
    replace_year: int | None
    planned_vnd: int | None
    remark: str
    revision: int
    changed_at: Moment
    changed_by: str


class NewMaintenance(Model):
    done_on: Day
    kind: Literal["maintenance", "repair", "replacement", "inspection"] = "maintenance"
    cost_category: CostCategory | None = Field(default=None, description="Left out: the asset's.")
    cost_vnd: Dong | None = None
    done_by: Line = Field(default="", examples=["Đơn vị bảo trì"])
    outcome: Remark = ""
    works: bool | None = Field(default=None, description="Whether the asset works now; left out: as before.")


class MaintenanceAnswer(Row):
    id: str
    asset_id: str
    organisation_id: str
    site_id: str | None
    done_on: str
    kind: str
    cost_category: CostCategory
    cost_vnd: int | None
    done_by: str
    outcome: str
    recorded_at: Moment
    recorded_by: str


class MaintenanceQuery(Listing):
    organisation: Slug | None = None
    asset: OwnId | None = None
    since: Day | None = None
    until: Day | None = None


class PlanQuery(Model):
    year: Year
    organisation: Slug | None = None


class PlanLineAnswer(Model):
    asset: AssetAnswer
    organisation: str = Field(description="Its name.")
    maintain_on: tuple[str, ...]
    replace: bool
    cost_vnd: int


class PlanAnswer(Model):
    year: int
    lines: tuple[PlanLineAnswer, ...]
    costs: dict[str, int] = Field(description="In đồng, by the categories of article 12.")


# -------------------------------------------------------------------------------------------------------- faults


class FaultQuery(Listing):
    organisation: Slug | None = None
    site: Slug | None = None
    state: FaultState | None = None
    kind: FaultKind | None = None
    unsolved: bool = False


class FaultFields(Model):
    kind: FaultKind = "other"
    urgent: bool = False
    text: Text = ""


class NewFault(FaultFields):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "organisation_id": "xa-van-mon",
                    "site_id": "xa-van-mon",
                    "kind": "line",
                    "title": "Đường truyền chập chờn",
                    "figures": {"loss": 0.04, "rtt_ms": 180},
                }
            ]
        }
    )

    organisation_id: Slug
    site_id: Slug | None = None
    asset_id: OwnId | None = None
    conference_id: Annotated[str, Field(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")] | None = None
    title: Title
    figures: Figures = Field(default_factory=dict, description="Of the line and the devices, as measured.")


class FaultChange(FaultFields):
    revision: Revision
    title: Title = ""
    state: FaultState = "open"
    outcome: Text = Field(default="", description="What was done about it.")


class FaultAnswer(Row):
    id: str
    organisation_id: str
    site_id: str | None
    asset_id: str | None
    conference_id: str | None
    kind: str
    urgent: bool
    title: str
    text: str
    figures: dict[str, Any]
    state: FaultState
    reported_at: Moment
    reported_by: str
    taken_at: Moment | None
    taken_by: str | None
    done_at: Moment | None
    done_by: str | None
    outcome: str
    revision: int
    changed_at: Moment
    changed_by: str


# ------------------------------------------------------------------------------------------------------ training


class TraineeQuery(Searched):
    organisation: Slug | None = None
    course: OwnId | None = None
    certified_on: Day | None = Field(default=None, description="Only who may be on duty that day (S26).")
    active: Active = "true"


class TraineeFields(Model):
    course_id: OwnId | None = None
    position: Line = ""
    phone: Phone = ""
    username: Annotated[str, Field(max_length=64)] | None = Field(default=None, description="Of that person's account.")
    certificate: Code = Field(default="", description="Its number. Entered by the Sở.", examples=["12/CN-SKHCN"])
    issued_by: Line = ""
    issued_on: Day | None = None
    expires_on: Day | None = Field(default=None, description="Left out: it does not end.")
    active: bool = True
    remark: Remark = ""


class NewTrainee(TraineeFields):
    organisation_id: Slug
    name: Title = Field(examples=["Cán bộ kỹ thuật"])


class TraineeChange(TraineeFields):
    revision: Revision
    name: Title = ""


class TraineeAnswer(Row):
    id: str
    organisation_id: str
    course_id: str | None
    name: str
    position: str
    phone: str
    username: str | None
    certificate: str
    issued_by: str
    issued_on: str | None
    expires_on: str | None
    active: bool
    remark: str
    revision: int
    changed_at: Moment
    changed_by: str


class CourseQuery(Listing):
    year: Year | None = None


class CourseFields(Model):
    starts_on: Day | None = None
    ends_on: Day | None = None
    place: Line = ""
    audience: Annotated[Remark, Field(max_length=500)] = ""
    places: Quantity | None = None
    cost_vnd: Dong | None = None
    state: Literal["planned", "held", "cancelled"] = "planned"
    remark: Remark = ""


class NewCourse(CourseFields):
    year: Year
    title: Title = Field(examples=["Tập huấn vận hành hội nghị truyền hình"])


class CourseChange(CourseFields):
    revision: Revision
    year: Year = 2026
    title: Title = ""


class CourseAnswer(Row):
    id: str
    year: int
    title: str
    starts_on: str | None
    ends_on: str | None
    place: str
    audience: str
    places: int | None
    cost_vnd: int | None
    state: Literal["planned", "held", "cancelled"]
    remark: str
    revision: int
    changed_at: Moment
    changed_by: str


class YearQuery(Model):
    year: Year


# ------------------------------------------------------------------------------------------------------ requests


class WantedChange(Model):
    """Fields of the site and their new values."""

    room: Line = ""
    address: Address = ""
    endpoint_type: Literal["browser", "hardware", "software", "other"] = "browser"
    endpoint: Endpoint = Endpoint()
    peripherals: Peripherals = Peripherals()
    network: NetworkKind = "tslcd"
    carrier_id: Slug | None = None
    line_code: Code = ""
    line_mbps: Annotated[int, Field(ge=1, le=100_000)] | None = None
    reserve_line: Line = ""


class NewChangeRequest(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": "xa-van-mon",
                    "kind": "relocation",
                    "reason": "Chuyển sang trụ sở mới",
                    "wanted": {"room": "Phòng họp tầng 2", "address": "Trụ sở mới, xã Văn Môn"},
                    "planned_on": "2026-12-05",
                }
            ]
        }
    )

    site_id: Slug
    kind: Literal["configuration", "endpoint", "relocation"]
    reason: Annotated[Text, Field(min_length=3)]
    wanted: WantedChange = WantedChange()
    planned_on: Day | None = None
    carrier_id: Slug | None = Field(default=None, description="Relocation: the carrier; left out: the site's.")

    @model_validator(mode="after")
    def _place(self) -> Self:
        moves = self.wanted.model_fields_set & {"room", "address"}
        if (self.kind == "relocation") != bool(moves):
            raise PydanticCustomError("wrong_wanted", "a room is moved by a relocation, which names room or address")
        return self


class ChangeRequestQuery(Listing):
    organisation: Slug | None = None
    site: Slug | None = None
    kind: Literal["configuration", "endpoint", "relocation"] | None = None
    state: Literal["open", "approved", "refused", "done", "withdrawn"] | None = None


class ChangeDecision(Model):
    revision: Revision
    approve: bool
    answer: Text = ""


class ChangeAcknowledgement(Model):
    revision: Revision
    by: Line = Field(default="", description="Whom one spoke to; left out: who is signed in.")


class ChangeStep(Model):
    revision: Revision


class ChangeRequestAnswer(Row):
    id: str
    site_id: str
    organisation_id: str
    kind: str
    reason: str
    wanted: dict[str, Any]
    planned_on: str | None
    manager_id: str | None = Field(description="Relocation: first recipient, the Sở.")
    carrier_id: str | None = Field(description="Relocation: second recipient, the carrier.")
    manager_at: Moment | None
    carrier_at: Moment | None
    carrier_by: str | None
    state: str
    asked_at: Moment
    asked_by: str
    decided_at: Moment | None
    decided_by: str | None
    answer: str
    revision: int
    changed_at: Moment
    changed_by: str


# -------------------------------------------------------------------------------------------------- difficulties


class NewDifficulty(Model):
    organisation_id: Slug
    title: Title = Field(examples=["Thiếu đường truyền dự phòng"])
    text: Annotated[LongText, Field(min_length=3)]


class DifficultyAnswerBody(Model):
    revision: Revision
    state: Literal["forwarded", "answered"]
    answer: LongText = ""


class DifficultyQuery(Listing):
    organisation: Slug | None = None
    state: Literal["open", "forwarded", "answered"] | None = None


class DifficultyAnswer(Row):
    id: str
    organisation_id: str
    title: str
    text: str
    state: Literal["open", "forwarded", "answered"]
    asked_at: Moment
    asked_by: str
    answer: str
    answered_at: Moment | None
    answered_by: str | None
    revision: int
    changed_at: Moment
    changed_by: str


# -------------------------------------------------------------------------------------------------------- portal


class PortalQuery(Model):
    organisation: Slug | None = Field(default=None, description="Left out: one's own.")


class PortalAnswer(Model):
    """What an agency sees of itself (S55)."""

    organisation: OrganisationAnswer
    sites: tuple[DirectorySiteAnswer, ...]
    due: tuple[AssetAnswer, ...] = Field(description="Maintenance within 60 days, or overdue.")
    faults: tuple[FaultAnswer, ...]
    requests: tuple[ChangeRequestAnswer, ...]
    ending: tuple[TraineeAnswer, ...] = Field(description="Certificates that end within 60 days, have ended, or miss.")
    assets: int
    notices: int
    duties: tuple[FindingAnswer, ...] = Field(description="What the regulation asks for and is missing.")
