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
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from mcu_core.arrangement import Arrangement, Json, Site, ViewFormat
from mcu_core.commands import (
    AddSite,
    BringBack,
    CallNext,
    Command,
    DropPersonalView,
    FillCell,
    MuteAll,
    MuteNoisy,
    MuteSite,
    PinSize,
    PlaceSite,
    PlayScene,
    Podium,
    RedrawLayout,
    Rehearse,
    RemoveSite,
    RenameSite,
    SetGain,
    SetLayout,
    SetOpen,
    SetOptions,
    SetPersonalView,
    SetPodiumLayout,
    SetRendition,
    SetRole,
    SetTitle,
    SetTransition,
    Undo,
    UnmuteAll,
    ViewPlan,
)
from mcu_core.errors import OperatorError
from mcu_core.moments import brought_back
from mcu_core.names import check_slug, clean_name, slug_of
from mcu_core.presence import Presence
from mcu_core.redrawing import kept_redrawn, redrawn
from mcu_core.rehearsal import after_rehearsal, kept_for_rehearsal
from mcu_core.scene import (
    AUTO,
    CUSTOM,
    MAX_CUSTOM_TILES,
    CustomTile,
    Filler,
    Filling,
    LayoutChoice,
    Pages,
    Placement,
    Scene,
    Transition,
    ViewScene,
    cell_count,
    drawable,
    layout_exists,
    personal_view,
)
from mcu_core.wire import View

