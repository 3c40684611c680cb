"""What a conference puts on air: derived from its arrangement and presence, never stored.

Views that come out the same (same tiles, canvas, rate and bitrate) are one: the later one's watchers are given the
earlier one's renditions, so until the podium is given chair and programme share an encoder.  A rendition's number
follows from its view and codec alone, so it is the same after a restart of control; there is none without an open leg.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from mcu_core.arrangement import MutedBy, ViewFormat
from mcu_core.conference import Conference
from mcu_core.hints import QualityHint, hint_for, largest
from mcu_core.presence import Leg, State
from mcu_core.scene import VIEWS, Resolved, resolve
from mcu_core.wire import (
    CODECS,
    Codec,
    LegPlan,
    MixPlan,
    RenditionPlan,
    SitePlan,
    TilePlan,
    Track,
    View,
    ViewPlan,
)

Hints = dict[tuple[str, Track], QualityHint]


@dataclass(frozen=True, slots=True)
class Tally:
    """What a site is told about itself."""

    on_podium: bool = False
    next: bool = False
    muted: bool = False
    muted_by: MutedBy | None = None
    visible: bool = False


class OnAir:
    """One moment of one conference; make a new one after each change."""

    def __init__(self, conference: Conference) -> None:
        self._conference = conference
        self._now = self.arrangement = conference.arrangement
        self._presence = self.presence = conference.presence

    # -- views

    @cached_property
    def seated(self) -> tuple[str, ...]:
        """Sites that hold a place on the screens: main site first, then by number."""
        there = [site for site in self._now.sites.values() if self._presence.seated(site.id)]
        return tuple(site.id for site in sorted(there, key=lambda site: (site.role != "main", site.number)))

    @cached_property
    def content(self) -> str | None:
        """The site whose shared screen the views follow."""
        candidates = (self._now.scene.podium, self._now.main_site)
        return next((site for site in candidates if self._presence.shares(site)), None)

    @cached_property
    def resolved(self) -> dict[View, Resolved]:
        return {view: resolve(view, self._now.scene, self.seated, self.content) for view in VIEWS}

    @cached_property
    def shown_as(self) -> dict[View, View]:
        """For each view, the first one that looks exactly like it."""
        looks = {view: (self.resolved[view].tiles, self._now.formats[view]) for view in VIEWS}
        return {view: next(first for first in VIEWS if looks[first] == looks[view]) for view in VIEWS}

    def view_of(self, leg: Leg) -> View:
        """What a leg's role lets it watch."""
        if leg.site is None:
            return leg.view
        return "chair" if leg.site == self._now.main_site else "programme"

    @cached_property
    def _viewers(self) -> dict[tuple[View, Codec], int]:
        """Open legs by what is encoded for them."""
        viewers: dict[tuple[View, Codec], int] = {}
        for leg in self._presence.legs.values():
            if leg.codec is not None:
                key = (self.shown_as[self.view_of(leg)], leg.codec)
                viewers[key] = viewers.get(key, 0) + 1
        return viewers

    @cached_property
    def watched(self) -> tuple[View, ...]:
        """Views that must be composed."""
        return tuple(view for view in VIEWS if any(view == watched for watched, _ in self._viewers))

    # -- plans

    def mix_plan(self, revision: int) -> MixPlan:
        return MixPlan(
            conference=self._conference.id,
            revision=revision,
            sites=tuple(self._site_plans()),
            views=tuple(self._view_plan(view) for view in self.watched),
            renditions=tuple(
                RenditionPlan(rendition_number(view, codec), view, codec, **asdict(self._now.formats[view]))
                for view, codec in sorted(self._viewers, key=lambda key: rendition_number(*key))
            ),
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
                )
            )
        return plans

    def _view_plan(self, view: View) -> ViewPlan:
        form = self._now.formats[view]
        tiles = tuple(
            TilePlan(t.x, t.y, t.w, t.h, t.z, t.fit, None if t.site is None else self._number(t.site), t.track)
            for t in self.resolved[view].tiles
        )
        podium = self._now.scene.podium
        return ViewPlan(
            view, form.width, form.height, form.frame_rate, tiles, None if podium is None else self._number(podium)
        )

    def leg_plans(self, hint_of: Callable[[str, Track], QualityHint], relay: str) -> tuple[LegPlan, ...]:
        """The plan of every leg on one relay.  `hint_of`: what was told to a site for a track."""
        plans = []
        for leg in self._presence.legs.values():
            if leg.relay != relay:
                continue
            view = self.shown_as[self.view_of(leg)]
            rendition = None if leg.codec is None else rendition_number(view, leg.codec)
            if leg.site is None or leg.site not in self._now.sites:
                plans.append(LegPlan(leg.leg, rendition))
                continue
            is_open = self._now.muted_by(leg.site) is None
            always = is_open and leg.site in (self._now.scene.podium, self._now.main_site)
            camera = hint_of(leg.site, "camera")
            plans.append(
                LegPlan(
                    leg.leg,
                    rendition,
                    audio_open=is_open,
                    audio_always=always,
                    camera_wanted=(leg.site, "camera") in self._shown,
                    screen_wanted=(leg.site, "screen") in self._shown,
                    camera_bitrate_bps=camera.bitrate_bps if camera.active else None,
                )
            )
        return tuple(plans)

    @cached_property
    def _shown(self) -> Hints:
        """Every picture on a watched view, with what is needed of it."""
        needs: dict[tuple[str, Track], list[QualityHint]] = {}
        for view in self.watched:
            form = self._now.formats[view]
            for tile in self.resolved[view].tiles:
                if tile.site is not None:
                    size = (tile.w * form.width, tile.h * form.height)
                    hint = hint_for(*size, tile.fit, form.frame_rate, tile.track)
                    needs.setdefault((tile.site, tile.track), []).append(hint)
        return {key: largest(hints) for key, hints in needs.items()}

    def hints(self) -> Hints:
        """What each shown picture needs; a picture that is not in it is on no screen."""
        return dict(self._shown)

    def tally(self, site: str) -> Tally:
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
        return [
            {
                "rendition": rendition_number(view, codec),
                "view": view,
                "codec": codec,
                **asdict(self._now.formats[view]),
                "viewers": viewers,
            }
            for (view, codec), viewers in sorted(self._viewers.items(), key=lambda item: rendition_number(*item[0]))
        ]

    def state(self) -> dict[str, Any]:
        """ConferenceState of the HTTP API."""
        now = self._now
        return {
            "id": self._conference.id,
            "title": now.title,
            "revision": self._conference.revision,
            "open": now.open,
            "podium": now.scene.podium,
            "next": now.next_site,
            "can_undo": self._conference.can_undo,
            "speaker": self._presence.speaker,
            "main_site": now.main_site,
            "sites": [self._site_state(site) for site in now.sites],
            "views": {view: self._view_state(view) for view in VIEWS},
        }

    def _site_state(self, site_id: str) -> dict[str, Any]:
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
        }

    def _view_state(self, view: View) -> dict[str, Any]:
        resolved, chosen = self.resolved[view], self._now.scene.views[view]
        form: ViewFormat = self._now.formats[view]
        return {
            "layout": chosen.layout,
            "effective_layout": resolved.layout,
            "cells": [
                {
                    "site": tile.site,
                    "track": tile.track,
                    "fixed": index in chosen.cells,
                    **{"x": tile.x, "y": tile.y, "w": tile.w, "h": tile.h},
                }
                for index, tile in enumerate(resolved.tiles)
            ],
            **asdict(form),
        }

    def _number(self, site: str) -> int:
        return self._now.sites[site].number


def rendition_number(view: View, codec: Codec) -> int:
    """1..6, stable for all time: relays keep sending a rendition while control restarts."""
    return 1 + VIEWS.index(view) * len(CODECS) + CODECS.index(codec)
