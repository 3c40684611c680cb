"""Bodies of the conference routes: what an operator's program sends and gets."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from control_api.api import Model
from mcu_core.adaptation import Size
from mcu_core.conference import MOST_HEARD
from mcu_core.scene import Filler, Filling, Placement, Transition
from mcu_core.wire import VIEW_PATTERN, Codec, Track

ConferenceId = Annotated[str, Field(min_length=1, max_length=80, examples=["c-1f3a"])]
SiteId = Annotated[str, Field(min_length=1, max_length=80, examples=["xa-van-mon"])]
ViewName = Annotated[str, Field(pattern=VIEW_PATTERN, examples=["programme", "chair", "wall", "site:12"])]
CellNumber = Annotated[int, Field(ge=0, le=255)]
Name = Annotated[
    str,
    Field(min_length=1, max_length=200, examples=["UBND xã Văn Môn"]),
    AfterValidator(lambda name: unicodedata.normalize("NFC", name)),
]
SiteRole = Literal["main", "member"]
SiteState = Literal["absent", "connecting", "live", "away"]
Pixels = Annotated[int, Field(ge=64, le=1920)]


class Page(Model):
    """Which part of a list; the header X-Total-Count tells how long it is."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 500
    offset: Annotated[int, Field(ge=0, le=2**31)] = 0


# ------------------------------------------------------------------------------------------------------ requests


class NewConference(Model):
    title: Name
    main_site: Name | None = Field(default=None, description="Name of the main site, made at once.")


class ConferenceChange(Model):
    """What is left out stays as it is."""

    title: Name | None = None
    open: bool | None = Field(default=None, description="Closed: sites cannot join.")
    auto_mute_noisy: bool | None = Field(
        default=None, description="Mute a noisy site that nobody called or opened; never the main site or the podium."
    )
    pass_through: bool | None = Field(
        default=None, description="Forward a site's own picture where it fills a view, instead of encoding it again."
    )
    loudest: int | None = Field(
        default=None, ge=1, le=MOST_HEARD, description="Sites heard at once besides the main site and the podium."
    )


class NewSite(Model):
    name: Name
    role: SiteRole = "member"
    id: SiteId | None = Field(default=None, description="Made from the name when left out.")


class SiteChange(Model):
    """What is left out stays as it is."""

    name: Name | None = None
    role: SiteRole | None = None
    gain_db: Annotated[float, Field(ge=-20, le=20)] | None = None


class PodiumChange(Model):
    site: SiteId | None = Field(description="Null ends the podium and restores what was before.")
    transition: Transition | None = Field(default=None, description="Left out: as the views have changed so far.")


class NextChange(Model):
    site: SiteId | None


class PagesChange(Model):
    """Show all sites, so many at a time."""

    tiles: Annotated[int, Field(ge=1, le=144)]
    seconds: Annotated[float, Field(ge=5, le=300)] = 10.0


class LayoutChange(Model):
    layout: str = Field(default="auto", min_length=1, max_length=40, description='"auto" or a name of /layouts.')
    pages: PagesChange | None = Field(
        default=None, description='With "auto": the smallest layout for so many tiles. Left out: no pages.'
    )
    transition: Transition | None = Field(default=None, description="Left out: as the view has changed so far.")


class TransitionChange(Model):
    transition: Transition