DOCUMENT_VERSION = 1
MAX_UNDO = 50
MAX_SITES = 1000
PERSONAL_VIEWS = 4
MOST_HEARD = 8  # at once; each more is a decoder, and makes speech harder to follow
LAST_PERSONAL = 9999  # the highest number of a site that can have a view of its own


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

    def __init__(self, conference_id: str, arrangement: Arrangement, personal_views: int = PERSONAL_VIEWS) -> None:
        self.id = conference_id
        self.personal_views = personal_views  # as many as it may have; not stored
        self.arrangement = arrangement
        self.presence = Presence()
        self.revision = 0  # of the document: grows by one with each command
        self.changed_at = 0.0  # `now` of the last command
        self._undo: tuple[Undoable, ...] = ()
        self._next_number = 1

    @classmethod
    def new(cls, conference_id: str, title: str, personal_views: int = PERSONAL_VIEWS) -> Conference:
        """Raises OperatorError `bad_name`."""
        return cls(conference_id, Arrangement(clean_name(title)), personal_views)

    def copy(self) -> Conference:
        """Another conference with the same arrangement and the very same presence."""
        twin = Conference(self.id, self.arrangement, self.personal_views)
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
    def from_document(
        cls, conference_id: str, document: Mapping[str, Any], personal_views: int = PERSONAL_VIEWS
    ) -> Conference:
        """Raises OperatorError `bad_document` when the document is from a newer version or damaged."""
        try:
            if document["version"] != DOCUMENT_VERSION:
                raise ValueError(f"version {document['version']}")
            conference = cls(conference_id, Arrangement.from_json(document["arrangement"]), personal_views)
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
            if isinstance(command, RedrawLayout):
                self._undo = self._undo_redrawn(command.layout, command.tiles)
            if after == before:
                events = []
            elif isinstance(command, MuteNoisy | RedrawLayout):  # not this operator's doing: nothing to take back
                self.arrangement = after
            else:
                step = Undoable(type(command).__name__, after.way_back_to(before))
                self._undo = (*self._undo, step)[-MAX_UNDO:]
                self.arrangement = after
        self._next_number = max([self._next_number, *(site.number + 1 for site in self.arrangement.sites.values())])
        self.revision += 1
        self.changed_at = now
        if before.rehearsing and self.arrangement.rehearsing:
            return [replace(event, data={**event.data, "rehearsal": True}) for event in events]
        return events

    def keeps_other_tiles(self, layout: str, tiles: tuple[CustomTile, ...]) -> bool:
        """Whether it has other tiles of this drawn layout, on air or for later: `RedrawLayout` is due."""
        after = redrawn(self.arrangement, layout, tiles)
        return after != self.arrangement or self._undo_redrawn(layout, tiles) != self._undo

    def _undo_redrawn(self, layout: str, tiles: tuple[CustomTile, ...]) -> tuple[Undoable, ...]:
        return tuple(replace(step, way_back=kept_redrawn(step.way_back, layout, tiles)) for step in self._undo)

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
            case FillCell(view, cell, filler):
                filled = _filled(now, view, cell, None if filler is None else _checked_filler(now, filler))
                what: Json = {"view": view, "cell": cell, "filler": None if filler is None else filler.kind}
                return filled, [Event("filled", data=what)]
            case SetTransition(view, transition):
                turning = replace(now.scene.views[_known_view(now, view)], transition=transition)
                return replace(now, scene=now.scene.with_view(view, turning)), [
                    Event("transition", data={"view": view, "transition": transition})
                ]
            case SetPersonalView():
                return _with_personal_view(now, command, self.personal_views), [
                    Event("personal_view", command.site, {"layout": command.layout})
                ]
            case DropPersonalView(site):
                view = personal_view(known_site(now, site).number)
                return _without_view(now, view), [Event("personal_view_dropped", site)]
            case PinSize(site, size):
                return _with(now, replace(known_site(now, site), pinned=size)), [Event("size", site, {"size": size})]
            case SetOptions(loudest=loudest):
                if loudest is not None:
                    _within("loudest", loudest, 1, MOST_HEARD)
                chosen = {name: value for name, value in asdict(command).items() if value is not None}
                after = replace(now, **chosen)
                if command.auto_mute_noisy is False:
                    after = replace(after, noisy=frozenset(), excused=frozenset())
                return after, [Event("options", data={name: getattr(after, name) for name in asdict(command)})]
            case MuteNoisy(site, level_dbov):
                if not may_be_muted_for_noise(now, known_site(now, site).id):
                    return now, []
                return replace(now, noisy=now.noisy | {site}), [
                    Event("muted_noise", site, {"level_dbov": round(level_dbov, 1)})
                ]
            case SetPodiumLayout(view, layout, tiles):
                _laid_out(layout, tiles, None)
                layouts = MappingProxyType({**now.podium_layouts, view: LayoutChoice(layout, tiles)})
                return replace(now, podium_layouts=layouts), [
                    Event("podium_layout", data={"view": view, "layout": layout})
                ]
            case RedrawLayout(layout, tiles):
                _laid_out(layout, tiles, None)
                return redrawn(now, layout, tiles), [Event("layout_redrawn", data={"layout": layout})]
            case Podium(None, transition):
                return _turning(_podium_ended(now), transition), [Event("podium", None, {"was": now.scene.podium})]
            case Podium(str(site), transition):
                given = _podium_given(now, known_site(now, site).id)
                return _turning(given, transition), [Event("podium", site, {"was": now.scene.podium})]
            case BringBack(moment, why):
                return _as_it_was(now, moment), [Event("brought_back", None, {"why": why, "was": now.scene.podium})]
            case PlayScene():
                return _played(now, command)
            case Rehearse(on):
                if on == now.rehearsing:
                    return now, []
                if on:
                    return replace(now, before_rehearsal=kept_for_rehearsal(now), playing=None), [Event("rehearsal")]
                return after_rehearsal(now), [Event("rehearsal_ended")]
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
                return replace(now.excusing(now.noisy), muted=frozenset(), reopened=None), [Event("unmuted_all")]
            case SetRendition():
                form = _checked_format(now.format_of(_known_view(now, command.view)), command)
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


def _known_view(now: Arrangement, view: View) -> View:
    if view not in now.scene.views:
        raise OperatorError("unknown_view", f"Không có khung hình “{view}”.", f"There is no view “{view}”.")
    return view


