"""Commands of the operator to a running conference.  Each is one transaction and answers the state after it."""

from __future__ import annotations

from typing import Literal

from control_api.accounts.rules import Role
from control_api.api import Call, Routes
from control_api.conferences.models import (
    CellChange,
    CellNumber,
    ConferenceId,
    ConferenceState,
    LayoutChange,
    LinkAnswer,
    MonitorRequest,
    MuteAllExcept,
    MutedChange,
    NextChange,
    PodiumChange,
    PodiumLayoutChange,
    RenditionChange,
    SiteId,
    ViewName,
)
from control_api.conferences.routes import command
from control_api.conferences.sites import public_url
from mcu_core.commands import (
    CallNext,
    MuteAll,
    MuteSite,
    PlaceSite,
    Podium,
    SetLayout,
    SetPodiumLayout,
    SetRendition,
    Undo,
    UnmuteAll,
)

routes = Routes("commands")


@routes.post("/conferences/{conference}/podium", role=Role.OPERATOR)
async def podium(call: Call, conference: ConferenceId, body: PodiumChange) -> ConferenceState:
    """Give a site the word: its picture large, its sound open, the others muted by rule."""
    return await command(call, conference, Podium(body.site))


@routes.post("/conferences/{conference}/next", role=Role.OPERATOR)
async def call_next(call: Call, conference: ConferenceId, body: NextChange) -> ConferenceState:
    """Tell a site that it is called next."""
    return await command(call, conference, CallNext(body.site))


@routes.post("/conferences/{conference}/undo", role=Role.OPERATOR)
async def undo(call: Call, conference: ConferenceId) -> ConferenceState:
    """Take back the last command."""
    return await command(call, conference, Undo())


@routes.put("/conferences/{conference}/views/{view}/layout", role=Role.OPERATOR)
async def set_layout(call: Call, conference: ConferenceId, view: ViewName, body: LayoutChange) -> ConferenceState:
    """Choose the layout of a view."""
    return await command(call, conference, SetLayout(view, body.layout))


@routes.put("/conferences/{conference}/views/{view}/podium-layout", role=Role.OPERATOR)
async def set_podium_layout(
    call: Call, conference: ConferenceId, view: Literal["programme", "chair"], body: PodiumLayoutChange
) -> ConferenceState:
    """Layout that the podium gives a view from the next time on."""
    return await command(call, conference, SetPodiumLayout(view, body.layout))


@routes.put("/conferences/{conference}/views/{view}/cells/{cell}", role=Role.OPERATOR)
async def place_site(
    call: Call, conference: ConferenceId, view: ViewName, cell: CellNumber, body: CellChange
) -> ConferenceState:
    """Fix a site in a cell of a view."""
    return await command(call, conference, PlaceSite(view, cell, body.site, body.track))


@routes.patch("/conferences/{conference}/views/{view}/rendition", role=Role.OPERATOR)
async def set_rendition(call: Call, conference: ConferenceId, view: ViewName, body: RenditionChange) -> ConferenceState:
    """Size, frame rate and bitrate of a view."""
    return await command(
        call, conference, SetRendition(view, body.width, body.height, body.frame_rate, body.bitrate_bps)
    )


@routes.put("/conferences/{conference}/sites/{site}/muted", role=Role.OPERATOR)
async def mute_site(call: Call, conference: ConferenceId, site: SiteId, body: MutedChange) -> ConferenceState:
    """Close or open a site's sound at the MCU."""
    return await command(call, conference, MuteSite(site, body.muted))


@routes.post("/conferences/{conference}/mute-all", role=Role.OPERATOR)
async def mute_all(call: Call, conference: ConferenceId, body: MuteAllExcept) -> ConferenceState:
    """Close the sound of all sites but those named; of all but the main site and the podium when none are named."""
    return await command(call, conference, MuteAll(body.except_))


@routes.post("/conferences/{conference}/unmute-all", role=Role.OPERATOR)
async def unmute_all(call: Call, conference: ConferenceId) -> ConferenceState:
    """Lift every mute of the operator; the podium rule stays."""
    return await command(call, conference, UnmuteAll())


@routes.post("/conferences/{conference}/sites/{site}/drop", role=Role.OPERATOR)
async def drop_site(call: Call, conference: ConferenceId, site: SiteId) -> ConferenceState:
    """Disconnect a site; it may come back with the same link."""
    live = call.services.live
    await live.drop_site(conference, site, actor=call.user.username)
    return ConferenceState.model_validate(live.state(conference))


@routes.post("/conferences/{conference}/monitors", role=Role.VIEWER)
async def open_monitor(call: Call, conference: ConferenceId, body: MonitorRequest) -> LinkAnswer:
    """A short-lived join token for watching a view, as the console does."""
    token = await call.services.live.open_monitor(conference, body.view, actor=call.user.username)
    return LinkAnswer(url=f"{public_url(call)}/join/{token}", token=token)