class CellChange(Model):
    """A site, or a rule (`filler`) that chooses one; neither gives the cell back to automatic filling."""

    site: SiteId | None = None
    track: Track = "camera"
    filler: Literal["site", "podium", "loudest", "rotation", "content", "blank"] | None = None
    seconds: Annotated[float, Field(ge=2, le=3600)] = Field(default=10.0, description="Rotation: each site's turn.")
    sites: tuple[SiteId, ...] = Field(
        default=(), max_length=1000, description="Rotation: over these; empty: over all that are there."
    )
    hold: Annotated[float, Field(ge=1.5, le=3)] = Field(
        default=2.0, description="Loudest: how long one is kept at least."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.filler == "site" and self.site is None:
            raise ValueError("filler “site” needs a site")
        if self.filler not in (None, "site") and self.site is not None:
            raise ValueError("a cell takes either a site or a filler")
        return self

    def filling(self) -> Filling | None:
        if self.filler in (None, "site"):
            return None if self.site is None else Placement(self.site, self.track)
        assert self.filler is not None
        assert self.filler != "site"
        return Filler(self.filler, self.hold if self.filler == "loudest" else self.seconds, self.sites)


class NumberedCell(CellChange):
    cell: CellNumber


class PersonalViewChange(Model):
    layout: str = Field(default="auto", min_length=1, max_length=40, description='"auto" or a name of /layouts.')
    pages: PagesChange | None = None
    cells: tuple[NumberedCell, ...] = Field(default=(), max_length=144)


class SizeChange(Model):
    size: Size | None = Field(description="Null leaves it to what the site's line carries.")


class PodiumLayoutChange(Model):
    layout: str = Field(
        min_length=1,
        max_length=40,
        description='"auto": one large picture and small ones by head count; or a name of /layouts, drawn ones too.',
    )


class RenditionChange(Model):
    """Canvas and encoding of a view; what is left out stays as it is."""

    width: Pixels | None = None
    height: Pixels | None = None
    frame_rate: Annotated[float, Field(ge=1, le=60)] | None = None
    bitrate_bps: Annotated[int, Field(ge=50_000, le=20_000_000)] | None = None


class MutedChange(Model):
    muted: bool


class MuteAllExcept(Model):
    except_: tuple[SiteId, ...] | None = Field(
        default=None,
        alias="except",
        max_length=1000,
        description="Left out: the main site and the podium keep their sound. An empty list closes every site.",
    )


class MonitorRequest(Model):
    view: ViewName = "programme"


# ------------------------------------------------------------------------------------------------------- answers


class Answer(BaseModel):
    """Made by `mcu_core`; newer fields pass through."""

    model_config = ConfigDict(extra="allow", frozen=True)


class ConferenceAnswer(Answer):
    id: str
    title: str
    open: bool
    revision: int
    sites: int
    present: int
    podium: str | None


class SiteAnswer(Answer):
    id: str
    number: int
    name: str
    role: SiteRole
    state: SiteState
    muted: bool
    muted_by: Literal["operator", "noise", "rule"] | None
    microphone: bool
    camera: bool
    screen: bool
    visible: bool
    on_podium: bool
    next: bool
    gain_db: float
    view: str = Field(description='What it watches: "chair", "programme" or its own, "site:<number>".')
    rendition: int | None
    size: Size | None = Field(description="Size of its picture as it is sent now; null while it is not connected.")
    pinned: Size | None = Field(description="Set by the operator; null: by what its line carries.")


class FillerAnswer(Answer):
    filler: Literal["podium", "loudest", "rotation", "content", "blank"]
    seconds: float | None = None
    hold: float | None = None
    sites: tuple[str, ...] | None = None


class CellAnswer(Answer):
    site: str | None
    track: Track
    fixed: bool = Field(description="Decided by the operator, not filled automatically.")
    filler: FillerAnswer | None = Field(default=None, description="The rule that fills it.")
    x: float
    y: float
    w: float
    h: float
    z: int = Field(description="Drawn in ascending order.")


class ViewAnswer(Answer):
    layout: str
    effective_layout: str
    pages: PagesChange | None
    transition: Transition
    podium_layout: str | None = Field(description="What the podium gives it; null where it arranges nothing.")
    cells: tuple[CellAnswer, ...]
    frame_rate: float
    width: int
    height: int
    bitrate_bps: int


class ViewsAnswer(Answer):
    programme: ViewAnswer
    chair: ViewAnswer
    wall: ViewAnswer
    # and "site:<number>" for each personal view


class PersonalViewsAnswer(Answer):
    used: int
    most: int = Field(description="Set by the administrator; each costs an encoder.")


class ConferenceState(Answer):
    id: str
    title: str
    revision: int
    open: bool
    auto_mute_noisy: bool
    pass_through: bool
    loudest: int
    podium: str | None
    next: str | None
    can_undo: bool
    script_scene: str | None = Field(description="Id of the scene of the meeting's script that was put on last.")
    rehearsal: bool = Field(description="A rehearsal is on: what is journalled now is not the meeting's.")
    speaker: str | None
    main_site: str | None
    personal_views: PersonalViewsAnswer
    sites: tuple[SiteAnswer, ...]
    views: ViewsAnswer


class RenditionAnswer(Answer):
    rendition: int
    view: ViewName
    codec: Codec
    width: int
    height: int
    frame_rate: float
    bitrate_bps: int
    viewers: int
    size: Size
    passed: str | None = Field(description="The site whose own picture is forwarded instead of an encoding.")


class LinkAnswer(Model):
    url: str = Field(description="What the site opens in its browser.")
    token: str


# -------------------------------------------------------------------------------- messages of the events WebSocket


class StateEvent(Answer):
    """First message, and again after each change."""

    type: Literal["state"]
    state: ConferenceState


class LevelsEvent(Answer):
    """5 Hz: level of each site in dBov, 0 loudest, -127 silent."""

    type: Literal["levels"]
    levels: dict[str, int]


class QualityEvent(Answer):
    """1 Hz: `received_*` is what the MCU gets from a site; `fps`, `kbps` and so on what it says it gets."""

    type: Literal["quality"]
    sites: dict[str, dict[str, float | None]]


class StatsEvent(Answer):
    """1 Hz: figures of relay and mixer."""

    type: Literal["stats"]
    relays: dict[str, dict[str, float]]
    mixer: dict[str, float | list[str]] | None


class AlarmEvent(Answer):
    type: Literal["alarm"]
    code: str
    vi: str
    en: str
    at: float


class MeetingEvent(Answer):
    """Something of the meeting changed: ask for it again, at the route of that name."""

    type: Literal["roll_call", "floor", "issues", "cues", "invitations"]


ConsoleEvent = Annotated[
    StateEvent | LevelsEvent | QualityEvent | StatsEvent | AlarmEvent | MeetingEvent, Field(discriminator="type")
]
