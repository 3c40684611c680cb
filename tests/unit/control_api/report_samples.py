"""An agency that must report, its report of 2026, an evaluation, and bodies that pages send."""

from __future__ import annotations

from typing import Any

from control_api.accounts.rules import Role
from control_api.api import Route
from control_api.reports.tables import EvaluationRow, YearlyRow
from control_api.reports.years import Figures
from control_api.services import Services
from tests.unit.control_api import directory_samples
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
