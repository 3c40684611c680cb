"""Bodies of the preparation's routes.  Times carry an offset; answers are in the time of Vietnam."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from control_api.api import Model
from control_api.checks.progress import State as CheckState
from control_api.preparation.board import Call as Called
from control_api.preparation.board import Why
from control_api.preparation.checklists import Phase, State
from control_api.preparation.duty import LONGEST_SHIFT, Party
from control_api.preparation.rooms import Allocation, RoomModel
from control_api.preparation.texts import Phone, SiteKey, Text

TemplateName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", examples=["giao-ban"])]
ItemId = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$", examples=["room"])]
DutyId = Annotated[str, Field(pattern=r"^d-[0-9a-f]{8,32}$", examples=["d-0f3a9c1b22d4e5f6"])]
CheckRef = Annotated[str, Field(pattern=r"^k-[0-9a-f]{8,32}$", examples=["k-0f3a9c1b22d4e5f6"])]
Person = Annotated[Text, Field(min_length=1, max_length=200, examples=["Phó Chủ tịch UBND xã"])]
Remark = Annotated[Text, Field(max_length=1000)]
_Figure = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


# ------------------------------------------------------------------------------------------------------ room plans


class TemplateChange(Model):
    title_vi: Person
    title_en: Person
    model: RoomModel


class TemplateAnswer(Model):
    name: str
    title_vi: str
    title_en: str
    shipped: bool = Field(description="Comes with the program and cannot be changed.")
    model: RoomModel
    allocation: Allocation


class PlanChange(Model):
    """A template's name, or a model of its own; with both, the model, noted as made from the template."""

    revision: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(description="Of the plan it replaces; 0: none.")
    template: TemplateName | None = None
    model: RoomModel | None = None
    reason: Annotated[Text, Field(max_length=500)] = Field(
        default="", description="Needed once the parameters are frozen (S35)."
    )

    @model_validator(mode="after")
    def _something(self) -> PlanChange:
        if self.template is None and self.model is None:
            raise PydanticCustomError("template_or_model", "a plan is a template, a model, or both")
        return self


class PlanAnswer(Model):
    conference: str
    revision: int
    template: str | None
    model: RoomModel
    allocation: Allocation
    changed_at: AwareDatetime
    changed_by: str
    applied: bool = Field(description="The live conference was arranged by this very plan.")
    applied_at: AwareDatetime | None
    applied_by: str | None
    frozen: bool = Field(description="The parameters are fixed: a change needs a reason.")


# ------------------------------------------------------------------------------------------------------------ duty


