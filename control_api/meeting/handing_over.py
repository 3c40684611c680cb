"""Issues of a meeting that become faults of the directory's register (S48, S56).

By a button at once, and by themselves when the meeting is closed and nobody has solved them: what a site told must not
end with the meeting.  Each becomes one fault, however often that is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from control_api.meeting.issues import WORDS
from control_api.meeting.tables import IssueRow
from control_api.problems import Refused
from mcu_core.errors import OperatorError
from signaling.messages import IssueCategory

if TYPE_CHECKING:
    from control_api.services import Services

_KINDS = ("line", "sound", "picture", "power")


async def hand_over(services: Services, row: IssueRow, by: str) -> IssueRow:
    """Make an issue a fault, with its figures.  Raises Refused `bad_issue`, OperatorError `unknown_site`."""
    if row.site is None:
        raise Refused(
            "bad_issue",
            "Sự cố này không thuộc một điểm cầu nào nên không ghi được vào sổ lỗi thiết bị.",
            "This issue is of no single site, so it cannot become a fault of the register.",
        )
    vi, _ = WORDS[cast("IssueCategory", row.category)]
    fault = await services.registry.faults.report_from_site(
        row.site,
        row.text or f"Sự cố {vi}",
        kind=row.category if row.category in _KINDS else "other",
        text="\n".join(filter(None, (row.text, row.remark))),
        figures=row.figures,
        conference=row.conference_id,
        by=by,
        command=f"issue/{row.id}",
    )
    issues = services.meeting.issues
    return await issues.change(
        row.conference_id, row.id, state=None, remark=None, fault=fault.id, by=by, at=services.now()
    )


async def hand_over_unsolved(services: Services, conference: str, by: str) -> int:
    """At the end of a meeting: what its sites told and nobody solved.  Returns how many became faults.

    Sites that the directory does not know, and issues of the whole conference, stay in the minutes only.
    """
    _, rows = await services.meeting.issues.page(conference=conference, limit=1000)
    number = 0
    for row in rows:
        if row.state == "solved" or row.source != "site" or row.fault is not None or row.site is None:
            continue
        try:
            await hand_over(services, row, by)
        except OperatorError as error:
            if error.code != "unknown_site":
                raise
            continue
        number += 1
    return number
