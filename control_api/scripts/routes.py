"""Scripts: write one, copy one, run it."""

from __future__ import annotations

from control_api.accounts.rules import Right
from control_api.api import Call, Routes
from control_api.conferences.sites import known_site
from control_api.layouts.store import LayoutStore
from control_api.preparation.deadlines import local
from control_api.preparation.meetings import Meeting, live_state, meeting_of
from control_api.preparation.scope import check_prepares
from control_api.preparation.texts import MeetingId, SiteKey
from control_api.scripts.models import (
    Delivered,
    Goto,
    PresetChange,
    PresetsAnswer,
    RehearsalChange,
    RunnerAnswer,
    Scene,
    ScriptAnswer,
    ScriptChange,
    ScriptCopy,
    SpeakerAnswer,
    Step,
)
from control_api.scripts.presets import presets_of
from control_api.scripts.rules import (
    Surroundings,
    Tiles,
    check_layouts,
    index_of,
    next_index,
    previous_index,
    problems_of,
)
from control_api.scripts.runner import Choose, ask_camera, play, rehearse, runner_of
from control_api.scripts.speakers import ask_second_checks, speakers_of
from control_api.scripts.store import Script, ScriptStore

routes = Routes("scripts")


@routes.get("/conferences/{conference}/script", right=Right.READ)
async def get_script(call: Call, conference: MeetingId) -> ScriptAnswer:
    """The script of a meeting, what in it does not fit, and where the meeting is in it. Empty when there is none."""
    meeting = await meeting_of(call.services, conference)
    return await _answer(call, meeting, await _store(call).find(conference))


@routes.put("/conferences/{conference}/script", right=Right.BOOK)
async def save_script(call: Call, conference: MeetingId, body: ScriptChange) -> ScriptAnswer:
    """Replace the script. Refused when somebody else changed it meanwhile, or a layout cannot be drawn."""
    meeting = await meeting_of(call.services, conference)
    check_prepares(call.user, meeting)
    return await _answer(call, meeting, await _replace(call, conference, body.revision, body.scenes))


@routes.post("/conferences/{conference}/script/copy", right=Right.BOOK)
async def copy_script(call: Call, conference: MeetingId, body: ScriptCopy) -> ScriptAnswer:
    """Take over the script of another meeting; sites that are not in this one are pointed out."""
    meeting = await meeting_of(call.services, conference)
    check_prepares(call.user, meeting)
    source = await meeting_of(call.services, body.source)
    check_prepares(call.user, source)
    copied = await _store(call).find(body.source)
    scenes = tuple(scene.model_copy(update={"id": None}) for scene in copied.scenes)
    return await _answer(call, meeting, await _replace(call, conference, body.revision, scenes, copied.drawn))


@routes.post("/conferences/{conference}/script/speakers/check", right=Right.OPERATE)
async def ask_speakers(call: Call, conference: MeetingId) -> list[SpeakerAnswer]:
    """Ask every site that will speak for its second check; those that passed it are not asked again."""
    meeting = await meeting_of(call.services, conference)
    script = await _store(call).find(conference)
    await ask_second_checks(call.services, meeting, script, call.user.username)
    return await speakers_of(call.services, meeting, script)


@routes.get("/conferences/{conference}/script/speakers", right=Right.READ)
async def list_speakers(call: Call, conference: MeetingId) -> list[SpeakerAnswer]:
    """Sites that will speak by the script, with the outcome of their second check."""
    meeting = await meeting_of(call.services, conference)
    found = await speakers_of(call.services, meeting, await _store(call).find(conference))
    call.headers["X-Total-Count"] = str(len(found))
    return found


@routes.post("/conferences/{conference}/script/next", right=Right.OPERATE)
async def next_scene(call: Call, conference: MeetingId, body: Step) -> RunnerAnswer:
    """Put the next scene on; the first one when none was."""
    return await _play(call, conference, next_index, body.after)


@routes.post("/conferences/{conference}/script/previous", right=Right.OPERATE)
async def previous_scene(call: Call, conference: MeetingId, body: Step) -> RunnerAnswer:
    """Put the scene before this one on again."""
    return await _play(call, conference, previous_index, body.after)


@routes.post("/conferences/{conference}/script/goto", right=Right.OPERATE)
async def go_to_scene(call: Call, conference: MeetingId, body: Goto) -> RunnerAnswer:
    """Put a scene on."""
    return await _play(call, conference, lambda scenes, _: index_of(scenes, body.scene))


@routes.post("/conferences/{conference}/script/rehearsal", right=Right.OPERATE)
async def set_rehearsal(call: Call, conference: MeetingId, body: RehearsalChange) -> RunnerAnswer:
    """Begin a rehearsal, or end it: the room is then as it was before, and nothing of it counts as the meeting."""
    script = await _store(call).find(conference)
    return await rehearse(call.services, script, body.on, actor=call.user.username, command_id=call.command_id)


@routes.get("/conferences/{conference}/sites/{site}/camera", right=Right.READ)
async def list_camera_presets(call: Call, conference: MeetingId, site: SiteKey) -> PresetsAnswer:
    """Camera positions that a site has stored."""
    (await meeting_of(call.services, conference)).site(site)
    return PresetsAnswer(site=site, presets=(await presets_of(call.services, [site]))[site])


@routes.post("/conferences/{conference}/sites/{site}/camera", right=Right.OPERATE)
async def recall_camera_preset(call: Call, conference: MeetingId, site: SiteKey, body: PresetChange) -> Delivered:
    """Ask a site to turn its camera to a stored position."""
    known_site(call, conference, site)
    return Delivered(delivered=ask_camera(call.services, conference, site, body.preset))


def _store(call: Call) -> ScriptStore:
    return ScriptStore(call.services.database)


async def _play(call: Call, conference: str, choose: Choose, after: str | None = None) -> RunnerAnswer:
    script = await _store(call).find(conference)
    return await play(call.services, script, choose, actor=call.user.username, command_id=call.command_id, after=after)


async def _replace(
    call: Call,
    conference: str,
    revision: int,
    scenes: tuple[Scene, ...],
    known: Tiles | None = None,
) -> Script:
    """The layouts that the office drew are looked up now; of those removed since, the script keeps what it had."""
    drawn = {one.name: one.tiles for one in await LayoutStore(call.services.database).all()}
    used = {view.layout for scene in scenes for view in scene.views}
    before = (await _store(call).find(conference)).drawn
    tiles = {name: one for name, one in {**before, **(known or {}), **drawn}.items() if name in used}
    check_layouts(scenes, tiles)
    return await _store(call).replace(
        conference,
        revision,
        scenes,
        tiles,
        by=call.user.username,
        now=call.services.now(),
        command_id=call.command_id,
    )


async def _answer(call: Call, meeting: Meeting, script: Script) -> ScriptAnswer:
    state = live_state(call.services, script.conference_id)
    sites = {site.id: site.name for site in meeting.sites}
    if state is not None:
        sites |= {site["id"]: site["name"] for site in state["sites"]}
    asked = {one.site for scene in script.scenes for one in scene.presets}
    around = Surroundings(sites, await presets_of(call.services, asked & set(sites)))
    return ScriptAnswer(
        conference=script.conference_id,
        revision=script.revision,
        scenes=script.scenes,
        minutes=sum(scene.minutes for scene in script.scenes),
        problems=problems_of(script.scenes, around),
        runner=runner_of(script, state),
        changed_at=None if script.changed_at is None else local(script.changed_at),
        changed_by=script.changed_by,
    )