class NewDuty(Model):
    """A certified operator of the directory; of the carrier, whoever it names."""

    party: Party
    site: SiteKey | None = Field(default=None, description="Of a member's operator.")
    operator: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")] | None = Field(
        default=None, description="One of /duty-candidates; name, position and telephone are taken from there."
    )
    name: Annotated[Text, Field(max_length=200)] = ""
    position: Annotated[Text, Field(max_length=200)] = ""
    phone: Phone | None = None
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    remark: Annotated[Text, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _fits(self) -> NewDuty:
        length = (self.ends_at - self.starts_at).total_seconds()
        if not 0 < length <= LONGEST_SHIFT:
            raise PydanticCustomError("bad_shift", "a shift ends after it begins, within 24 hours")
        if (self.party == "member") != (self.site is not None):
            raise PydanticCustomError("site_of_member", "a member's operator names the site, nobody else does")
        if self.operator is None and not (self.name and self.phone):
            raise PydanticCustomError("who_is_missing", "name and telephone, or an operator of the directory")
        return self


class DutyAnswer(Model):
    id: str
    party: Party
    site: str | None
    operator: str | None
    name: str
    position: str
    phone: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    remark: str
    changed_by: str


class GapAnswer(Model):
    party: Party
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class RosterAnswer(Model):
    """Who is on duty, and when nobody of a party is."""

    conference: str
    duties: tuple[DutyAnswer, ...]
    gaps: tuple[GapAnswer, ...]


class CandidateQuery(Model):
    party: Literal["so", "main", "member"] = "so"
    site: SiteKey | None = None
    on: AwareDatetime | None = Field(default=None, description="The day; left out: the meeting's, or today.")


class CandidateAnswer(Model):
    operator: str
    name: str
    position: str
    organisation: str
    certificate: str


# ------------------------------------------------------------------------------------------- checklists and forms


class ItemChange(Model):
    state: State
    remark: Remark = Field(default="", description="Needed when the item failed.")
    evidence: CheckRef | None = Field(default=None, description="A self-check whose still shows it (S16).")

    @model_validator(mode="after")
    def _said(self) -> ItemChange:
        if self.state == "failed" and not self.remark:
            raise PydanticCustomError("remark_missing", "what failed needs a remark")
        return self


class ItemAnswer(Model):
    item: str
    phase: Phase
    required: bool
    vi: str
    en: str
    source: str
    state: State
    remark: str
    evidence: str | None
    by: str | None
    at: AwareDatetime | None


class ProgressAnswer(Model):
    done: int
    failed: int
    total: int


class PeopleChange(Model):
    """S76: who chairs at the site, who operates it."""

    leader: Person
    leader_position: Annotated[Text, Field(max_length=200)] = ""
    operator_name: Annotated[Text, Field(min_length=1, max_length=200, examples=["Cán bộ kỹ thuật"])]
    operator_position: Annotated[Text, Field(min_length=1, max_length=200, examples=["Công chức"])]
    operator_phone: Phone
    attendees: Annotated[int, Field(ge=0, le=10_000)] | None = Field(default=None, description="Expected.")


class PeopleAnswer(Model):
    leader: str
    leader_position: str
    operator_name: str
    operator_position: str
    operator_phone: str
    attendees: int | None
    by: str
    at: AwareDatetime


class SheetAnswer(Model):
    """The checklist of a site with its people."""

    site: str
    name: str
    role: str
    version: str
    items: tuple[ItemAnswer, ...]
    people: PeopleAnswer | None
    seats_short: int = Field(description="So many more are expected than there are seats (S17).")


class NewLineCheck(Model):
    """A check of a site's line together with the carrier (S73)."""

    site: SiteKey
    carrier: Annotated[Text, Field(min_length=1, max_length=200, examples=["Viettel Bắc Ninh"])]
    contact_name: Annotated[Text, Field(min_length=1, max_length=200, examples=["Trực kỹ thuật nhà mạng"])]
    contact_phone: Phone
    line_code: Annotated[Text, Field(max_length=80)] = ""
    good: bool
    loss_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    rtt_ms: _Figure | None = None
    up_mbps: _Figure | None = None
    down_mbps: _Figure | None = None
    remark: Remark = ""

    @model_validator(mode="after")
    def _said(self) -> NewLineCheck:
        if not self.good and not self.remark:
            raise PydanticCustomError("remark_missing", "what failed needs a remark")
        return self


class LineCheckAnswer(Model):
    id: str
    site: str
    carrier: str
    contact_name: str
    contact_phone: str
    line_code: str
    good: bool
    loss_percent: float | None
    rtt_ms: float | None
    up_mbps: float | None
    down_mbps: float | None
    remark: str
    at: AwareDatetime
    by: str


# ----------------------------------------------------------------------------------------------------------- board


class WhyAnswer(Model):
    code: Why
    vi: str
    en: str


class SiteAnswer(Model):
    site: str
    name: str
    role: str
    call: Called = Field(description="At the roll call: present, present but failed its check, or absent (S87).")
    check: CheckState
    prepare: ProgressAnswer
    verify: ProgressAnswer
    close: ProgressAnswer
    people: bool
    line_good: bool | None
    seats_short: int
    missing: tuple[WhyAnswer, ...]
    red: bool = Field(description="Something is missing that is due.")


class DeadlineAnswer(Model):
    id: Literal["prepare", "check_wished", "check", "connect", "start"]
    vi: str
    en: str
    at: AwareDatetime
    left_s: float = Field(description="Seconds until then; below zero: it has passed.")
    done: bool
    late: bool


class BlockerAnswer(Model):
    code: str
    vi: str
    en: str


class BoardAnswer(Model):
    """Everything that is to be ready before the meeting, and how far it is."""

    conference: str
    booking: str | None
    title: str
    state: str | None = Field(description="Of the booking.")
    now: AwareDatetime
    deadlines: tuple[DeadlineAnswer, ...]
    total: int
    prepared: int
    checked: int
    connected: int
    plan: bool
    plan_applied: bool
    duty_gaps: tuple[GapAnswer, ...]
    duty_officer: bool = Field(description="The Sở's officer on duty is named (S72).")
    script: int = Field(description="Scenes of the script.")
    rehearsal: bool
    sites: tuple[SiteAnswer, ...]
    red: tuple[str, ...] = Field(description="Sites of the red list (S82).")
    next_step: str | None = Field(description="Step of the booking that comes next.")
    blockers: tuple[BlockerAnswer, ...] = Field(description="What stands in its way.")
    closed_out_at: AwareDatetime | None


class CloseOut(Model):
    """S101: all sites are disconnected; with items open, `remark` says why."""

    remark: Annotated[Text, Field(max_length=1000)] = ""


class CloseOutAnswer(Model):
    conference: str
    closed_out_at: AwareDatetime
    disconnected: int
    open_items: tuple[str, ...] = Field(description="Sites whose close-out list is not done.")