def _unknown_layout(layout: str) -> OperatorError:
    return OperatorError("unknown_layout", f"Không có bố cục “{layout}”.", f"There is no layout “{layout}”.")


def _with(now: Arrangement, site: Site) -> Arrangement:
    return now.with_sites({**now.sites, site.id: site})


def _without(now: Arrangement, site: Site) -> Arrangement:
    if now.scene.podium == site.id:
        now = _podium_ended(now)
    now = _without_view(now, personal_view(site.number))
    return replace(
        now.with_sites({key: other for key, other in now.sites.items() if key != site.id}),
        scene=now.scene.without(site.id),
        before_podium=now.before_podium and now.before_podium.without(site.id),
        muted=now.muted - {site.id},
        opened=now.opened - {site.id},
        noisy=now.noisy - {site.id},
        excused=now.excused - {site.id},
        next_site=None if now.next_site == site.id else now.next_site,
    )


def _with_layout(now: Arrangement, command: SetLayout) -> Arrangement:
    view = _known_view(now, command.view)
    before = now.scene.views[view]
    chosen = _laid_out(command.layout, command.tiles, command.pages)
    chosen = replace(
        chosen,
        follows_content=chosen.follows_content and view != "wall",
        led=command.layout == AUTO and command.pages is None and _has_podium_picture(now, view),
        transition=command.transition or before.transition,
    )
    count = cell_count(view, chosen)
    for cell, filling in before.cells.items():
        if cell < count:
            chosen = chosen.placing(cell, filling)
    return replace(now, scene=now.scene.with_view(view, chosen))


def _laid_out(layout: str, tiles: tuple[CustomTile, ...], pages: Pages | None) -> ViewScene:
    """A view of this layout, nothing placed.  Raises OperatorError `unknown_layout`, `bad_tiles`, `out_of_range`."""
    if not tiles and layout != CUSTOM and not layout_exists(layout):
        raise _unknown_layout(layout)
    if (layout == CUSTOM and not tiles) or (tiles and (layout_exists(layout) or not drawable(tiles))):
        raise OperatorError(
            "bad_tiles",
            f"Bố cục tự vẽ cần từ 1 đến {MAX_CUSTOM_TILES} ô nằm trong khung hình, mỗi cạnh ít nhất 2 %, các ô chồng "
            "nhau phải khác lớp; bố cục có sẵn thì không kèm ô.",
            f"A custom layout needs 1 to {MAX_CUSTOM_TILES} tiles inside the canvas, each side at least 2 %, in "
            "different layers where they overlap; any other layout takes none.",
        )
    if pages is not None:
        _within("pages.tiles", pages.tiles, 1, MAX_CUSTOM_TILES)
        _within("pages.seconds", pages.seconds, 5, 300)
    return ViewScene(layout, tiles=tiles, follows_content=layout == AUTO and pages is None, pages=pages)


def _has_podium_picture(now: Arrangement, view: View) -> bool:
    """Whether the podium arranges this view: the chair's screen stays as it was while the main site has the word."""
    podium = now.scene.podium
    return podium is not None and (view == "programme" or (view == "chair" and podium != now.main_site))


def _with_placement(now: Arrangement, command: PlaceSite) -> Arrangement:
    placement = None if command.site is None else Placement(known_site(now, command.site).id, command.track)
    return _filled(now, command.view, command.cell, placement)


def _filled(now: Arrangement, view: View, cell: int, filling: Filling | None) -> Arrangement:
    chosen = now.scene.views[_known_view(now, view)]
    return replace(now, scene=now.scene.with_view(view, _placed(view, chosen, cell, filling)))


