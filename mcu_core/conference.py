"""The live conference: commands in, events out, no I/O.

`apply` carries out one command as one transaction on the `Arrangement`, or raises OperatorError and changes nothing.
The caller applies it to a `copy`, stores `document()`, and only then puts the copy in place: what was acknowledged is
in the database.  Copies share `presence`, which no command touches.

Podium: the site is large on the programme and alone on the chair's screen, its sound is open even if the operator had
muted it, everyone but it and the main site is muted by rule.  When the main site itself has the word the chair's screen
stays as it was.  Moving the podium keeps what the operator rearranged meanwhile, except cell 0; `Podium(None)` restores
programme, chair, sound and mute exactly as before the first one.  A site that leaves keeps the podium.

What is shown and heard follows in `mcu_core.on_air`; it is derived, never stored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from mcu_core.arrangement import Arrangement, Json, Site, ViewFormat
from mcu_core.commands import (
    AddSite,
    CallNext,
    Command,
    MuteAll,
    MuteSite,
    PlaceSite,
    Podium,
    RemoveSite,
    RenameSite,
    SetGain,
    SetLayout,
    SetOpen,
    SetPodiumLayout,
    SetRendition,
    SetRole,
    SetTitle,
    Undo,
    UnmuteAll,
)
from mcu_core.errors import OperatorError
from mcu_core.names import check_slug, clean_name, slug_of
from mcu_core.presence import Presence
from mcu_core.scene import (
    AUTO,
    CUSTOM,
    MAX_CUSTOM_TILES,
    VIEWS,
    Placement,
    Scene,
    ViewScene,
    cell_count,
    layout_exists,
)
from mcu_core.wire import View

DOCUMENT_VERSION = 1
MAX_UNDO = 50
MAX_SITES = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """What a command did, for the journal and the consoles.  `what` is stable: `podium`, `site_added` …"""

    what: str
    site: str | None = None
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Undoable:
    command: str  # name of its class, for the operator
    way_back: Json  # patch of the arrangement


class Conference:
    """One conference.  Owned by one task; other tasks read."""

    def __init__(self, conference_id: str, arrangement: Arrangement) -> None:
        self.id = conference_id
        self.arrangement = arrangement
        self.presence = Presence()
        self.revision = 0  # of the document: grows by one with each command
        self.changed_at = 0.0  # `now` of the last command
        self._undo: tuple[Undoable, ...] = ()
        self._next_number = 1

    @classmethod
    def new(cls, conference_id: str, title: str) -> Conference:
        """Raises OperatorError `bad_name`."""
        return cls(conference_id, Arrangement(clean_name(title)))

    def copy(self) -> Conference:
        """Another conference with the same arrangement and the very same presence."""
        twin = Conference(self.id, self.arrangement)
        twin.presence = self.presence
        twin.revision, twin.changed_at = self.revision, self.changed_at
        twin._undo, twin._next_number = self._undo, self._next_number
        return twin

    # -- the stored form

    def document(self) -> Json:
        """Everything that must survive a restart, as JSON."""
        return {
            "version": DOCUMENT_VERSION,
            "revision": self.revision,
            "next_number": self._next_number,
            "arrangement": self.arrangement.to_json(),
            "undo": [{"command": step.command, "way_back": step.way_back} for step in self._undo],
        }

    @classmethod
    def from_document(cls, conference_id: str, document: Mapping[str, Any]) -> Conference:
        """Raises OperatorError `bad_document` when the document is from a newer version or damaged."""
        try:
            if document["version"] != DOCUMENT_VERSION:
                raise ValueError(f"version {document['version']}")
            conference = cls(conference_id, Arrangement.from_json(document["arrangement"]))
            conference.revision = int(document["revision"])
            conference._next_number = int(document["next_number"])
            conference._undo = tuple(Undoable(step["command"], step["way_back"]) for step in document["undo"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise OperatorError(
                "bad_document",
                f"Không đọc được dữ liệu đã lưu của phiên họp {conference_id}. Hãy dùng đúng phiên bản phần mềm.",
                f"The stored conference {conference_id} cannot be read ({error!r}). Use the matching version.",
            ) from error
        return conference

    # -- commands

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    def apply(self, command: Command, now: float) -> list[Event]:
        """Carry out one command.  Returns what happened, [] when everything already was so.

        Raises OperatorError and leaves the conference as it was.
        """
        before = self.arrangement
        if isinstance(command, Undo):
            events = self._take_back()
        else:
            after, events = self._carried_out(before, command)
            if after == before:
                events = []
            else:
                step = Undoable(type(command).__name__, after.way_back_to(before))
                self._undo = (*self._undo, step)[-MAX_UNDO:]
                self.arrangement = after
        self._next_number = max([self._next_number, *(site.number + 1 for site in self.arrangement.sites.values())])
        self.revision += 1
        self.changed_at = now
        return events

    def _take_back(self) -> list[Event]:
        if not self._undo:
            raise OperatorError("nothing_to_undo", "Không còn lệnh nào để hoàn tác.", "There is nothing to undo.")
        step = self._undo[-1]
        self.arrangement = self.arrangement.patched(step.way_back)
        self._undo = self._undo[:-1]
        return [Event("undone", data={"command": step.command})]

    def _carried_out(self, now: Arrangement, command: Command) -> tuple[Arrangement, list[Event]]:
        match command:
            case SetTitle(title):
                title = clean_name(title)
                return replace(now, title=title), [Event("title", data={"title": title})]
            case SetOpen(is_open):
                return replace(now, open=is_open), [Event("opened" if is_open else "closed")]
            case AddSite():
                return self._add(now, command)
            case RemoveSite(site):
                return _without(now, known_site(now, site)), [Event("site_removed", site)]
            case RenameSite(site, name):
                renamed = replace(known_site(now, site), name=clean_name(name))
                return _with(now, renamed), [Event("site_renamed", site, {"name": renamed.name})]
            case SetRole(site, role):
                sites = {key: replace(s, role="member") if role == "main" else s for key, s in now.sites.items()}
                sites[site] = replace(known_site(now, site), role=role)
                return now.with_sites(sites), [Event("site_role", site, {"role": role})]
            case SetGain(site, gain_db):
                _within("gain_db", gain_db, -20, 20)
                return _with(now, replace(known_site(now, site), gain_db=gain_db)), [
                    Event("site_gain", site, {"gain_db": gain_db})
                ]
            case SetLayout():
                return _with_layout(now, command), [
                    Event("layout", data={"view": command.view, "layout": command.layout})
                ]
            case PlaceSite():
                return _with_placement(now, command), [
                    Event("placed", command.site, {"view": command.view, "cell": command.cell, "track": command.track})
                ]
            case SetPodiumLayout(view, layout):
                if layout == CUSTOM or not layout_exists(layout):
                    raise _unknown_layout(layout)
                layouts = MappingProxyType({**now.podium_layouts, view: layout})
                return replace(now, podium_layouts=layouts), [
                    Event("podium_layout", data={"view": view, "layout": layout})
                ]
            case Podium(None):
                return _podium_ended(now), [Event("podium", None, {"was": now.scene.podium})]
            case Podium(str(site)):
                return _podium_given(now, known_site(now, site).id), [Event("podium", site, {"was": now.scene.podium})]
            case CallNext(next_site):
                if next_site is not None:
                    known_site(now, next_site)
                return replace(now, next_site=next_site), [Event("next", next_site)]
            case MuteSite(site, muted):
                return _with_mute(now, known_site(now, site).id, muted), [Event("muted" if muted else "unmuted", site)]
            case MuteAll(except_):
                if except_ is None:
                    except_ = tuple(site for site in (now.main_site, now.scene.podium) if site is not None)
                spared = {known_site(now, site).id for site in except_}
                closed = frozenset(now.sites) - spared
                quiet = replace(now, muted=now.muted | closed, opened=now.opened - closed, reopened=None)
                return quiet, [Event("muted_all", data={"except": sorted(spared)})]
            case UnmuteAll():
                return replace(now, muted=frozenset(), reopened=None), [Event("unmuted_all")]
            case SetRendition():
                form = _checked_format(now.formats[_known_view(command.view)], command)
                formats = MappingProxyType({**now.formats, command.view: form})
                return replace(now, formats=formats), [Event("rendition", data={"view": command.view})]
        raise AssertionError(f"not a command: {command!r}")

    def _add(self, now: Arrangement, command: AddSite) -> tuple[Arrangement, list[Event]]:
        name = clean_name(command.name)
        if len(now.sites) >= MAX_SITES:
            raise OperatorError(
                "too_many_sites",
                f"Phiên họp đã đủ {MAX_SITES} điểm cầu.",
                f"The conference already has {MAX_SITES} sites.",
            )
        site_id = slug_of(name, now.sites) if command.site is None else check_slug(command.site)
        if site_id in now.sites:
            raise OperatorError(
                "site_exists", f"Mã điểm cầu “{site_id}” đã có.", f"There already is a site “{site_id}”."
            )
        if command.role == "main" and now.main_site is not None:
            main = now.sites[now.main_site].name
            raise OperatorError(
                "main_site_exists",
                f"Phiên họp đã có điểm cầu chính: {main}. Hãy đổi vai trò thay vì thêm mới.",
                f"The conference already has a main site: {main}. Change the role instead.",
            )
        site = Site(site_id, self._next_number, name, command.role)
        return _with(now, site), [Event("site_added", site_id, {"name": name, "number": site.number})]


# ------------------------------------------------------------------------------------- sites, layouts, formats


def known_site(now: Arrangement, site: str) -> Site:
    """Raises OperatorError `unknown_site`."""
    try:
        return now.sites[site]
    except KeyError:
        raise OperatorError(
            "unknown_site",
            f"Phiên họp không có điểm cầu “{site}”.",
            f"The conference has no site “{site}”.",
        ) from None


def _known_view(view: View) -> View:
    if view not in VIEWS:
        raise OperatorError("unknown_view", f"Không có khung hình “{view}”.", f"There is no view “{view}”.")
    return view


def _unknown_layout(layout: str) -> OperatorError:
    return OperatorError("unknown_layout", f"Không có bố cục “{layout}”.", f"There is no layout “{layout}”.")


def _with(now: Arrangement, site: Site) -> Arrangement:
    return now.with_sites({**now.sites, site.id: site})


def _without(now: Arrangement, site: Site) -> Arrangement:
    if now.scene.podium == site.id:
        now = _podium_ended(now)
    return replace(
        now.with_sites({key: other for key, other in now.sites.items() if key != site.id}),
        scene=now.scene.without(site.id),
        before_podium=now.before_podium and now.before_podium.without(site.id),
        muted=now.muted - {site.id},
        opened=now.opened - {site.id},
        next_site=None if now.next_site == site.id else now.next_site,
    )


def _with_layout(now: Arrangement, command: SetLayout) -> Arrangement:
    view, layout, tiles = _known_view(command.view), command.layout, command.tiles
    if not layout_exists(layout):
        raise _unknown_layout(layout)
    if (layout == CUSTOM) != bool(tiles) or len(tiles) > MAX_CUSTOM_TILES or not all(t.fits_canvas() for t in tiles):
        raise OperatorError(
            "bad_tiles",
            f"Bố cục tự vẽ cần từ 1 đến {MAX_CUSTOM_TILES} ô nằm trong khung hình; bố cục có sẵn thì không kèm ô.",
            f"A custom layout needs 1 to {MAX_CUSTOM_TILES} tiles inside the canvas; any other layout takes none.",
        )
    chosen = ViewScene(
        layout,
        tiles=tiles,
        follows_content=layout == AUTO and view != "wall",
        led=layout == AUTO and _has_podium_picture(now, view),
    )
    count = cell_count(view, chosen)
    for cell, placement in now.scene.views[view].cells.items():
        if cell < count:
            chosen = chosen.placing(cell, placement)
    return replace(now, scene=now.scene.with_view(view, chosen))


def _has_podium_picture(now: Arrangement, view: View) -> bool:
    """Whether the podium arranges this view: the chair's screen stays as it was while the main site has the word."""
    podium = now.scene.podium
    return podium is not None and (view == "programme" or (view == "chair" and podium != now.main_site))


