"""Preparation of a meeting: board, room plan, duty roster, checklists, line checks, close-out."""

from __future__ import annotations

from control_api.accounts.rules import Right, Role
from control_api.api import Call, Routes
from control_api.bookings.gates import GATES, Blocker, blockers
from control_api.bookings.steps import Step
from control_api.conferences.models import Page
from control_api.layouts.store import LayoutStore
from control_api.meeting.handing_over import hand_over_unsolved
from control_api.preparation import gates
from control_api.preparation.answers import (
    board_answer,
    duty_answer,
    following,
    gap_answers,
    line_answer,
    plan_answer,
    sheet_answer,
    template_answer,
)
from control_api.preparation.checklists import item_of
from control_api.preparation.clock import board_of
from control_api.preparation.deadlines import local
from control_api.preparation.duty import Shift, all_gaps, may_assign
from control_api.preparation.meetings import live_state, meeting_of
from control_api.preparation.models import (
    BoardAnswer,
    CandidateAnswer,
    CandidateQuery,
    CloseOut,
    CloseOutAnswer,
    DutyAnswer,
    DutyId,
    ItemChange,
    ItemId,
    LineCheckAnswer,
    NewDuty,
    NewLineCheck,
    PeopleChange,
    PlanAnswer,
    PlanChange,
    RosterAnswer,
    SheetAnswer,
    TemplateAnswer,
    TemplateChange,
    TemplateName,
)
from control_api.preparation.operators import candidates, certified
from control_api.preparation.plans import Plan, PlanStore, Template
from control_api.preparation.rooms import check_model, commands_of
from control_api.preparation.scope import (
    check_prepares,
    check_prepares_site,
    check_reads,
    check_sees_lines,
)
from control_api.preparation.store import LineCheck, People, PreparationStore, made_id
from control_api.preparation.texts import MeetingId, SiteKey
from control_api.problems import Refused, forbidden
from control_api.scripts.store import ScriptStore
from mcu_core.commands import Rehearse, SetOpen
from mcu_core.scene import CustomTile

routes = Routes("preparation")
assert gates.prepared in GATES[Step.PREPARED], "the conditions of the steps are in place"


@routes.get("/conferences/{conference}/preparation", right=Right.READ)
async def get_preparation(call: Call, conference: MeetingId) -> BoardAnswer:
    """What is ready and what is missing: deadlines, duty, checklists, checks, connections, the red list."""
    services, now = call.services, call.services.now()
    meeting = await meeting_of(services, conference)
    check_reads(call.user, meeting)
    kept = await PreparationStore(services.database).kept(conference)
    plan = await PlanStore(services.database).find(conference)
    script = await ScriptStore(services.database).find(conference)
    step = following(meeting.state)
    stand_in = [] if step is None or meeting.booking_id is None else await _blockers(call, meeting.booking_id, step)
    board = await board_of(services, meeting, now)
    return board_answer(board, kept, plan, len(script.scenes), live_state(services, conference), step, stand_in, now)


# ------------------------------------------------------------------------------------------------------- room plan


@routes.get("/room-templates", right=Right.READ)
async def list_room_templates(call: Call, query: Page) -> list[TemplateAnswer]:
    """Room models by name: those that come with the program, then the Sở's own."""
    found = await PlanStore(call.services.database).templates()
    call.headers["X-Total-Count"] = str(len(found))
    return [template_answer(one) for one in found[query.offset : query.offset + query.limit]]


@routes.put("/room-templates/{template}", right=Right.DECIDE)
async def save_room_template(call: Call, template: TemplateName, body: TemplateChange) -> TemplateAnswer:
    """Make a room model, or change it. Meetings that took it keep what they took."""
    check_model(body.model, await _drawn(call), call.services.settings.conference.personal_views)
    made = Template(template, body.title_vi, body.title_en, body.model)
    await PlanStore(call.services.database).save_template(made, call.user.username, call.services.now())
    return template_answer(made)


@routes.delete("/room-templates/{template}", right=Right.DECIDE)
async def remove_room_template(call: Call, template: TemplateName) -> None:
    """Remove a room model. Meetings that took it keep it."""
    await PlanStore(call.services.database).remove_template(template)


@routes.get("/conferences/{conference}/room-plan", right=Right.READ)
async def get_room_plan(call: Call, conference: MeetingId) -> PlanAnswer:
    """The room model of a meeting."""
    meeting = await meeting_of(call.services, conference)
    return plan_answer(await _plan(call, conference), meeting)


@routes.put("/conferences/{conference}/room-plan", right=Right.DECIDE)
async def save_room_plan(call: Call, conference: MeetingId, body: PlanChange) -> PlanAnswer:
    """Choose the room model of a meeting. Once the parameters are frozen a change needs a reason."""
    meeting = await meeting_of(call.services, conference)
    if meeting.frozen_at is not None and not body.reason:
        raise Refused(
            "plan_frozen",
            "Thông số phòng họp đã được chốt trước giờ họp. Muốn sửa, hãy nêu lý do.",
            "The room's parameters are frozen before the meeting. To change them, give a reason.",
        )
    store = PlanStore(call.services.database)
    template = None if body.template is None else await store.template(body.template)
    model = body.model or (None if template is None else template.model)
    assert model is not None, "the body has one of them"
    check_model(model, await _drawn(call), call.services.settings.conference.personal_views)
    plan = await store.replace(
        conference,
        body.revision,
        body.template,
        model,
        by=call.user.username,
        now=call.services.now(),
        command_id=call.command_id,
        reason=body.reason,
    )
    return plan_answer(plan, meeting)


