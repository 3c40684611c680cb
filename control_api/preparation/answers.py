"""From what is known to what the routes answer.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, cast

from control_api.bookings.gates import Blocker
from control_api.bookings.rules import hours, hours_en
from control_api.bookings.steps import ORDER, Step
from control_api.live.store import Json
from control_api.preparation.board import WORDS, Board, SiteBoard, seats_short
from control_api.preparation.checklists import Progress, items_for
from control_api.preparation.deadlines import Deadlines, local, reached
from control_api.preparation.duty import Gap, Shift, all_gaps
from control_api.preparation.meetings import Meeting, MeetingSite
from control_api.preparation.models import (
    BlockerAnswer,
    BoardAnswer,
    DeadlineAnswer,
    DutyAnswer,
    GapAnswer,
    ItemAnswer,
    LineCheckAnswer,
    PeopleAnswer,
    PlanAnswer,
    ProgressAnswer,
    SheetAnswer,
    SiteAnswer,
    TemplateAnswer,
    WhyAnswer,
)
from control_api.preparation.plans import Plan, Template
from control_api.preparation.rooms import allocation
from control_api.preparation.store import Kept
from control_api.preparation.tables import LineCheckRow, SitePeopleRow

DeadlineName = Literal["prepare", "check_wished", "check", "connect", "start"]
_DEADLINES: dict[DeadlineName, tuple[str, str]] = {
    "prepare": ("Xong công tác chuẩn bị (trước tổng duyệt)", "Preparation finished (before the rehearsal)"),
    "check_wished": ("Xong kiểm tra kỹ thuật trước một buổi", "Technical check finished half a day before"),
    "check": ("Hạn cuối kiểm tra kỹ thuật (trước {vi})", "Technical check at the latest ({en} before)"),
    "connect": ("Đủ các điểm cầu kết nối (trước {vi})", "All sites connected ({en} before)"),
    "start": ("Họp chính thức", "The meeting begins"),
}


def template_answer(template: Template) -> TemplateAnswer:
    return TemplateAnswer(
        name=template.name,
        title_vi=template.title_vi,
        title_en=template.title_en,
        shipped=template.shipped,
        model=template.model,
        allocation=allocation(template.model),
    )


def plan_answer(plan: Plan, meeting: Meeting) -> PlanAnswer:
    return PlanAnswer(
        conference=plan.conference_id,
        revision=plan.revision,
        template=plan.template,
        model=plan.model,
        allocation=allocation(plan.model),
        changed_at=local(plan.changed_at),
        changed_by=plan.changed_by,
        applied=plan.applied,
        applied_at=None if plan.applied_at is None else local(plan.applied_at),
        applied_by=plan.applied_by,
        frozen=meeting.frozen_at is not None,
    )


def duty_answer(shift: Shift) -> DutyAnswer:
    return DutyAnswer(
        id=shift.id,
        party=shift.party,
        site=shift.site,
        operator=shift.operator,
        name=shift.name,
        position=shift.position,
        phone=shift.phone,
        starts_at=local(shift.starts_at),
        ends_at=local(shift.ends_at),
        remark=shift.remark,
        changed_by=shift.changed_by,
    )


def gap_answers(gaps: Iterable[Gap]) -> tuple[GapAnswer, ...]:
    return tuple(GapAnswer(party=gap.party, starts_at=local(gap.starts_at), ends_at=local(gap.ends_at)) for gap in gaps)


def people_answer(row: SitePeopleRow | None) -> PeopleAnswer | None:
    if row is None:
        return None
    return PeopleAnswer(
        leader=row.leader,
        leader_position=row.leader_position,
        operator_name=row.operator_name,
        operator_position=row.operator_position,
        operator_phone=row.operator_phone,
        attendees=row.attendees,
        by=row.by,
        at=local(row.at),
    )


def sheet_answer(site: MeetingSite, kept: Kept) -> SheetAnswer:
    items, states = [], kept.states(site.id)
    for item in items_for(kept.version, site.role):
        mark = kept.marks.get((site.id, item.id))
        items.append(
            ItemAnswer(
                item=item.id,
                phase=item.phase,
                required=item.required,
                vi=item.vi,
                en=item.en,
                source=item.source,
                state=states.get(item.id, "open"),
                remark="" if mark is None else mark.remark,
                evidence=None if mark is None else mark.evidence,
                by=None if mark is None else mark.by,
                at=None if mark is None else local(mark.at),
            )
        )
    return SheetAnswer(
        site=site.id,
        name=site.name,
        role=site.role,
        version=kept.version,
        items=tuple(items),
        people=people_answer(kept.people.get(site.id)),
        seats_short=seats_short(site, kept),
    )


def line_answer(row: LineCheckRow) -> LineCheckAnswer:
    return LineCheckAnswer(
        id=row.id,
        site=row.site_id,
        carrier=row.carrier,
        contact_name=row.contact_name,
        contact_phone=row.contact_phone,
        line_code=row.line_code,
        good=row.good,
        loss_percent=row.loss_percent,
        rtt_ms=row.rtt_ms,
        up_mbps=row.up_mbps,
        down_mbps=row.down_mbps,
        remark=row.remark,
        at=local(row.at),
        by=row.by,
    )


def board_answer(
    board: Board,
    kept: Kept,
    plan: Plan | None,
    scenes: int,
    state: Json | None,
    step: Step | None,
    blockers: Iterable[Blocker],
    now: float,
) -> BoardAnswer:
    meeting = board.meeting
    return BoardAnswer(
        conference=meeting.conference_id,
        booking=meeting.booking_id,
        title=meeting.title,
        state=meeting.state,
        now=local(now),
        deadlines=() if board.times is None else _deadlines(board.times, meeting, now),
        total=len(board.sites),
        prepared=sum(one.prepare.complete and one.people for one in board.sites),
        checked=sum(one.check in ("passed", "remarks") for one in board.sites),
        connected=sum(one.call != "absent" for one in board.sites),
        plan=plan is not None,
        plan_applied=plan is not None and plan.applied,
        duty_gaps=gap_answers(all_gaps(kept.shifts, meeting)),
        duty_officer=any(shift.party == "so" for shift in kept.shifts),
        script=scenes,
        rehearsal=state is not None and state["rehearsal"],
        sites=tuple(site_answer(one) for one in board.sites),
        red=tuple(one.site.id for one in board.red),
        next_step=None if step is None else step.value,
        blockers=tuple(BlockerAnswer(code=one.code, vi=one.vi, en=one.en) for one in blockers),
        closed_out_at=None if kept.closed_out_at is None else local(kept.closed_out_at),
    )


def site_answer(one: SiteBoard) -> SiteAnswer:
    return SiteAnswer(
        site=one.site.id,
        name=one.site.name,
        role=one.site.role,
        call=one.call,
        check=one.check,
        prepare=_progress(one.prepare),
        verify=_progress(one.verify),
        close=_progress(one.close),
        people=one.people,
        line_good=one.line_good,
        seats_short=one.seats_short,
        missing=tuple(WhyAnswer(code=why, vi=WORDS[why][0], en=WORDS[why][1]) for why in one.why),
        red=bool(one.red),
    )


def following(state: str | None) -> Step | None:
    """The step after the one a booking is in; None: it has none, or there is no booking."""
    if state not in [step.value for step in ORDER[:-1]]:
        return None
    return ORDER[ORDER.index(Step(state)) + 1]


def _deadlines(times: Deadlines, meeting: Meeting, now: float) -> tuple[DeadlineAnswer, ...]:
    assert meeting.starts_at is not None, "there are deadlines"
    rows = (
        ("prepare", times.prepare_by, Step.PREPARED),
        ("check_wished", times.check_wished, Step.CHECKED),
        ("check", times.check_by, Step.CHECKED),
        ("connect", times.connect_by, Step.CONNECTED),
        ("start", meeting.starts_at, Step.SERVING),
    )
    before, before_en = hours(meeting.rules.ready_hours), hours_en(meeting.rules.ready_hours)
    found = []
    for name, at, step in rows:
        done = reached(meeting.state, step)
        vi, en = _DEADLINES[cast(DeadlineName, name)]
        found.append(
            DeadlineAnswer(
                id=cast(DeadlineName, name),
                vi=vi.format(vi=before),
                en=en.format(en=before_en),
                at=local(at),
                left_s=round(at - now, 1),
                done=done,
                late=not done and now > at,
            )
        )
    return tuple(found)


def _progress(progress: Progress) -> ProgressAnswer:
    return ProgressAnswer(done=progress.done, failed=progress.failed, total=progress.total)