def _with_placement(now: Arrangement, command: PlaceSite) -> Arrangement:
    chosen = now.scene.views[_known_view(command.view)]
    count = cell_count(command.view, chosen)
    if not 0 <= command.cell < count:
        raise OperatorError(
            "cell_out_of_range",
            f"Bố cục “{chosen.layout}” không có ô số {command.cell}; các ô được đánh số từ 0 đến {count - 1}.",
            f"Layout “{chosen.layout}” has no cell {command.cell}; cells are numbered 0 to {count - 1}.",
        )
    placement = None if command.site is None else Placement(known_site(now, command.site).id, command.track)
    return replace(now, scene=now.scene.with_view(command.view, chosen.placing(command.cell, placement)))


def _checked_format(form: ViewFormat, command: SetRendition) -> ViewFormat:
    asked = ViewFormat(
        form.width if command.width is None else command.width,
        form.height if command.height is None else command.height,
        form.frame_rate if command.frame_rate is None else command.frame_rate,
        form.bitrate_bps if command.bitrate_bps is None else command.bitrate_bps,
    )
    for name, (low, high) in _FORMAT_LIMITS.items():
        _within(name, getattr(asked, name), low, high)
    for name in ("width", "height"):
        if getattr(asked, name) % 2:
            raise OperatorError("not_even", f"{name} phải là số chẵn.", f"{name} must be even.")
    return asked