def _placed(view: View, chosen: ViewScene, cell: int, filling: Filling | None) -> ViewScene:
    count = cell_count(view, chosen)
    if not 0 <= cell < count:
        raise OperatorError(
            "cell_out_of_range",
            f"Bố cục “{chosen.layout}” không có ô số {cell}; các ô được đánh số từ 0 đến {count - 1}.",
            f"Layout “{chosen.layout}” has no cell {cell}; cells are numbered 0 to {count - 1}.",
        )
    return chosen.placing(cell, filling)


def _checked_filler(now: Arrangement, filler: Filler) -> Filler:
    """The rule with nothing in it that its kind does not use."""
    if filler.kind == "loudest":
        _within("hold", filler.seconds, 1.5, 3)
        return Filler("loudest", filler.seconds)
    if filler.kind == "rotation":
        _within("seconds", filler.seconds, 2, 3600)
        return replace(filler, sites=tuple(dict.fromkeys(known_site(now, site).id for site in filler.sites)))
    return Filler(filler.kind)


def _with_personal_view(now: Arrangement, command: SetPersonalView, most: int) -> Arrangement:
    site = known_site(now, command.site)
    view = personal_view(site.number)
    if site.number > LAST_PERSONAL or (view not in now.scene.views and len(now.scene.personal) >= most):
        raise OperatorError(
            "too_many_views",
            f"Phiên họp đã có đủ {most} khung hình riêng; mỗi khung hình riêng cần thêm một bộ mã hóa. "
            "Hãy bỏ bớt một khung hình riêng trước.",
            f"The conference has its {most} personal views; each costs an encoder. Drop one of them first.",
        )
    chosen = _laid_out(command.layout, command.tiles, command.pages)
    for cell, filling in command.cells:
        if isinstance(filling, Filler):
            filling = _checked_filler(now, filling)
        else:
            known_site(now, filling.site)
        chosen = _placed(view, chosen, cell, filling)
    return replace(now, scene=now.scene.with_view(view, chosen))


def _without_view(now: Arrangement, view: View) -> Arrangement:
    """A personal view ends, with its format."""
    formats = MappingProxyType({key: form for key, form in now.formats.items() if key != view})
    before = now.before_podium and now.before_podium.without_view(view)
    return replace(now, scene=now.scene.without_view(view), before_podium=before, formats=formats)


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
    now = _mute_given_back(now).excusing({site})
    return replace(
        now,
        scene=scene,
        before_podium=before,
        muted=now.muted - {site},
        reopened=site if site in now.muted else None,
        opened=frozenset(),
        next_site=None if now.next_site == site else now.next_site,
    )


def _podium_view(scene: Scene, view: View, keep: bool, layouts: Mapping[View, LayoutChoice]) -> ViewScene:
    """The view a podium begins with, or the one the operator made of it, less what hides the new speaker."""
    if keep:
        return scene.views[view].placing(0, None)
    choice = layouts[view]
    transition = scene.views[view].transition
    return ViewScene(choice.layout, tiles=choice.tiles, led=choice.layout == AUTO, transition=transition)


def _turning(now: Arrangement, transition: Transition | None) -> Arrangement:
    """The views that a podium arranges change like this."""
    if transition is None:
        return now
    scene = now.scene
    for view in ("programme", "chair"):
        scene = scene.with_view(view, replace(scene.views[view], transition=transition))
    return replace(now, scene=scene)


def may_be_muted_for_noise(now: Arrangement, site: str) -> bool:
    """Only where the operator wants it; never the chair, the podium, whom somebody has asked to speak or opened."""
    called = {now.scene.podium, now.main_site, now.next_site, *now.opened, *now.excused}
    return now.auto_mute_noisy and site not in called and now.muted_by(site) is None


def _podium_ended(now: Arrangement) -> Arrangement:
    if now.before_podium is None:
        return now
    scene = now.before_podium.with_view("wall", now.scene.views["wall"])  # the podium never was on the wall
    for view in {*scene.personal, *now.scene.personal}:  # nor did it arrange anybody's own
        own = now.scene.views.get(view)
        scene = scene.without_view(view) if own is None else scene.with_view(view, own)
    return replace(_mute_given_back(now), scene=scene, before_podium=None, opened=frozenset())


