"""What a conference puts on air: derived from its arrangement, its presence and the time, never stored.

Views that come out the same (same tiles, canvas, rate and bitrate) are one: the later one's watchers are given the
earlier one's renditions, so until the podium is given chair and programme share an encoder.  A rendition's number
follows from its view, codec and size alone, so it is the same after a restart of control; there is none without a
leg that watches it: one that is connected, or will be in a moment, or was a moment ago.

A rendition is passed through, not mixed, when one live site fills its view, sends the rendition's codec, is asked for
no more than that view needs, and sits on the relay of all who watch, who all draw its name themselves.  The relay says
when it flows and suits (`PassBook`); until then, and for the smaller sizes of the view, there is an encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from mcu_core.adaptation import SIZES, Rung, Size, ladder, nearest
from mcu_core.arrangement import MutedBy, ViewFormat
from mcu_core.conference import LAST_PERSONAL, Conference
from mcu_core.hints import HIDDEN, HintedTrack, QualityHint, hint_for, largest
from mcu_core.passing import PassBook
from mcu_core.presence import Leg, State
from mcu_core.scene import NO_TURNS, VIEWS, Filler, Resolved, Tile, is_personal, personal_view, resolve
from mcu_core.wire import (
    CODECS,
    SLOW_VIEW,
    Codec,
    LegPlan,
    MixPlan,
    PassPlan,
    RenditionPlan,
    SitePlan,
    TilePlan,
    Track,
    View,
    ViewPlan,
)

FADE = 0.3  # seconds
EXPECTED = 3.0  # seconds that the picture of a leg is kept for it before it is connected, and when it is lost
LARGEST_PASSED = (1280, 720)

Hints = dict[tuple[str, HintedTrack], QualityHint]
Encoding = tuple[View, Codec, Size]


@dataclass(frozen=True, slots=True)
class Tally:
    """What a site is told about itself."""

    on_podium: bool = False
    next: bool = False
    muted: bool = False
    muted_by: MutedBy | None = None
    visible: bool = False


class OnAir:
    """One moment of one conference; make a new one after each change and at `turns_at`.

    Worked out when it is asked for, so that a change nobody looks at costs nothing.
    """

    def __init__(self, conference: Conference, now: float = 0.0, passing: PassBook | None = None) -> None:
        self._conference = conference
        self._now = self.arrangement = conference.arrangement
        self._presence = self.presence = conference.presence
        self._time = now
        self._passing = passing or PassBook()
        self._places_due: list[float | None] = []  # when places for the loudest may change hands
        self._encodings: dict[str, Encoding | None] = {}  # by leg, as asked for by hints, plans and state
        self._nearest: dict[tuple[View, Size], Rung | None] = {}
        self._tallies: dict[str, Tally] = {}  # by site

    # -- views

    @cached_property
    def seated(self) -> tuple[str, ...]:
        """Sites that hold a place on the screens: main site first, then by number."""
        there = [site for site in self._now.sites.values() if self._presence.seated(site.id)]
        return tuple(site.id for site in sorted(there, key=lambda site: (site.role != "main", site.number)))

    @cached_property
    def _personal(self) -> frozenset[View]:
        return frozenset(self._now.scene.personal)

    @cached_property
    def _main_site(self) -> str | None:
        return self._now.main_site  # looks at every site

    @cached_property
    def content(self) -> str | None:
        """The site whose shared screen the views follow."""
        candidates = (self._now.scene.podium, self._main_site)
        return next((site for site in candidates if self._presence.shares(site)), None)

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The three of every conference, and personal ones."""
        return (*VIEWS, *self._now.scene.personal)

    @cached_property
    def resolved(self) -> dict[View, Resolved]:
        def heard(places: int, hold: float) -> Sequence[str | None]:
            spotlight = self._presence.spotlight
            holders = spotlight.at(places, hold, self._time)
            self._places_due.append(spotlight.due(places, hold))
            return holders

        scene, owners = self._now.scene, {personal_view(site.number): site.id for site in self._now.sites.values()}
        turned = self._presence.turns
        resolved = {
            view: resolve(
                view,
                scene,
                self.seated,
                self.content,
                now=self._time,
                heard=heard,
                viewer=owners.get(view),
                turned=turned.get(view, NO_TURNS),
            )
            for view in self.views
        }
        self._presence.turns = {view: one.turns for view, one in resolved.items()}
        return resolved

    @cached_property
    def turns_at(self) -> float | None:
        """When a view that somebody watches next changes by itself, or must make ready to."""
        times = [self.resolved[view].turns_at for view in self._followed]
        times += self._places_due
        times += [leg.since + EXPECTED for leg in self._presence.legs.values() if self._expected(leg)]
        return min((time for time in times if time is not None), default=None)

    @cached_property
    def shown_as(self) -> dict[View, View]:
        """For each view, the first one that looks exactly like it."""
        looks = {view: (self.resolved[view].tiles, self._now.format_of(view)) for view in self.views}
        return {view: next(first for first in self.views if looks[first] == looks[view]) for view in self.views}

    def view_of(self, leg: Leg) -> View:
        """What a leg watches: its site's own view, or what its role lets it."""
        if leg.site is None:
            return leg.view if leg.view in self._now.scene.views else "programme"
        site = self._now.sites.get(leg.site)
        if self._personal and site is not None and (own := personal_view(site.number)) in self._personal:
            return own
        return "chair" if leg.site == self._main_site else "programme"

    # -- renditions

    @cached_property
    def _ladders(self) -> dict[View, tuple[Rung, ...]]:
        return {view: ladder(**asdict(self._now.format_of(view))) for view in self.views}

    def rungs(self, leg: Leg) -> tuple[Rung, ...]:
        """The sizes that a leg's view comes in; views that look alike have the same."""
        return self._ladders[self.view_of(leg)]

    def size_of(self, leg: Leg) -> Size:
        """What a leg is sent: the size pinned by the operator, or what its line carries."""
        site = self._now.sites.get(leg.site or "")
        return leg.size if site is None or site.pinned is None else site.pinned

    def encoding_of(self, leg: Leg) -> Encoding | None:
        """None: sound alone."""
        if leg.leg not in self._encodings:
            self._encodings[leg.leg] = self._encoding_of(leg)
        return self._encodings[leg.leg]

    def _encoding_of(self, leg: Leg) -> Encoding | None:
        if leg.codec is None:
            return None
        view, size = self.view_of(leg), self.size_of(leg)
        if (view, size) not in self._nearest:
            self._nearest[view, size] = nearest(self._ladders[view], size)
        rung = self._nearest[view, size]
        return None if rung is None else (self.shown_as[view], leg.codec, rung.size)

    def _expected(self, leg: Leg) -> bool:
        return not leg.connected and self._time - leg.since < EXPECTED

    @cached_property
    def _viewers(self) -> dict[Encoding, list[Leg]]:
        """Legs that watch by what is encoded for them, in the order of the numbers of the renditions."""
        viewers: dict[Encoding, list[Leg]] = {}
        for leg in self._presence.legs.values():
            encoding = self.encoding_of(leg) if leg.connected or self._expected(leg) else None
            if encoding is not None:
                viewers.setdefault(encoding, []).append(leg)
        return dict(sorted(viewers.items(), key=lambda item: rendition_number(*item[0])))

    @cached_property
    def _largest(self) -> dict[View, Rung]:
        """The largest size of each view that somebody sees."""
        largest: dict[View, Rung] = {}
        for view, _, size in self._viewers:  # the numbers of larger ones come first
            rung = nearest(self._ladders[view], size)
            if rung is not None:
                largest.setdefault(view, rung)
        return largest

    @cached_property
    def watched(self) -> tuple[View, ...]:
        """Views that somebody sees."""
        return tuple(view for view in self.views if view in self._largest)

    @cached_property
    def _followed(self) -> tuple[View, ...]:
        """Views that somebody sees, each by its own name although it looks like another until its turn."""
        seen = {self.view_of(leg) for legs in self._viewers.values() for leg in legs}
        return tuple(view for view in self.views if view in seen)

    @cached_property
    def passes(self) -> tuple[PassPlan, ...]:
        """Renditions whose viewers can be sent a site's own packets."""
        found = (self._passable(encoding, legs) for encoding, legs in self._viewers.items())
        return tuple(plan for plan in found if plan is not None)

    @cached_property
    def settled(self) -> frozenset[int]:
        """Renditions passed through long enough to need no encoder."""
        return self._passing.settled(self.passes, self._time)

    @property
    def settles_at(self) -> float | None:
        """When the next one will have: later than this moment, though perhaps not than now."""
        return self._passing.due(self.passes, self._time)

    def _passable(self, encoding: Encoding, viewers: Iterable[Leg]) -> PassPlan | None:
        """How this rendition's picture can be had from the leg of the site that fills it."""
        view, codec, size = encoding
        tile = self._full_tile(view)
        if tile is None or tile.site is None or size != "high":
            return None
        source = next((leg for leg in self._presence.legs.values() if leg.site == tile.site and leg.connected), None)
        if source is None or source.codec != codec or not self._sends(tile.site, tile.track):
            return None
        enough, asked = self._need(view, tile), self._wanted[tile.site, tile.track]
        bitrate = self._now.format_of(view).bitrate_bps
        if asked.width > enough.width or asked.height > enough.height or asked.bitrate_bps > bitrate:
            return None  # another view needs more of it
        if not all(leg.relay == source.relay and leg.draws_names for leg in viewers):
            return None  # there is an encoder anyway, which the others may use as well
        number = rendition_number(*encoding)
        return PassPlan(number, self._number(tile.site), tile.track, enough.width, enough.height, bitrate)

    def _sends(self, site: str, track: Track) -> bool:
        presence = self._presence.of(site)
        return presence.state is State.LIVE and (presence.camera if track == "camera" else presence.screen)

    def _full_tile(self, view: View) -> Tile | None:
        """The one tile of a view that shows nothing else and may be passed through."""
        form, tiles = self._now.format_of(view), self.resolved[view].tiles
        if not self._now.pass_through or form.width > LARGEST_PASSED[0] or form.height > LARGEST_PASSED[1]:
            return None
        alone = len(tiles) == 1 and (tiles[0].x, tiles[0].y, tiles[0].w, tiles[0].h) == (0, 0, 1, 1)
        return tiles[0] if alone else None

    # -- plans

    def mix_plan(self, revision: int) -> MixPlan:
        mixed = [encoding for encoding in self._viewers if rendition_number(*encoding) not in self.settled]
        composed = {view for view, _, _ in mixed}
        return MixPlan(
            conference=self._conference.id,
            revision=revision,
            sites=tuple(self._site_plans()),
            views=tuple(self._view_plan(view) for view in self.watched if view in composed),
            renditions=tuple(self._rendition_plan(encoding) for encoding in mixed),
            coming=tuple(
                sorted(
                    {
                        (self._number(tile.site), tile.track)
                        for _, tile in self._coming
                        if tile.site is not None and self._sends(tile.site, tile.track)
                    }
                )
            ),
            loudest=self._now.loudest,
            echo=self._now.echo,
        )

    def _rendition_plan(self, encoding: Encoding) -> RenditionPlan:
        view, codec, size = encoding
        rung = nearest(self._ladders[view], size)
        assert rung is not None
        return RenditionPlan(
            rendition_number(*encoding), view, codec, rung.width, rung.height, rung.frame_rate, rung.bitrate_bps
        )

    def _site_plans(self) -> list[SitePlan]:
        plans = []
        for site in self._now.sites.values():
            presence = self._presence.of(site.id)
            plans.append(
                SitePlan(
                    site.number,
                    site.name,
                    present=presence.state is State.LIVE,
                    muted=self._now.muted_by(site.id) is not None,
                    camera_off=not presence.camera,
                    gain_db=site.gain_db,
                    always=self._always_heard(site.id),
                )
            )
        return plans

    def _view_plan(self, view: View) -> ViewPlan:
        form = self._now.format_of(view)
        tiles = tuple(
            TilePlan(t.x, t.y, t.w, t.h, t.z, t.fit, None if t.site is None else self._number(t.site), t.track)
            for t in self.resolved[view].tiles
        )
        podium = self._now.scene.podium
        return ViewPlan(
            view,
            form.width,
            form.height,
            form.frame_rate,
            tiles,
            None if podium is None else self._number(podium),
            FADE if self._now.scene.views[view].transition == "fade" else 0.0,
        )

    def _always_heard(self, site: str) -> bool:
        return site in (self._now.scene.podium, self._main_site)

    def leg_plans(self, hint_of: Callable[[str, HintedTrack], QualityHint], relay: str) -> tuple[LegPlan, ...]:
        """The plan of every leg on one relay.  `hint_of`: what was told to a site for a track."""
        plans = []
        for leg in self._presence.legs.values():
            if leg.relay != relay:
                continue
            encoding = self.encoding_of(leg)
            rendition = None if encoding is None else rendition_number(*encoding)
            if leg.site is None or leg.site not in self._now.sites:
                plans.append(LegPlan(leg.leg, rendition))
                continue
            is_open = self._now.muted_by(leg.site) is None
            camera, camera_wanted = hint_of(leg.site, "camera"), (leg.site, "camera") in self._wanted
            only_wall = camera_wanted and (leg.site, "camera") not in self._beyond_the_wall
            plans.append(
                LegPlan(
                    leg.leg,
                    rendition,
                    audio_open=is_open,
                    audio_always=is_open and self._always_heard(leg.site),
                    audio_stopped=not (is_open or hint_of(leg.site, "microphone").active),
                    camera_wanted=camera_wanted,
                    screen_wanted=(leg.site, "screen") in self._wanted,
                    camera_bitrate_bps=camera.bitrate_bps if camera.active else None,
                    camera_slow_fps=camera.frame_rate if camera.active and only_wall else None,
                )
            )
        return tuple(plans)

    @cached_property
    def _shown(self) -> frozenset[tuple[str, Track]]:
        """Every picture on a watched view."""
        tiles = (tile for view in self.watched for tile in self.resolved[view].tiles)
        return frozenset((tile.site, tile.track) for tile in tiles if tile.site is not None)

    @cached_property
    def _coming(self) -> list[tuple[View, Tile]]:
        """What is in no tile of its view yet; the mixer may not have it although another view shows it, passed on."""
        return [(view, tile) for view in self._followed for tile in self.resolved[view].coming]

    @cached_property
    def _wanted(self) -> dict[tuple[str, Track], QualityHint]:
        """Every picture that is shown or will be in a moment, with what is needed of it."""
        needs: dict[tuple[str, Track], list[QualityHint]] = {}
        for view, tile in self._looked_at:
            if tile.site is not None:
                needs.setdefault((tile.site, tile.track), []).append(self._need(view, tile))
        return {key: largest(hints) for key, hints in needs.items()}

    @cached_property
    def _looked_at(self) -> list[tuple[View, Tile]]:
        """Every tile that is shown or will be in a moment."""
        return [(view, tile) for view in self.watched for tile in self.resolved[view].tiles] + self._coming

    @cached_property
    def _beyond_the_wall(self) -> frozenset[tuple[str, Track]]:
        """Pictures that others show than a slow wall."""
        slow_wall = self._now.format_of("wall").frame_rate <= SLOW_VIEW
        return frozenset(
            (tile.site, tile.track)
            for view, tile in self._looked_at
            if tile.site is not None and not (slow_wall and self.shown_as[view] == "wall")
        )

    def _need(self, view: View, tile: Tile) -> QualityHint:
        """What a view needs of the picture in one of its tiles."""
        form = self._largest[self.shown_as[view]]
        hint = hint_for(tile.w * form.width, tile.h * form.height, tile.fit, form.frame_rate, tile.track)
        if form.size == "high" and self._full_tile(view) is not None:
            # viewers may get it as it is: no more than they would get of the mix
            hint = replace(hint, bitrate_bps=min(hint.bitrate_bps, form.bitrate_bps))
        return hint

    def hints(self) -> Hints:
        """What each shown or coming picture needs, and who need not send sound.

        A picture that is not in it is on no screen; a microphone that is not in it may be heard.
        """
        now = self._now
        hints: Hints = dict(self._wanted.items())
        for site in now.sites:
            called = self._always_heard(site) or site == now.next_site  # its meter is looked at before it is opened
            if not called and now.muted_by(site) is not None:
                hints[site, "microphone"] = HIDDEN
        return hints

    def passed_to(self, leg: Leg) -> str | None:
        """The site whose own picture a leg is sent, None when its picture is mixed."""
        encoding = self.encoding_of(leg)
        return None if encoding is None else self._passed_site(rendition_number(*encoding))

    def _passed_site(self, rendition: int) -> str | None:
        number = self._passing.site_of(rendition)
        return None if number is None else self._site_of.get(number)

    @cached_property
    def _site_of(self) -> dict[int, str]:
        return {site.number: site.id for site in self._now.sites.values()}

    def tally(self, site: str) -> Tally:
        if site not in self._tallies:
            self._tallies[site] = self._tally_of(site)
        return self._tallies[site]

    def _tally_of(self, site: str) -> Tally:
        muted_by = self._now.muted_by(site)
        return Tally(
            on_podium=self._now.scene.podium == site,
            next=self._now.next_site == site,
            muted=muted_by is not None,
            muted_by=muted_by,
            visible=self._visible(site),
        )

    def tallies(self) -> dict[str, Tally]:
        return {site: self.tally(site) for site in self._now.sites}

    def _visible(self, site: str) -> bool:
        return (site, "camera") in self._shown or (site, "screen") in self._shown

    # -- for people

    def renditions(self) -> list[dict[str, Any]]:
        """What is encoded now and for how many."""
        made = []
        for encoding, legs in self._viewers.items():
            plan = self._rendition_plan(encoding)
            made.append(
                {
                    **asdict(plan),
                    "size": encoding[2],
                    "viewers": len(legs),
                    "passed": self._passed_site(plan.rendition),
                }
            )
        return made

    def state(self) -> dict[str, Any]:
        """ConferenceState of the HTTP API; one and the same for all who ask, so nobody may change it."""
        return self._state

    @cached_property
    def _state(self) -> dict[str, Any]:
        now = self._now
        return {
            "id": self._conference.id,
            "title": now.title,
            "revision": self._conference.revision,
            "open": now.open,
            "auto_mute_noisy": now.auto_mute_noisy,
            "pass_through": now.pass_through,
            "loudest": now.loudest,
            "podium": now.scene.podium,
            "next": now.next_site,
            "can_undo": self._conference.can_undo,
            "script_scene": now.playing,
            "rehearsal": now.rehearsing,
            "speaker": self._presence.speaker,
            "main_site": self._main_site,
            "personal_views": {"used": len(now.scene.personal), "most": self._conference.personal_views},
            "sites": [self._site_state(site) for site in now.sites],
            "views": {view: self._view_state(view) for view in self.views},
        }

    @cached_property
    def _leg_of(self) -> dict[str, Leg]:
        return {leg.site: leg for leg in self._presence.legs.values() if leg.site is not None}

    def _site_state(self, site_id: str) -> dict[str, Any]:
        leg = self._leg_of.get(site_id)
        encoding = None if leg is None else self.encoding_of(leg)
        site, presence, tally = self._now.sites[site_id], self._presence.of(site_id), self.tally(site_id)
        return {
            "id": site.id,
            "number": site.number,
            "name": site.name,
            "role": site.role,
            "state": presence.state.value,
            "muted": tally.muted,
            "muted_by": tally.muted_by,
            "microphone": presence.microphone,
            "camera": presence.camera,
            "screen": presence.screen,
            "visible": tally.visible,
            "on_podium": tally.on_podium,
            "next": tally.next,
            "gain_db": site.gain_db,
            "view": self.view_of(leg or Leg("", "", site_id)),
            "rendition": None if encoding is None else rendition_number(*encoding),
            "size": None if leg is None else "sound" if encoding is None else encoding[2],
            "pinned": site.pinned,
        }

    def _view_state(self, view: View) -> dict[str, Any]:
        resolved, chosen = self.resolved[view], self._now.scene.views[view]
        form: ViewFormat = self._now.format_of(view)
        podium = self._now.podium_layouts.get(view)
        return {
            "layout": chosen.layout,
            "effective_layout": resolved.layout,
            "pages": None if chosen.pages is None else asdict(chosen.pages),
            "transition": chosen.transition,
            "podium_layout": None if podium is None else podium.layout,
            "cells": [
                {
                    "site": tile.site,
                    "track": tile.track,
                    "fixed": index in chosen.cells,
                    "filler": _filler_state(chosen.cells.get(index)),
                    **{"x": tile.x, "y": tile.y, "w": tile.w, "h": tile.h, "z": tile.z},
                }
                for index, tile in enumerate(resolved.tiles)
            ],
            **asdict(form),
        }

    def _number(self, site: str) -> int:
        return self._now.sites[site].number


def _filler_state(filling: object) -> dict[str, Any] | None:
    """The rule of a cell; None: it has a site, or is filled automatically."""
    if not isinstance(filling, Filler):
        return None
    state: dict[str, Any] = {"filler": filling.kind}
    if filling.kind == "rotation":
        state |= {"seconds": filling.seconds, "sites": list(filling.sites)}
    elif filling.kind == "loudest":
        state["hold"] = filling.seconds
    return state


_SIZE_STRIDE = 20_010


def rendition_number(view: View, codec: Codec, size: Size = "high") -> int:
    """1..60,030, stable for all time: relays keep sending a rendition while control restarts.

    Full pictures of the shared views are 1 to 6.  Raises ValueError for a view no rendition can be named of.
    """
    slot = len(VIEWS) - 1 + int(view.removeprefix("site:")) if is_personal(view) else VIEWS.index(view)
    if slot >= len(VIEWS) + LAST_PERSONAL:
        raise ValueError(view)
    return 1 + SIZES.index(size) * _SIZE_STRIDE + slot * len(CODECS) + CODECS.index(codec)


def size_of_rendition(number: int) -> Size:
    return SIZES[(number - 1) // _SIZE_STRIDE]