_FORMAT_LIMITS: Mapping[str, tuple[float, float]] = {
    "width": (160, 1920),
    "height": (90, 1080),
    "frame_rate": (1, 60),
    "bitrate_bps": (50_000, 20_000_000),
}


def _within(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise OperatorError(
            "out_of_range",
            f"{name} phải nằm trong khoảng từ {low} đến {high}.",
            f"{name} must be between {low} and {high}.",
        )


# ----------------------------------------------------------------------------------------------- podium and mute


def _podium_given(now: Arrangement, site: str) -> Arrangement:
    scene, had = now.scene, now.scene.podium
    if had == site:
        return now
    before = now.before_podium or scene
    programme = _podium_view(scene, "programme", had is not None, now.podium_layouts)
    if site == now.main_site:
        chair = before.views["chair"]
    else:
        chair = _podium_view(scene, "chair", had is not None and had != now.main_site, now.podium_layouts)
    scene = replace(scene.with_view("programme", programme).with_view("chair", chair), podium=site, audio="podium")
    now = _mute_given_back(now)
    return replace(
        now,
        scene=scene,
        before_podium=before,
        muted=now.muted - {site},
        reopened=site if site in now.muted else None,
        opened=frozenset(),
        next_site=None if now.next_site == site else now.next_site,
    )


def _podium_view(scene: Scene, view: View, keep: bool, layouts: Mapping[View, str]) -> ViewScene:
    """The view a podium begins with, or the one the operator made of it, less what hides the new speaker."""
    if keep:
        return scene.views[view].placing(0, None)
    return ViewScene(layouts[view], follows_content=True, led=layouts[view] == AUTO)


def _podium_ended(now: Arrangement) -> Arrangement:
    if now.before_podium is None:
        return now
    scene = now.before_podium.with_view("wall", now.scene.views["wall"])  # the podium never was on the wall
    return replace(_mute_given_back(now), scene=scene, before_podium=None, opened=frozenset())


def _mute_given_back(now: Arrangement) -> Arrangement:
    """The operator's mute of a site counts again when it leaves the podium."""
    if now.reopened is None:
        return now
    return replace(now, muted=now.muted | ({now.reopened} & set(now.sites)), reopened=None)


def _with_mute(now: Arrangement, site: str, muted: bool) -> Arrangement:
    """The operator's newest word wins, also over the podium rule."""
    reopened = None if now.reopened == site else now.reopened
    if muted:
        return replace(now, muted=now.muted | {site}, opened=now.opened - {site}, reopened=reopened)
    now = replace(now, muted=now.muted - {site}, reopened=reopened)
    return replace(now, opened=now.opened | {site}) if now.muted_by(site) == "rule" else now
