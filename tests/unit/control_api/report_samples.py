"""An agency that must report, its report of 2026, an evaluation, and bodies that pages send."""

from __future__ import annotations

from typing import Any

from control_api.accounts.rules import Role
from control_api.api import Route
from control_api.bookings.tables import BookingStep
from control_api.journal.rows import append
from control_api.live.store import JournalEntry
from control_api.meeting.tables import IssueRow, QualitySumRow, RollCallRow, RollCallSiteRow
from control_api.reports.tables import EvaluationRow, YearlyRow
from control_api.reports.years import Figures
from control_api.services import Services
from tests.unit.control_api import directory_samples
from tests.unit.control_api.booking_rows import booking_row, site_row
from tests.unit.control_api.directory_samples import AGENCY

YEAR = 2026
PERIOD = "?since=2026-01-01T00:00:00%2B07:00&until=2027-01-01T00:00:00%2B07:00"
EVALUATION: dict[str, Any] = {
    "items": [{"criterion": "sound", "about": "UBND xã Văn Môn", "score": 4, "remark": "Tiếng hơi nhỏ"}],
    "remark": "Phiên họp diễn ra đúng kịch bản.",
    "proposal": "Thay micro tại UBND xã Văn Môn.",
}
ASKS: dict[str, dict[str, Any]] = {
    "write_evaluation": {**EVALUATION, "evaluator": "Cán bộ trực MCU", "position": "Sở KH&CN"},
    "write_yearly_report": {
        "sections": {"difficulties": "Chưa có đường truyền dự phòng."},
        "signer_position": "Giám đốc",
    },
    "return_yearly_report": {"remark": "Đề nghị bổ sung kinh phí bảo trì."},
}
_QUERIES = {"compliance_report": PERIOD, "usage_figures": PERIOD, "usage_workbook": PERIOD}
_SAVED = {"submit_yearly_report": "draft", "return_yearly_report": "submitted"}


async def prepared(services: Services, route: Route) -> str:
    """The agency, accounts of it, what the route needs to be there, and its path."""
    await directory_samples.add_samples(services)
    await directory_samples.set_organisation(services, AGENCY, Role.VIEWER, Role.HOST, Role.TECHNICIAN)
    name = route.handler.__name__
    if name in _SAVED:
        await add_yearly(services, _SAVED[name])
    return route.path.format(year=YEAR, organisation=AGENCY) + _QUERIES.get(name, "")


async def add_yearly(services: Services, state: str, organisation: str = AGENCY) -> None:
    now = services.now()
    async with services.database.writing() as session:
        row = YearlyRow(
            year=YEAR, organisation_id=organisation, organisation_name="Sở Y tế", revision=1, state=state,
            sections={"difficulties": "Chưa có đường truyền dự phòng."}, figures=Figures().stored(), signer="",
            signer_position="Giám đốc", changed_at=now, changed_by="host", remark="",
            submitted_at=now if state == "submitted" else None, submitted_by=None,
        )  # fmt: skip
        session.add(row)


async def add_evaluation(services: Services, conference: str) -> None:
    async with services.database.writing() as session:
        row = EvaluationRow(
            conference_id=conference, revision=1, content=EVALUATION, evaluator="Cán bộ trực MCU", position="",
            changed_at=services.now(), changed_by="operator",
        )  # fmt: skip
        session.add(row)


async def add_meeting(
    services: Services,
    starts_at: float,
    *,
    number: int = 1,
    state: str = "closed",
    hours: float = 2.0,
    received: float = 48 * 3600.0,  # seconds before
    class_: str = "B",
    host: str = AGENCY,
    sites: tuple[tuple[str, str], ...] = ((AGENCY, "Sở Y tế"), ("xa-van-mon", "UBND xã Văn Môn")),
    decision: dict[str, Any] | None = None,
) -> str:
    """A booking as it is when that state was reached; returns its conference's id."""
    conference, ends_at = f"c-meeting-{number}", starts_at + hours * 3600
    row = booking_row(
        f"b-{number:08x}", conference, host, starts_at, owner="host", title="Hội nghị giao ban tháng 11", class_=class_,
        ends_at=ends_at, state=state, state_at=ends_at, form={"chair": "Giám đốc Sở"}, decision=decision,
        received_at=starts_at - received, created_at=starts_at - received,
    )  # fmt: skip
    async with services.database.writing() as session:
        session.add(row)
        await session.flush()
        for position, (site, name) in enumerate(sites):
            rest = {"place": "Phòng họp tầng 2", "attendees": "Lãnh đạo", "attendee_count": 5}
            session.add(site_row(row.id, position, site, name, None, **rest))
        if state == "closed":
            for step, at in (("serving", starts_at), ("closed", ends_at)):
                session.add(BookingStep(booking_id=row.id, step=step, at=at, by="operator", remark=""))
        lines = [
            JournalEntry(starts_at - 60, "site_live", None, AGENCY, {}),
            JournalEntry(starts_at + 5, "site_live", None, "xa-van-mon", {}),
            JournalEntry(starts_at + 600, "site_away", None, "xa-van-mon", {"how": "timeout", "reason": ""}),
            JournalEntry(starts_at + 640, "site_live", None, "xa-van-mon", {}),
            JournalEntry(starts_at + 900, "note", "operator", None, {"text": "Đã thay micro cầm tay."}),
        ]
        await append(session, conference, lines)
        session.add(_quality(conference, "xa-van-mon", starts_at))
        session.add(_issue(conference, starts_at + 610, number))
        session.add_all(_roll_call(conference, starts_at, number))
    return conference


def _quality(conference: str, site: str, at: float) -> QualitySumRow:
    return QualitySumRow(
        conference_id=conference, site=site, name="UBND xã Văn Môn", first_at=at, last_at=at + 7200, good=90, fair=5,
        bad=3, lost=2, loss_sum=0.49, loss_most=0.12, jitter_sum=490.0, rtt_sum=2254.0, rtt_most=80.0, up_sum=1.0,
        down_sum=1.0,
    )  # fmt: skip


def _issue(conference: str, at: float, number: int) -> IssueRow:
    return IssueRow(
        id=f"i-{number}", conference_id=conference, site="xa-van-mon", name="UBND xã Văn Môn", source="site",
        category="sound", text="Micro không có tiếng <1>", figures={}, state="solved", at=at, by=None, taken_at=None,
        taken_by=None, solved_at=at + 60, solved_by="operator", remark="đã thay pin", fault=None,
    )  # fmt: skip


def _roll_call(conference: str, at: float, number: int) -> list[RollCallRow | RollCallSiteRow]:
    call = RollCallRow(
        id=f"r-{number}", conference_id=conference, active=None, state="finished", order_by="number", seconds=15.0,
        auto=True, skip_absent=False, position=2, step=3, called_at=None, due_at=None, left=None, moment={},
        started_at=at, started_by="operator", ended_at=at + 60, ended_by=None,
    )  # fmt: skip
    site = RollCallSiteRow(
        roll_call_id=call.id, position=0, site="xa-van-mon", name="UBND xã Văn Môn", number=2, result="poor",
        at=at + 30, by="operator", remark="tiếng nhỏ", on_air_ms=400,
    )  # fmt: skip
    return [call, site]
