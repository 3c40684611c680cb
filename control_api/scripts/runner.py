"""Running a script on the live conference (S74, S78): each step is one command there, and can be undone there.

The place in the script is part of the conference's document, so an undo moves it back and a restart keeps it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from control_api.layouts.store import LayoutStore
from control_api.live.store import Json
from control_api.preparation.meetings import live_state
from control_api.problems import Refused
from control_api.scripts.models import RunnerAnswer, Scene, SceneBrief, Warned
from control_api.scripts.rules import command_of, place_of
from control_api.scripts.store import Script
from control_api.services import Services
from mcu_core.commands import Rehearse
from signaling.messages import Cue

CUE_SECONDS = 20.0  # how long a page shows what it is asked

Choose = Callable[[Sequence[Scene], str | None], int]  # scenes, the one that is on -> index of the one to play


def runner_of(script: Script, state: Json | None, warnings: Sequence[Warned] = ()) -> RunnerAnswer:
    playing = None if state is None else state["script_scene"]
    index = place_of(script.scenes, playing)
    following = 0 if playing is None else None if index is None else index + 1
    return RunnerAnswer(
        conference=script.conference_id,
        live=state is not None,
        rehearsal=state is not None and state["rehearsal"],
        scenes=len(script.scenes),
        scene=_brief(script.scenes, index),
        next=_brief(script.scenes, following),
        previous=_brief(script.scenes, None if index is None or index == 0 else index - 1),
        warnings=tuple(warnings),
    )


async def play(
    services: Services,
    script: Script,
    choose: Choose,
    *,
    actor: str,
    command_id: str | None,
    after: str | None = None,
) -> RunnerAnswer:
    """Put the chosen scene on, and ask its sites for their camera positions.

    Raises OperatorError `unknown_conference` while the conference is not live, `script_moved` when another scene is on
    than the one named by `after`, and what `choose` raises.
    """
    live, conference = services.live, script.conference_id
    playing = live.state(conference)["script_scene"]
    if after is not None and after != playing:
        raise Refused(
            "script_moved",
            "Kịch bản đã chuyển sang cảnh khác (có thể do người khác bấm). Hãy xem lại cảnh đang chạy.",
            "The script is at another scene by now (somebody else may have moved it). Look which one is on.",
            detail={"scene": playing},
        )
    index = choose(script.scenes, playing)
    newest = {one.name: one.tiles for one in await LayoutStore(services.database).all()}
    tiles = {name: newest.get(name, kept) for name, kept in script.drawn.items()}
    state = await live.command(conference, command_of(script.scenes, index, tiles), actor=actor, command_id=command_id)
    scene = script.scenes[index]
    warnings = absent(scene, state)
    for one in scene.presets:
        if not ask_camera(services, conference, one.site, one.preset) and one.site not in {w.site for w in warnings}:
            warnings.append(
                Warned(
                    code="preset_not_delivered",
                    site=one.site,
                    vi=f"Chưa gửi được yêu cầu quay camera về “{one.preset}” tới {one.site}; hãy gọi điện thoại.",
                    en=f"{one.site} could not be asked for the camera position “{one.preset}”; call by telephone.",
                )
            )
    return runner_of(script, live.state(conference), warnings)


async def rehearse(services: Services, script: Script, on: bool, *, actor: str, command_id: str | None) -> RunnerAnswer:
    """Begin or end a rehearsal, and tell the sites that are there."""
    live, conference = services.live, script.conference_id
    was = live.state(conference)["rehearsal"]
    await live.command(conference, Rehearse(on), actor=actor, command_id=command_id)
    if was != on:
        vi = "Bắt đầu tổng duyệt theo kịch bản." if on else "Tổng duyệt kết thúc."
        en = "The rehearsal begins." if on else "The rehearsal has ended."
        for site in live.state(conference)["sites"]:
            if site["state"] == "live":
                live.tell_site(conference, site["id"], _cue("notice", vi, en))
    return runner_of(script, live_state(services, conference))


def ask_camera(services: Services, conference: str, site: str, preset: str) -> bool:
    """Ask a site to turn its camera to a stored position (S97); False when nobody is connected there."""
    cue = _cue("camera_preset", f"Quay camera về vị trí “{preset}”.", f"Turn the camera to “{preset}”.")
    return services.live.tell_site(conference, site, cue)


def absent(scene: Scene, state: Json) -> list[Warned]:
    """Sites of the scene that cannot be seen or heard now; the scene is on all the same."""
    sites = {site["id"]: site for site in state["sites"]}
    warnings = []
    for site in sorted({*scene.sites} - {*scene.speakers, *(one.site for one in scene.presets)} | {*scene.speaking}):
        known = sites.get(site)
        if known is None:
            warnings.append(
                Warned(
                    code="site_missing",
                    site=site,
                    vi=f"Phiên họp không có điểm cầu “{site}”; cảnh vẫn được áp dụng, bỏ qua điểm cầu này.",
                    en=f"The conference has no site “{site}”; the scene is on without it.",
                )
            )
        elif known["state"] != "live":
            warnings.append(
                Warned(
                    code="site_absent",
                    site=site,
                    vi=f"{known['name']} chưa kết nối; cảnh vẫn được áp dụng, ô của điểm cầu này hiện thẻ tên.",
                    en=f"{known['name']} is not connected; the scene is on, its tile shows the name card.",
                )
            )
    return warnings


def _cue(kind: str, vi: str, en: str) -> Cue:
    return Cue(id=f"q-{secrets.token_hex(4)}", kind=kind, vi=vi, en=en, seconds=CUE_SECONDS)


def _brief(scenes: Sequence[Scene], index: int | None) -> SceneBrief | None:
    if index is None or not 0 <= index < len(scenes):
        return None
    scene = scenes[index]
    assert scene.id is not None, "stored scenes have ids"
    return SceneBrief(id=scene.id, title=scene.title, index=index, podium=scene.podium)
