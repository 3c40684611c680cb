"""A script that is at its second scene, and bodies that the editor sends."""

from __future__ import annotations

from typing import Any

from control_api.scripts.models import Scene
from control_api.scripts.rules import command_of
from control_api.scripts.store import ScriptStore
from control_api.services import Services

OPENING: dict[str, Any] = {"id": "s-mo-dau", "title": "Khai mạc", "agenda": "1", "minutes": 5, "audio": "podium"}
REPORT: dict[str, Any] = {
    "id": "s-bao-cao",
    "title": "Sở Y tế báo cáo",
    "minutes": 20,
    "podium": "so-y-te",
    "audio": "podium",
    "views": [{"view": "programme", "layout": "1+5", "cells": [{"cell": 1, "filler": "content"}]}],
    "presets": [{"site": "so-y-te", "preset": "Chủ tọa"}],
}
DISCUSSION: dict[str, Any] = {"id": "s-thao-luan", "title": "Thảo luận", "minutes": 30, "speakers": ["xa-van-mon"]}
SCENES = [OPENING, REPORT, DISCUSSION]
OTHER = "c-00000000a1"  # another live conference
SAVE: dict[str, Any] = {"revision": 1, "scenes": SCENES}


async def add_script(services: Services, conference: str, *, at: int = 1) -> None:
    """A script of three scenes in the conference, which must be live; scene `at` is on.  Makes `OTHER`."""
    scenes = tuple(Scene.model_validate(scene) for scene in SCENES)
    store = ScriptStore(services.database)
    await store.replace(conference, 0, scenes, {}, by="lan", now=services.now(), command_id=None)
    await services.live.command(conference, command_of(scenes, at, {}), actor="lan")
    await services.live.create_conference("Họp lần trước", actor="lan", conference_id=OTHER)
