"""Bodies of organisations, sites and contacts.  In a change, what is left out stays as it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from control_api.api import Model
from control_api.conferences.models import Page
from control_api.directory.fields import (
    Active,
    Address,
    Code,
    ContactRole,
    Count,
    Email,
    EndpointType,
    Line,
    Moment,
    NeededPhone,
    Network,
    NetworkKind,
    NewSlug,
    OrganisationKind,
    OwnId,
    Phone,
    Remark,
    Revision,
    Short,
    SiteName,
    Slug,
    Title,
    Words,
)
from control_api.directory.readiness import Finding, Readiness
from control_api.directory.tables import ChangeRow

ContactId = Annotated[OwnId, Field(examples=["d-1f3a"])]
Known = Literal["good", "poor", "unknown"]


def columns_of(body: BaseModel, *, new: bool = False) -> dict[str, Any]:
    """What a body sets, as the tables keep it; of a new entry every field."""
    values = body.model_dump(mode="json")
    return {
        name: value for name, value in values.items() if new or (name in body.model_fields_set and name != "revision")
    }


class Row(BaseModel):
    """An answer made of a row of a table."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Listing(Page):
    """A page of a list of the directory."""

    offset: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class Searched(Listing):
    q: Words = ""


# -------------------------------------------------------------------------------------------------- organisations


class OrganisationQuery(Searched):
    kind: OrganisationKind | None = None
    parent: Slug | None = None
    active: Active = "true"


class OrganisationFields(Model):
    short_name: Short = Field(default="", examples=["SYT"])
    parent_id: Slug | None = Field(default=None, description="The organisation above it.")
    accountable_name: Line = Field(default="", description="Who answers for the system there (article 15.2).")
    accountable_position: Line = Field(default="", examples=["Giám đốc Sở"])
    accountable_phone: Phone = ""
    address: Address = ""
    phone: Phone = ""
    email: Email = ""
    remark: Remark = ""
    active: bool = True


class NewOrganisation(OrganisationFields):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Sở Y tế", "kind": "department"}]})

    id: NewSlug | None = Field(default=None, description="Made from the name when left out.")
    name: Title
    kind: OrganisationKind
    is_manager: bool = Field(default=False, description="The Sở that runs the MCU; there is one.")


class OrganisationChange(OrganisationFields):
    revision: Revision
    name: Title = ""
    kind: OrganisationKind = "other"
    is_manager: bool = False


class OrganisationAnswer(Row):
    id: str
    name: str
    short_name: str
    kind: OrganisationKind
    is_manager: bool
    parent_id: str | None
    accountable_name: str
    accountable_position: str
    accountable_phone: str
    address: str
    phone: str
    email: str
    remark: str
    active: bool
    revision: int
    changed_at: Moment
    changed_by: str


# ---------------------------------------------------------------------------------------------------------- sites


class Endpoint(Model):
    """The device or program that codes and decodes."""

    maker: Line = Field(default="", examples=["Poly"])
    model: Line = Field(default="", examples=["G7500"])
    serial: Code = ""
    firmware: Code = ""
    address: Code = Field(default="", description="Where it can be called, as the carrier set it up.")


class Peripheral(Model):
    """A screen, loudspeaker, camera or microphone."""

    name: Line = Field(examples=["Ti vi 65 inch"])
    model: Line = ""
    quantity: Annotated[int, Field(ge=1, le=1000)] = 1
    good: bool = Field(default=True, description="It works.")
    remark: Line = ""


Peripherals4 = Annotated[tuple[Peripheral, ...], Field(max_length=50)]


class Peripherals(Model):
    """The four groups of article 3.4 (S06)."""

    display: Peripherals4 = ()
    loudspeaker: Peripherals4 = ()
    camera: Peripherals4 = ()
    microphone: Peripherals4 = ()


class Conditions(Model):
    """What the room offers (articles 3.7 and 5; S09, S15)."""

    line: Known = "unknown"
    sound: Known = "unknown"
    light: Known = "unknown"
    equipment: Known = "unknown"
    power: Known = "unknown"
    placement: Known = "unknown"
    climate: Known = "unknown"
    fire_safety: Known = "unknown"


class Preset(Model):
    """A camera position that is saved in the remote control (S96)."""

    position: Literal["chair", "left", "right", "zoom_in", "zoom_out", "other"] = "other"
    name: Line = Field(min_length=1, examples=["Chủ tọa"])
    number: Annotated[int, Field(ge=0, le=255)] | None = Field(default=None, description="Of the memory key.")
    remark: Line = ""


class SiteFields(Model):
    room: Line = Field(default="", examples=["Phòng họp tầng 3"])
    address: Address = Field(default="", examples=["Thôn Quan Độ, xã Văn Môn, tỉnh Bắc Ninh"])
    endpoint_type: EndpointType = "browser"
    endpoint: Endpoint = Endpoint()
    peripherals: Peripherals = Peripherals()
    presets: Annotated[tuple[Preset, ...], Field(max_length=32)] = ()
    seats: Count | None = None
    network: NetworkKind = "tslcd"
    allowed_networks: Annotated[tuple[Network, ...], Field(max_length=50)] = Field(
        default=(), description="From where it may join (CIDR); empty: the rule of the MCU. Set by the Sở."
    )
    carrier_id: Slug | None = Field(default=None, description="Organisation that brings its line.")
    line_code: Code = Field(default="", description="The carrier's number of the line.")
    line_mbps: Annotated[int, Field(ge=1, le=100_000)] | None = None
    reserve_line: Line = Field(default="", examples=["4G nhà mạng khác"])
    conditions: Conditions = Conditions()
    config_locked: bool = Field(default=False, description="Only the Sở changes the equipment (S19).")
    remark: Remark = ""
    active: bool = True

    @model_validator(mode="after")
    def _once(self) -> Self:
        numbers = [preset.number for preset in self.presets if preset.number is not None]
        if len(numbers) != len(set(numbers)):
            raise PydanticCustomError("twice", "two presets have the same memory key")
        return self


