"""Everything an operator decides about a conference: its sites, scene, mutes and formats, as one frozen value.

A command turns one arrangement into the next (`mcu_core.conference`); the way back is a patch of JSON, small enough
to store fifty of them with the conference.  What endpoints do is elsewhere (`mcu_core.presence`).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal

from mcu_core.adaptation import Size
from mcu_core.commands import Role
from mcu_core.scene import (
    VIEWS,
    LayoutChoice,
    Scene,
    choice_from_json,
    choice_to_json,
    is_personal,
    scene_from_json,
    scene_to_json,
)
from mcu_core.wire import View

Json = dict[str, Any]
MutedBy = Literal["operator", "noise", "rule"]


@dataclass(frozen=True, slots=True)
class Site:
    id: str  # slug, unique in the conference
    number: int  # >= 1, travels with packets, never given twice in a conference
    name: str  # NFC
    role: Role = "member"
    gain_db: float = 0.0
    pinned: Size | None = None  # what it is sent whatever its line says


@dataclass(frozen=True, slots=True)
class ViewFormat:
    """Canvas and encoding of a view."""

    width: int = 1280
    height: int = 720
    frame_rate: float = 30.0
    bitrate_bps: int = 1_500_000


FORMATS: Mapping[View, ViewFormat] = MappingProxyType(
    {"programme": ViewFormat(), "chair": ViewFormat(), "wall": ViewFormat(frame_rate=5.0, bitrate_bps=400_000)}
)
PODIUM_LAYOUTS: Mapping[View, LayoutChoice] = MappingProxyType(
    {"programme": LayoutChoice("auto"), "chair": LayoutChoice("1")}
)


@dataclass(frozen=True, slots=True)
class Arrangement:
    title: str
    open: bool = True
    sites: Mapping[str, Site] = field(default_factory=lambda: MappingProxyType({}))  # by id, in order of number
    scene: Scene = field(default_factory=Scene)
    before_podium: Scene | None = None  # what `Podium(None)` restores
    muted: frozenset[str] = frozenset()  # by the operator
    opened: frozenset[str] = frozenset()  # opened by the operator although the podium rule mutes them
    reopened: str | None = None  # muted by the operator, open while on the podium
    next_site: str | None = None
    formats: Mapping[View, ViewFormat] = field(default_factory=lambda: FORMATS)
    podium_layouts: Mapping[View, LayoutChoice] = field(default_factory=lambda: PODIUM_LAYOUTS)
    noisy: frozenset[str] = frozenset()  # muted by the MCU for their noise
    excused: frozenset[str] = frozenset()  # opened by the operator: the MCU does not mute them for their noise
    auto_mute_noisy: bool = False
    pass_through: bool = True
    loudest: int = 4  # heard at once besides the main site and the podium
    echo: bool = False  # a test room: everybody hears themselves too
    playing: str | None = None  # the scene of the script that was put on last
    before_rehearsal: Json | None = None  # what the end of the rehearsal restores (`mcu_core.rehearsal`)

    @property
    def rehearsing(self) -> bool:
        return self.before_rehearsal is not None

    def format_of(self, view: View) -> ViewFormat:
        """A view that was never given a format has that of the programme's beginning."""
        return self.formats.get(view) or ViewFormat()

    @property
    def main_site(self) -> str | None:
        return next((site.id for site in self.sites.values() if site.role == "main"), None)

    def muted_by(self, site: str) -> MutedBy | None:
        """Why the sound of a site is closed at the MCU; the operator's word comes first."""
        if site in self.muted:
            return "operator"
        if site in self.noisy:
            return "noise"
        if self.scene.audio == "open" or site == self.scene.podium or site in self.opened:
            return None
        return None if self.sites[site].role == "main" else "rule"

    def excusing(self, sites: Set[str]) -> Arrangement:
        """The operator wants these to be heard: a mute for noise ends, and the MCU does not make it again."""
        return replace(self, noisy=self.noisy - sites, excused=self.excused | (self.noisy & sites))

    def with_sites(self, sites: Mapping[str, Site]) -> Arrangement:
        ordered = sorted(sites.values(), key=lambda site: site.number)
        return replace(self, sites=MappingProxyType({site.id: site for site in ordered}))

    def to_json(self) -> Json:
        return {name: _to_json(name, getattr(self, name)) for name in FIELDS}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Arrangement:
        """Raises KeyError, TypeError or ValueError on data that `to_json` did not write."""
        sites = {key: Site(**site) for key, site in data["sites"].items()}
        bare = cls(
            title=str(data["title"]),
            open=bool(data["open"]),
            scene=scene_from_json(data["scene"]),
            before_podium=None if data["before_podium"] is None else scene_from_json(data["before_podium"]),
            muted=frozenset(data["muted"]),
            opened=frozenset(data["opened"]),
            reopened=data["reopened"],
            next_site=data["next_site"],
            formats=MappingProxyType(
                {view: ViewFormat(**data["formats"][view]) for view in (*VIEWS, *filter(is_personal, data["formats"]))}
            ),
            podium_layouts=MappingProxyType(
                {
                    view: choice_from_json(data["podium_layouts"][view]) or choice
                    for view, choice in PODIUM_LAYOUTS.items()
                }
            ),
            noisy=frozenset(data.get("noisy", ())),  # documents of before did not have these
            excused=frozenset(data.get("excused", ())),
            auto_mute_noisy=bool(data.get("auto_mute_noisy", False)),
            pass_through=bool(data.get("pass_through", True)),
            loudest=int(data.get("loudest", 4)),
            echo=bool(data.get("echo", False)),
            playing=data.get("playing"),
            before_rehearsal=data.get("before_rehearsal"),
        )
        return bare.with_sites(sites)

    def way_back_to(self, older: Arrangement) -> Json:
        """Patch that `patched` turns into `older`: only the fields, and of the sites only those, that differ."""
        patch: Json = {}
        for name in FIELDS:
            was, now = getattr(older, name), getattr(self, name)
            if was == now:
                continue
            if name == "sites":
                changed = [key for key in {**was, **now} if was.get(key) != now.get(key)]
                patch[name] = {key: _site_to_json(was[key]) if key in was else None for key in changed}
            else:
                patch[name] = _to_json(name, was)
        return patch

    def patched(self, patch: Json) -> Arrangement:
        data = self.to_json()
        data.update((name, value) for name, value in patch.items() if name != "sites")
        for key, site in patch.get("sites", {}).items():
            if site is None:
                data["sites"].pop(key, None)
            else:
                data["sites"][key] = site
        return self.from_json(data)


FIELDS = tuple(item.name for item in fields(Arrangement))


def _site_to_json(site: Site) -> Json:
    return {
        "id": site.id,
        "number": site.number,
        "name": site.name,
        "role": site.role,
        "gain_db": site.gain_db,
        "pinned": site.pinned,
    }


def _format_to_json(form: ViewFormat) -> Json:
    return {
        "width": form.width,
        "height": form.height,
        "frame_rate": form.frame_rate,
        "bitrate_bps": form.bitrate_bps,
    }


def _to_json(name: str, value: Any) -> Any:
    """Stored form of one field."""
    if isinstance(value, Scene):
        return scene_to_json(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if name == "sites":
        return {key: _site_to_json(site) for key, site in value.items()}
    if name == "formats":
        return {view: _format_to_json(form) for view, form in value.items()}
    if name == "podium_layouts":
        return {view: choice_to_json(choice) for view, choice in value.items()}
    return dict(value) if isinstance(value, Mapping) else value
