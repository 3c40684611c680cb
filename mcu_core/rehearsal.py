"""What a rehearsal gives back when it ends (S78): the room as it was, however often its scenes were played.

Unlike a roll call (`mcu_core.moments`) a rehearsal also arranges the wall, lifts mutes and moves through the script.
Pure.
"""

from __future__ import annotations

from dataclasses import replace

from mcu_core.arrangement import Arrangement, Json
from mcu_core.moments import brought_back, moment_of
from mcu_core.scene import Placement, ViewScene, scene_from_json


def kept_for_rehearsal(now: Arrangement) -> Json:
    """Stored with the conference while the rehearsal lasts."""
    return {
        "moment": moment_of(now),
        "muted": sorted(now.muted),
        "excused": sorted(now.excused),
        "playing": now.playing,
    }


def after_rehearsal(now: Arrangement) -> Arrangement:
    """`now` as before its rehearsal, among the sites that there are; unchanged when there is none."""
    kept = now.before_rehearsal
    if kept is None:
        return now
    moment = kept["moment"]
    muted = {*kept["muted"], *filter(None, [moment["reopened"]])} & set(now.sites)
    excused = frozenset(kept.get("excused", ())) & set(now.sites)
    calm = replace(now, muted=frozenset(muted), excused=excused, reopened=None, next_site=None)
    back = brought_back(calm, moment)
    sites = set(now.sites)
    scene = back.scene.with_view("wall", _among(scene_from_json(moment["scene"]).views["wall"], sites))
    before = back.before_podium
    if before is not None:
        before = before.with_view("wall", _among(scene_from_json(moment["before_podium"]).views["wall"], sites))
    called = moment["next_site"] if moment["next_site"] in now.sites else None
    return replace(
        back,
        scene=scene,
        before_podium=before,
        next_site=called,
        playing=kept["playing"],
        before_rehearsal=None,
    )


def _among(view: ViewScene, sites: set[str]) -> ViewScene:
    named = {
        site for what in view.cells.values() for site in ((what.site,) if isinstance(what, Placement) else what.sites)
    }
    for site in named - sites:
        view = view.without(site)
    return view