class NewDirectorySite(SiteFields):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "organisation_id": "xa-van-mon",
                    "name": "UBND xã Văn Môn",
                    "seats": 40,
                    "allowed_networks": ["10.27.4.0/24"],
                }
            ]
        }
    )

    id: NewSlug | None = Field(default=None, description="Made from the name when left out.")
    organisation_id: Slug
    name: SiteName


def _without_default(schema: dict[str, Any]) -> None:
    """What is left out stays as it is: the default is nobody's value."""
    schema.pop("default", None)


class DirectorySiteChange(SiteFields):
    revision: Revision
    name: SiteName = Field(default="", json_schema_extra=_without_default)
    organisation_id: Slug = Field(default="", json_schema_extra=_without_default)


class SiteQuery(Searched):
    organisation: Slug | None = None
    kind: OrganisationKind | None = Field(default=None, description="Of its organisation.")
    endpoint_type: EndpointType | None = None
    readiness: Readiness | None = None
    active: Active = "true"


class SiteDetailQuery(Model):
    attendees: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        default=None, description="How many are expected: warns when there are too few seats (S17)."
    )


class DirectorySiteAnswer(Row):
    id: str
    organisation_id: str
    name: str
    room: str
    address: str
    endpoint_type: EndpointType
    endpoint: dict[str, Any]
    peripherals: dict[str, Any]
    presets: list[dict[str, Any]]
    seats: int | None
    network: NetworkKind
    allowed_networks: list[str]
    carrier_id: str | None
    line_code: str
    line_mbps: int | None
    reserve_line: str
    conditions: dict[str, str]
    readiness: Readiness
    config_locked: bool
    fingerprint: dict[str, Any]
    seen_fingerprint: dict[str, Any] = Field(description="Of an endpoint that came and is not the approved one.")
    remark: str
    active: bool
    revision: int
    changed_at: Moment
    changed_by: str


class FindingAnswer(Model):
    code: str
    vi: str
    en: str
    stops: bool = Field(description="The site cannot serve a meeting.")

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(code=finding.code, vi=finding.vi, en=finding.en, stops=finding.stops)


class DirectorySiteDetail(DirectorySiteAnswer):
    """With what should be put right."""

    organisation: OrganisationAnswer
    findings: tuple[FindingAnswer, ...]


# ------------------------------------------------------------------------------------------------------- contacts


class ContactQuery(Searched):
    organisation: Slug | None = None
    site: Slug | None = None
    role: ContactRole | None = None


class ContactFields(Model):
    role: ContactRole = Field(default="technical", description='"team": of the operating team (article 13.3).')
    name: Title = Field(examples=["Cán bộ phụ trách kỹ thuật"])
    position: Title = Field(examples=["Công chức Văn hóa – Xã hội"])
    phone: NeededPhone
    email: Email = ""
    remark: Remark = ""


class NewContact(ContactFields):
    organisation_id: Slug
    site_id: Slug | None = Field(default=None, description="Left out: of the whole organisation.")


class ContactChange(ContactFields):
    revision: Revision
    role: ContactRole = "technical"
    name: Title = ""
    position: Title = ""
    phone: NeededPhone = ""
    site_id: Slug | None = None


class ContactAnswer(Row):
    id: str
    organisation_id: str
    site_id: str | None
    role: ContactRole
    name: str
    position: str
    phone: str
    email: str
    remark: str
    revision: int
    changed_at: Moment
    changed_by: str


class RemovalQuery(Model):
    revision: Revision


# -------------------------------------------------------------------------------------------- changes and notices


class ChangeAnswer(Model):
    """One change: who, when, and the values before and after."""

    id: int
    at: Moment
    actor: str
    subject: str
    subject_id: str
    organisation_id: str | None
    what: Literal["created", "changed", "removed"]
    revision: int
    before: dict[str, Any]
    after: dict[str, Any]

    @classmethod
    def of(cls, row: ChangeRow) -> Self:
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class ChangesQuery(Listing):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    organisation: Slug | None = None


class NoticeQuery(Listing):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    unseen: bool = Field(default=False, description="Only those nobody has taken note of.")


class DirectoryNoticeAnswer(Row):
    id: str
    at: Moment
    kind: str
    to_id: str | None = Field(description="Organisation that must take note; null: the Sở.")
    organisation_id: str | None
    site_id: str | None
    subject_id: str | None
    vi: str
    en: str
    data: dict[str, Any]
    seen_at: Moment | None
    seen_by: str | None
    mail: Literal["sent", "waiting", "failed", "unsure", "no_address", "mail_off"] | None = Field(
        default=None, description="How far its letter is; null: told in the office only."
    )