@routes.post("/conferences/{conference}/room-plan/apply", right=Right.OPERATE)
async def apply_room_plan(call: Call, conference: MeetingId) -> PlanAnswer:
    """Arrange the live conference by its room model; each step is a command that can be undone there."""
    meeting = await meeting_of(call.services, conference)
    plan = await _plan(call, conference)
    live, actor = call.services.live, call.user.username
    known = {site["id"] for site in live.state(conference)["sites"]}
    for part, command in commands_of(plan.model, await _drawn(call)):
        if not part.startswith("personal-") or part.removeprefix("personal-") in known:
            await live.command(conference, command, actor=actor)
    applied = await PlanStore(call.services.database).applied(plan, actor, call.services.now())
    return plan_answer(applied, meeting)


# ------------------------------------------------------------------------------------------------------------ duty


@routes.get("/conferences/{conference}/duties", right=Right.SIGNED_IN)
async def list_duties(call: Call, conference: MeetingId) -> RosterAnswer:
    """Who is on duty, of the four parties, and when nobody is."""
    check_sees_lines(call.user)
    meeting = await meeting_of(call.services, conference)
    check_reads(call.user, meeting)
    kept = await PreparationStore(call.services.database).kept(conference)
    return RosterAnswer(
        conference=conference,
        duties=tuple(duty_answer(shift) for shift in kept.shifts),
        gaps=gap_answers(all_gaps(kept.shifts, meeting)),
    )


@routes.get("/conferences/{conference}/duty-candidates", right=Right.READ)
async def list_duty_candidates(call: Call, conference: MeetingId, query: CandidateQuery) -> list[CandidateAnswer]:
    """Certified operators who may be put on duty that day."""
    meeting = await meeting_of(call.services, conference)
    check_reads(call.user, meeting)
    at = call.services.now() if meeting.starts_at is None else meeting.starts_at
    on = local(at if query.on is None else query.on.timestamp()).date()
    found = await candidates(call.services, meeting, query.party, query.site, on)
    call.headers["X-Total-Count"] = str(len(found))
    return [
        CandidateAnswer(
            operator=one.id,
            name=one.name,
            position=one.position,
            organisation=one.organisation_id,
            certificate=one.certificate,
        )
        for one in found
    ]


@routes.post("/conferences/{conference}/duties", right=Right.SIGNED_IN, status=201)
async def assign_duty(call: Call, conference: MeetingId, body: NewDuty) -> DutyAnswer:
    """Put somebody on duty: the Sở assigns everybody, the others their own people."""
    meeting = await meeting_of(call.services, conference)
    if not may_assign(call.user, body.party, meeting, body.site):
        raise forbidden(Right.DECIDE.value)
    name, position, phone = body.name, body.position, body.phone or ""
    if body.party != "carrier":
        days = [local(one.timestamp()).date() for one in (body.starts_at, body.ends_at)]
        who = await certified(call.services, meeting, body.party, body.site, body.operator, days)
        name, position, phone = who.name, body.position or who.position, body.phone or who.phone
    shift = Shift(
        made_id("d", call.command_id),
        body.party,
        body.site,
        body.operator if body.party != "carrier" else None,
        name,
        position,
        phone,
        body.starts_at.timestamp(),
        body.ends_at.timestamp(),
        body.remark,
        call.user.username,
        call.services.now(),
    )
    return duty_answer(await PreparationStore(call.services.database).assign(conference, shift))


@routes.delete("/conferences/{conference}/duties/{duty}", right=Right.SIGNED_IN)
async def dismiss_duty(call: Call, conference: MeetingId, duty: DutyId) -> None:
    """Take a shift out of the roster."""
    meeting = await meeting_of(call.services, conference)
    store = PreparationStore(call.services.database)
    shift = await store.duty(conference, duty)
    known = shift.site is None or shift.site in {site.id for site in meeting.sites}
    if not may_assign(call.user, shift.party if known else "main", meeting, shift.site if known else None):
        raise forbidden(Right.DECIDE.value)
    await store.dismiss(conference, duty, call.user.username, call.services.now())


# ---------------------------------------------------------------------------------------------- checklists and forms


@routes.get("/conferences/{conference}/sites/{site}/checklist", right=Right.READ)
async def get_checklist(call: Call, conference: MeetingId, site: SiteKey) -> SheetAnswer:
    """The checklist of a site: what is done, by whom and when; its people."""
    meeting = await meeting_of(call.services, conference)
    check_reads(call.user, meeting)
    return sheet_answer(meeting.site(site), await PreparationStore(call.services.database).kept(conference))