def _played(now: Arrangement, command: PlayScene) -> tuple[Arrangement, list[Event]]:
    """The scene put on.  Ending its podium leaves the scene's own views, everybody heard."""
    missing = {site for site in _sites_of(command) if site not in now.sites}
    podium = None if command.podium in missing else command.podium
    heard = frozenset(command.heard) - missing
    base = _podium_ended(now)
    scene = replace(base.scene, audio="open")
    for plan in command.views:
        scene = scene.with_view(plan.view, _planned(base, plan, missing))
    after = replace(base, scene=scene, next_site=None, opened=frozenset())
    if podium is not None:
        after = _podium_given(after, podium)
        for view in {plan.view for plan in command.views}:
            after = replace(after, scene=after.scene.with_view(view, scene.views[view]))
    opened = {site for site in heard if site != podium and now.sites[site].role != "main"}
    after = replace(
        after.excusing(heard),
        scene=replace(after.scene, audio=command.audio),
        muted=after.muted - heard,
        opened=frozenset(opened) if command.audio == "podium" else frozenset(),
        reopened=None if after.reopened in heard else after.reopened,
        next_site=None if command.next_site in missing or command.next_site == podium else command.next_site,
        playing=command.scene,
    )
    data: Json = {"scene": command.scene, "title": command.title, "audio": command.audio, "missing": sorted(missing)}
    return after, [Event("script_scene", podium, data)]


def _planned(now: Arrangement, plan: ViewPlan, missing: set[str]) -> ViewScene:
    before = now.scene.views[_known_view(now, plan.view)]
    chosen = _laid_out(plan.layout, plan.tiles, plan.pages)
    chosen = replace(
        chosen,
        follows_content=chosen.follows_content and plan.view != "wall",
        transition=plan.transition or before.transition,
    )
    for cell, filling in plan.cells:
        if isinstance(filling, Filler):
            rest = tuple(site for site in filling.sites if site not in missing)
            if rest or not filling.sites:
                chosen = _placed(plan.view, chosen, cell, _checked_filler(now, replace(filling, sites=rest)))
        elif filling.site not in missing:
            chosen = _placed(plan.view, chosen, cell, filling)
    return chosen


def _sites_of(command: PlayScene) -> set[str]:
    named = {site for site in (command.podium, command.next_site) if site is not None} | set(command.heard)
    for plan in command.views:
        for _, filling in plan.cells:
            named |= set(filling.sites) if isinstance(filling, Filler) else {filling.site}
    return named


def _as_it_was(now: Arrangement, moment: Json) -> Arrangement:
    try:
        return brought_back(now, moment)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise OperatorError(
            "bad_moment",
            "Không đọc được cảnh đã lưu; hãy chọn lại bố cục bằng tay.",
            "The scene that was kept cannot be read; choose the layout by hand.",
        ) from None


def _mute_given_back(now: Arrangement) -> Arrangement:
    """The operator's mute of a site counts again when it leaves the podium."""
    if now.reopened is None:
        return now
    return replace(now, muted=now.muted | ({now.reopened} & set(now.sites)), reopened=None)


def _with_mute(now: Arrangement, site: str, muted: bool) -> Arrangement:
    """The operator's newest word wins, also over the podium rule and over the MCU's own mute for noise."""
    was, reopened = now.muted_by(site), None if now.reopened == site else now.reopened
    now = replace(now, noisy=now.noisy - {site}, reopened=reopened)
    if muted:
        less = {site}
        return replace(now, muted=now.muted | less, opened=now.opened - less, excused=now.excused - less)
    if was is not None:
        now = replace(now, muted=now.muted - {site}, excused=now.excused | {site})
    return replace(now, opened=now.opened | {site}) if now.muted_by(site) == "rule" else now
