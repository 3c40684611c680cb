"""Commands of the operator to a running conference.  Each is one transaction and answers the state after it."""

from __future__ import annotations

from typing import Literal

from control_api.accounts.rules import Right
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
    PagesChange,
    PersonalViewChange,
    PodiumChange,
    PodiumLayoutChange,
    RenditionChange,
    SiteId,
    SizeChange,
    TransitionChange,
    ViewName,
)
from control_api.conferences.routes import command
from control_api.conferences.sites import public_url
from control_api.layouts.routes import tiles_of
from mcu_core.commands import (
    CallNext,
    DropPersonalView,
    FillCell,
    MuteAll,
    MuteSite,
    PinSize,
    PlaceSite,
    Podium,
    SetLayout,
    SetPersonalView,
    SetPodiumLayout,
    SetRendition,
    SetTransition,
    Undo,
    UnmuteAll,
)
from mcu_core.scene import Filler, Pages

routes = Routes("commands")


@routes.post("/conferences/{conference}/podium", right=Right.OPERATE)
async def podium(call: Call, conference: ConferenceId, body: PodiumChange) -> ConferenceState:
    """Give a site the word: its picture large, its sound open, the others muted by rule."""
    return await command(call, conference, Podium(body.site, body.transition))


@routes.post("/conferences/{conference}/next", right=Right.OPERATE)
async def call_next(call: Call, conference: ConferenceId, body: NextChange) -> ConferenceState:
    """Tell a site that it is called next."""
    return await command(call, conference, CallNext(body.site))


@routes.post("/conferences/{conference}/undo", right=Right.OPERATE)
async def undo(call: Call, conference: ConferenceId) -> ConferenceState:
    """Take back the last command."""
    return await command(call, conference, Undo())


@routes.put("/conferences/{conference}/views/{view}/layout", right=Right.OPERATE)
async def set_layout(call: Call, conference: ConferenceId, view: ViewName, body: LayoutChange) -> ConferenceState:
    """Choose the layout of a view, and whether it turns pages."""
    tiles = await tiles_of(call, body.layout)
    return await command(call, conference, SetLayout(view, body.layout, tiles, pages_of(body.pages), body.transition))


@routes.put("/conferences/{conference}/views/{view}/transition", right=Right.OPERATE)
async def set_transition(
    call: Call, conference: ConferenceId, view: ViewName, body: TransitionChange
) -> ConferenceState:
    """Whether a view cuts or fades (300 ms) from one arrangement to the next."""
    return await command(call, conference, SetTransition(view, body.transition))


@routes.put("/conferences/{conference}/views/{view}/podium-layout", right=Right.OPERATE)
async def set_podium_layout(
    call: Call, conference: ConferenceId, view: Literal["programme", "chair"], body: PodiumLayoutChange
) -> ConferenceState:
    """Layout that the podium gives a view from the next time on."""
    return await command(call, conference, SetPodiumLayout(view, body.layout, await tiles_of(call, body.layout)))


@routes.put("/conferences/{conference}/views/{view}/cells/{cell}", right=Right.OPERATE)
async def place_site(
    call: Call, conference: ConferenceId, view: ViewName, cell: CellNumber, body: CellChange
) -> ConferenceState:
    """Fix a site in a cell of a view, or give the cell a rule that fills it."""
    filling = body.filling()
    if isinstance(filling, Filler):
        return await command(call, conference, FillCell(view, cell, filling))
    return await command(call, conference, PlaceSite(view, cell, body.site, body.track))


@routes.patch("/conferences/{conference}/views/{view}/rendition", right=Right.OPERATE)
async def set_rendition(call: Call, conference: ConferenceId, view: ViewName, body: RenditionChange) -> ConferenceState:
    """Size, frame rate and bitrate of a view."""
    return await command(
        call, conference, SetRendition(view, body.width, body.height, body.frame_rate, body.bitrate_bps)
    )


@routes.put("/conferences/{conference}/sites/{site}/view", right=Right.OPERATE)
async def set_personal_view(
    call: Call, conference: ConferenceId, site: SiteId, body: PersonalViewChange
) -> ConferenceState:
    """Give a site a view of its own. It costs an encoder: a conference has a limited number of them."""
    cells = tuple((one.cell, filling) for one in body.cells if (filling := one.filling()) is not None)
    tiles = await tiles_of(call, body.layout)
    return await command(call, conference, SetPersonalView(site, body.layout, cells, tiles, pages_of(body.pages)))


@routes.delete("/conferences/{conference}/sites/{site}/view", right=Right.OPERATE)
async def drop_personal_view(call: Call, conference: ConferenceId, site: SiteId) -> None:
    """The site watches what its role watches again."""
    await command(call, conference, DropPersonalView(site))


@routes.put("/conferences/{conference}/sites/{site}/size", right=Right.OPERATE)
async def pin_size(call: Call, conference: ConferenceId, site: SiteId, body: SizeChange) -> ConferenceState:
    """Fix the size of the picture a site is sent, or leave it to what its line carries."""
    return await command(call, conference, PinSize(site, body.size))


@routes.put("/conferences/{conference}/sites/{site}/muted", right=Right.OPERATE)
async def mute_site(call: Call, conference: ConferenceId, site: SiteId, body: MutedChange) -> ConferenceState:
    """Close or open a site's sound at the MCU."""
    return await command(call, conference, MuteSite(site, body.muted))


@routes.post("/conferences/{conference}/mute-all", right=Right.OPERATE)
async def mute_all(call: Call, conference: ConferenceId, body: MuteAllExcept) -> ConferenceState:
    """Close the sound of all sites but those named; of all but the main site and the podium when none are named."""
    return await command(call, conference, MuteAll(body.except_))


@routes.post("/conferences/{conference}/unmute-all", right=Right.OPERATE)
async def unmute_all(call: Call, conference: ConferenceId) -> ConferenceState:
    """Lift every mute of the operator; the podium rule stays."""
    return await command(call, conference, UnmuteAll())


@routes.post("/conferences/{conference}/sites/{site}/drop", right=Right.OPERATE)
async def drop_site(call: Call, conference: ConferenceId, site: SiteId) -> ConferenceState:
    """Disconnect a site; it may come back with the same link."""
    live = call.services.live
    await live.drop_site(conference, site, actor=call.user.username)
    return ConferenceState.model_validate(live.state(conference))


@routes.post("/conferences/{conference}/monitors", right=Right.WATCH)
async def open_monitor(call: Call, conference: ConferenceId, body: MonitorRequest) -> LinkAnswer:
    """A short-lived join token for watching a view, as the console does."""
    token = await call.services.live.open_monitor(conference, body.view, actor=call.user.username)
    return LinkAnswer(url=f"{public_url(call)}/join/{token}", token=token)


def pages_of(body: PagesChange | None) -> Pages | None:
    return None if body is None else Pages(body.tiles, body.seconds)
