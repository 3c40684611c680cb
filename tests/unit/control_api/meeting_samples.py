"""A roll call, a request to speak and an issue with known ids, and bodies for the routes of the meeting."""

from __future__ import annotations

from typing import Any

from control_api.directory.tables import Contact, Organisation, Site
from control_api.meeting.tables import FloorRequestRow, IssueRow, RollCallRow, RollCallSiteRow
from control_api.services import Services

ROLL_CALL, REQUEST, ISSUE = "r-sample", "f-sample", "i-sample"
PARTS = {"roll_call": ROLL_CALL, "request": REQUEST, "issue": ISSUE}
ASKS: dict[str, dict[str, Any]] = {
    "begin_roll_call": {"order": "alphabet", "seconds": 10},
    "mark_roll_call": {"result": "present", "remark": "Tiếng nhỏ"},
    "step_roll_call": {"action": "pause", "step": 1},
    "raise_hand": {"site": "so-y-te"},
    "move_in_floor": {"position": 1},
    "call_sites": {"sites": ["so-y-te"]},
    "send_cue": {"kind": "check", "sites": ["so-y-te"]},
    "report_issue": {"site": "so-y-te", "category": "sound", "text": "Tiếng bị rè"},
    "change_issue": {"state": "taken", "remark": "Đang đổi micro"},
    "remark_site": {"remark": "Đường truyền ổn định", "score": 5},
    "change_to_reserve": {"text": "Chuyển sang đường dự phòng"},
}
_RUNNING = ("step_roll_call", "mark_roll_call")


async def add_samples(services: Services, conference: str, site: str, route: str) -> None:
    now = services.now()
    running = route in _RUNNING
    roll_call = RollCallRow(
        id=ROLL_CALL,
        conference_id=conference,
        active=conference if running else None,
        state="running" if running else "finished",
        order_by="number",
        seconds=15.0,
        auto=True,
        skip_absent=False,
        position=0,
        step=1,
        called_at=now,
        due_at=now + 15.0,
        left=None,
        moment=services.live.moment(conference),
        started_at=now - 60.0,
        started_by="operator",
        ended_at=None if running else now,
        ended_by=None,
    )
    called = RollCallSiteRow(
        roll_call_id=ROLL_CALL, position=0, site=site, name="Sở Y tế", number=1, result=None, at=None, by=None,
        remark="", on_air_ms=None,
    )  # fmt: skip
    request = FloorRequestRow(
        id=REQUEST, conference_id=conference, active=f"{conference}/{site}", site=site, name="Sở Y tế",
        state="waiting", rank=1.0, raised_at=now, raised_by=None, given_at=None, given_by=None, on_air_ms=None,
        ended_at=None,
    )  # fmt: skip
    issue = IssueRow(
        id=ISSUE, conference_id=conference, site=site, name="Sở Y tế", source="site", category="line", text="",
        figures={}, state="open", at=now, by=None, taken_at=None, taken_by=None, solved_at=None, solved_by=None,
        remark="", fault=None,
    )  # fmt: skip
    if route == "hand_over_issue":
        await add_directory(services, site)
    async with services.database.writing() as session:
        session.add(roll_call)
        await session.flush()
        session.add_all((called, request, issue))


async def add_directory(services: Services, site: str) -> None:
    """The site with its agency and somebody to telephone."""
    stamp = {"created_at": services.now(), "changed_at": services.now(), "changed_by": "officer"}
    async with services.database.writing() as session:
        session.add(Organisation(id="so-y-te", name="Sở Y tế", kind="department", folded="so y te", **stamp))
        await session.flush()
        session.add(
            Site(
                id=site, organisation_id="so-y-te", name="Sở Y tế", line_code="BNH-12", reserve_line="4G",
                folded="so y te", **stamp,
            )
        )  # fmt: skip
        await session.flush()
        session.add(
            Contact(
                id="d-1", organisation_id="so-y-te", site_id=site, role="technical", name="Phụ trách kỹ thuật",
                position="Chuyên viên", phone="0222 3 123 456", folded="phu trach ky thuat", **stamp,
            )
        )  # fmt: skip
