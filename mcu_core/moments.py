"""A moment of an arrangement: what the room sees and hears, kept while a guided sequence uses the podium (a roll call).

`moment_of` is stored as JSON beside the sequence; `brought_back` restores it into whatever the arrangement has become:
programme, chair's screen, podium and audio rule are as they were; what a sequence never touches (wall, personal views,
the operator's mutes, the sites) stays as it is now.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcu_core.arrangement import Arrangement, Json
from mcu_core.scene import Placement, Scene, scene_from_json, scene_to_json


def moment_of(now: Arrangement) -> Json:
    """What `brought_back` takes; opaque to everybody else."""
    return {
        "scene": scene_to_json(now.scene),
        "before_podium": None if now.before_podium is None else scene_to_json(now.before_podium),
        "opened": sorted(now.opened),
        "reopened": now.reopened,
        "next_site": now.next_site,
    }


def brought_back(now: Arrangement, moment: Mapping[str, Any]) -> Arrangement:
    """`now` with that moment's scene.  A site that had the podium and is gone since loses it.

    Raises KeyError, TypeError, ValueError or AttributeError on a moment that `moment_of` did not make.
    """
    scene = scene_from_json(moment["scene"])
    before = None if moment["before_podium"] is None else scene_from_json(moment["before_podium"])
    if before is not None and scene.podium not in now.sites:
        scene, before = before, None
    scene = _here(now, scene)
    before = None if before is None else _here(now, before)
    if now.reopened is not None:  # the operator's mute of whoever has the podium now counts again
        now = replace(now, muted=now.muted | ({now.reopened} & set(now.sites)), reopened=None)
    podium, reopened = scene.podium, moment["reopened"]
    if reopened is None or reopened != podium or reopened not in now.muted:
        reopened = None
    next_site = now.next_site or moment["next_site"]
    return replace(
        now if podium is None else now.excusing({podium}),
        scene=scene,
        before_podium=before,
        muted=now.muted - {reopened},
        opened=frozenset(moment["opened"]) & set(now.sites) - now.muted,
        reopened=reopened,
        next_site=next_site if next_site in now.sites and next_site != podium else None,
    )


def _here(now: Arrangement, scene: Scene) -> Scene:
    """That scene among the sites, the wall and the personal views of now."""
    for site in _named(scene) - set(now.sites):
        scene = scene.without(site)
    scene = scene.with_view("wall", now.scene.views["wall"])
    for view in {*scene.personal, *now.scene.personal}:
        own = now.scene.views.get(view)
        scene = scene.without_view(view) if own is None else scene.with_view(view, own)
    return scene


def _named(scene: Scene) -> set[str]:
    named: set[str] = set()
    for view in scene.views.values():
        for what in view.cells.values():
            named |= {what.site} if isinstance(what, Placement) else set(what.sites)
    return named
