"""Bodies of the script's routes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from control_api.api import Model
from control_api.conferences.models import NumberedCell, PagesChange
from control_api.preparation.texts import MeetingId, SiteKey, Text
from mcu_core.scene import Transition

MOST_SCENES = 200

SceneId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", examples=["s-3f2a9c"])]
SharedView = Literal["programme", "chair", "wall"]
PresetName = Annotated[Text, Field(min_length=1, max_length=60, examples=["Chủ tọa"])]


class SceneView(Model):
    """What a scene makes of one view; a view that is not named is as the podium arranges it, or as it was."""

    view: SharedView
    layout: str = Field(default="auto", min_length=1, max_length=40, pattern=r"^[^\x00-\x1f]+$", examples=["1+5"])
    pages: PagesChange | None = None
    transition: Transition | None = None
    cells: tuple[NumberedCell, ...] = Field(default=(), max_length=144)


class CameraPreset(Model):
    """Which of its stored camera positions a site is asked to take (S97)."""

    site: SiteKey
    preset: PresetName


class Scene(Model):
    """One item of the agenda, or a part of it."""

    id: SceneId | None = Field(default=None, description="Left out: a new scene; its id is in the answer.")
    title: Annotated[Text, Field(min_length=1, max_length=200, examples=["Sở Y tế báo cáo"])]
    agenda: Annotated[Text, Field(max_length=200)] = Field(default="", description="The item of the agenda.")
    minutes: Annotated[int, Field(ge=0, le=1440)] = Field(default=0, description="Planned; 0: not planned.")
    podium: SiteKey | None = Field(default=None, description="Who is large on the programme and alone at the chair.")
    views: tuple[SceneView, ...] = Field(default=(), max_length=3)
    audio: Literal["open", "podium"] = Field(
        default="open", description='"podium": only the podium, the main site and `heard` are heard.'
    )
    heard: tuple[SiteKey, ...] = Field(default=(), max_length=50)
    speakers: tuple[SiteKey, ...] = Field(
        default=(), max_length=100, description="Who else will speak: flagged for the second check (S84)."
    )
    presets: tuple[CameraPreset, ...] = Field(default=(), max_length=100)
    note: Annotated[Text, Field(max_length=2000)] = ""

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len({view.view for view in self.views}) < len(self.views):
            raise PydanticCustomError("twice", "a scene arranges each view once")
        for view in self.views:
            if len({cell.cell for cell in view.cells}) < len(view.cells):
                raise PydanticCustomError("twice", "a view fills each cell once")
        if len({preset.site for preset in self.presets}) < len(self.presets):
            raise PydanticCustomError("twice", "a scene gives each site one camera position")
        return self

    @property
    def sites(self) -> set[str]:
        """Everybody the scene names."""
        named = {*self.heard, *self.speakers, *(preset.site for preset in self.presets)}
        for view in self.views:
            for cell in view.cells:
                named |= {cell.site} if cell.site is not None else set(cell.sites)
        return named | ({self.podium} if self.podium is not None else set())

    @property
    def speaking(self) -> tuple[str, ...]:
        """Who is expected to speak, the podium first."""
        podium = () if self.podium is None else (self.podium,)
        return tuple(dict.fromkeys((*podium, *self.heard, *self.speakers)))


class ScriptChange(Model):
    """The whole script, in order."""

    revision: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        description="That of the script it was made from; 0: there is none yet.", examples=[0]
    )
    scenes: tuple[Scene, ...] = Field(max_length=MOST_SCENES)

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        given = [scene.id for scene in self.scenes if scene.id is not None]
        if len(set(given)) < len(given):
            raise PydanticCustomError("twice", "two scenes have the same id")
        return self


class ScriptCopy(Model):
    source: MeetingId = Field(alias="from", description="The meeting whose script is copied.", examples=["c-1f3a"])
    revision: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(description="Of the script that is replaced; 0: none.")


class Step(Model):
    after: SceneId | None = Field(
        default=None, description="The scene the operator saw on when asking: refused when another is on by now."
    )


class Goto(Model):
    scene: SceneId


class RehearsalChange(Model):
    on: bool


class PresetChange(Model):
    preset: PresetName


# ------------------------------------------------------------------------------------------------------- answers


class Problem(Model):
    """What does not fit, or will not be seen as meant."""

    scene: SceneId
    field: str = Field(examples=["views.programme", "podium"])
    code: str = Field(examples=["site_not_invited"])
    vi: str
    en: str


class SceneBrief(Model):
    id: SceneId
    title: str
    index: int = Field(description="From 0.")
    podium: str | None


class Warned(Model):
    """The scene is on, but not everything of it can be seen or heard."""

    code: Literal["site_missing", "site_absent", "preset_not_delivered"]
    site: str
    vi: str
    en: str


class RunnerAnswer(Model):
    """Where the meeting is in its script."""

    conference: str
    live: bool = Field(description="Whether the conference is there: scenes can be played.")
    rehearsal: bool
    scenes: int
    scene: SceneBrief | None = Field(description="The one that was put on last.")
    next: SceneBrief | None
    previous: SceneBrief | None
    warnings: tuple[Warned, ...] = ()


class ScriptAnswer(Model):
    conference: str
    revision: int
    scenes: tuple[Scene, ...]
    minutes: int = Field(description="Sum of what is planned.")
    problems: tuple[Problem, ...]
    runner: RunnerAnswer
    changed_at: AwareDatetime | None
    changed_by: str | None


class SpeakerAnswer(Model):
    """A site that will speak: its sound and picture are checked a second time (S84)."""

    site: str
    name: str
    scenes: tuple[SceneId, ...]
    checked: bool | None = Field(description="The second check passed; null: it was not made.")


class PresetsAnswer(Model):
    site: str
    presets: tuple[str, ...]


class Delivered(Model):
    delivered: bool = Field(description="False: nobody is connected at the site; call by telephone.")
