"""Step 3: the main side tells the sites both times, each with its own link (S70)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import check_scope
from control_api.bookings.booking import read_row
from control_api.bookings.desk import Desk, sites_of
from control_api.bookings.live_rooms import LiveRooms
from control_api.bookings.stamping import enter
from control_api.bookings.steps import HOLDING, Step, check_follows
from control_api.conferences.live import Live
from control_api.conferences.tables import JoinTokenRow
from control_api.problems import Refused


async def announce(
    desk: Desk, rooms: LiveRooms, live: Live, user: SignedIn, its_id: str, *, remark: str = "", links: bool = True
) -> int:
    """Write a notice for each site that has none of this version yet.  Returns how many are new.

    A site that was told before is told of the change and keeps its link; to one that is new it is the invitation,
    however often the meeting was changed before.  Whoever has no link, or whose link has ended, gets one.
    Raises Refused `wrong_step`, `room_not_ready`.
    """
    await rooms.settle(its_id)
    async with desk.database.reading() as session:
        row = await read_row(session, its_id, lock=False)
        check_scope(user, row.organisation_id)
        if Step(row.state) not in HOLDING:
            check_follows(Step(row.state), Step.ANNOUNCED, row.class_)  # type: ignore[arg-type]
        if row.live != "made":
            raise Refused(
                "room_not_ready",
                "Phòng họp đang được tạo. Hãy thử lại sau ít giây.",
                "The room is being made. Try again in a few seconds.",
                retry_after=3.0,
            )
        sites = await sites_of(session, its_id)
        told = await desk.outbox.told(session, its_id)
        have_link = told.keys() & await _with_token(session, row.conference_id)
    tokens = {}
    for site in sites if links else ():
        if site.site_id not in have_link:
            token = await live.issue_link(row.conference_id, site.site_id, actor=user.username)
            tokens[site.site_id] = desk.settings.join_url(token)
    now = desk.now()
    async with desk.database.writing() as session:
        row = await read_row(session, its_id)
        sites, rules = await sites_of(session, its_id), desk.rules(row)
        told, new = await desk.outbox.told(session, its_id), 0
        first = [site for site in sites if site.site_id not in told]
        again = [site for site in sites if told.get(site.site_id, row.sequence) != row.sequence]
        for kind, whom in (("request", first), ("update", again)):
            new += await desk.outbox.tell_sites(
                session, row, whom, kind, rules, now, main=sites[0], links=tokens, remark=remark
            )
        if row.state == Step.ALLOCATED:
            await enter(session, row, Step.ANNOUNCED, user.username, now, remark=remark)
        return new


async def _with_token(session: AsyncSession, conference_id: str) -> set[str]:
    """Sites that have a join link that works."""
    good = select(JoinTokenRow.site).where(
        JoinTokenRow.conference_id == conference_id, JoinTokenRow.site.is_not(None), JoinTokenRow.expires_at.is_(None)
    )
    return {site for site in await session.scalars(good) if site is not None}
