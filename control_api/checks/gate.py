"""The gate of step "checked" (S80, S82): the newest verdict of every site is good, or an officer has decided so.

Whether it was done in time is the deadline board's business (`control_api.preparation`); `progress` tells it as `late`.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.booking import Booking
from control_api.bookings.gates import Blocker
from control_api.checks.checks import subject_of
from control_api.checks.progress import SiteProgress, progress
from control_api.checks.store import site_checks

_NAMED = 5


async def sites_are_checked(session: AsyncSession, booking: Booking, now: float) -> list[Blocker]:
    """Reads in the transaction of the step."""
    subject = subject_of(booking)
    return blocking(progress(subject.sites, await site_checks(session, subject.id), subject.starts_at))


def blocking(sites: list[SiteProgress]) -> list[Blocker]:
    """One blocker for each kind of trouble, naming the first sites.  Pure."""
    found = []
    for state, code, vi, en in (
        ("missing", "check_missing", "chưa kiểm tra kỹ thuật", "not checked yet"),
        ("failed", "check_failed", "kiểm tra kỹ thuật không đạt", "failed the technical check"),
        ("retest", "retest_open", "phải kiểm tra lại", "must be checked again"),
        ("speaker_missing", "speaker_check_missing", "sẽ phát biểu, chưa kiểm tra lần hai", "speak, no second check"),
    ):
        names = [one.site.name for one in sites if one.state == state]
        if names:
            shown = ", ".join(names[:_NAMED]) + ("…" if len(names) > _NAMED else "")
            found.append(Blocker(code, f"{len(names)} điểm cầu {vi}: {shown}.", f"{len(names)} sites {en}: {shown}."))
    return found