@routes.put("/conferences/{conference}/sites/{site}/checklist/{item}", right=Right.CHECK)
async def mark_item(call: Call, conference: MeetingId, site: SiteKey, item: ItemId, body: ItemChange) -> SheetAnswer:
    """Say how an item of the checklist is."""
    meeting = await meeting_of(call.services, conference)
    check_prepares_site(call.user, meeting, site)
    store, role = PreparationStore(call.services.database), meeting.site(site).role
    item_of((await store.kept(conference)).version, role, item)
    await store.mark(
        conference, site, item, body.state, body.remark, body.evidence, call.user.username, call.services.now()
    )
    return sheet_answer(meeting.site(site), await store.kept(conference))


@routes.put("/conferences/{conference}/sites/{site}/people", right=Right.CHECK)
async def save_site_people(call: Call, conference: MeetingId, site: SiteKey, body: PeopleChange) -> SheetAnswer:
    """Who chairs at a site and who operates it: full name, position, telephone."""
    meeting = await meeting_of(call.services, conference)
    check_prepares_site(call.user, meeting, site)
    store, people = PreparationStore(call.services.database), People(**body.model_dump())
    await store.save_people(conference, site, people, call.user.username, call.services.now())
    return sheet_answer(meeting.site(site), await store.kept(conference))


@routes.get("/conferences/{conference}/line-checks", right=Right.SIGNED_IN)
async def list_line_checks(call: Call, conference: MeetingId, query: Page) -> list[LineCheckAnswer]:
    """Checks of the lines with the carrier, newest first."""
    check_sees_lines(call.user)
    check_reads(call.user, await meeting_of(call.services, conference))
    store = PreparationStore(call.services.database)
    rows, total = await store.line_checks(conference, query.offset, query.limit)
    call.headers["X-Total-Count"] = str(total)
    return [line_answer(row) for row in rows]


@routes.post("/conferences/{conference}/line-checks", right=Right.SIGNED_IN, status=201)
async def add_line_check(call: Call, conference: MeetingId, body: NewLineCheck) -> LineCheckAnswer:
    """Record a check of a line, made by a site together with its carrier; either may record it."""
    meeting = await meeting_of(call.services, conference)
    meeting.site(body.site)
    if Right.CHECK in call.user.role.rights:
        check_prepares_site(call.user, meeting, body.site)
    elif call.user.role is not Role.CARRIER:
        raise forbidden(Right.CHECK.value)
    store, now = PreparationStore(call.services.database), call.services.now()
    values = body.model_dump(exclude={"site"})
    check_id = made_id("l", call.command_id)
    check = LineCheck(site_id=body.site, at=now, **values)
    return line_answer(await store.add_line_check(conference, check_id, check, call.user.username, now))


# ------------------------------------------------------------------------------------------------------------- end


@routes.post("/conferences/{conference}/close-out", right=Right.OPERATE)
async def close_out(call: Call, conference: MeetingId, body: CloseOut) -> CloseOutAnswer:
    """End of the meeting: disconnect all sites and release what the room held. With items open, the remark says why."""
    services, user = call.services, call.user.username
    meeting = await meeting_of(services, conference)
    check_prepares(call.user, meeting)
    board = await board_of(services, meeting, services.now())
    left = tuple(one.site.id for one in board.sites if not one.close.complete)
    main = meeting.main
    if main is not None and main.id in left and not body.remark:
        raise Refused(
            "close_out_open",
            "Điểm cầu chính chưa xong danh mục kết thúc. Hãy hoàn thành, hoặc nêu lý do.",
            "The main site's close-out list is open. Finish it, or give a reason.",
        )
    state = live_state(services, conference)
    if state is not None:
        if state["rehearsal"]:
            await services.live.command(conference, Rehearse(False), actor=user)
        await services.live.command(conference, SetOpen(False), actor=user)
    store = PreparationStore(services.database)
    await store.close_out(conference, body.remark, user, services.now())
    await hand_over_unsolved(services, conference, user)
    kept = await store.kept(conference)
    return CloseOutAnswer(
        conference=conference,
        closed_out_at=local(kept.closed_out_at or services.now()),
        disconnected=sum(one.call != "absent" for one in board.sites),
        open_items=left,
    )


async def _blockers(call: Call, booking_id: str, step: Step) -> list[Blocker]:
    booking = await call.services.bookings.get(booking_id)
    async with call.services.database.reading() as session:
        return await blockers(session, booking, step, call.services.now())


async def _plan(call: Call, conference: str) -> Plan:
    """Raises Refused `unknown_plan`."""
    plan = await PlanStore(call.services.database).find(conference)
    if plan is None:
        raise Refused(
            "unknown_plan",
            "Cuộc họp chưa có phương án mô hình phòng họp. Hãy chọn một mẫu.",
            "The meeting has no room plan. Choose a template.",
        )
    return plan


async def _drawn(call: Call) -> dict[str, tuple[CustomTile, ...]]:
    return {one.name: one.tiles for one in await LayoutStore(call.services.database).all()}
